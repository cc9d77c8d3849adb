"""The cord on the grid of a map: given, found in its image, or carried from another scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.cord.segment import MASK_LEVEL, segment_cord
from napari_spinalq.errors import CordNotFoundError
from napari_spinalq.geometry import Grid, resample_array, to_work_order
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.levels.levelmap import slice_levels
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.progress import Progress, silent
from napari_spinalq.results import ScanResult
from napari_spinalq.scan import Scan

NO_DISCS = Labelling((), confirmed=False)
"""The discs of an exam on which none is named."""

CARRIED_CORD = "the cord was not found in this scan: that of {} was carried here by position"


@dataclass(frozen=True, eq=False)
class MapCord:
    """The cord on the grid of a map.

    Attributes
    ----------
    mask : array of uint8, shape of the grid
        1 where at least half of the voxel is cord.
    soft : array of float32, same shape
        Share of each voxel in the cord.
    centerline : Centerline
        Through its centres, RAS mm.
    flags : tuple of str
        What a reader must know.
    parameters : mapping
        How it was found.
    """

    mask: NDArray[np.uint8]
    soft: NDArray[np.float32]
    centerline: Centerline
    flags: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


def given_cord(mask: NDArray, grid: Grid) -> MapCord:
    """Return a cord that someone drew, 0..1, shape ``grid.shape``.

    Raises
    ------
    InputError
        If the mask is empty.
    """
    soft = np.asarray(mask, dtype=np.float32)
    centerline = cord_centerline(slice_shapes(mask, grid).centroid_mm, grid)
    return MapCord((soft >= MASK_LEVEL).astype(np.uint8), soft, centerline, (), {"method": "given"})


def measured_cord(result: ScanResult) -> MapCord:
    """Return the cord of a scan as it was measured."""
    soft = np.asarray(result.mask, dtype=np.float32)
    return MapCord(
        (soft >= MASK_LEVEL).astype(np.uint8), soft, result.centerline, (), {"method": "as measured on this scan"}
    )


def find_cord(scan: Scan, anatomical: ScanResult | None, progress: Progress = silent) -> MapCord:
    """Find the cord in a 3-D image; where it is not seen, carry it from an anatomical scan by position.

    Raises
    ------
    CordNotFoundError
        If the image shows no cord and there is no scan to carry it from.
    """
    try:
        found = segment_cord(scan, progress=progress)
    except CordNotFoundError:
        if anatomical is None:
            raise
        return carried_cord(anatomical, scan.grid)
    return MapCord(found.mask, found.soft, found.centerline, found.flags, found.parameters)


def carried_cord(anatomical: ScanResult, grid: Grid) -> MapCord:
    """Return the cord of an anatomical scan on another grid, by position alone.

    Raises
    ------
    CordNotFoundError
        If no half voxel of it lies on the grid.
    """
    soft = resample_array(anatomical.mask, anatomical.scan.grid, grid, order=1, fill=0.0)
    if not np.any(soft >= MASK_LEVEL):
        raise CordNotFoundError(f"The cord of {anatomical.scan.name} does not reach this scan; give its mask (--mask).")
    name = anatomical.scan.name
    return replace(
        given_cord(soft, grid), flags=(CARRIED_CORD.format(name),), parameters={"method": f"carried from {name}"}
    )


def levels_of_slices(labelling: Labelling, centerline: Centerline, mask: NDArray, grid: Grid) -> NDArray[np.int_]:
    """Return the vertebral level of each axial slice that holds the cord, shape (n_slices,); 0 for the others.

    Parameters
    ----------
    labelling : Labelling
        Named discs in RAS mm, perhaps of another scan: they are carried by position.
    centerline : Centerline
        Of the cord.
    mask : array, shape ``grid.shape``
        The cord.
    grid : Grid
        In any axis order.
    """
    cord, work = to_work_order(mask, grid)
    held = np.asarray(cord.any(axis=(1, 2)))
    if not labelling.discs:
        return np.zeros(len(held), dtype=int)
    return np.where(held, slice_levels(labelling, centerline, work), 0)

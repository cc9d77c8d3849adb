"""The cord on the grid of a map: given, found in its image, or carried from another scan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.cord.segment import EDGE_OFFSET_PIXELS, HOW_TO_MEND, MASK_LEVEL, segment_cord
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import WORK_AXES, Grid, box_around, reorient_array, resample_array, to_work_order
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.levels.levelmap import slice_levels
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.progress import Progress, silent
from napari_spinalq.registration.seed import carry_mask
from napari_spinalq.results import ScanResult
from napari_spinalq.scan import Scan

NO_DISCS = Labelling((), confirmed=False)
"""The discs of an exam on which none is named."""

PHYSICAL_EDGE_MM = 0.0
"""The cord of a map is drawn at its half-maximum edge, not inside of it where readers draw: what lies between the two
would count as CSF, and the tracts along the edge would be freed of CSF that is not there."""

SMOOTHING_PIXELS, FINE = 0.7, 5
"""The outline of a binary mask is smoothed by a Gaussian of this many pixels, its area kept, and its share of a pixel
is counted on this many points along each side."""

GIVE_MASK = "draw it and give the mask (--mask of spinalq dti), or add an anatomical scan that shows it"
"""How to mend a series in which no cord was found: a point is not asked for there."""

CARRIED_CORD = "the cord of {} was carried here by position"
SEEDED_CORD = "the cord was not found in this scan: that of {} was carried here, to where the images agree best"


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


def given_cord(mask: NDArray, grid: Grid, *, offset_mm: float = 0.0) -> MapCord:
    """Return a cord that someone drew.

    Parameters
    ----------
    mask : array, shape ``grid.shape``
        0..1.
    grid : Grid
        Of the mask.
    offset_mm : float
        How far inside the physical edge it was drawn, as far as that is known, mm.

    Raises
    ------
    InputError
        If the mask is empty, or no voxel of it is half cord.
    """
    centerline = cord_centerline(slice_shapes(mask, grid).centroid_mm, grid)
    drawn = (np.asarray(mask) >= MASK_LEVEL).astype(np.uint8)
    if not drawn.any():
        raise InputError(
            f"The cord mask reaches {np.max(mask):.2g} at most, so no voxel is half cord; give shares of 0 to 1."
        )
    return MapCord(drawn, physical_shares(mask, grid, offset_mm), centerline, (), {"method": "given"})


def measured_cord(result: ScanResult) -> MapCord:
    """Return the cord of a scan as it was measured, with its shares at the physical edge (:func:`physical_shares`)."""
    mask = (np.asarray(result.mask) >= MASK_LEVEL).astype(np.uint8)
    offset_mm = result.parameters.get("edge_offset_mm", EDGE_OFFSET_PIXELS * min(in_plane_mm(result.scan.grid)))
    soft = physical_shares(result.mask, result.scan.grid, float(offset_mm))
    return MapCord(mask, soft, result.centerline, (), {"method": "as measured on this scan"})


def physical_shares(mask: NDArray, grid: Grid, offset_mm: float) -> NDArray[np.float32]:
    """Return the share of each voxel in the cord, out to its physical edge.

    Parameters
    ----------
    mask : array, shape ``grid.shape``
        The cord as it was drawn, 0..1.
    grid : Grid
        Of the mask.
    offset_mm : float
        How far inside the physical edge it was drawn, mm.

    Returns
    -------
    array of float32
        The outline is smoothed by ``SMOOTHING_PIXELS``, since a mask of whole voxels is a staircase, grown by the
        offset within its axial slice, and its share of each voxel is counted on ``FINE`` x ``FINE`` points. The mask
        itself where it is soft and drawn at the edge.
    """
    soft = np.asarray(mask, dtype=np.float32)
    if offset_mm == 0 and np.any((soft > 0) & (soft < 1)):
        return soft
    work, work_grid = to_work_order(soft, grid)
    spacing = work_grid.spacing[1:]
    margin = [math.ceil(abs(offset_mm) / side) + 2 for side in spacing]
    shares = np.zeros(work.shape, dtype=np.float32)
    for plane, share in zip(work, shares, strict=True):
        if plane.any():
            box = box_around(plane, margin)
            share[box] = _grown(plane[box], spacing, offset_mm)
    return reorient_array(shares, work_grid, grid.axis_codes)[0]


def _grown(plane: NDArray[np.float32], spacing: tuple[float, ...], offset_mm: float) -> NDArray[np.float32]:
    """Return the share of each pixel within the smoothed outline of a slice, grown by an offset."""
    smooth = ndimage.gaussian_filter(plane, SMOOTHING_PIXELS)
    places = np.meshgrid(*((np.arange(n * FINE) + 0.5) / FINE - 0.5 for n in plane.shape), indexing="ij")
    fine_values = ndimage.map_coordinates(smooth, places, order=1, mode="nearest")
    held = round(float(plane.sum()) * FINE**2)  # smoothing must not take area from a convex outline
    fine = fine_values >= np.sort(fine_values, axis=None)[max(fine_values.size - held, 0)]
    sampling = [side / FINE for side in spacing]
    if offset_mm > 0 and fine.any():
        fine = ndimage.distance_transform_edt(~fine, sampling=sampling) <= offset_mm
    elif offset_mm < 0:
        fine = ndimage.distance_transform_edt(fine, sampling=sampling) > -offset_mm
    rows, columns = plane.shape
    return fine.reshape(rows, FINE, columns, FINE).mean(axis=(1, 3), dtype=np.float32)


def in_plane_mm(grid: Grid) -> tuple[float, ...]:
    """Return the pixel sides of the axial slices, mm."""
    return grid.reoriented(WORK_AXES).spacing[1:]


def find_cord(scan: Scan, anatomical: ScanResult | None, progress: Progress = silent) -> MapCord:
    """Find the cord in a 3-D image; where it is not seen, carry it from an anatomical scan to where both agree best.

    Raises
    ------
    CordNotFoundError
        If the image shows no cord and there is no scan to carry it from.
    """
    try:
        found = segment_cord(scan, edge_offset_mm=PHYSICAL_EDGE_MM, progress=progress)
    except CordNotFoundError as error:
        if anatomical is None:
            raise CordNotFoundError(str(error).replace(HOW_TO_MEND, GIVE_MASK)) from None
        return seeded_cord(anatomical, scan, progress)
    return MapCord(found.mask, found.soft, found.centerline, found.flags, found.parameters)


def seeded_cord(anatomical: ScanResult, scan: Scan, progress: Progress = silent) -> MapCord:
    """Return the cord of an anatomical scan on another image, moved within slices to where both images agree best.

    Raises
    ------
    CordNotFoundError
        If it does not reach the image.
    """
    try:
        mask = carry_mask(anatomical.scan, anatomical.mask, scan, progress=progress)
    except InputError as error:
        raise _not_reached(anatomical) from error
    return _carried(mask, scan.grid, anatomical, SEEDED_CORD)


def carried_cord(anatomical: ScanResult, grid: Grid) -> MapCord:
    """Return the cord of an anatomical scan on another grid, by position alone.

    Raises
    ------
    CordNotFoundError
        If no half voxel of it lies on the grid.
    """
    soft = resample_array(anatomical.mask, anatomical.scan.grid, grid, order=1, fill=0.0)
    return _carried(soft, grid, anatomical, CARRIED_CORD)


def _carried(mask: NDArray, grid: Grid, anatomical: ScanResult, said: str) -> MapCord:
    if not np.any(mask >= MASK_LEVEL):
        raise _not_reached(anatomical)
    name = anatomical.scan.name
    return replace(given_cord(mask, grid), flags=(said.format(name),), parameters={"method": f"carried from {name}"})


def _not_reached(anatomical: ScanResult) -> CordNotFoundError:
    return CordNotFoundError(f"The cord of {anatomical.scan.name} does not reach this scan; give its mask (--mask).")


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

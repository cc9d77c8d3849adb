"""Fitting an atlas to a cord: the share of every voxel of a scan in each part."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order, work_view
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.atlas import Atlas, sample_maps
from napari_spinalq.tracts.frame import CordFrame, cord_frame
from napari_spinalq.tracts.levels import atlas_levels
from napari_spinalq.tracts.maps import TractMaps

CSF_RING_MM = 2.0
"""CSF is taken up to this far (mm) from the cord, where no canal is given: the dural sac of C3 to
C7 leaves 2.5 to 3 mm around a cord that lies in its middle, and less on one side of a cord that does not."""

SAMPLE_STEP_MM, MAX_SAMPLES = 0.25, 7
"""Each voxel is read at points no farther apart than this (mm) along each axis, and at no more than this many."""


def fit_atlas(
    atlas: Atlas,
    mask: NDArray,
    slice_levels: ArrayLike | None,
    grid: Grid,
    *,
    grey_matter: NDArray | None = None,
    canal: NDArray | None = None,
    scan: Scan | None = None,
    progress: Progress = silent,
) -> TractMaps:
    """Lay an atlas over a cord.

    Parameters
    ----------
    atlas : Atlas
        Its parts.
    mask : array, shape ``grid.shape``
        The cord, binary or soft (0..1), in the axis order of its file.
    slice_levels : (n_slices,) array of int, or None
        Vertebral level of each slice of the work order, from inferior (1 = C1, 0 = none). With none at all the
        mid-cervical shape is used, and flagged.
    grid : Grid
        Grid of the mask.
    grey_matter : array, shape ``grid.shape``, optional
        Measured grey matter, 0..1: the atlas is bent so that its grey matter meets it.
    canal : array, shape ``grid.shape``, optional
        Spinal canal, 0..1: CSF is the canal less the cord. Without it CSF is a ring of ``CSF_RING_MM``.
    scan : Scan, optional
        Where no grey matter is given, it is looked for here.
    progress : Progress
        Told where the work stands; may stop it.

    Returns
    -------
    TractMaps
        True partial volumes: each voxel is read at many points, in the plane and along the leaning cord.

    Raises
    ------
    InputError
        If a mask has another shape, values outside 0..1 or no cross-section of a cord, or the levels do not fit.
    """
    cover, work_grid = to_work_order(_checked(mask, grid, "cord mask"), grid)
    frame = cord_frame(cover, work_grid.spacing)
    if not len(frame.slices):
        raise InputError("The cord mask holds no cross-section of a cord; segment the cord first.")
    levels = atlas_levels(atlas, slice_levels, frame.slices, len(cover))
    room = None if canal is None else to_work_order(_checked(canal, grid, "canal mask"), grid)[0]
    fractions = np.zeros((len(atlas.tracts), *grid.shape), np.float32)
    views = [work_view(one, grid) for one in fractions]
    steps = portion(progress, 0.0, 1.0)
    for row, index in enumerate(frame.slices):
        steps(row / len(frame.slices), "fitting the atlas")
        if np.isnan(levels.values[index]):
            continue
        place = _Window.around(frame, row, cover.shape[1:], work_grid.spacing)
        maps = atlas.level_maps(float(levels.values[index]))
        parts = _read(maps, frame, row, place)
        csf = _csf(parts.sum(axis=0), frame, row, place, None if room is None else room[index])
        for view, share in zip(views, (*parts, csf), strict=True):
            view[index][place.box] = share
    progress(1.0, "atlas fitted")
    return TractMaps(atlas.tracts, atlas.groups, fractions, atlas.name, levels.flags)


def _checked(mask: NDArray, grid: Grid, what: str) -> NDArray[np.float32]:
    values = np.asarray(mask, dtype=np.float32)
    if values.shape != grid.shape:
        raise InputError(f"The {what} has shape {values.shape} but its grid has {grid.shape}; use the scan's grid.")
    if not (values.min() >= 0 and values.max() <= 1):
        raise InputError(f"The {what} holds values outside 0 to 1; give the share of each voxel.")
    return values


@dataclass(frozen=True, eq=False)
class _Window:
    """Voxels of a slice in which the cord and the CSF around it lie.

    Attributes
    ----------
    box : tuple of 2 slice
        Rows and columns.
    x_mm, y_mm : (n_y, n_x) arrays
        Centres of its voxels, mm from the centre of the slice's first pixel.
    offsets : (n, 3) array
        Points of a voxel: x and y in mm from its centre, height in slices.
    """

    box: tuple[slice, slice]
    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def around(
        cls, frame: CordFrame, row: int, shape: tuple[int, ...], spacing_mm: tuple[float, float, float]
    ) -> _Window:
        reach = frame.reach_mm(row) + CSF_RING_MM
        centre = frame.centres_mm[row]
        spans = [
            slice(max(0, int(np.floor((middle - half) / side))), min(size, int(np.ceil((middle + half) / side)) + 1))
            for middle, half, side, size in zip(centre[::-1], reach[::-1], spacing_mm[1:], shape, strict=True)
        ]
        y, x = np.meshgrid(
            *(np.arange(span.start, span.stop) * side for span, side in zip(spans, spacing_mm[1:], strict=True)),
            indexing="ij",
        )
        return cls((spans[0], spans[1]), x, y, _sample_offsets(spacing_mm))


def _sample_offsets(spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return even points of a voxel: x and y in mm, height in slices; shape (n, 3), by height."""
    height, y, x = (
        (np.arange(count) + 0.5) / count - 0.5
        for count in (min(MAX_SAMPLES, int(np.ceil(side / SAMPLE_STEP_MM))) for side in spacing_mm)
    )
    points = np.array(list(product(height, y, x)))
    return points[:, ::-1] * [spacing_mm[2], spacing_mm[1], 1.0]


def _read(maps: NDArray[np.float32], frame: CordFrame, row: int, place: _Window) -> NDArray[np.float32]:
    """Return the mean share of each part over the points of every voxel, shape (n_parts, n_y, n_x)."""
    total = np.zeros((len(maps), *place.x_mm.shape), np.float32)
    for right, anterior, height in place.offsets:
        x, y = frame.normalised(row, place.x_mm + right, place.y_mm + anterior, float(height))
        inside = np.hypot(x, y) <= 1.0
        total[:, inside] += sample_maps(maps, x[inside], y[inside])
    total /= len(place.offsets)
    return total


def _csf(
    cord: NDArray[np.float32], frame: CordFrame, row: int, place: _Window, room: NDArray | None
) -> NDArray[np.float32]:
    """Return the share of CSF: what the cord leaves of the canal, or of the ring around it."""
    if room is not None:
        return np.asarray(np.clip(room[place.box] - cord, 0.0, 1.0), dtype=np.float32)
    x, y = frame.normalised(row, place.x_mm, place.y_mm)
    radius = np.maximum(np.hypot(x, y), 1e-9)
    from_centre = np.hypot(place.x_mm - frame.centres_mm[row, 0], place.y_mm - frame.centres_mm[row, 1])
    in_ring = from_centre * (1 - 1 / radius) <= CSF_RING_MM
    return np.asarray(np.where(in_ring | (cord > 0), np.clip(1 - cord, 0.0, 1.0), 0.0), dtype=np.float32)

"""Fitting an atlas to a cord: the share of every voxel of a scan in each part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.cord.centerline import fit_centerline
from napari_spinalq.cord.ends import slice_ranges
from napari_spinalq.cord.grey_matter import segment_grey_matter
from napari_spinalq.cord.segment import MASK_LEVEL
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES, Grid, to_work_order, work_view
from napari_spinalq.metrics.section import cut_pieces
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.atlas import Atlas
from napari_spinalq.tracts.bend import bent
from napari_spinalq.tracts.frame import CordFrame, cord_frame
from napari_spinalq.tracts.grey import bends_to
from napari_spinalq.tracts.levels import atlas_levels
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.raster import Window, read_shares

CSF_RING_MM = 2.0
"""CSF is taken up to this far (mm) from the cord, where no canal is given: the dural sac of C3 to
C7 leaves 2.5 to 3 mm around a cord that lies in its middle, and less on one side of a cord that does not."""


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
    cover, strays = _without_strays(cover)
    frame = cord_frame(cover, work_grid.spacing)
    if not len(frame.slices):
        raise InputError("The cord mask holds no cross-section of a cord; segment the cord first.")
    levels = atlas_levels(atlas, slice_levels, frame.slices, len(cover))
    room = None if canal is None else to_work_order(_checked(canal, grid, "canal mask"), grid)[0]
    if grey_matter is None and scan is not None:
        grey_matter = _grey_matter_of(scan, mask, frame, work_grid, slice_levels, portion(progress, 0.0, 0.5))
    rows = {row: float(levels.values[index]) for row, index in enumerate(frame.slices)}
    rows = {row: level for row, level in rows.items() if not np.isnan(level)}
    bends: dict[int, NDArray[np.float64]] = {}
    flags = (*atlas.flags, *levels.flags, *strays)
    if grey_matter is not None:
        grey, _ = to_work_order(_checked(grey_matter, grid, "grey matter"), grid)
        grey_maps = {row: atlas.level_maps(level)[atlas.grey].sum(axis=0) for row, level in rows.items()}
        bends, empty = bends_to(grey, grey_maps, frame, work_grid.spacing, portion(progress, 0.5, 0.7))
        flags = (*flags, *_without_grey_matter(frame.slices[list(empty)], len(grey)))
    fractions = _drawn(atlas, rows, bends, frame, grid, room, portion(progress, 0.7, 1.0))
    progress(1.0, "atlas fitted")
    return TractMaps(atlas.tracts, atlas.groups, fractions, atlas.name, flags)


def _without_strays(cover: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Keep the largest piece of the cord in each slice: the centre and the axes of the cord are taken from it."""
    kept, cut = cover.copy(), np.zeros(len(cover), dtype=bool)
    for index, plane in enumerate(kept):
        pieces = cut_pieces(cover[index])
        if len(pieces) > 1:
            largest = max(pieces, key=lambda piece: piece.weight)
            plane[:] = 0
            height, width = largest.values.shape
            plane[largest.top : largest.top + height, largest.left : largest.left + width] = largest.values
            cut[index] = True
    flag = f"the cord mask has stray pieces in slices {slice_ranges(cut)}: tracts follow the largest piece"
    return kept, (flag,) if cut.any() else ()


def _without_grey_matter(slices: NDArray[np.int_], n_slices: int) -> tuple[str, ...]:
    if not len(slices):
        return ()
    without = np.zeros(n_slices, dtype=bool)
    without[slices] = True
    return (f"no grey matter measured in slices {slice_ranges(without)}: tracts there follow their neighbours",)


def _drawn(
    atlas: Atlas,
    levels: dict[int, float],
    bends: dict[int, NDArray[np.float64]],
    frame: CordFrame,
    grid: Grid,
    room: NDArray | None,
    progress: Progress,
) -> NDArray[np.float32]:
    """Return the share of every voxel in each part and in CSF, shape (n_tracts, *grid.shape), axis order of the file.

    Parameters
    ----------
    levels, bends : dict
        Level, and mode weights where there are any, of each row of the frame that is drawn.
    """
    work_grid = grid.reoriented(WORK_AXES)
    fractions = np.zeros((len(atlas.tracts), *grid.shape), np.float32)
    views = [work_view(one, grid) for one in fractions]
    for row, level in levels.items():
        progress(row / len(frame.slices), "fitting the atlas")
        index = int(frame.slices[row])
        maps = atlas.level_maps(level)
        window = Window.around(frame, row, work_grid.shape[1:], work_grid.spacing, CSF_RING_MM)
        parts = read_shares(bent(maps, bends[row]) if row in bends else maps, frame, row, window)
        for view, share in zip(views, (*parts, _ring(parts.sum(axis=0), frame, row, window)), strict=True):
            view[index][window.box] = share
        if room is not None:
            views[-1][index] = np.clip(room[index] - sum(view[index] for view in views[:-1]), 0.0, 1.0)
    return fractions


def _grey_matter_of(
    scan: Scan, mask: NDArray, frame: CordFrame, work_grid: Grid, slice_levels: ArrayLike | None, progress: Progress
) -> NDArray[np.float32] | None:
    """Look for grey matter in the scan; None where it shows none, or where a single slice gives no direction."""
    if len(frame.slices) < 2:
        return None
    voxels = np.column_stack([frame.slices, frame.centres_mm[:, ::-1] / work_grid.spacing[1:]])
    centerline = fit_centerline(work_grid.voxel_to_mm(voxels))
    seen = _without_gaps(scan, mask)
    found = segment_grey_matter(seen, mask, centerline, slice_levels=slice_levels, progress=progress)
    return found.soft if found.measurable else None


def _without_gaps(scan: Scan, mask: NDArray) -> Scan:
    """Give voxels that are not finite the median of the cord in their axial slice: a grey that shows no tissue."""
    finite = np.isfinite(scan.data)
    if finite.all():
        return scan
    data = np.where(finite, scan.data, np.nan)
    known = work_view(np.where(np.asarray(mask) >= MASK_LEVEL, data, np.nan), scan.grid)
    for plane, cord in zip(work_view(data, scan.grid), known, strict=True):
        seen = cord[np.isfinite(cord)]
        plane[np.isnan(plane)] = np.median(seen) if seen.size else 0.0
    return replace(scan, data=data)


@dataclass(frozen=True)
class FitQuality:
    """How well a fitted atlas meets what was measured.

    Attributes
    ----------
    cord_dice : float
        Overlap of the atlas and the cord mask, each at a half share, in the slices that hold both.
    grey_matter_dice : float
        The same for grey matter; NaN where none was given.
    """

    cord_dice: float
    grey_matter_dice: float


def fit_quality(maps: TractMaps, mask: NDArray, grid: Grid, grey_matter: NDArray | None = None) -> FitQuality:
    """Compare a fitted atlas with the cord, and with the grey matter if it was measured.

    Parameters
    ----------
    maps : TractMaps
        On ``grid``.
    mask, grey_matter : arrays, shape ``grid.shape``
        0..1, axis order of the file.
    grid : Grid
        Grid of all.
    """
    grey = np.nan if grey_matter is None else _dice(maps.fraction("grey_matter"), grey_matter, grid)
    return FitQuality(_dice(maps.fraction("cord"), mask, grid), grey)


def _dice(first: NDArray, second: NDArray, grid: Grid) -> float:
    """Return the Dice overlap at half shares over the axial slices that both hold; NaN if there is none."""
    one, other = (to_work_order(np.asarray(values) >= MASK_LEVEL, grid)[0] for values in (first, second))
    both = one.any(axis=(1, 2)) & other.any(axis=(1, 2))
    size = one[both].sum() + other[both].sum()
    return float(2 * (one & other)[both].sum() / size) if size else float("nan")


def _checked(mask: NDArray, grid: Grid, what: str) -> NDArray[np.float32]:
    values = np.asarray(mask, dtype=np.float32)
    if values.shape != grid.shape:
        raise InputError(f"The {what} has shape {values.shape} but its grid has {grid.shape}; use the scan's grid.")
    if not (values.min() >= 0 and values.max() <= 1):
        raise InputError(f"The {what} holds values outside 0 to 1; give the share of each voxel.")
    return values


def _ring(cord: NDArray[np.float32], frame: CordFrame, row: int, window: Window) -> NDArray[np.float32]:
    """Return the share of CSF where no canal is given: what the cord leaves of a ring around it."""
    x, y = frame.normalised(row, window.x_mm, window.y_mm)
    radius = np.maximum(np.hypot(x, y), 1e-9)
    from_centre = np.hypot(window.x_mm - frame.centres_mm[row, 0], window.y_mm - frame.centres_mm[row, 1])
    in_ring = from_centre * (1 - 1 / radius) <= CSF_RING_MM
    return np.asarray(np.where(in_ring | (cord > 0), np.clip(1 - cord, 0.0, 1.0), 0.0), dtype=np.float32)

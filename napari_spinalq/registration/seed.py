"""A first cord mask on a scan that has none: carried from another scan, moved to where the images agree best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import reorient_array, to_work_order
from napari_spinalq.progress import Progress, silent
from napari_spinalq.registration.affine import SHIFT_LENGTH_MM, shifted
from napari_spinalq.registration.along import smoothed_along
from napari_spinalq.registration.field import SliceFrame
from napari_spinalq.registration.moments import sections_of
from napari_spinalq.registration.outline import no_change
from napari_spinalq.registration.points import carried_near, carried_onto, points_there
from napari_spinalq.registration.quality import INSIDE
from napari_spinalq.registration.register import check_mask
from napari_spinalq.registration.similarity import BINS, around, correlation_ratio
from napari_spinalq.registration.warp import Warp
from napari_spinalq.scan import Scan

SEARCH_MM, SEARCH_STEP_MM = 8.0, 0.5
"""How far from scanner position the cord is looked for and in which steps, mm: people lie still to some millimetres
within an exam, and echo-planar images shift the cord by as many."""

ALONG_MM = 10.0
"""Scores of shifts are averaged along the stack with this standard deviation (mm): a cord does not jump."""

FAR_COST_PER_MM2 = 0.001
"""What a shift costs, share of variance per mm2: 0.06 at 8 mm, so that nothing moves where no shift explains more."""


def carry_mask(source: Scan, source_mask: NDArray, target: Scan, *, progress: Progress = silent) -> NDArray[np.uint8]:
    """Return a first cord mask for a scan of the same exam: place it, then segment or correct it there.

    From scanner position the mask is shifted within each axial slice of the target to where the grey values of the
    source explain those of the target best, whatever the contrasts; shifts are smooth along the stack.

    Parameters
    ----------
    source : Scan
        With a known cord.
    source_mask : array, shape ``source.grid.shape``
        Its cord, binary or soft.
    target : Scan
        Any contrast; the mean over its volumes counts.
    progress : Progress
        Told how far the work is; may stop it.

    Returns
    -------
    array of uint8, shape ``target.grid.shape``
        0 or 1.

    Raises
    ------
    GridMismatchError, InputError
        As :func:`~napari_spinalq.registration.register.register_scans`; if the source's cord does not reach the
        target.
    """
    check_mask(source, source_mask)
    image, work = to_work_order(np.asarray(target.mean_volume().data, dtype=np.float32), target.grid)
    frame = SliceFrame(work)
    mask = carried_onto(frame, None, source.grid, source_mask)
    sections = sections_of(mask, frame)
    if not sections.shown.any():
        raise InputError(f"The cord of {source.name} does not reach any slice of {target.name}; segment it there.")
    near = around(mask, frame)
    values = carried_near(points_there(None, frame), work, source.grid, source.mean_volume().data, near)
    scores = _scores(values, image, near, frame, sections.shown, progress)
    shifts = _best_shifts(scores, sections.shown, frame)
    centres = smoothed_along(frame.heights_mm, sections.centre_mm, sections.shown, SHIFT_LENGTH_MM) + shifts
    warp = Warp(shifted(centres, -shifts), no_change(frame.slices))
    found = carried_onto(frame, warp.field(frame), source.grid, source_mask)
    progress(1.0, "cord carried over")
    return reorient_array((np.nan_to_num(found) >= INSIDE).astype(np.uint8), work, target.grid.axis_codes)[0]


def _candidates() -> NDArray[np.float64]:
    """Return the shifts that are tried, to anterior and to the right, shape (n, 2), mm."""
    steps = np.arange(-SEARCH_MM, SEARCH_MM + SEARCH_STEP_MM / 2, SEARCH_STEP_MM)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid[np.linalg.norm(grid, axis=1) <= SEARCH_MM]


def _scores(
    values: NDArray,
    image: NDArray,
    near: NDArray[np.bool_],
    frame: SliceFrame,
    shown: NDArray[np.bool_],
    progress: Progress,
) -> NDArray[np.float64]:
    """Return how well the source explains each slice of the target at each shift, shape (slices, n)."""
    candidates = _candidates()
    pixels = candidates / np.asarray(frame.grid.spacing[1:])
    found = np.zeros((frame.slices, len(candidates)))
    for index in np.flatnonzero(shown):
        progress(0.9 * index / frame.slices, "looking for the cord")
        rows, columns = np.nonzero(near[index] & np.isfinite(values[index]))
        if len(rows) < 2 * BINS:
            continue
        places = [rows[:, None] + pixels[:, 0], columns[:, None] + pixels[:, 1]]
        there = ndimage.map_coordinates(np.nan_to_num(image[index]), places, order=1, mode="nearest")
        found[index] = correlation_ratio(values[index][rows, columns], there)
    return found - FAR_COST_PER_MM2 * (candidates**2).sum(axis=1)


def _best_shifts(scores: NDArray[np.float64], shown: NDArray[np.bool_], frame: SliceFrame) -> NDArray[np.float64]:
    """Return the best shift of each slice, smooth along the stack, (slices, 2), mm."""
    spread = ALONG_MM / frame.grid.spacing[0]
    weight = ndimage.gaussian_filter1d(shown.astype(float), spread, mode="constant")
    pooled = ndimage.gaussian_filter1d(scores * shown[:, None], spread, axis=0, mode="constant")
    best = _candidates()[(pooled / np.maximum(weight, 1e-9)[:, None]).argmax(axis=1)]
    return smoothed_along(frame.heights_mm, best, shown, SHIFT_LENGTH_MM)

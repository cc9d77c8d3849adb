"""The best path of the cord through the slabs, by dynamic programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid

SHIFT_PENALTY = 0.02
"""Cost of a sideways shift, per mm2 and divided by the slab distance in mm: 20 degrees over 10 mm cost 0.03."""

MAX_SLOPE = 1.2
"""Steepest path tried, mm sideways per mm along: 50 degrees, more than any cord that can lie in a scanner."""

CLICK_RADIUS_MM = 2.0
"""A click holds the path within this distance (mm): a third of a cord."""

FORBIDDEN = np.float32(-1e3)


def click_place(
    at: tuple[float, float, float], work_grid: Grid, slab_mm: NDArray[np.float64]
) -> tuple[int, float, float]:
    """Return a clicked point as a place in a slab: (slab, y mm, x mm) from the first voxel.

    Parameters
    ----------
    at : tuple of 3 float
        A point on the cord, RAS mm.
    work_grid : Grid
        Grid of the scan in work order.
    slab_mm : (n_slabs,) array
        Height of each slab above the first voxel, mm.

    Raises
    ------
    InputError
        If the point lies outside of the scan.
    """
    if not work_grid.contains(at):
        where = ", ".join(f"{v:g}" for v in at)
        raise InputError(f"The point ({where}) mm lies outside of the scan; give RAS mm of a point on the cord.")
    z, y, x = work_grid.mm_to_voxel(at) * np.asarray(work_grid.spacing)
    return int(np.argmin(np.abs(slab_mm - z))), float(y), float(x)


def best_path(
    scores: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    click: tuple[int, float, float] | None = None,
) -> NDArray[np.float64]:
    """Find the chain of places, one a slab, with the largest sum of scores less the cost of shifts.

    Parameters
    ----------
    scores : (n_slabs, n_y, n_x) array
        Score of each place.
    spacing_mm : tuple of 3 float
        Distance between slabs, rows and columns, mm.
    click : tuple (slab, y_mm, x_mm), optional
        A place on the cord, which the path must pass within ``CLICK_RADIUS_MM``.

    Returns
    -------
    (n_slabs, 3) array
        y mm, x mm and score of each place.
    """
    scores = scores if click is None else _held_at(scores, spacing_mm, click)
    totals = np.empty_like(scores)
    from_y, from_x = (np.zeros(scores.shape, np.int16) for _ in range(2))
    totals[0] = scores[0]
    for slab in range(1, len(scores)):
        along_y, from_y[slab] = _spread(totals[slab - 1], 0, spacing_mm)
        along_x, from_x[slab] = _spread(along_y, 1, spacing_mm)
        totals[slab] = along_x + scores[slab]
    return _traced(scores, totals[-1], from_y, from_x, spacing_mm)


def _held_at(
    scores: NDArray[np.float32], spacing_mm: tuple[float, float, float], click: tuple[int, float, float]
) -> NDArray[np.float32]:
    slab, y_mm, x_mm = click
    held = scores.copy()
    held[slab] = _within(scores[slab], spacing_mm, (y_mm, x_mm), CLICK_RADIUS_MM)
    return held


def _within(
    slab: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    place_mm: tuple[float, float] | NDArray[np.float64],
    radius_mm: float,
) -> NDArray[np.float32]:
    """Return the scores of a slab with all places forbidden that lie farther from one; the nearest stays free."""
    rows = np.arange(slab.shape[0])[:, None] * spacing_mm[1] - place_mm[0]
    columns = np.arange(slab.shape[1])[None, :] * spacing_mm[2] - place_mm[1]
    distance = np.hypot(rows, columns)
    return np.where(distance > max(radius_mm, float(distance.min()) + 1e-6), FORBIDDEN, slab)


def _spread(
    totals: NDArray[np.float32], axis: int, spacing_mm: tuple[float, float, float]
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Return the best total reachable from each pixel by a shift along one axis, and that shift in pixels."""
    pixel = spacing_mm[1 + axis]
    reach = min(max(1, int(np.ceil(MAX_SLOPE * spacing_mm[0] / pixel))), totals.shape[axis] - 1)
    best, shift_of = totals.copy(), np.zeros(totals.shape, np.int16)
    for shift in [*range(-reach, 0), *range(1, reach + 1)]:
        cost = SHIFT_PENALTY * (shift * pixel) ** 2 / spacing_mm[0]
        to = [slice(None)] * 2
        source = [slice(None)] * 2
        n = totals.shape[axis]
        to[axis] = slice(max(0, -shift), n - max(0, shift))
        source[axis] = slice(max(0, shift), n - max(0, -shift))
        candidate = totals[tuple(source)] - np.float32(cost)
        better = candidate > best[tuple(to)]
        best[tuple(to)][better] = candidate[better]
        shift_of[tuple(to)][better] = shift
    return best, shift_of


def _traced(
    scores: NDArray[np.float32],
    last: NDArray[np.float32],
    from_y: NDArray[np.int16],
    from_x: NDArray[np.int16],
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.float64]:
    y, x = np.unravel_index(int(np.argmax(last)), last.shape)
    path = np.empty((len(scores), 3))
    for slab in range(len(scores) - 1, -1, -1):
        path[slab] = y * spacing_mm[1], x * spacing_mm[2], scores[slab, y, x]
        # The spread went along y first and x second, so the way back undoes x first.
        x = x + from_x[slab, y, x]
        y = y + from_y[slab, y, x]
    return path

"""The best path of the cord through the slabs, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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

CONE_SLOPES = (0.7, 0.35)
"""Away from a place that a person gave, the path moves by at most this many mm to anterior or posterior, and to either
side, per mm along: necks bend by 35 degrees, and lie askew by 19 at most."""

FORBIDDEN = np.float32(-1e3)


class Place(NamedTuple):
    """A place that the path must pass: its slab, y and x from the first voxel (mm), and how near (mm)."""

    slab: int
    y_mm: float
    x_mm: float
    radius_mm: float = CLICK_RADIUS_MM


class Mark(NamedTuple):
    """A place that the path must pass, mm from the centre of the first voxel in work order, and how near (mm)."""

    z_mm: float
    y_mm: float
    x_mm: float
    radius_mm: float = CLICK_RADIUS_MM


def mark_at(at: tuple[float, float, float], work_grid: Grid) -> Mark:
    """Return a clicked point (RAS mm) on the cord as a mark.

    Raises
    ------
    InputError
        If the point lies outside of the scan.
    """
    if not work_grid.contains(at):
        where = ", ".join(f"{v:g}" for v in at)
        raise InputError(f"The point ({where}) mm lies outside of the scan; give RAS mm of a point on the cord.")
    z, y, x = work_grid.mm_to_voxel(at) * np.asarray(work_grid.spacing)
    return Mark(float(z), float(y), float(x))


def places_in(slab_mm: NDArray[np.float64], marks: Sequence[Mark]) -> tuple[Place, ...]:
    """Return each mark as a place in the slab nearest to it, of slabs at the heights ``slab_mm``."""
    return tuple(Place(int(np.argmin(np.abs(slab_mm - mark.z_mm))), *mark[1:]) for mark in marks)


def best_path(
    scores: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    places: Sequence[Place] = (),
    barred: Sequence[Place] = (),
) -> NDArray[np.float64]:
    """Find the chain of places, one a slab, with the largest sum of scores less the cost of shifts.

    Parameters
    ----------
    scores : (n_slabs, n_y, n_x) array
        Score of each place.
    spacing_mm : tuple of 3 float
        Distance between slabs, rows and columns, mm.
    places : sequence of Place
        Places on the cord; in its slab the path must pass each within its radius, elsewhere within a cone.
    barred : sequence of Place
        Places that the path must not come near: within the radius of each nothing is free but for ``places``.

    Returns
    -------
    (n_slabs, 3) array
        y mm, x mm and score of each place.
    """
    scores = _held_at(scores, spacing_mm, places) if places else scores
    scores = _kept_from(scores, spacing_mm, barred) if barred else scores
    corner, scores = _free_part(scores)
    totals = np.empty_like(scores)
    from_y, from_x = (np.zeros(scores.shape, np.int16) for _ in range(2))
    totals[0] = scores[0]
    for slab in range(1, len(scores)):
        along_y, from_y[slab] = _spread(totals[slab - 1], 0, spacing_mm)
        along_x, from_x[slab] = _spread(along_y, 1, spacing_mm)
        totals[slab] = along_x + scores[slab]
    return _traced(scores, totals[-1], from_y, from_x, corner, spacing_mm)


def _free_part(scores: NDArray[np.float32]) -> tuple[tuple[int, int], NDArray[np.float32]]:
    """Return the rows and columns in which any slab has a free place, and the first row and column of them."""
    free = np.any(scores > FORBIDDEN / 2, axis=0)
    if not free.any():
        return (0, 0), scores
    rows, columns = np.flatnonzero(np.any(free, axis=1)), np.flatnonzero(np.any(free, axis=0))
    part = scores[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return (int(rows[0]), int(columns[0])), np.ascontiguousarray(part)


def _held_at(
    scores: NDArray[np.float32], spacing_mm: tuple[float, float, float], places: Sequence[Place]
) -> NDArray[np.float32]:
    """Forbid all that lies far from the places; those of one slab and radius (thin slices) count as their mean."""
    together: dict[tuple[int, float], list[tuple[float, float]]] = {}
    for slab, y_mm, x_mm, radius_mm in places:
        together.setdefault((slab, radius_mm), []).append((y_mm, x_mm))
    means = [
        Place(slab, float(np.mean([y for y, _ in group])), float(np.mean([x for _, x in group])), radius)
        for (slab, radius), group in together.items()
    ]
    held = _held_in_cones(scores, spacing_mm, means)
    for slab, y_mm, x_mm, radius_mm in means:
        held[slab] = _within(held[slab], spacing_mm, (y_mm, x_mm), radius_mm)
    return held


def _held_in_cones(
    scores: NDArray[np.float32], spacing_mm: tuple[float, float, float], places: Sequence[Place]
) -> NDArray[np.float32]:
    """Forbid in each slab all that lies outside of the cones from all places; slabs that this would empty stay free."""
    slabs, centres, radii = (np.array([place[part] for place in places]) for part in (0, slice(1, 3), 3))
    away_mm = np.abs(np.arange(len(scores))[:, None] - slabs) * spacing_mm[0]
    reach = radii[:, None] + away_mm[..., None] * np.array(CONE_SLOPES)
    first = np.ceil((centres - reach).max(axis=1) / spacing_mm[1:]).astype(int)
    last = np.floor((centres + reach).min(axis=1) / spacing_mm[1:]).astype(int)
    first, last = np.maximum(first, 0), np.minimum(last, np.array(scores.shape[1:]) - 1)
    held = scores.copy()
    for slab in np.flatnonzero((first <= last).all(axis=1)):
        (top, left), (bottom, right) = first[slab], last[slab] + 1
        kept = held[slab, top:bottom, left:right].copy()
        held[slab] = FORBIDDEN
        held[slab, top:bottom, left:right] = kept
    return held


def _kept_from(
    scores: NDArray[np.float32], spacing_mm: tuple[float, float, float], barred: Sequence[Place]
) -> NDArray[np.float32]:
    """Forbid all that lies near the barred places, but in slabs that would have no free place left."""
    free = scores.copy()
    for slab, *place, radius_mm in barred:
        first = [max(0, int((at - radius_mm) / step)) for at, step in zip(place, spacing_mm[1:], strict=True)]
        last = [max(0, int((at + radius_mm) / step) + 1) for at, step in zip(place, spacing_mm[1:], strict=True)]
        near = free[slab, first[0] : last[0] + 1, first[1] : last[1] + 1]
        corner = place[0] - first[0] * spacing_mm[1], place[1] - first[1] * spacing_mm[2]
        near[_distances(near.shape, spacing_mm, corner) <= radius_mm] = FORBIDDEN
    emptied = np.all(free <= FORBIDDEN / 2, axis=(1, 2))
    free[emptied] = scores[emptied]
    return free


def _within(
    slab: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    place_mm: tuple[float, float] | NDArray[np.float64],
    radius_mm: float,
) -> NDArray[np.float32]:
    """Return the scores of a slab with all places forbidden that lie farther from one; the nearest stays free."""
    distance = _distances(slab.shape, spacing_mm, place_mm)
    return np.where(distance > max(radius_mm, float(distance.min()) + 1e-6), FORBIDDEN, slab)


def _distances(
    shape: tuple[int, ...],
    spacing_mm: tuple[float, float, float],
    place_mm: tuple[float, float] | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the distance of each pixel of a slab of this shape from a place, mm."""
    rows = np.arange(shape[0])[:, None] * spacing_mm[1] - place_mm[0]
    columns = np.arange(shape[1])[None, :] * spacing_mm[2] - place_mm[1]
    return np.hypot(rows, columns)


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
    corner: tuple[int, int],
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.float64]:
    y, x = np.unravel_index(int(np.argmax(last)), last.shape)
    path = np.empty((len(scores), 3))
    for slab in range(len(scores) - 1, -1, -1):
        path[slab] = (y + corner[0]) * spacing_mm[1], (x + corner[1]) * spacing_mm[2], scores[slab, y, x]
        # The spread went along y first and x second, so the way back undoes x first.
        x = x + from_x[slab, y, x]
        y = y + from_y[slab, y, x]
    return path

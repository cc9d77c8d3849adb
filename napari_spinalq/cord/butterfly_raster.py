"""How much of each pixel a polygon covers, and how that changes when the polygon moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FINE_STEP_MM = 0.17
"""Pixels are divided into points about this far apart (mm): a third of the thinnest horn that is drawn."""

RAMP_STEPS = 1.5
"""A point counts in part if it lies within this many fine steps across the edge: its sum is then smooth in the
vertices, and exact for a straight edge."""


@dataclass(frozen=True, eq=False)
class PixelBlock:
    """A block of pixels in millimetres from the centre of the cord.

    Attributes
    ----------
    x_mm, y_mm : (n_y, n_x) arrays
        Centres of the pixels, to the right and to anterior.
    pixel_mm : tuple of 2 float
        Pixel sides along y and x, mm.
    """

    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    pixel_mm: tuple[float, float]

    @property
    def fine_offsets_mm(self) -> NDArray[np.float64]:
        """Offsets of the fine points from a pixel's centre, shape (n, 2) as x, y."""
        y, x = (
            ((np.arange(count) + 0.5) / count - 0.5) * side
            for side, count in zip(self.pixel_mm, (_parts(side) for side in self.pixel_mm), strict=True)
        )
        return np.stack([np.tile(x, len(y)), np.repeat(y, len(x))], axis=1)


def _parts(side_mm: float) -> int:
    return max(2, int(np.ceil(side_mm / FINE_STEP_MM)))


def coverage(block: PixelBlock, polygon_mm: NDArray[np.float64], blur_mm: float = 0.0) -> NDArray[np.float64]:
    """Return the share of each pixel inside a polygon, shape (n_y, n_x).

    Parameters
    ----------
    block : PixelBlock
        Pixels.
    polygon_mm : (n_vertices, 2) array
        Closed polygon as x, y in mm.
    blur_mm : float
        Extra width of the edge's ramp, mm.
    """
    return coverage_and_slope(block, polygon_mm, None, blur_mm)[0]


def coverage_and_slope(
    block: PixelBlock,
    polygon_mm: NDArray[np.float64],
    modes_mm: NDArray[np.float64] | None,
    blur_mm: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage and its derivative by each mode.

    Parameters
    ----------
    block, polygon_mm, blur_mm
        As in :func:`coverage`.
    modes_mm : (n_vertices, 2, n_modes) array or None
        Displacement of the vertices by one unit of each mode, mm; None for no derivative.

    Returns
    -------
    cover : (n_y, n_x) array
        0..1.
    slope : (n_y, n_x, n_modes) array
        Empty (no modes) without ``modes_mm``.
    """
    centres = np.stack([block.x_mm.ravel(), block.y_mm.ravel()], axis=1)
    offsets = block.fine_offsets_mm
    ramp = RAMP_STEPS * min(side / _parts(side) for side in block.pixel_mm) + blur_mm
    depth = _nearest_edge(centres, polygon_mm)[0]
    cut = np.flatnonzero(np.abs(depth) < 0.5 * (np.hypot(*block.pixel_mm) + ramp))
    fine = (centres[cut, None, :] + offsets).reshape(-1, 2)
    signed, edge, along, normal = _nearest_edge(fine, polygon_mm)
    cover = (depth > 0).astype(float)
    cover[cut] = np.clip(0.5 + signed / ramp, 0.0, 1.0).reshape(len(cut), -1).mean(axis=1)
    n_modes = 0 if modes_mm is None else modes_mm.shape[2]
    slope = np.zeros((len(centres), n_modes))
    if modes_mm is not None:
        on_ramp = np.flatnonzero(np.abs(signed) < 0.5 * ramp)
        speed = _normal_speed(edge[on_ramp], along[on_ramp], normal[on_ramp], modes_mm)
        np.add.at(slope, cut[on_ramp // len(offsets)], speed / (ramp * len(offsets)))
    return cover.reshape(block.x_mm.shape), slope.reshape(*block.x_mm.shape, n_modes)


def signed_distance(points: NDArray[np.float64], polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how deep points (n, 2) lie in a closed polygon (n_vertices, 2), negative outside, in its unit."""
    return _nearest_edge(points, polygon)[0]


def _normal_speed(
    edge: NDArray[np.int_], along: NDArray[np.float64], normal: NDArray[np.float64], modes_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How fast the nearest place of the contour moves outwards with each mode, shape (n_points, n_modes)."""
    following = (edge + 1) % len(modes_mm)
    weight = along[:, None]
    return sum(
        normal[:, axis, None] * ((1 - weight) * modes_mm[edge, axis] + weight * modes_mm[following, axis])
        for axis in (0, 1)
    )


def _nearest_edge(
    points: NDArray[np.float64], polygon: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int_], NDArray[np.float64], NDArray[np.float64]]:
    """Signed distance to a polygon (positive inside), the nearest edge, the place along it 0..1, the outward normal."""
    side = np.roll(polygon, -1, axis=0) - polygon
    dx, dy = points[:, :1] - polygon[:, 0], points[:, 1:] - polygon[:, 1]
    inside = _inside(dx, dy, side)
    # Arrays of points by edges are most of the time of a fit: they are used again in place.
    length = np.maximum((side**2).sum(axis=1), 1e-12)
    along, part = dx * (side[:, 0] / length), dy * (side[:, 1] / length)
    along += part
    np.clip(along, 0.0, 1.0, out=along)
    away_x, away_y = dx, dy
    away_x -= np.multiply(along, side[:, 0], out=part)
    away_y -= np.multiply(along, side[:, 1], out=part)
    squared = np.multiply(away_x, away_x, out=part)
    squared += away_y * away_y
    edge = squared.argmin(axis=1)
    row = np.arange(len(points))
    distance = np.sqrt(squared[row, edge])
    sign = np.where(inside, 1.0, -1.0)
    normal = -sign[:, None] * np.stack([away_x[row, edge], away_y[row, edge]], axis=1)
    return sign * distance, edge, along[row, edge], normal / np.maximum(distance, 1e-9)[:, None]


def _inside(dx: NDArray[np.float64], dy: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points lie inside, by the even-odd rule on a ray towards +x; ``dx``, ``dy`` from each edge's start."""
    below = dy < 0
    crosses = below ^ np.roll(below, -1, axis=1)
    rise = np.where(side[:, 1] == 0, 1.0, side[:, 1])
    crosses &= dx < dy * (side[:, 0] / rise)
    return np.asarray(crosses.sum(axis=1) % 2 == 1)

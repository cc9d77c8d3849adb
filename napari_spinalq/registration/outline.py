"""What centre and stretch leave over: the outline of one cord brought onto that of the other along rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.registration.along import smoothed_along
from napari_spinalq.registration.field import SliceFrame

RAY_COUNT = 48
"""Rays around the centre: 0.7 mm apart on the outline of a cord."""

REACH_MM, SAMPLE_MM = 14.0, 0.25
"""Length of a ray and distance of its samples, mm: no cord reaches farther than 10 mm from its centre."""

WAVES = 4
"""Waves of the outline's change around the circle: the furrows and flat front of a cord; more would follow pixels."""

OUTLINE_LENGTH_MM = 20.0
"""Changes of the outline along the cord over this wavelength (mm) keep half of their height."""

LARGEST_CHANGE = 0.35
"""Largest logarithm of the ratio of radii (1.4 times, 2 mm): more is a fault of a mask, and could fold the plane."""

ANGLES = np.arange(RAY_COUNT) * 2 * np.pi / RAY_COUNT
"""Directions of the rays, radians from right towards anterior."""


@dataclass(frozen=True, eq=False)
class OutlineChange:
    """By how much a radius of the target's outline becomes longer on the source, by slice, as waves around the circle.

    Attributes
    ----------
    log_ratio, log_radius_mm : (slices, 2 * WAVES + 1) arrays
        Coefficients of the logarithm of that ratio and of the radius on the target (see :func:`waves`).
    """

    log_ratio: NDArray[np.float64]
    log_radius_mm: NDArray[np.float64]

    def displaced(self, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the displacement of offsets from the centre, shape (slices, ..., 2), mm to anterior and right.

        Within the outline it grows with the distance from the centre; beyond it stays that of the outline.
        """
        reach = np.linalg.norm(offsets, axis=-1)
        basis = waves(np.arctan2(offsets[..., 0], offsets[..., 1]))
        ratio = np.exp(np.einsum("z...c,zc->z...", basis, self.log_ratio))
        edge = np.exp(np.einsum("z...c,zc->z...", basis, self.log_radius_mm))
        inner = np.minimum(1.0, edge / np.maximum(reach, 1e-9))
        return offsets * (inner * (ratio - 1))[..., None]


def no_change(slices: int) -> OutlineChange:
    """Return an outline that stays as it is."""
    nothing = np.zeros((slices, 2 * WAVES + 1))
    return OutlineChange(nothing, nothing)


def waves(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1, cos and sin of 1..WAVES times the angles (radians), shape (..., 2 * WAVES + 1)."""
    columns = [np.ones_like(angles)]
    for order in range(1, WAVES + 1):
        columns += [np.cos(order * angles), np.sin(order * angles)]
    return np.stack(columns, axis=-1)


def log_radii(
    mask_work: NDArray, frame: SliceFrame, centres_mm: NDArray[np.float64], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the logarithm of the radius of a soft mask along each ray, shape (slices, RAY_COUNT); 0 where not known.

    The radius is that of a sector which holds as much of the mask, so that areas are kept: r2 = 2 sum m r dr.

    Parameters
    ----------
    mask_work : array, shape of ``frame.grid``
        0..1 in work order; NaN counts as 0.
    frame : SliceFrame
        Of the mask.
    centres_mm : (slices, 2) array
        Where the rays begin, mm to anterior and right.
    known : (slices,) array of bool
        Slices to measure.
    """
    along = np.arange(SAMPLE_MM / 2, REACH_MM, SAMPLE_MM)
    _, row_mm, column_mm = frame.grid.spacing
    rows, columns = np.sin(ANGLES)[:, None] * along / row_mm, np.cos(ANGLES)[:, None] * along / column_mm
    found = np.zeros((frame.slices, RAY_COUNT))
    for index in np.flatnonzero(known):
        plane = np.nan_to_num(np.asarray(mask_work[index], dtype=np.float64))
        row, column = centres_mm[index] / (row_mm, column_mm)
        sampled = ndimage.map_coordinates(plane, [row + rows, column + columns], order=1)
        squares = 2 * SAMPLE_MM * (sampled @ along)
        found[index] = 0.5 * np.log(np.maximum(squares, SAMPLE_MM**2))
    return found


def outline_change(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    known: NDArray[np.bool_],
    heights_mm: NDArray[np.float64],
    before: OutlineChange,
) -> OutlineChange:
    """Return how the outline changes, smooth around the circle and along the stack.

    Parameters
    ----------
    source, target : (slices, RAY_COUNT) arrays
        Logarithms of the radii of both cords, the source as it was carried by ``before``.
    known : (slices,) array of bool
        Where both are measured.
    heights_mm : (slices,) array
        Position of the slices, mm.
    before : OutlineChange
        What was changed already.
    """
    basis = waves(ANGLES)
    fit = np.linalg.pinv(basis).T
    ratio = smoothed_along(heights_mm, (source - target) @ fit, known, OUTLINE_LENGTH_MM)
    radius = smoothed_along(heights_mm, target @ fit, known, OUTLINE_LENGTH_MM)
    total = before.log_ratio + ratio
    largest = np.abs(total @ basis.T).max(axis=1, keepdims=True)
    return OutlineChange(total * np.minimum(1.0, LARGEST_CHANGE / np.maximum(largest, LARGEST_CHANGE)), radius)

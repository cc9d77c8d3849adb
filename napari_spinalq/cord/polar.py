"""Slices unwrapped around the cord's centre, outlines as one radius an angle, and their true coverage of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.stack import AxialStack

ANGLES = 48
"""Rays of an outline: one every 0.8 mm of a cord's 38 mm circumference, under any in-plane pixel in use."""

RADIAL_STEP_MM = 0.25
"""Step along a ray, mm: half of the finest pixel in common use."""

REACH_MM = 13.0
"""Rays end here, mm: a cord's half width of 7.5 mm and its CSF."""

SUBSAMPLES = 8
"""A pixel on the outline is divided into 8 x 8 points: coverage in steps of 1.6 %."""

RAY_ANGLES = 2.0 * np.pi * np.arange(ANGLES) / ANGLES
"""Angle of each ray, radians: 0 points to the patient's right, a quarter turn to anterior."""

RADII_MM: NDArray[np.float64] = RADIAL_STEP_MM * np.arange(int(REACH_MM / RADIAL_STEP_MM) + 1.0)
"""Radius of each sample of a ray, mm."""


def unwrap(
    stack: AxialStack, centres_mm: NDArray[np.float64], radii_mm: NDArray[np.float64] = RADII_MM
) -> NDArray[np.float32]:
    """Read every slice on rays from its centre by cubic splines.

    Parameters
    ----------
    stack : AxialStack
        Axial slices.
    centres_mm : (n_slices, 2) array
        y and x of the centre in each slice, mm.
    radii_mm : (n_radii,) array
        Where each ray is read, mm, ascending.

    Returns
    -------
    (n_slices, ANGLES, n_radii) array of float32
        Beyond the border of the field of view the nearest pixel is repeated.
    """
    _, dy, dx = stack.spacing_mm
    rise, run = np.outer(np.sin(RAY_ANGLES), radii_mm), np.outer(np.cos(RAY_ANGLES), radii_mm)
    rays = np.empty((len(centres_mm), ANGLES, len(radii_mm)), np.float32)
    reach = float(radii_mm[-1])
    for index, (y, x) in enumerate(centres_mm):
        top, bottom = _window(y, reach, dy, stack.values.shape[1])
        left, right = _window(x, reach, dx, stack.values.shape[2])
        window = stack.values[index, top:bottom, left:right]
        at = np.stack([(y + rise) / dy - top, (x + run) / dx - left])
        rays[index] = ndimage.map_coordinates(window, at, order=3, mode="nearest")
    return rays


def outline_mm(centres_mm: NDArray[np.float64], radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outline's points (n_slices, ANGLES, 2) as y, x in mm."""
    unit = np.stack([np.sin(RAY_ANGLES), np.cos(RAY_ANGLES)], axis=-1)
    return centres_mm[:, None, :] + radii_mm[..., None] * unit


def areas_mm2(radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area of each outline as a polygon, mm2, shape (n_slices,)."""
    following = np.roll(radii_mm, -1, axis=1)
    return 0.5 * np.sin(2 * np.pi / ANGLES) * (radii_mm * following).sum(axis=1)


def centroids_mm(centres_mm: NDArray[np.float64], radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centroid of each outline, (n_slices, 2), mm: of its sectors, each with two thirds of its radius."""
    weights = radii_mm**3 / 3.0
    total = np.maximum((radii_mm**2 / 2.0).sum(axis=1), 1e-9)
    y = (weights * np.sin(RAY_ANGLES)).sum(axis=1) / total
    x = (weights * np.cos(RAY_ANGLES)).sum(axis=1) / total
    return centres_mm + np.stack([y, x], axis=1)


def recentred(radii_mm: NDArray[np.float64], shift_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the radii of the same outlines seen from centres moved by ``shift_mm``, (n_slices, 2) as y, x."""
    points = outline_mm(-shift_mm, radii_mm)
    angle = np.arctan2(points[..., 0], points[..., 1]) % (2 * np.pi)
    radius = np.hypot(points[..., 0], points[..., 1])
    return np.stack([np.interp(RAY_ANGLES, a, r, period=2 * np.pi) for a, r in zip(angle, radius, strict=True)])


def coverage(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    centres_mm: NDArray[np.float64],
    radii_mm: NDArray[np.float64],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the fraction of each pixel that lies inside the outline of its slice.

    Parameters
    ----------
    shape : tuple of 3 int
        Slices, rows, columns.
    spacing_mm : tuple of 3 float
        Distance between slices, rows and columns, mm.
    centres_mm : (n_slices, 2) array
        Centre of each outline, y and x, mm.
    radii_mm : (n_slices, ANGLES) array
        Radius on each ray, mm; a slice of radius 0 stays empty.
    out : array of float32, optional
        Zeros to be written to, such as a view of an array in another axis order.
    """
    soft = np.zeros(shape, np.float32) if out is None else out
    _, dy, dx = spacing_mm
    for index in np.flatnonzero(radii_mm.max(axis=1) > 0):
        (y, x), reach = centres_mm[index], float(radii_mm[index].max())
        rows = _span(y, reach, dy, shape[1])
        columns = _span(x, reach, dx, shape[2])
        inside = _sampled(rows * dy - y, columns * dx - x, (dy, dx), radii_mm[index])
        soft[index, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = inside
    return soft


def _window(centre_mm: float, reach_mm: float, pixel_mm: float, count: int) -> tuple[int, int]:
    """Pixels needed to interpolate ``reach_mm`` around a centre, with a margin for the spline's memory."""
    first = int((centre_mm - reach_mm) / pixel_mm) - 6
    last = int((centre_mm + reach_mm) / pixel_mm) + 7
    return min(max(first, 0), count - 1), max(min(last, count), 1)


def _span(centre_mm: float, reach_mm: float, pixel_mm: float, count: int) -> NDArray[np.int_]:
    first = int(np.clip(np.floor((centre_mm - reach_mm) / pixel_mm), 0, count - 1))
    last = int(np.clip(np.ceil((centre_mm + reach_mm) / pixel_mm), 0, count - 1))
    return np.arange(first, last + 1)


def _sampled(
    y_mm: NDArray[np.float64], x_mm: NDArray[np.float64], pixel_mm: tuple[float, float], radii_mm: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Coverage of the pixels centred on ``y_mm`` x ``x_mm`` (from the outline's centre)."""
    inside = (_depth(y_mm[:, None], x_mm[None, :], radii_mm) > 0).astype(np.float32)
    border = np.abs(_depth(y_mm[:, None], x_mm[None, :], radii_mm)) < np.hypot(*pixel_mm)
    row, column = np.nonzero(border)
    steps = (np.arange(SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5
    y = y_mm[row][:, None, None] + steps[:, None] * pixel_mm[0]
    x = x_mm[column][:, None, None] + steps[None, :] * pixel_mm[1]
    inside[row, column] = (_depth(y, x, radii_mm) > 0).mean(axis=(1, 2))
    return inside


def _depth(y: NDArray[np.float64], x: NDArray[np.float64], radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radius of the outline in a point's direction less the point's own, mm; positive inside."""
    position = np.arctan2(y, x) * (ANGLES / (2 * np.pi)) % ANGLES
    closed = np.r_[radii_mm, radii_mm[0]]
    return np.interp(position, np.arange(ANGLES + 1), closed) - np.hypot(y, x)

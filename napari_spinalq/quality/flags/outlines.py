"""Outlines of the cord as radii around its middle, what is usual for them nearby, and the course of the middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.quality.flags.evidence import Evidence

N_ANGLES = 36
"""Rays around the middle: every 10 degrees."""

REACH_MM, STEP_MM = 15.0, 0.25
"""Length of a ray, mm: a cord reaches 8 mm from its middle at most; and the distance of samples, half a fine pixel."""

NEIGHBOURHOOD_MM = 25.0
"""Slices as near as this (mm) tell what is usual: a fault of less than this length is never most of them, and the cord
itself hardly changes its form over it."""

PATH_MM = 15.0
"""Standard deviation of the smoothing of the cord's path, mm: its bends are longer."""

MIN_NEIGHBOURS = 3
"""On thick slices at least so many on either side, or a fault would be most of its own neighbourhood."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """Outlines of the slices that hold the cord.

    Attributes
    ----------
    radii_mm : (n, N_ANGLES) array
        Length of each ray within the mask, mm; ray 0 points to the right, ray 9 to anterior.
    usual_mm : (n, N_ANGLES) array
        Median over the slices nearby.
    """

    radii_mm: NDArray[np.float64]
    usual_mm: NDArray[np.float64]


def outlines_of(evidence: Evidence) -> Outlines:
    """Measure the outline of every slice around its own centroid, so that the course of the cord does not count."""
    radii = _radii(evidence, centroids(evidence))
    return Outlines(radii, running_median(radii, neighbours(evidence)))


def neighbours(evidence: Evidence) -> int:
    """Return how many slices on either side count as near."""
    return max(MIN_NEIGHBOURS, round(NEIGHBOURHOOD_MM / evidence.slice_mm))


def running_median(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the median over the rows ``reach`` before and behind each row; fewer at the ends."""
    count = len(values)
    return np.stack([np.median(values[max(0, i - reach) : min(count, i + reach + 1)], axis=0) for i in range(count)])


def centroids(evidence: Evidence) -> NDArray[np.float64]:
    """Return row and column of the centroid of each slice that holds the cord, (n, 2)."""
    held = evidence.main[evidence.filled]
    weight = held.sum(axis=(1, 2))
    rows = held.sum(axis=2) @ np.arange(held.shape[1]) / weight
    columns = held.sum(axis=1) @ np.arange(held.shape[2]) / weight
    return np.column_stack([rows, columns])


def smooth_centres(evidence: Evidence) -> NDArray[np.float64]:
    """Return the running median of the centroids about a straight line through them, (n, 2), rows and columns.

    The line is taken out first, or the ends of a leaning cord would be drawn towards its middle.
    """
    places = centroids(evidence)
    z = evidence.filled.astype(float)
    if len(z) < 2:
        return places
    lines = np.stack([_robust_line(z, places[:, axis]) for axis in range(2)], axis=1)
    return np.asarray(lines + running_median(places - lines, neighbours(evidence)))


def smooth_path(evidence: Evidence) -> NDArray[np.float64]:
    """Return the centroids smoothed over ``PATH_MM`` about a straight line, (n, 2): a sudden shift stays a shift."""
    places, z = centroids(evidence), evidence.filled.astype(float)
    if len(z) < 2:
        return places
    lines = np.stack([_robust_line(z, places[:, axis]) for axis in range(2)], axis=1)
    smooth = ndimage.gaussian_filter1d(places - lines, PATH_MM / evidence.slice_mm, axis=0, mode="nearest")
    return np.asarray(lines + smooth)


def _robust_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values at x of a line through the medians of the lower and the upper third (Tukey 1977)."""
    third = max(1, len(x) // 3)
    low, high = slice(None, third), slice(len(x) - third, None)
    rise = np.median(y[high]) - np.median(y[low])
    run = np.median(x[high]) - np.median(x[low])
    slope = rise / run
    return np.asarray(np.median(y - slope * x) + slope * x)


def _radii(evidence: Evidence, centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of each ray lies within the mask, mm, (n, N_ANGLES)."""
    along = np.arange(STEP_MM / 2, REACH_MM, STEP_MM)
    angles = np.arange(N_ANGLES) * 2 * np.pi / N_ANGLES
    _, row_mm, column_mm = evidence.spacing_mm
    rows = np.sin(angles)[:, None] * along / row_mm
    columns = np.cos(angles)[:, None] * along / column_mm
    found = np.empty((len(centres), N_ANGLES))
    for place, (index, (row, column)) in enumerate(zip(evidence.filled, centres, strict=True)):
        plane = evidence.main[index].astype(np.float32)
        found[place] = ndimage.map_coordinates(plane, [row + rows, column + columns], order=1).sum(axis=1) * STEP_MM
    return found

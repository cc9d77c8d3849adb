"""The direction of the cord where it crosses each slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import SMOOTHING_LENGTH_MM, Centerline
from napari_spinalq.cord.smoothing import smooth_curve
from napari_spinalq.metrics.plane import SlicePlane

MIN_SLICES_FOR_ANGLE = 3
"""Two points give a direction without any check on their noise."""

MIN_SPAN_FOR_ANGLE_MM = 8.0
"""Over a shorter stretch, a centroid noise of 0.1 mm turns the fitted direction by more than a degree."""


def tangents_from_centroids(centroids_mm: NDArray[np.float64], plane: SlicePlane) -> NDArray[np.float64] | None:
    """Return the direction of the cord in each slice from a smooth curve through the slice centroids.

    Parameters
    ----------
    centroids_mm : (n, 3) array
        Centre of the structure in each slice, RAS mm, ascending.
    plane : SlicePlane
        Directions of the slices.

    Returns
    -------
    (n, 3) array or None
        Unit vectors along (right, anterior, normal) of the slices; None where there are too few slices to tell.

    Notes
    -----
    The smoothing length is that of every centerline (30 mm): on curved phantoms of 0.5 to 5 mm slices, shorter lets
    pixel noise through and longer cuts real bends; both make the cosine err more.
    """
    along = centroids_mm @ plane.axes.T
    height = along[:, 2]
    if len(height) < MIN_SLICES_FOR_ANGLE or height[-1] - height[0] < MIN_SPAN_FOR_ANGLE_MM:
        return None
    slopes = smooth_curve(height, along[:, :2], SMOOTHING_LENGTH_MM)(height, 1)
    return _unit(np.column_stack([slopes, np.ones(len(slopes))]))


def tangents_from_centerline(
    centroids_mm: NDArray[np.float64], plane: SlicePlane, centerline: Centerline
) -> NDArray[np.float64]:
    """Return the direction of a known centerline where it is nearest to each slice's centroid, shape (n, 3)."""
    along = centerline.tangent(centerline.nearest_arc(centroids_mm)) @ plane.axes.T
    return _unit(along * np.where(along[:, 2:] < 0, -1.0, 1.0))


def projections(tangents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the maps from each slice to the plane perpendicular to the cord, shape (n, 2, 2).

    Every point of the slice moves along the cord onto that plane, which is then turned back by the smallest rotation:
    with p the part of the tangent t that lies in the slice, I - p p' / (1 + t_normal). Lengths along the tilt shrink
    by the cosine of the angle, lengths across it stay.
    """
    tilt = tangents[:, :2]
    return np.eye(2) - tilt[:, :, None] * tilt[:, None, :] / (1 + tangents[:, 2])[:, None, None]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

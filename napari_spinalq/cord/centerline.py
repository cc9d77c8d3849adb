"""The centerline of the cord: a smooth curve in RAS mm, ordered from inferior to superior."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from napari_spinalq.cord.smoothing import smooth_curve
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES, Grid

SAMPLE_STEP_MM = 0.5
"""The curve is held as points this far apart (mm): well under any slice thickness."""

SMOOTHING_LENGTH_MM = 30.0
"""Bends of this wavelength (mm) keep half of their amplitude: half a vertebra's wobble is noise, two are anatomy."""


@dataclass(frozen=True, eq=False)
class Centerline:
    """A curve along the cord.

    Attributes
    ----------
    points_mm : (n, 3) array
        RAS mm, ordered from inferior to superior, about ``SAMPLE_STEP_MM`` apart.
    """

    points_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        points = np.array(self.points_mm, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2:
            raise InputError(f"A centerline needs two or more points in 3-D, not an array of shape {points.shape}.")
        if points[0, 2] > points[-1, 2]:
            points = points[::-1].copy()
        points.setflags(write=False)
        object.__setattr__(self, "points_mm", points)

    @cached_property
    def arc_mm(self) -> NDArray[np.float64]:
        """Distance along the curve from its inferior end to each point, shape (n,), mm."""
        return np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1))]

    @cached_property
    def tangents(self) -> NDArray[np.float64]:
        """Unit vectors along the curve towards superior, shape (n, 3), RAS."""
        derivative = np.gradient(self.points_mm, self.arc_mm, axis=0)
        return derivative / np.linalg.norm(derivative, axis=1, keepdims=True)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points_mm)

    @property
    def length_mm(self) -> float:
        """Length of the curve, mm."""
        return float(self.arc_mm[-1])

    def position(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return RAS mm points at distances ``arc_mm`` from the inferior end, shape (..., 3).

        Beyond its ends the curve goes on straight.
        """
        return _along(np.asarray(arc_mm, dtype=float), self.arc_mm, self.points_mm, self.tangents)

    def tangent(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return unit tangents at distances ``arc_mm``, shape (..., 3), RAS, pointing to superior."""
        arc = np.asarray(arc_mm, dtype=float)
        vectors = np.stack([np.interp(arc, self.arc_mm, self.tangents[:, axis]) for axis in range(3)], axis=-1)
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

    def nearest_arc(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return the distance along the curve of the place closest to each RAS mm point, shape (...,), mm.

        Points beyond an end are projected on the straight continuation, so the result may be negative or exceed
        ``length_mm``.
        """
        points = np.asarray(points_mm, dtype=float)
        flat = points.reshape(-1, 3)
        index = self._tree.query(flat)[1]
        along = np.einsum("ij,ij->i", flat - self.points_mm[index], self.tangents[index])
        return (self.arc_mm[index] + along).reshape(points.shape[:-1])


def fit_centerline(
    points_mm: ArrayLike, *, weights: ArrayLike | None = None, smoothing_length_mm: float = SMOOTHING_LENGTH_MM
) -> Centerline:
    """Fit a smooth curve through noisy points along the cord.

    Each coordinate is smoothed over the distance along the points (see :mod:`napari_spinalq.cord.smoothing`): a bend
    of wavelength ``smoothing_length_mm`` keeps half of its amplitude, a longer one more, a shorter one less.

    Parameters
    ----------
    points_mm : (n, 3) array
        RAS mm, at least two, in order along the cord (either way).
    weights : (n,) array, optional
        Trust in each point, positive.
    smoothing_length_mm : float
        Wavelength at half gain, mm.

    Returns
    -------
    Centerline
        From the first to the last point.

    Raises
    ------
    InputError
        If there are fewer than two distinct points.
    """
    points = np.asarray(points_mm, dtype=float)
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))] if len(points) else np.zeros(0)
    keep = np.r_[True, np.diff(arc) > 1e-6] if len(points) else np.zeros(0, bool)
    points, arc = points[keep], arc[keep]
    if len(points) < 2:
        raise InputError("A centerline needs at least two points along the cord; the mask spans a single slice.")
    trust = None if weights is None else np.asarray(weights, dtype=float)[keep]
    sample = np.linspace(0.0, arc[-1], max(2, int(np.ceil(arc[-1] / SAMPLE_STEP_MM)) + 1))
    return Centerline(smooth_curve(arc, points, smoothing_length_mm, trust)(sample))


def cord_centerline(centroids_mm: NDArray[np.float64], grid: Grid) -> Centerline:
    """Fit the centerline through the centres of a mask's slices; a single slice gives its own normal.

    Parameters
    ----------
    centroids_mm : (n, 3) array
        Centre of the cord in each slice that holds it, RAS mm, inferior to superior.
    grid : Grid
        Grid of the mask.
    """
    if len(centroids_mm) > 1:
        return fit_centerline(centroids_mm)
    work = grid.reoriented(WORK_AXES).affine
    across = np.cross(work[:3, 2], work[:3, 1])  # right x anterior points to superior
    half_step = across / np.linalg.norm(across) * np.linalg.norm(work[:3, 0]) / 2
    return Centerline(np.stack([centroids_mm[0] - half_step, centroids_mm[0] + half_step]))


def _along(
    arc: NDArray[np.float64],
    known: NDArray[np.float64],
    points: NDArray[np.float64],
    tangents: NDArray[np.float64],
) -> NDArray[np.float64]:
    inside = np.stack([np.interp(arc, known, points[:, axis]) for axis in range(3)], axis=-1)
    below = np.minimum(arc - known[0], 0.0)[..., None] * tangents[0]
    above = np.maximum(arc - known[-1], 0.0)[..., None] * tangents[-1]
    return inside + below + above

"""The path of a pointer as stretches of line, and how far voxels lie from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError

SAMPLE_STEP_VOXELS = 0.5
"""Places along a path are this far apart at most (voxels along any axis): their voxels then touch, with no gap."""

ROUNDING_MM = 1e-6
"""A centre on the rim of the brush lies within it, in spite of rounding errors, mm."""


def check_path(path: ArrayLike) -> NDArray[np.float64]:
    """Return a pointer path as an array of shape (n, 3).

    Raises
    ------
    InputError
        If it is empty, not of three coordinates, or not finite.
    """
    points = np.asarray(path, dtype=float)
    points = points[None] if points.shape == (3,) else points
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not np.isfinite(points).all():
        raise InputError("A stroke needs one or more places (z, y, x), all of them finite numbers.")
    return points


def stretches(path: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return start and end of the lines between the points of a path; a single point is a line of no length."""
    ends = path[1:] if len(path) > 1 else path
    return list(zip(path[: len(ends)], ends, strict=True))


def nearest_voxel(place: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return the voxel that holds each place, halves rounded up (numpy would round them to even)."""
    return np.floor(place + 0.5).astype(int)


def along_line(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places on a line whose voxels touch, from start to end, shape (n, 3); in voxels."""
    count = int(np.ceil(np.abs(end - start).max() / SAMPLE_STEP_VOXELS)) + 1
    return start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)


def squared_distance(
    coordinates: Sequence[NDArray[np.float64]], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the squared distance of points from a line between two places.

    Parameters
    ----------
    coordinates : sequence of arrays that broadcast together
        One array for each dimension, mm.
    start, end : arrays, one number for each dimension
        mm.
    """
    step = end - start
    from_start = [values - origin for values, origin in zip(coordinates, start, strict=True)]
    length2 = float(step @ step)
    if length2 == 0.0:
        return sum(values**2 for values in from_start)
    share = sum(values * along for values, along in zip(from_start, step, strict=True)) / length2
    share = np.clip(share, 0.0, 1.0)
    return sum((values - share * along) ** 2 for values, along in zip(from_start, step, strict=True))

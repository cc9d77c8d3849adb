"""Directions as people look at them: points on a disc."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def on_disc(directions: ArrayLike) -> NDArray[np.float64]:
    """Project directions on the disc of the upper hemisphere, seen from above, so that equal areas stay equal.

    A direction and its opposite weight diffusion alike, so those that point downward are turned round. Lambert's
    azimuthal equal-area projection (Snyder 1987, Map projections, US Geological Survey Professional Paper 1395,
    chapter 24), scaled so that the horizon is the unit circle: the radius is ``sqrt(1 - z)``.

    Parameters
    ----------
    directions : array, shape (n, 3)
        RAS, of any length; zero vectors come to NaN.

    Returns
    -------
    array of float64, shape (n, 2)
        Towards the patient's right, and towards anterior.

    Examples
    --------
    >>> on_disc([[0, 0, -3.0], [1.0, 0, 0]]).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    vectors = np.asarray(directions, dtype=float).reshape(-1, 3)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.full_like(vectors, np.nan), where=length > 0)
    unit = np.where(unit[:, 2:] < 0, -unit, unit)
    flat = np.hypot(unit[:, 0], unit[:, 1])
    radius = np.sqrt(1.0 - np.minimum(unit[:, 2], 1.0))
    share = np.divide(radius, flat, out=np.zeros_like(flat), where=flat > 0)
    return unit[:, :2] * np.where(np.isnan(flat), np.nan, share)[:, None] + 0.0  # turns -0.0 into 0.0

"""Directions as people look at them: fibres as colours, gradients as points on a disc."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def direction_colours(direction: NDArray, fa: NDArray) -> NDArray[np.float32]:
    """Return the colour of each voxel's fibre direction: red right-left, green front-back, blue along the body.

    The colour is the absolute value of the principal eigenvector, scaled by FA (Pajevic & Pierpaoli 1999, Magn Reson
    Med 42:526-540, "absolute value" scheme).

    Parameters
    ----------
    direction : array, shape (..., 3)
        Principal eigenvector, RAS.
    fa : array, shape (...)
        Fractional anisotropy, 0..1; NaN where it is not known.

    Returns
    -------
    array of float32, shape (..., 3)
        Red, green and blue, 0..1; black where FA or direction is not known.

    Examples
    --------
    >>> direction_colours(np.array([0.0, 0.0, -1.0]), np.array(0.5)).tolist()
    [0.0, 0.0, 0.5]
    """
    colours = np.abs(np.asarray(direction, np.float32)) * np.clip(np.asarray(fa, np.float32), 0.0, 1.0)[..., None]
    return np.nan_to_num(colours, nan=0.0).astype(np.float32)


def on_disc(directions: ArrayLike) -> NDArray[np.float64]:
    """Project directions on the disc of the upper hemisphere, seen from above, so that equal areas stay equal.

    A direction and its opposite weight diffusion alike, so those that point downward are turned round. Lambert's
    azimuthal equal-area projection (Snyder 1987, Map projections, US Geological Survey Professional Paper 1395, p. 185),
    scaled so that the horizon is the unit circle: the radius is ``sqrt(1 - z)``.

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

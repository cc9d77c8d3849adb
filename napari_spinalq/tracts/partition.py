"""Dividing a cross-section among parts of which only size, place and spread are known.

Of all ways to divide it, the one nearest to a first drawing that has the stated figures: minimum relative entropy
(Kullback 1959; Jaynes 1957, doi:10.1103/PhysRev.106.620). With mass, centroid and second moments stated, the share of a
part at a place is a softmax of quadratic functions of the place plus what the first drawing says, and its coefficients
are the maximum of a concave function (the dual problem), so there is one answer and Newton's method finds it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-5
"""Penalty on squared coefficients. It keeps the borders of parts from turning into steps, and the answer finite where
figures of the source contradict each other by rounding; it costs less than 1 % of any area."""

MAX_STEPS = 100
GRADIENT_TOLERANCE = 1e-6
"""Moments this near to the stated ones (normalised units times share of the cord) end the search."""


def terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1, x, y, x^2, x y, y^2 of each place, shape (n, 6)."""
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def wanted_moments(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn figures (n_parts, 6) as area, x, y, var x, var y, cov into means of :func:`terms` times area."""
    area, x, y, var_x, var_y, cov = figures.T
    means = np.stack([np.ones_like(x), x, y, var_x + x * x, cov + x * y, var_y + y * y], axis=1)
    return area[:, None] * means


def divide(wanted: NDArray[np.float64], places: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the coefficients of the division.

    Parameters
    ----------
    wanted : (n_parts, 6) array
        Moments of each part; made to add up to those of the whole in proportion to the parts' areas.
    places : (n, 2) array
        Even samples of the whole, which has the mass 1.
    first : (n, n_parts) array
        Logarithm of the share of each part in the first drawing.

    Returns
    -------
    (n_parts, 6) array
        For :func:`shares`.
    """
    basis = terms(*places.T)
    whole = basis.mean(axis=0)
    wanted = wanted / wanted[:, 0].sum()
    wanted = wanted + wanted[:, :1] * (whole - wanted.sum(axis=0))
    weights = np.zeros_like(wanted)
    value = _dual(weights, wanted, basis, first)
    for _ in range(MAX_STEPS):
        slope, curvature = _derivatives(weights, wanted, basis, first)
        if np.abs(slope).max() < GRADIENT_TOLERANCE:
            break
        step = np.linalg.solve(curvature, slope.ravel()).reshape(weights.shape)
        length = 1.0
        while (reached := _dual(weights + length * step, wanted, basis, first)) < value and length > 1e-6:
            length /= 2
        weights, value = weights + length * step, reached
    return weights


def shares(weights: NDArray[np.float64], basis: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each part at places given by their :func:`terms`, shape (n, n_parts)."""
    score = basis @ weights.T + first
    share = np.exp(score - score.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def _dual(weights: NDArray, wanted: NDArray, basis: NDArray, first: NDArray) -> float:
    score = basis @ weights.T + first
    top = score.max(axis=1)
    partition = top + np.log(np.exp(score - top[:, None]).sum(axis=1))
    return float((wanted * weights).sum() - partition.mean() - 0.5 * RIDGE * (weights**2).sum())


def _derivatives(weights: NDArray, wanted: NDArray, basis: NDArray, first: NDArray) -> tuple[NDArray, NDArray]:
    """Gradient of the dual, and its negated Hessian."""
    share = shares(weights, basis, first)
    slope = wanted - share.T @ basis / len(basis) - RIDGE * weights
    count = len(weights)
    joint = np.einsum("np,nf->pfn", share, basis).reshape(-1, len(basis))
    curvature = -(joint @ joint.T) / len(basis)
    squares = np.einsum("np,nf,ng->pfg", share, basis, basis, optimize=True) / len(basis)
    blocks = curvature.reshape(count, basis.shape[1], count, basis.shape[1])
    blocks[np.arange(count), :, np.arange(count)] += squares
    return slope, curvature + RIDGE * np.eye(len(curvature))

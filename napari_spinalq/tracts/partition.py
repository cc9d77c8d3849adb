"""Dividing a cross-section among parts of which only size, place and spread are known.

Of all ways to divide it, the one nearest to a first drawing that has the stated figures: minimum relative entropy
(Jaynes 1957, doi:10.1103/PhysRev.106.620, with a prior). With mass, centroid and second moments stated, the share of a
part at a place is a softmax of quadratic functions of the place plus what the first drawing says. Its coefficients are
the maximum of a concave function (the dual problem), so there is one answer, and Newton's method finds it.

The cross-section is mirror symmetric: figures are of the right parts, each with a partner on the left, and integrals
run over the right half, where both partners hold a share beside the midline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-7
"""Penalty on squared coefficients: it keeps the answer finite where the figures leave a part no place of its own."""

MAX_STEPS = 100
GRADIENT_TOLERANCE = 1e-5
"""Moments this near to the stated ones (normalised units times share of the cord) end the search."""

EVEN = np.array([0, 2, 3, 5])
"""Terms that a mirror leaves as they are: over all parts of one side their means are half of those of the whole."""

MIRROR = np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])
"""What a mirror does to each term."""


def terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1, x, y, x^2, x y, y^2 of each place, shape (n, 6)."""
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def wanted_moments(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn figures (n_parts, 6) as area, x, y, var x, var y, cov into means of :func:`terms` times area."""
    area, x, y, var_x, var_y, cov = figures.T
    means = np.stack([np.ones_like(x), x, y, var_x + x * x, cov + x * y, var_y + y * y], axis=1)
    return area[:, None] * means


def divide(
    wanted: NDArray[np.float64],
    places: NDArray[np.float64],
    first: NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Find the coefficients of the division.

    Parameters
    ----------
    wanted : (n_parts, 6) array
        Moments of each part of the right side; made to add up to those of half of the whole, in proportion to area.
    places : (n, 2) array
        Even samples of the right half of the whole, which has the mass 1.
    first : (n, n_parts) array
        Logarithm of the share of each part in the first drawing, which is mirror symmetric too.
    start : (n_parts, 6) array, optional
        Coefficients to start from, such as those of a neighbouring level.

    Returns
    -------
    (n_parts, 6) array
        For :func:`shares`.
    """
    basis = terms(*places.T)
    target = wanted / (2 * wanted[:, 0].sum())
    missing = basis[:, EVEN].mean(axis=0) / 2 - target[:, EVEN].sum(axis=0)
    target[:, EVEN] += 2 * target[:, :1] * missing
    weights = np.zeros_like(target) if start is None else start
    value = _dual(weights, target, basis, first)
    for _ in range(MAX_STEPS):
        slope, curvature = _derivatives(weights, target, basis, first)
        if np.abs(slope).max() < GRADIENT_TOLERANCE:
            break
        step = np.linalg.solve(curvature, slope.ravel()).reshape(weights.shape)
        length = 1.0
        while (reached := _dual(weights + length * step, target, basis, first)) < value and length > 1e-6:
            length /= 2
        weights, value = weights + length * step, reached
    return weights


def shares(weights: NDArray[np.float64], basis: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each part at places given by their :func:`terms`, shape (2, n_parts, n): right, left."""
    score = np.stack([weights @ basis.T, weights @ (basis * MIRROR).T]) + first.T
    share = np.exp(score - score.max(axis=(0, 1)))
    return np.asarray(share / share.sum(axis=(0, 1)))


def _dual(weights: NDArray, target: NDArray, basis: NDArray, first: NDArray) -> float:
    score = np.concatenate([weights @ basis.T + first.T, weights @ (basis * MIRROR).T + first.T])
    top = score.max(axis=0)
    partition = top + np.log(np.exp(score - top).sum(axis=0))
    return float((target * weights).sum() - 0.5 * partition.mean() - 0.5 * RIDGE * (weights**2).sum())


def _derivatives(weights: NDArray, target: NDArray, basis: NDArray, first: NDArray) -> tuple[NDArray, NDArray]:
    """Gradient of the dual, and its negated Hessian."""
    share = shares(weights, basis, first)
    sides = np.stack([basis, basis * MIRROR])
    half = 0.5 / len(basis)
    slope = target - half * np.einsum("spn,snf->pf", share, sides) - RIDGE * weights
    # A change of one coefficient acts on both partners: their effects at a place add up.
    joint = np.einsum("spn,snf->pfn", share, sides).reshape(weights.size, -1)
    curvature = -half * joint @ joint.T
    squares = half * np.einsum("spn,nf,ng,sfg->pfg", share, basis, basis, _signs(), optimize=True)
    blocks = curvature.reshape(*weights.shape, *weights.shape)
    each = np.arange(len(weights))
    blocks[each, :, each] += squares
    return slope, curvature + RIDGE * np.eye(weights.size)


def _signs() -> NDArray[np.float64]:
    """Return the sign of each product of two terms on the right and on the left, shape (2, 6, 6)."""
    return np.stack([np.ones((6, 6)), np.outer(MIRROR, MIRROR)])

"""How large the noise of a map is, and how far neighbouring voxels share it, from what an estimate leaves over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LARGEST_CORRELATION = 0.9
"""Neighbouring voxels of an interpolated image share no more of their noise than this in practice."""

FEWEST_PAIRS = 20
"""A correlation from fewer pairs of neighbours than this says nothing."""


def neighbour_correlations(
    residuals: NDArray[np.float64],
    places: NDArray[np.int_],
    columns: NDArray[np.float64],
    operator: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the correlation of in-plane neighbours (y, x): 0 for noise that each voxel has of its own.

    Interpolation (motion correction, warping) mixes the noise of neighbours within a slice, so that fewer
    independent values are there than voxels.

    Parameters
    ----------
    residuals : (n, n_volumes) array
        What a least-squares fit leaves over.
    places : (n, 3) array of int
        Work-order indices of the voxels.
    columns : (n, k) array
        What was fitted.
    operator : (k, n) array
        Gives the fitted factors from the values.

    Notes
    -----
    A fit makes residuals of neighbours differ: noise of each voxel's own leaves a mean product of -s2 P_ij, P being
    the projection on the columns. That is added back.
    """
    degrees = len(residuals) - float(np.einsum("nk,kn->", columns, operator))
    variance = float((residuals**2).sum()) / max(degrees, 1.0) / residuals.shape[1]
    if variance == 0:
        return 0.0, 0.0
    row = {tuple(place): number for number, place in enumerate(places.tolist())}
    found = []
    for step in ((0, 1, 0), (0, 0, 1)):
        partner = np.array([row.get(tuple(place), -1) for place in (places + step).tolist()], dtype=int)
        first, second = np.flatnonzero(partner >= 0), partner[partner >= 0]
        if len(first) < FEWEST_PAIRS:
            found.append(0.0)
            continue
        shared = float(np.mean(residuals[first] * residuals[second])) / variance
        shared += float(np.mean(np.einsum("nk,kn->n", columns[first], operator[:, second])))
        found.append(float(np.clip(shared, 0.0, LARGEST_CORRELATION)))
    return found[0], found[1]


def summed_variance(
    weights: NDArray[np.float64], places: NDArray[np.int_], correlations: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the variance of weighted sums of unit noise, shape (n_sums,).

    Noise is independent between slices; within one its correlation falls with the distance in steps, rho ** steps
    along each axis.

    Parameters
    ----------
    weights : (n_sums, n) array
        Weights of the voxels in each sum.
    places : (n, 3) array of int
        Work-order indices of the voxels.
    correlations : tuple of 2 float
        Of neighbours along y and x.
    """
    if correlations == (0.0, 0.0):
        return (weights**2).sum(axis=1)
    total = np.zeros(len(weights))
    for here, shared in _slices(places, correlations):
        total += ((weights[:, here] @ shared) * weights[:, here]).sum(axis=1)
    return total


def residual_share(
    columns: NDArray[np.float64],
    operator: NDArray[np.float64],
    places: NDArray[np.int_],
    correlations: tuple[float, float],
) -> float:
    """Return what is left of the variance of the noise in the residuals of a least-squares fit, summed over voxels.

    That is the number of voxels less that of the fitted factors for noise of each voxel's own, and less than that for
    noise which neighbours share, as the fit follows it: trace((1 - P) R) for correlations R and projection P.
    """
    fitted = sum(
        float(np.sum((columns[here] @ operator[:, here]) * shared)) for here, shared in _slices(places, correlations)
    )
    return len(columns) - fitted


def _slices(
    places: NDArray[np.int_], correlations: tuple[float, float]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
    """Yield which voxels lie in a slice, and the correlations between them."""
    for number in np.unique(places[:, 0]):
        here = places[:, 0] == number
        y, x = (np.abs(np.subtract.outer(places[here, axis], places[here, axis])) for axis in (1, 2))
        yield here, correlations[0] ** y * correlations[1] ** x

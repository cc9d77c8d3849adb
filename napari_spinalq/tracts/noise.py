"""How large the noise of a map is, and how far neighbouring voxels share it, from what an estimate leaves over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST_CORRELATION = 0.9
"""Neighbouring voxels of an interpolated image share no more of their noise than this in practice."""

FEWEST_PAIRS = 20
"""A correlation from fewer pairs of neighbours than this says nothing."""


def neighbour_correlations(residuals: NDArray[np.float64], places: NDArray[np.int_]) -> tuple[float, float]:
    """Return the correlation of in-plane neighbours (y, x): 0 for noise that each voxel has of its own.

    Interpolation (motion correction, warping) mixes the noise of neighbours within a slice, so that fewer
    independent values are there than voxels.

    Parameters
    ----------
    residuals : (n,) or (n, n_volumes) array
        What the estimate leaves over.
    places : (n, 3) array of int
        Work-order indices of the voxels.
    """
    columns = residuals.reshape(len(residuals), -1)
    variance = float(np.mean(columns**2))
    if variance == 0:
        return 0.0, 0.0
    row = {tuple(place): number for number, place in enumerate(places.tolist())}
    return (
        _along(columns, places, row, (0, 1, 0), variance),
        _along(columns, places, row, (0, 0, 1), variance),
    )


def _along(
    columns: NDArray, places: NDArray, row: dict[tuple, int], step: tuple[int, int, int], variance: float
) -> float:
    partner = np.array([row.get(tuple(place), -1) for place in (places + step).tolist()], dtype=int)
    have = partner >= 0
    if have.sum() < FEWEST_PAIRS:
        return 0.0
    shared = float(np.mean(columns[have] * columns[partner[have]]))
    return float(np.clip(shared / variance, 0.0, LARGEST_CORRELATION))


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
    for number in np.unique(places[:, 0]):
        here = places[:, 0] == number
        y, x = (np.abs(np.subtract.outer(places[here, axis], places[here, axis])) for axis in (1, 2))
        shared = correlations[0] ** y * correlations[1] ** x
        total += np.einsum("sn,nm,sm->s", weights[:, here], shared, weights[:, here], optimize=True)
    return total

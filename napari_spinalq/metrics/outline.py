"""Outline of a structure in one slice: crossings for the perimeter, and solidity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from skimage.measure import find_contours

STEPS = np.array([(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (2, -1), (1, -2)])
"""Pixel steps (row, column) whose crossings are counted: eight directions keep the length of a straight edge within
2 % at any angle for square pixels."""


def crossings(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count how often lines along each of ``STEPS`` cross the outline, shape (8,).

    A step from value a to value b counts as |a - b|, so an edge softened over several pixels counts once.

    Parameters
    ----------
    values : 2-D array
        Values from 0 (outside) to 1 (inside).
    """
    padded = np.pad(values, 2)
    return np.array([np.abs(first - second).sum() for first, second in (_pair(padded, *step) for step in STEPS)])


def _pair(padded: NDArray[np.float64], down: int, right: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    height, width = padded.shape
    start, stop = max(0, -right), width - max(0, right)
    return padded[: height - down, start:stop], padded[down:, start + right : stop + right]


def perimeter_mm(counts: NDArray[np.float64], pixel_matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the length of the outline from its crossings, shape (n,), mm.

    The Cauchy-Crofton formula on a grid: each direction stands for the angles nearer to it than to its neighbours.

    Parameters
    ----------
    counts : (n, 8) array
        From :func:`crossings`.
    pixel_matrices : (n, 2, 2) array
        Maps (row, column) steps to mm, one for each slice.

    References
    ----------
    Boykov and Kolmogorov 2003, ICCV, doi:10.1109/ICCV.2003.1238310, equation for Riemannian metrics on a grid.
    """
    steps_mm = np.einsum("nij,kj->nki", pixel_matrices, STEPS.astype(float))
    angle = np.mod(np.arctan2(steps_mm[..., 1], steps_mm[..., 0]), np.pi)
    order = np.argsort(angle, axis=1)
    ascending = np.take_along_axis(angle, order, axis=1)
    to_next = np.mod(np.roll(ascending, -1, axis=1) - ascending, np.pi)
    share = np.empty_like(angle)
    np.put_along_axis(share, order, (to_next + np.roll(to_next, 1, axis=1)) / 2, axis=1)
    pixel_area = np.abs(np.linalg.det(pixel_matrices))[:, None]
    return (counts * pixel_area * share / (2 * np.linalg.norm(steps_mm, axis=2))).sum(axis=1)


def solidity(values: NDArray[np.float64]) -> float:
    """Return the area inside the half-value contour over the area of its convex hull, 0..1.

    The contour runs between pixel centres by linear interpolation, so a convex shape comes out near 1 in spite of
    its stair-shaped pixels. Both areas change alike under any linear map: it needs no pixel size and no angle.

    Parameters
    ----------
    values : 2-D array
        Values from 0 (outside) to 1 (inside).
    """
    contours = find_contours(np.pad(values, 1), 0.5)
    enclosed = abs(sum(_signed_area(contour) for contour in contours))
    return float(min(1.0, enclosed / ConvexHull(np.concatenate(contours)).volume))


def _signed_area(contour: NDArray[np.float64]) -> float:
    y, x = contour[:, 0], contour[:, 1]
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2

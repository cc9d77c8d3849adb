"""How good a registration is: overlap and distance of both cords, and whether the plane folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INSIDE = 0.5
"""A voxel of which this share lies in the cord counts as cord."""


def slice_dice(first_work: NDArray, second_work: NDArray) -> NDArray[np.float64]:
    """Return the Dice coefficient of two masks in each slice of work order; NaN where both are empty.

    What is not known (NaN) counts as empty. Dice 1945, Ecology 26:297,
    doi:10.2307/1932409: 2 both / (first + second), of voxels at least half inside.
    """
    one, other = (np.nan_to_num(mask) >= INSIDE for mask in (first_work, second_work))
    both, total = (one & other).sum(axis=(1, 2)), one.sum(axis=(1, 2)) + other.sum(axis=(1, 2))
    return np.where(total > 0, 2 * both / np.maximum(total, 1), np.nan)


def overall_dice(first_work: NDArray, second_work: NDArray, slices: NDArray[np.bool_]) -> float:
    """Return the Dice coefficient over some slices; NaN where they hold nothing."""
    one, other = (np.nan_to_num(mask[slices]) >= INSIDE for mask in (first_work, second_work))
    total = one.sum() + other.sum()
    return float(2 * (one & other).sum() / total) if total else float("nan")

"""What one check found in one scan, whether or not it is enough for a flag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.quality.flags.checks import RULES, Check


@dataclass(frozen=True)
class Finding:
    """The score of a check, where it comes from, and what is said about it if it is flagged.

    Attributes
    ----------
    score : float
        In the unit of the check's rule; NaN where it cannot be assessed.
    slices : tuple of int
        Work-order slices beyond the threshold, ascending; without any the one that decides, or none.
    sentence : str
        Short and plain.
    """

    score: float
    slices: tuple[int, ...] = ()
    sentence: str = ""


NOT_ASSESSABLE = Finding(float("nan"))


def beyond(check: Check, scores: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return the places of scores beyond the threshold of a check, ascending."""
    rule = RULES[check]
    return np.flatnonzero([rule.is_flagged(float(score)) for score in scores])

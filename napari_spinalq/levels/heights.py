"""How tall vertebral levels are: typical distances between neighbouring discs, and the body size of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

TYPICAL_HEIGHT_MM: Mapping[int, float] = {
    **{1: 23.0, 2: 15.5, 3: 18.5, 4: 18.5, 5: 16.5, 6: 15.5, 7: 17.0},
    **{8: 21.5, 9: 23.0, 10: 23.0, 11: 24.5, 12: 25.5, 13: 25.5, 14: 26.5, 15: 27.0, 16: 26.5, 17: 29.0},
    **{18: 31.5, 19: 31.5, 20: 33.5, 21: 33.5, 22: 33.5, 23: 33.5, 24: 33.5},
}
"""Height of each level along the cord, mm, from the disc above it to the disc below it.

C1 to L1: distances between the disc labels of the PAM50 template at 0.5 mm (De Leener et al. 2018, NeuroImage 165,
170-179, doi:10.1016/j.neuroimage.2017.10.041). For C1 the upper bound is the top of C1. The template ends at L1-L2;
L2 to L5 are given the height of L1, an assumption that matters only for lumbar scans."""

MIN_SCALE, MAX_SCALE = 0.5, 1.6
"""A span between two discs shorter or taller than the typical one by more than these factors is impossible. A person's
size explains about 0.6 (a small child) to 1.25; the rest allows for a collapsed disc or a tall neighbour."""

END_TOLERANCE_MM = 3.0
"""Slack (mm) on top of the factors: discs are marked to within about 1.5 mm at either end of a span."""


@cache
def span_mm(upper_disc: int, lower_disc: int) -> float:
    """Return the typical distance (mm) along the cord between two discs.

    Examples
    --------
    >>> span_mm(3, 5)
    37.0
    """
    return float(sum(TYPICAL_HEIGHT_MM[level] for level in range(upper_disc, lower_disc)))


def is_possible_span(upper_disc: int, lower_disc: int, distance_mm: float) -> bool:
    """Tell whether two named discs can lie ``distance_mm`` apart in any person.

    Examples
    --------
    >>> is_possible_span(3, 4, 17.0), is_possible_span(3, 9, 5.0)
    (True, False)
    """
    typical = span_mm(upper_disc, lower_disc)
    return MIN_SCALE * typical - END_TOLERANCE_MM <= distance_mm <= MAX_SCALE * typical + END_TOLERANCE_MM


def body_scale(numbers: Sequence[int], arcs_mm: Sequence[float]) -> float:
    """Return how tall a person's levels are, as a multiple of the typical heights.

    Parameters
    ----------
    numbers : sequence of int
        Disc numbers, ascending.
    arcs_mm : sequence of float
        Their distances along the cord from its inferior end, mm (descending).

    Returns
    -------
    float
        The whole measured span over its typical value; 1 for a single disc.

    Examples
    --------
    >>> body_scale([3, 5], [80.0, 43.0])
    1.0
    """
    if len(numbers) < 2:
        return 1.0
    scale = (arcs_mm[0] - arcs_mm[-1]) / span_mm(numbers[0], numbers[-1])
    return float(np.clip(scale, MIN_SCALE, MAX_SCALE))

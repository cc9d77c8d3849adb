"""Slices whose measure departs from the course of its neighbours: a slip of the brush, a leak, a hole.

The Hampel identifier: a value is a spike if it lies farther from the median of the values around it than a multiple of
their scale, estimated by the median absolute deviation (Hampel 1974, doi:10.1080/01621459.1974.10482962; as a filter
of sequences: Pearson et al. 2016, doi:10.1186/s13634-016-0383-6). Up to half of the values around it may be wrong
without moving that course.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

HALF_WINDOW_MM = 10.0
"""Reach of "around" to either side, mm: 20 mm see past a fault of a few slices, and are short against the cervical
enlargement, which swells and tapers over some 100 mm."""

MIN_HALF_WINDOW = 3
"""Slices to either side at least, for thick slices: seven values outvote a fault of up to three slices."""

MIN_VALUES = 5
"""Fewer values than this around a slice (at the ends of a short stack) tell no course."""

THRESHOLD = 4.0
"""Scales of departure that make a spike. Pearson et al. take 3; over some 21 values the scale of normal noise itself
comes out 30 % low now and then. With 4, noise of 2 % between slices made 3 spikes in 75 600 slices of a cord."""

MAD_TO_SD = 1.4826
"""The median absolute deviation of a normal distribution times this is its standard deviation (1 / 0.6745)."""


@dataclass(frozen=True)
class Smallest:
    """Departure below which nothing is called a spike, however even its neighbours are: the largest of these counts.

    Attributes
    ----------
    share : float
        Share of the course.
    own : float
        In the unit of the measure.
    per_pixel_mm : float
        The same for a pixel of 1 mm: outlines are drawn in whole pixels, so that measures move in steps.
    """

    share: float = 0.0
    own: float = 0.0
    per_pixel_mm: float = 0.0

    def at(self, course: NDArray[np.float64], pixel_mm: float) -> NDArray[np.float64]:
        """Return the smallest departure that counts at each value of a course, shape (n,)."""
        return np.maximum(self.share * np.abs(course), max(self.own, self.per_pixel_mm * pixel_mm))


_DIAMETER = Smallest(share=0.08, per_pixel_mm=1.5)
SMALLEST_DEPARTURE: Mapping[str, Smallest] = {
    "area_mm2": Smallest(share=0.08),
    "diameter_ap_mm": _DIAMETER,
    "diameter_ap_ellipse_mm": _DIAMETER,
    "diameter_rl_mm": _DIAMETER,
    "eccentricity": Smallest(own=0.05),
    "solidity": Smallest(own=0.03, per_pixel_mm=0.1),
    "asymmetry_percent": Smallest(own=8.0),
}
"""By measure. The 8 % are nearly five times what repeated scans of a person differ by (coefficient of variation of the
area of C1 to C3: median 1.7 %, at most 3.2 %; VUIIS-MS, MASiVar and BLSA, ``docs/along.md``). A diameter may step by
the pixel that is gained or lost at an end, and half a pixel more for its partner; a pixel at a corner of the outline
moves solidity by up to 0.08 at 0.8 mm."""


def local_course(values: ArrayLike, half_window: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the running median of a sequence and the running scale of the departures from it.

    The scale is that of the values less their own course, not less the course at the middle of the window: on the
    taper below the cervical enlargement the area falls by a third within 30 mm, which would pass for scatter.

    Parameters
    ----------
    values : (n,) array
        In order; NaN where nothing was measured.
    half_window : int
        Values to either side that count; fewer at the ends.

    Returns
    -------
    course, scale : (n,) arrays
        Median, and median absolute departure as the standard deviation of normal noise; NaN where fewer than
        ``MIN_VALUES`` are known.
    """
    known = np.asarray(values, dtype=float)
    course = _running_median(known, half_window)
    return course, MAD_TO_SD * _running_median(np.abs(known - course), half_window)


def _running_median(values: NDArray[np.float64], half_window: int) -> NDArray[np.float64]:
    """Return the median of the known values around each one; ``nanmedian`` takes ten times as long."""
    padded = np.pad(values, half_window, constant_values=np.nan)
    rows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half_window + 1)
    ordered = np.sort(rows, axis=1)  # NaN last
    known = np.isfinite(rows).sum(axis=1)
    upper = np.minimum(known // 2, rows.shape[1] - 1)
    lower = np.maximum((known - 1) // 2, 0)
    line = np.arange(len(rows))
    middle = (ordered[line, lower] + ordered[line, upper]) / 2
    return np.where(known >= MIN_VALUES, middle, np.nan)


def spikes(values: ArrayLike, attribute: str, step_mm: float, pixel_mm: float) -> NDArray[np.bool_]:
    """Tell which slices depart from the course around them.

    Parameters
    ----------
    values : (n,) array
        A measure of consecutive slices; NaN where nothing was measured.
    attribute : str
        Which one: a key of ``SMALLEST_DEPARTURE``.
    step_mm : float
        Distance between slices, mm.
    pixel_mm : float
        In-plane size of a pixel, mm.

    Returns
    -------
    (n,) array of bool

    Examples
    --------
    >>> area = np.full(30, 70.0)
    >>> area[12] = 90.0
    >>> np.flatnonzero(spikes(area, "area_mm2", 1.0, 0.8)).tolist()
    [12]
    """
    found = np.asarray(values, dtype=float)
    if not len(found):
        return np.zeros(0, dtype=bool)
    course, scale = local_course(found, max(MIN_HALF_WINDOW, round(HALF_WINDOW_MM / step_mm)))
    smallest = SMALLEST_DEPARTURE[attribute].at(course, pixel_mm)
    with np.errstate(invalid="ignore"):
        return np.abs(found - course) > np.maximum(THRESHOLD * scale, smallest)

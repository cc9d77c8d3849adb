"""How far two readers, or two methods, agree: limits of agreement, intraclass correlation, kappa."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from napari_spinalq.errors import InputError

LEAST_PAIRS = 3
"""Fewer pairs give limits of agreement whose own interval is wider than any difference of interest."""

LEAST_CASES = 5
"""Fewer cases give an interval of the intraclass correlation that covers nearly all of its range."""

COVERAGE = 0.95
"""Of the limits of agreement and of all intervals."""


@dataclass(frozen=True)
class Estimate:
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LimitsOfAgreement:
    """Bland-Altman analysis of pairs of measurements.

    Attributes
    ----------
    n : int
        Pairs.
    bias : Estimate
        Mean of second less first.
    sd : float
        Standard deviation of the differences.
    lower, upper : Estimate
        Limits between which 95 % of differences are expected.
    """

    n: int
    bias: Estimate
    sd: float
    lower: Estimate
    upper: Estimate


def limits_of_agreement(first: ArrayLike, second: ArrayLike, *, exact: bool = True) -> LimitsOfAgreement:
    """Compare two series of measurements of the same things (Bland-Altman).

    Parameters
    ----------
    first, second : (n,) arrays
        Measurements in one unit; pairs with a value that is not finite are left out. The intervals suppose that pairs
        are independent, which neighbouring slices of one cord are not.
    exact : bool
        Intervals of the limits from the noncentral t distribution (Carkeet A, Optom Vis Sci 2015;92:e71-e80, doi
        10.1097/OPX.0000000000000513); else approximate, with the standard error SD sqrt(1/n + 1.96^2 / (2 (n - 1)))
        of Bland JM, Altman DG, Stat Methods Med Res 1999;8:135-160, doi 10.1177/096228029900800204.

    Raises
    ------
    InputError
        If the series differ in length or hold fewer than ``LEAST_PAIRS`` pairs.
    """
    difference = _differences(first, second)
    n, bias, sd = len(difference), float(difference.mean()), float(difference.std(ddof=1))
    reach = float(special.ndtri(0.5 + COVERAGE / 2)) * sd
    t = float(special.stdtrit(n - 1, 0.5 + COVERAGE / 2))
    near, far = _interval_of_limit(n, sd, exact)
    return LimitsOfAgreement(
        n,
        Estimate(bias, bias - t * sd / sqrt(n), bias + t * sd / sqrt(n)),
        sd,
        Estimate(bias - reach, bias - far, bias - near),
        Estimate(bias + reach, bias + near, bias + far),
    )


def _interval_of_limit(n: int, sd: float, exact: bool) -> tuple[float, float]:
    """Return how far from the bias the interval of a limit begins and ends."""
    z = float(special.ndtri(0.5 + COVERAGE / 2))
    tails = (0.5 - COVERAGE / 2, 0.5 + COVERAGE / 2)
    if exact:
        near, far = (float(special.nctdtrit(n - 1, z * sqrt(n), tail)) * sd / sqrt(n) for tail in tails)
        return near, far
    error = sd * sqrt(1.0 / n + z**2 / (2.0 * (n - 1)))
    near, far = (z * sd + float(special.stdtrit(n - 1, tail)) * error for tail in tails)
    return near, far


def _differences(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.shape != other.shape or one.ndim != 1:
        raise InputError(f"Two series of equal length are compared, not {one.shape} and {other.shape}.")
    difference = other - one
    difference = difference[np.isfinite(difference)]
    if len(difference) < LEAST_PAIRS:
        raise InputError(f"{len(difference)} pair(s) are too few for limits of agreement; give {LEAST_PAIRS} or more.")
    return difference


def intraclass_correlation(ratings: ArrayLike) -> Estimate:
    """Return ICC(2,1): absolute agreement of single ratings, raters and cases both drawn at random.

    Parameters
    ----------
    ratings : (n_cases, n_raters) array
        Every case measured by every rater; cases with a value that is not finite are left out.

    Returns
    -------
    Estimate
        Shrout PE, Fleiss JL, Psychol Bull 1979;86:420-428, doi 10.1037/0033-2909.86.2.420; interval of ICC(A,1) by
        McGraw KO, Wong SP, Psychol Methods 1996;1:30-46, doi 10.1037/1082-989X.1.1.30.

    Raises
    ------
    InputError
        If there are fewer than ``LEAST_CASES`` cases or two raters, or all ratings are equal.
    """
    values = np.asarray(ratings, dtype=float)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InputError(f"Ratings are a table of cases by two raters or more, not of shape {values.shape}.")
    values = values[np.isfinite(values).all(axis=1)]
    n, k = values.shape
    if n < LEAST_CASES:
        raise InputError(f"{n} case(s) are too few for an intraclass correlation; give {LEAST_CASES} or more.")
    between_cases, between_raters, rest = _mean_squares(values)
    total = between_cases + (k - 1) * rest + k * (between_raters - rest) / n
    if total <= 0:
        raise InputError("All ratings are equal, so that there is no variation to correlate; give cases that differ.")
    icc = (between_cases - rest) / total
    return Estimate(icc, *_icc_interval(icc, between_cases, between_raters, rest, n, k))


def _mean_squares(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean squares of cases, raters and residual of a two-way table without replicates."""
    n, k = values.shape
    mean = values.mean()
    of_cases = k * float(np.square(values.mean(axis=1) - mean).sum())
    of_raters = n * float(np.square(values.mean(axis=0) - mean).sum())
    residual = max(0.0, float(np.square(values - mean).sum()) - of_cases - of_raters)
    return of_cases / (n - 1), of_raters / (k - 1), residual / ((n - 1) * (k - 1))


def _icc_interval(
    icc: float, between_cases: float, between_raters: float, rest: float, n: int, k: int
) -> tuple[float, float]:
    """Return the ends of the interval, with the Satterthwaite degrees of freedom of McGraw and Wong."""
    if icc >= 1.0:
        return 1.0, 1.0
    a = k * icc / (n * (1.0 - icc))
    b = 1.0 + k * icc * (n - 1) / (n * (1.0 - icc))
    parts = (a * between_raters) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    freedom = (a * between_raters + b * rest) ** 2 / parts
    low_f = float(special.fdtri(n - 1, freedom, 0.5 + COVERAGE / 2))
    high_f = float(special.fdtri(freedom, n - 1, 0.5 + COVERAGE / 2))
    spread = k * between_raters + (k * n - k - n) * rest
    low = n * (between_cases - low_f * rest) / (low_f * spread + n * between_cases)
    high = n * (high_f * between_cases - rest) / (spread + n * high_f * between_cases)
    return low, high


def cohen_kappa(first: ArrayLike, second: ArrayLike, *, weights: str = "none") -> Estimate:
    """Return how far two raters agree on categories beyond chance.

    Parameters
    ----------
    first, second : (n,) arrays of int
        Category of each thing; ordered categories (levels) for weights.
    weights : str
        ``"none"``: any disagreement counts fully (Cohen J, Educ Psychol Meas 1960;20:37-46, doi
        10.1177/001316446002000104); ``"linear"``: in proportion to the steps between the categories that occur
        (Cohen J, Psychol Bull 1968;70:213-220, doi 10.1037/h0026256).

    Returns
    -------
    Estimate
        The interval is approximate, from the standard error of Fleiss JL, Cohen J, Everitt BS, Psychol Bull
        1969;72:323-327, doi 10.1037/h0028106, and ends at 1.

    Raises
    ------
    InputError
        If there is nothing to compare, the series differ in length, or both raters used a single, common category.
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape or one.ndim != 1 or not len(one):
        raise InputError(f"Two series of equal length are compared, not {one.shape} and {other.shape}.")
    if weights not in ("none", "linear"):
        raise InputError(f"Weights are 'none' or 'linear', not {weights!r}.")
    categories, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    if len(categories) < 2:
        raise InputError("Both raters used one category only, so that chance alone explains all agreement.")
    table = np.zeros((len(categories),) * 2)
    np.add.at(table, (codes[: len(one)], codes[len(one) :]), 1.0)
    return kappa_of_table(table, linear=weights == "linear")


def kappa_of_table(table: ArrayLike, *, linear: bool = False) -> Estimate:
    """Return Cohen's kappa of a square table of counts, rows of the first rater; see :func:`cohen_kappa`."""
    counts = np.asarray(table, dtype=float)
    n, share = counts.sum(), counts / counts.sum()
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    steps = np.abs(np.subtract.outer(np.arange(len(share)), np.arange(len(share))))
    credit = 1.0 - steps / (len(share) - 1) if linear else (steps == 0).astype(float)
    seen, chance = float((credit * share).sum()), float(rows @ credit @ columns)
    kappa = (seen - chance) / (1.0 - chance)
    pull = (credit @ columns)[:, None] + (rows @ credit)[None, :]  # mean credit of each row and of each column
    spread = float((share * (credit - pull * (1.0 - kappa)) ** 2).sum()) - (kappa - chance * (1.0 - kappa)) ** 2
    error = sqrt(max(0.0, spread) / n) / (1.0 - chance)
    reach = float(special.ndtri(0.5 + COVERAGE / 2)) * error
    return Estimate(kappa, kappa - reach, min(1.0, kappa + reach))

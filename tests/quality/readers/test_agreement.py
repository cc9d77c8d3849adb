"""Agreement figures against published worked examples, a second implementation and closed form."""

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.readers.agreement import (
    cohen_kappa,
    intraclass_correlation,
    kappa_of_table,
    limits_of_agreement,
)

WRIGHT = (494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
MINI_WRIGHT = (512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)
"""Peak expiratory flow, l/min: Bland and Altman, Lancet 1986;i:307-310, table 1, first readings."""

SHROUT_FLEISS = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
"""Six targets by four judges: Shrout and Fleiss 1979, table 2."""

AGRESTI = ((7, 7, 2, 3), (2, 8, 3, 7), (1, 5, 4, 9), (2, 8, 9, 14))
"""Ratings of husbands and wives: Agresti, Categorical Data Analysis, 1990, table 10.7 (Hout, Duncan, Sobel 1987)."""


def test_limits_of_agreement_of_the_published_example():
    found = limits_of_agreement(MINI_WRIGHT, WRIGHT, exact=False)
    assert found.n == 17
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    assert (found.bias.low, found.bias.high) == pytest.approx((-22.0, 17.8), abs=0.1)
    # The paper takes 2 SD where 1.96 is meant: -79.7 and 75.5.
    assert (found.lower.value, found.upper.value) == pytest.approx((-79.7 + 0.04 * 38.8, 75.5 - 0.04 * 38.8), abs=0.1)


def test_the_approximate_interval_of_a_limit_is_that_of_its_standard_error():
    found = limits_of_agreement(MINI_WRIGHT, WRIGHT, exact=False)
    error = 38.7651 * np.sqrt(1 / 17 + 1.959964**2 / 32)
    assert (found.upper.high - found.upper.low) / 2 == pytest.approx(2.1199 * error, rel=1e-4)  # t(0.975, 16)


def test_the_exact_interval_of_a_limit_covers_the_true_limit_as_often_as_it_says():
    rng, hits, runs = np.random.default_rng(3), 0, 4000
    for _ in range(runs):
        sample = rng.normal(1.0, 2.0, 8)
        upper = limits_of_agreement(np.zeros(8), sample).upper
        hits += upper.low <= 1.0 + 1.959964 * 2.0 <= upper.high
    assert hits / runs == pytest.approx(0.95, abs=0.015)  # 4 standard errors of 4000 draws


def test_icc_of_the_published_example():
    found = intraclass_correlation(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.29, abs=0.005)
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=0.001)


def _icc_by_least_squares(values):
    """Return ICC(2,1) from the residuals of three linear models, not from squares of means."""
    n, k = values.shape
    cases, raters = np.repeat(np.eye(n), k, axis=0), np.tile(np.eye(k), (n, 1))
    flat = values.ravel()

    def left(design):
        return float(np.square(flat - design @ np.linalg.lstsq(design, flat, rcond=None)[0]).sum())

    both = left(np.hstack([cases, raters]))
    rest = both / ((n - 1) * (k - 1))
    var_cases = ((left(raters) - both) / (n - 1) - rest) / k
    var_raters = ((left(cases) - both) / (k - 1) - rest) / n
    return var_cases / (var_cases + var_raters + rest)


@pytest.mark.parametrize("seed", range(5))
def test_icc_equals_the_ratio_of_variance_components(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(60, 6, (12, 1)) + rng.normal(0, 1, (1, 3)) + rng.normal(0, 1.5, (12, 3))
    assert intraclass_correlation(values).value == pytest.approx(_icc_by_least_squares(values), rel=1e-9)


def test_a_constant_shift_lowers_absolute_agreement():
    first = np.array([60.0, 65, 70, 75, 80])
    shifted = intraclass_correlation(np.column_stack([first, first + 10])).value
    # Case variance 62.5, rater variance 50 (half the squared shift), nothing left: 62.5 / 112.5.
    assert shifted == pytest.approx(62.5 / 112.5)
    assert intraclass_correlation(np.column_stack([first, first])).value == pytest.approx(1.0)


def test_kappa_of_the_published_examples():
    plain, weighted = kappa_of_table(AGRESTI), kappa_of_table(AGRESTI, linear=True)
    assert plain.value == pytest.approx(0.129, abs=0.0005)
    assert (plain.value - plain.low) / 1.959964 == pytest.approx(0.0686, abs=0.00005)
    assert weighted.value == pytest.approx(0.2374, abs=0.00005)
    assert (weighted.value - weighted.low) / 1.959964 == pytest.approx(0.0783, abs=0.00005)


def test_kappa_in_closed_form():
    first, second = [1] * 25 + [2] * 25, [1] * 20 + [2] * 5 + [1] * 10 + [2] * 15
    assert cohen_kappa(first, second).value == pytest.approx(0.4)  # (0.7 - 0.5) / (1 - 0.5)
    assert cohen_kappa([3, 4, 5], [3, 4, 5]).value == pytest.approx(1.0)


def test_neighbouring_levels_count_as_nearly_right_with_linear_weights():
    first, second = [3, 3, 4, 4, 5, 5], [3, 4, 4, 5, 5, 5]
    far = [3, 5, 4, 4, 5, 3]
    assert cohen_kappa(first, second, weights="linear").value > cohen_kappa(first, second).value
    assert cohen_kappa(first, far, weights="linear").value < cohen_kappa(first, far).value


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: limits_of_agreement([1, 2], [1, 2]), "too few"),
        (lambda: limits_of_agreement([1, 2, 3], [1, 2]), "equal length"),
        (lambda: limits_of_agreement([1, 2, np.nan], [1, 2, 3]), "too few"),
        (lambda: intraclass_correlation(np.ones((4, 2))), "too few"),
        (lambda: intraclass_correlation(np.ones((6, 2))), "no variation"),
        (lambda: intraclass_correlation(np.ones(6)), "two raters"),
        (lambda: cohen_kappa([1, 1], [1, 1]), "one category"),
        (lambda: cohen_kappa([], []), "compared"),
        (lambda: cohen_kappa([1, 2], [1, 2], weights="cubic"), "Weights"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()

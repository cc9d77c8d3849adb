"""Detection rates, in closed form and from a published table."""

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.readers.detection import Detection, share


def test_wilson_interval_of_a_published_example():
    # Newcombe RG, Stat Med 1998;17:857-872, table I, method 3: 81 of 263, and 0 of 20.
    found = share(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    none = share(0, 20)
    assert (none.low, none.high) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_a_reader_who_guesses_has_no_detectability():
    assert Detection(10, 10, 10, 10).d_prime == pytest.approx(0.0)
    assert Detection(20, 0, 0, 20).d_prime == pytest.approx(2 * 1.98089, abs=1e-3)  # z(20.5 / 21) twice
    assert Detection(0, 20, 20, 0).d_prime < 0


def test_rates():
    found = Detection(8, 2, 1, 9)
    assert found.sensitivity.value == 0.8
    assert found.specificity.value == 0.9


def test_no_mask_of_a_kind_has_no_rate():
    with pytest.raises(InputError, match="at least one"):
        _ = Detection(0, 0, 1, 9).sensitivity

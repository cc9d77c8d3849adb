"""The flags on a cord of known shape, clean and with faults of known place and size."""

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.quality.checks import RULES
from napari_spinalq.quality.faults import MASK_FAULTS, Case, inject
from napari_spinalq.quality.flags import Check, flags_of, scores_of, suspicion
from napari_spinalq.scan import Scan


@pytest.fixture(scope="module")
def case():
    """Return a bright cord of 12 x 8 mm in brighter fluid, upright, on pixels of 0.5 mm and slices of 3 mm."""
    grid = Grid((20, 80, 80), np.array([[0, 0, 0.5, -20], [0, 0.5, 0, -20], [3.0, 0, 0, 0], [0, 0, 0, 1.0]]))
    _, y, x = (np.indices(grid.shape) - np.array([0, 39.5, 39.5])[:, None, None, None]) * np.array([3, 0.5, 0.5])[
        :, None, None, None
    ]
    cord, fluid = ((x / a) ** 2 + (y / b) ** 2 <= 1 for a, b in ((6, 4), (9, 7)))
    image = 60.0 + 140.0 * fluid - 100.0 * cord + np.random.default_rng(0).normal(0, 4.0, grid.shape)
    return Case(Scan(image.astype(np.float32), grid), cord.astype(np.uint8))


def test_a_clean_case_has_no_flag(case):
    assert flags_of(case.measured()) == ()
    assert suspicion(()) == 0.0


@pytest.mark.parametrize("check", MASK_FAULTS)
def test_a_fault_of_the_mask_is_flagged_and_leaves_the_image_alone(case, check):
    faulted = inject(case, check, np.random.default_rng(1), 0.8)
    assert faulted.scan is case.scan
    assert not np.array_equal(faulted.cord, case.cord)
    flags = {flag.check: flag for flag in flags_of(faulted.measured())}
    assert check in flags
    assert flags[check].threshold == RULES[check].threshold
    assert 0 < suspicion(flags.values()) <= 1


@pytest.mark.parametrize("check", [Check.MOTION, Check.LOW_SNR, Check.PARTIAL_FIELD_OF_VIEW, Check.TRUNCATED])
def test_a_fault_of_the_image_is_flagged(case, check):
    faulted = inject(case, check, np.random.default_rng(1), 0.8)
    assert check in {flag.check for flag in flags_of(faulted.measured())}


def test_what_cannot_be_assessed_is_nan_and_no_flag(case):
    scores = scores_of(case.measured())
    assert set(scores) == set(Check)
    for check in (Check.CORD_OUTSIDE_CANAL, Check.GM_OUTSIDE_CORD, Check.LEVEL_ORDER, Check.LOW_CONFIDENCE):
        assert np.isnan(scores[check])

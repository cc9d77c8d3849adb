"""Faults come where and as large as asked, leave the case alone, and are the same for the same draws."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.quality.faults import MASK_FAULTS, case_of, inject
from napari_spinalq.quality.flags import Check, finding_of, flags_of

IMAGE_FAULTS = (Check.MOTION, Check.LOW_SNR, Check.PARTIAL_FIELD_OF_VIEW, Check.TRUNCATED)
MADE_HERE = (*MASK_FAULTS, Check.CORD_OUTSIDE_CANAL, Check.GM_OUTSIDE_CORD, *IMAGE_FAULTS)


def rng():
    return np.random.default_rng(4)


@pytest.mark.parametrize("check", MADE_HERE)
def test_a_fault_is_flagged_by_its_check(case, check):
    assert check in {flag.check for flag in flags_of(inject(case, check, rng(), 0.8).measured())}


@pytest.mark.parametrize("check", MADE_HERE)
def test_the_same_draws_give_the_same_fault_and_the_case_stays(case, check):
    image, cord = case.scan.data.copy(), case.cord.copy()
    first, second = (inject(case, check, rng(), 0.5) for _ in range(2))
    assert np.array_equal(first.cord, second.cord)
    assert np.array_equal(first.scan.data, second.scan.data)
    assert np.array_equal(case.scan.data, image)
    assert np.array_equal(case.cord, cord)


@pytest.mark.parametrize("check", MASK_FAULTS)
def test_faults_of_the_mask_leave_image_and_other_masks_alone(case, check):
    faulted = inject(case, check, rng(), 0.5)
    assert faulted.scan is case.scan
    assert not np.array_equal(faulted.cord, case.cord)
    for before, after in zip(case.structures, faulted.structures, strict=True):
        assert np.array_equal(before.mask, after.mask)


@pytest.mark.parametrize("check", [Check.AREA_JUMP, Check.MOTION, Check.ASYMMETRY, Check.SECOND_COMPONENT])
def test_a_severe_fault_scores_more_than_a_mild_one(case, check):
    mild, severe = (finding_of(inject(case, check, rng(), size).measured(), check).score for size in (0.0, 1.0))
    assert severe > mild


def test_a_leak_stays_in_the_tissue_in_which_it_begins(case):
    faulted = inject(case, Check.LEAK, rng(), 0.6)
    lobe = (faulted.cord > 0) & (case.cord == 0)
    values = case.scan.data[lobe]
    assert lobe.sum() >= 4
    assert values.std() < 25  # fluid is 200, tissue 60: a lobe over both would spread by 70


def test_a_cropped_field_keeps_every_voxel_at_its_place(case):
    for seed in range(6):
        faulted = inject(case, Check.TRUNCATED, np.random.default_rng(seed), 0.5)
        corner_mm = faulted.scan.grid.voxel_to_mm([0, 0, 0])
        z, y, x = np.rint(case.scan.grid.mm_to_voxel(corner_mm)).astype(int)
        assert faulted.scan.data[0, 0, 0] == case.scan.data[z, y, x]
        assert faulted.scan.grid.shape == faulted.cord.shape == faulted.structures[0].mask.shape


def test_a_disc_beside_its_place(case):
    discs = tuple(Disc(3 + place, (0.0, 8.0, 55.0 - 17.0 * place), Origin.DETECTED) for place in range(4))
    named = replace(case, labelling=Labelling(discs, confirmed=True))
    faulted = inject(named, Check.LEVEL_ORDER, rng(), 0.9)
    moved = [a != b for a, b in zip(discs, faulted.labelling.discs, strict=True)]
    assert sum(moved) == 1
    assert Check.LEVEL_ORDER in {flag.check for flag in flags_of(faulted.measured())}


def test_what_a_fault_needs_is_told(case):
    bare = replace(case, structures=())
    for check, said in ((Check.CORD_OUTSIDE_CANAL, "no canal"), (Check.GM_OUTSIDE_CORD, "no grey matter")):
        with pytest.raises(InputError, match=said):
            inject(bare, check, rng(), 0.5)
    with pytest.raises(InputError, match="discs say nothing"):
        inject(bare, Check.LEVEL_ORDER, rng(), 0.5)
    with pytest.raises(InputError, match="from 0 to 1"):
        inject(case, Check.LEAK, rng(), 1.5)
    short = replace(case, cord=np.where(np.arange(20)[:, None, None] < 3, case.cord, 0))
    with pytest.raises(InputError, match="no room"):
        inject(short, Check.LEAK, rng(), 0.5)


def test_a_result_gives_its_case_back(case):
    again = case_of(case.measured())
    assert again.scan is case.scan
    assert np.array_equal(again.cord, case.cord)
    assert [one.name for one in again.structures] == ["gm", "canal"]


@pytest.mark.slow
def test_a_spoilt_image_is_segmented_anew_with_less_confidence(case):
    faulted = inject(case, Check.LOW_CONFIDENCE, rng(), 1.0).measured()
    assert faulted.confidence is not None
    lost = len(faulted.shapes) < len(case.measured().shapes)
    assert lost or faulted.confidence.low.any()

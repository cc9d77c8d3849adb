"""What is flagged, how it is told, and how it is sorted."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.quality.faults import inject
from napari_spinalq.quality.flags import Check, Flag, findings_of, flags_of, scores_of, suspicion
from napari_spinalq.quality.flags.checks import RULES, Rule


def flag(check, score):
    return Flag(check, score, RULES[check].threshold, (), "")


def test_a_clean_case_has_no_flag(case):
    assert flags_of(case.measured()) == ()


def test_flags_say_what_where_and_how_much(case):
    faulted = inject(case, Check.MISSING_SLICE, np.random.default_rng(1), 0.0)
    (found,) = flags_of(faulted.measured())
    (missing,) = np.flatnonzero(~faulted.cord.any(axis=(1, 2)))
    assert found == Flag(Check.MISSING_SLICE, 1.0, 0.0, (int(missing),), f"no mask at slice {missing}")


def test_a_sentence_names_the_level_where_it_is_known(case):
    discs = tuple(Disc(number, (0.0, 10.0, z)) for number, z in ((3, 50.0), (4, 32.0), (5, 14.0)))
    named = replace(case, labelling=Labelling(discs, confirmed=True))
    cord = named.cord.copy()
    cord[12] = 0  # 36 mm, between C2-C3 and C3-C4
    (found,) = flags_of(replace(named, cord=cord).measured())
    assert found.sentence == "no mask at slice 12 (C3)"


def test_what_cannot_be_assessed_is_nan_and_no_flag(case):
    bare = replace(case, structures=())
    scores = scores_of(bare.measured())
    assert set(scores) == set(Check)
    unknown = {check for check, score in scores.items() if np.isnan(score)}
    assert unknown == {Check.CORD_OUTSIDE_CANAL, Check.GM_OUTSIDE_CORD, Check.LEVEL_ORDER, Check.LOW_CONFIDENCE}
    assert not any(RULES[check].is_flagged(scores[check]) for check in unknown)


def test_a_cord_of_one_slice_is_checked_as_far_as_it_goes(case):
    cord = np.zeros_like(case.cord)
    cord[7] = case.cord[7]
    scores = scores_of(replace(case, cord=cord).measured())
    assert np.isnan(scores[Check.AREA_JUMP])
    assert np.isnan(scores[Check.MOTION])
    assert scores[Check.HOLE] == 0


def test_the_order_of_axes_changes_no_score(case):
    scan = case.scan.reoriented("LPS")
    turned = replace(
        case,
        scan=scan,
        cord=_turned(case, case.cord),
        structures=tuple(replace(one, mask=_turned(case, one.mask)) for one in case.structures),
    )
    faults = replace(turned, cord=turned.cord.copy())
    here, there = scores_of(case.measured()), scores_of(faults.measured())
    for check, score in here.items():
        assert there[check] == pytest.approx(score, abs=1e-3, nan_ok=True), check


def _turned(case, mask):
    from napari_spinalq.geometry import reorient_array

    return reorient_array(mask, case.scan.grid, "LPS")[0]


def test_scans_of_several_volumes_are_judged_by_their_mean(case):
    volumes = np.stack([case.scan.data, case.scan.data], axis=3)
    result = replace(case, scan=replace(case.scan, data=volumes)).measured()
    assert scores_of(result)[Check.LOW_SNR] == pytest.approx(scores_of(case.measured())[Check.LOW_SNR])


def test_suspicion_grows_with_score_and_with_number_and_stays_within_0_and_1():
    assert suspicion([]) == 0
    mild, bad = flag(Check.AREA_JUMP, 14.0), flag(Check.AREA_JUMP, 60.0)
    assert 0 < suspicion([mild]) < suspicion([bad]) == pytest.approx(RULES[Check.AREA_JUMP].weight)
    assert suspicion([bad]) < suspicion([bad, mild]) < 1
    assert suspicion([bad, mild]) == suspicion([mild, bad])


def test_flags_come_worst_first(case):
    cord = case.cord.copy()
    cord[10] = 0
    cord[5, 39, 48] = 0  # 4 mm to the right: outside of grey matter
    found = [one.check for one in flags_of(replace(case, cord=cord).measured())]
    assert found[:2] == [Check.MISSING_SLICE, Check.HOLE]


@pytest.mark.parametrize("check", list(Check))
def test_every_rule_is_complete_and_consistent(check):
    rule = RULES[check]
    assert rule.title
    assert rule.meaning
    assert rule.unit
    assert rule.reason
    assert 0 < rule.weight <= 1
    assert not rule.is_flagged(rule.threshold)
    assert not rule.is_flagged(float("nan"))
    assert rule.is_flagged(rule.severe)
    assert rule.severity(rule.threshold) == 0
    assert rule.severity(rule.severe) == 1


def test_a_rule_for_which_low_is_bad():
    rule = Rule("t", "m", "u", 3.0, 1.0, 0.5, "r")
    assert [rule.is_flagged(score) for score in (2.9, 3.0, 3.1)] == [True, False, False]
    assert rule.severity(2.0) == 0.5


def test_the_findings_of_a_flag_hold_its_sentence(case):
    faulted = inject(case, Check.LEAK, np.random.default_rng(2), 0.9).measured()
    found = {one.check: one for one in flags_of(faulted)}[Check.LEAK]
    assert found.sentence == findings_of(faulted)[Check.LEAK].sentence
    assert "stands out by" in found.sentence

"""Where the cord begins and stops, on profiles of area and evidence."""

import numpy as np
import pytest

from napari_spinalq.cord.ends import shows_cord, slice_ranges, slices_with_cord
from napari_spinalq.cord.learned import Sight
from napari_spinalq.cord.polar import ANGLES

SLICE_MM = 4.0


def sight(core):
    core = np.asarray(core, float)
    n = len(core)
    return Sight(np.zeros((n, 2)), np.full((n, ANGLES), 5.0), core, np.ones(n), np.ones(n))


def shown(core, areas):
    return shows_cord(sight(core), np.asarray(areas, float), SLICE_MM)


def test_short_gap_is_bridged_and_a_long_one_ends_the_cord():
    area = np.full(40, 70.0)
    seen = np.ones(40, bool)
    seen[10:16] = False
    assert slices_with_cord(seen, area, SLICE_MM).all()
    seen[10:25] = False
    assert slice_ranges(slices_with_cord(seen, area, SLICE_MM)) == "25-39"


def test_two_bad_slices_near_each_other_cost_no_half_of_the_cord():
    seen = np.ones(22, bool)
    seen[[9, 10, 12, 13]] = False
    assert slices_with_cord(seen, np.full(22, 70.0), 5.0).all()


def test_a_few_slices_of_brain_far_above_are_no_cord():
    seen = np.r_[np.ones(60, bool), np.zeros(9, bool), np.ones(3, bool)]
    assert slice_ranges(slices_with_cord(seen, np.full(72, 70.0), SLICE_MM)) == "0-59"


def test_nothing_seen_keeps_nothing():
    assert not slices_with_cord(np.zeros(6, bool), np.full(6, 70.0), 5.0).any()


def test_the_cord_ends_where_the_medulla_begins():
    area = np.r_[np.full(20, 70.0), 78.0, 90.0, 110.0, 130.0, np.full(4, 148.0)]
    kept = slices_with_cord(np.ones(len(area), bool), area, SLICE_MM)
    assert slice_ranges(kept) == "0-20"


def test_a_swelling_of_the_cord_is_not_a_medulla():
    area = np.full(40, 70.0)
    area[20:25] = 120.0
    assert slices_with_cord(np.ones(40, bool), area, SLICE_MM).all()


def test_the_cervical_enlargement_is_not_a_medulla():
    # From the narrowest thoracic cord to C5 and down again to C1, mm2 (Frostell 2016, rounded).
    area = np.interp(np.arange(70), [0, 25, 42, 50, 69], [40, 40, 78, 80, 68])
    assert slices_with_cord(np.ones(70, bool), area, SLICE_MM).all()


def test_cauda_equina_shows_no_cord():
    core = np.r_[np.full(10, 0.2), np.full(20, 0.99)]
    assert slice_ranges(shown(core, np.full(30, 60.0))) in {"10-29", "11-29"}


@pytest.mark.parametrize("area", [5.0, 200.0])
def test_an_area_of_no_cord_is_none(area):
    assert not shown(np.ones(5), np.full(5, area)).any()


def test_one_weak_slice_does_not_end_the_cord():
    core = np.ones(20)
    core[9] = 0.3
    area = np.full(20, 60.0)
    assert slices_with_cord(shown(core, area), area, SLICE_MM).all()

"""Which level of the atlas a slice is given, and what is said about it."""

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.levels import NO_LEVELS, atlas_levels


def levels(slice_levels, cord=None):
    n = len(slice_levels)
    return atlas_levels(builtin_atlas(), np.array(slice_levels), np.arange(n) if cord is None else np.array(cord), n)


def test_a_level_seen_whole_runs_from_its_lower_to_its_upper_border():
    found = levels([5, 5, 4, 4, 4, 4, 3, 3])
    np.testing.assert_allclose(found.values, [5, 5, 4.375, 4.125, 3.875, 3.625, 3, 3])
    assert found.flags == ()


def test_levels_grow_down_the_cord():
    assert (np.diff(levels([8, 7, 7, 6, 6, 6, 5]).values) < 0).all()


def test_one_level_stays_in_its_middle():
    np.testing.assert_array_equal(levels([4, 4, 4]).values, 4)


def test_no_level_at_all_takes_the_mid_cervical_shape_and_says_so():
    assert levels([0, 0, 0]).flags == (NO_LEVELS,)
    assert atlas_levels(builtin_atlas(), None, np.arange(3), 3).flags == (NO_LEVELS,)


def test_slices_without_a_level_are_named():
    found = levels([0, 5, 5, 4, 0, 0], cord=[0, 1, 2, 3, 4])
    assert found.flags == ("no level in slices 0, 4: tracts there have the shape of the nearest level",)
    assert found.values[0] == 5
    assert found.values[5] == 4


def test_below_the_atlas_there_are_no_tracts():
    found = levels([23, 22, 21, 20])
    assert np.isnan(found.values[:3]).all()
    assert found.values[3] == 20
    assert found.flags == ("no tracts in slices 0-2: the atlas covers C1 to L1 only",)


@pytest.mark.parametrize("bad", [[4, 4], [4, 4, -1], [4, 4.5, 5], [4, np.nan, 5]])
def test_levels_that_do_not_fit_are_refused(bad):
    with pytest.raises(InputError, match="one whole number of 0 or more for each of the 3 axial slices"):
        atlas_levels(builtin_atlas(), np.array(bad, dtype=float), np.arange(3), 3)

"""Settling two masks slice by slice, and the record of it."""

import numpy as np
import pytest

from napari_spinalq.quality.adjudication import Choice, disagreements, origins, origins_in_words, patch_at, taken


def _masks():
    first, second = np.zeros((5, 12, 12), np.uint8), np.zeros((5, 12, 12), np.uint8)
    first[:, 3:8, 3:8] = second[:, 3:8, 3:8] = 1
    first[1, 8, 3:8] = 1  # 5 voxels more
    second[3, 2, 4:6] = 1  # 2 voxels more
    second[3, 7, 7] = 0  # 1 voxel less
    return first, second


def test_slices_are_listed_from_the_largest_disagreement():
    found = disagreements(*_masks())
    assert [(one.slice, one.first_only, one.second_only) for one in found] == [(1, 5, 0), (3, 1, 2)]
    assert found[0].place == (8.0, 5.0)
    assert found[1].place == (2.0, 4.5)
    assert disagreements(_masks()[0], _masks()[0]) == ()


def test_what_can_be_taken():
    first, second = _masks()
    assert taken(first[3], second[3], Choice.FIRST).sum() == 25
    assert taken(first[3], second[3], Choice.SECOND).sum() == 26
    assert taken(first[3], second[3], Choice.UNION).sum() == 27
    assert taken(first[3], second[3], Choice.INTERSECTION).sum() == 24


def test_a_patch_is_settled_by_itself():
    first, second = _masks()
    patch = patch_at(first[3], second[3], (3, 5))
    assert np.argwhere(patch).tolist() == [[2, 4], [2, 5]]
    assert patch_at(first[3], second[3], (11, 11)).sum() == 1
    assert not patch_at(first[0], first[0], (3, 3)).any()


def test_the_record_says_what_each_slice_is_made_of():
    first, second = _masks()
    end = first.copy()
    assert origins(end, first, second, {}) == {}
    end[1] = taken(first[1], second[1], Choice.INTERSECTION)
    end[3, 9, 9] = 1
    end[0, 0, 0] = 1
    # In slice 1 the second mask is the intersection: what was chosen counts.
    found = origins(end, first, second, {1: Choice.INTERSECTION, 3: Choice.SECOND})
    assert found == {0: Choice.PAINTED, 1: Choice.INTERSECTION, 3: Choice.PAINTED}
    assert origins_in_words(found) == {"intersection": "1", "painted": "0;3"}


def test_a_decision_that_was_undone_does_not_count():
    first, second = _masks()
    assert origins(first, first, second, {3: Choice.UNION}) == {}
    assert origins(first, first, second, {3: Choice.FIRST}) == {3: Choice.FIRST}


@pytest.mark.parametrize("choice", [Choice.FIRST, Choice.SECOND, Choice.UNION, Choice.INTERSECTION])
def test_masks_that_agree_stay_as_they_are(choice):
    first, _ = _masks()
    np.testing.assert_array_equal(taken(first, first, choice), first)

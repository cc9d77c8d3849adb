"""Settling two masks patch by patch, and the record of it."""

import numpy as np
import pytest

from napari_spinalq.errors import GridMismatchError
from napari_spinalq.quality.readers.adjudication import Adjudication, Choice, origins_in_words, patches_of


def _masks():
    first, second = np.zeros((5, 12, 12), np.uint8), np.zeros((5, 12, 12), np.uint8)
    first[:, 3:8, 3:8] = second[:, 3:8, 3:8] = 1
    first[1, 8, 3:8] = 1  # a patch of 5, the first alone
    second[3, 2, 4:6] = 1  # a patch of 2, the second alone
    second[3, 7, 7] = 0  # a patch of 1, the first alone
    return first, second


def _decided(choices):
    first, second = _masks()
    made, end = Adjudication(first, second), first.copy()
    for number, choice in choices.items():
        for index, plane in made.decide([number], choice, end).items():
            end[index] = plane
    return made, end


def test_patches_are_listed_from_the_largest():
    found = patches_of(*_masks())
    assert [(one.slice, one.pixels, one.centre) for one in found] == [
        (1, 5, (8.0, 5.0)),
        (3, 2, (2.0, 4.5)),
        (3, 1, (7.0, 7.0)),
    ]
    assert found[0].first_only.all()
    assert found[1].second_only.all()
    assert patches_of(_masks()[0], _masks()[0]) == ()


def test_patches_of_neighbouring_slices_stay_apart():
    first, second = np.zeros((3, 4, 4)), np.ones((3, 4, 4))
    assert [(one.slice, one.pixels) for one in patches_of(first, second)] == [(0, 16), (1, 16), (2, 16)]


@pytest.mark.parametrize(
    ("choice", "of_first", "of_second"),
    [
        (Choice.FIRST, 1, 0),
        (Choice.SECOND, 0, 1),
        (Choice.UNION, 1, 1),
        (Choice.INTERSECTION, 0, 0),
    ],
)
def test_what_a_choice_makes_of_a_patch(choice, of_first, of_second):
    _, end = _decided({0: choice, 1: choice})
    assert (end[1, 8, 3:8] == of_first).all()
    assert (end[3, 2, 4:6] == of_second).all()
    assert end[3, 7, 7] == 1  # the third patch is left as the first mask has it
    assert (end[:, 3:7, 3:8] == 1).all()


def test_all_of_the_second_makes_the_second():
    first, second = _masks()
    _, end = _decided(dict.fromkeys(range(3), Choice.SECOND))
    np.testing.assert_array_equal(end, second)
    assert not np.array_equal(end, first)


def test_the_record_says_what_each_slice_is_made_of():
    made, end = _decided({0: Choice.INTERSECTION, 1: Choice.SECOND})
    assert made.left == (2,)
    assert made.origins(end) == {1: Choice.INTERSECTION, 3: Choice.UNDECIDED}
    made, end = _decided({0: Choice.SECOND, 1: Choice.SECOND, 2: Choice.FIRST})
    assert made.origins(end) == {1: Choice.SECOND, 3: Choice.MIXED}
    end[0, 0, 0] = end[1, 9, 9] = 1
    assert made.origins(end) == {0: Choice.PAINTED, 1: Choice.PAINTED, 3: Choice.MIXED}
    assert origins_in_words(made.origins(end)) == {"painted": "0:1", "mixed": "3"}


def test_a_decision_that_was_undone_shows_as_painted():
    made, _ = _decided({0: Choice.SECOND, 1: Choice.FIRST, 2: Choice.FIRST})
    assert made.origins(_masks()[0])[1] is Choice.PAINTED


def test_masks_of_two_scans_are_refused():
    with pytest.raises(GridMismatchError, match="shape"):
        patches_of(np.zeros((2, 3, 3)), np.zeros((2, 3, 4)))

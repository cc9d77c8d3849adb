"""Places along the cord: counted from C2-C3 to caudal, or from the upper end where C2-C3 is not known."""

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.course import course_of
from napari_spinalq.levels.discs import Disc, Labelling

STRAIGHT = Centerline(np.stack([np.zeros(201), np.zeros(201), np.arange(0.0, 100.01, 0.5)], axis=1))
GRID = Grid((60, 4, 4), np.array([[0, 0, 1, 0], [0, 1, 0, 0], [2, 0, 0, -10], [0, 0, 0, 1]]))
"""Slices every 2 mm from S -10 to 108 mm, of a cord from S 0 to 100 mm."""


def labelled(*numbers):
    """Discs every 16 mm, C2-C3 at S 80 mm."""
    return Labelling(tuple(Disc(number, (0.0, 9.0, 80.0 - 16.0 * (number - 3))) for number in numbers), confirmed=True)


def test_counted_from_c2_c3_to_caudal():
    course = course_of(labelled(3, 4, 5, 6), STRAIGHT, GRID)
    assert course.origin == "C2-C3"
    assert course.discs_mm == pytest.approx({"C2-C3": 0.0, "C3-C4": 16.0, "C4-C5": 32.0, "C5-C6": 48.0})
    assert course.levels_mm[3] == pytest.approx((0.0, 16.0))
    assert list(course.levels_mm) == sorted(course.levels_mm)
    assert course.slices_mm[30] == pytest.approx(30.0)  # S 50 mm
    assert np.isnan(course.slices_mm[:4]).all()


def test_a_gap_at_c2_c3_is_filled():
    course = course_of(labelled(2, 4, 5), STRAIGHT, GRID)
    assert course.origin == "C2-C3"
    assert "C2-C3" not in course.discs_mm, "only discs that are there are drawn"
    assert 10.0 < course.discs_mm["C3-C4"] < 22.0


@pytest.mark.parametrize("labelling", [Labelling((), confirmed=False), labelled(5, 6)])
def test_without_c2_c3_counted_from_the_upper_end(labelling):
    course = course_of(labelling, STRAIGHT, GRID)
    assert course.origin == "the upper end of the cord"
    assert course.slices_mm[55] == pytest.approx(0.0)  # S 100 mm
    assert (not labelling.discs) == (not course.levels_mm)


def test_there_and_back():
    course = course_of(labelled(3, 4), STRAIGHT, GRID)
    np.testing.assert_allclose(course.arc_mm(course.along_mm([3.0, 50.0])), [3.0, 50.0])


def test_what_lies_at_a_place():
    course = course_of(labelled(3, 4, 5), STRAIGHT, GRID)
    assert (course.level_at(5.0), course.level_at(16.0), course.level_at(16.1), course.level_at(-60.0)) == (3, 3, 4, 0)
    assert course.slice_at(30.9) == 30
    assert course.slice_at(500.0) is None

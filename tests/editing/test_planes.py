"""What all tools share: limits, labels that are left alone, boxes."""

import numpy as np
import pytest

from napari_spinalq.editing.planes import bounding_window, changed_only, restricted, window_between, with_inside
from napari_spinalq.editing.size import resized
from napari_spinalq.errors import InputError


def test_what_a_tool_added_outside_of_the_limit_is_taken_back(shapes):
    mask = shapes.ellipse((40, 40), (1, 1), (20, 20), 8, 8)[None]
    limit = np.zeros_like(mask)
    limit[:, :, :20] = 1
    grown = shapes.apply(mask, restricted(mask, resized(mask, (1, 1, 1), 2.0), limit))
    assert (grown[limit == 1] > mask[limit == 1]).any()
    np.testing.assert_array_equal(grown[limit == 0], mask[limit == 0])
    shrunk = resized(mask, (1, 1, 1), -2.0)
    np.testing.assert_array_equal(restricted(mask, shrunk, limit)[0], shrunk[0])
    with pytest.raises(InputError, match="limits painting has shape"):
        restricted(mask, grown[None], limit[:, :5])


def test_a_change_that_is_all_outside_is_no_change(shapes):
    mask = shapes.ellipse((40, 40), (1, 1), (20, 20), 8, 8)[None]
    assert restricted(mask, resized(mask, (1, 1, 1), 2.0), mask) == {}


def test_other_labels_stay_unless_the_structure_takes_their_place():
    plane = np.array([[0, 1, 2, 3]], np.uint8)
    new = with_inside(plane, np.array([[True, False, False, True]]))
    assert new.tolist() == [[1, 0, 2, 1]]
    assert changed_only(plane[None], {0: plane.copy()}) == {}


def test_boxes_stop_at_the_array():
    inside = np.zeros((10, 12), bool)
    inside[1, 3:5] = True
    assert bounding_window(inside, 2) == (slice(0, 4), slice(1, 7))
    assert window_between([-3, 2, 8], [2, 99, 20], (5, 6, 7)) == (slice(0, 2), slice(2, 6), slice(7, 7))

"""Overlap of masks, in closed form."""

import numpy as np
import pytest

from napari_spinalq.errors import GridMismatchError
from napari_spinalq.quality.readers.overlap import difference_map, slice_overlap
from napari_spinalq.quality.readers.packed import packed


def _masks():
    first, second = np.zeros((3, 4, 4), np.uint8), np.zeros((3, 4, 4), np.uint8)
    first[0, :2, :2] = 1  # 4 voxels, 2 of them shared
    second[0, 1:3, :2] = 1
    first[1, 0, :3] = 1  # only the first
    return first, second


def test_dice_per_slice_and_whole():
    overlap = slice_overlap(*_masks())
    assert overlap.first.tolist() == [4, 3, 0]
    assert overlap.second.tolist() == [4, 0, 0]
    assert overlap.dice([0]) == pytest.approx(0.5)
    assert overlap.dice([1]) == 0.0
    assert np.isnan(overlap.dice([2]))
    assert overlap.dice() == pytest.approx(2 * 2 / 11)
    assert overlap.differing.tolist() == [4, 3, 0]


def test_the_difference_map_says_who_holds_a_voxel():
    first, second = _masks()
    found = difference_map(first, second)
    assert found[0, :3, 0].tolist() == [1, 3, 2]
    assert np.bincount(found.ravel(), minlength=4).tolist() == [48 - 9, 5, 2, 2]


def test_masks_of_two_shapes_are_refused():
    with pytest.raises(GridMismatchError, match="shape"):
        slice_overlap(np.zeros((2, 3, 3)), np.zeros((3, 3, 3)))


def test_a_packed_mask_is_small_and_whole():
    mask = np.zeros((200, 320, 320), np.uint8)
    mask[:, 150:170, 140:165] = 1
    kept = packed(mask)
    np.testing.assert_array_equal(kept.unpacked(), mask)
    assert len(kept.content) < 40_000

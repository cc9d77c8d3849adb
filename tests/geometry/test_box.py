"""The box around a mask, with a margin that ends at the sides of the array."""

import numpy as np

from napari_spinalq.geometry.box import box_around


def test_a_box_is_as_small_as_the_mask_and_its_margin():
    mask = np.zeros((9, 9, 9))
    mask[4, 2:4, 7] = 1
    assert box_around(mask, (0, 1, 3)) == (slice(4, 5), slice(1, 5), slice(4, 9))


def test_an_empty_mask_takes_the_whole():
    assert box_around(np.zeros((2, 3)), (1, 1)) == (slice(0, 2), slice(0, 3))

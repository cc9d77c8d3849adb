"""Pictures of planes: each pixel from values known in closed form."""

from __future__ import annotations

import numpy as np

from napari_spinalq.views.paint import Overlay, checkerboard, curtain, grey_picture, paint_over, rim


def test_grey_values_span_the_window():
    picture = grey_picture(np.array([[-50, 0, 100, 200, 999]], np.int16), 0, 200)
    assert picture.shape == (1, 5, 3)
    assert picture[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert (picture[..., 0] == picture[..., 2]).all()


def test_masks_are_mixed_in_by_their_opacity_in_order():
    picture = np.full((3, 3, 3), 100, np.uint8)
    under, over = np.zeros((3, 3)), np.zeros((3, 3))
    under[0], over[:, 0] = 1, 1
    paint_over(picture, [Overlay(under, "#FF0000", 1.0), Overlay(over, "#0000FF", 0.5)])
    assert picture[0, 1].tolist() == [255, 0, 0]
    assert picture[0, 0].tolist() == [128, 0, 128]
    assert picture[1, 0].tolist() == [50, 50, 178]
    assert picture[2, 2].tolist() == [100, 100, 100]


def test_an_outline_leaves_the_inside_free():
    inside = np.zeros((7, 7), bool)
    inside[1:6, 1:6] = True
    assert rim(inside).sum() == 16
    assert rim(inside, 2).sum() == 24
    assert not rim(np.ones((3, 3), bool)).any(), "the end of the plane is no edge of the mask"
    picture = paint_over(np.zeros((7, 7, 3), np.uint8), [Overlay(inside, "#FFFFFF", 1.0, outline=1)])
    assert (picture[..., 0] > 0).sum() == 16


def test_two_pictures_in_one():
    first, second = np.zeros((4, 10, 3), np.uint8), np.full((4, 10, 3), 255, np.uint8)
    assert curtain(first, second, 0.3)[0, :, 0].tolist() == [0] * 3 + [255] * 7
    assert (curtain(first, second, 2.0) == first).all()
    board = checkerboard(first, second, (2, 5))
    assert board[0, 0, 0] == 0
    assert board[0, 5, 0] == 255
    assert board[2, 0, 0] == 255
    assert board[3, 9, 0] == 0

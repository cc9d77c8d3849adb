"""Edits are told from automatic results by what the slices hold, whichever way they came to hold it."""

import numpy as np

from napari_spinalq.gui.versions import MaskVersions


def test_a_slice_is_edited_while_it_equals_no_automatic_result():
    first = np.zeros((4, 5, 5), np.uint8)
    versions = MaskVersions()
    versions.remember(first, {"run": 1})
    mask = first.copy()
    mask[2, 1, 1] = 1
    assert versions.edited(mask).tolist() == [False, False, True, False]
    second = mask.copy()
    second[[0, 1, 3], 3, 3] = 1
    versions.remember(second, {"run": 2}, ~versions.edited(mask))
    assert versions.edited(second).tolist() == [False, False, True, False]
    assert versions.edited(mask).tolist() == [False, False, True, False], "undo makes no edits"
    mask[2, 1, 1] = 0
    assert not versions.edited(mask).any()


def test_the_record_is_that_of_the_result_that_is_shown():
    first, second = np.zeros((3, 4, 4), np.uint8), np.ones((3, 4, 4), np.uint8)
    versions = MaskVersions()
    versions.remember(first, {"run": 1})
    versions.remember(second, {"run": 2})
    assert versions.parameters_of(second) == {"run": 2}
    assert versions.parameters_of(first) == {"run": 1}
    second[0] = 5
    assert versions.parameters_of(second) == {"run": 2}


def test_the_same_shape_elsewhere_on_a_slice_is_another_drawing():
    first = np.zeros((1, 9, 9), np.uint8)
    first[0, 2:5, 3:6] = 1
    versions = MaskVersions()
    versions.remember(first, {"run": 1})
    for shift, axis in ((1, 1), (-2, 1), (3, 2)):
        assert versions.edited(np.roll(first, shift, axis)).tolist() == [True]
    wider = np.zeros_like(first)
    wider[0, 2, :] = 1  # nine voxels in a row, where the first has them in a square
    assert versions.edited(wider).tolist() == [True]
    assert versions.edited(np.zeros_like(first)).tolist() == [True]
    assert versions.edited(first.copy()).tolist() == [False]

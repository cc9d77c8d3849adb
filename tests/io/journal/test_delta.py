"""Changed voxels are told in the order of the file, compactly, and both ways."""

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.io.journal import Delta, FileOrder, between, changed_slices, mask_digest

AXES = ["RAS", "LAS", "LPI", "AIL", "SAR", "PSR"]


def _random(order, seed, top=2):
    return np.random.default_rng(seed).integers(0, top, order.work_shape, dtype=np.uint8)


@pytest.mark.parametrize("axes", AXES)
def test_voxels_are_numbered_as_they_lie_in_the_file(axes):
    """The file is read by nibabel: a voxel of value n in it must have the number n."""
    shape = (3, 4, 5)
    affine = np.zeros((4, 4))
    for column, (row, sense) in enumerate(nib.orientations.axcodes2ornt(axes)):
        affine[int(row), column] = sense
    affine[3, 3] = 1
    stored = np.arange(60).reshape(shape, order="F")
    work = to_work_order(stored, Grid(shape, affine))[0]
    order = FileOrder(shape, axes)
    assert order.work_shape == work.shape
    places = tuple(index.ravel() for index in np.indices(work.shape))
    np.testing.assert_array_equal(order.flat(places), work.ravel())
    for found, expected in zip(order.places(order.flat(places)), places, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("axes", AXES)
def test_a_delta_leads_from_one_mask_to_the_other_and_back(axes):
    order = FileOrder((5, 6, 7), axes)
    before, after = _random(order, 1, 3), _random(order, 2, 3)
    delta = Delta.from_json(between(before, after, order).as_json(), 5 * 6 * 7)
    mask = before.copy()
    delta.write_to(mask, order)
    np.testing.assert_array_equal(mask, after)
    delta.undone().write_to(mask, order)
    np.testing.assert_array_equal(mask, before)


def test_no_mask_counts_as_an_empty_one():
    order = FileOrder((5, 6, 7), "LAS")
    mask = _random(order, 1)
    assert between(None, mask, order).as_json() == between(np.zeros_like(mask), mask, order).as_json()
    assert between(None, None, order).empty
    assert mask_digest(None) == ""


def test_a_short_example_reads_as_documented():
    """Voxels 2, 3, 4 and 7 of the file go from 0 to 1: pass over 2, take 3, pass over 2, take 1."""
    order = FileOrder((10, 1, 1), "RAS")
    after = np.zeros(order.work_shape, np.uint8)
    after[0, 0, [2, 3, 4, 7]] = 1
    assert between(None, after, order).as_json() == [(0, 1, [2, 3, 2, 1])]


@pytest.mark.parametrize("shape", [(4, 4, 4), (5, 3, 3)])
def test_only_slices_that_differ_are_named(shape):
    before = np.zeros(shape, np.uint8)
    after = before.copy()
    after[1, 2, 2] = after[3, 0, 0] = 1
    assert changed_slices(before, after) == (1, 3)


@pytest.mark.parametrize("runs", [[0], [0, 0], [-1, 2], [100, 111], [0, 3, -2, 1]])
def test_runs_that_fit_no_image_are_refused(runs):
    with pytest.raises(InputError, match="damaged"):
        Delta.from_json([(0, 1, runs)], 210)


def test_equal_masks_have_equal_digests_whatever_their_layout():
    mask = _random(FileOrder((5, 6, 7), "LAS"), 3)
    assert mask_digest(mask) == mask_digest(np.asfortranarray(mask))
    changed = mask.copy()
    changed[0, 0, 0] ^= 1
    assert mask_digest(mask) != mask_digest(changed)

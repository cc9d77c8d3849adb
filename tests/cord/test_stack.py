import numpy as np
import pytest

from napari_spinalq.cord.stack import axial_stack, slab_means
from napari_spinalq.geometry import Grid


def grid(shape, spacing):
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1
    return Grid(shape, affine)


def test_scaling_and_shift_of_a_scan_are_undone():
    values = np.random.default_rng(0).random((4, 30, 30)).astype(np.float32)
    plain = axial_stack(values, grid(values.shape, (5, 1, 1))).values
    other = axial_stack(300 * values - 70, grid(values.shape, (5, 1, 1))).values
    assert np.allclose(plain, other, atol=1e-4)


def test_slabs_keep_their_place():
    ramp = np.broadcast_to(np.arange(11.0)[:, None, None], (11, 2, 2)).astype(np.float32)
    slabs, centres_mm = slab_means(ramp, 0.8, 3.0)
    assert len(slabs) == 2  # four slices each, and what remains joins the last
    assert slabs[:, 0, 0] * 0.8 == pytest.approx(centres_mm)


def test_thick_slices_stay_as_they_are():
    thick = np.random.default_rng(0).random((4, 3, 3)).astype(np.float32)
    slabs, centres_mm = slab_means(thick, 5.0, 3.0)
    assert np.array_equal(slabs, thick)
    assert centres_mm == pytest.approx([0, 5, 10, 15])

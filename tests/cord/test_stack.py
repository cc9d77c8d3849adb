import numpy as np
import pytest

from napari_spinalq.cord.candidate import Candidate
from napari_spinalq.cord.ends import slice_ranges, slices_with_cord
from napari_spinalq.cord.outline_shape import mean_outline
from napari_spinalq.cord.stack import AxialStack, axial_stack, coherence, search_stack
from napari_spinalq.geometry import Grid


def grid(shape, spacing):
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1
    return Grid(shape, affine)


@pytest.mark.parametrize("spacing", [(0.8, 0.5, 0.5), (5.0, 0.84, 0.84), (1.0, 0.8, 3.0)])
def test_search_grid_keeps_positions_in_mm(spacing):
    shape = tuple(round(48 / s) for s in spacing)
    z, y, x = (np.arange(n) * s for n, s in zip(shape, spacing, strict=True))
    for axis, ramp in enumerate((z[:, None, None], y[None, :, None], x[None, None, :])):
        values = np.broadcast_to(ramp, shape).astype(np.float32)
        slabs = search_stack(AxialStack(values, spacing, z))
        expected = slabs.slice_mm if axis == 0 else np.arange(slabs.values.shape[axis])
        middle = slabs.values[:, 20, 20] if axis == 0 else np.moveaxis(slabs.values[3], axis - 1, 0)[:, 20]
        inner = slice(3, -3) if axis else slice(None)
        assert middle[inner] == pytest.approx(expected[inner], abs=1e-3)


def test_scaling_and_shift_of_a_scan_are_undone():
    values = np.random.default_rng(0).random((4, 30, 30)).astype(np.float32)
    plain = axial_stack(values, grid(values.shape, (5, 1, 1))).values
    other = axial_stack(300 * values - 70, grid(values.shape, (5, 1, 1))).values
    assert np.allclose(plain, other, atol=1e-4)


def test_noise_has_no_coherence_and_a_disc_has():
    noise = np.random.default_rng(0).normal(size=(1, 60, 60)).astype(np.float32)
    y, x = np.mgrid[:60, :60]
    disc = (np.hypot(y - 30, x - 30) < 5).astype(np.float32)[None]
    at = np.array([[30.0, 30.0]])
    slabs = [AxialStack(v, (3.0, 1.0, 1.0), np.zeros(1)) for v in (noise, disc)]
    assert abs(coherence(slabs[0], at)[0]) < 0.1
    assert coherence(slabs[1], at)[0] > 0.5


def candidate(path):
    path = np.asarray(path, float)
    full = np.ones(len(path))
    centres = np.zeros((len(path), 2))
    return Candidate(1, centres, mean_outline(len(path)), path, 0.6 * full, 0.7 * full, full > 0)


def test_short_gap_is_bridged_and_a_long_one_ends_the_cord():
    gap = candidate([1.5] * 5 + [0.0] * 3 + [1.5] * 5)
    assert slices_with_cord(gap, 12.0).all()
    ended = candidate([1.5] * 8 + [0.0] * 6 + [1.5] * 3)
    assert slice_ranges(slices_with_cord(ended, 12.0)) == "0-7"


def test_nothing_seen_keeps_nothing():
    assert not slices_with_cord(candidate([0.0] * 6), 5.0).any()

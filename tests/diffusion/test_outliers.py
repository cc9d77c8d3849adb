import numpy as np
import pytest

from napari_spinalq.diffusion.outliers import signal_dropouts, slice_signals, sudden_moves
from napari_spinalq.gradients import GradientTable
from napari_spinalq.phantom.diffusion import Scheme


def signals(table, *, noise=0.01, seed=0):
    """Signal of three slices of an anisotropic tissue, (n, 3)."""
    tensor = np.diag([0.4, 0.5, 1.7])
    decay = np.exp(-table.b_values * 1e-3 * np.einsum("ni,ij,nj->n", table.directions, tensor, table.directions))
    return 200 * decay[:, None] * np.exp(noise * np.random.default_rng(seed).standard_normal((len(decay), 3)))


@pytest.mark.parametrize("shells", [((800.0, 30),), ((500.0, 12), (1000.0, 20))])
def test_lost_signal_is_told_from_weak_directions(shells):
    table = Scheme(n_b0=3, shells=shells).table()
    clean = signals(table)
    assert clean[3:].max() / clean[3:].min() > 2  # direction alone changes the signal more than twofold
    assert not signal_dropouts(clean, table).any()
    lost = clean.copy()
    lost[[4, 20], [0, 2]] *= 0.6
    assert np.argwhere(signal_dropouts(lost, table)).tolist() == [[4, 0], [20, 2]]


def test_a_loss_that_is_small_or_within_the_noise_is_no_dropout():
    table = Scheme().table()
    small = signals(table, noise=0.005)
    small[7, 1] *= 0.85
    assert not signal_dropouts(small, table).any()
    noisy = signals(table, noise=0.3)
    noisy[7, 1] *= 0.7
    assert not signal_dropouts(noisy, table)[7, 1]


def test_slices_without_weight_are_left_alone():
    images = np.ones((2, 5, 3, 3), dtype=np.float32)
    weights = np.zeros((2, 3, 3))
    weights[0, 1, 1] = 1.0
    found = slice_signals(images, weights)
    assert found.shape == (5, 2)
    np.testing.assert_array_equal(found[:, 0], 1.0)
    assert np.isnan(found[:, 1]).all()
    assert not signal_dropouts(found, GradientTable(np.zeros(5), np.zeros((5, 3)))).any()


def test_sudden_moves_stand_out_from_restless_ones():
    restless = np.array([0.0, 0.9, 1.1, 1.3, 0.8, 1.2, 1.0, 4.0, 1.1])
    assert np.flatnonzero(sudden_moves(restless)).tolist() == [7]
    assert not sudden_moves(np.array([0.0, 0.01, 0.02, 0.5, 0.01])).any()  # under a millimetre

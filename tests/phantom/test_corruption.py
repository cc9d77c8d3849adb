import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.corruption import add_gaussian_noise, add_rician_noise, bias_field, to_stored_integers


def _random():
    return np.random.Generator(np.random.PCG64(3))


def test_rician_noise_without_signal_is_rayleigh():
    noisy = add_rician_noise(np.zeros(400_000), 5.0, _random())
    assert noisy.mean() == pytest.approx(5 * np.sqrt(np.pi / 2), rel=0.005)
    assert noisy.std() == pytest.approx(5 * np.sqrt(2 - np.pi / 2), rel=0.005)


def test_rician_noise_on_strong_signal_is_nearly_gaussian():
    noisy = add_rician_noise(np.full(400_000, 100.0), 5.0, _random())
    assert noisy.mean() == pytest.approx(100 + 5**2 / (2 * 100), abs=0.05)
    assert noisy.std() == pytest.approx(5, rel=0.01)


def test_signed_noise_keeps_sign_and_mean():
    noisy = add_gaussian_noise(np.full(100_000, -50.0), 5.0, _random())
    assert noisy.mean() == pytest.approx(-50, abs=0.06)
    assert noisy.max() < 0


def test_bias_is_smooth_positive_and_absent_on_request():
    grid = Grid((20, 30, 25), np.diag([3.0, 3.0, 3.0, 1.0]))
    field = bias_field(grid, 0.25, _random())
    assert field.min() > 0
    assert field.std() > 0.02
    assert max(np.abs(np.diff(field, axis=axis)).max() for axis in range(3)) < 0.04
    assert (bias_field(grid, 0.0, _random()) == 1).all()


def test_storage_rounds_and_never_wraps():
    assert to_stored_integers(np.array([1.5, -2.4, 1e6])).tolist() == [2, -2, 32767]

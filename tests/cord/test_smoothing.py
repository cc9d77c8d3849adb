"""The smoothing spline: what it keeps, what it takes away, and its ends."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.cord.smoothing import smooth_curve


def test_a_parabola_passes_unchanged():
    x = np.linspace(0, 70, 36)
    parabola = np.stack([0.01 * x**2, 3 - 0.2 * x], axis=1)
    curve = smooth_curve(x, parabola, 30.0)
    np.testing.assert_allclose(curve(x), parabola, atol=1e-8)
    np.testing.assert_allclose(curve(x, 1), np.stack([0.02 * x, np.full_like(x, -0.2)], axis=1), atol=1e-8)


@pytest.mark.parametrize(("wavelength", "gain"), [(30.0, 1 / 2), (60.0, 64 / 65), (15.0, 1 / 65)])
def test_gain_of_a_bend(wavelength, gain):
    x = np.arange(0.0, 600.0)
    wave = np.cos(2 * np.pi * x / wavelength)
    middle = slice(200, 400)
    smooth = smooth_curve(x, wave[:, None], 30.0)(x)[middle, 0]
    measured = (smooth * wave[middle]).mean() / (wave[middle] ** 2).mean()
    assert measured == pytest.approx(gain, abs=0.01)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_few_points_on_a_line(count):
    x = np.arange(count) * 17.0
    curve = smooth_curve(x, 0.3 * x[:, None], 30.0)
    np.testing.assert_allclose(curve(x, 1), 0.3, atol=1e-9)


def test_weights_decide_between_points():
    x = np.arange(40.0)
    values = np.where(np.arange(40) % 2, 1.0, 0.0)[:, None]
    curve = smooth_curve(x, values, 60.0, weights=np.where(np.arange(40) % 2, 9.0, 1.0))
    assert curve(20.0)[0] == pytest.approx(0.9, abs=0.02)

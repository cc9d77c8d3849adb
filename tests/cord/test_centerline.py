"""The centerline: geometry against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.errors import InputError

RADIUS_MM = 120.0


def arc_points(count=60, noise_mm=0.0, seed=0):
    """Return points on a circular arc of 80 mm in the sagittal plane, inferior first, and the angles along it."""
    angle = np.linspace(-1, 1, count) * 40.0 / RADIUS_MM
    points = np.stack([np.zeros(count), RADIUS_MM * np.cos(angle), RADIUS_MM * np.sin(angle)], axis=1)
    return points + np.random.default_rng(seed).normal(0, noise_mm, points.shape), angle


def test_arc_keeps_length_and_end_directions():
    points, angle = arc_points()
    curve = fit_centerline(points)
    assert curve.length_mm == pytest.approx(80.0, rel=1e-3)
    expected = np.stack([np.zeros(2), -np.sin(angle[[0, -1]]), np.cos(angle[[0, -1]])], axis=1)
    turned = np.degrees(np.arccos(np.clip((curve.tangents[[0, -1]] * expected).sum(axis=1), -1, 1)))
    assert turned.max() < 0.3


def test_noise_is_smoothed():
    points, _ = arc_points(count=80, noise_mm=0.3)
    truth, _ = arc_points(count=80)
    curve = fit_centerline(points)
    error = np.linalg.norm(curve.position(curve.nearest_arc(truth)) - truth, axis=1)
    assert np.sqrt((error**2).mean()) < 0.15


def test_order_is_from_inferior_to_superior():
    points, _ = arc_points()
    assert fit_centerline(points[::-1]).points_mm[0, 2] < 0


def test_straight_continuation_beyond_the_ends():
    curve = Centerline(np.array([[0.0, 0, 0], [0, 0, 10]]))
    np.testing.assert_allclose(curve.position([-5.0, 12.0]), [[0, 0, -5], [0, 0, 12]])
    np.testing.assert_allclose(curve.nearest_arc([[3.0, 0, -5], [0, 2, 4]]), [-5.0, 4.0])


@pytest.mark.parametrize("points", [[[0, 0, 0]], [[0, 0, 0], [0, 0, 0]], np.zeros((0, 3))])
def test_too_few_points(points):
    with pytest.raises(InputError, match="at least two points"):
        fit_centerline(points)

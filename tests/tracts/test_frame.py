"""Coordinates of a cord: there and back, and an outline at radius 1."""

import numpy as np
import pytest

from napari_spinalq.geometry import to_work_order
from napari_spinalq.tracts.frame import cord_frame
from tests.tracts.conftest import Ellipse, centred_grid


@pytest.fixture
def frame():
    grid = centred_grid()
    cover, work = to_work_order(Ellipse(turn_deg=8, lean_y=0.2).share(grid), grid)
    return cord_frame(cover, work.spacing)


def test_there_and_back(frame):
    x, y = np.random.default_rng(0).uniform(-1.2, 1.2, (2, 50))
    back = frame.normalised(2, *frame.places_mm(2, x, y))
    np.testing.assert_allclose(back, (x, y), atol=1e-6)


def test_the_outline_lies_at_radius_1(frame):
    """Places on the edge of the true ellipse, in mm from its centre."""
    angle = np.linspace(0, 2 * np.pi, 40)
    turn = np.radians(8)
    x, y = 6.0 * np.cos(angle), 3.7 * np.sin(angle)
    x_mm = frame.centres_mm[2, 0] + np.cos(turn) * x - np.sin(turn) * y
    y_mm = frame.centres_mm[2, 1] + np.sin(turn) * x + np.cos(turn) * y
    np.testing.assert_allclose(np.hypot(*frame.normalised(2, x_mm, y_mm)), 1.0, atol=0.02)


def test_the_cord_leans_within_a_slice_and_beyond_the_last(frame):
    """Lean 0.2 over slices 5 mm apart: 0.5 mm to anterior at the upper face of a slice."""
    for row in (0, 2, 4):
        _, here = frame.normalised(row, *frame.centres_mm[row], 0.5)
        assert here == pytest.approx(-0.5 / 3.7, abs=0.03)


def test_an_empty_mask_has_no_frame():
    assert len(cord_frame(np.zeros((3, 20, 20)), (5.0, 0.7, 0.7)).slices) == 0

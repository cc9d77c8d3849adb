"""Directions on the disc of the upper hemisphere."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.views.directions import on_disc


def test_up_is_the_middle_and_the_horizon_the_rim():
    found = on_disc([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    np.testing.assert_allclose(found, [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-12)


def test_a_direction_and_its_opposite_are_one_point():
    random = np.random.default_rng(3)
    directions = random.normal(size=(200, 3))
    np.testing.assert_allclose(on_disc(directions), on_disc(-directions), atol=1e-12)


@pytest.mark.parametrize("angle_deg", [10.0, 35.0, 60.0, 89.0])
def test_a_cap_of_the_sphere_keeps_its_share_of_the_area(angle_deg):
    """The cap within an angle of the pole is 1 - cos(angle) of the hemisphere; a disc of radius r is r² of the disc."""
    angle = np.radians(angle_deg)
    radius = np.linalg.norm(on_disc([[np.sin(angle), 0, np.cos(angle)]]))
    assert radius**2 == pytest.approx(1 - np.cos(angle))


def test_even_directions_stay_even_on_the_disc():
    random = np.random.default_rng(5)
    points = on_disc(random.normal(size=(40_000, 3)))
    right, near = points[:, 0] > 0, np.hypot(*points.T) < np.sqrt(0.5)
    assert right.mean() == pytest.approx(0.5, abs=0.01)
    assert near.mean() == pytest.approx(0.5, abs=0.01)


def test_no_direction_is_no_point():
    assert np.isnan(on_disc([[0.0, 0.0, 0.0]])).all()

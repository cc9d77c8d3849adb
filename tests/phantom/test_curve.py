import numpy as np
import pytest

from napari_spinalq.phantom.curve import SagittalCurve

CURVE = SagittalCurve(tilt_deg=9.0, lordosis_deg=22.0, flexion_deg=12.0, flexion_at_mm=75.0)


def test_parameter_is_arc_length():
    arc = np.linspace(-110, 110, 22_001)
    length = np.linalg.norm(np.diff(CURVE.position(arc), axis=0), axis=1).sum()
    assert length == pytest.approx(220.0, abs=1e-3)


def test_tangent_is_the_derivative_and_of_unit_length():
    arc = np.linspace(-100, 100, 41)
    derivative = (CURVE.position(arc + 0.5) - CURVE.position(arc - 0.5)) / 1.0
    assert np.abs(derivative - CURVE.tangent(arc)).max() < 1e-4
    assert np.allclose(np.linalg.norm(CURVE.tangent(arc), axis=1), 1)


def test_curvilinear_coordinates_lead_back_to_the_point():
    random = np.random.default_rng(0)
    arc, right, anterior = random.uniform(-100, 100, 500), random.uniform(-40, 40, 500), random.uniform(-50, 50, 500)
    normal = np.cross(CURVE.tangent(arc), [1.0, 0.0, 0.0])
    points = CURVE.position(arc) + anterior[:, None] * normal + right[:, None] * [1.0, 0.0, 0.0]
    found = CURVE.curvilinear(points)
    assert np.abs(found[0] - arc).max() < 2e-3
    assert np.abs(found[1] - right).max() < 1e-9
    assert np.abs(found[2] - anterior).max() < 2e-3


def test_anterior_is_positive_in_front_of_a_straight_upright_curve():
    straight = SagittalCurve(0.0, 0.0, 0.0, 70.0)
    arc, right, anterior = straight.curvilinear(np.array([[3.0, 5.0, 20.0]]))
    assert (arc[0], right[0], anterior[0]) == pytest.approx((20.0, 3.0, 5.0), abs=1e-6)

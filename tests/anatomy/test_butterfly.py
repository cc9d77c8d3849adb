import numpy as np
import pytest

from napari_spinalq.anatomy.butterfly import inside_polygons, polygon_area, scaled_half


@pytest.mark.parametrize("level", [1.0, 3.3, 5.0, 8.0])
def test_scaled_butterfly_has_its_share_of_the_cord(level):
    half = scaled_half(level, 0.2)
    assert 2 * polygon_area(half) == pytest.approx(0.2 * np.pi)
    assert half[:, 0].min() == pytest.approx(0.0, abs=1e-12)


def test_even_odd_rule_agrees_with_the_shoelace_area():
    half = scaled_half(5.0, 0.2)
    axis = np.arange(-1, 1, 0.004) + 0.002
    x, y = (c.ravel() for c in np.meshgrid(axis[axis > 0], axis, indexing="ij"))
    vertices = np.broadcast_to(half[:, :, None], (*half.shape, x.size))
    assert inside_polygons(x, y, vertices).sum() * 0.004**2 == pytest.approx(polygon_area(half), rel=2e-3)


def test_dorsal_horn_reaches_farther_back_than_the_commissure_and_ventral_horn_is_broad_at_c5():
    c2, c5 = scaled_half(2.0, 0.2), scaled_half(5.0, 0.2)
    assert c5[6, 1] < -0.5 < c5[0, 1]
    assert c5[:, 0].max() > c2[13, 0]

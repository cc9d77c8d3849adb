import numpy as np
import pytest

from napari_spinalq.phantom import outline


def _raster(step=0.002):
    axis = np.arange(-1.2, 1.2, step) + step / 2
    x, y = np.meshgrid(axis, axis, indexing="ij")
    return x, y, outline.inside_outline(x, y), step**2


def test_area_is_that_of_the_ellipse():
    _, _, inside, pixel = _raster()
    assert inside.sum() * pixel == pytest.approx(np.pi, rel=2e-4)


def test_origin_is_the_centroid_and_moments_are_right():
    x, y, inside, _pixel = _raster()
    assert x[inside].mean() == pytest.approx(0, abs=1e-4)
    assert y[inside].mean() == pytest.approx(0, abs=1e-4)
    assert x[inside].var() == pytest.approx(outline.VARIANCE_X, rel=1e-3)
    assert y[inside].var() == pytest.approx(outline.VARIANCE_Y, rel=1e-3)


def test_fissure_is_anterior_and_deeper_than_the_sulcus():
    front, back, side = np.sqrt(outline.edge_radius_squared(np.array([1.0, -1.0, 0.0])))
    assert front < back < side


def test_half_axes_give_the_area():
    a, b = outline.half_axes_mm(np.array([70.0]), np.array([0.6]))
    assert np.pi * a * b == pytest.approx(70.0)
    assert b / a == pytest.approx(0.6)

import numpy as np
import pytest

from napari_spinalq.cord import polar
from napari_spinalq.cord.stack import AxialStack


def ellipse(half_x, half_y):
    return 1.0 / np.hypot(np.cos(polar.RAY_ANGLES) / half_x, np.sin(polar.RAY_ANGLES) / half_y)[None]


def test_area_of_an_ellipse_is_pi_times_both_half_axes():
    assert polar.areas_mm2(ellipse(6.0, 4.0))[0] == pytest.approx(np.pi * 24.0, rel=0.005)


@pytest.mark.parametrize("pixel", [(0.5, 0.5), (1.0, 1.0), (0.8, 3.0)])
def test_coverage_keeps_the_area_between_pixels(pixel):
    centre = np.array([[20.37, 19.61]])
    shape = (1, int(40 / pixel[0]), int(40 / pixel[1]))
    soft = polar.coverage(shape, (5.0, *pixel), centre, ellipse(6.0, 4.0))
    assert soft.sum() * pixel[0] * pixel[1] == pytest.approx(np.pi * 24.0, rel=0.01)
    assert soft.min() == 0.0
    assert soft.max() == 1.0


def test_coverage_centroid_is_the_centre():
    centre = np.array([[20.37, 19.61]])
    soft = polar.coverage((1, 40, 40), (5.0, 1.0, 1.0), centre, ellipse(6.0, 4.0))[0]
    at = [np.average(np.arange(40), weights=soft.sum(axis=1 - axis)) for axis in (0, 1)]
    assert at == pytest.approx([20.37, 19.61], abs=0.02)


def test_coverage_is_cut_at_the_border_of_the_field_of_view():
    soft = polar.coverage((1, 20, 20), (5.0, 1.0, 1.0), np.array([[-0.5, 10.0]]), ellipse(6.0, 6.0))
    assert soft.sum() == pytest.approx(np.pi * 18.0, rel=0.01)


def test_empty_slice_stays_empty():
    assert not polar.coverage((1, 20, 20), (5.0, 1.0, 1.0), np.array([[10.0, 10.0]]), 0 * ellipse(6, 4)).any()


def test_outline_seen_from_elsewhere_has_the_same_place_and_area():
    centre, shift = np.array([[10.0, 12.0]]), np.array([[0.8, -1.1]])
    moved = polar.recentred(ellipse(6.0, 4.5), shift)
    assert polar.centroids_mm(centre + shift, moved)[0] == pytest.approx(centre[0], abs=0.05)
    assert polar.areas_mm2(moved)[0] == pytest.approx(polar.areas_mm2(ellipse(6.0, 4.5))[0], rel=0.01)


def test_unwrap_reads_values_at_their_place_in_mm():
    y, x = np.meshgrid(np.arange(60) * 0.5, np.arange(40) * 0.8, indexing="ij")
    stack = AxialStack((3 * y + x)[None].astype(np.float32), (5.0, 0.5, 0.8), np.zeros(1))
    rays = polar.unwrap(stack, np.array([[15.0, 16.0]]))[0]
    rise, run = (np.outer(f(polar.RAY_ANGLES), polar.RADII_MM) for f in (np.sin, np.cos))
    near = polar.RADII_MM < 12
    assert np.allclose(rays[:, near], (3 * (15 + rise) + 16 + run)[:, near], atol=0.05)

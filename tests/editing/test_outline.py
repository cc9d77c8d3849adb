"""Outlines finer than pixels: how near to the truth, and thin structures."""

import numpy as np
import pytest

from napari_spinalq.editing.outline import Outline, deepest_first, pixel_places

PIXEL_MM = np.array([0.5, 0.5])


def test_the_contour_lies_near_the_true_outline_without_bias(shapes):
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    away = []
    for place in np.random.default_rng(0).uniform(39, 41, (100, 2)):
        outline = Outline.of(shapes.ellipse((80, 80), PIXEL_MM, place, 4.0, 6.5), PIXEL_MM)
        true = place + np.stack([np.sin(turn) * 4.0, np.cos(turn) * 6.5], axis=1) / PIXEL_MM
        away.append(outline.depth_mm(true) / 0.5)
    assert np.quantile(np.abs(away), 0.95) < 0.36
    assert abs(np.mean(away)) < 0.05


def test_distances_far_from_the_outline_are_those_of_the_disc(shapes):
    pixel_mm = np.array([0.4, 0.7])
    centre = np.array([40.3, 39.8])
    outline = Outline.of(shapes.ellipse((80, 80), pixel_mm, centre, 5.0, 5.0), pixel_mm)
    places = pixel_places((slice(10, 70), slice(15, 65)))
    true = 5.0 - np.linalg.norm((places - centre) * pixel_mm, axis=-1)
    assert np.abs(outline.depth_mm(places) - true).max() < 0.35
    assert outline.centre == pytest.approx(centre, abs=0.2)


@pytest.mark.parametrize("box", [(slice(5, 6), slice(5, 6)), (slice(5, 6), slice(2, 12)), (slice(4, 6), slice(4, 6))])
def test_thin_and_tiny_structures_have_an_outline(box):
    plane = np.zeros((12, 14), np.uint8)
    plane[box] = 1
    depth = Outline.of(plane, PIXEL_MM).depth_mm(pixel_places((slice(0, 12), slice(0, 14))))
    np.testing.assert_array_equal(depth >= 0, plane == 1)


def test_structures_at_the_rim_of_the_image_have_an_outline():
    plane = np.zeros((12, 14), np.uint8)
    plane[:4, :5] = 1
    depth = Outline.of(plane, PIXEL_MM).depth_mm(pixel_places((slice(0, 12), slice(0, 14))))
    assert depth[0, 0] > 0
    assert depth[8, 9] < 0


def test_equally_deep_pixels_are_spread():
    """Along a straight edge all are equally deep: any run of the first of them is spread over the whole edge."""
    places = pixel_places((slice(0, 1), slice(0, 100)))
    order = deepest_first(np.zeros((1, 100)), places)
    assert sorted(order.tolist()) == list(range(100))
    assert np.abs(np.mean(order[:20]) - 49.5) < 8
    assert np.diff(np.sort(order[:20])).max() < 12

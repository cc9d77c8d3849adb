"""Coverage of pixels by a polygon, its slope, the modes of the butterfly, and the slices that it is fitted to."""

import numpy as np
import pytest

from napari_spinalq.anatomy.butterfly import polygon_area
from napari_spinalq.cord.butterfly_fit import fit_butterfly
from napari_spinalq.cord.butterfly_model import MODES, butterfly_model
from napari_spinalq.cord.butterfly_raster import PixelBlock, coverage, coverage_and_slope
from napari_spinalq.cord.cord_slices import cord_slices


def pixels(side=0.5, half_width=8.0, shift=0.13):
    y, x = np.meshgrid(*[np.arange(-half_width, half_width, side) + shift] * 2, indexing="ij")
    return PixelBlock(x, y, (side, side))


def butterfly_mm(level=4.0):
    return butterfly_model(level).outline * [6.2, 3.7]


@pytest.mark.parametrize("side", [0.35, 0.5, 0.9])
def test_coverage_adds_up_to_the_area_of_the_polygon(side):
    polygon = butterfly_mm()
    assert coverage(pixels(side), polygon).sum() * side**2 == pytest.approx(polygon_area(polygon), rel=0.01)


def test_coverage_of_a_rectangle_is_exact():
    rectangle = np.array([[-2.0, -1.0], [3.0, -1.0], [3.0, 1.5], [-2.0, 1.5]])
    block = pixels(0.5, shift=0.0)  # pixel borders at odd quarters: each side cuts a row or column in half
    cover = coverage(block, rectangle)
    assert cover.max() == 1.0
    assert cover[block.y_mm == 0.0][block.x_mm[0] == 3.0] == pytest.approx(0.5, abs=0.02)
    assert cover.sum() * 0.25 == pytest.approx(12.5, rel=0.005)


def test_slope_is_the_derivative_of_coverage():
    block, model = pixels(), butterfly_model()
    modes_mm = model.modes * np.array([6.2, 3.7])[:, None]
    step = 1e-3
    _, slope = coverage_and_slope(block, butterfly_mm(), modes_mm)
    for mode in (0, 3, 7):
        moved = [coverage(block, butterfly_mm() + sign * step * modes_mm[..., mode]) for sign in (1, -1)]
        expected = (moved[0] - moved[1]) / (2 * step)
        assert np.corrcoef(slope[..., mode].ravel(), expected.ravel())[0, 1] > 0.99
        assert np.linalg.norm(slope[..., mode] - expected) < 0.15 * np.linalg.norm(expected)


def test_the_mean_outline_is_symmetric_and_level_dependent():
    outline = butterfly_model(5.0).outline
    mirrored = outline * [-1.0, 1.0]
    apart = np.linalg.norm(outline[:, None] - mirrored[None], axis=-1).min(axis=1)
    assert apart.max() < 1e-9
    assert np.ptp(butterfly_model(5.0).outline[:, 0]) > np.ptp(butterfly_model(2.0).outline[:, 0])


def test_modes_have_the_stated_spread():
    modes = butterfly_model().modes * np.array([6.2, 3.7])[:, None]
    assert modes.shape[2] == MODES
    spread_mm = np.sqrt((modes**2).sum(axis=2)).max(axis=0)
    assert (spread_mm > 0.4).all()
    assert (spread_mm < 1.2).all()


def ellipse_stack(turn_deg):
    """Three slices of share of an ellipse of 6.2 x 3.7 mm in pixels of 0.5 mm, from 10 x 10 points a pixel."""
    fine = (np.arange(600) + 0.5) / 20 - 15.25
    y, x = np.meshgrid(fine, fine, indexing="ij")
    cosine, sine = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    inside = ((cosine * x + sine * y) / 6.2) ** 2 + ((cosine * y - sine * x) / 3.7) ** 2 < 1
    return np.repeat(inside.reshape(60, 10, 60, 10).mean(axis=(1, 3))[None], 3, axis=0)


@pytest.mark.parametrize("turn_deg", [-20.0, 0.0, 12.0])
def test_turn_and_half_axes_of_an_ellipse_are_found(turn_deg):
    stack = ellipse_stack(turn_deg)
    piece = cord_slices(stack, stack, (5.0, 0.5, 0.5))[1]
    assert np.degrees(piece.turn_rad) == pytest.approx(turn_deg, abs=1.0)
    assert np.linalg.norm(piece.to_mm, axis=0) == pytest.approx([6.2, 3.7], rel=0.02)
    assert piece.centre_mm == pytest.approx([15.0, 15.0], abs=0.05)


@pytest.mark.parametrize("turn_deg", [0.0, 15.0])
def test_a_shape_that_was_drawn_is_found_again(turn_deg):
    stack = ellipse_stack(turn_deg)
    empty = cord_slices(stack, stack, (5.0, 0.5, 0.5))[1]
    model = butterfly_model()
    weights = np.zeros(MODES)
    weights[[0, 2, 5]] = 1.0, -1.0, 0.8
    polygon = model.shape(weights) @ empty.to_mm.T
    drawn = np.zeros_like(stack)
    drawn[:, *empty.box] = coverage(empty.block, polygon)
    values = 100 + 40 * drawn + np.random.default_rng(0).normal(0, 1, drawn.shape)
    fit = fit_butterfly(cord_slices(values, stack, (5.0, 0.5, 0.5))[1], model)
    assert fit.contrast == pytest.approx(40, rel=0.05)
    assert polygon_area(fit.outline_mm) == pytest.approx(polygon_area(polygon), rel=0.03)
    assert np.linalg.norm(fit.outline_mm - polygon, axis=1).mean() < 0.2

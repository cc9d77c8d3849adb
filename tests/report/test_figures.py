"""Figures show the patient the right way round."""

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Disc, Origin
from napari_spinalq.report import figures

SHAPE = (40, 60, 50)
SAR = np.array([[0, 0, 1.0, -25], [0, 1.0, 0, -30], [1.0, 0, 0, -20], [0, 0, 0, 1]])


@pytest.fixture
def grid():
    return Grid(SHAPE, SAR)


@pytest.fixture
def cord(grid):
    _, y, x = np.indices(SHAPE)
    return ((y - 30) ** 2 / 16 + (x - 25) ** 2 / 36 <= 1).astype(np.uint8), Centerline([[0, 0, -20], [0, 0, 19]])


@pytest.fixture
def drawn(monkeypatch):
    """Make the drawing functions return their first axes instead of a PNG."""
    monkeypatch.setattr(figures, "png", lambda figure: figure.draw_without_rendering() or figure.axes[0])


def on_screen(axes):
    """Return where the bright patch lies on screen, as (up, across) fractions of the axes."""
    shown = axes.images[0]
    values = np.asarray(shown.get_array())
    rows, columns = np.nonzero(values > 50)
    left, right, bottom, top = shown.get_extent()
    x = left + (columns.mean() + 0.5) / values.shape[1] * (right - left)
    y = bottom + (rows.mean() + 0.5) / values.shape[0] * (top - bottom)
    across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
    return up, across


def letters(axes):
    return {text.get_text(): text.get_position() for text in axes.texts if len(text.get_text()) == 1}


def patch(where):
    image = np.full(SHAPE, 10.0)
    image[where] = 80.0
    return image


def test_anterior_is_left_and_superior_is_up_in_the_sagittal_figure(grid, cord, drawn):
    mask, line = cord
    image = patch((slice(28, 38), slice(44, 54), slice(15, 35)))  # superior and anterior
    axes = figures.sagittal_figure(image, {"cord": mask}, grid, line, ())
    up, across = on_screen(axes)
    assert up > 0.6
    assert across < 0.4
    place = letters(axes)
    assert place["A"][0] < 0.5 < place["P"][0]
    assert place["I"][1] < 0.5 < place["S"][1]


def test_the_patient_right_is_on_the_left_and_anterior_up_in_the_axial_figure(grid, cord, drawn):
    mask, _ = cord
    image = patch((slice(None), slice(36, 44), slice(32, 40)))  # anterior and to the patient's right
    axes = figures.axial_figure(image, {"cord": mask}, grid, np.full(SHAPE[0], 3), np.full(SHAPE[0], 70.0))
    up, across = on_screen(axes)
    assert up > 0.55
    assert across < 0.45
    assert letters(axes)["R"][0] < 0.5 < letters(axes)["L"][0]


def test_superior_is_left_in_the_profile(drawn):
    axes = figures.profile_figure(np.arange(5.0), {"cord": np.arange(5.0) + 50}, np.array([4, 4, 3, 3, 3]))
    assert axes.xaxis_inverted()
    assert {text.get_text() for text in axes.texts} == {"C3", "C4"}


def test_discs_seen_and_guessed_are_told_apart(grid, cord):
    mask, line = cord
    image = np.random.default_rng(0).normal(50, 5, SHAPE)
    seen = figures.sagittal_figure(image, {"cord": mask}, grid, line, [Disc(3, (0, 10, 5), Origin.DETECTED)])
    guessed = figures.sagittal_figure(image, {"cord": mask}, grid, line, [Disc(3, (0, 10, 5), Origin.INTERPOLATED)])
    assert seen != guessed


@pytest.mark.parametrize("levels", [np.zeros(SHAPE[0], int), np.r_[np.zeros(20, int), np.full(20, 2)]])
def test_figures_work_with_few_or_no_levels(grid, cord, levels):
    mask, _ = cord
    png = figures.axial_figure(np.ones(SHAPE), {"cord": mask}, grid, levels, np.full(SHAPE[0], np.nan))
    assert png.startswith(b"\x89PNG")


def test_each_structure_has_an_outline_of_its_own_colour_and_stroke(grid, cord, drawn):
    mask, line = cord
    _, y, x = np.indices(SHAPE)
    masks = {
        "cord": mask,
        "gm": ((np.abs(x - 25) < 4) & (np.abs(y - 30) < 2)).astype(np.uint8),
        "canal": ((y - 30) ** 2 / 64 + (x - 25) ** 2 / 100 <= 1).astype(np.uint8),
    }
    axial = figures.axial_figure(np.ones(SHAPE), masks, grid, np.full(SHAPE[0], 3), np.full(SHAPE[0], 70.0))
    looks = [(tuple(one.get_edgecolor()[0]), one.get_linestyle()[0]) for one in axial.collections]
    assert len(looks) == 3
    assert len({colour for colour, _ in looks}) == 3
    assert looks[2][1] != looks[0][1], "the canal is dashed: told apart without colour"
    assert len(figures.sagittal_figure(np.ones(SHAPE), masks, grid, line, ()).collections) == 2


def test_areas_along_the_cord_are_named_where_there_are_several(drawn):
    areas = {"cord": np.full(5, 70.0), "gm": np.array([np.nan, 14.0, 15.0, 14.0, 14.0])}
    axes = figures.profile_figure(np.arange(5.0), areas, np.array([4, 4, 3, 3, 3]))
    names = {text.get_text(): text.xy for text in axes.texts if text.get_text() in ("Cord", "GM")}
    assert names == {"Cord": (0.0, 70.0), "GM": (1.0, 14.0)}
    assert len(axes.lines) == 2


def test_a_scan_of_a_single_slice_can_be_shown(grid, cord):
    mask, _ = cord
    one, line = Grid((1, *SHAPE[1:]), SAR), Centerline([[0, 0, -20.5], [0, 0, -19.5]])
    assert figures.sagittal_figure(np.ones((1, *SHAPE[1:])), {"cord": mask[:1]}, one, line, ()).startswith(b"\x89PNG")

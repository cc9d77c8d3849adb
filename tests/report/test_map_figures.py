"""Figures of maps show the patient the right way round, and motion and directions as they are."""

import numpy as np
import pytest

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable
from napari_spinalq.report import map_figures, series_figures
from napari_spinalq.report.map_figures import MOST_SLICES, Row, mosaic_figure

SHAPE = (20, 60, 50)
SAR = np.array([[0, 0, 1.0, -25], [0, 1.0, 0, -30], [1.0, 0, 0, -20], [0, 0, 0, 1]])
GRID = Grid(SHAPE, SAR)
_, Y, X = np.indices(SHAPE)
CORD = ((Y - 30) ** 2 / 16 + (X - 25) ** 2 / 36 < 1).astype(np.uint8)
LEVELS = np.repeat([6, 5, 4, 3], 5)


@pytest.fixture
def drawn(monkeypatch):
    """Make the drawing functions return their axes instead of a PNG."""
    for module in (map_figures, series_figures):
        monkeypatch.setattr(module, "png", lambda figure: figure.draw_without_rendering() or figure.axes)


def letters(axes):
    return {text.get_text(): text.get_position() for text in axes.texts if len(text.get_text()) == 1}


def place_of_patch(axes):
    """Return where the bright patch lies on the panel, as (up, across) fractions."""
    shown = axes.images[0]
    values = np.asarray(shown.get_array())
    rows, columns = np.nonzero(values > 50)
    left, right, bottom, top = shown.get_extent()
    x = left + (columns.mean() + 0.5) / values.shape[1] * (right - left)
    y = bottom + (rows.mean() + 0.5) / values.shape[0] * (top - bottom)
    across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
    return up, across


def test_the_patient_right_is_on_the_left_and_anterior_up(drawn):
    image = np.full(SHAPE, 10.0)
    image[:, 32:36, 28:32] = 80.0  # to anterior and to the patient's right
    axes = mosaic_figure([Row("map", image)], CORD, GRID, LEVELS)
    up, across = place_of_patch(axes[0])
    assert up > 0.55
    assert across < 0.45
    place = letters(axes[0])
    assert place["R"][0] < 0.5 < place["L"][0]
    assert place["P"][1] < 0.5 < place["A"][1]


def test_one_column_a_level_superior_first_and_one_row_a_map(drawn):
    rows = [Row("first", np.ones(SHAPE)), Row("second", np.full((*SHAPE, 3), 0.5), (0, 1))]
    axes = mosaic_figure(rows, CORD, GRID, LEVELS, {17: ", Dice 0.98"})
    assert [panel.get_title() for panel in axes[:4]] == ["C3, Dice 0.98", "C4", "C5", "C6"]
    assert [axes[0].get_ylabel(), axes[4].get_ylabel()] == ["first", "second"]


def test_without_levels_a_few_slices_are_shown(drawn):
    axes = mosaic_figure([Row("map", np.ones(SHAPE))], CORD, GRID, np.zeros(SHAPE[0], int))
    assert len(axes) == MOST_SLICES
    assert axes[0].get_title() == "slice 19"


def test_unknown_voxels_and_outlines_that_are_missing_do_no_harm(drawn):
    image = np.full(SHAPE, np.nan)
    axes = mosaic_figure([Row("map", image, outlines={"red": [np.zeros(SHAPE)]})], CORD, GRID, LEVELS)
    assert np.isfinite(np.asarray(axes[0].images[0].get_array())).all()


def motion(outliers=()):
    shifts = np.zeros((6, 4, 2))
    shifts[:, :, 0] = np.arange(6)[:, None]
    marked = np.isin(np.arange(6), outliers)
    return Motion(shifts, np.zeros((6, 4)), np.r_[0.0, np.ones(5)], marked, np.arange(6), axes=("superior", "anterior"))


def test_motion_names_its_directions_and_marks_volumes_that_stand_out(drawn):
    shifts, steps = series_figures.motion_figure(motion(outliers=(2, 4)))
    assert [text.get_text() for text in shifts.get_legend().get_texts()] == ["to superior", "to anterior"]
    np.testing.assert_array_equal(shifts.lines[0].get_ydata(), np.arange(6))
    calm = series_figures.motion_figure(motion())[1]
    assert len(steps.patches) - len(calm.patches) == 2


def test_directions_lie_on_the_half_sphere_one_colour_a_shell(drawn):
    right, anterior, down = np.eye(3)[0], np.eye(3)[1], -np.eye(3)[2]
    table = GradientTable(np.array([0.0, 700, 700, 2000]), np.stack([np.zeros(3), right, anterior, down]))
    (axes,) = series_figures.gradient_figure(table)
    first, second, _ = axes.lines
    np.testing.assert_allclose(first.get_xydata(), [[1, 0], [0, 1]])
    np.testing.assert_allclose(second.get_xydata(), [[0, 0]], atol=1e-12)
    assert first.get_color() != second.get_color()
    assert axes.xaxis_inverted(), "the patient's right is on the left"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["b = 700 s/mm²: 2", "b = 2000 s/mm²: 1"]


def test_equal_areas_of_the_sphere_are_equal_areas_of_the_disc():
    """Half of the half sphere lies above 30 degrees: it fills half of the disc."""
    heights = (np.arange(2000) + 0.5) / 2000
    across = np.sqrt(1 - heights**2)
    right, anterior = series_figures.projected(np.stack([across, 0 * across, heights], axis=1))
    assert np.mean(np.hypot(right, anterior) ** 2 < 0.5) == pytest.approx(0.5, abs=0.01)

"""Planes as pictures: true sides, true places, the masks as in the main view. No window is needed here."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.gui.convert import mm_to_world, to_display
from napari_spinalq.gui.display import Convention, Plane
from napari_spinalq.gui.views.arrangement import COLUMN, GRID, ONE, arrangement, asked_width
from napari_spinalq.gui.views.crossview import Cover, cross_view, other_plane
from napari_spinalq.gui.views.lens import Lens
from napari_spinalq.views.window import Window

pytestmark = pytest.mark.gui

DIRECTIONS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
PLANES = [Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL]
WHITE = Window(0.0, 1.0)


def _grid() -> Grid:
    affine = np.diag([-1.0, 2.0, -3.0, 1.0])
    affine[:3, 3] = (20, -25, 31)
    return Grid((41, 26, 21), affine)


def _middle(grid: Grid) -> np.ndarray:
    return mm_to_world(grid.voxel_to_mm((np.array(grid.shape) - 1) / 2), grid)


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("plane", PLANES)
def test_each_edge_shows_the_side_it_names(plane, convention):
    grid = _grid()
    mm = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    middle = _middle(grid)
    for letter, direction in DIRECTIONS.items():
        lit = to_display((mm @ np.array(direction) > np.dot(middle[::-1], direction)).astype(np.float32), grid)
        view = cross_view(lit, grid, middle, plane, convention, WHITE)
        if letter not in view.letters:
            continue
        grey = view.pixels[..., 0].astype(float)
        edges = grey[:, 0].mean(), grey[:, -1].mean(), grey[0].mean(), grey[-1].mean()
        assert int(np.argmax(edges)) == view.letters.index(letter)


def test_letters_of_both_conventions():
    grid = _grid()
    image = np.zeros(grid.reoriented("SAR").shape, np.float32)
    letters = {
        (plane, convention): "".join(cross_view(image, grid, _middle(grid), plane, convention, WHITE).letters)
        for plane in PLANES
        for convention in Convention
    }
    assert letters[Plane.AXIAL, Convention.RADIOLOGICAL] == "RLAP"
    assert letters[Plane.CORONAL, Convention.RADIOLOGICAL] == "RLSI"
    assert letters[Plane.SAGITTAL, Convention.RADIOLOGICAL] == "APSI"
    assert letters[Plane.AXIAL, Convention.NEUROLOGICAL] == "LRAP"
    assert letters[Plane.CORONAL, Convention.NEUROLOGICAL] == "LRSI"
    assert letters[Plane.SAGITTAL, Convention.NEUROLOGICAL] == "PASI"


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("plane", PLANES)
def test_a_voxel_is_drawn_where_its_place_says(plane, convention):
    grid = _grid()
    data = np.zeros(grid.shape, np.float32)
    voxel = (15, 20, 6)
    data[voxel] = 1
    world = mm_to_world(grid.voxel_to_mm(voxel), grid)
    view = cross_view(to_display(data, grid), grid, world, plane, convention, WHITE)
    rows, columns = view.pixels.shape[:2]
    down, right = view.fraction(world)
    assert view.pixels[int(down * rows), int(right * columns), 0] == 255
    assert np.count_nonzero(view.pixels[..., 0]) == 1
    np.testing.assert_allclose(view.world((down, right), world), world)
    np.testing.assert_allclose(view.size_mm, np.array([rows, columns]) * np.array([3, 2, 1])[list(view.axes)])


def test_slices_count_from_inferior_posterior_and_left_and_a_point_outside_gives_the_nearest():
    grid = _grid()
    image = np.zeros(grid.reoriented("SAR").shape, np.float32)
    lowest = mm_to_world((-20.0, -25.0, -29.0), grid)
    for plane, last in ((Plane.AXIAL, 20), (Plane.CORONAL, 25), (Plane.SAGITTAL, 40)):
        assert cross_view(image, grid, lowest, plane, Convention.RADIOLOGICAL, WHITE).number == 0
        assert cross_view(image, grid, lowest + 500, plane, Convention.RADIOLOGICAL, WHITE).number == last


def test_masks_are_filled_or_outlined_as_they_say():
    grid = _grid()
    image = np.full(grid.reoriented("SAR").shape, 0.5, np.float32)
    mask = np.zeros(image.shape, np.uint8)
    mask[10, 11:16, 18:23] = 1
    middle = _middle(grid)
    coloured = {}
    for outline in (0, 1):
        cover = Cover(mask, "#E69F00", 0.5, outline)
        view = cross_view(image, grid, middle, Plane.AXIAL, Convention.RADIOLOGICAL, WHITE, [cover])
        coloured[outline] = np.count_nonzero(view.pixels[..., 0] != view.pixels[..., 2])
    assert coloured == {0: 25, 1: 16}


def test_which_panes_stand_beside_the_main_view():
    assert other_plane(Plane.AXIAL) is Plane.SAGITTAL
    assert other_plane(Plane.SAGITTAL) is Plane.AXIAL
    assert arrangement(ONE, Plane.CORONAL) == {"Sagittal": (0, 0)}
    assert arrangement(COLUMN, Plane.SAGITTAL) == {"Coronal": (0, 0), "Axial": (1, 0), "3-D": (2, 0)}
    assert arrangement(COLUMN, Plane.VOLUME) == {"Sagittal": (0, 0), "Coronal": (1, 0), "Axial": (2, 0)}
    assert list(arrangement(GRID, Plane.AXIAL)) == ["Axial", "Sagittal", "Coronal", "3-D"]
    side = arrangement(ONE, Plane.AXIAL, side=True)
    assert side == {"Sagittal": (0, 0), "Axial": (1, 0), "other Sagittal": (0, 1), "other Axial": (1, 1)}


def test_the_canvas_keeps_its_room():
    for layout in (ONE, COLUMN, GRID):
        for window in (1366, 1920, 2560):
            dock, frames = 372, 40
            assert window - dock - frames - asked_width(layout, window) >= 520
    assert asked_width(ONE, 1366, side=True) == asked_width(GRID, 1366)
    assert asked_width(GRID, 1920) > asked_width(GRID, 1366)


def test_a_lens_keeps_its_anchor_in_place():
    lens = Lens(np.array([10.0, 0.0, 0.0]), 0.5)
    anchor = np.array([20.0, 4.0, 0.0])
    nearer = lens.zoomed(2.0, anchor)
    assert nearer.mm_per_pixel == 0.25
    np.testing.assert_allclose((anchor - nearer.centre) / nearer.mm_per_pixel, (anchor - lens.centre) / 0.5)
    np.testing.assert_allclose(nearer.zoomed(0.5, anchor).centre, lens.centre)


def test_a_lens_without_a_choice_shows_all_or_its_field():
    size = np.array([200.0, 100.0])
    assert Lens().scale(100, 400, size) == 2.0
    assert Lens(field_mm=70.0).scale(140, 400, size) == 0.5

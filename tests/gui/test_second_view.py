"""The second view: true sides, true places, in step with the main view."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_spinalq.geometry import Grid
from napari_spinalq.gui.convert import mm_to_world, to_display
from napari_spinalq.gui.crossview import cross_view, other_plane
from napari_spinalq.gui.display import Convention, Plane, position
from napari_spinalq.gui.second import SecondViewDock

pytestmark = pytest.mark.gui

DIRECTIONS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


def _grid() -> Grid:
    affine = np.diag([-1.0, 2.0, -3.0, 1.0])
    affine[:3, 3] = (20, -25, 31)
    return Grid((41, 26, 21), affine)


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("plane", [Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL])
def test_each_edge_shows_the_side_it_names(plane, convention):
    grid = _grid()
    mm = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    middle = mm_to_world(grid.voxel_to_mm((np.array(grid.shape) - 1) / 2), grid)
    for letter, direction in DIRECTIONS.items():
        lit = to_display((mm @ np.array(direction) > np.dot(middle[::-1], direction)).astype(np.float32), grid)
        view = cross_view(lit, None, grid, middle, plane, convention, (0.0, 1.0))
        if letter not in view.letters:
            continue
        grey = view.pixels[..., 0].astype(float)
        edges = grey[:, 0].mean(), grey[:, -1].mean(), grey[0].mean(), grey[-1].mean()
        assert int(np.argmax(edges)) == view.letters.index(letter)


@pytest.mark.parametrize("plane", [Plane.AXIAL, Plane.SAGITTAL])
def test_a_voxel_is_drawn_where_its_place_says(plane):
    grid = _grid()
    data = np.zeros(grid.shape, np.float32)
    voxel = (15, 20, 6)
    data[voxel] = 1
    world = mm_to_world(grid.voxel_to_mm(voxel), grid)
    view = cross_view(to_display(data, grid), None, grid, world, plane, Convention.RADIOLOGICAL, (0.0, 1.0))
    rows, columns = view.pixels.shape[:2]
    down, right = view.fraction(world)
    assert view.pixels[int(down * rows), int(right * columns), 0] == 255
    assert np.count_nonzero(view.pixels[..., 0]) == 1
    np.testing.assert_allclose(view.world((down, right), world), world)
    np.testing.assert_allclose(view.size_mm, np.array([rows, columns]) * np.array([3, 2, 1])[list(view.axes)])


def test_the_mask_is_coloured():
    grid = _grid()
    image = np.full(grid.reoriented("SAR").shape, 0.5, np.float32)
    mask = np.zeros(image.shape, np.uint8)
    mask[10, 12:14, 20:22] = 1
    middle = mm_to_world(grid.voxel_to_mm((np.array(grid.shape) - 1) / 2), grid)
    view = cross_view(image, mask, grid, middle, Plane.AXIAL, Convention.RADIOLOGICAL, (0.0, 1.0))
    assert np.count_nonzero(view.pixels[..., 0] != view.pixels[..., 2]) == 4


def test_the_other_plane():
    assert other_plane(Plane.AXIAL) is Plane.SAGITTAL
    assert other_plane(Plane.CORONAL) is Plane.SAGITTAL
    assert other_plane(Plane.SAGITTAL) is Plane.AXIAL


def test_views_keep_in_step(measured, qtbot):
    hand = measured
    second = SecondViewDock(hand.viewer)
    hand.viewer.window.add_dock_widget(second, name="second", area="left")
    hand.desk.show_plane(Plane.AXIAL)
    hand.click_row("C6")
    qtbot.waitUntil(lambda: np.allclose(second.view._point, position(hand.viewer)))
    assert second.view.view.axes == (0, 1)

    place, shown = second.view.place(), second.view.view
    target = mm_to_world(hand.desk.session.labelling.discs[2].position_mm, hand.desk.session.current.scan.grid)
    down, right = shown.fraction(target)
    pixel = QPoint(round(place.left() + right * place.width()), round(place.top() + down * place.height()))
    qtbot.mouseClick(second.view, Qt.MouseButton.LeftButton, pos=pixel)
    per_pixel = shown.size_mm[0] / place.height()
    assert abs(position(hand.viewer)[0] - target[0]) <= per_pixel + 0.8
    assert abs(position(hand.viewer)[1] - target[1]) <= per_pixel + 0.8

    before = second.view.view.pixels.copy()
    mask = hand.desk.session.current.mask
    step = hand.viewer.dims.current_step
    mask.data_setitem((np.array([step[0]]), np.array([step[1]]), np.array([step[2]])), np.array([1]))
    qtbot.waitUntil(lambda: (second.view.view.pixels != before).any())
    hand.desk.show_plane(Plane.SAGITTAL)
    qtbot.waitUntil(lambda: second.view.view.axes == (1, 2))


def test_it_is_empty_without_a_scan_and_after_it_is_closed_nothing_breaks(hand, qtbot, exam_folder):
    second = SecondViewDock(hand.viewer)
    hand.viewer.window.add_dock_widget(second, name="second", area="left")
    assert second.view.view is None
    hand.viewer.window.remove_dock_widget(second)
    second.deleteLater()
    qtbot.wait(50)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    assert hand.desk.session.current is not None

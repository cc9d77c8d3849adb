"""The brush under the mouse and the tools of the page "Correct", by real mouse and key events."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_spinalq.editing.brush import Brush, painted
from napari_spinalq.editing.region import holes_filled
from napari_spinalq.editing.size import resized
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui import layers
from napari_spinalq.gui.display import Plane, current_plane, go_to
from napari_spinalq.gui.work import StructureWork

pytestmark = pytest.mark.gui

SLICE = 90
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def axial(measured):
    """Return a hand near the cord in one axial slice, with the page "Correct" open."""
    measured.dock.pages.setCurrentWidget(measured.dock.tools_panel)
    measured.desk.slices.go_to(SLICE)
    measured.desk.segmenter.close_in(Plane.AXIAL)
    return measured


def _mask(hand):
    return hand.desk.session.current.mask.data


def _spacing(hand):
    return np.asarray(hand.desk.session.current.scan.grid.reoriented(WORK_AXES).spacing)


def _centre(hand, index=SLICE):
    """Return the voxel at the middle of the cord in a slice."""
    return np.array([index, *np.argwhere(_mask(hand)[index]).mean(axis=0)])


def _applied(mask, planes):
    after = mask.copy()
    for index, plane in planes.items():
        after[index] = plane
    return after


def _told(hand):
    made = []
    hand.desk.edits.made.connect(made.append)
    return made


def _draw_gm(hand):
    """Give the scan a small grey matter within the cord, and take it in hand."""
    work = hand.desk.session.current
    layer = layers.add_mask(hand.viewer, np.zeros(work.scan.grid.shape, np.uint8), work.scan, work.image, "gm")
    z, y, x = np.rint(_centre(hand)).astype(int)
    layer.data[z, y - 1 : y + 2, x - 3 : x + 1] = 1
    hand.desk.session.set_structure(work, "gm", StructureWork(layer))
    hand.desk.session.choose_structure("gm")
    return layer


@pytest.mark.parametrize("size_mm", [0.3, 2.0, 5.0])
def test_a_stroke_paints_what_the_brush_sweeps(axial, size_mm):
    hand, before, made = axial, _mask(axial).copy(), _told(axial)
    hand.desk.tools.set_size(size_mm)
    hand.press(hand.dock.tools_panel.tools["paint"])
    way = [hand.world(_centre(hand) + np.array([0, y, x])) for y, x in ((7, -6), (8, 0), (7, 7))]
    path = np.array([hand.voxel(world) for world in way])
    hand.drag(*way)
    expected = _applied(before, painted(before, _spacing(hand), path, Brush(size_mm)))
    np.testing.assert_array_equal(_mask(hand), expected)
    assert expected.sum() > before.sum()
    assert [(edit.tool, edit.slices) for edit in made] == [("brush", frozenset({SLICE}))]


def test_pixels_appear_before_the_mouse_is_released(axial):
    hand, before, seen = axial, _mask(axial).sum(), []
    hand.desk.tools.use("paint")
    hand.desk.session.current.mask.events.labels_update.connect(lambda _event: seen.append(int(_mask(hand).sum())))
    hand.desk.edits.made.connect(lambda _edit: seen.append("released"))
    hand.drag(*(hand.world(_centre(hand) + np.array([0, 8, x])) for x in (-6, 0, 6)))
    grown = seen[: seen.index("released")]
    assert len(grown) >= 2
    assert before < grown[0] < grown[-1]


@pytest.mark.parametrize("way", ["eraser", "right button"])
def test_two_ways_erase(axial, way):
    hand, before, made = axial, _mask(axial).copy(), _told(axial)
    hand.press(hand.dock.tools_panel.tools["erase" if way == "eraser" else "paint"])
    zoom = hand.viewer.scene.camera.zoom
    world = [hand.world(_centre(hand) + np.array([0, 0, x])) for x in (-2, 2)]
    path = np.array([hand.voxel(one) for one in world])
    button = Qt.MouseButton.RightButton if way == "right button" else Qt.MouseButton.LeftButton
    hand.drag(*world, button=button)
    brush = Brush(hand.desk.tools.brush.diameter_mm, value=0)
    np.testing.assert_array_equal(_mask(hand), _applied(before, painted(before, _spacing(hand), path, brush)))
    assert _mask(hand).sum() < before.sum()
    assert [edit.tool for edit in made] == ["eraser"]
    assert hand.viewer.scene.camera.zoom == zoom


@pytest.mark.parametrize(("plane", "across"), [(Plane.SAGITTAL, 2), (Plane.CORONAL, 1)])
def test_the_brush_paints_in_every_plane(axial, plane, across):
    hand, before = axial, _mask(axial).copy()
    hand.desk.show_plane(plane)
    go_to(hand.viewer, hand.world(np.rint(_centre(hand))))
    hand.desk.tools.set_size(3.0)
    hand.press(hand.dock.tools_panel.tools["paint"])
    assert current_plane(hand.viewer) is plane
    hand.wait()
    aside = np.array([0, 6, 0]) if across == 2 else np.array([0, 0, 9])
    world = [hand.world(np.rint(_centre(hand)) + aside + np.array([z, 0, 0])) for z in (-9, 12)]
    path = np.array([hand.voxel(one) for one in world])
    hand.drag(*world)
    planes = painted(before, _spacing(hand), path, Brush(3.0), across=across)
    assert len(planes) > 20, "a stroke along the cord touches many slices"
    np.testing.assert_array_equal(_mask(hand), _applied(before, planes))


def test_a_ball_reaches_the_neighbouring_slices(axial):
    hand, before, made = axial, _mask(axial).copy(), _told(axial)
    hand.desk.tools.set_size(4.0)
    hand.key(Qt.Key.Key_D, SHIFT)
    hand.desk.tools.use("paint")
    world = hand.world(_centre(hand) + np.array([0, 8, 0]))
    path = hand.voxel(world)[None]
    hand.click(world)
    expected = painted(before, _spacing(hand), path, Brush(4.0, ball=True))
    assert len(expected) > 1
    np.testing.assert_array_equal(_mask(hand), _applied(before, expected))
    assert made[0].slices == frozenset(expected)


def test_an_edge_aware_brush_looks_at_the_image(axial):
    hand, before = axial, _mask(axial).copy()
    hand.desk.tools.set_size(8.0)
    hand.press(hand.dock.tools_panel.kinds["edge_aware"])
    hand.desk.tools.use("paint")
    edge = np.argwhere(before[SLICE]).max(axis=0)[0]
    world = hand.world(np.array([SLICE, edge - 1, _centre(hand)[2]]))
    path, image = hand.voxel(world)[None], hand.desk.session.current.image.data
    hand.click(world)
    aware = painted(before, _spacing(hand), path, Brush(8.0, edge_aware=True), image=image)
    np.testing.assert_array_equal(_mask(hand), _applied(before, aware))
    plain = painted(before, _spacing(hand), path, Brush(8.0))
    assert _mask(hand).sum() < _applied(before, plain).sum()


def test_grey_matter_can_be_painted_inside_the_cord_only(axial):
    hand = axial
    gm = _draw_gm(hand)
    cord = _mask(hand).copy()
    hand.press(hand.dock.tools_panel.kinds["inside_only"])
    hand.desk.tools.set_size(3.0)
    hand.desk.tools.use("paint")
    edge = np.argwhere(cord[SLICE]).max(axis=0)[0]
    hand.drag(*(hand.world(np.array([SLICE, y, _centre(hand)[2]])) for y in (edge - 2, edge + 5)))
    assert gm.data[SLICE, edge].any()
    assert not (gm.data.astype(bool) & ~cord.astype(bool)).any()
    told = []
    hand.desk.told.connect(lambda _kind, words: told.append(words))
    hand.click(hand.world(np.array([SLICE, edge + 8, _centre(hand)[2]])))
    assert any("outside of the cord" in words for words in told)


def test_a_polygon_takes_the_voxels_inside_and_stays_inside_the_cord(axial):
    hand, made = axial, _told(axial)
    gm = _draw_gm(hand)
    hand.press(hand.dock.tools_panel.kinds["inside_only"])
    hand.press(hand.dock.tools_panel.tools["polygon"])
    z, y, x = np.rint(_centre(hand))
    corners = [(y - 20, x - 4), (y - 20, x + 4), (y + 4, x + 4)]
    for corner in corners:
        hand.click(hand.world((z, *corner)))
    hand.double_click(hand.world((z, y + 4, x - 4)))
    drawn = np.argwhere(gm.data[SLICE])
    assert len(drawn) > 12
    assert drawn[:, 1].min() >= x - 4
    assert drawn[:, 1].max() <= x + 4
    assert not (gm.data.astype(bool) & ~_mask(hand).astype(bool)).any()
    assert [(edit.structure, edit.tool) for edit in made] == [("gm", "polygon")]


def test_fill_closes_a_hole_and_refuses_an_open_region(axial):
    hand, before, told = axial, _mask(axial).copy(), []
    z, y, x = np.rint(_centre(hand)).astype(int)
    hand.desk.edits.change(hand.desk.session.current, "cord", {z: _with_hole(before[z], y, x)}, "hole")
    hand.desk.edits.refused.connect(told.append)
    hand.press(hand.dock.tools_panel.tools["fill"])
    hand.click(hand.world((z, y, x)))
    np.testing.assert_array_equal(_mask(hand), before)
    hand.click(hand.world((z, y + 15, x)))
    np.testing.assert_array_equal(_mask(hand), before)
    assert "open" in hand.dock.status.line.text()


def _with_hole(plane, y, x):
    holed = plane.copy()
    holed[y - 1 : y + 2, x - 1 : x + 2] = 0
    return holed


def test_holes_are_filled_in_the_slice_or_the_whole(axial):
    hand = axial
    z, y, x = np.rint(_centre(hand)).astype(int)
    work = hand.desk.session.current
    holed = {index: _with_hole(_mask(hand)[index], y, x) for index in (z, z + 1)}
    hand.desk.edits.change(work, "cord", holed, "hole")
    before = _mask(hand).copy()
    hand.press(hand.dock.tools_panel.fill_holes)
    np.testing.assert_array_equal(_mask(hand), _applied(before, holes_filled(before, [z])))
    hand.key(Qt.Key.Key_R)
    hand.key(Qt.Key.Key_R)
    assert hand.dock.tools_panel.scope.currentData() == "whole"
    hand.key(Qt.Key.Key_F, SHIFT)
    hand.wait()
    np.testing.assert_array_equal(_mask(hand), _applied(before, holes_filled(before)))


def test_grow_by_a_part_of_a_voxel_acts_on_this_level_only(axial):
    hand, made = axial, _told(axial)
    before = _mask(hand).copy()
    hand.desk.tools.set_scope("level")
    levels = hand.desk.measurer.levels()
    own = next(slices for slices in levels.slices if SLICE in slices)
    hand.dock.tools_panel.by_mm.setValue(0.3)
    hand.press(hand.dock.tools_panel.grow)
    hand.wait()
    np.testing.assert_array_equal(_mask(hand), _applied(before, resized(before, _spacing(hand), 0.3, own)))
    assert [(edit.tool, edit.slices <= set(own)) for edit in made] == [("grow", True)]


def test_slices_between_edited_ones_are_drawn(axial):
    hand = axial
    work, before = hand.desk.session.current, _mask(axial).copy()
    for index in (SLICE, SLICE + 6):
        hand.desk.edits.change(work, "cord", resized(_mask(hand), _spacing(hand), 1.0, [index]), "grow")
    hand.press(hand.dock.tools_panel.between)
    hand.wait()
    areas = _mask(hand)[SLICE : SLICE + 7].sum(axis=(1, 2))
    assert (areas[1:-1] > before[SLICE + 1 : SLICE + 6].sum(axis=(1, 2))).all()
    np.testing.assert_array_equal(_mask(hand)[SLICE + 7 :], before[SLICE + 7 :])


def test_a_neighbouring_slice_is_copied(axial):
    hand = axial
    above = _mask(hand)[SLICE + 1].copy()
    hand.key(Qt.Key.Key_PageUp, SHIFT)
    hand.wait()
    np.testing.assert_array_equal(_mask(hand)[SLICE], above)


def test_only_the_largest_body_is_kept(axial):
    hand, before = axial, _mask(axial).copy()
    plane = before[20].copy()
    plane[2:5, 2:5] = 1
    hand.desk.edits.change(hand.desk.session.current, "cord", {20: plane}, "stray")
    hand.press(hand.dock.tools_panel.largest)
    hand.wait()
    np.testing.assert_array_equal(_mask(hand), before)


def test_grey_matter_is_mirrored_about_the_midline_of_the_cord(axial):
    hand = axial
    gm = _draw_gm(hand)
    middle = _centre(hand)[2]
    assert (np.argwhere(gm.data[SLICE])[:, 1] <= middle).all(), "the patient's left half is at low x"
    hand.press(hand.dock.tools_panel.to_right)
    hand.wait()
    columns = np.argwhere(gm.data[SLICE])[:, 1]
    assert (columns > middle + 1).any()
    assert np.mean(columns) == pytest.approx(middle, abs=0.75)


def test_one_brush_whichever_button_takes_it(axial):
    hand, panel = axial, axial.dock.tools_panel
    mask = hand.desk.session.current.mask
    hand.desk.tools.set_size(4.0)
    hand.press(hand.dock.segment_panel.paint)
    assert panel.tools["paint"].isChecked()
    mask.mode = "erase"  # the button of napari's own controls
    assert panel.tools["erase"].isChecked()
    assert hand.dock.segment_panel.erase.isChecked()
    mask.mode = "paint"
    before, world = _mask(hand).copy(), hand.world(_centre(hand) + np.array([0, 8, 0]))
    path = hand.voxel(world)[None]
    hand.click(world)
    np.testing.assert_array_equal(_mask(hand), _applied(before, painted(before, _spacing(hand), path, Brush(4.0))))


def test_the_size_of_napari_and_ours_are_one(axial):
    hand, mask = axial, axial.desk.session.current.mask
    hand.desk.tools.use("paint")
    hand.desk.tools.set_size(3.3)
    in_plane = _spacing(hand)[1:].min()
    assert mask.brush_size == round(3.3 / in_plane)
    assert mask.cursor_size == pytest.approx(3.3), "napari draws its circle in world mm"
    mask.brush_size = 10
    assert hand.desk.tools.brush.diameter_mm == pytest.approx(10 * in_plane)
    assert hand.dock.tools_panel.size_text.text() == f"{10 * in_plane:.1f} mm"


def test_the_circle_shows_the_true_size_at_any_zoom(axial):
    hand = axial
    hand.desk.tools.use("paint")
    circle, ring = hand.viewer.canvas.overlays._brush_circle, hand.desk.tools.ring.overlay
    hand.desk.tools.set_size(4.0)
    for zoom in (5.0, 12.0):
        hand.viewer.scene.camera.zoom = zoom
        assert circle.visible
        assert circle.size == int(4.0 * zoom)
        assert not ring.visible
    hand.desk.tools.set_size(0.5)
    assert ring.visible, "napari shows a cross for brushes of a few pixels"
    assert ring.size == round(0.5 * 12.0)
    hand.desk.tools.use("move")
    assert not ring.visible


def test_quick_dabs_are_all_painted(axial):
    hand, before = axial, _mask(axial).copy()
    hand.desk.tools.set_size(1.0)
    hand.desk.tools.use("paint")
    zoom = hand.viewer.scene.camera.zoom
    hand.click(hand.world(_centre(hand) + np.array([0, 9, 0])))
    first = _mask(hand).sum()
    hand.double_click(hand.world(_centre(hand) + np.array([0, 9, 6])))
    assert before.sum() < first < _mask(hand).sum()
    assert hand.viewer.scene.camera.zoom == zoom


def test_what_is_read_only_stays(axial):
    hand, before = axial, _mask(axial).copy()
    hand.desk.session.set_read_only("Someone else works on this exam.")
    hand.desk.tools.use("paint")
    hand.drag(*(hand.world(_centre(hand) + np.array([0, 8, x])) for x in (-4, 4)))
    hand.press(hand.dock.tools_panel.grow)
    np.testing.assert_array_equal(_mask(hand), before)
    assert hand.dock.status.line.text().endswith("Someone else works on this exam.")

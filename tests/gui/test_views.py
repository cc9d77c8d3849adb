"""The views: linked panes, driven by the mouse, in step with napari's canvas and with the brush."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt

from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui import display
from napari_spinalq.gui.app import add_dock
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import Convention, Plane, position
from napari_spinalq.gui.views.arrangement import COLUMN, GRID, ONE
from napari_spinalq.gui.views.dock import NAME, ViewsDock

pytestmark = pytest.mark.gui

PLANES = [Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL]
STEP_MM = 0.8
"""Edge of a voxel of the sample scan."""


def _colour_at(widget, spot):
    """Return the colour that is really on the widget."""
    colour = widget.grab().toImage().pixelColor(spot.toPoint())
    return np.array([colour.red(), colour.green(), colour.blue()])


def _disc(views, number=2):
    desk = views.desk
    return mm_to_world(desk.session.labelling.discs[number].position_mm, desk.session.current.scan.grid)


def test_each_pane_shows_its_plane_through_the_crosshair(views):
    point = position(views.desk.viewer)
    for plane, axis in ((Plane.AXIAL, 0), (Plane.CORONAL, 1), (Plane.SAGITTAL, 2)):
        view = views.panes[plane].view
        assert axis not in view.axes
        assert view.number == views.desk.viewer.dims.current_step[axis]
        spot = views.panes[plane].spot(point)
        assert views.panes[plane].rect().contains(spot.toPoint()), "the crosshair is in the pane"


@pytest.mark.parametrize("plane", PLANES)
def test_a_click_moves_the_crosshair_in_all_views(views, mouse, qtbot, plane):
    pane, target = views.panes[plane], _disc(views)
    across = display.position(views.desk.viewer)
    mouse.drag(pane, pane.spot(across), pane.spot(target))
    qtbot.wait(60)
    here = position(views.desk.viewer)
    axes = list(pane.view.axes)
    np.testing.assert_allclose(here[axes], target[axes], atol=pane.lens().mm_per_pixel + STEP_MM)
    for other in PLANES:
        np.testing.assert_allclose(views.panes[other].content.point, here)
    for axis in set(range(3)) - set(axes):
        assert here[axis] == across[axis]


@pytest.mark.parametrize("plane", PLANES)
def test_the_wheel_goes_through_the_slices_of_its_own_pane(views, mouse, qtbot, plane):
    pane, before = views.panes[plane], position(views.desk.viewer)
    number = pane.view.number
    mouse.wheel(pane, 1)
    mouse.wheel(pane, 1)
    qtbot.waitUntil(lambda: pane.view.number == number + 2)
    moved = np.flatnonzero(position(views.desk.viewer) != before)
    assert moved.tolist() == [axis for axis in range(3) if axis not in pane.view.axes]
    mouse.wheel(pane, -0.5)
    assert pane.view.number == number + 2, "half a notch is no slice yet"


def test_control_and_wheel_zooms_about_the_mouse(views, mouse, qtbot):
    pane = views.panes[Plane.SAGITTAL]
    spot = QPointF(pane.width() * 0.4, pane.height() * 0.6)
    under, before = pane.world_at(spot), pane.lens().mm_per_pixel
    mouse.wheel(pane, 3, spot, mouse.CTRL)
    qtbot.waitUntil(lambda: pane.lens().mm_per_pixel < before)
    assert pane.lens().mm_per_pixel == pytest.approx(before / 1.2**3)
    np.testing.assert_allclose(pane.world_at(spot), under, atol=1e-6)
    assert views.panes[Plane.CORONAL].content.lens.mm_per_pixel is None, "the others stay"


@pytest.mark.parametrize("button", [Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton])
def test_right_and_middle_drag_pan(views, mouse, qtbot, button):
    pane, before = views.panes[Plane.CORONAL], position(views.desk.viewer)
    start = QPointF(pane.width() / 2, pane.height() / 2)
    end = start + QPointF(12, -15)
    held = pane.world_at(start)
    mouse.drag(pane, start, start + QPointF(4, -9), end, button=button)
    qtbot.waitUntil(lambda: np.allclose(pane.world_at(end), held))
    np.testing.assert_array_equal(position(views.desk.viewer), before)


def test_a_double_click_makes_a_pane_the_main_view(views, mouse, qtbot):
    for plane in (Plane.CORONAL, Plane.SAGITTAL):
        pane = views.panes[plane]
        mouse.double_click(pane, QPointF(pane.width() / 2, pane.height() / 2))
        assert display.current_plane(views.desk.viewer) is plane
    mouse.double_click(views.volume, QPointF(5, 5))
    assert display.current_plane(views.desk.viewer) is Plane.VOLUME


@pytest.mark.parametrize("convention", list(Convention))
def test_the_patients_right_is_where_the_convention_wants_it(views, mouse, qtbot, preferences, convention):
    """A bright block on the patient's right is looked for on the pixels of the widgets themselves."""
    desk = views.desk
    work = desk.session.current
    preferences.display.convention = convention.value
    desk.looks.toggle_masks()
    desk.crosshair.toggle()
    point = position(desk.viewer)
    index = np.array(desk.viewer.dims.current_step[-3:])
    data = np.zeros_like(np.asarray(work.image.data))
    data[index[0] - 5 : index[0] + 6, index[1] - 5 : index[1] + 6, index[2] + 8 : index[2] + 14] = 1000
    work.image.data = data
    display.use_convention(desk.viewer, convention)
    views.refresh()
    qtbot.wait(30)
    scale = np.asarray(work.scan.grid.reoriented(WORK_AXES).spacing)
    bright, dark = np.add(point, (0, 0, 11 * scale[2])), point - (0, 0, 11 * scale[2])
    for plane in (Plane.AXIAL, Plane.CORONAL):
        pane = views.panes[plane]
        assert _colour_at(pane, pane.spot(bright)).min() > 200
        assert _colour_at(pane, pane.spot(dark)).max() < 60
        on_the_left = pane.spot(bright).x() < pane.spot(point).x()
        assert on_the_left is (convention is Convention.RADIOLOGICAL)


def test_panes_follow_a_stroke_while_it_goes_on(views, qtbot):
    mask = views.desk.session.current.mask
    pane = views.panes[Plane.AXIAL]
    before = pane.view.pixels.copy()
    step = views.desk.viewer.dims.current_step
    mask.data_setitem((np.array([step[0]]), np.array([step[1] + 9]), np.array([step[2]])), np.array([1]))
    qtbot.waitUntil(lambda: (pane.view.pixels != before).any(), timeout=500)


def test_panes_follow_the_brush_before_it_is_lifted(views, measured, qtbot):
    pane, viewer = views.panes[Plane.SAGITTAL], views.desk.viewer
    measured.press(measured.dock.segment_panel.paint)
    qtbot.wait(80)
    before, here = pane.view.pixels.copy(), position(viewer)
    beside = np.add(here, (0, 8.0, 0))
    stroke = [QPointF(measured.pixel(world)) for world in (beside, np.add(beside, (0, 2.0, 0)))]
    measured._send(QEvent.Type.MouseMove, stroke[0].toPoint(), Qt.MouseButton.NoButton)
    measured._send(QEvent.Type.MouseButtonPress, stroke[0].toPoint(), Qt.MouseButton.LeftButton)
    measured._send(QEvent.Type.MouseMove, stroke[1].toPoint(), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: (pane.view.pixels != before).any(), timeout=1000)
    measured._send(QEvent.Type.MouseButtonRelease, stroke[1].toPoint(), Qt.MouseButton.LeftButton)


def test_panes_show_the_volume_in_hand_of_a_series(views, measured, qtbot):
    desk = views.desk
    names = [file.path.name for file in desk.session.exam.files]
    desk.opener.choose(next(index for index, name in enumerate(names) if "dwi" in name))
    measured.wait()
    image = desk.session.current.image
    assert image.data.ndim == 4
    pane = views.panes[Plane.AXIAL]
    qtbot.waitUntil(lambda: pane.view is not None and pane.view.pixels.shape[:2] == image.data.shape[2:])
    first = pane.view.pixels.copy()
    desk.viewer.dims.set_current_step(0, image.data.shape[0] - 1)
    qtbot.waitUntil(lambda: (pane.view.pixels != first).any())


def test_panes_follow_the_looks_of_the_layers(views, qtbot):
    work, pane = views.desk.session.current, views.panes[Plane.AXIAL]
    qtbot.keyClick(views.desk.viewer.window._qt_viewer.canvas.native, Qt.Key.Key_H)
    qtbot.waitUntil(lambda: (pane.view.pixels[..., 0] == pane.view.pixels[..., 2]).all())
    assert not work.mask.visible
    views.bar.overlay.click()
    qtbot.waitUntil(lambda: (pane.view.pixels[..., 0] != pane.view.pixels[..., 2]).any())
    filled = np.count_nonzero(pane.view.pixels[..., 0] != pane.view.pixels[..., 2])
    work.mask.contour = 1
    qtbot.waitUntil(lambda: np.count_nonzero(pane.view.pixels[..., 0] != pane.view.pixels[..., 2]) < filled)


def test_captions_tell_plane_slice_and_level(views, qtbot):
    views.desk.measurer.go_to_level(6)
    qtbot.wait(60)
    number = views.desk.viewer.dims.current_step[0]
    assert views.panes[Plane.AXIAL].content.caption == f"Axial {number} · C6"
    assert views.panes[Plane.SAGITTAL].content.caption.endswith(" · C6")


def test_linked_views_share_magnification_and_centre(views, mouse, qtbot):
    views.bar.link.click()
    camera, pane = views.desk.viewer.scene.camera, views.panes[Plane.SAGITTAL]
    qtbot.waitUntil(lambda: pane.lens().mm_per_pixel == pytest.approx(1 / camera.zoom))
    mouse.wheel(pane, 2, keys=mouse.CTRL)
    qtbot.wait(60)
    scales = {plane: views.panes[plane].lens().mm_per_pixel for plane in PLANES}
    assert max(scales.values()) == pytest.approx(min(scales.values()))
    assert camera.zoom == pytest.approx(1 / scales[Plane.AXIAL])
    camera.zoom *= 1.5
    qtbot.waitUntil(lambda: views.panes[Plane.CORONAL].lens().mm_per_pixel == pytest.approx(1 / camera.zoom))
    views.bar.link.click()
    qtbot.waitUntil(lambda: views.panes[Plane.CORONAL].content.lens.mm_per_pixel is None)


def test_a_pane_follows_the_crosshair_that_leaves_it(views, qtbot):
    pane = views.panes[Plane.AXIAL]
    display.go_to(views.desk.viewer, np.add(position(views.desk.viewer), (0, 45, 0)))
    qtbot.wait(80)
    assert pane.rect().contains(pane.spot(position(views.desk.viewer)).toPoint())


def test_a_click_on_the_canvas_moves_the_crosshair_unless_a_tool_wants_it(views, measured, qtbot):
    viewer = views.desk.viewer
    viewer.layers.selection.active = views.desk.session.current.image
    target = np.add(position(viewer), (0, 6 * STEP_MM, -5 * STEP_MM))
    centre = tuple(viewer.scene.camera.center)
    measured.click(target)
    np.testing.assert_allclose(position(viewer), target, atol=STEP_MM)
    np.testing.assert_allclose(viewer.scene.camera.center, centre), "the picture stays where it is"
    here = position(viewer)
    measured.press(measured.dock.segment_panel.paint)
    measured.click(np.add(here, (0, 5.0, 5.0)))
    np.testing.assert_allclose(position(viewer), here)


def test_shift_and_drag_on_the_canvas_moves_the_crosshair_while_a_brush_is_in_hand(views, mouse, measured, qtbot):
    viewer, mask = views.desk.viewer, views.desk.session.current.mask
    measured.press(measured.dock.segment_panel.paint)
    before, target = np.array(mask.data), np.add(position(viewer), (0, 8.0, 4.0))
    spots = [QPointF(measured.pixel(world)) for world in (position(viewer), target)]
    mouse.drag(viewer.window._qt_viewer.canvas.native, *spots, keys=mouse.SHIFT)
    np.testing.assert_allclose(position(viewer), target, atol=STEP_MM)
    np.testing.assert_array_equal(mask.data, before)


def test_the_crosshair_on_the_canvas_is_true_and_can_be_put_away(views, qtbot):
    crosshair, viewer = views.desk.crosshair, views.desk.viewer
    for plane in PLANES:
        views.desk.show_plane(plane)
        ends = crosshair.segments()
        shown = list(viewer.dims.displayed)
        middle = (ends.min(axis=0) + ends.max(axis=0)) / 2
        np.testing.assert_allclose(middle[1:], position(viewer)[shown], atol=1e-9)
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not crosshair.shown)
    qtbot.waitUntil(lambda: not views.panes[Plane.AXIAL].content.crosshair)
    assert not any("rosshair" in layer.name for layer in viewer.layers), "it is no layer"


def test_the_3d_pane_shows_the_cord_turns_and_finds_a_place(views, mouse, qtbot):
    pane = views.volume
    qtbot.waitUntil(lambda: bool(pane.scene.parts), timeout=10_000)
    assert [name for name, _, _ in pane.scene.names][:2] == ["C1-C2", "C2-C3"]
    azimuth = pane.azimuth_deg
    mouse.drag(pane, QPointF(50, 50), QPointF(80, 50))
    assert pane.azimuth_deg != azimuth
    stage = pane.stage()
    work = views.desk.session.current
    on_cord = views.desk.measurer.live.cord.shapes.centroid_mm[40]
    row, column, _ = stage.project(on_cord)
    mouse.drag(pane, QPointF(column, row))
    found = position(views.desk.viewer)
    np.testing.assert_allclose(found, mm_to_world(on_cord, work.scan.grid), atol=14)
    assert found[0] == pytest.approx(on_cord[2], abs=5)


def test_layouts_are_remembered_and_the_dock_asks_for_its_width(views, qtbot, preferences):
    for key, count in ((ONE, 1), (COLUMN, 3), (GRID, 4)):
        views.bar.layouts.setCurrentIndex(views.bar.layouts.findData(key))
        views.bar.layouts.activated.emit(views.bar.layouts.currentIndex())
        qtbot.wait(80)
        shown = [pane for pane in (*views.panes.values(), views.volume) if pane.isVisible()]
        assert len(shown) == count
        assert preferences.views.layout == key
    desk = views.desk
    assert desk.viewer.window._qt_viewer.canvas.native.width() >= 520, "at 1366 pixels the image keeps its room"


def test_the_workbench_hides_naparis_lists_and_brings_them_back(views, qtbot, preferences):
    window = views.desk.viewer.window._qt_viewer
    views.bar.workbench.click()
    assert window.dockLayerList.isVisible()
    assert window.dockLayerControls.isVisible()
    assert preferences.views.workbench is False
    views.bar.workbench.click()
    assert not window.dockLayerList.isVisible()
    assert not window.dockLayerControls.isVisible()
    assert preferences.views.workbench is True
    qtbot.keyClick(window.canvas.native, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(window.dockLayerList.isVisible)


def test_the_app_fits_a_small_screen(make_napari_viewer, qtbot, exam_folder, answers, preferences):
    preferences.views.workbench = True
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
    dock = add_dock(viewer, exam_folder)
    qtbot.waitUntil(lambda: dock.desk.session.current is not None and not dock.desk.runner.busy, timeout=30_000)
    qtbot.wait(100)
    assert viewer.window._qt_window.height() <= 768
    assert viewer.window._qt_viewer.canvas.native.width() >= 520
    dock.desk.session.mark_saved()


def test_it_is_empty_without_a_scan_and_after_it_is_closed_nothing_breaks(hand, qtbot, exam_folder, mouse):
    views = ViewsDock(hand.viewer)
    hand.viewer.window.add_dock_widget(views, name=NAME, area="left")
    qtbot.wait(50)
    assert all(pane.view is None for pane in views.panes.values())
    mouse.wheel(views.panes[Plane.AXIAL], 1)
    mouse.drag(views.panes[Plane.AXIAL], QPointF(5, 5), QPointF(9, 9))
    hand.viewer.window.remove_dock_widget(views)
    views.deleteLater()
    qtbot.wait(50)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    assert hand.desk.session.current is not None

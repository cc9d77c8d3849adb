"""The dock along the cord: it shows what lies there, leads there, and writes strokes where they are drawn."""

from itertools import pairwise
from weakref import proxy

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_spinalq.gui.along.dock import NAME, AlongDock
from napari_spinalq.gui.convert import mm_to_world, world_to_mm
from napari_spinalq.gui.display import Plane, position

pytestmark = [pytest.mark.gui, pytest.mark.slow]

LEFT, RIGHT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton


class Pen:
    """A mouse over the plots: places are mm along the cord and mm, or values, upright."""

    def __init__(self, dock):
        self.dock = dock

    def pixel(self, box, place) -> QPoint:
        return self.dock.plot.mapFromScene(box.mapViewToScene(QPointF(*place)))

    def drag(self, box, *places, button=LEFT) -> None:
        pixels = [self.pixel(box, place) for place in places]
        self._send(QEvent.Type.MouseMove, pixels[0], NONE, NONE)
        self._send(QEvent.Type.MouseButtonPress, pixels[0], button, button)
        for pixel in pixels[1:]:
            self._send(QEvent.Type.MouseMove, pixel, NONE, button)
        self._send(QEvent.Type.MouseButtonRelease, pixels[-1], button, NONE)

    def double(self, box, place) -> None:
        pixel = self.pixel(box, place)
        self._send(QEvent.Type.MouseButtonDblClick, pixel, LEFT, LEFT)
        self._send(QEvent.Type.MouseButtonRelease, pixel, LEFT, NONE)

    def hover(self, box, place) -> None:
        self._send(QEvent.Type.MouseMove, self.pixel(box, place), NONE, NONE)

    def wheel(self, box, place, steps) -> None:
        pixel = self.pixel(box, place)
        plain = (Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
        at, around = QPointF(pixel), QPointF(self.dock.plot.viewport().mapToGlobal(pixel))
        event = QWheelEvent(at, around, QPoint(0, 0), QPoint(0, 120 * steps), *plain)
        QApplication.sendEvent(self.dock.plot.viewport(), event)
        QApplication.processEvents()

    def _send(self, kind, pixel, button, held) -> None:
        view = self.dock.plot.viewport()
        place = (QPointF(pixel), QPointF(view.mapToGlobal(pixel)))
        QApplication.sendEvent(view, QMouseEvent(kind, *place, button, held, Qt.KeyboardModifier.NoModifier))
        QApplication.processEvents()


@pytest.fixture
def along(measured, qtbot):
    """The dock on the sample exam with its true mask and discs."""
    dock = AlongDock(measured.viewer)
    measured.viewer.window.add_dock_widget(dock, name=NAME, area="bottom")
    qtbot.waitUntil(lambda: dock.profile is not None)
    qtbot.wait(100)
    return proxy(dock)  # pytest keeps fixtures until the next test, and napari checks that its windows are gone


@pytest.fixture
def pen(along):
    return Pen(along)


def mask_of(hand):
    return np.asarray(hand.desk.session.current.mask.data)


def swell(hand, index, rows=9):
    """Let the cord of a slice leak to the front."""
    work = hand.desk.session.current
    plane = mask_of(hand)[index].copy()
    row, column = np.argwhere(plane).mean(axis=0).astype(int)
    plane[row : row + rows, column - 2 : column + 3] = 1
    hand.desk.edits.change(work, "cord", {index: plane}, "brush")
    hand.wait()


def native(hand, scene, along_mm, offset_mm):
    """Return the voxel (z, y, x) of a place on the strip."""
    point = scene.strip.points_mm(scene.course.arc_mm(along_mm), offset_mm)
    return scene.work_grid.mm_to_voxel(point)


def test_it_stands_under_the_image_and_leaves_it_more_than_half(measured, along, qtbot):
    window, canvas = measured.viewer.window._qt_window, measured.viewer.window._qt_viewer
    assert window.dockWidgetArea(along.parent()) == Qt.DockWidgetArea.BottomDockWidgetArea
    assert along.mapTo(window, QPoint(0, 0)).y() >= canvas.mapTo(window, QPoint(0, canvas.height())).y()
    assert canvas.height() > window.height() / 2
    assert window.height() <= 768


def test_the_profile_shows_the_measured_areas(measured, along):
    shapes = measured.desk.measurer.live.cord.shapes
    np.testing.assert_array_equal(along.profile.values[shapes.slice_index], shapes.area_mm2)
    x, y = along.plot.profile._line.getData()
    np.testing.assert_array_equal(y[np.isfinite(x)], along.profile.values[::-1][np.isfinite(x)])
    assert np.all(np.diff(x[np.isfinite(x)]) > 0)
    assert not along.profile.spikes.any()


def test_a_click_on_the_strip_takes_all_views_there(measured, along, pen):
    scene = along.scene
    pen.drag(along.plot.strip.box, (25.0, 3.0))
    arc, offset = scene.strip.place_of(world_to_mm(position(measured.viewer), scene.work.scan.grid))
    step = 0.8  # the sliders stand on whole slices
    assert float(scene.course.along_mm(arc)) == pytest.approx(25.0, abs=step)
    assert offset == pytest.approx(3.0, abs=step)
    assert along.plot.strip._along.value() == pytest.approx(25.0, abs=step)


def test_the_lines_follow_the_main_view(measured, along):
    measured.desk.measurer.go_to_slice(100)
    assert along.plot.profile._along.value() == pytest.approx(along.scene.course.slices_mm[100], abs=0.8)
    assert along.plot.strip._along.value() == along.plot.profile._along.value()
    assert along.plot.strip._across.value() == pytest.approx(0.0, abs=1.2)


def test_a_spike_is_marked_and_a_click_beside_it_goes_to_its_slice(measured, along, pen):
    swell(measured, 90)
    assert np.flatnonzero(along.profile.spikes).tolist() == [90]
    x, y = along.plot.profile._marks["spike"].getData()
    assert (x[0], y[0]) == (along.scene.course.slices_mm[90], along.profile.values[90])
    pen.drag(along.plot.profile.box, (x[0] + along.plot.millimetres(5), y[0]))
    assert measured.viewer.dims.current_step[-3] == 90
    words = _hovered(along, pen, x[0])
    assert "slice 90" in words
    assert "spike" in words
    assert "edited" in words


def _hovered(along, pen, along_mm):
    low, high = along.plot.profile.box.viewRange()[1]
    pen.hover(along.plot.profile.box, (along_mm, (low + high) / 2))
    return along.bar.words.text()


def test_hovering_tells_slice_level_value_and_place_among_the_healthy(measured, along, pen):
    number = along.scene.course.slice_at(8.0)
    words = _hovered(along, pen, 8.0)
    assert f"slice {number} · C3 · {along.profile.values[number]:.1f} mm²" in words
    assert "within the central 95 % of the reference" in words


def test_erasing_the_leak_on_the_strip_lets_the_spike_go(measured, along, pen):
    before = mask_of(measured).copy()
    swell(measured, 90)
    assert along.profile.spikes[90]
    leak = np.argwhere(mask_of(measured) != before)
    along.bar.erase.click()
    along.bar.diameter.setValue(1.0)
    for column in np.unique(leak[:, 2]):  # from one sagittal layer of voxels to the next
        points = along.scene.work_grid.voxel_to_mm(leak[leak[:, 2] == column])
        straight = along.scene.strip.frame.mm_to_voxel(points)
        centre = np.array(along.scene.strip.frame.center)
        along.bar.shift.setValue(along.bar.shift.value() + 0.5 * round(straight[:, 2].mean() - along.scene.strip.layer))
        places = along.scene.course.along_mm(along.scene.strip.frame.first_mm + 0.5 * straight[:, 0])
        pen.drag(along.plot.strip.box, *zip(places, 0.5 * (straight[:, 1] - centre[0]), strict=True))
    measured.wait()
    assert not along.profile.spikes.any()


@pytest.mark.parametrize("plane", ["Sagittal", "Coronal"])
def test_a_stroke_changes_the_voxels_under_it_and_no_other(measured, along, pen, plane):
    (along.bar.sagittal if plane == "Sagittal" else along.bar.coronal).click()
    scene, before, told = along.scene, mask_of(measured).copy(), []
    measured.desk.edits.made.connect(told.append)
    along.bar.paint.click()
    along.bar.diameter.setValue(2.0)
    places = [(20.0, 7.5), (24.0, 7.5), (30.0, 8.0)]
    pen.drag(along.plot.strip.box, *places)
    changed = np.argwhere(mask_of(measured) != before)
    assert len(changed) > 10
    assert set(mask_of(measured)[tuple(changed.T)].tolist()) == {1}
    for place in places:
        voxel = np.rint(native(measured, scene, *place)).astype(int)
        assert mask_of(measured)[tuple(voxel)] == 1
    _assert_near_the_stroke(scene, changed, places)
    assert [(edit.structure, edit.tool) for edit in told] == [("cord", "brush on the strip")]
    assert told[0].slices == set(changed[:, 0].tolist())


def _assert_near_the_stroke(scene, changed, places):
    """Every changed voxel lies within the brush of the line through the places, and the plane cuts it."""
    straight = scene.strip.frame.mm_to_voxel(scene.work_grid.voxel_to_mm(changed))
    plane, step = scene.strip.plane, scene.strip.frame.spacing_mm[0]
    along = scene.course.along_mm(scene.strip.frame.first_mm + step * straight[:, 0])
    offset = (straight[:, plane.upright] - scene.strip.frame.center[plane.upright - 1]) * step
    off_plane = (straight[:, plane.across] - scene.strip.layer) * step
    way = np.concatenate([np.linspace(a, b, 100) for a, b in pairwise(places)])
    apart = np.linalg.norm(np.column_stack([along, offset])[:, None] - way[None], axis=2).min(axis=1)
    pixel = 0.25  # a mouse stands on whole pixels
    assert apart.max() <= 1.0 + pixel
    assert np.abs(off_plane).max() <= 0.8


def test_right_stays_right_in_the_coronal_strip(measured, along, pen):
    along.bar.coronal.click()
    assert along.plot.strip._letters == ("R", "L")
    before = mask_of(measured).copy()
    along.bar.paint.click()
    pen.drag(along.plot.strip.box, (30.0, 8.0), (34.0, 8.0))
    changed = np.argwhere(mask_of(measured) != before)
    centre = along.scene.work.centerline
    points = along.scene.work_grid.voxel_to_mm(changed)
    assert len(points)
    assert np.all(points[:, 0] > centre.position(centre.nearest_arc(points))[:, 0] + 5.0), "RAS: x grows to the right"


def test_strip_and_profile_follow_within_the_stroke(measured, along, pen, qtbot):
    along.bar.paint.click()
    along.bar.diameter.setValue(4.0)
    areas, pictures = along.profile.values.copy(), along.scene.masks()
    box = along.plot.strip.box
    pixels = [pen.pixel(box, place) for place in ((40.0, 6.0), (42.0, 6.0))]
    pen._send(QEvent.Type.MouseButtonPress, pixels[0], LEFT, LEFT)
    pen._send(QEvent.Type.MouseMove, pixels[1], NONE, LEFT)
    qtbot.waitUntil(lambda: bool((along.profile.values > areas + 1.0).any()), timeout=2000)
    assert (along.scene.masks() != pictures).any()
    assert along.brush.active, "the button is still down"
    pen._send(QEvent.Type.MouseButtonRelease, pixels[1], LEFT, NONE)
    measured.wait()
    whole = measured.desk.measurer.live.cord.shapes
    np.testing.assert_array_equal(along.profile.values[whole.slice_index], whole.area_mm2)


def test_the_brush_of_the_main_view_moves_the_profile(measured, along):
    measured.desk.show_plane(Plane.AXIAL)
    measured.desk.measurer.go_to_slice(100)
    measured.desk.tools.use_in_cross_section("paint")
    before = along.profile.values[100]
    centre = mm_to_world(measured.desk.measurer.live.cord.shapes.centroid_mm[100], along.scene.work.scan.grid)
    measured.drag(centre + np.array([0, 3, 0]), centre + np.array([0, 8, 0]))
    measured.wait()
    assert along.profile.values[100] > before


def test_a_read_only_exam_is_not_painted_on(measured, along, pen, qtbot):
    along.bar.paint.click()
    before = mask_of(measured).copy()
    measured.desk.session.set_read_only("Someone else works on this exam.")
    qtbot.wait(60)
    assert not along.bar.paint.isEnabled()
    pen.drag(along.plot.strip.box, (30.0, 8.0), (34.0, 8.0))
    np.testing.assert_array_equal(mask_of(measured), before)


def test_the_wheel_zooms_along_the_cord_and_a_button_pans(along, pen):
    box = along.plot.strip.box
    before, upright = box.viewRange()[0], along.plot.profile.box.viewRange()[1]
    pen.wheel(box, (40.0, 0.0), 3)
    first, last = box.viewRange()[0]
    assert last - first < before[1] - before[0]
    assert along.plot.profile.box.viewRange()[0] == pytest.approx([first, last])
    pen.drag(box, (40.0, 0.0), (30.0, 0.0), button=RIGHT)
    assert box.viewRange()[0][0] == pytest.approx(first + 10.0, abs=1.0)
    assert along.plot.profile.box.viewRange()[1] == upright


def test_a_double_click_shows_the_whole_cord_or_with_a_tool_goes_on_painting(measured, along, pen):
    box = along.plot.strip.box
    whole = box.viewRange()[0]
    pen.wheel(box, (40.0, 0.0), 3)
    pen.double(box, (40.0, 0.0))
    assert box.viewRange()[0] == pytest.approx(whole)
    along.bar.paint.click()
    before = mask_of(measured).copy()
    pen.double(box, (40.0, 7.0))
    assert (mask_of(measured) != before).any()
    assert not along.brush.active


def test_the_healthy_range_is_shown_for_t2w_and_the_reason_else(measured, along, qtbot):
    assert along.plot.profile._band.isVisible()
    assert "healthy 95 % range, T2w" in along.plot.profile.getAxis("bottom").labelText
    along._choose_metric("diameter_ap_mm")
    assert not along.plot.profile._band.isVisible()
    assert "no reference for this measure" in along.plot.profile.getAxis("bottom").labelText


def test_levels_stand_along_the_axis(along):
    ticks = along.plot.strip.getAxis("bottom")._tickLevels[0]
    assert [name for _, name in ticks][:5] == ["C1", "C2", "C3", "C4", "C5"]
    assert along.scene.course.origin == "C2-C3"
    places = [line.value() for line in along.plot.profile._discs]
    assert 0.0 in places


def test_the_window_s_theme_is_followed(measured, along, qtbot):
    measured.viewer.theme = "light"
    assert along.plot.backgroundBrush().color().lightness() > 150
    measured.viewer.theme = "dark"
    assert along.plot.backgroundBrush().color().lightness() < 100


def test_without_a_cord_it_says_what_to_do(opened, qtbot):
    dock = AlongDock(opened.viewer)
    opened.viewer.window.add_dock_widget(dock, name=NAME, area="bottom")
    qtbot.wait(60)
    assert dock.scene is None
    assert dock._hint.isVisible()


def test_the_table_tells_where_an_area_lies_among_the_healthy(measured):
    row = measured.desk.measurer.rows()[2]
    assert row["level"] == "C3"
    mean = (89 * 70.0383 + 106 * 74.4402) / 195  # women and men at C3: the copy of the exam does not tell the sex
    squares = 88 * 6.3571**2 + 105 * 6.765**2 + 89 * (70.0383 - mean) ** 2 + 106 * (74.4402 - mean) ** 2
    assert row["area_z"] == pytest.approx((row["area_mm2"] - mean) / (squares / 194) ** 0.5)
    assert "within the central 95 % of the reference" in row["area_mm2_tip"]
    assert "196 adults" in row["area_mm2_tip"]


def test_masks_that_come_while_there_is_no_cord_to_lay_out_are_no_trouble(measured, along, qtbot):
    desk, files = measured.desk, measured.desk.session.exam.files
    work = desk.session.current
    plain = next(place for place, file in enumerate(files) if "T2star" in file.path.name)
    desk.opener.choose(plain)
    measured.wait()
    qtbot.waitUntil(lambda: along.scene is None)
    work.mask.opacity = 0.3
    work.mask.visible = False
    desk.opener.choose(files.index(next(file for file in files if file.path == work.scan.source.path)))
    measured.wait()
    qtbot.waitUntil(lambda: along.scene is not None)

"""Window and level: presets from the scan's own values, drags in panes and on the canvas."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt

from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.views.windowing import words
from napari_spinalq.views.window import DOUBLING_PIXELS, Window, presets

pytestmark = pytest.mark.gui


def _canvas(views):
    return views.desk.viewer.window._qt_viewer.canvas.native


def _limits(views) -> Window:
    return Window(*views.desk.session.current.image.contrast_limits)


def test_presets_are_taken_by_name_and_by_key(views, qtbot):
    work = views.desk.session.current
    grid = work.scan.grid.reoriented(WORK_AXES)
    known = presets(work.image.data, grid, work.mask.data, work.scan.contrast)
    assert [views.bar.presets.itemText(index) for index in range(views.bar.presets.count())] == list(known)
    views.bar.presets.setCurrentIndex(1)
    views.bar.presets.activated.emit(1)
    np.testing.assert_allclose((_limits(views).low, _limits(views).high), (known["Cord"].low, known["Cord"].high))
    qtbot.keyClick(_canvas(views), Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: views.desk.windower.name == "CSF")
    qtbot.waitUntil(lambda: views.bar.presets.currentText() == "CSF")
    for _ in range(3):
        views.desk.windower.next()
    assert views.desk.windower.name == "Cord", "they come round"


def test_shift_and_right_drag_in_a_pane_sets_width_and_level(views, mouse, qtbot):
    pane, before = views.panes[Plane.SAGITTAL], _limits(views)
    start = QPointF(40, 60)
    mouse.drag(pane, start, start + QPointF(30, 0), button=mouse.RIGHT, keys=mouse.SHIFT)
    assert _limits(views).width == pytest.approx(before.width * 2 ** (30 / DOUBLING_PIXELS), rel=1e-5)
    assert _limits(views).level == pytest.approx(before.level, rel=1e-5)
    begun = _limits(views)
    mouse.drag(pane, start, start + QPointF(0, -30), button=mouse.RIGHT, keys=mouse.SHIFT)
    assert _limits(views).level == pytest.approx(begun.level + begun.width * 30 / DOUBLING_PIXELS, rel=1e-5)
    qtbot.waitUntil(lambda: pane.content.remark == words(_limits(views)))
    mouse.double_click(pane, start, button=mouse.RIGHT, keys=mouse.SHIFT)
    assert (_limits(views).low, _limits(views).high) == pytest.approx((before.low, before.high))


def test_with_the_window_button_a_left_drag_sets_it_and_paints_nothing(views, mouse, measured, qtbot):
    mask = views.desk.session.current.mask
    measured.press(measured.dock.segment_panel.paint)
    views.bar.window.click()
    drawn, before, camera = np.array(mask.data), _limits(views), tuple(views.desk.viewer.scene.camera.center)
    mouse.drag(_canvas(views), QPointF(200, 200), QPointF(230, 200), QPointF(240, 190))
    assert _limits(views).width > before.width
    assert _limits(views).level > before.level
    np.testing.assert_array_equal(mask.data, drawn)
    assert tuple(views.desk.viewer.scene.camera.center) == camera
    assert views.desk.windower._readout.visible
    assert views.desk.windower._readout.text == words(_limits(views))
    mouse.double_click(_canvas(views), QPointF(200, 200))
    assert (_limits(views).low, _limits(views).high) == pytest.approx((before.low, before.high))
    pane = views.panes[Plane.AXIAL]
    qtbot.waitUntil(lambda: pane.windowing)
    point = np.array(views.desk.viewer.dims.point)
    mouse.drag(pane, QPointF(50, 50), QPointF(80, 50))
    assert _limits(views).width > before.width
    np.testing.assert_array_equal(views.desk.viewer.dims.point, point)
    views.bar.window.click()
    mouse.drag(_canvas(views), QPointF(200, 200), QPointF(215, 200))
    assert (np.asarray(mask.data) != drawn).any(), "then the brush paints again"


def test_without_a_cord_its_window_is_refused_in_words(opened, qtbot):
    told = []
    opened.desk.told.connect(lambda kind, sentence: told.append((kind, sentence)))
    before = tuple(opened.desk.session.current.image.contrast_limits)
    opened.desk.windower.use("Cord")
    assert told[-1][0] == "warn"
    assert "Segment the cord first" in told[-1][1]
    assert tuple(opened.desk.session.current.image.contrast_limits) == before
    opened.desk.windower.next()
    assert opened.desk.windower.name == "Bone"

"""Every key does what the table says, none takes a key of napari's, and the lists are those of the table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtCore import Qt

from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.drawing.brush import LARGEST_MM, SMALLEST_MM
from napari_spinalq.gui.shortcuts import GROUPS, SHORTCUTS, as_markdown, grouped

pytestmark = pytest.mark.gui

WORKLIST = ("1", "2", "3", "C", "E", "F", "J", "K", "U")
"""Keys of the page of the worklist."""

SHARED = ("Escape", "Control-Z", "Control-Shift-Z", "Control-Y")
"""Labels drop a polygon with the first: there it does both. Undo and redo of our masks go by the journal."""

OURS = [one for one in SHORTCUTS if one.action is not None]
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_no_key_is_given_twice():
    assert [key for key, count in Counter(one.key for one in SHORTCUTS).items() if count > 1] == []


def test_no_key_of_napari_or_of_the_worklist_is_taken(hand):
    taken = {key for own in (Labels, Points, Image, ViewerModel) for key in own.class_keymap}
    taken |= {coerce_keybinding(key) for key in WORKLIST}
    assert len(taken) > 40, "the keys of napari are known"
    ours = {one.key: coerce_keybinding(one.key) for one in OURS if one.key not in SHARED}
    assert [key for key, binding in ours.items() if binding in taken] == []


def test_every_key_is_bound(hand):
    assert all(coerce_keybinding(one.key) in hand.viewer.keymap for one in OURS)


def test_the_page_of_the_docs_is_that_of_the_table():
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run docs/make_keys.py"


def test_the_list_is_searched_by_key_words_and_group():
    assert {one.group for one in SHORTCUTS} == set(GROUPS)
    assert [one.key for one in grouped(search="brush larger")["Brush"]] == ["."]
    assert list(grouped(search="undo")) == ["Work"]
    assert grouped(search="no such thing") == {}


def test_question_mark_and_f1_open_and_close_the_list(hand, qtbot):
    window = hand.viewer.window._qt_window
    window.activateWindow()
    hand.key(Qt.Key.Key_F1)
    dialog = hand.desk.help.dialog
    assert dialog.isVisible()
    shown = dialog.list.toPlainText()
    assert all(one.words in shown for one in SHORTCUTS)
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_Question, Qt.Key.Key_F1):
        hand.desk.help.toggle()
        dialog.show()
        qtbot.keyClick(dialog.list, key)
        assert not dialog.isVisible()
    qtbot.mouseClick(hand.dock.tools_panel.keys, Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    qtbot.keyClicks(dialog.search, "interpolate")
    assert "F8" in dialog.list.toPlainText()
    assert "axial" not in dialog.list.toPlainText()
    dialog.close()
    window.activateWindow()
    hand.key(Qt.Key.Key_Question, SHIFT)
    assert dialog.isVisible()
    dialog.close()


def test_the_tool_in_hand_by_keyboard(measured):
    hand, tools = measured, measured.desk.tools
    hand.key(Qt.Key.Key_D)
    assert tools.tool == "paint"
    hand.key(Qt.Key.Key_D)
    assert tools.tool == "erase"
    seen = []
    for _ in range(5):
        hand.key(Qt.Key.Key_T)
        seen.append(tools.tool)
    assert seen == ["fill", "polygon", "move", "paint", "erase"]
    hand.key(Qt.Key.Key_T, SHIFT)
    assert tools.tool == "paint"


def test_the_size_of_the_brush_by_keyboard(measured):
    tools = measured.desk.tools
    start = tools.brush.diameter_mm
    measured.key(Qt.Key.Key_Period)
    assert tools.brush.diameter_mm > start
    measured.key(Qt.Key.Key_Comma)
    assert tools.brush.diameter_mm == start
    for _ in range(20):
        measured.key(Qt.Key.Key_Comma)
    assert tools.brush.diameter_mm == SMALLEST_MM
    tools.set_size(100.0)
    assert tools.brush.diameter_mm == LARGEST_MM


def test_masks_are_hidden_shown_and_made_fainter_by_keyboard(measured):
    mask = measured.desk.session.current.mask
    measured.key(Qt.Key.Key_H)
    assert not mask.visible
    measured.key(Qt.Key.Key_H)
    assert mask.visible
    before = mask.opacity
    measured.key(Qt.Key.Key_I)
    assert mask.opacity == pytest.approx(before + 0.1, abs=0.01)
    measured.key(Qt.Key.Key_I, SHIFT)
    assert mask.opacity == pytest.approx(before, abs=0.01)


def test_a_whole_reading_needs_no_mouse(measured):
    """Look at a level, take the brush, grow a slice, accept the next ones: keys alone."""
    hand, desk = measured, measured.desk
    hand.key(Qt.Key.Key_F2)
    hand.key(Qt.Key.Key_PageDown)
    hand.key(Qt.Key.Key_F6)
    here = desk.slices.here()
    before = desk.session.current.mask.data.copy()
    hand.key(Qt.Key.Key_W)
    hand.wait()
    assert desk.session.current.mask.data[here].sum() > before[here].sum()
    np.testing.assert_array_equal(desk.session.current.mask.data[:here], before[:here])
    hand.key(Qt.Key.Key_N)
    hand.key(Qt.Key.Key_G)
    status = desk.slices.state().status
    assert (status[here], status[here - 1]) == (2, 1)
    hand.key(Qt.Key.Key_F3)
    assert hand.dock.view_bar.planes[Plane.SAGITTAL].isChecked()

"""Undo and redo by keys, across tools, structures, scans and discs, also after saving and opening again."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_spinalq.derivatives import journal_path
from napari_spinalq.gui import layers
from napari_spinalq.gui.display import Plane, go_to
from napari_spinalq.gui.journal.recording import ref_of
from napari_spinalq.gui.work import StructureWork
from napari_spinalq.io.journal import read_journal
from napari_spinalq.io.nifti import load_mask
from tests.gui.conftest import SUBJECT

pytestmark = pytest.mark.gui

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def journal_file(hand):
    return journal_path(hand.desk.session.exam, hand.desk.saver.home())


def press(hand, key, modifiers=CONTROL, widget=None):
    target = hand.viewer.window._qt_viewer.canvas.native if widget is None else widget
    hand._qtbot.keyClick(target, key, modifiers)
    hand._qtbot.wait(30)
    hand.wait()


def undo(hand, widget=None):
    press(hand, Qt.Key.Key_Z, widget=widget)


def redo(hand):
    press(hand, Qt.Key.Key_Y)


def mask(hand, name="cord"):
    layer = hand.desk.session.current.layer_of(name)
    return None if layer is None else np.asarray(layer.data).copy()


def face(hand, index):
    """Close in on the cord in a slice, with the brush in the hand; return the cord's centre there."""
    layer = hand.desk.session.current.mask
    centre = np.asarray(layer.data_to_world((index, *np.argwhere(layer.data[index] > 0).mean(axis=0))))
    hand.desk.show_plane(Plane.AXIAL)
    go_to(hand.viewer, centre)
    hand.desk.segmenter.close_in()
    hand._qtbot.wait(30)
    return centre


def paint(hand, index, tool="paint", offset=4.0):
    centre = face(hand, index)
    before = mask(hand, hand.desk.session.structure)
    hand.desk.tools.use_in_cross_section(tool)
    hand.drag(*(centre + np.array([0, offset, x]) for x in (-1.0, 0.0, 1.0)))
    hand.wait()
    assert (mask(hand, hand.desk.session.structure) != before).any()


def said(hand):
    return hand.dock.status.line.text()


def same(found, expected):
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)


def test_strokes_of_napari_and_tools_go_and_come_back_by_keys(measured):
    hand, work = measured, measured.desk.session.current
    states = [mask(hand)]
    paint(hand, 60)
    states.append(mask(hand))
    plane = work.mask.data[90].copy()
    plane[2:5, 2:5] = 1
    hand.desk.edits.change(work, "cord", {90: plane}, "grow")
    states.append(mask(hand))
    paint(hand, 120, "erase", offset=0.0)
    states.append(mask(hand))
    for expected in states[-2::-1]:
        undo(hand)
        same(mask(hand), expected)
    for expected in states[1:-1]:
        redo(hand)
        same(mask(hand), expected)
    press(hand, Qt.Key.Key_Z, CONTROL | SHIFT)
    same(mask(hand), states[-1])
    redo(hand)
    assert said(hand).endswith("Nothing is left to redo.")


def test_it_is_told_what_was_undone_and_the_view_goes_there(measured):
    hand = measured
    hand.click_row("C4")
    index = hand.viewer.dims.current_step[-3]
    paint(hand, index)
    hand.click_row("C7")
    assert hand.viewer.dims.current_step[-3] != index
    undo(hand)
    assert said(hand).endswith(f"Undone: brush on slice {index}, C4")
    assert hand.viewer.dims.current_step[-3] == index
    redo(hand)
    assert said(hand).endswith(f"Redone: brush on slice {index}, C4")


def test_a_view_that_shows_the_change_stays_where_it_is(measured):
    hand = measured
    paint(hand, 100)
    centre = tuple(hand.viewer.scene.camera.center)
    undo(hand)
    assert tuple(hand.viewer.scene.camera.center) == centre


@pytest.mark.parametrize("place", ["table", "button", "discs", "image"])
def test_the_keys_act_wherever_the_focus_is(measured, place):
    hand = measured
    before = mask(hand)
    paint(hand, 100)
    widget = None
    if place == "table":
        widget = hand.dock.measure_panel.table
    elif place == "button":
        widget = hand.dock.segment_panel.paint
    elif place == "discs":
        hand.viewer.layers.selection.active = hand.desk.editor.layer
    else:
        hand.viewer.layers.selection.active = hand.desk.session.current.image
    if widget is not None:
        widget.setFocus()
    painted = mask(hand)
    undo(hand, widget)
    same(mask(hand), before)
    hand._qtbot.wait(20)
    press(hand, Qt.Key.Key_Y, widget=widget)
    same(mask(hand), painted)
    assert hand.viewer.dims.ndisplay == 2, "napari's own meaning of Ctrl+Y is not reached"


def test_discs_and_masks_are_undone_in_the_order_in_which_they_were_changed(measured):
    hand, session = measured, measured.desk.session
    first, discs = mask(hand), session.labelling
    paint(hand, 100)
    painted = mask(hand)
    hand.desk.editor.rename(session.labelling.discs[0], session.labelling.discs[0].number + 1)
    hand.wait()
    renamed = session.labelling
    paint(hand, 110)
    for expected, labelling in ((painted, renamed), (painted, discs), (first, discs)):
        undo(hand)
        same(mask(hand), expected)
        assert session.labelling == labelling
    for _ in range(2):
        redo(hand)
    assert session.labelling == renamed
    shown = list(hand.desk.editor.layer.features["disc"])
    assert shown == [disc.name for disc in renamed.discs][: len(shown)]


def test_structures_come_and_go_with_their_layers(measured, truth):
    hand, session = measured, measured.desk.session
    work = session.current
    grey = np.zeros(work.scan.grid.shape, np.uint8)
    grey[tuple(np.argwhere(work.mask_on_file_grid())[::5].T)] = 1
    layer = layers.add_mask(hand.viewer, grey, work.scan, work.image, "gm")
    session.set_structure(work, "gm", StructureWork(layer, ("a flag",), {"method": "m"}))
    drawn = mask(hand, "gm")
    hand.wait()
    undo(hand)
    assert work.layer_of("gm") is None
    assert layer not in hand.viewer.layers
    redo(hand)
    same(mask(hand, "gm"), drawn)
    assert (work.drawn["gm"].flags, work.drawn["gm"].parameters) == (("a flag",), {"method": "m"})
    assert work.layer_of("gm") in hand.viewer.layers
    hand.viewer.layers.remove(work.layer_of("gm"))
    hand.wait()
    undo(hand)
    same(mask(hand, "gm"), drawn)


def test_a_new_segmentation_is_one_step_and_edited_slices_are_known_again(measured):
    hand, work = measured, measured.desk.session.current
    paint(hand, 100)
    painted = mask(hand)
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    assert not work.edited
    drawn = mask(hand)
    undo(hand)
    same(mask(hand), painted)
    assert np.flatnonzero(work.edited_slices()).tolist() == [100]
    redo(hand)
    same(mask(hand), drawn)
    assert not work.edited


def test_undo_goes_to_another_scan_where_the_step_was_made(measured, truth):
    hand, session = measured, measured.desk.session
    paint(hand, 100)
    painted = mask(hand)
    index = next(place for place, file in enumerate(session.exam.files) if "T2star" in file.name)
    hand.desk.opener.choose(index)
    hand.wait()
    star = load_mask(truth / f"{SUBJECT}_T2star_label-cord_mask.nii.gz", like=session.current.scan.grid)
    work = session.current
    layer = layers.add_mask(hand.viewer, np.asarray(star.data), work.scan, work.image)
    session.set_mask(work, layer, None)
    hand.wait()
    hand.desk.opener.choose(next(place for place, file in enumerate(session.exam.files) if "T2w" in file.name))
    hand.wait()
    undo(hand)
    assert session.current.scan.name.endswith("T2star")
    assert session.current.mask is None
    undo(hand)
    assert session.current.scan.name.endswith("T2w")
    assert (mask(hand) != painted).any()


def test_a_scan_that_was_removed_from_the_viewer_comes_back_with_what_was_drawn(measured):
    hand, session = measured, measured.desk.session
    before = mask(hand)
    paint(hand, 100)
    painted = mask(hand)
    hand.viewer.layers.remove(session.current.image)
    hand.wait()
    assert session.current is None
    hand.desk.opener.choose(next(n for n, file in enumerate(session.exam.files) if "T2w" in file.name))
    hand.wait()
    same(mask(hand), painted)
    undo(hand)
    same(mask(hand), before)
    same(next(iter(read_journal(journal_file(hand)).replay.state.masks.values())), before)


def test_checked_slices_are_undone_too(measured):
    hand, work = measured, measured.desk.session.current
    for checked in ({3}, {3, 4}):
        hand.desk.session.set_checked(work, checked)
    undo(hand)
    assert work.checked == {3}
    redo(hand)
    assert work.checked == {3, 4}
    assert read_journal(journal_file(hand)).replay.state.checked[ref_of(work)] == {3, 4}


def test_everything_on_the_screen_is_in_the_journal(measured):
    """After a mixed session the replay of the file equals the layers and the discs."""
    hand, session = measured, measured.desk.session
    for index in (60, 90, 120):
        paint(hand, index)
    undo(hand)
    hand.desk.editor.rename(session.labelling.discs[0], session.labelling.discs[0].number + 1)
    hand.wait()
    undo(hand)
    paint(hand, 70, "erase", offset=0.0)
    known = read_journal(journal_file(hand)).replay
    ((key, replayed),) = known.state.masks.items()
    same(replayed, mask(hand))
    assert key[0].sha256 == session.current.scan.source.sha256
    assert [disc["mm"] for disc in known.state.discs["discs"]] == [list(d.position_mm) for d in session.labelling.discs]
    assert [step.line.tool for step in known.history.standing()][-3:] == ["brush", "brush", "eraser"]


def test_looking_writes_nothing(opened, tmp_path):
    files = set(tmp_path.rglob("*"))
    opened.desk.show_plane(Plane.AXIAL)
    undo(opened)
    assert said(opened).endswith("Nothing is left to undo.")
    assert set(tmp_path.rglob("*")) == files

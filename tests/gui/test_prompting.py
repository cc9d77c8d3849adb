"""Points, scribbles and edited slices with a real mouse: the rest is drawn anew, and what a person drew stays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_spinalq.geometry import to_work_order
from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import Plane, current_plane, go_to
from napari_spinalq.io.nifti import load_mask
from tests.gui.conftest import SUBJECT

pytestmark = pytest.mark.gui


def _truth(hand, truth):
    mask = load_mask(truth / f"{SUBJECT}_T2w_label-cord_mask.nii.gz")
    return to_work_order(np.asarray(mask.data), mask.grid)[0] > 0


@pytest.fixture
def segmented(opened):
    """Return a hand on the sample exam after the button that segments."""
    opened.press(opened.dock.segment_panel.segment)
    opened.wait()
    assert opened.desk.session.current.mask is not None
    return opened


def _mask(hand):
    return np.asarray(hand.desk.session.current.mask.data).copy()


def _centre(hand, index):
    """Return the displayed world point of the mask's centre in a slice."""
    mask = hand.desk.session.current.mask
    y, x = np.argwhere(np.asarray(mask.data)[index] > 0).mean(axis=0)
    return np.asarray(mask.data_to_world((index, y, x)))


def _face(hand, index):
    """Close in on a slice of the cord."""
    hand.desk.show_plane(Plane.AXIAL)
    go_to(hand.viewer, _centre(hand, index))
    hand.desk.segmenter.close_in()
    hand._qtbot.wait(30)
    return _centre(hand, index)


def _paint_bulge(hand, index):
    """Widen the mask to the front of one slice with the brush."""
    centre = _face(hand, index)
    hand.press(hand.dock.segment_panel.paint)
    hand.drag(*(centre + np.array([0, 4.0, x]) for x in (-2.0, 0.0, 2.0)))
    hand.wait()


def test_the_other_slices_follow_and_the_edited_one_stays(segmented):
    hand, work, panel = segmented, segmented.desk.session.current, segmented.dock.segment_panel
    automatic = _mask(hand)
    _paint_bulge(hand, 100)
    assert np.flatnonzero(work.edited_slices()).tolist() == [100]
    painted = _mask(hand)
    hand.press(panel.follow)
    hand.wait()
    followed = _mask(hand)
    assert np.array_equal(followed[100], painted[100])
    assert followed[101].sum() > automatic[101].sum()
    assert (followed != painted).any()
    assert np.flatnonzero(work.edited_slices()).tolist() == [100]
    assert work.parameters["prompts"]["slices_kept_as_drawn"] == "100"
    hand._qtbot.keyClick(hand.viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.wait()
    assert np.array_equal(_mask(hand), painted), "one step of undo brings the former mask back"
    assert np.flatnonzero(work.edited_slices()).tolist() == [100]
    assert work.record()["slices"] == work.versions.parameters_of(painted)["slices"]
    assert "prompts" not in work.record()


def test_the_numbers_follow_and_the_record_is_saved(measured):
    hand, work = measured, measured.desk.session.current
    _paint_bulge(hand, 100)
    before = [dict(row) for row in hand.dock.measure_panel.model.rows()]
    hand.press(hand.dock.segment_panel.follow)
    hand.wait()
    assert [dict(row) for row in hand.dock.measure_panel.model.rows()] != before
    hand.press(hand.dock.measure_panel.save)
    path = hand.desk.saver.folder / SUBJECT / "anat" / f"{SUBJECT}_space-T2w_label-cord_mask.json"
    said = json.loads(path.read_text())["Parameters"]
    assert said["edited_slices"] == [100]
    assert said["edited_by_hand"] is True
    assert said["prompts"]["slices_kept_as_drawn"] == "100"
    assert work.scan.source.sha256


def test_nothing_to_follow_is_said(segmented):
    before = _mask(segmented)
    segmented.press(segmented.dock.segment_panel.follow)
    segmented.wait()
    assert "Mend one slice" in segmented.dock.status.line.text()
    assert np.array_equal(_mask(segmented), before)


def test_scribbles_are_followed_stroke_by_stroke_and_taken_back(segmented):
    hand, panel = segmented, segmented.dock.segment_panel
    before = _mask(hand)
    centre = _face(hand, 100)
    hand.press(panel.scribble_in)
    assert panel.scribble_in.isChecked()
    assert current_plane(hand.viewer) is Plane.AXIAL
    hand.drag(*(centre + np.array([0, 5.0, x]) for x in (-1.0, 0.0, 1.0)))
    hand.wait()
    painted = np.asarray(hand.desk.prompter.scribbles.data)
    assert set(np.unique(painted)) == {0, layers.SCRIBBLE_IN}
    added = _mask(hand)
    assert added[painted == layers.SCRIBBLE_IN].all()
    assert added[100].sum() > before[100].sum()
    assert not hand.desk.session.current.edited, "a scribble is no edit"
    hand.press(panel.scribble_out)
    assert (panel.scribble_in.isChecked(), panel.scribble_out.isChecked()) == (False, True)
    hand.drag(*(centre + np.array([0, -3.0, x]) for x in (-1.0, 0.0, 1.0)))
    hand.wait()
    both = np.asarray(hand.desk.prompter.scribbles.data).copy()
    taken = _mask(hand)
    assert not taken[both == layers.SCRIBBLE_OUT].any()
    assert taken[both == layers.SCRIBBLE_IN].all()
    canvas = hand.viewer.window._qt_viewer.canvas.native
    for wanted in (added, before):
        hand._qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        hand.wait()
        assert np.array_equal(_mask(hand), wanted)
    assert not np.asarray(hand.desk.prompter.scribbles.data).any()


def test_points_are_taken_one_after_the_other_until_escape(segmented, qtbot):
    hand, panel = segmented, segmented.dock.segment_panel
    hand.desk.show_plane(Plane.AXIAL)
    hand.press(panel.points)
    for index in (60, 140):
        go_to(hand.viewer, _centre(hand, index))
        hand.desk.segmenter.close_in()
        qtbot.wait(30)
        assert panel.points.isChecked()
        hand.click(_centre(hand, index))
        hand.wait()
    said = hand.desk.session.current.parameters["prompts"]["points_mm"]
    grid = hand.desk.session.current.scan.grid
    assert len(said) == 2
    for place, index in zip(said, (60, 140), strict=True):
        np.testing.assert_allclose(mm_to_world(place, grid), _centre(hand, index), atol=1.5)
    qtbot.keyClick(hand.viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not panel.points.isChecked())


def test_a_click_on_a_scan_without_mask_gives_one(opened, truth):
    hand, wanted = opened, _truth(opened, truth)
    scan = hand.desk.session.current.scan
    index = 110
    y, x = np.argwhere(wanted[index]).mean(axis=0)
    place = mm_to_world(scan.grid.reoriented("SAR").voxel_to_mm((index, y, x)), scan.grid)
    hand.desk.show_plane(Plane.AXIAL)
    go_to(hand.viewer, place)
    hand.press(hand.dock.segment_panel.points)
    hand.click(place)
    hand.wait()
    found = _mask(hand) > 0
    assert 2 * (found & wanted)[60:200].sum() / (found[60:200].sum() + wanted[60:200].sum()) > 0.9


def test_an_edit_made_while_it_works_is_not_lost(segmented, monkeypatch):
    from napari_spinalq.gui import prompting

    hand, work = segmented, segmented.desk.session.current
    _paint_bulge(hand, 100)
    real = prompting.resegment

    def slow(*parts, **named):
        found = real(*parts, **named)
        hand_edit.append(found)
        return found

    hand_edit: list = []
    monkeypatch.setattr(prompting, "resegment", slow)
    hand.press(hand.dock.segment_panel.follow)
    work.mask.data_setitem(tuple(np.array([value]) for value in (50, 10, 10)), 1)
    hand.wait()
    assert hand_edit
    assert _mask(hand)[50, 10, 10] == 1
    assert np.flatnonzero(work.edited_slices()).tolist() == [50, 100]


def test_another_segmentation_forgets_scribbles_and_asks_about_edits(segmented, answers):
    hand = segmented
    centre = _face(hand, 100)
    hand.press(hand.dock.segment_panel.scribble_in)
    hand.drag(centre + np.array([0, 4.5, 0]))
    hand.wait()
    assert hand.desk.prompter.scribbles in hand.viewer.layers
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    assert answers["asked"] == []
    assert hand.desk.prompter.scribbles is None
    assert [layer.name for layer in hand.viewer.layers if "Scribbles" in layer.name] == []
    _paint_bulge(hand, 90)
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    assert answers["asked"] == ["confirm"]


def test_edited_slices_are_known_again_after_reopening(segmented, exam_folder):
    hand = segmented
    _paint_bulge(hand, 100)
    hand.press(hand.dock.measure_panel.save)
    painted = _mask(hand)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    work = hand.desk.session.current
    assert work.edited
    assert np.flatnonzero(work.edited_slices()).tolist() == [100]
    hand.press(hand.dock.segment_panel.follow)
    hand.wait()
    assert np.array_equal(_mask(hand)[100], painted[100])


@pytest.mark.parametrize(
    ("key", "modifier", "name"),
    [("F10", "No", "scribble_in"), ("F11", "No", "scribble_out"), ("F7", "Shift", "points")],
)
def test_keys_take_the_tools(segmented, qtbot, key, modifier, name):
    canvas = segmented.viewer.window._qt_viewer.canvas.native
    held = getattr(Qt.KeyboardModifier, f"{modifier}Modifier")
    chosen = getattr(segmented.dock.segment_panel, name)
    qtbot.keyClick(canvas, getattr(Qt.Key, f"Key_{key}"), held)
    qtbot.waitUntil(chosen.isChecked)
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not chosen.isChecked())

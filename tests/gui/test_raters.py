"""A second read, the comparison and the consensus, by real mouse and keys."""

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_spinalq.gui import dialogs
from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.readers.raters import AUTOMATIC, NOTHING, SAVE_FIRST
from napari_spinalq.gui.readers.settler import Scope
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.quality.readers.adjudication import Choice
from napari_spinalq.quality.readers.reads import CONSENSUS

pytestmark = [pytest.mark.gui, pytest.mark.slow]


def _page(hand):
    hand.dock.pages.setCurrentWidget(hand.dock.raters.panel)
    return hand.dock.raters.panel


def _stroke(hand, level=4, offset=6.0):
    """Paint in front of the cord in the middle slice of a level."""
    desk = hand.desk
    desk.show_plane(Plane.AXIAL)
    desk.measurer.go_to_level(level)
    desk.tools.use_in_cross_section("paint")
    centre = np.asarray(hand.viewer.dims.point[-3:])
    hand.drag(centre + np.array([0, offset, -2]), centre + np.array([0, offset, 2]))
    hand.wait()


def _begin(hand, qtbot, name="AMK"):
    panel = _page(hand)
    panel.name.clear()
    qtbot.keyClicks(panel.name, name)
    hand.press(panel.read)
    hand.wait()
    return panel


@pytest.fixture
def saved(measured):
    """Return a hand on an exam whose first read differs from the automatic mask and is saved."""
    _stroke(measured, 3, 5.0)
    assert measured.desk.save()
    measured.wait()
    return measured


def _told(hand, rater):
    path = _file(hand, rater)
    return json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())


def _file(hand, rater):
    name = f"*_label-cord{'_desc-' + rater if rater else ''}_mask.nii.gz"
    return next(iter(hand.desk.saver.folder.rglob(name)), None)


def test_a_second_read_begins_with_the_automatic_mask_and_hides_the_first(saved, qtbot):
    desk = saved.desk
    first = desk.session.current
    panel = _begin(saved, qtbot)
    second = desk.session.current
    assert second is not first
    assert second.rater == "AMK"
    assert first.mask not in saved.viewer.layers
    assert first.image not in saved.viewer.layers
    np.testing.assert_array_equal(second.mask.data, first.automatic["cord"].unpacked())
    assert not np.array_equal(second.mask.data, first.mask.data)
    assert not second.edited
    assert not desk.session.unsaved
    assert "AMK reads" in panel.state.text()


def test_the_second_read_is_saved_beside_the_first_which_is_untouched(saved, qtbot):
    desk, path = saved.desk, _file(saved, "")
    first, before = desk.session.current, path.read_bytes()
    drawn = np.asarray(first.mask.data).copy()
    panel = _begin(saved, qtbot)
    _stroke(saved)
    assert desk.session.unsaved
    qtbot.keyClick(saved.viewer.window._qt_viewer.canvas.native, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: not desk.session.unsaved)
    second = desk.session.current
    assert path.read_bytes() == before
    np.testing.assert_array_equal(load_mask(_file(saved, "AMK")).data, second.mask_on_file_grid())
    told = _told(saved, "AMK")
    assert told["Author"] == "AMK"
    assert told["Parameters"]["began_with"] == AUTOMATIC
    assert told["Parameters"]["edited_slices"]
    saved.press(panel.leave)
    saved.wait()
    assert desk.session.current is first
    assert first.mask in saved.viewer.layers
    np.testing.assert_array_equal(first.mask.data, drawn)
    assert second.mask not in saved.viewer.layers


def test_a_read_from_nothing_is_measured_once_it_is_painted(saved, qtbot):
    panel = _page(saved)
    panel.start.setCurrentIndex(panel.start.findData(NOTHING))
    _begin(saved, qtbot)
    desk = saved.desk
    assert not np.asarray(desk.session.current.mask.data).any()
    desk.show_plane(Plane.AXIAL)
    desk.tools.use_in_cross_section("paint")
    centre = np.asarray(saved.viewer.dims.point[-3:])
    saved.drag(centre, centre + np.array([0, 0, 4]))
    saved.wait()
    assert desk.measurer.live is not None
    assert desk.measurer.live.cord.shapes.area_mm2[0] > 0


def test_unsaved_edits_must_be_saved_before_a_second_read(measured, qtbot):
    _stroke(measured)
    told = []
    measured.desk.told.connect(lambda kind, text: told.append(text))
    _begin(measured, qtbot)
    assert measured.desk.session.current.rater == ""
    assert SAVE_FIRST in told


def test_an_earlier_read_of_the_same_person_comes_back(saved, qtbot, exam_folder):
    panel = _begin(saved, qtbot)
    _stroke(saved)
    saved.desk.save()
    drawn = np.asarray(saved.desk.session.current.mask.data).copy()
    saved.press(panel.leave)
    saved.desk.open_paths([exam_folder])
    saved.wait()
    _begin(saved, qtbot, "A.M.K.")
    np.testing.assert_array_equal(saved.desk.session.current.mask.data, drawn)


def test_scans_that_are_opened_blind_never_show_the_first_mask(saved, qtbot, exam_folder):
    panel, shown = _page(saved), []
    qtbot.keyClicks(panel.name, "AMK")
    saved.press(panel.blind)
    saved.desk.open_paths([exam_folder])
    saved.viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(
        lambda event: shown.append([layer.name for layer in saved.viewer.layers if layer.name.endswith(" cord")])
    )
    saved.wait()
    qtbot.wait(200)
    assert saved.desk.session.current.rater == "AMK"
    assert shown
    assert not any(names for names in shown)
    saved.press(panel.leave)
    saved.wait()
    assert saved.desk.session.current.rater == ""
    assert not saved.desk.raters.blind
    assert not panel.blind.isChecked()


def test_dropping_a_read_leaves_the_first_as_it_was(saved, qtbot, answers):
    first = saved.desk.session.current
    panel = _begin(saved, qtbot)
    _stroke(saved)
    answers["unsaved"] = dialogs.Answer.DISCARD
    saved.press(panel.leave)
    saved.wait()
    assert saved.desk.session.current is first
    assert [work.rater for work in saved.desk.session.works] == [""]
    assert _file(saved, "AMK") is None


def _compared(hand, qtbot):
    """Draw a second read that differs from the first, save it, go back and compare."""
    panel = _begin(hand, qtbot)
    _stroke(hand)
    assert hand.desk.save()
    hand.press(panel.leave)
    hand.wait()
    hand.press(panel.compare)
    hand.wait()
    return panel


def test_two_reads_are_compared_and_the_largest_disagreement_comes_first(saved, qtbot):
    panel, desk = _compared(saved, qtbot), saved.desk
    found = desk.settler.comparison
    assert found.overlap.differing.sum() > 0
    assert "Dice" in panel.summary.text()
    rows = {row["level"]: row for row in panel.model.rows()}
    assert rows["C2"]["dice"] == 1.0
    assert rows["C3"]["dice"] < 1.0 > rows["C4"]["dice"]
    assert len(panel.plot.points.getData()[0]) == len(found.slices)
    largest = desk.settler.patch
    assert saved.viewer.dims.current_step[-3] == largest.slice
    saved.viewer.window._qt_viewer.canvas.native.setFocus()
    qtbot.keyClick(saved.viewer.window._qt_viewer.canvas.native, Qt.Key.Key_F12, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: desk.settler.patch is not largest)
    assert desk.settler.patch.pixels <= largest.pixels


def test_decisions_make_a_consensus_with_a_record(saved, qtbot):
    panel, desk = _compared(saved, qtbot), saved.desk
    settler, settle = desk.settler, panel.settle
    consensus = desk.session.current
    assert consensus.rater == CONSENSUS
    saved.press(settle.save)  # nothing is decided yet
    assert "not finished" in _told(saved, CONSENSUS)["Flags"][0]
    assert set(_told(saved, CONSENSUS)["Parameters"]["slices"]) == {"undecided"}
    patch = settler.patch
    place = patch.slice
    saved.press(settle.second)
    saved.wait()
    second = desk.raters.mask_of("AMK")
    assert settler.left[0] == settler.left[1] - 1
    settle.scope.setCurrentText(Scope.REST.value)
    saved.press(settle.union)
    saved.wait()
    assert settler.left[0] == 0
    saved.press(settle.save)
    path = _file(saved, CONSENSUS)
    mask = load_mask(path).data
    expected = (desk.raters.mask_of("") > 0) | (second > 0)
    differs = np.argwhere((mask > 0) != expected)
    assert len(differs) <= patch.first_only.sum()
    told = _told(saved, CONSENSUS)
    assert told["Flags"] == []
    assert told["Description"] == "Consensus mask, cord"
    assert told["Parameters"]["readers"]["second"] == "AMK"
    assert str(place) in told["Parameters"]["slices"]["second"]
    assert set(told["Parameters"]["slices"]) <= {"second", "union", "mixed"}


def test_painting_on_the_consensus_is_recorded(saved, qtbot):
    panel, desk = _compared(saved, qtbot), saved.desk
    place = desk.settler.patch.slice
    saved.drag(*[np.asarray(saved.viewer.dims.point[-3:]) + np.array([0, 9, shift]) for shift in (0, 2)])
    desk.tools.use_in_cross_section("paint")
    centre = np.asarray(saved.viewer.dims.point[-3:])
    saved.drag(centre + np.array([0, 3, 0]), centre + np.array([0, 3, 2]))
    saved.press(panel.settle.painted)
    saved.wait()
    desk.settler.decide(Choice.FIRST, Scope.REST)
    saved.press(panel.settle.save)
    told = _told(saved, CONSENSUS)
    assert str(place) in told["Parameters"]["slices"]["painted"]


def test_ending_the_comparison_shows_the_first_read_again(saved, qtbot):
    first = saved.desk.session.current
    panel = _compared(saved, qtbot)
    saved.press(panel.settle.close_it)
    saved.wait()
    assert saved.desk.session.current is first
    assert not [layer for layer in saved.viewer.layers if layer.name.startswith("Difference")]
    assert not panel.plot.isVisible()


def test_saving_the_first_read_never_takes_in_the_second(saved, qtbot):
    panel = _begin(saved, qtbot)
    _stroke(saved)
    saved.desk.save()
    saved.press(panel.leave)
    saved.wait()
    result = saved.desk.saver.result()
    np.testing.assert_array_equal(result.scans[0].mask, saved.desk.session.current.mask_on_file_grid())
    assert len(result.scans) == 1


def test_decisions_survive_a_look_at_another_scan(saved, qtbot):
    panel, desk = _compared(saved, qtbot), saved.desk
    saved.press(panel.settle.second)
    saved.wait()
    consensus, left = desk.session.current, desk.settler.left
    assert desk.save()
    other = next(n for n, file in enumerate(desk.session.exam.files) if "T2star" in file.path.name)
    here = next(n for n, file in enumerate(desk.session.exam.files) if file.path.name.endswith("_T2w.nii.gz"))
    desk.opener.choose(other)
    saved.wait()
    assert desk.settler.comparison is None
    desk.opener.choose(here)
    saved.wait()
    saved.press(panel.compare)
    saved.wait()
    assert desk.session.current is consensus
    assert desk.settler.left == left


def test_a_consensus_that_is_not_at_hand_is_saved_too(saved, qtbot):
    panel, desk = _compared(saved, qtbot), saved.desk
    saved.press(panel.settle.second)
    saved.wait()
    desk.opener.choose(next(n for n, file in enumerate(desk.session.exam.files) if "T2star" in file.path.name))
    saved.wait()
    assert desk.session.unsaved
    assert desk.save()
    assert "second" in _told(saved, CONSENSUS)["Parameters"]["slices"]

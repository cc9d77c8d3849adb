"""After a crash the edits come back; after a save undo goes on; two people do not draw over each other."""

from __future__ import annotations

import json
import os
import shutil
import socket

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.gui import layers
from napari_spinalq.gui.dialogs import Access
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.gui.journal import recovering
from napari_spinalq.io.journal import Lock, away_path, read_journal
from napari_spinalq.io.nifti import load_mask
from tests.gui.conftest import SUBJECT, Hand
from tests.gui.test_history import face, journal_file, mask, paint, redo, said, same, undo

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture
def next_hand(make_napari_viewer, qtbot, answers):
    """Return what gives a hand on another viewer; the former one goes on, is closed, or crashes."""
    made = []

    def make(old: Hand, *, ends="close") -> Hand:
        if ends == "crash":
            _crash(old)
        if ends != "stays":
            old.viewer.close()
            vars(old).clear()
        viewer = make_napari_viewer(show=True)
        dock = SpinalCordDock(viewer)
        viewer.window.add_dock_widget(dock, name="Spinal Cord", area="right")
        viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
        qtbot.wait(50)
        made.append(Hand(dock, qtbot))
        return made[-1]

    yield make
    qtbot.wait(50)
    for hand in made:
        vars(hand).clear()


def _crash(hand):
    """Leave journal and lock as they are, as a program does that ends at once; its process is known to be gone."""
    recorder, keeper = hand.desk.recorder, hand.desk.keeper
    lock = keeper._lock.path
    lock.write_text(json.dumps(json.loads(lock.read_text()) | {"pid": 2**22 + 1}))
    recorder.journal.store.close()
    recorder.journal = keeper._lock = None
    hand.desk.session.mark_saved()


def _open(hand, exam_folder):
    hand.desk.open_paths([exam_folder])
    hand.wait()
    hand.wait()
    return hand


def _save(hand):
    hand.press(hand.dock.measure_panel.save)
    hand.wait()
    assert not hand.desk.session.unsaved


def test_after_a_crash_the_edits_come_back_and_can_be_undone(measured, exam_folder, next_hand, answers, monkeypatch):
    hand, asked = measured, []
    _save(hand)
    states = [mask(hand)]
    for index in (60, 90, 120):
        paint(hand, index)
        states.append(mask(hand))
    undo(hand)
    hand.desk.editor.rename(hand.desk.session.labelling.discs[0], hand.desk.session.labelling.discs[0].number + 1)
    hand.wait()
    labelling = hand.desk.session.labelling
    reply = recovering.dialogs.ask_recover
    monkeypatch.setattr(recovering.dialogs, "ask_recover", lambda _w, what: asked.append(what) or reply(_w, what))
    hand = _open(next_hand(hand, ends="crash"), exam_folder)
    (question,) = asked
    author = hand.desk.recorder.journal.author
    assert question.startswith("3 edits of 20")
    assert question.endswith(f"by {author} were not saved.")
    same(mask(hand), states[2])
    assert hand.desk.session.labelling == labelling
    assert hand.desk.session.unsaved
    assert np.flatnonzero(hand.desk.session.current.edited_slices()).tolist() == [60, 90]
    undo(hand)
    assert hand.desk.session.labelling != labelling
    for expected in (states[1], states[0]):
        undo(hand)
        same(mask(hand), expected)
    redo(hand)
    same(mask(hand), states[1])
    _save(hand)


def test_edits_of_a_crash_can_be_kept_aside(measured, exam_folder, next_hand, answers):
    hand = measured
    _save(hand)
    saved = mask(hand)
    paint(hand, 90)
    painted, home = mask(hand), journal_file(hand)
    answers["recover"] = False
    hand = _open(next_hand(hand, ends="crash"), exam_folder)
    same(mask(hand), saved)
    assert not hand.desk.session.unsaved
    (aside,) = home.parent.glob("*.aside-*.jsonl")
    same(next(iter(read_journal(aside).replay.state.masks.values())), painted)
    assert aside.name in said(hand)
    assert not home.exists()
    paint(hand, 60)
    assert [line.kind for line in read_journal(home).lines] == ["ground_discs", "ground", "mask"]


def test_a_mask_that_was_never_saved_comes_back_with_how_it_was_made(opened, exam_folder, next_hand, answers):
    hand = opened
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    paint(hand, 100)
    painted, work = mask(hand), hand.desk.session.current
    record, flags = work.record(), work.flags
    hand = _open(next_hand(hand, ends="crash"), exam_folder)
    same(mask(hand), painted)
    work = hand.desk.session.current
    assert work.flags == flags
    assert work.record() == json.loads(json.dumps(record))
    assert work.centerline is not None
    assert hand.dock.measure_panel.model.rows() is not None
    undo(hand)
    assert not work.edited
    undo(hand)
    assert work.mask is None


def test_undo_goes_on_after_saving_and_opening_again(measured, exam_folder, next_hand, answers):
    hand = measured
    before = mask(hand)
    paint(hand, 90)
    painted = mask(hand)
    _save(hand)
    hand = _open(next_hand(hand), exam_folder)
    assert "recover" not in answers["asked"]
    assert not hand.desk.session.unsaved
    same(mask(hand), painted)
    undo(hand)
    same(mask(hand), before)
    assert not hand.desk.session.current.edited
    redo(hand)
    same(mask(hand), painted)


def test_edits_that_were_discarded_are_not_offered_again(measured, exam_folder, next_hand, answers):
    hand = measured
    _save(hand)
    saved = mask(hand)
    paint(hand, 90)
    assert hand.desk.may_close(), "the answer is to discard"
    hand = _open(next_hand(hand), exam_folder)
    assert answers["asked"].count("unsaved") == 1
    assert "recover" not in answers["asked"]
    same(mask(hand), saved)


def test_edits_of_a_scan_that_is_not_at_hand_come_back_when_it_is(measured, exam_folder, truth, next_hand, answers):
    hand = measured
    _save(hand)
    index = next(n for n, file in enumerate(hand.desk.session.exam.files) if "T2star" in file.name)
    hand.desk.opener.choose(index)
    hand.wait()
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    star = mask(hand)
    hand = _open(next_hand(hand, ends="crash"), exam_folder)
    assert hand.desk.session.current.scan.name.endswith("T2w")
    undo(hand)
    hand.wait()
    assert hand.desk.session.current.scan.name.endswith("T2star"), "undo opens the scan on which the step was made"
    assert hand.desk.session.current.mask is None
    redo(hand)
    same(mask(hand), star)


def test_a_mask_changed_by_another_program_ends_the_history_and_keeps_it(measured, exam_folder, next_hand):
    hand = measured
    _save(hand)
    home, folder = journal_file(hand), hand.desk.saver.folder
    whole = home.read_bytes()
    hand = next_hand(hand)
    _change_saved(folder, "T2w")
    _open(hand, exam_folder)
    assert said(hand).endswith(recovering.OTHER_MASK)
    assert home.read_bytes() == whole, "opening writes nothing"
    undo(hand)
    assert said(hand).endswith("Nothing is left to undo.")
    paint(hand, 90)
    (aside,) = home.parent.glob("*.aside-*.jsonl")
    assert aside.read_bytes() == whole
    assert len(read_journal(home).replay.history.standing()) == 1


def test_a_mask_of_a_later_scan_changed_by_another_program_is_one_step_of_undo(measured, exam_folder, truth, next_hand):
    hand = measured
    _choose(hand, "T2star")
    work = hand.desk.session.current
    star = load_mask(truth / f"{SUBJECT}_T2star_label-cord_mask.nii.gz", like=work.scan.grid)
    layer = layers.add_mask(hand.viewer, np.asarray(star.data), work.scan, work.image)
    hand.desk.session.set_mask(work, layer, None)
    hand.wait()
    drawn = mask(hand)
    _save(hand)
    folder = hand.desk.saver.folder
    hand = next_hand(hand)
    _change_saved(folder, "T2star")
    _open(hand, exam_folder)
    _choose(hand, "T2star")
    assert said(hand).endswith("undo brings back the one of the journal.")
    changed = mask(hand)
    assert (changed != drawn).sum() == 1
    assert not hand.desk.session.unsaved
    undo(hand)
    same(mask(hand), drawn)
    redo(hand)
    same(mask(hand), changed)


def _choose(hand, word):
    files = hand.desk.session.exam.files
    hand.desk.opener.choose(next(n for n, file in enumerate(files) if word in file.name))
    hand.wait()


def _change_saved(folder, scan):
    """Take one voxel out of a saved mask, as another program would."""
    path = folder / SUBJECT / "anat" / f"{SUBJECT}_space-{scan}_label-cord_mask.nii.gz"
    image = nib.load(path)
    data = np.asarray(image.dataobj).copy()
    data[tuple(np.argwhere(data)[0])] = 0
    nib.save(nib.Nifti1Image(data, None, image.header), path)


def test_a_journal_of_another_image_is_refused_with_the_reason(measured, exam_folder, next_hand, answers):
    hand = measured
    paint(hand, 90)
    hand = next_hand(hand, ends="crash")
    path = exam_folder / "anat" / f"{SUBJECT}_T2w.nii.gz"
    shutil.copy(exam_folder / "anat" / f"{SUBJECT}_T2star.nii.gz", path)
    _open(hand, exam_folder)
    assert "recover" not in answers["asked"]
    assert "The journal of edits of this exam is not used" in said(hand)
    assert f"{SUBJECT}_T2w.nii.gz" in said(hand)


def _locked_by(journal, owner="Bob", host="elsewhere"):
    lock = Lock.of(journal)
    lock.owner = owner
    assert lock.take(over=True) is None
    holder = json.loads(lock.path.read_text())
    lock.path.write_text(json.dumps(holder | {"host": host}))
    return lock


def _journal_before_opening(exam_folder):
    return exam_folder.parent / "derivatives" / "napari-spinalq" / SUBJECT / f"{SUBJECT}.edits.jsonl"


def test_who_comes_second_can_look_only(hand, exam_folder, truth, answers):
    lock = _locked_by(_journal_before_opening(exam_folder))
    _open(hand, exam_folder)
    assert answers["asked"] == ["access"]
    assert said(hand).startswith("⚠ Bob works on this exam on elsewhere since 20")
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    assert hand.desk.session.current.mask is None
    assert "You can look at it, not change it." in said(hand)
    assert not hand.desk.save()
    assert lock.mine
    assert not _journal_before_opening(exam_folder).exists()


def test_who_comes_second_can_take_over(hand, exam_folder, answers):
    lock = _locked_by(_journal_before_opening(exam_folder))
    answers["access"] = Access.TAKE_OVER
    _open(hand, exam_folder)
    assert not hand.desk.session.read_only
    assert not lock.mine
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    assert journal_file(hand).exists()
    assert json.loads(lock.path.read_text())["pid"] == os.getpid()


def test_the_one_taken_over_from_is_told_at_the_next_stroke_and_keeps_the_work(measured):
    hand, home = measured, journal_file(measured)
    paint(hand, 60)
    written = home.read_bytes()
    _locked_by(home)
    paint(hand, 90)
    assert hand.desk.session.read_only.startswith("Bob works on this exam")
    assert "What you drew until now is kept" in said(hand)
    assert home.read_bytes() == written
    painted = mask(hand)
    same(next(iter(read_journal(away_path(home)).replay.state.masks.values())), painted)
    assert not hand.desk.session.current.mask.editable
    assert not hand.desk.editor.layer.editable
    centre = face(hand, 100)
    hand.press(hand.dock.segment_panel.paint)
    hand.drag(centre, centre + np.array([0, 4, 0]))
    hand.wait()
    same(mask(hand), painted)
    undo(hand)
    same(mask(hand), painted)
    hand.desk.session.mark_saved()


def test_the_lock_of_a_program_that_ended_is_taken_silently(measured, exam_folder, next_hand, answers):
    hand = measured
    paint(hand, 90)
    hand = _open(next_hand(hand, ends="crash"), exam_folder)
    assert answers["asked"] == ["recover"]
    paint(hand, 60)
    assert hand.desk.keeper.held


def test_the_lock_is_given_back_on_closing_and_on_another_exam(measured, exam_folder, tmp_path, next_hand):
    hand, lock = measured, Lock.of(journal_file(measured)).path
    paint(hand, 90)
    holder = json.loads(lock.read_text())
    assert (holder["host"], holder["pid"]) == (socket.gethostname(), os.getpid())
    shutil.copytree(exam_folder, tmp_path / "other" / SUBJECT)
    _open(hand, tmp_path / "other" / SUBJECT)
    assert not lock.exists()
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    other = Lock.of(journal_file(hand)).path
    assert other.exists()
    next_hand(hand)
    assert not other.exists()


def test_two_windows_of_one_program_do_not_draw_over_each_other(measured, exam_folder, next_hand, answers):
    paint(measured, 90)
    second = _open(next_hand(measured, ends="stays"), exam_folder)
    assert answers["asked"] == ["access"]
    assert "in another window" in second.desk.session.read_only
    assert second.desk.session.current.mask is None

"""Full disks, closed folders and drives that are gone: a message in plain words, all is kept, another try works."""

from __future__ import annotations

import errno
import os

import pytest

from napari_spinalq.gui import dialogs
from napari_spinalq.io.journal import Place, away_path, read_journal
from tests.gui.conftest import SUBJECT
from tests.gui.test_history import journal_file, mask, paint, said, same, undo

pytestmark = pytest.mark.gui


def _standing(path):
    return [step.line.tool for step in read_journal(path).replay.history.standing()]


@pytest.mark.parametrize(
    ("call", "number", "words"),
    [("fsync", errno.ENOSPC, "the disk is full"), ("replace", errno.ESTALE, "not there any more")],
)
def test_a_save_that_fails_keeps_everything_and_can_be_done_again(measured, monkeypatch, call, number, words):
    hand = measured
    hand.press(hand.dock.measure_panel.save)
    saved = hand.desk.saver.folder / SUBJECT / "anat" / f"{SUBJECT}_space-T2w_label-cord_mask.nii.gz"
    good = saved.read_bytes()
    paint(hand, 90)
    painted = mask(hand)

    def refuse(*_args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        hand.press(hand.dock.measure_panel.save)
    assert said(hand).startswith("✕ Not saved: ")
    assert words in said(hand)
    assert said(hand).endswith("Nothing is lost: the work is kept here and in the journal of edits.")
    assert hand.desk.session.unsaved
    assert saved.read_bytes() == good
    same(mask(hand), painted)
    hand.press(hand.dock.measure_panel.save)
    assert not hand.desk.session.unsaved
    assert saved.read_bytes() != good
    assert hand.desk.recorder.retry()
    text = read_journal(journal_file(hand))
    assert text.replay.history.unsaved() == ()
    same(next(iter(text.replay.state.masks.values())), painted)


def test_a_second_read_that_cannot_be_saved_is_kept(measured, monkeypatch):
    desk = measured.desk
    assert desk.save()
    desk.raters.begin("AMK")
    measured.wait()
    paint(measured, 90)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _full)
        assert not desk.save()
    assert "Not saved: " in said(measured)
    assert "the disk is full" in said(measured)
    assert desk.session.unsaved
    assert desk.raters.unsaved() == [desk.session.current]
    assert desk.save()
    assert desk.raters.unsaved() == []


def test_a_table_that_cannot_be_exported_is_told(measured, monkeypatch, tmp_path):
    monkeypatch.setattr(dialogs, "choose_table_file", lambda *_: str(tmp_path / "table.csv"))
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _full)
        measured.desk.export()
    assert "Not exported: " in said(measured)
    assert "the disk is full" in said(measured)
    assert not (tmp_path / "table.csv").exists()


def test_saving_with_nothing_open_says_so(hand):
    assert not hand.desk.save()
    assert "nothing to save" in said(hand)


def _full(*_args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_closed_place_is_told_and_the_journal_comes_home_later(opened, exam_folder):
    hand = opened
    blocked = exam_folder.parent / "derivatives"
    blocked.write_text("a file in the way")
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    paint(hand, 90)
    home = journal_file(hand)
    store = hand.desk.recorder.journal.store
    assert store.place is Place.AWAY
    assert "a file stands where a folder is needed" in store.trouble
    assert _standing(away_path(home)) == ["segmentation", "brush"]
    hand.press(hand.dock.measure_panel.save)
    assert hand.desk.session.unsaved
    painted = mask(hand)
    undo(hand)
    blocked.unlink()
    assert hand.desk.recorder.retry()
    assert "back beside the results" in said(hand)
    assert _standing(home) == ["segmentation"]
    assert (mask(hand) != painted).any()
    hand.press(hand.dock.measure_panel.save)
    assert not hand.desk.session.unsaved


def test_the_image_removed_under_the_program_takes_no_work_with_it(measured, exam_folder):
    hand = measured
    (exam_folder / "anat" / f"{SUBJECT}_T2w.nii.gz").unlink()
    paint(hand, 90)
    hand.press(hand.dock.measure_panel.save)
    assert not hand.desk.session.unsaved
    assert _standing(journal_file(hand))[-1] == "brush"

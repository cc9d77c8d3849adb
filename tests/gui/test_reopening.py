"""What was saved is there again when the exam is opened in another viewer, and nothing that was saved is touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.gui import dialogs, layers
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.gui.reader import get_reader
from napari_spinalq.gui.reopening import MASK_IN_HAND, OTHER_DISCS
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.levels.detect import UNCONFIRMED
from napari_spinalq.levels.discs import Labelling
from tests.gui.conftest import SUBJECT, Hand, true_discs

pytestmark = [pytest.mark.gui, pytest.mark.slow]

STROKE_MM = (np.array([0.0, 3.5, 0.0]), np.array([0.0, 4.0, 2.0]))


@pytest.fixture
def next_hand(make_napari_viewer, qtbot, answers) -> Iterator:
    """Return what closes the viewer of a hand and gives a hand on a new one."""
    made = []

    def make(old: Hand) -> Hand:
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


def _paint(hand):
    hand.click_row("C4")
    hand.press(hand.dock.segment_panel.paint)
    work = hand.desk.session.current
    centre = mm_to_world(work.centerline.points_mm, work.scan.grid)
    centre = centre[np.argmin(np.abs(centre[:, 0] - hand.viewer.dims.point[-3]))]
    before = np.count_nonzero(work.mask.data)
    hand.drag(*(centre + step for step in STROKE_MM))
    hand.wait()
    assert np.count_nonzero(work.mask.data) > before


def _rows(hand):
    return [dict(row) for row in hand.dock.measure_panel.model.rows()]


def _state(hand):
    """Return what must be the same after closing and opening again."""
    session = hand.desk.session
    return session.current.mask_on_file_grid().copy(), session.labelling, _rows(hand)


def _files(folder):
    """Return what lies in a folder, without the lock, which goes with the window that held it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def _said(hand):
    return hand.dock.status.line.text()


def _choose(hand, word):
    panel = hand.dock.open_panel
    index = next(place for place in range(panel.scans.count()) if word in panel.scans.itemText(place))
    hand.desk.opener.choose(index)
    hand.wait()


def _same(now, before):
    np.testing.assert_array_equal(now[0], before[0])
    assert now[1] == before[1]
    assert now[2] == before[2]


@pytest.mark.slow
def test_segmented_painted_and_saved_it_is_there_again(opened, exam_folder, truth, next_hand, answers):
    hand = opened
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    place = {disc.name: disc for disc in true_discs(truth)}["C2-C3"].position_mm
    hand.press(hand.dock.levels_panel.hint)
    hand.click(mm_to_world(place, hand.desk.session.current.scan.grid))
    hand.wait()
    _paint(hand)
    hand.press(hand.dock.measure_panel.save)
    before, folder = _state(hand), hand.desk.saver.folder
    on_disk = _files(folder)
    assert before[1].confirmed
    assert before[2]

    hand = next_hand(hand)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    session = hand.desk.session
    _same(_state(hand), before)
    assert session.current.edited
    assert not session.unsaved
    assert hand.dock.levels_panel.state.text().endswith("Levels confirmed (C2-C3 by hand)")
    assert _said(hand).startswith("✓ Work saved on ")
    assert _said(hand).endswith(" was loaded.")
    assert "Discs" in hand.viewer.layers
    assert _files(folder) == on_disk
    hand.click_row("C5")
    hand.wait()
    assert not session.unsaved
    hand.viewer.close()
    assert "unsaved" not in answers["asked"]


def test_reopened_work_can_be_painted_and_saved_again(measured, exam_folder, next_hand, answers):
    measured.press(measured.dock.measure_panel.save)
    hand = next_hand(measured)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    _paint(hand)
    assert hand.dock.segment_panel.paint.isChecked()
    assert hand.desk.session.unsaved
    before = _state(hand)
    hand.press(hand.dock.measure_panel.save)
    assert answers["asked"][-1] == "overwrite"
    hand = next_hand(hand)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    _same(_state(hand), before)


def test_a_scan_that_changed_on_disk_does_not_get_the_old_mask(measured, exam_folder, next_hand):
    measured.press(measured.dock.measure_panel.save)
    folder = measured.desk.saver.folder
    on_disk = _files(folder)
    hand = next_hand(measured)
    path = exam_folder / "anat" / f"{SUBJECT}_T2w.nii.gz"
    image = nib.load(path)
    changed = np.asarray(image.dataobj)[::-1].copy()
    nib.save(nib.Nifti1Image(changed, None, image.header), path)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    session = hand.desk.session
    assert session.current.mask is None
    assert not session.labelling.discs
    assert not session.unsaved
    assert _said(hand).startswith("⚠ Saved work was not loaded: ")
    assert f"{SUBJECT}_T2w.nii.gz is not the file on which work was saved" in _said(hand)
    assert _files(folder) == on_disk


def test_unconfirmed_names_stay_so_until_they_are_confirmed(measured, exam_folder, next_hand):
    session = measured.desk.session
    session.set_labelling(Labelling(session.labelling.discs, False, (UNCONFIRMED,)))
    measured.wait()
    measured.press(measured.dock.measure_panel.save)
    hand = next_hand(measured)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    session = hand.desk.session
    assert not session.labelling.confirmed
    assert "unconfirmed" in hand.dock.levels_panel.state.text()
    hand.press(hand.dock.levels_panel.confirm)
    hand.wait()
    result = hand.desk.saver.result().scans[0]
    assert result.labelling.confirmed
    assert UNCONFIRMED not in result.flags


def test_the_scan_with_saved_work_is_shown_first(measured, exam_folder, truth, next_hand, answers):
    answers["recover"] = False  # the journal still knows the mask of the scan that is dropped below
    _choose(measured, "T2*")
    session = measured.desk.session
    mask = load_mask(truth / f"{SUBJECT}_T2star_label-cord_mask.nii.gz", like=session.current.scan.grid)
    _give_mask(measured, mask.data)
    session.works = [session.current]
    measured.press(measured.dock.measure_panel.save)
    before = _state(measured)
    hand = next_hand(measured)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    assert hand.desk.session.current.scan.name == f"{SUBJECT}_T2star"
    _same(_state(hand), before)
    _choose(hand, "T2w")
    assert hand.desk.session.current.mask is None
    assert hand.desk.session.labelling == before[1]


def test_discs_of_a_later_scan_do_not_replace_those_in_hand(measured, exam_folder, truth, next_hand):
    _choose(measured, "T2*")
    mask = load_mask(truth / f"{SUBJECT}_T2star_label-cord_mask.nii.gz", like=measured.desk.session.current.scan.grid)
    _give_mask(measured, mask.data)
    measured.press(measured.dock.measure_panel.save)
    folder = measured.desk.saver.folder
    hand = next_hand(measured)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    _choose(hand, "T2*")
    assert not hand.desk.session.unsaved, "both scans were saved with the same discs"
    np.testing.assert_array_equal(hand.desk.session.current.mask_on_file_grid(), mask.data)

    hand = next_hand(hand)
    table = folder / SUBJECT / "anat" / f"{SUBJECT}_space-T2star_discs.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    hand.desk.open_paths([exam_folder])
    hand.wait()
    kept = hand.desk.session.labelling
    _choose(hand, "T2*")
    assert hand.desk.session.labelling == kept
    assert _said(hand).endswith(OTHER_DISCS)
    assert hand.desk.session.unsaved


def test_a_dropped_scan_gets_its_saved_work_too(measured, exam_folder, next_hand):
    measured.press(measured.dock.measure_panel.save)
    before = _state(measured)
    hand = next_hand(measured)
    _drop(hand, exam_folder / "anat" / f"{SUBJECT}_T2w.nii.gz")
    hand.wait()
    hand.wait()
    _same(_state(hand), before)
    assert not hand.desk.session.unsaved


def test_a_mask_dropped_with_its_scan_is_kept(measured, exam_folder, truth, next_hand):
    measured.press(measured.dock.measure_panel.save)
    discs = measured.desk.session.labelling.discs
    hand = next_hand(measured)
    _drop(hand, exam_folder / "anat" / f"{SUBJECT}_T2w.nii.gz")
    _drop(hand, truth / f"{SUBJECT}_T2w_label-cord_mask.nii.gz", empty_slices=10)
    hand.wait()
    session = hand.desk.session
    assert not session.current.mask.data[:10].any()
    assert session.current.mask in hand.viewer.layers
    assert len(hand.viewer.layers) == 3
    assert session.labelling.discs == discs
    assert _said(hand).startswith("⚠ Work saved on ")
    assert _said(hand).endswith(MASK_IN_HAND)
    session.mark_saved()


def test_the_folder_used_last_is_where_the_exam_is_looked_for_and_saved(measured, exam_folder, tmp_path, monkeypatch):
    hand, elsewhere, offered = measured, tmp_path / "elsewhere", []
    monkeypatch.setattr(dialogs, "choose_output_folder", lambda _parent, suggestion: elsewhere)
    hand.press(hand.dock.measure_panel.save)
    before = _state(hand)
    shutil.copytree(exam_folder, tmp_path / "other" / SUBJECT)
    hand.desk.open_paths([tmp_path / "other" / SUBJECT])
    hand.wait()
    assert hand.desk.saver.home() == tmp_path / "other" / "derivatives" / "napari-spinalq"
    assert hand.desk.session.current.mask is None
    hand.desk.open_paths([exam_folder])
    hand.wait()
    _same(_state(hand), before)
    hand.desk.session.mark_unsaved()
    monkeypatch.setattr(dialogs, "choose_output_folder", lambda _parent, folder: offered.append(folder))
    hand.press(hand.dock.measure_panel.save)
    assert offered == [elsewhere]
    hand.desk.session.mark_saved()


def _drop(hand, path, *, empty_slices=0):
    """Drop a file on the image; its lowest slices may be emptied, so that it differs from what was saved."""
    for data, look, kind in get_reader(str(path))(str(path)):
        data[:empty_slices] = 0
        getattr(hand.viewer, f"add_{kind}")(data, **look)


def _give_mask(hand, data):
    session = hand.desk.session
    work = session.current
    session.set_mask(work, layers.add_mask(hand.viewer, np.asarray(data), work.scan, work.image), None)
    hand.wait()

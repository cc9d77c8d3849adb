"""The main job by hand: open, segment, label, measure, save, read back; and what happens when something is wrong."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication

from napari_spinalq.errors import CordNotFoundError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.gui import desk as desk_module
from napari_spinalq.gui import segmenting, settings
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.dialogs import Answer
from napari_spinalq.gui.display import Convention, Plane, current_plane
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.gui.samples import healthy
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.tables import discs_from_table
from tests.gui.conftest import SUBJECT, true_discs

pytestmark = pytest.mark.gui

METRICS = f"{SUBJECT}/{SUBJECT}_metrics.tsv"

DICE_NEEDED = 0.9
DISC_TOLERANCE_MM = 3.0


def _dice(one, other):
    return 2 * np.count_nonzero((one > 0) & (other > 0)) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.slow
def test_from_nothing_to_saved_results(opened, truth):
    hand, dock, session = opened, opened.dock, opened.desk.session
    assert "T2w · 0.8 × 0.8 × 0.8 mm" in dock.open_panel.scans.currentText()
    hand.press(dock.segment_panel.segment)
    assert dock.status.busy
    hand.wait()
    assert not dock.status.busy
    true_mask = load_mask(truth / f"{SUBJECT}_T2w_label-cord_mask.nii.gz")
    found = to_work_order(session.current.mask_on_file_grid(), session.current.scan.grid)[0]
    wanted = true_mask.in_work_order().data
    covered = wanted.any(axis=(1, 2))
    assert _dice(found[covered], wanted[covered]) > DICE_NEEDED

    discs = {disc.name: disc for disc in true_discs(truth)}
    panel = dock.levels_panel
    assert panel.hint_disc.currentText() == "C2-C3"
    hand.press(panel.hint)
    assert current_plane(hand.viewer) is Plane.SAGITTAL
    hand.click(mm_to_world(discs["C2-C3"].position_mm, session.current.scan.grid))
    hand.wait()
    assert not panel.hint.isChecked()
    assert session.labelling.confirmed
    assert "confirmed (C2-C3" in panel.state.text()
    for disc in session.labelling.discs:
        if disc.name in ("C2-C3", "C3-C4", "C4-C5", "C5-C6", "C6-C7"):
            apart = np.linalg.norm(np.subtract(disc.position_mm, discs[disc.name].position_mm))
            assert apart < DISC_TOLERANCE_MM, disc.name

    shown = {row["level"]: row for row in dock.measure_panel.model.rows()}
    assert session.unsaved
    hand.press(dock.measure_panel.save)
    assert not session.unsaved
    _check_written(opened, shown)


def _check_written(hand, shown):
    session = hand.desk.session
    folder = hand.desk.saver.folder
    anat = folder / SUBJECT / "anat"
    scan = session.current.scan
    mask = load_mask(anat / f"{SUBJECT}_space-T2w_label-cord_mask.nii.gz", like=scan.grid)
    np.testing.assert_array_equal(mask.data, session.current.mask_on_file_grid())
    np.testing.assert_array_equal(mask.grid.affine, scan.grid.affine)
    levels = load_levels(anat / f"{SUBJECT}_space-T2w_label-levels_dseg.nii.gz", like=scan.grid)
    assert set(np.unique(levels.data)) - {0} == {row["number"] for row in shown.values()}
    table = pd.read_csv(anat / f"{SUBJECT}_space-T2w_discs.tsv", sep="\t")
    for saved, disc in zip(discs_from_table(table), session.labelling.discs, strict=True):
        assert (saved.number, saved.origin) == (disc.number, disc.origin)
        np.testing.assert_allclose(saved.position_mm, disc.position_mm, atol=1e-3)
    metrics = pd.read_csv(folder / METRICS, sep="\t").query("metric == 'area'").set_index("level")["value"]
    for level, row in shown.items():
        assert metrics[level] == pytest.approx(row["area_mm2"], rel=1e-6)
    sidecar = json.loads((anat / f"{SUBJECT}_space-T2w_label-cord_mask.json").read_text())
    assert sidecar["Sources"][0]["SHA256"] == scan.source.sha256
    assert sidecar["Parameters"]["edited_by_hand"] is False


def test_painting_is_saved_and_said(measured):
    hand, session = measured, measured.desk.session
    hand.click_row("C4")
    hand.press(hand.dock.segment_panel.paint)
    work = session.current
    centre = mm_to_world(work.centerline.points_mm, work.scan.grid)
    centre = centre[np.argmin(np.abs(centre[:, 0] - hand.viewer.dims.point[-3]))]
    hand.drag(centre + np.array([0, 3.5, 0]), centre + np.array([0, 4, 2]))
    hand.wait()
    hand.press(hand.dock.measure_panel.save)
    path = hand.desk.saver.folder / SUBJECT / "anat" / f"{SUBJECT}_space-T2w_label-cord_mask.nii.gz"
    np.testing.assert_array_equal(load_mask(path).data, work.mask_on_file_grid())
    assert json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())["Parameters"]["edited_by_hand"]


def test_earlier_results_are_not_replaced_unasked(measured, answers):
    hand, session = measured, measured.desk.session
    hand.press(hand.dock.measure_panel.save)
    metrics = hand.desk.saver.folder / METRICS
    metrics.write_text("kept")
    session.mark_unsaved()
    answers["overwrite"] = False
    hand.press(hand.dock.measure_panel.save)
    assert answers["asked"] == ["overwrite"]
    assert metrics.read_text() == "kept"
    assert session.unsaved
    answers["overwrite"] = True
    hand.press(hand.dock.measure_panel.save)
    assert metrics.read_text() != "kept"
    assert not session.unsaved


def test_closing_with_unsaved_edits_asks_and_stays_if_told_so(measured, answers):
    measured.desk.session.mark_unsaved()
    answers["unsaved"] = Answer.CANCEL
    event = QCloseEvent()
    QApplication.sendEvent(measured.viewer.window._qt_window, event)
    assert answers["asked"] == ["unsaved"]
    assert not event.isAccepted()
    assert measured.viewer.window._qt_window.isVisible()
    measured.desk.session.mark_saved()


@pytest.mark.parametrize("answer", [Answer.DISCARD, Answer.SAVE])
def test_closing_with_unsaved_edits_asks_and_goes(measured, answers, answer):
    desk, expected = measured.desk, measured.desk.saver.suggestion() / METRICS
    desk.session.mark_unsaved()
    answers["unsaved"] = answer
    assert desk.may_close()
    assert answers["asked"] == ["unsaved"]
    assert expected.exists() is (answer is Answer.SAVE)
    assert desk.session.unsaved is (answer is Answer.DISCARD)


def test_closing_without_edits_asks_nothing(measured, answers):
    measured.viewer.close()
    assert answers["asked"] == []


def test_cancel_stops_the_work_and_changes_nothing(opened, monkeypatch):
    def endless(scan, *, at, prepared, progress):
        while True:
            progress(0.5, "working")
            time.sleep(0.01)

    monkeypatch.setattr(segmenting, "segment_cord", endless)
    opened.press(opened.dock.segment_panel.segment)
    opened._qtbot.waitUntil(lambda: opened.dock.status.bar.value() == 75)
    opened.press(opened.dock.status.cancel)
    opened.wait()
    assert opened.desk.session.current.mask is None
    assert "Cancelled" in opened.dock.status.line.text()


def test_no_cord_says_how_to_go_on_and_a_click_gives_the_place(opened, monkeypatch, truth):
    asked = []

    def blind(scan, *, at, prepared, progress):
        asked.append(at)
        raise CordNotFoundError("none")

    monkeypatch.setattr(segmenting, "segment_cord", blind)
    opened.press(opened.dock.segment_panel.segment)
    opened.wait()
    assert opened.dock.status.line.text().endswith(desk_module.POINT_AT_THE_CORD)
    opened.press(opened.dock.segment_panel.click)
    wanted = np.append(opened.viewer.dims.point[-1:], (7.0, 11.0))  # x of the plane on display; y and z are clicked
    opened.click(mm_to_world(wanted, opened.desk.session.current.scan.grid))
    opened.wait()
    assert asked[0] is None
    np.testing.assert_allclose(asked[1], wanted, atol=0.6)
    assert not opened.dock.segment_panel.click.isChecked()


def test_a_drag_to_pan_is_no_click(opened):
    taken = []
    opened.desk.picker.wait(taken.append, lambda: None)
    centre = np.asarray(opened.viewer.dims.point[-3:])
    opened.drag(centre, centre + 10, centre + 20)
    assert not taken
    assert opened.desk.picker.waiting


def test_a_damaged_file_gives_one_sentence(hand, tmp_path):
    bad = tmp_path / "sub-01_T2w.nii.gz"
    bad.write_bytes(b"\x1f\x8b broken")
    hand.desk.open_paths([bad])
    hand.wait()
    assert str(bad) in hand.dock.status.line.text()
    assert hand.desk.session.current is None


def test_a_folder_without_scans_gives_one_sentence(hand, tmp_path):
    hand.desk.open_paths([tmp_path])
    assert "holds no NIfTI scan" in hand.dock.status.line.text()


def test_opening_another_exam_asks_about_unsaved_edits(measured, answers, exam_folder):
    measured.desk.session.mark_unsaved()
    answers["unsaved"] = Answer.CANCEL
    measured.desk.open_paths([exam_folder])
    assert measured.desk.session.current.mask is not None
    answers["unsaved"] = Answer.DISCARD
    measured.desk.open_paths([exam_folder])
    measured.wait()
    assert measured.desk.session.current.mask is None
    assert not measured.desk.session.labelling.discs


def test_another_scan_takes_its_place_and_keeps_the_discs(measured):
    hand, panel = measured, measured.dock.open_panel
    names = [panel.scans.itemText(index) for index in range(panel.scans.count())]
    assert any("DWI with bval and bvec" in name for name in names)
    other = next(index for index, name in enumerate(names) if "T2*" in name)
    panel.scans.setCurrentIndex(other)
    panel.scans.activated.emit(other)
    hand.wait()
    assert current_plane(hand.viewer) is Plane.AXIAL
    assert [layer.name for layer in hand.viewer.layers] == [f"{SUBJECT}_T2star", "Discs"]
    assert hand.viewer.dims.range[0].step == pytest.approx(5.0, rel=1e-6)
    assert "C3-C4" in list(hand.desk.editor.layer.features["disc"])
    back = next(index for index, name in enumerate(names) if "T2w" in name)
    hand.desk.opener.choose(back)
    hand.wait()
    assert hand.desk.session.current.mask in hand.viewer.layers
    assert hand.dock.measure_panel.model.rows()


def test_a_diffusion_scan_has_a_slider_for_its_volumes(opened):
    files = opened.desk.session.exam.files
    index = next(index for index, file in enumerate(files) if "dwi" in file.name)
    assert files[index].bval is not None
    assert files[index].bvec is not None
    opened.desk.opener.choose(index)
    opened.wait()
    scan = load_scan(files[index].path)
    assert opened.viewer.dims.axis_labels[0] == "volume"
    assert opened.viewer.dims.nsteps[0] == scan.volumes
    assert opened.desk.marks.letters()["left"] == "R"


def test_a_dropped_scan_and_its_dropped_mask_are_taken_up(hand, exam_folder, truth):
    from napari_spinalq.gui.reader import get_reader

    scan_path = str(exam_folder / "anat" / f"{SUBJECT}_T2w.nii.gz")
    mask_path = str(truth / f"{SUBJECT}_T2w_label-cord_mask.nii.gz")
    for path in (scan_path, mask_path):
        for data, look, kind in get_reader(path)(path):
            getattr(hand.viewer, f"add_{kind}")(data, **look)
        hand.wait()
    work = hand.desk.session.current
    assert work.scan.source.path.name == f"{SUBJECT}_T2w.nii.gz"
    assert work.mask is not None
    assert work.centerline is not None
    np.testing.assert_array_equal(work.mask_on_file_grid(), load_mask(mask_path).data)


def test_the_reader_refuses_what_is_not_nifti():
    from napari_spinalq.gui.reader import get_reader

    assert get_reader("scan.png") is None
    assert get_reader(["a.nii", "b.nii.gz"]) is not None


@pytest.mark.slow
def test_sample_data_arrive_with_the_best_scan_in_hand(hand):
    for data, look, kind in healthy():
        getattr(hand.viewer, f"add_{kind}")(data, **look)
    hand.wait()
    assert hand.desk.session.current.scan.contrast == "t2w"
    assert len(hand.desk.session.works) == len(hand.desk.session.exam.files) > 3


def test_a_closed_dock_leaves_the_work_and_a_new_one_shows_it(measured, qtbot):
    hand = measured
    before = [dict(row) for row in hand.dock.measure_panel.model.rows()]
    hand.viewer.window.remove_dock_widget(hand.dock)
    hand.dock.deleteLater()
    hand.dock = None
    qtbot.wait(50)
    hand.desk.session.mark_unsaved()
    dock = SpinalCordDock(hand.viewer)
    hand.viewer.window.add_dock_widget(dock, name="again", area="right")
    assert dock.desk is hand.desk
    assert [dict(row) for row in dock.measure_panel.model.rows()] == before


def test_names_can_be_confirmed_without_a_click(measured):
    from dataclasses import replace

    session, panel = measured.desk.session, measured.dock.levels_panel
    session.set_labelling(replace(session.labelling, confirmed=False))
    assert "unconfirmed" in panel.state.text()
    measured.press(panel.confirm)
    assert session.labelling.confirmed
    assert "Levels confirmed" in panel.state.text()


def test_the_side_of_the_patient_can_be_changed(opened):
    bar = opened.dock.view_bar
    opened.desk.show_plane(Plane.AXIAL)
    assert opened.desk.marks.letters()["left"] == "R"
    bar.convention.setCurrentIndex(list(Convention).index(Convention.NEUROLOGICAL))
    bar.convention.activated.emit(bar.convention.currentIndex())
    assert opened.desk.marks.letters()["left"] == "L"
    assert settings.convention() is Convention.NEUROLOGICAL


@pytest.mark.parametrize(("key", "plane"), [("F2", Plane.AXIAL), ("F4", Plane.CORONAL), ("F3", Plane.SAGITTAL)])
def test_shortcuts(opened, qtbot, key, plane):
    qtbot.keyClick(opened.viewer.window._qt_viewer.canvas.native, getattr(Qt.Key, f"Key_{key}"))
    qtbot.waitUntil(lambda: current_plane(opened.viewer) is plane)


def test_the_dock_fits_a_small_screen(measured):
    size = measured.dock.minimumSizeHint()
    assert size.width() <= 380
    assert size.height() <= 690


def test_an_exam_opened_while_another_is_being_read_is_the_one_that_is_shown(hand, exam_folder):
    other = sample_folder() / "sub-als01" / "anat" / "sub-als01_T2star.nii.gz"
    hand.desk.open_paths([exam_folder])
    hand.desk.open_paths([other])
    hand.wait()
    assert hand.desk.session.exam.subject == "als01"
    assert hand.desk.session.current.scan.source.path == other.resolve()
    assert [layer.name for layer in hand.viewer.layers] == ["sub-als01_T2star"]


def test_the_scan_chosen_last_is_the_one_that_is_shown(hand, exam_folder):
    hand.desk.open_paths([exam_folder])
    names = [file.name for file in hand.desk.session.exam.files]
    for name in names:
        hand.desk.opener.choose(names.index(name))
    hand.wait()
    assert hand.desk.session.current.scan.name == names[-1]

"""A round of five cases by real key events: nothing but keys, and every rating on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu

from napari_spinalq.gui import dialogs
from napari_spinalq.gui.display import Plane, current_plane
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.gui.worklist import controller
from napari_spinalq.gui.worklist.case_view import ONLY_LOOKING
from napari_spinalq.gui.worklist.controller import ALL_RATED, CHANGED_ON_DISK, SHOWN_AGAIN
from napari_spinalq.gui.worklist.round_keys import RoundKeys
from napari_spinalq.io.sidecar import AUTHOR_VARIABLE
from napari_spinalq.quality.worklist import rating_file
from napari_spinalq.quality.worklist.rating_file import STATE_VARIABLE
from napari_spinalq.quality.worklist.ratings import read_table, standing
from tests.gui.conftest import LIMIT_MS, Hand
from tests.quality.cases import CENTRE, cord, write_image, write_mask

pytestmark = [pytest.mark.gui, pytest.mark.slow]

Key = Qt.Key
LEAK_Z, GAP_Z = 8, 5


class Rater:
    """Presses keys wherever the focus is, and waits as a person would."""

    def __init__(self, hand: Hand, qtbot) -> None:
        self.dock, self.desk, self.viewer, self._qtbot = hand.dock, hand.desk, hand.viewer, qtbot
        self.worklist, self.panel = hand.desk.worklist, hand.dock.worklist_page.panel
        self.told: list[tuple[str, str]] = []
        self.worklist.told.connect(lambda *words: self.told.append(words))

    def open(self, folder: Path) -> None:
        self.dock.show_page("QC")
        self.worklist.open_folder(folder)
        self._qtbot.waitUntil(lambda: self.worklist.round is not None, timeout=LIMIT_MS)
        self._qtbot.waitUntil(self._all_read, timeout=LIMIT_MS)
        self.wait()

    def press(self, *keys, on=None) -> None:
        window = self.viewer.window._qt_window
        for key in keys:
            QTest.keyClick(on or window.focusWidget() or window, key)
            self.wait()

    def type(self, text: str) -> None:
        QTest.keyClicks(self.viewer.window._qt_window.focusWidget(), text)

    def wait(self) -> None:
        self._qtbot.wait(20)
        self._qtbot.waitUntil(
            lambda: not self.worklist.busy and not self.desk.runner.busy and self.desk.measurer.settled,
            timeout=LIMIT_MS,
        )

    @property
    def case(self) -> str:
        """The case at hand; it must be what is on display and what is marked in the list."""
        name = self.worklist.case.name
        assert self.desk.session.current.scan.name == name
        assert self.panel.model.row(self.panel.list.currentIndex().row()).title == name
        return name

    def rows(self) -> dict[str, str]:
        """Return what the list says of the rating of each case."""
        rows = (self.panel.model.row(place) for place in range(self.panel.model.rowCount()))
        return {row.title: row.rating for row in rows}

    def _all_read(self) -> bool:
        return all(self.worklist.reader.summary(case) for case in self.worklist.round.found.cases)


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setattr(controller, "FOLLOW_S", 60.0)  # however slow the machine is, the worst case comes first
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    monkeypatch.setenv(AUTHOR_VARIABLE, "ann")


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder with five results: c leaks most, e has a gap, the others are good."""
    place = tmp_path / "results"
    for seed, name in enumerate("abcde"):
        write_image(place / f"{name}.nii.gz", seed)
        mask = cord()
        if name == "c":
            mask[15:28, 10:15, LEAK_Z] = 1
        if name == "e":
            mask[..., GAP_Z] = 0
        write_mask(place / f"{name}_seg.nii.gz", mask)
    return place


@pytest.fixture
def rater(hand, qtbot) -> Iterator[Rater]:
    made = Rater(hand, qtbot)
    yield made
    made.desk.session.mark_saved()
    vars(made).clear()


def ratings(folder):
    rows = read_table((folder / "ratings.tsv").read_text(), "ratings").rows
    return {row.case: (str(row.verdict), row.comment) for row in standing(rows).values()}


def test_five_cases_are_rated_by_keys_alone(rater, folder):
    rater.open(folder)
    assert rater.case == "c", "the worst comes first"
    assert rater.worklist.round.ordered()[1].name == "e"
    rater.press(Key.Key_C)
    assert rater.panel.comment.isVisible()
    rater.press(Key.Key_1)
    rater.type(" at one slice, 123")
    rater.press(Key.Key_Return)
    assert not rater.panel.comment.isVisible()
    rater.press(Key.Key_2)
    assert rater.case == "e"
    rater.press(Key.Key_3)
    assert rater.case == "a"
    for _ in range(3):
        rater.press(Key.Key_1)
    assert rater.told[-1] == ("good", ALL_RATED)
    assert ratings(folder) == {
        "c": ("fail", "leak out of the cord at one slice, 123"),
        "e": ("artefact", ""),
        **dict.fromkeys("abd", ("pass", "")),
    }
    assert rater.rows()["c"] == "fail · ann"
    assert "- c.nii.gz" in (folder / "qc_fail.yml").read_text()
    assert "- e.nii.gz" in (folder / "qc_artifact.yml").read_text()


def test_up_and_down_go_through_the_list_and_stop_at_its_ends(rater, folder):
    rater.open(folder)
    rater.press(Key.Key_Up)
    assert rater.case == "c"
    rater.press(Key.Key_Down, Key.Key_J)
    assert rater.case == "a"
    rater.press(Key.Key_K)
    assert rater.case == "e"
    rater.press(*[Key.Key_J] * 9)
    assert rater.case == "d"


def test_undo_takes_the_last_rating_back_and_shows_its_case(rater, folder):
    rater.open(folder)
    rater.press(Key.Key_2, Key.Key_1)
    assert rater.case == "a"
    rater.press(Key.Key_U)
    assert rater.case == "e"
    assert ratings(folder) == {"c": ("fail", "")}
    rater.press(Key.Key_U)
    assert rater.case == "c"
    rater.press(Key.Key_U)
    assert "no rating" in rater.told[-1][1]


def test_a_reason_goes_with_its_rating_and_not_with_another(rater, folder):
    rater.open(folder)
    rater.press(Key.Key_2, Key.Key_Up)
    assert rater.case == "c"
    rater.press(Key.Key_C, Key.Key_5, Key.Key_Return)
    assert ratings(folder) == {"c": ("fail", "motion")}
    rater.press(Key.Key_1)
    assert ratings(folder) == {"c": ("pass", "")}


def test_f_goes_to_the_flagged_slice(rater, folder):
    rater.open(folder)
    rater.press(Key.Key_F)
    assert current_plane(rater.viewer) is Plane.AXIAL
    assert rater.viewer.dims.current_step[-3] == LEAK_Z
    assert rater.viewer.scene.camera.center[1:] == pytest.approx((CENTRE[1], CENTRE[0]), abs=4)


def test_a_case_is_only_looked_at_until_e_opens_it(rater, folder, qtbot):
    rater.open(folder)
    work = rater.desk.session.current
    assert rater.desk.session.read_only == ONLY_LOOKING
    assert not work.mask.editable
    rater.press(Key.Key_E)
    assert rater.dock.pages.tabText(rater.dock.pages.currentIndex()) == "Correct"
    assert rater.desk.session.current is work
    assert rater.desk.session.read_only == ""
    assert work.mask.editable
    assert rater.viewer.dims.current_step[-3] == LEAK_Z
    rater.desk.edits.change(work, "cord", {LEAK_Z: np.asarray(work.mask.data)[LEAK_Z - 1]}, "copy")
    rater.wait()
    assert rater.desk.session.unsaved


def test_unsaved_edits_are_not_left_without_a_question(rater, folder, answers):
    rater.open(folder)
    rater.press(Key.Key_E)
    work = rater.desk.session.current
    rater.desk.edits.change(work, "cord", {LEAK_Z: np.asarray(work.mask.data)[LEAK_Z - 1]}, "copy")
    rater.dock.show_page("QC")
    answers["unsaved"] = dialogs.Answer.CANCEL
    rater.press(Key.Key_J)
    assert rater.desk.session.current is work
    assert rater.worklist.case.name == "c"
    rater.press(Key.Key_1)
    assert not (folder / "ratings.tsv").exists(), "an edited mask is not what the file holds"
    answers["unsaved"] = dialogs.Answer.DISCARD
    rater.press(Key.Key_J)
    assert rater.case == "e"
    assert not rater.desk.session.unsaved


def test_a_round_goes_on_where_it_was_left(rater, folder, make_napari_viewer, qtbot):
    rater.open(folder)
    rater.press(Key.Key_2, Key.Key_1)
    viewer = make_napari_viewer(show=True)
    again = Rater(Hand(SpinalCordDock(viewer), qtbot), qtbot)
    viewer.window.add_dock_widget(again.dock, name="Spinal Cord", area="right")
    rater.dock.show_page("Exam")
    again.open(folder)
    assert again.case == "a"
    assert again.rows()["c"] == "fail · ann"
    assert "2 of 5" in again.panel.progress.text()
    again.worklist.set_rater("bo")
    again.wait()
    assert again.rows()["c"] == "", "a second read is blind"
    again.press(Key.Key_K, Key.Key_K, Key.Key_1)
    assert again.rows()["c"] == "pass · bo · ann: fail"
    again.worklist.told.disconnect()
    vars(again).clear()


def test_a_mask_that_changed_since_it_was_rated_has_to_be_rated_again(rater, folder):
    rater.open(folder)
    rater.press(Key.Key_2)
    write_mask(folder / "c_seg.nii.gz")
    rater.dock.show_page("Exam")
    rater.dock.show_page("QC")
    rater.wait()
    assert rater.rows()["c"] == "fail, changed since rated · ann"
    assert "0 of 5" in rater.panel.progress.text()


def test_a_mask_that_changes_while_it_is_shown_is_shown_anew_before_it_is_rated(rater, folder):
    rater.open(folder)
    write_mask(folder / "c_seg.nii.gz", cord(4))
    rater.press(Key.Key_1)
    assert ("warn", CHANGED_ON_DISK) in rater.told
    assert not (folder / "ratings.tsv").exists()
    shown = np.asarray(rater.desk.session.current.mask.data)
    assert rater.case == "c"
    assert shown.sum() == cord(4).sum()
    rater.press(Key.Key_1)
    assert ratings(folder) == {"c": ("pass", "")}


def test_what_is_rated_is_what_is_on_display(rater, folder, exam_folder):
    rater.open(folder)
    rater.desk.open_paths([exam_folder])
    rater.wait()
    rater.press(Key.Key_1)
    assert rater.told[-1] == ("warn", SHOWN_AGAIN)
    assert rater.case == "c"
    assert not (folder / "ratings.tsv").exists()


def test_a_result_that_cannot_be_read_is_told_and_can_be_failed(rater, folder):
    nib.save(nib.Nifti1Image(3 * cord(), nib.load(folder / "a_seg.nii.gz").affine), folder / "a_seg.nii.gz")
    write_mask(folder / "a_seg.nii.gz", 3 * cord())
    rater.open(folder)
    assert rater.worklist.case.name == "a"
    assert rater.desk.session.current is None, "no other case stays on display in its place"
    assert "values from 0 to 3" in rater.panel.flags.text()
    rater.press(Key.Key_2)
    assert ratings(folder) == {"a": ("fail", "")}


def test_a_folder_that_cannot_be_written_is_told_and_the_round_goes_on(rater, folder, monkeypatch):
    def refuse(path, *_args, **_settings):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(rating_file, "write_whole", refuse)
    rater.open(folder)
    rater.press(Key.Key_2)
    assert any(kind == "bad" and "kept in memory" in text for kind, text in rater.told)
    assert rater.case == "e"
    assert rater.rows()["c"] == "fail · ann"
    monkeypatch.undo()
    rater.press(Key.Key_1)
    assert sorted(ratings(folder)) == ["c", "e"]


def test_masks_without_an_image_are_in_the_list_with_the_reason(rater, folder):
    (folder / "b.nii.gz").rename(folder.parent / "b.nii.gz")
    rater.open(folder)
    last = rater.panel.model.row(4)
    assert last.title == "b_seg.nii.gz"
    assert "No image was found" in last.words
    assert rater.panel.images.isVisible()
    rater.press(*[Key.Key_J] * 9)
    assert rater.case == "d", "keys pass it over"


def test_a_folder_without_results_is_refused_in_words(rater, tmp_path, qtbot):
    rater.dock.show_page("QC")
    rater.worklist.open_folder(tmp_path)
    rater.wait()
    assert rater.told[-1][0] == "bad"
    assert "holds no cord mask" in rater.told[-1][1]


def test_keys_reach_neither_napari_nor_text_fields_nor_other_pages(rater, folder):
    rater.open(folder)
    mask = rater.desk.session.current.mask
    rater.viewer.layers.selection.active = mask
    mode, canvas = str(mask.mode), rater.viewer.window._qt_viewer.canvas.native
    rater.press(Key.Key_2, on=canvas)
    assert str(mask.mode) == mode
    assert ratings(folder) == {"c": ("fail", "")}
    rater.press(Key.Key_1, Key.Key_J, on=rater.panel.rater)
    assert rater.panel.rater.text().endswith("1j")
    assert ratings(folder) == {"c": ("fail", "")}
    rater.dock.show_page("Exam")
    rater.press(Key.Key_1, on=canvas)
    rater.press(Key.Key_J, on=rater.dock)
    assert ratings(folder) == {"c": ("fail", "")}
    QTest.keyClick(canvas, Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert ratings(folder) == {"c": ("fail", "")}


def test_keys_with_ctrl_and_keys_in_menus_are_left_alone(rater, folder):
    rater.open(folder)
    QTest.keyClick(rater.panel.list, Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    rater.wait()
    menu = QMenu(rater.dock)
    menu.addAction("nothing")
    menu.popup(rater.dock.mapToGlobal(rater.dock.rect().center()))
    QApplication.processEvents()
    rater.press(Key.Key_1, on=rater.panel.list)
    menu.close()
    assert not (folder / "ratings.tsv").exists()


def test_the_filter_is_gone_with_the_page(rater, folder, qtbot):
    pressed = []
    page = rater.dock.worklist_page
    keys = RoundKeys(page, {Key.Key_Z: lambda: pressed.append(1)})
    keys.set_on(True)
    QTest.keyClick(page, Key.Key_Z)
    keys.set_on(False)
    QTest.keyClick(page, Key.Key_Z)
    assert pressed == [1]


def test_only_few_cases_are_kept_in_memory(rater, folder):
    rater.open(folder)
    for _ in range(4):
        rater.press(Key.Key_J)
    assert len(rater.worklist.reader._shelf) <= 4

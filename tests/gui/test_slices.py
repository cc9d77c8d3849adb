"""Slices are untouched, checked or edited: by key and button, in the strip, in files, and after reopening."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_spinalq.derivatives.tables import measure_files
from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.drawing.slices import Status

pytestmark = pytest.mark.gui

SLICE = 90
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def reading(measured):
    """Return a hand that reads slice after slice."""
    measured.dock.pages.setCurrentWidget(measured.dock.tools_panel)
    measured.desk.slices.go_to(SLICE)
    measured.desk.segmenter.close_in(Plane.AXIAL)
    return measured


def _dab(hand):
    """Paint a dab beside the cord in the slice that is shown."""
    hand.desk.tools.use("paint")
    mask = hand.desk.session.current.mask.data
    here = hand.desk.slices.here()
    hand.click(hand.world(np.array([here, *np.argwhere(mask[here]).mean(axis=0)]) + np.array([0, 8, 0])))


def test_accepting_goes_down_to_the_next_slice(reading):
    hand = reading
    for _ in range(3):
        hand.key(Qt.Key.Key_G)
    assert hand.desk.session.current.checked == {SLICE, SLICE - 1, SLICE - 2}
    assert hand.desk.slices.here() == SLICE - 3
    text = hand.dock.tools_panel.account.text()
    assert text.startswith(f"Slice {SLICE - 3} ")
    assert "untouched" in text
    assert "0 edited, 3 checked of" in text
    assert hand.desk.session.unsaved


def test_an_edit_of_a_checked_slice_makes_it_edited(reading):
    hand = reading
    hand.key(Qt.Key.Key_G)
    hand.desk.slices.go_to(SLICE)
    assert hand.desk.slices.state().status[SLICE] == Status.CHECKED
    _dab(hand)
    state = hand.desk.slices.state()
    assert state.status[SLICE] == Status.EDITED
    assert "edited" in hand.dock.tools_panel.account.text()
    record = hand.desk.session.current.record()
    assert record["edited_slices"] == [SLICE]
    assert record["checked_slices"] == []


def test_an_acceptance_can_be_taken_back(reading):
    hand, told = reading, []
    hand.desk.session.checked_changed.connect(lambda _work, before, after: told.append((set(before), set(after))))
    hand.key(Qt.Key.Key_G)
    hand.desk.slices.go_to(SLICE)
    hand.key(Qt.Key.Key_G, SHIFT)
    assert hand.desk.session.current.checked == frozenset()
    assert told == [(set(), {SLICE}), ({SLICE}, set())]


def test_the_next_slice_is_one_that_nobody_looked_at(reading):
    hand = reading
    hand.desk.session.set_checked(hand.desk.session.current, {SLICE - 1, SLICE - 2})
    hand.key(Qt.Key.Key_N)
    assert hand.desk.slices.here() == SLICE - 3
    held = np.flatnonzero(hand.desk.slices.state().held)
    hand.desk.slices.go_to(int(held[0]))
    hand.key(Qt.Key.Key_N)
    assert hand.desk.slices.here() == held[-1], "below the lowest it begins at the top"


def test_a_slice_without_cord_is_not_accepted(reading):
    hand = reading
    hand.desk.slices.go_to(10_000)
    empty = hand.desk.slices.here()
    assert not hand.desk.session.current.mask.data[empty].any()
    hand.key(Qt.Key.Key_G)
    assert hand.desk.session.current.checked == frozenset()
    assert "holds no cord" in hand.dock.status.line.text()


@pytest.mark.parametrize("plane", [Plane.AXIAL, Plane.SAGITTAL])
def test_keys_step_through_slices_and_levels(reading, plane):
    hand = reading
    hand.desk.show_plane(plane)
    hand.desk.slices.go_to(SLICE)
    hand.key(Qt.Key.Key_Up)
    assert hand.desk.slices.here() == SLICE + 1
    hand.key(Qt.Key.Key_Down)
    hand.key(Qt.Key.Key_Down)
    assert hand.desk.slices.here() == SLICE - 1
    levels = hand.desk.measurer.levels()
    level = next(int(one) for one, own in zip(levels.level, levels.slices, strict=True) if SLICE - 1 in own)
    for key, wanted in ((Qt.Key.Key_PageDown, level + 1), (Qt.Key.Key_PageUp, level), (Qt.Key.Key_PageUp, level - 1)):
        hand.key(key)
        own = levels.slices[list(levels.level).index(wanted)]
        assert hand.desk.slices.here() == own[len(own) // 2]


def test_the_strip_shows_the_slices_and_goes_where_it_is_clicked(reading, qtbot):
    hand, strip = reading, reading.dock.tools_panel.strip
    shown = strip.slices()
    held = np.flatnonzero(hand.desk.slices.state().held)
    assert (shown[0], shown[-1]) == (held[-1], held[0]), "superior on the left"
    x = int((shown.index(70) + 0.5) * strip.width() / len(shown))
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(x, 5))
    assert abs(hand.desk.slices.here() - 70) <= 1
    before = strip.grab().toImage()
    hand.desk.session.set_checked(hand.desk.session.current, set(range(60, 80)))
    assert strip.grab().toImage() != before


def test_the_account_is_saved_and_comes_back(reading, exam_folder):
    hand = reading
    for _ in range(2):
        hand.key(Qt.Key.Key_G)
    _dab(hand)
    hand.wait()
    assert hand.desk.save()
    assert not hand.desk.session.unsaved
    mask = next(hand.desk.saver.folder.rglob("*label-cord_mask.nii.gz"))
    table, _ = measure_files(mask, None, per="slice", table_format="tidy")
    review = table[table["metric"] == "review"].set_index("slice")["value"]
    assert review[review > 0].to_dict() == {str(SLICE): 1, str(SLICE - 1): 1, str(SLICE - 2): 2}
    hand.desk.open_paths([exam_folder])
    hand.wait()
    assert hand.desk.session.current.checked == {SLICE, SLICE - 1}
    status = hand.desk.slices.state().status
    assert np.flatnonzero(status == Status.CHECKED).tolist() == [SLICE - 1, SLICE]
    assert np.flatnonzero(status == Status.EDITED).tolist() == [SLICE - 2]
    assert not hand.desk.session.unsaved


def test_another_mask_as_a_whole_is_not_checked(reading):
    hand = reading
    hand.key(Qt.Key.Key_G)
    work = hand.desk.session.current
    hand.desk.session.set_mask(work, work.mask, work.centerline)
    assert work.checked == frozenset()


def test_a_checked_slice_stays_when_the_others_follow(reading):
    hand = reading
    hand.key(Qt.Key.Key_G)
    _dab(hand)
    kept = hand.desk.session.current.mask.data[SLICE].copy()
    hand.key(Qt.Key.Key_F7, CONTROL)
    hand.wait()
    work = hand.desk.session.current
    np.testing.assert_array_equal(work.mask.data[SLICE], kept)
    assert SLICE in work.checked
    assert not work.edited_slices()[SLICE]

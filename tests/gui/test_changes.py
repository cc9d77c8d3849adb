"""What edits did to a level, driven by the brush."""

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.panels.change_panel import HEIGHT, ChangePanel
from napari_spinalq.gui.readers.changes import NO_LEVELS, NOTHING_TO_COMPARE, change_rows, connect_changes
from napari_spinalq.levels.discs import Labelling


@pytest.fixture
def shown(measured, qtbot):
    """Return a hand on a measured exam, and the panel beside it."""
    panel = ChangePanel()
    qtbot.addWidget(panel)
    panel.resize(360, HEIGHT)
    panel.show()
    measured.desk.attach(panel, connect_changes(measured.desk, measured.desk.changes, panel))
    measured.desk.changes.tell()
    made = SimpleNamespace(hand=measured, desk=measured.desk, panel=panel)
    yield made
    vars(made).clear()  # pytest keeps fixtures until the next test, and napari checks that its windows are gone


def _row(shown, level):
    return next(row for row in shown.panel.model.rows() if row["level"] == level)


def _paint_beside_cord(hand, level=4):
    """Paint a stroke in front of the cord in the middle slice of a level; return how many voxels that changed."""
    desk = hand.desk
    desk.show_plane(Plane.AXIAL)
    desk.measurer.go_to_level(level)
    desk.tools.use_in_cross_section("paint")
    before = np.asarray(desk.session.current.mask.data).copy()
    centre = np.asarray(hand.viewer.dims.point[-3:])
    hand.drag(centre + np.array([0, 6, -2]), centre + np.array([0, 6, 2]))
    hand.wait()
    return int((desk.session.current.mask.data != before).sum())


def test_an_automatic_mask_is_unchanged(shown):
    rows = change_rows(shown.desk.changes.changes())
    assert len(rows) > 5
    assert {row["sign"] for row in rows} == {"="}
    assert {row["dice"] for row in rows} == {1.0}
    assert not shown.panel.model.rows()
    assert not shown.panel.same.isHidden()
    assert shown.panel.note.isHidden()


def test_a_stroke_tells_dice_areas_and_what_the_change_means(shown):
    work = shown.desk.session.current
    voxels = _paint_beside_cord(shown.hand)
    assert voxels > 0
    row = _row(shown, "C4")
    slices = next(s for n, s in zip(*_levels(shown), strict=True) if n == 4)
    after = int((np.asarray(work.mask.data)[list(slices)] > 0).sum())
    assert row["dice"] == pytest.approx(2 * (after - voxels) / (2 * after - voxels))
    assert row["after"] == pytest.approx(
        shown.desk.measurer.levels().mean["area_mm2"][list(_levels(shown)[0]).index(4)]
    )
    assert row["sign"] == "≈"
    assert "within rescan noise" in row["sign_tip"]
    assert "C2" not in [row["level"] for row in shown.panel.model.rows()]
    assert shown.panel.same.isHidden()


def _levels(shown):
    levels = shown.desk.measurer.levels()
    return levels.level.tolist(), levels.slices


def test_polishing_is_called_settled_after_three_small_strokes(shown):
    for number in range(3):
        assert shown.panel.hint.isHidden()
        _paint_stroke(shown.hand, number)
    assert "C4" in shown.panel.hint.text()
    assert "changes nothing measurable" in shown.panel.hint.text()


def test_a_level_with_a_leak_in_one_slice_is_not_called_settled(shown):
    hand, work = shown.hand, shown.desk.session.current
    numbers, slices = _levels(shown)
    index = slices[numbers.index(4)][3]
    leaking = work.mask.data[index].copy()
    row, column = np.argwhere(leaking).mean(axis=0).astype(int)
    leaking[row : row + 12, column : column + 6] = 1
    shown.desk.edits.change(work, "cord", {index: leaking}, "brush")
    hand.wait()
    for number in range(4):
        _paint_stroke(hand, number)
        assert shown.panel.hint.isHidden()


def _paint_stroke(hand, number):
    desk = hand.desk
    desk.show_plane(Plane.AXIAL)
    desk.measurer.go_to_level(4)
    desk.slices.step(number)  # each in a slice of its own: none of them stands out from its neighbours
    desk.tools.use_in_cross_section("paint")
    desk.tools.set_size(0.8)
    centre = np.asarray(hand.viewer.dims.point[-3:])
    hand.drag(centre + np.array([0, 5.0, 0]), centre + np.array([0, 5.0, 1]))
    hand.wait()


def test_undo_makes_a_level_unchanged_again(shown):
    _paint_beside_cord(shown.hand)
    shown.desk.session.current.mask.undo()
    shown.hand.wait()
    assert not shown.panel.model.rows()
    assert {row["sign"] for row in change_rows(shown.desk.changes.changes())} == {"="}


def test_without_levels_the_panel_asks_for_them(shown):
    shown.desk.session.set_labelling(Labelling((), confirmed=False))
    shown.hand.wait()
    assert shown.panel.table.isHidden()
    assert shown.panel.note.text() == NO_LEVELS


def test_a_mask_that_was_edited_before_it_was_saved_has_nothing_to_compare_with(shown):
    shown.desk.session.current.automatic.clear()
    shown.desk.changes.tell()
    assert shown.panel.note.text() == NOTHING_TO_COMPARE
    kept = np.asarray(shown.desk.session.current.mask.data).copy()
    shown.desk.changes.recall = lambda work, name: kept
    shown.desk.session.current.automatic.clear()
    shown.desk.measurer.live = None
    shown.desk.session.mask_changed.emit()
    shown.hand.wait()
    assert {row["dice"] for row in change_rows(shown.desk.changes.changes())} == {1.0}


def test_a_click_on_a_row_goes_to_the_level(shown, qtbot):
    _paint_beside_cord(shown.hand, level=3)
    shown.desk.measurer.go_to_level(6)
    place = next(n for n, row in enumerate(shown.panel.model.rows()) if row["level"] == "C3")
    index = shown.panel.model.index(place, 0)
    shown.panel.table.scrollTo(index)
    spot = shown.panel.table.visualRect(index).center()
    qtbot.mouseClick(shown.panel.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    step = shown.hand.viewer.dims.current_step[-3]
    numbers, slices = _levels(shown)
    assert step in slices[numbers.index(3)]


def test_the_automatic_mask_survives_follow_edits_in_part(measured):
    work = measured.desk.session.current
    first = work.automatic["cord"].unpacked()
    drawn = np.zeros(len(first), bool)
    drawn[30:40] = True
    work.mask.data[:] = 0
    work.keep_automatic("cord", drawn)
    found = work.automatic["cord"].unpacked()
    assert not found[drawn].any()
    np.testing.assert_array_equal(found[~drawn], first[~drawn])


def test_saved_and_edited_work_comes_back_without_an_automatic_mask(measured, exam_folder):
    _paint_beside_cord(measured)
    assert measured.desk.save()
    measured.desk.open_paths([exam_folder])
    measured.wait()
    assert measured.desk.session.current.mask is not None
    assert measured.desk.session.current.automatic == {}

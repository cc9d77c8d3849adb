"""Painting, dragging and clicking with a real mouse: the numbers follow, and equal a full measurement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.convert import mm_to_world, world_to_mm
from napari_spinalq.gui.display import Plane, current_plane, go_to, show_plane
from napari_spinalq.metrics.levels import per_level
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.pipeline import measure_scan

pytestmark = pytest.mark.gui


def _rows(hand):
    return {row["level"]: row for row in hand.dock.measure_panel.model.rows()}


def _moved(point, z, y, x):
    """Return a point moved by mm to superior, anterior and right."""
    return point + np.array([z, y, x], dtype=float)


def _full_rows(hand):
    """Measure the painted mask as a file would be, on the scan's own grid."""
    work = hand.desk.session.current
    result = measure_scan(work.scan, work.mask_on_file_grid(), hand.desk.session.labelling)
    levels = per_level(slice_shapes(result.mask, work.scan.grid), result.slice_levels)
    return {int(number): levels.mean["area_mm2"][place] for place, number in enumerate(levels.level)}


def _cord_centre(hand):
    """Return the displayed world point of the cord's centre in the slice on display."""
    work = hand.desk.session.current
    z = hand.viewer.dims.point[-3]
    points = mm_to_world(work.centerline.points_mm, work.scan.grid)
    return points[np.argmin(np.abs(points[:, 0] - z))]


def test_a_stroke_changes_the_touched_level_at_once_and_only_that(measured):
    hand = measured
    hand.click_row("C4")
    hand.press(hand.dock.segment_panel.paint)
    assert current_plane(hand.viewer) is Plane.AXIAL
    before, mask_before = _rows(hand), hand.desk.session.current.mask.data.copy()
    centre = _cord_centre(hand)
    told = []
    hand.desk.measurer.rows_changed.connect(told.append)
    hand.drag(_moved(centre, 0, 3.5, 0), _moved(centre, 0, 4, 1), _moved(centre, 0, 4, 3))
    assert told, "no number moved with the brush"
    live = {row["level"]: row for row in told[-1]}
    added = hand.desk.session.current.mask.data.sum() - mask_before.sum()
    assert added > 0
    assert live["C4"]["area_mm2"] > before["C4"]["area_mm2"]
    # Only the smooth direction of the cord links the levels: a far one feels a stroke by less than one in a thousand.
    assert live["T1"]["area_mm2"] == pytest.approx(before["T1"]["area_mm2"], rel=1e-3)
    assert live["T1"]["slices"] == before["T1"]["slices"]
    assert hand.desk.session.unsaved


def test_numbers_after_painting_equal_a_full_measurement(measured):
    hand = measured
    hand.click_row("C5")
    hand.press(hand.dock.segment_panel.paint)
    centre = _cord_centre(hand)
    hand.drag(_moved(centre, 0, 3.5, -3), _moved(centre, 0, 4, 0), _moved(centre, 0, 3.5, 3))
    hand.press(hand.dock.segment_panel.erase)
    hand.drag(_moved(centre, 0, -3, -2), _moved(centre, 0, -3, 2))
    hand.wait()
    expected = _full_rows(hand)
    shown = {row["number"]: row["area_mm2"] for row in hand.dock.measure_panel.model.rows()}
    assert shown.keys() == expected.keys()
    for number, area in expected.items():
        assert shown[number] == pytest.approx(area, abs=1e-9)


def test_undo_brings_the_numbers_back(measured):
    hand = measured
    hand.click_row("C4")
    hand.press(hand.dock.segment_panel.paint)
    before = _rows(hand)["C4"]["area_mm2"]
    centre = _cord_centre(hand)
    hand.drag(_moved(centre, 0, 3.5, 0), _moved(centre, 0, 4, 3))
    hand.wait()
    assert _rows(hand)["C4"]["area_mm2"] > before
    hand.desk.session.current.mask.undo()
    hand.wait()
    assert _rows(hand)["C4"]["area_mm2"] == pytest.approx(before)


def test_looking_at_slices_is_no_edit(measured):
    hand = measured
    for level in ("C3", "C6", "C2"):
        hand.click_row(level)
    hand.wait()
    assert not hand.desk.session.unsaved


@pytest.mark.parametrize("plane", [Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL])
def test_a_click_on_a_row_goes_to_the_middle_of_the_level(measured, plane):
    hand = measured
    show_plane(hand.viewer, plane)
    hand.click_row("C6")
    levels, work = hand.desk.measurer.levels(), hand.desk.session.current
    slices = levels.slices[list(levels.level).index(6)]
    z = hand.viewer.dims.current_step[-3]
    assert z == slices[len(slices) // 2]
    grid = work.scan.grid.reoriented(WORK_AXES)
    place = grid.mm_to_voxel(world_to_mm(hand.viewer.dims.point[-3:], work.scan.grid))
    y, x = np.argwhere(work.mask.data[z]).mean(axis=0)
    np.testing.assert_allclose(place[1:], (y, x), atol=1.0)


def test_the_table_sorts_by_number(measured):
    table = measured.dock.measure_panel.table
    column = [one.key for one in measured.dock.measure_panel.model.columns].index("diameter_rl_mm")
    table.sortByColumn(column, table.horizontalHeader().sortIndicatorOrder().__class__.AscendingOrder)
    shown = [float(table.model().index(row, column).data()) for row in range(table.model().rowCount())]
    assert shown == sorted(shown)
    assert max(shown) >= 10 > min(shown), "text order would put 10 before 9"


def _disc_world(hand, name):
    disc = next(disc for disc in hand.desk.session.labelling.discs if disc.name == name)
    return mm_to_world(disc.position_mm, hand.desk.session.current.scan.grid)


def _grab_discs(hand):
    hand.desk.labeller.show_sagittal()
    show_plane(hand.viewer, Plane.SAGITTAL)
    go_to(hand.viewer, _disc_world(hand, "C4-C5"))
    hand.viewer.fit_to_view()
    hand.viewer.layers.selection.active = hand.desk.editor.layer
    hand.desk.editor.layer.mode = "select"


def test_a_dragged_disc_moves_and_the_level_borders_with_it(measured):
    hand = measured
    _grab_discs(hand)
    before = _rows(hand)
    start = _disc_world(hand, "C4-C5")
    hand.drag(start, _moved(start, 2, 0, 0), _moved(start, 4, 0, 0))
    hand.wait()
    moved = next(disc for disc in hand.desk.session.labelling.discs if disc.name == "C4-C5")
    assert moved.origin == "clicked"
    assert mm_to_world(moved.position_mm, hand.desk.session.current.scan.grid)[0] == pytest.approx(start[0] + 4, abs=1)
    assert _rows(hand)["C4"]["slices"] < before["C4"]["slices"]
    assert _rows(hand)["C5"]["slices"] > before["C5"]["slices"]


def test_a_disc_dragged_past_its_neighbour_goes_back_with_a_reason(measured):
    hand = measured
    _grab_discs(hand)
    before = hand.desk.session.labelling
    start, above = _disc_world(hand, "C4-C5"), _disc_world(hand, "C3-C4")
    hand.drag(start, (start + above) / 2, _moved(above, 5, 0, 0))
    hand.wait()
    assert hand.desk.session.labelling == before
    assert "C3-C4" in hand.dock.status.line.text()
    points = hand.desk.editor.layer
    index = list(points.features["disc"]).index("C4-C5")
    np.testing.assert_allclose(points.data_to_world(points.data[index]), start, atol=1e-3)


def test_a_deleted_disc_is_named_again_by_its_place(measured):
    hand = measured
    _grab_discs(hand)
    layer, place = hand.desk.editor.layer, _disc_world(hand, "C5-C6")
    layer.selected_data = {list(layer.features["disc"]).index("C5-C6")}
    layer.remove_selected()
    hand.wait()
    assert "C5-C6" not in {disc.name for disc in hand.desk.session.labelling.discs}
    hand.press(hand.dock.levels_panel.add)
    hand.click(place)
    hand.wait()
    names = [disc.name for disc in hand.desk.session.labelling.discs]
    assert "C5-C6" in names
    shown = list(hand.desk.editor.layer.features["disc"])
    assert shown == names[: len(shown)]
    assert "C5-C6" in shown


def test_a_disc_where_none_is_left_is_refused(measured):
    hand = measured
    _grab_discs(hand)
    before, points = hand.desk.session.labelling, len(hand.desk.editor.layer.data)
    hand.press(hand.dock.levels_panel.add)
    hand.click((_disc_world(hand, "C4-C5") + _disc_world(hand, "C5-C6")) / 2)
    hand.wait()
    assert hand.desk.session.labelling == before
    assert len(hand.desk.editor.layer.data) == points
    assert "no disc between C4-C5 and C5-C6" in hand.dock.status.line.text()


def test_renaming_one_disc_shifts_the_others(measured):
    hand = measured
    _grab_discs(hand)
    before = hand.desk.session.labelling.numbers
    hand.desk.editor.layer.selected_data = {2}
    panel = hand.dock.levels_panel
    assert panel.name.currentData() == before[2]
    panel.name.setCurrentIndex(panel.name.currentIndex() + 1)
    panel.name.activated.emit(panel.name.currentIndex())
    hand.wait()
    assert hand.desk.session.labelling.numbers == tuple(number + 1 for number in before)


def test_an_edit_of_the_discs_keeps_how_they_were_found(measured):
    """A dragged disc is still one of a row that another program found: the provenance must not forget it."""
    session = measured.desk.session
    found = replace(session.labelling, flags=("found by another program",), method={"program": "another"})
    session.set_labelling(found)
    measured.desk.editor.rename(session.labelling.discs[0], session.labelling.discs[0].number + 1)
    assert session.labelling.method == {"program": "another"}

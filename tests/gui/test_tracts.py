"""The page Tracts: what it says, shows and outlines, whose side that is, and that nothing old passes for new."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtGui import QGuiApplication
from scipy.spatial.transform import Rotation

from napari_spinalq.contrast import Contrast
from napari_spinalq.diffusion.gradient_check import GradientCheck
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.gui import dialogs
from napari_spinalq.gui.convert import from_display, mm_to_world, world_to_mm
from napari_spinalq.gui.display import Plane, current_plane
from napari_spinalq.gui.panels.along_theme import palette_of
from napari_spinalq.gui.panels.tracts_panel import AT_CROSSHAIR
from napari_spinalq.gui.readers.raters import NOTHING
from napari_spinalq.gui.tracts import microstructure
from napari_spinalq.gui.tracts.acquisitions import NO_CORD, NO_DISCS, acquisitions_of, exam_in_words
from napari_spinalq.gui.tracts.inputs import DRAWN_FROM, Inputs, digest, inputs_of, inputs_of_record
from napari_spinalq.gui.tracts.mapper import BEYOND, OUT_OF_DATE
from napari_spinalq.gui.tracts.overlays import CONTOURS, DIRECTIONS, IMAGE, OUTLINED
from napari_spinalq.gui.tracts.page import WORKING
from napari_spinalq.gui.tracts.reading import OUTDATED
from napari_spinalq.gui.tracts.rows import rows_of, value_in_words
from napari_spinalq.gui.tracts.series import gradients_in_words, motion_in_words
from napari_spinalq.gui.tracts.shown import show_over
from napari_spinalq.io.bids import find_exam
from napari_spinalq.levels.discs import Labelling
from tests.gui.tract_cases import OUTLIERS, REMARK, diffusion_result, some_motion

pytestmark = pytest.mark.gui

WHY = "The gradient file has 12 directions, the series 35 volumes; give the file that belongs to it."
LEFT_AT_C4 = ("Lat. CST, L", "C4")


class TractHand:
    """What a person does on the page."""

    def __init__(self, hand, qtbot) -> None:
        self.hand, self.qtbot, self.desk = hand, qtbot, hand.desk
        self.mapper, self.page = hand.desk.tracts, hand.dock.tracts
        self.panel, self.table = hand.dock.tracts.panel, hand.dock.tracts.panel.table
        hand.dock.show_page("Tracts")
        qtbot.wait(30)

    def cells(self):
        model = self.table.model()
        return [
            tuple(model.index(row, column).data() for column in range(model.columnCount()))
            for row in range(model.rowCount())
        ]

    def click_row(self, title, level):
        place = next(place for place, cells in enumerate(self.cells()) if cells[:2] == (title, level))
        index = self.table.model().index(place, 0)
        self.table.scrollTo(index)
        spot = self.table.visualRect(index).center()
        self.qtbot.mouseClick(self.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        self.qtbot.wait(30)
        return index

    def tick(self, key):
        box = self.panel.boxes[key]
        self.qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
        self.qtbot.wait(30)

    def point_at(self, mm):
        """Move the mouse over a place of the scan at hand and return the status line."""
        world = mm_to_world(mm, self.desk.session.current.scan.grid)
        pixel = self.hand.pixel(world)
        self.hand._send(QEvent.Type.MouseMove, pixel, Qt.MouseButton.NoButton)
        self.qtbot.wait(30)
        return self.hand.viewer.status


@pytest.fixture
def tracts(measured, qtbot):
    """Return a hand on the page, with the diffusion series of the exam mapped."""
    made = TractHand(measured, qtbot)
    session = made.desk.session
    shown = show_over(diffusion_result(), session.current.scan.grid)
    made.mapper.take("dwi", shown, inputs_of(session))
    qtbot.wait(30)
    yield made
    vars(made).clear()  # pytest keeps fixtures until the next test, and napari checks that its windows are gone


def place_of(structure, level):
    """Return the centre of a tract in the slice in the middle of a level, RAS mm."""
    result = diffusion_result()
    share, work = to_work_order(result.tracts.fraction(structure), result.scan.grid)
    slices = np.flatnonzero(result.slice_levels == level)
    number = slices[len(slices) // 2]
    inside = np.argwhere(share[number] > 0.5)
    best = inside[np.argmin(np.linalg.norm(inside - inside.mean(axis=0), axis=1))]
    return work.voxel_to_mm([number, *best])


def test_the_page_says_what_the_exam_holds_and_what_is_missing(measured, qtbot):
    made, session = TractHand(measured, qtbot), measured.desk.session
    assert made.panel.holds.text() == "DWI 35 volumes, b 800"
    assert made.panel.acquisitions.currentText() == "Diffusion"
    assert made.panel.compute.isEnabled()
    session.set_labelling(Labelling((), confirmed=False))
    measured.wait()
    assert made.panel.state.text() == NO_DISCS
    assert not made.panel.compute.isEnabled()
    session.set_mask(session.current, None, None)
    measured.wait()
    assert made.panel.state.text() == NO_CORD
    assert not made.panel.compute.isEnabled()
    assert exam_in_words(None) == "No exam is open."


def test_a_row_tells_its_value_and_outlines_its_tract_on_its_side_at_its_level(tracts, qtbot):
    value = next(
        one
        for one in diffusion_result().values
        if (one.structure, one.metric, one.level) == ("lateral_cst_left", "fa", 4)
    )
    order = list(dict.fromkeys(cells[0] for cells in tracts.cells()))
    assert order == ["Lat. CST, L", "Lat. CST, R", "Ventral CST", "Dorsal col.", "WM", "GM"]
    assert [cells[1] for cells in tracts.cells() if cells[0] == "WM"] == ["C3", "C4", "C5", "C6"]
    assert tracts.mapper.overlays.layer(OUTLINED) is None
    index = tracts.click_row(*LEFT_AT_C4)
    assert index.siblingAtColumn(2).data() == f"{value.value:.2f}"
    assert index.siblingAtColumn(4).data() == f"{value.effective_voxels:.1f}"
    tip = index.siblingAtColumn(2).data(Qt.ItemDataRole.ToolTipRole)
    for words in (
        "Lateral CST, left, C4, slices 6 to 9",
        f"{value.sd:.3f}",
        f"{value.low:.3f} to {value.high:.3f}",
        "MAP",
    ):
        assert words in tip
    outlined_on(tracts, right_of_screen=True)
    tracts.click_row("Lat. CST, R", "C4")
    outlined_on(tracts, right_of_screen=False)
    assert tracts.table.selectionModel().hasSelection()
    tracts.click_row("Lat. CST, R", "C4")
    assert tracts.mapper.overlays.layer(OUTLINED) is None
    assert not tracts.table.selectionModel().hasSelection()
    tracts.click_row(*LEFT_AT_C4)
    tracts.table.setFocus()
    qtbot.keyClick(tracts.table, Qt.Key.Key_Down)
    assert tracts.cells()[tracts.table.currentIndex().row()][:2] == ("Lat. CST, L", "C5")
    assert tracts.mapper.level_here() == 5


def test_an_outline_lies_on_all_contours_and_can_be_removed_and_lost_from_sight(tracts, qtbot, monkeypatch):
    layers, overlays = tracts.hand.viewer.layers, tracts.mapper.overlays
    tracts.click_row(*LEFT_AT_C4)
    qtbot.mouseClick(tracts.panel.everything, Qt.MouseButton.LeftButton, pos=QPoint(8, 10))
    assert layers.index(overlays.layer(OUTLINED)) > layers.index(overlays.layer(CONTOURS))
    layers.remove(overlays.layer(OUTLINED))
    qtbot.wait(20)
    assert not tracts.table.selectionModel().hasSelection()
    tracts.tick(CONTOURS)
    assert overlays.layer(OUTLINED) is None, "what was removed does not come back with something else"
    said = []
    tracts.mapper.told.connect(lambda kind, words: said.append((kind, words)))
    tracts.click_row(*LEFT_AT_C4)
    assert overlays.layer(OUTLINED) in layers
    assert said == []
    monkeypatch.setattr(Grid, "contains", lambda self, point_mm: False)
    tracts.click_row("Lat. CST, L", "C5")
    assert said == [("warn", BEYOND.format(scan="sub-healthy01_T2w"))], "the picture is empty there"


def test_no_number_is_cut_off_and_units_and_colours_of_maps_are_said(tracts, qtbot):
    panel, table = tracts.panel, tracts.table
    model, metrics = table.model(), table.fontMetrics()
    for column in range(model.columnCount()):
        texts = [model.index(row, column).data() for row in range(model.rowCount())]
        assert max(metrics.horizontalAdvance(text) for text in texts) < table.columnWidth(column) - 4, texts
    assert panel.units.text() == "MD in 10⁻³ mm²/s"
    tracts.hand.press(panel.copy)
    assert QGuiApplication.clipboard().text().splitlines()[0].endswith("MD (10⁻³ mm²/s)\tVox.")
    assert not panel.scale.isVisible()
    tracts.tick("fa")
    assert (panel.scale.low.text(), panel.scale.high.text()) == ("FA 0.00", "1.00")
    tracts.mapper.overlays.layer("fa").contrast_limits = (0.2, 0.9)
    assert (panel.scale.low.text(), panel.scale.high.text()) == ("FA 0.20", "0.90")
    tracts.tick("md")
    assert panel.scale.low.text().startswith("MD ")
    assert panel.scale.high.text().endswith("10⁻³ mm²/s")
    tracts.tick("md")
    tracts.tick("fa")
    assert not panel.scale.isVisible()


def outlined_on(tracts, *, right_of_screen):
    """See that what is outlined lies at C4, on one side of the patient and on the other side of the screen."""
    viewer, grid = tracts.hand.viewer, tracts.desk.session.current.scan.grid
    layer, maps = tracts.mapper.overlays.layer(OUTLINED), diffusion_result()
    assert layer in viewer.layers
    assert current_plane(viewer) is Plane.AXIAL
    here = world_to_mm(np.asarray(viewer.dims.point[-3:]), grid)
    number = round(float(maps.scan.grid.reoriented("SAR").mm_to_voxel(here)[0]))
    assert maps.slice_levels[number] == 4
    lines = [np.asarray(line) for line in layer.data if abs(line[0, 0] - number) < 0.1]
    world = np.concatenate(lines) * layer.scale + layer.translate
    x_mm = world_to_mm(world, grid)[:, 0].mean() - here[0]
    assert (x_mm < -1) if right_of_screen else (x_mm > 1), "x, RAS mm, grows to the patient's right"
    middle = tracts.hand.pixel(np.asarray(viewer.dims.point[-3:])).x()
    away = np.mean([tracts.hand.pixel(point).x() for point in world]) - middle
    assert (away > 5) if right_of_screen else (away < -5), "the patient's left is on the right of the screen"


def test_a_refused_value_is_a_dash_with_the_reason():
    refused = next(one for one in diffusion_result().values if not np.isfinite(one.value))
    alone = replace(refused, slices=refused.slices[:1])
    (row,) = rows_of(replace(diffusion_result(), values=(alone,)), everything=True)
    assert f", slice {alone.slices[0]}\n" in row[f"{alone.metric}_tip"]
    assert "< 5 effective voxels" in value_in_words(refused, "FA", 2)
    rows = rows_of(diffusion_result(), everything=True)
    row = next(row for row in rows if row["id"] == (refused.structure, refused.level, refused.slices))
    assert np.isnan(row[refused.metric])
    assert "< 5 effective voxels" in row[f"{refused.metric}_tip"]


def test_under_the_mouse_the_tract_its_value_and_the_level_are_said(tracts, qtbot, monkeypatch):
    result, viewer = diffusion_result(), tracts.hand.viewer
    tracts.click_row(*LEFT_AT_C4)
    for structure, title in (("lateral_cst_left", "Lateral CST, left"), ("lateral_cst_right", "Lateral CST, right")):
        mm = place_of(structure, 4)
        voxel = tuple(np.round(result.scan.grid.mm_to_voxel(mm)).astype(int))
        share, fa = result.tracts.fraction(structure)[voxel], result.maps[0].data[voxel]
        said = tracts.point_at(mm)
        assert said == f"{title} ({100 * share:.0f} %) · FA {fa:.2f} · C4"
        viewer.status = "something of napari"
        assert viewer.status == said
        assert "FA" not in str(tracts.point_at(np.add(mm, [25.0, 0.0, 0.0])))
    tracts.point_at(place_of("lateral_cst_left", 4))
    viewer.dims.set_point(0, mm_to_world(place_of("lateral_cst_left", 5), tracts.desk.session.current.scan.grid)[0])
    viewer.status = "something of napari"
    assert str(viewer.status).endswith("C5"), "the mouse rests, the slice is another"
    monkeypatch.setattr(type(tracts.mapper), "result", None)
    tracts.mapper.changed.emit()
    assert viewer.status == "", "nothing is said of maps that went, such as those of the patient before"


def test_maps_lie_where_their_scan_lies_and_leave_the_mask_in_hand(tracts, qtbot):
    work, result, viewer = tracts.desk.session.current, diffusion_result(), tracts.hand.viewer
    assert work.mask.contour == 1, "masks are seen through while the page is shown"
    viewer.layers.selection.active = work.mask
    for key in ("fa", DIRECTIONS, IMAGE, CONTOURS, CONTOURS):
        tracts.tick(key)
    assert viewer.layers.selection.active is work.mask
    layer = tracts.mapper.overlays.layer("fa")
    lies_in_place(layer, work.scan.grid)
    assert list(layer.contrast_limits) == [0.0, 1.0]
    order = [viewer.layers.index(one) for one in (work.image, tracts.mapper.overlays.layer(IMAGE), layer, work.mask)]
    assert order == sorted(order)
    colours = tracts.mapper.overlays.layer(DIRECTIONS)
    inside = result.scan.grid.voxel_to_mm(np.argwhere(result.tracts.fraction("white_matter") > 0.95))
    red, green, blue = displayed(colours, inside, work.scan.grid)[:, :3].mean(axis=0)
    assert colours.rgb
    assert blue > 2 * max(red, green), "fibres run along the body"
    viewer.layers.remove(layer)
    qtbot.wait(20)
    assert not tracts.panel.boxes["fa"].isChecked()
    assert tracts.desk.session.current is work
    tracts.hand.dock.show_page("Correct")
    qtbot.wait(20)
    assert work.mask.contour == 0


def test_a_changed_mask_or_disc_makes_values_out_of_date_until_it_is_undone(tracts, qtbot):
    hand, session = tracts.hand, tracts.desk.session
    assert REMARK[1:] in tracts.panel.state.text()
    hand.dock.show_page("Exam")
    hand.press(hand.dock.segment_panel.paint)
    voxels = np.argwhere(np.asarray(session.current.mask.data))
    start = hand.world(voxels[len(voxels) // 2])
    hand.viewer.dims.set_point((0, 1, 2), start)
    hand.drag(start, np.add(start, [0, 0, 6.0]), np.add(start, [0, 0, 9.0]))
    hand.wait()
    assert tracts.mapper.stale
    assert OUT_OF_DATE in tracts.panel.state.text()
    assert tracts.mapper.results() == ()
    assert "Diffusion not saved" in tracts.mapper.left_out()
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.wait()
    assert not tracts.mapper.stale
    assert len(tracts.mapper.results()) == 1
    before = session.labelling
    move_first_disc(session)
    hand.wait()
    assert OUT_OF_DATE in tracts.panel.state.text()
    hand.viewer.layers.selection.active = session.current.image
    tracts.click_row(*LEFT_AT_C4)
    assert tracts.point_at(place_of("lateral_cst_left", 4)).endswith("out of date")
    session.set_labelling(before)
    hand.wait()
    assert not tracts.mapper.stale


@pytest.mark.slow
def test_maps_follow_another_scan_and_go_with_another_exam(tracts, exam_folder):
    session, files = tracts.desk.session, tracts.desk.session.exam.files
    tracts.tick("fa")
    for ending in ("_T2star", "_dwi"):
        tracts.desk.opener.choose(next(place for place, file in enumerate(files) if file.name.endswith(ending)))
        tracts.hand.wait()
        assert session.current.scan.name.endswith(ending)
        assert not tracts.mapper.stale
        layer = tracts.mapper.overlays.layer("fa")
        assert layer in tracts.hand.viewer.layers
        lies_in_place(layer, session.current.scan.grid)
    np.testing.assert_array_equal(
        from_display(layer.data, diffusion_result().scan.grid), diffusion_result().maps[0].data
    )
    tracts.panel.motion.volume_chosen.emit(20)
    assert tracts.hand.viewer.dims.current_step[0] == 20, "that volume of the series is shown"
    tracts.desk.raters.begin("AB", NOTHING)
    tracts.hand.wait()
    assert session.current.blind
    assert tracts.mapper.overlays.drawn == (), "contours follow the first mask, which a second reader must not see"
    tracts.desk.raters.drop()
    tracts.hand.wait()
    assert CONTOURS in tracts.mapper.overlays.drawn
    session.mark_saved()
    tracts.desk.open_paths([next(exam_folder.glob("anat/*_T2w.nii.gz"))])
    tracts.hand.wait()
    assert tracts.mapper.result is None
    assert tracts.cells() == []
    assert tracts.mapper.overlays.drawn == ()
    assert not [layer for layer in tracts.hand.viewer.layers if layer.name.startswith("dwi")]


def test_the_table_follows_level_crosshair_and_atlas_and_plots_say_what_they_show(tracts, qtbot):
    panel, viewer = tracts.panel, tracts.hand.viewer
    choose(panel.levels, "C5")
    assert {cells[1] for cells in tracts.cells()} == {"C5"}
    choose(panel.levels, AT_CROSSHAIR)
    for level, name in ((3, "C3"), (6, "C6")):
        world = mm_to_world(place_of("white_matter", level), tracts.desk.session.current.scan.grid)
        viewer.dims.set_point((0, 1, 2), tuple(world))
        qtbot.wait(20)
        assert {cells[1] for cells in tracts.cells()} == {name}
        assert panel.levels.currentText() == f"{AT_CROSSHAIR}: {name}"
    viewer.dims.set_point(0, viewer.dims.range[0].stop)
    qtbot.wait(20)
    assert tracts.cells() == []
    assert panel.levels.currentText() == f"{AT_CROSSHAIR}: no values"
    viewer.dims.set_point((0, 1, 2), tuple(world))
    few = len(tracts.mapper.overlays.layer(CONTOURS).data)
    qtbot.mouseClick(panel.everything, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.everything.height() // 2))
    assert {"Fasciculus gracilis, left", "Dorsal horn", "Lat. CST, L"} <= {cells[0] for cells in tracts.cells()}
    assert len(tracts.mapper.overlays.layer(CONTOURS).data) > few
    assert "other WM" in panel.legend.text().replace("&nbsp;", " ")
    tracts.hand.press(panel.copy)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == ["Tract", "Level", "FA", "MD (10⁻³ mm²/s)", "Vox."]
    assert len(lines) == 1 + len(tracts.cells())
    for drawn in (False, True):
        tracts.hand.key(Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
        assert (CONTOURS in tracts.mapper.overlays.drawn) is drawn
        assert panel.boxes[CONTOURS].isChecked() is drawn
    panel.pages.setCurrentIndex(1)
    assert tuple(int(volume) for volume in panel.motion.plot.outliers.getData()[0]) == OUTLIERS
    assert "7, 20" in panel.motion.words.text()
    panel.pages.setCurrentIndex(2)
    (points,) = panel.gradients.plot.shells
    assert len(points.getData()[0]) == 30
    assert "b 800: 30 directions" in panel.gradients.legend.text()
    for theme in ("light", "dark"):
        viewer.theme = theme
        for plot in (panel.motion.plot, panel.gradients.plot):
            assert plot.backgroundBrush().color().name() == palette_of(theme).background.lower()


def displayed(layer, points_mm, grid):
    """Return what a layer shows at places (RAS mm) of the scan at hand."""
    voxels = np.round((mm_to_world(points_mm, grid) - layer.translate) / layer.scale).astype(int)
    return np.asarray(layer.data)[tuple(voxels.T)]


def lies_in_place(layer, grid):
    """See that a layer shows FA where it was measured: a shift by one voxel to any side fits worse."""
    result = diffusion_result()
    voxels = np.argwhere(result.tracts.fraction("cord") > 0.1)
    voxels = voxels[((voxels > 1) & (voxels < np.array(result.scan.grid.shape) - 2)).all(axis=1)]
    true = result.maps[0].data[tuple(voxels.T)]

    def misfit(shift):
        shown = displayed(layer, result.scan.grid.voxel_to_mm(voxels + shift), grid)
        return np.nanmean(np.abs(shown - true))

    sides = np.vstack([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    assert misfit(np.zeros(3, int)) < 0.8 * min(misfit(side) for side in sides)


def choose(box, text):
    """Choose an entry of a list as a person does."""
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def move_first_disc(session):
    """Move the first disc up by 3 mm."""
    first, *rest = session.labelling.discs
    x, y, z = first.position_mm
    moved = replace(first, position_mm=(x, y, z + 3.0))
    session.set_labelling(replace(session.labelling, discs=(moved, *rest)))


def test_an_oblique_scan_shows_maps_at_their_true_place():
    """A voxel of the maps lies where its millimetres are displayed, on a scan that is tilted against the maps."""
    result = diffusion_result()
    tilt = np.eye(4)
    tilt[:3, :3] = Rotation.from_euler("xyz", (20.0, -6.0, 4.0), degrees=True).as_matrix() * 0.8
    tilt[:3, 3] = [-20.0, -60.0, -50.0]
    like = Grid((70, 80, 160), tilt)
    spot = np.zeros(result.scan.grid.shape, np.float32)
    voxel = tuple(np.array(result.scan.grid.shape) // 2)
    spot[voxel] = 1.0
    shown = show_over(result, like)
    scale, translate = shown.placement
    found = np.nan_to_num(shown.array(spot))
    centre = (np.argwhere(found) * found[found > 0][:, None]).sum(axis=0) / found.sum()
    wanted = mm_to_world(result.scan.grid.voxel_to_mm(voxel), like)
    away = np.abs(centre * scale + translate - wanted)
    assert (away < [1.0, 0.5, 0.5]).all(), "mm; slices are 5 mm thick and are not mixed"
    left = np.concatenate(shown.outlines["lateral_cst_left"]) * scale + translate
    right = np.concatenate(shown.outlines["lateral_cst_right"]) * scale + translate
    assert world_to_mm(left, like)[:, 0].mean() < world_to_mm(right, like)[:, 0].mean() - 3.0


def test_a_still_cord_is_said_to_be_still():
    still = replace(some_motion(35, 3), shifts_mm=np.zeros((35, 3, 2)), outliers=np.zeros(35, bool))
    assert motion_in_words(still)[0] == "good"
    assert motion_in_words(some_motion(35, 3))[0] == "warn"


def test_words_on_gradients_follow_the_check():
    table = diffusion_result().series.gradients
    assert gradients_in_words(table, GradientCheck())[0] == "good"
    kind, words = gradients_in_words(table, GradientCheck(flags=("row 1 of bvec is negated",)))
    assert kind == "warn"
    assert words.startswith("Row 1 of bvec is negated.")
    assert gradients_in_words(table, None) == ("plain", "5 without weighting, 30 with.")


def test_computing_runs_beside_the_window_and_tells_how_it_ended(measured, qtbot, monkeypatch):
    made, session = TractHand(measured, qtbot), measured.desk.session
    begun, threads = threading.Event(), []

    def slow(job, scans, progress):
        threads.append(threading.get_ident())
        begun.set()
        for step in range(2000):
            progress(step / 2000, "working")
            time.sleep(0.01)

    def refuse(job, scans, progress):
        raise InputError(WHY)

    monkeypatch.setattr(microstructure, "result_of", slow)
    measured.press(made.panel.compute)
    assert begun.wait(30)
    qtbot.wait(50)
    assert threads != [threading.get_ident()]
    assert not made.panel.compute.isEnabled()
    assert made.panel.state.text() == WORKING
    measured.press(measured.dock.status.cancel)
    measured.wait()
    assert made.mapper.result is None
    assert made.panel.compute.isEnabled()
    assert "Cancelled" in measured.dock.status.line.text()

    monkeypatch.setattr(microstructure, "result_of", refuse)
    measured.press(made.panel.compute)
    measured.wait()
    assert WHY in measured.dock.status.line.text()
    assert made.mapper.result is None

    monkeypatch.setattr(microstructure, "result_of", lambda job, scans, progress: diffusion_result())
    session.mark_saved()
    session.set_read_only("Someone else works on this exam.")
    measured.press(made.panel.compute)
    measured.wait()
    assert made.mapper.result is not None
    assert not session.unsaved, "an exam that is read-only is mapped and left as it is"

    session.set_read_only("")
    measured.press(made.panel.compute)
    measured.wait()
    assert session.unsaved
    assert not made.mapper.stale
    record = made.mapper.result.parameters[DRAWN_FROM]
    assert list(record["masks"]) == ["sub-healthy01_T2w cord"]
    assert len(record["discs"]) == len(session.labelling.discs)


@pytest.mark.slow
def test_opening_the_window_needs_neither_dipy_nor_the_chains_of_maps():
    late = "('dipy', 'napari_spinalq.microstructure.exam', 'napari_spinalq.microstructure.diffusion')"
    code = f"import sys, napari_spinalq.gui.app; print([name for name in {late} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_each_series_and_each_map_is_a_choice_of_its_own(exam_folder):
    exam = find_exam([exam_folder])
    (series,) = exam.of_contrast(Contrast.DWI)
    assert [one.title for one in acquisitions_of(exam)] == ["Diffusion"]
    second = replace(series, path=series.path.with_name("sub-healthy01_run-2_dwi.nii.gz"))
    found = acquisitions_of(replace(exam, files=(*exam.files, second)), [Path("suv.nii.gz")])
    names = ("sub-healthy01_dwi", "sub-healthy01_run-2_dwi")
    assert [one.title for one in found] == [*(f"Diffusion: {name}" for name in names), "Map: suv.nii.gz"]
    assert len({one.key for one in found}) == 3


@pytest.mark.slow
def test_a_map_from_a_file_is_read_per_tract_and_not_saved(measured, qtbot, monkeypatch, tmp_path):
    made, grid = TractHand(measured, qtbot), diffusion_result().scan.grid
    path = tmp_path / "suv.nii.gz"
    level = 2.5
    nib.save(nib.Nifti1Image(np.full(grid.shape, level, np.float32), grid.affine), path)
    monkeypatch.setattr(dialogs, "choose_map", lambda parent: str(path))
    choose(made.panel.acquisitions, "A map from a file…")
    assert made.panel.acquisitions.currentText() == "Map: suv.nii.gz"
    measured.press(made.panel.compute)
    measured.wait()
    values = [value.value for value in made.mapper.result.values if np.isfinite(value.value)]
    np.testing.assert_allclose(values, level, rtol=1e-3)
    assert ("WM", "C4") in [cells[:2] for cells in made.cells()]
    assert made.mapper.results() == ()


@pytest.mark.slow
def test_from_compute_to_saved_maps_that_come_back(measured, qtbot, exam_folder):
    made = TractHand(measured, qtbot)
    measured.press(made.panel.compute)
    measured.wait()
    result = made.mapper.result
    assert result is not None
    assert {"fa", "md", "ad", "rd"} <= {one.name for one in result.maps}
    by_level = {
        value.level: value.value
        for value in result.values
        if (value.structure, value.metric) == ("white_matter", "fa") and value.level
    }
    assert set(by_level) == {3, 4, 5, 6}
    assert all(0.6 < value < 0.8 for value in by_level.values()), "0.69 to 0.72 in the tissues of the sample exam"
    before = made.cells()
    assert measured.desk.save()
    measured.desk.open_paths([exam_folder])
    assert made.mapper.result is None
    measured.wait()
    qtbot.waitUntil(lambda: not measured.desk.saved_maps.reading, timeout=60_000)
    assert made.mapper.result is not None
    assert made.cells() == before
    assert not made.mapper.stale
    assert not measured.desk.session.unsaved
    move_first_disc(measured.desk.session)
    measured.wait()
    assert made.mapper.stale
    assert measured.desk.save()
    (kept,) = measured.desk.saved_maps.for_saving(measured.desk.saver.home())
    assert OUTDATED in kept.flags, "rows of a saved table stay, and say that they are old"


def test_what_values_rest_on_survives_a_sidecar_and_knows_what_cannot_have_changed():
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1:3, 2, 2:5] = 1
    other = mask.copy()
    other[3, 2, 2] = 1
    made = Inputs({"sub-01_T2w cord": digest(mask)}, ((3, 0.5, -20.25, 31.123),))
    assert inputs_of_record(json.loads(json.dumps(made.record()))) == made
    assert inputs_of_record({}) is None
    rounded = replace(made, discs=((3, 0.5, -20.25, 31.12),))
    assert not made.differ(rounded, ["sub-01_T2w"])
    assert made.differ(replace(made, discs=((4, 0.5, -20.25, 31.123),)), ["sub-01_T2w"])
    changed = replace(made, masks={"sub-01_T2w cord": digest(other)})
    assert made.differ(changed, ["sub-01_T2w"])
    gone = replace(made, masks={})
    assert made.differ(gone, ["sub-01_T2w"])
    assert not made.differ(gone, ["sub-01_T2star"]), "a scan that is not open was not painted on"

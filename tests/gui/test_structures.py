"""Grey matter and canal by hand: asked for, painted with a real mouse, measured live, saved and brought back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_spinalq.cord.grey_matter import NOT_MEASURABLE
from napari_spinalq.gui import layers, structures
from napari_spinalq.gui.convert import mm_to_world, to_display
from napari_spinalq.gui.dialogs import Answer
from napari_spinalq.gui.work import StructureWork
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.results import DrawnStructure
from tests.gui.conftest import SUBJECT, true_discs
from tests.gui.test_reopening import next_hand  # noqa: F401 - a fixture

pytestmark = pytest.mark.gui

METRICS = f"{SUBJECT}/{SUBJECT}_metrics.tsv"


@pytest.fixture
def axial(opened, truth):
    """Return a hand on the T2* scan with its true cord and discs."""
    hand, panel = opened, opened.dock.open_panel
    names = [panel.scans.itemText(index) for index in range(panel.scans.count())]
    hand.desk.opener.choose(next(index for index, name in enumerate(names) if "T2*" in name))
    hand.wait()
    session = hand.desk.session
    work = session.current
    mask = load_mask(truth / f"{SUBJECT}_T2star_label-cord_mask.nii.gz", like=work.scan.grid)
    session.set_mask(work, layers.add_mask(hand.viewer, np.asarray(mask.data), work.scan, work.image), None)
    hand.wait()
    session.set_labelling(Labelling(true_discs(truth), confirmed=True))
    hand.wait()
    session.mark_saved()
    return hand


def choose(hand, name):
    """Choose a structure as a person does with the keyboard on the drop-down."""
    choice = hand.dock.segment_panel.structure
    choice.setCurrentIndex(choice.findData(name))
    choice.activated.emit(choice.currentIndex())


def draw(hand, name):
    choose(hand, name)
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()


def rows(hand):
    return {row["level"]: row for row in hand.dock.measure_panel.model.rows()}


def centre(hand):
    work = hand.desk.session.current
    points = mm_to_world(work.centerline.points_mm, work.scan.grid)
    return points[np.argmin(np.abs(points[:, 0] - hand.viewer.dims.point[-3]))]


def measured_again(hand):
    """Measure all masks as files would be."""
    session = hand.desk.session
    work = session.current
    return measure_scan(work.scan, work.mask_on_file_grid(), session.labelling, drawn=work.drawn_structures())


def shown_areas(hand, key="area_mm2"):
    return {row["number"]: row[key] for row in hand.dock.measure_panel.model.rows()}


def areas(shapes):
    return dict(zip(shapes.level.tolist(), shapes.mean["area_mm2"], strict=True))


def test_each_structure_becomes_a_layer_of_its_own(axial):
    hand, session = axial, axial.desk.session
    for name in ("gm", "canal"):
        draw(hand, name)
    work = session.current
    assert set(work.masks()) == {"canal", "cord", "gm"}
    order = [hand.viewer.layers.index(layer) for layer in work.masks().values()]
    assert order == sorted(order)
    assert order[0] == hand.viewer.layers.index(work.image) + 1
    colours = {tuple(np.round(layer.colormap.color_dict[1], 3)) for layer in work.masks().values()}
    assert len(colours) == 3
    filled = [name for name, layer in work.masks().items() if layer.contour == 0]
    assert filled == ["canal"], "only what is in hand is filled"
    assert hand.viewer.layers.selection.active is work.layer_of("canal")
    assert session.unsaved


def test_the_table_follows_the_structure_in_hand(axial):
    hand = axial
    model = hand.dock.measure_panel.model
    assert [column.key for column in model.columns][2] == "area_mm2"
    cord = shown_areas(hand)
    draw(hand, "gm")
    headings = [column.title.replace("\n", " ") for column in model.columns]
    assert headings == ["Level", "Sli- ces", "GM mm²", "Asym. %", "WM mm²", "Cord mm²", ""]
    result = measured_again(hand)
    for key, name in (("area_mm2", "gm"), ("wm_mm2", "wm")):
        known = areas(result.structure(name).level_shapes)
        assert shown_areas(hand, key) == pytest.approx(known)
    assert shown_areas(hand, "cord_mm2") == pytest.approx(cord)
    draw(hand, "canal")
    assert shown_areas(hand) == pytest.approx(areas(measured_again(hand).structure("canal").level_shapes))
    choose(hand, "cord")
    assert shown_areas(hand) == pytest.approx(cord)


def test_a_stroke_on_grey_matter_moves_grey_and_white_matter_at_once(axial):
    hand = axial
    draw(hand, "gm")
    hand.click_row("C4")
    hand.press(hand.dock.segment_panel.paint)
    work, before, told = hand.desk.session.current, rows(hand)["C4"], []
    cord_before, grey_before = work.mask.data.copy(), work.layer_of("gm").data.copy()
    hand.desk.measurer.rows_changed.connect(told.append)
    middle = centre(hand)
    hand.drag(*(middle + np.array(step) for step in ([0, 2.2, 0], [0, 2.2, 1.0], [0, 2.0, 2.0])))
    assert told, "no number moved with the brush"
    live = {row["level"]: row for row in told[-1]}["C4"]
    added = np.count_nonzero(work.layer_of("gm").data) - np.count_nonzero(grey_before)
    assert added > 0
    np.testing.assert_array_equal(work.mask.data, cord_before)
    assert live["area_mm2"] > before["area_mm2"]
    assert live["area_mm2"] + live["wm_mm2"] == pytest.approx(live["cord_mm2"], rel=1e-6)
    hand.wait()
    assert work.drawn["gm"].edited
    assert not work.edited
    result = measured_again(hand)
    assert shown_areas(hand) == pytest.approx(areas(result.structure("gm").level_shapes), abs=1e-9)
    assert shown_areas(hand, "wm_mm2") == pytest.approx(areas(result.structure("wm").level_shapes), abs=1e-9)


def test_a_stroke_on_the_cord_moves_its_white_matter(axial):
    hand = axial
    draw(hand, "gm")
    before = rows(hand)["C4"]
    choose(hand, "cord")
    hand.click_row("C4")
    hand.press(hand.dock.segment_panel.paint)
    middle = centre(hand)
    hand.drag(*(middle + np.array(step) for step in ([0, 3.5, 0], [0, 4.2, 1.0], [0, 4.2, 3.0])))
    hand.wait()
    choose(hand, "gm")
    after = rows(hand)["C4"]
    assert after["cord_mm2"] > before["cord_mm2"] + 0.1
    assert after["wm_mm2"] - before["wm_mm2"] == pytest.approx(after["cord_mm2"] - before["cord_mm2"], abs=0.05)
    assert not hand.desk.session.current.drawn["gm"].edited


def test_grey_matter_painted_outside_of_the_cord_is_flagged_and_kept(axial):
    hand = axial
    draw(hand, "gm")
    hand.click_row("C5")
    hand.press(hand.dock.segment_panel.paint)
    middle = centre(hand)
    hand.drag(middle + np.array([0, 7.0, 0]), middle + np.array([0, 7.0, 1.0]))
    hand.wait()
    assert "grey matter outside the cord" in hand.dock.segment_panel.state.toolTip()
    work = hand.desk.session.current
    assert (work.layer_of("gm").data[work.mask.data == 0] == 1).any()
    hand.desk.saver.save(hand.desk.saver.home(), overwrite=False)
    table = (hand.desk.saver.folder / METRICS).read_text()
    assert "grey matter outside the cord" in table


def test_undo_brings_the_numbers_back(axial):
    hand = axial
    draw(hand, "gm")
    hand.click_row("C4")
    before = rows(hand)["C4"]
    hand.press(hand.dock.segment_panel.erase)
    middle = centre(hand)
    hand.drag(middle + np.array([0, 0.0, -2]), middle + np.array([0, 0.0, 2]))
    hand.wait()
    assert rows(hand)["C4"]["area_mm2"] < before["area_mm2"]
    hand.desk.session.current.layer_of("gm").undo()
    hand.wait()
    assert rows(hand)["C4"]["area_mm2"] == pytest.approx(before["area_mm2"])


def test_what_the_scan_does_not_show_is_said_in_the_dock_and_in_the_table(axial, monkeypatch):
    def blind(name, *_, **__):
        return DrawnStructure(name, None, (NOT_MEASURABLE,))

    monkeypatch.setattr(structures, "draw_structure", blind)
    hand = axial
    draw(hand, "gm")
    assert NOT_MEASURABLE in hand.dock.segment_panel.state.text()
    assert hand.desk.session.current.layer_of("gm") is None
    assert not hand.dock.segment_panel.paint.isEnabled()
    for row in hand.dock.measure_panel.model.rows():
        assert row["area_mm2"] is None
        assert NOT_MEASURABLE in row["flag_tip"]
        assert row["cord_mm2"] > 30
    hand.press(hand.dock.measure_panel.save)
    table = (hand.desk.saver.folder / METRICS).read_text()
    assert table.count(f"WM not measured: {NOT_MEASURABLE}") == len(hand.dock.measure_panel.model.rows())


def test_without_a_cord_nothing_else_can_be_asked_for(opened):
    panel = opened.dock.segment_panel
    assert not panel.structure.isEnabled()
    opened.desk.session.choose_structure("gm")
    opened.desk.segment()
    assert "Segment the cord first" in opened.dock.status.line.text()
    opened.desk.session.choose_structure("cord")


def test_a_click_on_the_cord_is_for_the_cord_only(axial):
    panel = axial.dock.segment_panel
    assert panel.click.isEnabled()
    choose(axial, "canal")
    assert not panel.click.isEnabled()
    assert panel.segment.text() == "Segment canal"


def test_the_segment_key_acts_on_the_structure_in_hand(axial, qtbot):
    choose(axial, "canal")
    qtbot.keyClick(axial.viewer.window._qt_viewer.canvas.native, Qt.Key.Key_F7)
    qtbot.waitUntil(lambda: axial.desk.session.current.layer_of("canal") is not None, timeout=30_000)
    axial.wait()


def test_edits_by_hand_are_not_replaced_unasked(axial, answers):
    hand = axial
    draw(hand, "gm")
    work = hand.desk.session.current
    work.drawn["gm"].edited = True
    kept, answers["confirm"] = work.layer_of("gm").data.copy(), False
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    assert "confirm" in answers["asked"]
    np.testing.assert_array_equal(work.layer_of("gm").data, kept)


def test_a_removed_layer_is_forgotten(axial):
    hand = axial
    draw(hand, "gm")
    work = hand.desk.session.current
    hand.viewer.layers.remove(work.layer_of("gm"))
    hand.wait()
    assert "gm" not in work.drawn
    assert all(row["area_mm2"] is None for row in hand.dock.measure_panel.model.rows())


def test_another_scan_takes_its_masks_along_and_brings_them_back(axial):
    hand = axial
    draw(hand, "gm")
    work, files = hand.desk.session.current, hand.desk.session.exam.files
    other = next(index for index, file in enumerate(files) if "T2w" in file.name)
    hand.desk.opener.choose(other)
    hand.wait()
    assert work.layer_of("gm") not in hand.viewer.layers
    assert hand.desk.session.structure == "cord"
    hand.desk.opener.choose(next(index for index, file in enumerate(files) if "T2star" in file.name))
    hand.wait()
    assert work.layer_of("gm") in hand.viewer.layers
    choose(hand, "gm")
    assert rows(hand)["C4"]["wm_mm2"] > 30


def test_unsaved_structures_hold_the_window(axial, answers):
    draw(axial, "canal")
    answers["unsaved"] = Answer.CANCEL
    assert not axial.desk.may_close()
    assert answers["asked"] == ["unsaved"]
    axial.desk.session.mark_saved()


def test_painted_saved_and_opened_again_all_is_there(axial, exam_folder, next_hand):  # noqa: F811
    hand = axial
    for name in ("canal", "gm"):
        draw(hand, name)
    hand.click_row("C4")
    hand.press(hand.dock.segment_panel.paint)
    middle = centre(hand)
    hand.drag(middle + np.array([0, 2.0, 0]), middle + np.array([0, 2.0, 2.0]))
    hand.wait()
    hand.press(hand.dock.measure_panel.save)
    assert not hand.desk.session.unsaved
    folder, work = hand.desk.saver.folder, hand.desk.session.current
    before = {name: layer.data.copy() for name, layer in work.masks().items()}
    numbers = shown_areas(hand), shown_areas(hand, "wm_mm2")
    sidecar = json.loads((folder / SUBJECT / "anat" / f"{SUBJECT}_space-T2star_label-GM_mask.json").read_text())
    assert sidecar["Parameters"]["edited_by_hand"] is True
    assert sidecar["Parameters"]["shape_by_level"] is True

    hand = next_hand(hand)
    hand.desk.open_paths([exam_folder])
    hand.wait()
    work = hand.desk.session.current
    assert work.scan.name == f"{SUBJECT}_T2star"
    assert set(work.masks()) == set(before)
    for name, layer in work.masks().items():
        np.testing.assert_array_equal(layer.data, before[name])
    assert work.drawn["gm"].edited
    assert not work.drawn["canal"].edited
    assert not hand.desk.session.unsaved
    choose(hand, "gm")
    assert (shown_areas(hand), shown_areas(hand, "wm_mm2")) == numbers
    hand.click_row("C5")
    hand.wait()
    assert not hand.desk.session.unsaved


def test_a_dropped_grey_matter_mask_is_taken_as_such(axial):
    hand, session = axial, axial.desk.session
    work = session.current
    grey = np.zeros(work.scan.grid.shape, np.uint8)
    grey[np.nonzero(work.mask_on_file_grid())[0][:1], 50:54, :] = 1
    look = {"name": "sub-01_label-GM_mask", "metadata": dict(work.image.metadata), "scale": work.image.scale}
    look["metadata"].pop("spinalq_scan")
    layer = hand.viewer.add_labels(to_display(grey, work.scan.grid), translate=work.image.translate, **look)
    hand.wait()
    assert work.layer_of("gm") is layer


def test_a_mask_that_was_never_asked_for_has_no_rows(axial):
    hand = axial
    choose(hand, "gm")
    assert "gm" not in hand.desk.session.current.drawn
    assert all(row["area_mm2"] is None for row in hand.dock.measure_panel.model.rows())
    hand.press(hand.dock.measure_panel.save)
    assert "\tgm\t" not in (hand.desk.saver.folder / METRICS).read_text()


def test_the_dock_still_fits_a_small_screen(axial):
    draw(axial, "gm")
    size = axial.dock.minimumSizeHint()
    assert size.width() <= 380
    assert size.height() <= 690


def test_painted_flags_are_kept_apart(axial):
    """A structure without a layer keeps the sentence that says why."""
    session = axial.desk.session
    session.set_structure(session.current, "canal", StructureWork(None, ("no wall",)))
    axial.wait()
    choose(axial, "canal")
    assert "no wall" in axial.dock.segment_panel.state.text()

"""While masks and discs may only be looked at, nothing changes them, and the reason is said once per attempt."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.gui.along.dock import AlongDock
from napari_spinalq.gui.convert import labels_layer
from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.shortcuts import SHORTCUTS
from tests.gui.test_along import along, pen  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.gui, pytest.mark.slow]

WHY = "Someone works on this exam."
SILENT = {"R", "Shift-J", "Shift-L", "Shift-R", "Shift-F8"}
"""Keys that have nothing to do here, or change no mask, and say so."""


def _state(hand):
    session = hand.desk.session
    masks = {(id(work), name): np.array(one.data) for work in session.works for name, one in work.masks().items()}
    return masks, session.labelling, [work.checked for work in session.works]


def _same(hand, before):
    masks, labelling, checked = _state(hand)
    assert masks.keys() == before[0].keys()
    for key, mask in masks.items():
        np.testing.assert_array_equal(mask, before[0][key])
    assert (labelling, checked) == before[1:]


def _told(hand):
    told = []
    hand.desk.told.connect(lambda _kind, words: told.append(words))
    return told


@pytest.fixture
def barred(measured):
    """Return a hand on an exam with steps to undo and to redo and a checked slice, which may only be looked at."""
    desk = measured.desk
    desk.show_plane(Plane.AXIAL)
    for _ in range(2):
        desk.mender.resize(0.3)
        measured.wait()
    desk.historian.undo()
    desk.slices.accept()
    measured.wait()
    desk.measurer.go_to_level(4)
    desk.session.set_read_only(WHY)
    return measured


def test_no_key_changes_anything_and_each_says_why(barred):
    before, told = _state(barred), _told(barred)
    for shortcut in (one for one in SHORTCUTS if one.action and one.group in ("Mask", "Redraw", "Discs", "Work")):
        told.clear()
        shortcut.action(barred.desk)
        barred.wait()
        _same(barred, before)
        assert WHY in told or shortcut.key in SILENT or shortcut.key == "Escape", shortcut.words
    for deed in (barred.desk.slices.accept, barred.desk.slices.take_back):
        told.clear()
        deed()
        assert told == [WHY]
        _same(barred, before)


def test_a_stroke_on_the_image_is_refused_once(barred):
    before, told = _state(barred), _told(barred)
    layer = barred.desk.session.current.mask
    barred.viewer.layers.selection.active = layer
    layer.editable = True  # as a script may do it
    layer.mode = "paint"
    centre = np.asarray(barred.viewer.dims.point[-3:])
    barred.drag(*(centre + np.array([0, 4, x]) for x in np.linspace(-2, 2, 9)))
    barred.wait()
    assert told == [WHY]
    _same(barred, before)


def test_a_stroke_on_the_strip_is_refused_once(measured, along, pen):  # noqa: F811
    before, told = _state(measured), _told(measured)
    AlongDock._use_tool(along, "paint")
    measured.desk.session.set_read_only(WHY)
    measured.wait()
    middle = float(np.nanmedian(along.scene.course.slices_mm))
    pen.drag(along.plot.strip.box, *((middle + step, 3.0) for step in range(8)))
    measured.wait()
    assert told == [WHY]
    _same(measured, before)


def test_points_of_discs_go_back(barred):
    before, told, layer = _state(barred), _told(barred), barred.desk.editor.layer
    places = layer.data.copy()

    def drag():
        layer.data = places + 3

    def remove():
        layer.selected_data = {0}
        layer.remove_selected()

    for deed in (drag, remove, lambda: layer.add(places[0] + 5)):
        told.clear()
        deed()
        barred.wait()
        assert told == [WHY]
        _same(barred, before)
        np.testing.assert_allclose(layer.data, places)


def test_layers_that_are_removed_come_back(barred):
    before, told, desk = _state(barred), _told(barred), barred.desk
    for layer in (desk.session.current.mask, desk.editor.layer):
        told.clear()
        barred.viewer.layers.remove(layer)
        barred.wait()
        assert told == [WHY]
        _same(barred, before)
    assert desk.session.current.mask in barred.viewer.layers
    assert desk.editor.layer in barred.viewer.layers
    assert not desk.session.current.mask.editable
    assert not desk.editor.layer.editable


def test_a_dropped_mask_is_not_taken(barred):
    before, grid = _state(barred), barred.desk.session.current.scan.grid
    data, settings, _ = labels_layer(np.ones(grid.shape, np.uint8), grid, "x_label-GM_mask")
    barred.viewer.add_labels(data, **settings)
    barred.wait()
    _same(barred, before)


@pytest.mark.parametrize("deed", ["cord", "canal", "discs", "prompts"])
def test_work_that_ends_after_the_lock_was_lost_changes_nothing(measured, deed):
    desk = measured.desk
    if deed == "prompts":
        desk.slices.accept()
    if deed == "canal":
        desk.session.choose_structure("canal")
    start = {"discs": desk.labeller.find, "prompts": desk.prompter.follow}.get(deed, desk.segment)
    before, told = _state(measured), _told(measured)
    start()
    assert desk.runner.busy
    desk.session.set_read_only(WHY)
    measured.wait()
    assert WHY in told
    _same(measured, before)

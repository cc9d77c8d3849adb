"""Discs: added one by one, all renamed by one, gaps filled; by real clicks and keys."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import Plane, current_plane, go_to
from napari_spinalq.levels.discs import Labelling, Origin
from tests.gui.conftest import true_discs

pytestmark = pytest.mark.gui

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def _world(hand, disc):
    return mm_to_world(disc.position_mm, hand.desk.session.current.scan.grid)


def _names(hand):
    return [disc.name for disc in hand.desk.session.labelling.discs]


@pytest.fixture
def without_discs(measured):
    """Return a hand on the exam without any disc, in the sagittal plane."""
    measured.dock.pages.setCurrentWidget(measured.dock.tools_panel)
    measured.desk.session.set_labelling(Labelling((), confirmed=False))
    measured.wait()
    return measured


def test_clicks_name_one_disc_after_the_other(without_discs, truth):
    hand = without_discs
    discs = [disc for disc in true_discs(truth) if 3 <= disc.number <= 6]
    hand.press(hand.dock.tools_panel.add_disc)
    assert current_plane(hand.viewer) is Plane.SAGITTAL
    assert "comes C2-C3" in hand.dock.status.line.text()
    go_to(hand.viewer, _world(hand, discs[0]))
    hand.viewer.fit_to_view()
    for count, (disc, following) in enumerate(zip(discs, ("C3-C4", "C4-C5", "C5-C6", "C6-C7"), strict=True), 1):
        hand.click(_world(hand, disc))
        hand.wait()
        assert _names(hand) == [one.name for one in discs[:count]]
        assert f"Added {disc.name}." in hand.dock.status.line.text()
        assert f"comes {following}" in hand.dock.status.line.text()
    hand.key(Qt.Key.Key_F8, CONTROL)
    assert not hand.dock.tools_panel.add_disc.isChecked()
    assert str(hand.desk.editor.layer.mode) == "select"


def test_all_names_go_one_up_or_down(measured):
    hand, before = measured, measured.desk.session.labelling
    hand.dock.pages.setCurrentWidget(hand.dock.tools_panel)
    hand.press(hand.dock.tools_panel.names_down)
    hand.wait()
    after = hand.desk.session.labelling
    assert after.numbers == tuple(number + 1 for number in before.numbers)
    assert [one.position_mm for one in after.discs] == [one.position_mm for one in before.discs]
    hand.key(Qt.Key.Key_PageUp, CONTROL)
    hand.wait()
    assert hand.desk.session.labelling.numbers == before.numbers


def test_names_that_no_spine_has_are_refused(measured):
    hand, first = measured, measured.desk.session.labelling.numbers[0]
    for _ in range(first - 1):
        hand.key(Qt.Key.Key_PageUp, CONTROL)
        hand.wait()
    assert hand.desk.session.labelling.numbers[0] == 2
    hand.key(Qt.Key.Key_PageUp, CONTROL)
    assert hand.desk.session.labelling.numbers[0] == 2
    assert "not a disc" in hand.dock.status.line.text()


def test_missing_discs_are_interpolated_openly(measured):
    hand, session = measured, measured.desk.session
    kept = tuple(disc for disc in session.labelling.discs if disc.name not in ("C4-C5", "C5-C6"))
    truth = {disc.name: _world(hand, disc) for disc in session.labelling.discs}
    session.set_labelling(Labelling(kept, confirmed=True))
    hand.wait()
    hand.key(Qt.Key.Key_F8, SHIFT)
    hand.wait()
    added = {disc.name: disc for disc in session.labelling.discs if disc.origin is Origin.INTERPOLATED}
    assert set(added) == {"C4-C5", "C5-C6"}
    for name, disc in added.items():
        assert _world(hand, disc)[0] == pytest.approx(truth[name][0], abs=3.0)
    assert any("C4-C5, C5-C6 not seen" in flag for flag in session.labelling.flags)
    assert hand.dock.levels_panel.state.toolTip().count("interpolated") == 1


def test_discs_of_an_exam_that_may_only_be_read_stay(measured):
    hand, before = measured, measured.desk.session.labelling
    hand.desk.session.set_read_only("Someone else works on this exam.")
    hand.key(Qt.Key.Key_PageDown, CONTROL)
    assert hand.desk.session.labelling == before
    assert hand.dock.status.line.text().endswith("Someone else works on this exam.")

"""Results of long work that come when something else lies on the table: they reach their own scan, and no other eye."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, Qt

from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.readers.raters import NOTHING
from tests.gui.test_raters import _begin, saved  # noqa: F401 (fixture)

pytestmark = [pytest.mark.gui, pytest.mark.slow]


def _choose(hand, part):
    files = hand.desk.session.exam.files
    hand.desk.opener.choose(next(place for place, file in enumerate(files) if part in file.path.name))


def test_a_segmentation_ends_while_another_scan_is_in_hand(opened):
    for part in ("T2star", "T2w"):
        _choose(opened, part)
        opened.wait()
    work = opened.desk.session.current
    opened.desk.segment()
    _choose(opened, "T2star")
    opened.wait()
    assert opened.desk.session.current is not work
    assert np.asarray(work.mask.data).any()
    assert work.mask not in opened.viewer.layers
    _choose(opened, "T2w")
    opened.wait()
    assert opened.desk.session.current is work
    assert work.mask in opened.viewer.layers
    layers = opened.viewer.layers
    assert layers.index(work.mask) == layers.index(work.image) + 1


def test_a_stroke_ends_when_its_scan_is_taken_away(measured):
    desk, left, none = measured.desk, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for part in ("T2star", "T2w"):
        _choose(measured, part)
        measured.wait()
    work, before = desk.session.current, np.array(desk.session.current.mask.data)
    desk.show_plane(Plane.AXIAL)
    desk.measurer.go_to_level(4)
    desk.tools.use_in_cross_section("paint")
    centre = np.asarray(measured.viewer.dims.point[-3:])
    pixels = [measured.pixel(centre + np.array([0, 4, x])) for x in (-2, 0, 2)]
    measured._send(QEvent.Type.MouseMove, pixels[0], none)
    measured._send(QEvent.Type.MouseButtonPress, pixels[0], left)
    measured._send(QEvent.Type.MouseMove, pixels[1], left)
    drawn = np.array(work.mask.data)
    assert (drawn != before).any()
    _choose(measured, "T2star")
    assert desk.recorder.journal.history.standing()[-1].line.tool == "brush"
    measured._send(QEvent.Type.MouseMove, pixels[2], left)
    measured._send(QEvent.Type.MouseButtonRelease, pixels[2], left)
    measured.wait()
    np.testing.assert_array_equal(work.mask.data, drawn)
    desk.historian.undo()
    measured.wait()
    assert desk.session.current is work
    np.testing.assert_array_equal(work.mask.data, before)


def test_a_second_reader_does_not_see_the_first_mask_that_comes_meanwhile(opened):
    work = opened.desk.session.current
    opened.desk.segment()
    opened.desk.raters.begin("AMK", NOTHING)
    opened.wait()
    assert np.asarray(work.mask.data).any()
    assert work.mask not in opened.viewer.layers
    assert not np.asarray(opened.desk.session.current.mask.data).any()


def test_a_second_reader_compares_with_no_mask(saved, qtbot):  # noqa: F811
    desk = saved.desk
    path, mask = desk.session.current.scan.source.path, next(desk.saver.folder.rglob("*_label-cord_mask.nii.gz"))
    _begin(saved, qtbot)
    told = []
    desk.told.connect(lambda kind, words: told.append(words))
    for chosen in (path, mask):
        desk.comparer.open(chosen)
        saved.wait()
        assert desk.comparer.other is None
    assert "go back to the first read" in told[-1]
    _choose_other(saved, path)


def _choose_other(hand, path):
    """Compare with another scan, whose own saved masks are left out as well."""
    other = next(file.path for file in hand.desk.session.exam.files if file.path != path and "T2star" in file.path.name)
    hand.desk.comparer.open(other)
    hand.wait()
    found = hand.desk.comparer.other
    assert found.image is not None
    assert found.mask is None
    assert found.mask_here is None

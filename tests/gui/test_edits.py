"""Masks change in one way, and every finished edit is told once, whichever tool made it."""

import numpy as np

from napari_spinalq.gui.display import Plane


def _told(desk):
    made = []
    desk.edits.made.connect(made.append)
    return made


def _grown(work, index):
    plane = work.mask.data[index].copy()
    plane[0, :3] = 1
    return {index: plane}


def test_planes_are_written_and_told_once(measured):
    work, made = measured.desk.session.current, _told(measured.desk)
    before, planes = work.mask.data.copy(), _grown(work, 40)
    assert measured.desk.edits.change(work, "cord", planes, "grow") == {40}
    assert [(edit.structure, edit.tool, edit.slices) for edit in made] == [("cord", "grow", frozenset({40}))]
    np.testing.assert_array_equal(work.mask.data[40], planes[40])
    np.testing.assert_array_equal(np.delete(work.mask.data, 40, 0), np.delete(before, 40, 0))


def test_a_stroke_in_parts_is_one_edit(measured):
    work, made = measured.desk.session.current, _told(measured.desk)
    for index in (40, 41):
        measured.desk.edits.show(work, "cord", _grown(work, index))
    assert made == []
    measured.desk.edits.finish(work, "cord", "brush")
    assert [edit.slices for edit in made] == [frozenset({40, 41})]


def test_planes_that_change_nothing_are_no_edit(measured):
    work, made = measured.desk.session.current, _told(measured.desk)
    assert measured.desk.edits.change(work, "cord", {40: work.mask.data[40].copy()}, "grow") == frozenset()
    assert made == []


def test_a_stroke_of_the_brush_of_napari_is_told(measured):
    made = _told(measured.desk)
    measured.desk.show_plane(Plane.AXIAL)
    measured.desk.tools.use("paint")
    centre = np.asarray(measured.viewer.dims.point[-3:])
    measured.drag(centre + np.array([0, 8, 0]), centre + np.array([0, 9, 2]))
    assert [(edit.structure, edit.tool) for edit in made] == [("cord", "brush")]


def test_what_is_read_only_is_not_changed_and_the_reason_is_told(measured):
    work, told = measured.desk.session.current, []
    measured.desk.edits.refused.connect(told.append)
    before = work.mask.data.copy()
    measured.desk.session.set_read_only("Someone else works on this exam.")
    assert measured.desk.edits.change(work, "cord", _grown(work, 40), "grow") == frozenset()
    np.testing.assert_array_equal(work.mask.data, before)
    assert told == ["Someone else works on this exam."]

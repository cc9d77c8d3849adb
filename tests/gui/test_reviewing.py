"""Slices of low confidence come first: the button, the key, and what makes a slice step back."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_spinalq.cord.confidence import MIN_CONFIDENCE
from napari_spinalq.gui.display import Plane, current_plane
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.discs import Labelling
from tests.gui.conftest import true_discs

pytestmark = pytest.mark.gui

SPOILT = (9, 12)


@pytest.fixture
def doubtful(hand, tmp_path):
    """Return a hand on a segmented T2* scan in which two slices are nearly noise."""
    image = nib.load(sample_folder() / "sub-healthy01" / "anat" / "sub-healthy01_T2star.nii.gz")
    values = np.asarray(image.dataobj, dtype=np.float32)
    assert nib.aff2axcodes(image.affine)[2] == "S"
    noise = np.random.default_rng(0).normal(0, 0.35 * np.percentile(values, 99), values.shape[:2])
    for index in SPOILT:
        values[..., index] = np.abs(0.5 * values[..., index] + noise)
    path = tmp_path / "sub-x_T2star.nii.gz"
    nib.save(nib.Nifti1Image(values, image.affine), path)
    hand.desk.open_paths([path])
    hand.wait()
    hand.press(hand.dock.segment_panel.segment)
    hand.wait()
    return hand


def test_the_least_certain_slices_are_shown_first(doubtful):
    panel, reviewer = doubtful.dock.segment_panel, doubtful.desk.reviewer
    listed = reviewer.slices()
    assert set(SPOILT) <= {number for number, _ in listed}
    assert [sure for _, sure in listed] == sorted(sure for _, sure in listed)
    assert all(sure < MIN_CONFIDENCE for _, sure in listed)
    assert panel.review.isVisible()
    assert panel.review.text() == f"Look first ({len(listed)})"
    work = doubtful.desk.session.current
    for number, _ in listed:
        doubtful.press(panel.review)
        assert current_plane(doubtful.viewer) is Plane.AXIAL
        assert round(work.mask.world_to_data(doubtful.viewer.dims.point)[-3]) == number


def test_a_slice_that_was_accepted_is_no_longer_listed(doubtful):
    (worst, _), *others = doubtful.desk.reviewer.slices()
    doubtful.key(Qt.Key.Key_F12)
    assert doubtful.desk.slices.here() == worst
    doubtful.key(Qt.Key.Key_G)
    assert [number for number, _ in doubtful.desk.reviewer.slices()] == [number for number, _ in others]
    assert doubtful.dock.segment_panel.review.text() == f"Look first ({len(others)})"


def test_a_slice_that_was_edited_is_no_longer_listed(doubtful):
    panel, reviewer = doubtful.dock.segment_panel, doubtful.desk.reviewer
    (worst, _), *others = reviewer.slices()
    doubtful.press(panel.review)
    doubtful.press(panel.paint)
    doubtful.desk.segmenter.close_in()
    centre = doubtful.viewer.dims.point[-3:]
    doubtful.drag(np.add(centre, (0, 7.0, 0)), np.add(centre, (0, 7.5, 1.0)))
    doubtful.wait()
    assert [number for number, _ in reviewer.slices()] == [number for number, _ in others]
    assert worst not in {number for number, _ in reviewer.slices()}


def test_the_table_tells_the_interval_and_marks_the_levels_to_look_at(doubtful, truth):
    desk = doubtful.desk
    desk.session.set_labelling(Labelling(true_discs(truth), confirmed=True))
    doubtful.wait()
    rows = {row["number"]: row for row in doubtful.dock.measure_panel.model.rows()}
    slices = {number for number, _ in desk.reviewer.slices()}
    levels = desk.measurer.levels()
    assert rows
    for place, number in enumerate(levels.level.tolist()):
        assert "95 % interval is ±" in rows[number]["area_mm2_tip"]
        assert ("low confidence" in rows[number]["flag_tip"]) == bool(slices & set(levels.slices[place]))


def test_without_doubt_there_is_no_button(measured):
    assert not measured.dock.segment_panel.review.isVisible()
    measured.desk.reviewer.go_on()
    assert "No slice" in measured.dock.status.line.text()

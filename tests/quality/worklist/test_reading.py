"""A case is read whole: measured, flagged, pictured; what cannot be used is told; what is kept ready is bounded."""

import json
import shutil

import numpy as np
import pytest

from napari_spinalq.derivatives import write_exams
from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.quality.worklist.cases import find_cases
from napari_spinalq.quality.worklist.measured import refused, stamp_of
from napari_spinalq.quality.worklist.reading import read_case
from napari_spinalq.quality.worklist.shelf import Shelf
from napari_spinalq.results import DrawnStructure, ExamResult
from tests.quality.cases import cord, write_image, write_mask


def only_case(folder):
    (case,) = find_cases(folder).cases
    return case


@pytest.fixture
def toolbox(tmp_path):
    """Return the folder of an image with what Spinal Cord Toolbox makes of it."""
    write_image(tmp_path / "t2.nii.gz")
    write_mask(tmp_path / "t2_seg.nii.gz")
    return tmp_path


def test_a_leak_makes_a_case_suspicious_and_tells_the_slice(toolbox):
    clean = read_case(only_case(toolbox)).summary
    mask = cord()
    mask[15:27, 10:15, 8] = 1
    write_mask(toolbox / "t2_seg.nii.gz", mask)
    leaking = read_case(only_case(toolbox)).summary
    assert leaking.suspicion > clean.suspicion
    assert leaking.places[0] == 8
    assert 8 in leaking.doubtful_slices
    assert leaking.mask_sha256 != clean.mask_sha256


def test_grey_matter_and_discs_come_along(toolbox):
    write_mask(toolbox / "t2_gmseg.nii.gz", cord(2))
    points = np.zeros(cord().shape, np.uint8)
    points[15, 12, 14], points[15, 12, 5] = 3, 4
    write_mask(toolbox / "t2_labels-disc.nii.gz", points)
    reading = read_case(only_case(toolbox))
    assert reading.result.structure("gm").mask.sum() == cord(2).sum()
    assert [disc.name for disc in reading.result.labelling.discs] == ["C2-C3", "C3-C4"]
    saved = reading.saved_work()
    assert np.array_equal(saved.mask, cord())
    assert [one.name for one in saved.drawn] == ["gm"]
    assert reading.remarks == ()


def test_discs_that_cannot_be_used_are_left_out_and_told(toolbox):
    points = np.zeros(cord().shape, np.uint8)
    points[15, 12, 5], points[15, 12, 14] = 3, 4  # C3-C4 above C2-C3
    write_mask(toolbox / "t2_labels-disc.nii.gz", points)
    reading = read_case(only_case(toolbox))
    assert reading.result.labelling.discs == ()
    assert "C3-C4" in reading.remarks[0]
    assert reading.saved_work().refusals == reading.remarks


def test_our_own_results_keep_their_record_and_confirmed_discs(tmp_path):
    image = write_image(tmp_path / "sub-01" / "anat" / "sub-01_T2w.nii.gz")
    write_image(tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz", seed=1)
    labelling = Labelling((Disc(3, (15, 12, 28)), Disc(4, (15, 12, 11))), confirmed=True)
    result = measure_scan(
        load_scan(image), cord(), labelling, parameters={"method": "x"}, flags=("dim",),
        drawn=[DrawnStructure("gm", cord(2))],
    )  # fmt: skip
    folder = tmp_path / "derivatives" / "napari-spinalq"
    write_exams([ExamResult(find_exam([image]), (result,))], folder, shared=True)
    reading = read_case(only_case(folder))
    assert reading.result.labelling.confirmed
    assert len(reading.exam.files) == 2, "saving must keep the rows of the other scan"
    saved = reading.saved_work()
    assert saved.parameters["method"] == "x"
    assert "dim" in saved.flags
    assert not saved.edited


def test_a_mask_of_another_state_of_the_image_is_refused(toolbox):
    sidecar = {"Sources": [{"File": "t2.nii.gz", "SHA256": "0" * 64}]}
    (toolbox / "t2_seg.json").write_text(json.dumps(sidecar))
    case = only_case(toolbox)
    with pytest.raises(InputError, match="not made on") as stop:
        read_case(case)
    summary = refused(case, stop.value)
    assert summary.suspicion == 1.0
    assert "not made on" in summary.refusal


@pytest.mark.parametrize(("values", "words"), [(0, "empty"), (3, "values from 0 to 3")])
def test_what_is_no_mask_is_refused(toolbox, values, words):
    write_mask(toolbox / "t2_seg.nii.gz", values * cord())
    with pytest.raises(InputError, match=words):
        read_case(only_case(toolbox))


def test_a_place_in_a_slice_without_cord_is_beside_the_nearest(toolbox):
    mask = cord()
    mask[..., 8] = 0
    write_mask(toolbox / "t2_seg.nii.gz", mask)
    reading = read_case(only_case(toolbox))
    assert reading.place_mm(8) == pytest.approx([15, 12, 16], abs=0.2)


def test_the_samples_read_without_doubt():
    case = next(one for one in find_cases(sample_folder()).cases if one.name == "sub-healthy01_T2star")
    reading = read_case(case)
    assert reading.summary.suspicion < 0.3
    assert reading.strip.shape == (288, 96, 3)


def test_the_shelf_drops_what_was_used_least_and_never_what_is_needed(tmp_path):
    for name in "abcd":
        write_image(tmp_path / f"{name}.nii.gz")
        write_mask(tmp_path / f"{name}_seg.nii.gz")
    cases = find_cases(tmp_path).cases
    readings = [read_case(case) for case in cases]
    shelf = Shelf(most_cases=2)
    for reading in readings[:3]:
        shelf.put(reading, needed=[cases[0]])
    assert [case.name for case in cases if case in shelf] == ["a", "c"]
    small = Shelf(most_bytes=readings[0].size_bytes)
    for reading in readings:
        small.put(reading, needed=[])
    assert len(small) == 1
    assert small.size_bytes <= readings[0].size_bytes


def test_a_file_that_changed_is_not_taken_from_the_shelf(toolbox, tmp_path):
    case = only_case(toolbox)
    shelf = Shelf()
    shelf.put(read_case(case), needed=[])
    before = stamp_of(case)
    assert shelf.get(case) is not None
    shutil.copy(write_mask(tmp_path / "other.nii.gz", cord(4)), case.mask)
    assert stamp_of(case) != before
    assert shelf.get(case) is None

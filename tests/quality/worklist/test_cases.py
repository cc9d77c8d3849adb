"""Masks find their images whoever wrote them, and what cannot be paired is told."""

import json
import shutil

import numpy as np
import pytest

from napari_spinalq.derivatives import write_exams
from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.quality.worklist.cases import ListedCase, coming_up, find_cases, next_unrated, worst_first
from napari_spinalq.results import ExamResult
from tests.quality.cases import AFFINE, cord, write, write_image, write_mask


def pairs(found):
    return {case.mask.name: case.image.name for case in found.cases}


def test_our_own_derivatives_find_the_image_in_the_dataset_above(tmp_path):
    image = write_image(tmp_path / "data" / "sub-01" / "anat" / "sub-01_acq-ax_T2star.nii.gz")
    exam, scan = find_exam([image]), load_scan(image)
    result = measure_scan(scan, cord(), Labelling((), confirmed=False))
    folder = tmp_path / "data" / "derivatives" / "napari-spinalq"
    write_exams([ExamResult(exam, (result,))], folder, shared=True)
    found = find_cases(folder)
    assert pairs(found) == {"sub-01_acq-ax_space-T2star_label-cord_mask.nii.gz": "sub-01_acq-ax_T2star.nii.gz"}
    assert found.cases[0].name == "sub-01_acq-ax_T2star"
    assert found.unpaired == ()


def test_what_spinal_cord_toolbox_writes_beside_the_image(tmp_path):
    for name in ("t2", "t2s"):
        write_image(tmp_path / f"{name}.nii.gz")
        write_mask(tmp_path / f"{name}_seg.nii.gz")
    write_mask(tmp_path / "t2s_gmseg.nii.gz", cord(2))
    write_mask(tmp_path / "t2_seg_labeled.nii.gz", 3 * cord())
    write_mask(tmp_path / "t2_labels-disc.nii.gz")
    found = find_cases(tmp_path)
    assert pairs(found) == {"t2_seg.nii.gz": "t2.nii.gz", "t2s_seg.nii.gz": "t2s.nii.gz"}
    assert [sorted(case.beside) for case in found.cases] == [["discs", "levels"], ["gm"]]


@pytest.mark.parametrize(
    "mask",
    ["sub-01_label-SC_mask", "sub-01_T2w_label-SC_seg", "sub-01_T2w_label-cord_mask", "sub-01_dseg",
     "sub-01_space-T2w_desc-sc_mask"],
)  # fmt: skip
def test_names_of_other_bids_derivatives(tmp_path, mask):
    write_image(tmp_path / "rawdata" / "sub-01" / "anat" / "sub-01_T2w.nii.gz")
    write_image(tmp_path / "rawdata" / "sub-01" / "anat" / "sub-01_acq-ax_T2star.nii.gz")
    write_mask(tmp_path / "derivatives" / "other" / "sub-01" / "anat" / f"{mask}.nii.gz")
    assert list(pairs(find_cases(tmp_path / "derivatives" / "other")).values()) == ["sub-01_T2w.nii.gz"]


@pytest.mark.parametrize("source", ["bids:raw:sub-01/anat/sub-01_acq-b_T2w.nii.gz", "sub-01_acq-b_T2w.nii.gz"])
def test_the_sidecar_decides_between_images(tmp_path, source):
    for run in ("a", "b"):
        write_image(tmp_path / "sub-01" / "anat" / f"sub-01_acq-{run}_T2w.nii.gz")
    mask = write_mask(tmp_path / "derivatives" / "x" / "sub-01" / "anat" / "sub-01_desc-sc_mask.nii.gz")
    assert "No image was found" in find_cases(mask.parent).unpaired[0].reason
    mask.with_name("sub-01_desc-sc_mask.json").write_text(json.dumps({"Sources": [source]}))
    assert pairs(find_cases(mask.parent)) == {mask.name: "sub-01_acq-b_T2w.nii.gz"}


def test_several_images_that_fit_are_named_and_none_is_taken(tmp_path):
    for suffix in ("T1w", "T2w"):
        write_image(tmp_path / "sub-01" / "anat" / f"sub-01_{suffix}.nii.gz")
    write_mask(tmp_path / "sub-01" / "anat" / "sub-01_label-SC_mask.nii.gz")
    found = find_cases(tmp_path)
    assert found.cases == ()
    assert "sub-01_T1w.nii.gz, sub-01_T2w.nii.gz" in found.unpaired[0].reason


def test_another_grid_a_damaged_file_and_a_bad_sidecar_are_listed_with_the_reason(tmp_path):
    for name in ("a", "b", "c", "d"):
        write_image(tmp_path / f"{name}.nii.gz")
        write_mask(tmp_path / f"{name}_seg.nii.gz")
    write_mask(tmp_path / "b_seg.nii.gz", affine=np.diag([1.0, 1.0, 2.5, 1.0]))
    (tmp_path / "c_seg.nii.gz").write_bytes(b"no image")
    (tmp_path / "d_seg.json").write_text("{")
    write_mask(tmp_path / "e_gmseg.nii.gz")
    found = find_cases(tmp_path)
    assert pairs(found) == {"a_seg.nii.gz": "a.nii.gz"}
    reasons = {one.mask.name: one.reason for one in found.unpaired}
    assert "voxel size" in reasons["b_seg.nii.gz"]
    assert "not a readable NIfTI" in reasons["c_seg.nii.gz"]
    assert "JSON" in reasons["d_seg.nii.gz"]
    assert "No image" in reasons["e_gmseg.nii.gz"]


def test_grey_matter_without_a_cord_is_listed(tmp_path):
    write_image(tmp_path / "t2s.nii.gz")
    write_mask(tmp_path / "t2s_gmseg.nii.gz")
    assert "has no cord mask" in find_cases(tmp_path).unpaired[0].reason


def test_masks_of_other_organs_and_hidden_files_are_passed_over(tmp_path):
    write_image(tmp_path / "sub-01_T1w.nii.gz")
    write_mask(tmp_path / "sub-01_T1w_desc-brain_mask.nii.gz")
    write_mask(tmp_path / "sub-01_T1w_label-lesion_mask.nii.gz")
    write_mask(tmp_path / "._sub-01_T1w_seg.nii.gz")
    with pytest.raises(InputError, match="holds no cord mask"):
        find_cases(tmp_path)


def test_images_may_lie_elsewhere(tmp_path):
    image = write_image(tmp_path / "disk" / "sub-01" / "anat" / "sub-01_T2w.nii.gz")
    mask = write_mask(tmp_path / "out" / "sub-01" / "anat" / "sub-01_space-T2w_label-cord_mask.nii.gz")
    away = tmp_path / "far" / "away" / "results"
    shutil.move(mask.parents[2], away)
    assert not find_cases(away).cases
    assert find_cases(away, images=tmp_path / "disk").cases[0].image == image


def test_two_masks_of_one_image_are_two_cases_with_names_of_their_own(tmp_path):
    write_image(tmp_path / "s1" / "t2.nii.gz")
    write_mask(tmp_path / "s1" / "t2_seg.nii.gz")
    write_mask(tmp_path / "s1" / "t2_seg-manual.nii.gz")
    assert [case.name for case in find_cases(tmp_path).cases] == ["s1/t2_seg", "s1/t2_seg-manual"]


def test_folders_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        find_cases(tmp_path / "none")
    write(tmp_path / "t2.nii.gz", cord().astype(np.float32), AFFINE)
    with pytest.raises(InputError, match="holds no cord mask"):
        find_cases(tmp_path)


def cases(*names):
    return [ListedCase(name, None, None) for name in names]


def test_the_worst_come_first_then_what_is_not_read_yet():
    known = {"a": 0.1, "b": 0.9, "c": None, "d": 1.0, "e": 0.9}
    ordered = worst_first(cases(*"abcde"), lambda case: known[case.name], lambda case: case.name == "d")
    assert [case.name for case in ordered] == ["d", "b", "e", "a", "c"]


def test_after_a_rating_comes_the_worst_that_is_not_rated():
    ordered = cases(*"abcd")
    assert next_unrated(ordered, lambda case: case.name in "ab", ordered[1]).name == "c"
    assert next_unrated(ordered, lambda case: case.name != "c", ordered[2]) is None


def test_what_comes_up_is_what_is_not_rated_then_the_neighbours():
    ordered = cases(*"abcde")
    up = coming_up(ordered, lambda case: case.name in "ac", ordered[0], 2)
    assert [case.name for case in up] == ["b", "d"]
    up = coming_up(ordered, lambda case: True, ordered[2], 2)
    assert [case.name for case in up] == ["d", "b"]

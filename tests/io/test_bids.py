"""Exams are found as people keep them, and refused where it is unclear which one is meant."""

from pathlib import Path

import pytest

from napari_spinalq.contrast import Contrast, contrast_from_name
from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import derived_name, find_exam, is_scan
from napari_spinalq.io.samples import is_sample, sample_subjects


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


@pytest.fixture
def dataset(tmp_path):
    return touch(
        tmp_path / "data",
        "sub-01/anat/sub-01_T2w.nii.gz",
        "sub-01/anat/sub-01_T2w.json",
        "sub-01/anat/sub-01_T2star.nii.gz",
        "sub-01/dwi/sub-01_dwi.nii.gz",
        "sub-01/dwi/sub-01_dwi.bval",
        "sub-01/dwi/sub-01_dwi.bvec",
        "derivatives/x/sub-01/anat/sub-01_T2w_seg.nii.gz",
    )


def test_bids_subject_with_gradients(dataset):
    exam = find_exam([dataset])
    assert (exam.subject, exam.session) == ("01", "")
    assert [file.name for file in exam.files] == ["sub-01_T2star", "sub-01_T2w", "sub-01_dwi"]
    dwi = exam.of_contrast(Contrast.DWI)[0]
    assert dwi.bval.name == "sub-01_dwi.bval"
    assert dwi.bvec.name == "sub-01_dwi.bvec"


def test_several_subjects_or_sessions_must_be_named(dataset):
    touch(dataset, "sub-02/anat/sub-02_T2w.nii.gz")
    with pytest.raises(InputError, match="sub-01, sub-02"):
        find_exam([dataset])
    assert find_exam([dataset / "sub-02"]).subject == "02"
    touch(dataset, "sub-02/ses-a/anat/sub-02_ses-a_T2w.nii.gz", "sub-02/ses-b/anat/sub-02_ses-b_T2w.nii.gz")
    with pytest.raises(InputError, match="sessions"):
        find_exam([dataset / "sub-02"])
    assert find_exam([dataset / "sub-02" / "ses-b"]).session == "b"


def test_loose_files_without_masks(tmp_path):
    folder = touch(
        tmp_path / "patient 7", "t2.nii.gz", "t2_seg-manual.nii.gz", "t2s_gmseg_manual.nii.gz", "t2s.nii", "levels.nii"
    )
    exam = find_exam([folder])
    assert exam.subject == "patient7"
    assert [(file.name, file.contrast) for file in exam.files] == [("t2", Contrast.T2W), ("t2s", Contrast.T2STAR)]


def test_named_files(dataset):
    exam = find_exam([dataset / "sub-01/anat/sub-01_T2w.nii.gz"])
    assert exam.subject == "01"
    assert len(exam.files) == 1


def test_scans_of_two_subjects_are_not_one_exam(dataset):
    touch(dataset, "sub-02/anat/sub-02_T2w.nii.gz")
    with pytest.raises(InputError, match="several subjects"):
        find_exam([dataset / "sub-01/anat/sub-01_T2w.nii.gz", dataset / "sub-02/anat/sub-02_T2w.nii.gz"])


def test_nothing_found(tmp_path):
    with pytest.raises(InputError, match="no NIfTI"):
        find_exam([tmp_path])
    with pytest.raises(InputError, match="no file or folder"):
        find_exam([tmp_path / "none"])


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        ("sub-01_T2w.nii.gz", Contrast.T2W),
        ("sub-01_T1w.nii.gz", Contrast.T1W),
        ("t2s.nii.gz", Contrast.T2STAR),
        ("sub-x_acq-ax_T2star.nii.gz", Contrast.T2STAR),
        ("sub-x_PSIR.nii.gz", Contrast.PSIR),
        ("sub-x_acq-psir_T1w.nii.gz", Contrast.PSIR),
        ("sub-x_flip-1_mt-on_MTS.nii.gz", Contrast.MT),
        ("sub-x_acq-MTon_MTS.nii.gz", Contrast.MT),
        ("sub-x_acq-T1w_MTS.nii.gz", Contrast.MT),
        ("sub-x_mt-off_MTR.nii.gz", Contrast.MT),
        ("mt_t1w.nii.gz", Contrast.MT),
        ("mtt1w.nii.gz", Contrast.MT),
        ("mt1.nii.gz", Contrast.MT),
        ("dmri.nii.gz", Contrast.DWI),
        ("sub-x_dwi.nii.gz", Contrast.DWI),
        ("PAM50_small_t2.nii.gz", Contrast.T2W),
        ("scan.nii.gz", Contrast.UNKNOWN),
        ("met2wide.nii.gz", Contrast.UNKNOWN),
    ],
)
def test_contrast_is_read_from_the_name(name, contrast):
    assert contrast_from_name(name) is contrast


@pytest.mark.parametrize(
    ("name", "scan"),
    [
        ("sub-x_mt-on_MTR.nii.gz", True),
        ("sub-x_MTRmap.nii.gz", False),
        ("sub-x_MTsat.nii.gz", False),
        ("sub-x_T1map.nii.gz", False),
        ("mtr.nii.gz", False),
        ("sub-x_mt-on_MTS_mask.nii.gz", False),
    ],
)
def test_images_for_the_mtr_are_scans_and_maps_are_not(name, scan):
    assert is_scan(Path(name)) is scan


def test_derived_names_of_two_contrasts_differ():
    names = {derived_name(f"sub-01_{suffix}.nii.gz", "label-cord_mask", ".nii.gz") for suffix in ("T2w", "T2star")}
    assert len(names) == 2
    assert not any(is_scan(Path(name)) for name in names)


def test_sample_exams_are_told_from_a_persons_own(tmp_path):
    assert is_sample(sample_subjects()[0] / "anat")
    assert not is_sample(tmp_path)
    assert {path.name for path in sample_subjects()} == {"sub-als01", "sub-healthy01"}

"""The image with reversed phase encoding is found by what was written about it, and handed to topup."""

import json

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.reverse_phase import (
    acquisition_parameters,
    diffusion_series,
    find_reverse_phase,
    reversed_series,
)


def image(path, **fields):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    if fields:
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(fields))
    return path


@pytest.fixture
def subject(tmp_path):
    """Return a subject whose dwi is encoded along j, with one image beside it encoded the same way."""
    folder = tmp_path / "sub-01"
    image(folder / "dwi" / "sub-01_dir-PA_dwi.nii.gz", PhaseEncodingDirection="j", TotalReadoutTime=0.03)
    image(folder / "fmap" / "sub-01_dir-PA_epi.nii.gz", PhaseEncodingDirection="j", TotalReadoutTime=0.03)
    return folder


def test_opposite_sign_of_the_same_axis_makes_a_pair(subject):
    dwi = subject / "dwi" / "sub-01_dir-PA_dwi.nii.gz"
    assert find_reverse_phase(dwi) is None
    image(subject / "fmap" / "sub-01_dir-RL_epi.nii.gz", PhaseEncodingDirection="i-", TotalReadoutTime=0.03)
    image(subject / "fmap" / "sub-01_T1w.nii.gz", PhaseEncodingDirection="j-")
    assert find_reverse_phase(dwi) is None
    beside = image(subject / "dwi" / "sub-01_dir-AP_b0.nii.gz", PhaseEncodingDirection="j-", TotalReadoutTime=0.03)
    assert find_reverse_phase(dwi) == beside
    better = image(subject / "fmap" / "sub-01_dir-AP_epi.nii.gz", PhaseEncodingDirection="j-", TotalReadoutTime=0.03)
    assert find_reverse_phase(dwi) == better
    assert find_reverse_phase(better) == dwi.parent.parent / "fmap" / "sub-01_dir-PA_epi.nii.gz"
    assert find_reverse_phase(dwi, [dwi, beside]) == beside


def test_a_reversed_image_is_no_series_of_the_exam(subject):
    """A damaged sidecar tells nothing: then the file stays, so that reading it can say why."""
    dwi = subject / "dwi" / "sub-01_dir-PA_dwi.nii.gz"
    for ending in ("bval", "bvec"):
        dwi.with_name(f"sub-01_dir-PA_dwi.{ending}").touch()
    reverse = image(subject / "dwi" / "sub-01_dir-AP_dwi.nii.gz", PhaseEncodingDirection="j-")
    exam = find_exam([dwi, reverse])
    assert [file.path for file in exam.files] == [dwi, reverse]
    assert [file.path for file in diffusion_series(exam)] == [dwi]
    assert reversed_series(exam.files[1], exam) == dwi
    assert reversed_series(exam.files[0], exam) is None
    reverse.with_name("sub-01_dir-AP_dwi.json").write_text("no JSON")
    assert len(diffusion_series(exam)) == 2


def test_labels_tell_only_where_no_sidecar_does(tmp_path):
    dwi = image(tmp_path / "sub-01_dir-AP_dwi.nii.gz")
    reverse = image(tmp_path / "sub-01_dir-PA_epi.nii.gz")
    assert find_reverse_phase(dwi) == reverse
    for path in (dwi, reverse):
        image(path, PhaseEncodingDirection="j")
    assert find_reverse_phase(dwi) is None


def test_topup_gets_one_row_a_volume(subject):
    dwi = subject / "dwi" / "sub-01_dir-PA_dwi.nii.gz"
    reverse = image(subject / "fmap" / "r_epi.nii.gz", PhaseEncodingDirection="j-", TotalReadoutTime=0.0312)
    rows = acquisition_parameters([(dwi, 2), (reverse, 1)])
    assert rows == "0 1 0 0.03\n0 1 0 0.03\n0 -1 0 0.0312\n"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "PhaseEncodingDirection"),
        ({"PhaseEncodingDirection": "y-", "TotalReadoutTime": 0.03}, "PhaseEncodingDirection"),
        ({"PhaseEncodingDirection": "j-"}, "TotalReadoutTime"),
        ({"PhaseEncodingDirection": "j-", "TotalReadoutTime": "0.03"}, "TotalReadoutTime"),
        ({"PhaseEncodingDirection": "j-", "TotalReadoutTime": 0}, "TotalReadoutTime"),
        ({"PhaseEncodingDirection": "j", "TotalReadoutTime": 0.03}, "learns nothing"),
    ],
)
def test_what_topup_would_miss_is_said(subject, fields, words):
    dwi = subject / "dwi" / "sub-01_dir-PA_dwi.nii.gz"
    reverse = image(subject / "fmap" / "r_epi.nii.gz", **fields)
    with pytest.raises(InputError, match=words):
        acquisition_parameters([(dwi, 1), (reverse, 1)])

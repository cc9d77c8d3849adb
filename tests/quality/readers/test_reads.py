"""Second reads beside the first, which is never touched."""

import json
import shutil

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.quality.readers.reads import (
    CONSENSUS,
    load_read,
    rater_label,
    rater_of,
    reads_of,
    save_read,
    with_desc,
    without_desc,
)

NAME = "sub-healthy01_T2star"


@pytest.fixture
def scan(tmp_path):
    shutil.copy(sample_folder() / "sub-healthy01" / "anat" / f"{NAME}.nii.gz", tmp_path)
    return load_scan(tmp_path / f"{NAME}.nii.gz")


EXAM = Exam("healthy01", "", ())


def _mask(scan, start):
    mask = np.zeros(scan.grid.shape, np.uint8)
    mask[start : start + 5, 10:15, :] = 1
    return mask


def test_reads_lie_beside_each_other(scan, tmp_path):
    out = tmp_path / "out"
    first = save_read({"cord": _mask(scan, 10)}, scan, EXAM, out, "amk", {})[0]
    second = save_read({"cord": _mask(scan, 12)}, scan, EXAM, out, CONSENSUS, {"slices": {"first": "1:3"}})[0]
    assert first.name == "sub-healthy01_space-T2star_label-cord_desc-amk_mask.nii.gz"
    assert [read.rater for read in reads_of(scan, EXAM, out)] == ["amk", "consensus"]
    np.testing.assert_array_equal(load_read(first, scan), _mask(scan, 10))
    told = json.loads(second.with_name(second.name.replace(".nii.gz", ".json")).read_text())
    assert told["Description"] == "Consensus mask, cord"
    assert told["Parameters"] == {"slices": {"first": "1:3"}, "rater": "consensus"}


def test_an_earlier_read_is_replaced_only_when_asked(scan, tmp_path):
    save_read({"cord": _mask(scan, 10)}, scan, EXAM, tmp_path, "amk", {})
    with pytest.raises(InputError, match="exists already"):
        save_read({"cord": _mask(scan, 12)}, scan, EXAM, tmp_path, "amk", {})
    save_read({"cord": _mask(scan, 12)}, scan, EXAM, tmp_path, "amk", {}, overwrite=True)
    np.testing.assert_array_equal(load_read(reads_of(scan, EXAM, tmp_path)[0].path, scan), _mask(scan, 12))


def test_control_masks_are_no_reads(scan, tmp_path):
    path = save_read({"cord": _mask(scan, 10)}, scan, EXAM, tmp_path, "amk", {})[0]
    shutil.copy(path, with_desc(path, "control1"))
    assert [read.rater for read in reads_of(scan, EXAM, tmp_path)] == ["amk"]


@pytest.mark.parametrize("name", ["", " .-_", "consensus", "Control 3", "çé"])
def test_names_that_no_file_can_hold_are_refused(name):
    with pytest.raises(InputError):
        rater_label(name)


def test_an_empty_read_is_not_saved(scan, tmp_path):
    with pytest.raises(InputError, match="empty"):
        save_read({"cord": np.zeros(scan.grid.shape, np.uint8)}, scan, EXAM, tmp_path, "amk", {})


def test_names_round_trip():
    name = "sub-01_ses-2_space-T2w_label-cord_mask.nii.gz"
    for rater in ("amk", "R2"):
        found = with_desc(type(sample_folder())(name), rater).name
        assert rater_of(found) == rater
        assert without_desc(found) == name

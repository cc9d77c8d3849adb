"""``spinalq qc``: results in, a table of what to look at out, worst scan first."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.derivatives import write_exams
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.results import ExamResult

AFFINE = nib.affines.from_matvec(np.diag([-0.5, 0.5, 3.0]), [12.0, -15.0, -20.0])
SHAPE = (64, 64, 16)
HOLE_MM2 = 4 * 0.25
"""Area of the hole in the faulted mask, 2 x 2 pixels."""


def cord_in_fluid():
    """Return an image of a cord of 12 x 8 mm in brighter fluid, and its mask, stored left-anterior-superior."""
    x, y, _ = np.indices(SHAPE, dtype=float)
    cord, fluid = (((x - 31.5) * 0.5 / a) ** 2 + ((y - 31.5) * 0.5 / b) ** 2 <= 1 for a, b in ((6, 4), (9, 7)))
    image = 60.0 + 140.0 * fluid - 100.0 * cord + np.random.default_rng(0).normal(0, 4.0, SHAPE)
    return image.astype(np.float32), cord.astype(np.uint8)


def with_hole(mask):
    pierced = mask.copy()
    pierced[31:33, 31:33, 5] = 0
    return pierced


def save(data, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, AFFINE), path)
    return path


@pytest.fixture
def pairs(tmp_path):
    """Return a folder with two scans and their masks as Spinal Cord Toolbox names them, the second with a hole."""
    image, mask = cord_in_fluid()
    for name, data in (("good", mask), ("pierced", with_hole(mask))):
        save(image, tmp_path / "in" / f"{name}_t2.nii.gz")
        save(data, tmp_path / "in" / f"{name}_t2_seg.nii.gz")
    return tmp_path / "in"


@pytest.fixture
def dataset(tmp_path):
    """Return a BIDS dataset with a scan, and this tool's results of it under ``derivatives/spinalq``."""
    image, mask = cord_in_fluid()
    path = save(image, tmp_path / "data" / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_T2w.nii.gz")
    exam = Exam("01", "a", (ExamFile(path, Contrast.T2W),))
    result = measure_scan(load_scan(path), with_hole(mask), Labelling((), confirmed=False))
    write_exams([ExamResult(exam, (result,))], tmp_path / "data" / "derivatives" / "spinalq")
    return tmp_path / "data"


def table_of(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False)


def test_pairs_of_image_and_mask_worst_first(run, pairs, tmp_path):
    out = tmp_path / "flags.tsv"
    code, said, err = run("qc", pairs, "-o", out)
    assert code == 0, err
    assert "2 checked, 1 with something to look at." in said
    table = table_of(out)
    assert list(table.columns) == [
        "subject", "session", "scan", "check", "score", "unit", "threshold", "slices", "sentence", "suspicion",
    ]  # fmt: skip
    assert table["scan"].tolist() == ["pierced_t2", "good_t2"]
    worst, clean = table.iloc[0], table.iloc[1]
    assert (worst.check, worst.slices, worst.unit) == ("hole", "5", "mm²")
    assert float(worst.score) == pytest.approx(HOLE_MM2)
    assert "slice 5" in worst.sentence
    assert (clean.check, clean.suspicion) == ("none", 0)
    assert worst.suspicion > 0


def test_the_sidecar_names_sources_and_thresholds(run, pairs, tmp_path):
    assert run("qc", pairs / "good_t2_seg.nii.gz", "-o", tmp_path / "flags.tsv")[0] == 0
    sidecar = json.loads((tmp_path / "flags.json").read_text())
    assert [source["File"] for source in sidecar["Sources"]] == ["good_t2.nii.gz", "good_t2_seg.nii.gz"]
    assert sidecar["Parameters"]["thresholds"]["low_snr"]["unit"] == "times"


def test_own_derivatives_find_their_scans_in_the_dataset_above(run, dataset, tmp_path):
    code, _, err = run("qc", dataset / "derivatives" / "spinalq", "-o", tmp_path / "flags.tsv")
    assert code == 0, err
    table = table_of(tmp_path / "flags.tsv")
    assert table[["subject", "session", "scan", "check"]].astype(str).to_numpy().tolist() == [
        ["1", "a", "sub-01_ses-a_T2w", "hole"]
    ]


def test_a_result_of_another_state_of_its_scan_goes_first_with_the_reason(run, dataset, pairs, tmp_path):
    scan = dataset / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_T2w.nii.gz"
    image = nib.load(scan)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj) + 1, AFFINE), scan)
    code, _, err = run("qc", pairs, dataset / "derivatives" / "spinalq", "-o", tmp_path / "flags.tsv")
    assert code == 0, err
    first = table_of(tmp_path / "flags.tsv").iloc[0]
    assert (first.check, first.suspicion) == ("not_read", 1)
    assert "is not the file on which work was saved" in first.sentence


def test_a_scan_of_another_name_is_named(run, pairs, tmp_path):
    shutil.move(pairs / "good_t2.nii.gz", pairs / "renamed.nii.gz")
    mask, out = pairs / "good_t2_seg.nii.gz", tmp_path / "flags.tsv"
    code, _, err = run("qc", mask, "-o", out)
    assert (code, out.exists()) == (2, False)
    assert "--image" in err
    assert run("qc", mask, "--image", pairs / "renamed.nii.gz", "-o", out)[0] == 0
    assert table_of(out)["check"].tolist() == ["none"]


def test_bad_input_is_refused_in_one_sentence_and_nothing_is_written(run, pairs, tmp_path):
    out = tmp_path / "flags.tsv"
    (tmp_path / "empty").mkdir()
    for name, size in (("other", SHAPE), ("short", (64, 64, 9))):
        save(np.zeros(size, np.uint8), pairs / f"{name}_t2_seg.nii.gz")
        save(cord_in_fluid()[0], pairs / f"{name}_t2.nii.gz")
    refusals = {
        "no file or folder": ("qc", tmp_path / "nowhere", "-o", out),
        "holds no cord mask": ("qc", tmp_path / "empty", "-o", out),
        "give that mask alone": ("qc", pairs, "--image", pairs / "good_t2.nii.gz", "-o", out),
        "empty": ("qc", pairs / "other_t2_seg.nii.gz", "-o", out),
        "another grid": ("qc", pairs / "short_t2_seg.nii.gz", "-o", out),
        "the name of a cord mask": ("qc", pairs / "other_t2.nii.gz", "-o", out),
        ".tsv or .csv": ("qc", pairs / "good_t2_seg.nii.gz", "-o", tmp_path / "flags.txt"),
    }
    for said, words in refusals.items():
        code, _, err = run(*words)
        assert code == 2, said
        assert said in err
        assert err.startswith("Error: ")
        assert err.strip().count("\n") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "in"]


def test_a_table_is_not_replaced_unasked(run, pairs, tmp_path):
    words = ("qc", pairs / "good_t2_seg.nii.gz", "-o", tmp_path / "flags.tsv")
    assert run(*words)[0] == 0
    before = (tmp_path / "flags.tsv").read_bytes()
    code, _, err = run(*words)
    assert code == 2
    assert "--force" in err
    assert (tmp_path / "flags.tsv").read_bytes() == before
    assert run(*words, "--force")[0] == 0

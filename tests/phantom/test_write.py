import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.phantom import DWI_LONG, healthy_design, make_exam
from napari_spinalq.phantom.protocol import PROTOCOLS
from napari_spinalq.phantom.write import write_exam


@pytest.fixture(scope="module")
def tiny_exam():
    small = [replace(p, shape=(32, 32, 60) if p.name == "t2w" else (24, 24, 4), anterior_mm=0.0) for p in PROTOCOLS]
    return make_exam(healthy_design(6), protocols=small)


@pytest.fixture(scope="module")
def folder(tiny_exam, tmp_path_factory):
    root = tmp_path_factory.mktemp("bids")
    write_exam(tiny_exam, root, "tiny")
    return root


def test_scans_read_back_as_they_were(tiny_exam, folder):
    for name, path in (("t2w", "anat/sub-tiny_T2w"), ("psir", "anat/sub-tiny_PSIR"), ("dwi", "dwi/sub-tiny_dwi")):
        scan = load_scan(folder / "sub-tiny" / f"{path}.nii.gz")
        assert (scan.data == tiny_exam.scans[name].data).all()
        assert scan.grid == tiny_exam.scans[name].grid
        assert scan.contrast is tiny_exam.scans[name].contrast


def test_headers_agree_with_themselves(folder):
    for path in folder.rglob("*.nii.gz"):
        header = nib.load(path).header
        assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
        assert np.allclose(header.get_sform(), header.get_qform(), atol=1e-4)
        assert header.get_xyzt_units() == ("mm", "sec")


def test_names_tell_the_contrast(folder):
    found = {p.name: load_scan(p).contrast for p in (folder / "sub-tiny").rglob("*.nii.gz")}
    assert found == {
        "sub-tiny_T2w.nii.gz": Contrast.T2W,
        "sub-tiny_T2star.nii.gz": Contrast.T2STAR,
        "sub-tiny_PSIR.nii.gz": Contrast.PSIR,
        "sub-tiny_mt-on_MTS.nii.gz": Contrast.MT,
        "sub-tiny_mt-off_MTS.nii.gz": Contrast.MT,
        "sub-tiny_flip-2_mt-off_MTS.nii.gz": Contrast.MT,
        "sub-tiny_dwi.nii.gz": Contrast.DWI,
    }


def test_every_image_has_a_valid_sidecar(folder):
    for image in (folder / "sub-tiny").rglob("*.nii.gz"):
        fields = json.loads(image.with_name(image.name.replace(".nii.gz", ".json")).read_text())
        assert fields["MagneticFieldStrength"] == 3
        assert fields["SyntheticData"] is True
        assert 0 < fields["EchoTime"] < fields["RepetitionTime"]
        assert fields["SliceThickness"] == pytest.approx(max(nib.load(image).header.get_zooms()[:3]), abs=1e-3)
        if "MTS" in image.name:
            assert fields["MTState"] is ("mt-on" in image.name)


def test_truth_lies_on_the_grid_of_its_scan(tiny_exam, folder):
    truth = folder / "derivatives" / "truth" / "sub-tiny" / "anat"
    grid = tiny_exam.scans["t2w"].grid
    mask = load_mask(truth / "sub-tiny_T2w_label-cord_mask.nii.gz", grid)
    soft = load_mask(truth / "sub-tiny_T2w_label-cord_probseg.nii.gz", grid)
    levels = load_levels(truth / "sub-tiny_T2w_label-levels_dseg.nii.gz", grid)
    assert ((levels.data > 0) == (mask.data == 1)).all()
    assert ((soft.data >= 0.5) == (mask.data == 1)).all()
    assert load_mask(truth / "sub-tiny_T2star_label-GM_probseg.nii.gz").data.sum() > 0


def test_tables_hold_the_truth(tiny_exam, folder):
    truth = folder / "derivatives" / "truth" / "sub-tiny" / "anat"
    discs = pd.read_csv(truth / "sub-tiny_discs.tsv", sep="\t")
    assert discs["x_mm"].to_numpy() == pytest.approx(tiny_exam.discs["x_mm"], abs=1e-4)
    slices = pd.read_csv(truth / "sub-tiny_T2w_areas.tsv", sep="\t")
    assert slices["cord_area_mm2"].to_numpy() == pytest.approx(tiny_exam.truth["t2w"].areas["cord_area_mm2"], abs=1e-4)
    tracts = pd.read_csv(truth / "sub-tiny_tracts.tsv", sep="\t").set_index("tract")
    assert tracts.loc["lateral_cst_left", "fa"] == pytest.approx(0.71)
    diffusivities = tracts[["ad_1e-3mm2_s", "rd_1e-3mm2_s"]]
    assert diffusivities.to_numpy() @ [1, 2] / 3 == pytest.approx(tracts["md_1e-3mm2_s"], abs=2e-4)
    assert tracts.loc["grey_matter", ["t1_s", "mtr_percent"]].tolist() == [0.973, 42.0]
    motion = pd.read_csv(truth / "sub-tiny_dwi_motion.tsv", sep="\t")
    assert list(motion) == ["volume", "slice", "shift_ap_mm", "shift_rl_mm", "angle_deg", "kept"]
    assert len(motion) == 35 * 4
    assert len(pd.read_csv(truth / "sub-tiny_areas.tsv", sep="\t")) == 10


def test_gradient_files_have_fsl_shape(folder):
    vectors = np.loadtxt(folder / "sub-tiny" / "dwi" / "sub-tiny_dwi.bvec")
    weights = np.loadtxt(folder / "sub-tiny" / "dwi" / "sub-tiny_dwi.bval")
    assert vectors.shape == (3, 35)
    assert weights.tolist() == [0.0] * 5 + [800.0] * 30
    assert np.linalg.norm(vectors[:, 5:], axis=0) == pytest.approx(np.ones(30), abs=1e-5)


def test_another_series_is_written_beside_the_first(tmp_path):
    exam = make_exam(healthy_design(6), protocols=(replace(DWI_LONG, shape=(12, 12, 2)),))
    write_exam(exam, tmp_path, "tiny")
    stem = tmp_path / "sub-tiny" / "dwi" / "sub-tiny_acq-long_dwi"
    assert load_scan(f"{stem}.nii.gz").contrast is Contrast.DWI
    assert np.loadtxt(f"{stem}.bval").shape == (35,)
    assert json.loads(Path(f"{stem}.json").read_text())["SliceThickness"] == 5.0


def test_writing_again_gives_the_same_bytes(tiny_exam, folder, tmp_path):
    for path in write_exam(tiny_exam, tmp_path, "tiny"):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_a_session_has_its_folder_and_name(tiny_exam, tmp_path):
    write_exam(tiny_exam, tmp_path, "tiny", session="02")
    assert (tmp_path / "sub-tiny" / "ses-02" / "anat" / "sub-tiny_ses-02_T2w.nii.gz").exists()

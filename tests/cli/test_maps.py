"""The commands dti, mt and tracts: files out, and one sentence where the input is bad."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

SUBJECT = "sub-tiny"


@pytest.fixture(scope="module")
def masks(digital, digital_folder, tmp_path_factory):
    """Return a folder with true cord, grey matter and levels on the grids of the series and of the MT image."""
    folder = tmp_path_factory.mktemp("masks")
    for name, path in (("dwi", f"dwi/{SUBJECT}_dwi.nii.gz"), ("mt_on", f"anat/{SUBJECT}_mt-on_MTS.nii.gz")):
        affine, truth = nib.load(digital_folder / path).affine, digital.exam.truth[name]
        for kind, data in (("cord", truth.cord_mask), ("gm", truth.grey_matter), ("levels", truth.levels)):
            nib.save(nib.Nifti1Image(data, affine), folder / f"{name}_{kind}.nii.gz")
    return folder


@pytest.fixture
def place(digital_folder, tmp_path):
    """Return a copy of the exam in which a test may spoil files."""
    return shutil.copytree(digital_folder, tmp_path / SUBJECT)


def dwi_of(place):
    return place / "dwi" / f"{SUBJECT}_dwi.nii.gz"


def mt_of(place, pulse):
    return place / "anat" / f"{SUBJECT}_mt-{pulse}_MTS.nii.gz"


def refused(outcome, said):
    code, _, err = outcome
    assert code == 2, err
    assert err.startswith("Error: ")
    assert err.strip().count("\n") == 0, err
    assert said in err


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", ["dti", "mt", "tracts"])
def test_every_command_has_an_example(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Example: spinalq {command} " in out


def test_dti_writes_maps_series_and_report(run, place, tmp_path):
    dwi, out = dwi_of(place), tmp_path / "out"
    words = ("--bval", dwi.with_name(f"{SUBJECT}_dwi.bval"), "--bvec", dwi.with_name(f"{SUBJECT}_dwi.bvec"))
    before = files(place)
    code, said, err = run("dti", dwi, *words, "-o", out)
    assert code == 0, err
    assert "FA in the cord" in said
    names = {path.name for path in out.iterdir()}
    assert {f"{SUBJECT}_space-dwi_model-tensor_param-fa_dwimap.nii.gz", f"{SUBJECT}_desc-moco_dwi.bvec",
            f"{SUBJECT}_space-dwi_motion.tsv", "report.html"} <= names  # fmt: skip
    assert not any("tracts" in name for name in names)
    assert files(place) == before
    again = files(out)
    refused(run("dti", dwi, *words, "-o", out), "--force")
    assert files(out) == again


def test_dti_writes_what_topup_needs(run, place, masks, tmp_path):
    dwi, out = dwi_of(place), tmp_path / "out"
    reverse = place / "fmap" / f"{SUBJECT}_dir-PA_epi.nii.gz"
    reverse.parent.mkdir()
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.int16), np.eye(4)), reverse)
    words = ("--mask", masks / "dwi_cord.nii.gz", "--no-motion", "--fit", "ols", "-o", out)
    refused(run("dti", dwi, *words, "--reverse-phase", reverse), "PhaseEncodingDirection")
    assert not out.exists()
    fields = {"PhaseEncodingDirection": "j-", "TotalReadoutTime": 0.03}
    reverse.with_name(f"{SUBJECT}_dir-PA_epi.json").write_text(json.dumps(fields))
    code, _, err = run("dti", dwi, *words, "--reverse-phase", reverse)
    assert code == 0, err
    unweighted = int((np.loadtxt(dwi.with_name(f"{SUBJECT}_dwi.bval")) < 50).sum())
    rows = (out / "acqparams.txt").read_text().splitlines()
    assert rows == ["0 1 0 0.03"] * unweighted + ["0 -1 0 0.03"]


def test_dti_with_a_mask_and_without_motion_keeps_the_series(run, place, masks, tmp_path):
    dwi, out = dwi_of(place), tmp_path / "out"
    code, _, err = run("dti", dwi, "--mask", masks / "dwi_cord.nii.gz", "--no-motion", "--fit", "ols", "-o", out)
    assert code == 0, err
    assert not (out / f"{SUBJECT}_space-dwi_motion.tsv").exists()
    cord = np.asarray(nib.load(out / f"{SUBJECT}_space-dwi_label-cord_mask.nii.gz").dataobj)
    np.testing.assert_array_equal(cord, np.asarray(nib.load(masks / "dwi_cord.nii.gz").dataobj))
    told = json.loads((out / f"{SUBJECT}_space-dwi_model-tensor_param-fa_dwimap.json").read_text())["Parameters"]
    assert (told["fit"], told["motion_corrected"]) == ("ols", False)


def bad_series(place, masks):
    """Return what is given to dti, and what must be said."""
    dwi = dwi_of(place)
    bval, bvec = dwi.with_name(f"{SUBJECT}_dwi.bval"), dwi.with_name(f"{SUBJECT}_dwi.bvec")
    image = nib.load(dwi)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[..., 7], image.affine), place / "one.nii.gz")
    (place / "short.bval").write_text("0 800 800\n")
    (place / "words.bval").write_text("zero eight\n")
    (place / "alone.nii.gz").write_bytes(dwi.read_bytes())
    (place / "table.b").write_text("1 0 0 800\n")
    return {
        "wrong number of volumes": (("--bval", place / "short.bval", "--bvec", bvec), "3 b-values"),
        "b-values in words": (("--bval", place / "words.bval", "--bvec", bvec), "words.bval"),
        "swapped files": (("--bval", bvec, "--bvec", bval), "b-values stand in one row"),
        "missing bvec": (("--bval", bval, "--bvec", place / "none.bvec"), "none.bvec"),
        "table beside files": (("--bval", bval, "--bvec", bvec, "--grad", place / "table.b"), "not both"),
        "no b0 below the threshold": (("--b0-threshold", "-1"), "b0 threshold"),
        "mask on another grid": (("--mask", masks / "mt_on_cord.nii.gz"), "lies on another grid"),
        "no mask": (("--mask", place / "none.nii.gz"), "no file"),
    }


SERIES_CASES = [
    "wrong number of volumes", "b-values in words", "swapped files", "missing bvec", "table beside files",
    "no b0 below the threshold", "mask on another grid", "no mask",
]  # fmt: skip


@pytest.mark.parametrize("case", SERIES_CASES)
def test_a_bad_series_is_told_and_nothing_is_written(run, place, masks, case):
    cases = bad_series(place, masks)
    assert set(cases) == set(SERIES_CASES)
    words, said = cases[case]
    before = files(place)
    refused(run("dti", dwi_of(place), *words, "-o", place / "out"), said)
    assert files(place) == before


def test_a_single_volume_and_a_series_without_gradients_are_no_diffusion_series(run, place, masks):
    bad_series(place, masks)
    refused(run("dti", place / "one.nii.gz", "-o", place / "out"), "one volume")
    refused(run("dti", place / "alone.nii.gz", "-o", place / "out"), "no bval and no bvec")
    refused(run("dti", dwi_of(place), "-o", place / "one.nii.gz"), "is a file")


def test_mt_writes_mtr(run, place, masks, tmp_path):
    out = tmp_path / "out"
    cord = masks / "mt_on_cord.nii.gz"
    code, said, err = run("mt", "--on", mt_of(place, "on"), "--off", mt_of(place, "off"), "--cord", cord, "-o", out)
    assert code == 0, err
    assert "MTR in the cord: median 4" in said
    assert (out / f"{SUBJECT}_mt-on_space-MTS_MTRmap.nii.gz").is_file()
    assert not (out / f"{SUBJECT}_mt-on_space-MTS_MTsat.nii.gz").exists()


@pytest.mark.parametrize(
    ("on", "off", "cord", "extra", "said"),
    [
        ("off", "on", "mt_on_cord", (), "swapped"),
        ("on", "off", "dwi_cord", (), "lies on another grid"),
        ("on", "none", "mt_on_cord", (), "no file"),
        ("on", "off", "mt_on_cord", ("--t1w", "off"), "same flip angle"),
    ],
)
def test_bad_mt_images_are_told_and_nothing_is_written(run, place, masks, on, off, cord, extra, said):
    words = [mt_of(place, word) if word in ("on", "off") else word for word in extra]
    before = files(place)
    given = ("--on", mt_of(place, on), "--off", mt_of(place, off), "--cord", masks / f"{cord}.nii.gz")
    refused(run("mt", *given, *words, "-o", place / "out"), said)
    assert files(place) == before


@pytest.fixture(scope="module")
def mtr(digital_folder, masks):
    """Return an MTR map with voxels that are no number."""
    on, off = (nib.load(mt_of(digital_folder, pulse)) for pulse in ("on", "off"))
    before, after = (np.asarray(one.dataobj, dtype=float) for one in (off, on))
    data = 100 * (1 - after / np.maximum(before, 1))
    data[0, 0, 0] = -np.inf
    nib.save(nib.Nifti1Image(data.astype(np.float32), on.affine), masks / "sub-tiny_MTRmap.nii.gz")
    return masks / "sub-tiny_MTRmap.nii.gz"


def given(masks, *, cord="mt_on_cord", levels="mt_on_levels"):
    return ("--cord", masks / f"{cord}.nii.gz", "--levels", masks / f"{levels}.nii.gz")


def test_tracts_of_any_map(run, mtr, masks, tmp_path):
    out = tmp_path / "mtr.tsv"
    code, said, err = run("tracts", mtr, *given(masks), "--gm", masks / "mt_on_gm.nii.gz", "--unit", "%", "-o", out)
    assert code == 0, err
    assert "Lateral CST, left" in said
    table = pd.read_csv(out, sep="\t", keep_default_na=False)
    white = table[(table["metric"] == "mtr") & (table["structure"] == "white_matter")]
    assert set(white["unit"]) == {"%"}
    assert set(white["subject"]) == {"tiny"}
    assert white["value"].astype(float).between(40, 52).all()
    sidecar = json.loads((tmp_path / "mtr.json").read_text())
    assert sidecar["Parameters"]["atlas"] == "builtin"
    assert [source["File"] for source in sidecar["Sources"]] == [
        "sub-tiny_MTRmap.nii.gz", "mt_on_cord.nii.gz", "mt_on_levels.nii.gz", "mt_on_gm.nii.gz",
    ]  # fmt: skip


@pytest.mark.parametrize(("method", "heading"), [("wa", "WA()"), ("map", "MAP()")])
def test_tracts_in_the_columns_of_spinal_cord_toolbox(run, mtr, masks, tmp_path, method, heading):
    out = tmp_path / "mtr.csv"
    words = ("--method", method, "--per", "slice", "--format", "sct")
    assert run("tracts", mtr, *given(masks), *words, "-o", out)[0] == 0
    table = pd.read_csv(out)
    assert {"Filename", "Slice (I->S)", "VertLevel", "Label", "Size [vox]", heading, "STD()"} <= set(table.columns)
    assert table["Slice (I->S)"].nunique() == 7


def bad_maps(mtr, masks):
    (masks / "empty_atlas").mkdir(exist_ok=True)
    return {
        "atlas without info": ((mtr, *given(masks), "--atlas", masks / "empty_atlas"), "info_label.txt"),
        "no atlas folder": ((mtr, *given(masks), "--atlas", masks / "nowhere"), "no folder"),
        "cord on another grid": ((mtr, *given(masks, cord="dwi_cord")), "lies on another grid"),
        "levels on another grid": ((mtr, *given(masks, levels="dwi_levels")), "lies on another grid"),
        "grey matter on another grid": ((mtr, *given(masks), "--gm", masks / "dwi_gm.nii.gz"), "another grid"),
        "no map": ((masks / "none.nii.gz", *given(masks)), "no file"),
    }


MAP_CASES = [
    "atlas without info", "no atlas folder", "cord on another grid", "levels on another grid",
    "grey matter on another grid", "no map",
]  # fmt: skip


@pytest.mark.parametrize("case", MAP_CASES)
def test_a_map_that_cannot_be_read_is_told_and_nothing_is_written(run, mtr, masks, tmp_path, case):
    cases = bad_maps(mtr, masks)
    assert set(cases) == set(MAP_CASES)
    words, said = cases[case]
    refused(run("tracts", *words, "-o", tmp_path / "new.csv"), said)
    assert not list(tmp_path.iterdir())


def test_a_series_is_no_map(run, place, masks, tmp_path):
    words = given(masks, cord="dwi_cord", levels="dwi_levels")
    refused(run("tracts", dwi_of(place), *words, "-o", tmp_path / "new.csv"), "has 35 volumes; a map is 3-D")


@pytest.mark.realdata
def test_a_real_series_of_six_directions_runs_and_warns_of_its_diffusivity(run, sct_testing, tmp_path):
    folder = sct_testing / "dmri"
    words = ("--bval", folder / "bvals.txt", "--bvec", folder / "bvecs.txt")
    code, said, err = run("dti", folder / "dmri.nii.gz", *words, "-o", tmp_path / "dti")
    assert code == 0, err
    assert "MD of the cord is not physical" in said
    assert (tmp_path / "dti" / "dmri_model-tensor_param-md_dwimap.nii.gz").is_file()


@pytest.mark.realdata
def test_a_real_map_is_read_with_an_atlas_that_lies_on_it(run, sct_testing, shared, tmp_path):
    """Weighted averages of the same atlas and map by Spinal Cord Toolbox, within 1 %."""
    folder, out = sct_testing / "mt", tmp_path / "mtr.csv"
    words = ("--cord", folder / "mt1_seg.nii.gz", "--levels", folder / "label" / "template" / "PAM50_levels.nii.gz")
    choices = ("--atlas", folder / "label" / "atlas", "--method", "wa", "--per", "all", "--format", "sct")
    assert run("tracts", folder / "mtr.nii.gz", *words, *choices, "-o", out)[0] == 0
    own = pd.read_csv(out)
    theirs = pd.read_csv(shared / "reference" / "sct" / "mtr_wa.csv").set_index("Label")
    expected = theirs.loc["WM left lateral corticospinal tract", "WA()"]
    found = own[own["Label"].str.contains("ateral c", case=False) & own["Label"].str.contains("left")]
    assert np.isclose(found["WA()"].astype(float), float(expected), rtol=0.01).any()

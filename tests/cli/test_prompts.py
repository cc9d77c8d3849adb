"""``spinalq segment`` with points, scribbles and slices drawn by hand."""

import json

import nibabel as nib
import numpy as np
import pytest

from tests.cord.test_prompts import grown_neck, point


@pytest.fixture
def neck_folder(tmp_path):
    """Return a folder with a scan that leaks, two right slices of it, a scribble, and the truth."""
    scan, truth = grown_neck()
    drawn = truth.astype(np.uint8) * np.isin(np.arange(len(truth)), (4, 9)).astype(np.uint8)[:, None, None]
    outside = np.zeros(truth.shape, np.uint8)
    outside[6, 26:30, 37:40] = ~truth[6, 26:30, 37:40]
    for name, data in {"scan": scan.data, "drawn": drawn, "outside": outside}.items():
        nib.save(nib.Nifti1Image(data, scan.grid.affine), tmp_path / f"{name}.nii.gz")
    return tmp_path, scan, truth


def segmented(run, folder, *words):
    code, _, err = run("segment", folder / "scan.nii.gz", "-o", folder / "out.nii.gz", *words)
    assert code == 0, err
    mask = np.asarray(nib.load(folder / "out.nii.gz").dataobj)
    return mask, json.loads((folder / "out.json").read_text())


def test_corrected_slices_are_kept_and_recorded(run, neck_folder):
    folder, _, truth = neck_folder
    mask, record = segmented(run, folder, "--follow", folder / "drawn.nii.gz")
    for index in (4, 9):
        assert np.array_equal(mask[index], truth[index])
    assert mask[6].any()
    assert record["Parameters"]["prompts"]["slices_kept_as_drawn"] == "4, 9"
    assert [source["File"] for source in record["Sources"]] == ["scan.nii.gz", "drawn.nii.gz"]
    assert "person drew" in record["Description"]


def test_scribbles_and_several_points_are_obeyed_and_recorded(run, neck_folder):
    folder, scan, _ = neck_folder
    points = [point(scan.grid, index) for index in (2, 11)]
    words = [word for place in points for word in ("--at", ",".join(f"{value:.3f}" for value in place))]
    mask, record = segmented(run, folder, *words, "--outside", folder / "outside.nii.gz")
    painted = np.asarray(nib.load(folder / "outside.nii.gz").dataobj) > 0
    assert not mask[painted].any()
    said = record["Parameters"]["prompts"]
    np.testing.assert_allclose(said["points_mm"], points, atol=1e-3)
    assert (said["outside_voxels"], said["outside_slices"]) == (int(painted.sum()), "6")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--follow", "none.nii.gz"), "no file"),
        (("--inside", "outside.nii.gz", "--outside", "outside.nii.gz"), "painted both in and out"),
        (("--at", "1,2"), "is not a point"),
        (("--at", "500,0,0"), "outside of the scan"),
        (("--follow", "drawn.nii.gz", "--structure", "gm", "--cord", "drawn.nii.gz"), "not both"),
        (("--follow", "drawn.nii.gz", "--backend", "sct"), "--follow is only for the built-in"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_written(run, neck_folder, monkeypatch, words, said):
    folder, _, _ = neck_folder
    monkeypatch.chdir(folder)
    code, _, err = run("segment", "scan.nii.gz", "-o", "out.nii.gz", *words)
    assert code == 2
    assert said in err
    assert err.strip().count("\n") == 0
    assert not (folder / "out.nii.gz").exists()

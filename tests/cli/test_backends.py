"""Other programs through the command line: found or not is one sentence, and provenance tells who did the work."""

import json
import os
import stat
import sys

import nibabel as nib
import numpy as np
import pytest

AFFINE = nib.affines.from_matvec(np.diag([-0.5, 0.5, 3.0]), [12.0, -15.0, -20.0])
SHAPE = (48, 60, 14)
STAND_IN = """#!{python}
import os, shutil, sys
words = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
if words == "sct_version":
    print("7.0")
elif words == "sct_deepseg spinalcord -i input.nii.gz -o output.nii.gz":
    shutil.copy({cord!r}, "output.nii.gz")
elif words == "sct_label_vertebrae -i input.nii.gz -s cord.nii.gz -c t2":
    shutil.copy({levels!r}, "cord_labeled.nii.gz")
elif words == "sct_deepseg graymatter -i input.nii.gz -o output.nii.gz":
    print("RuntimeError: model not installed", file=sys.stderr)
    sys.exit(1)
else:
    sys.exit("not a recorded command line: " + words)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a T2w image, its cord and levels, and an empty PATH."""
    x, y, z = np.indices(SHAPE, dtype=float)
    inside = ((x - 23.5) * 0.5 / 6) ** 2 + ((y - 29.5) * 0.5 / 4) ** 2 <= 1
    files = {
        "t2": (100.0 - 40.0 * inside).astype(np.float32),
        "cord": inside.astype(np.uint8),
        "levels": (np.where(z < 7, 4, 3) * inside).astype(np.uint8),
    }
    for name, data in files.items():
        nib.save(nib.Nifti1Image(data, AFFINE), tmp_path / f"{name}.nii.gz")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    for name in ("SCT_DIR", "SPINALQ_TOTALSPINESEG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def installed(folder):
    """Install a stand-in for Spinal Cord Toolbox 7.0."""
    if os.name == "nt":
        pytest.skip("stand-ins are scripts that Windows does not start")
    (folder / "programs").mkdir()
    script = STAND_IN.format(
        python=sys.executable, cord=str(folder / "cord.nii.gz"), levels=str(folder / "levels.nii.gz")
    )
    for name in ("sct_version", "sct_deepseg", "sct_label_vertebrae"):
        path = folder / "programs" / name
        path.write_text(script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder


SPINE_STAND_IN = """#!{python}
import os, shutil, sys
if sys.argv[1:] != ["input.nii.gz", "labels"] or not os.path.isfile("input.nii.gz"):
    sys.exit("not a recorded command line")
os.makedirs("labels/step2_output")
shutil.copy({spine!r}, "labels/step2_output/input.nii.gz")
"""


@pytest.fixture
def spine_installed(folder):
    """Install a stand-in for TotalSpineSeg that leaves cord, canal, C3-C4 and C4-C5."""
    if os.name == "nt":
        pytest.skip("stand-ins are scripts that Windows does not start")
    x, y, _ = np.indices(SHAPE, dtype=float)
    radius = np.hypot((x - 23.5) * 0.5 / 6, (y - 29.5) * 0.5 / 4)
    labels = np.select([radius <= 1, radius <= 1.4], [1, 2], 0)
    labels[20:28, 50:56, 10], labels[20:28, 50:56, 4] = 64, 65
    nib.save(nib.Nifti1Image(labels.astype(np.uint8), AFFINE), folder / "spine.nii.gz")
    (folder / "programs").mkdir()
    path = folder / "programs" / "totalspineseg"
    path.write_text(SPINE_STAND_IN.format(python=sys.executable, spine=str(folder / "spine.nii.gz")))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder


def test_canal_by_totalspineseg(run, spine_installed):
    out = spine_installed / "new.nii.gz"
    words = ("segment", spine_installed / "t2.nii.gz", "-o", out, "--structure", "canal")
    code, said, err = run(*words, "--backend", "totalspineseg")
    assert code == 0, err
    assert "1 mm" in said
    assert np.array_equal(
        nib.load(out).get_fdata() > 0, np.isin(nib.load(spine_installed / "spine.nii.gz").dataobj, (1, 2))
    )


@pytest.mark.parametrize("command", ["label", "analyze"])
def test_levels_by_totalspineseg(run, spine_installed, command):
    out = spine_installed / "out"
    cord = ("--cord", spine_installed / "cord.nii.gz") if command == "label" else ()
    place = out if command == "analyze" else spine_installed / "new.nii.gz"
    code, said, err = run(command, spine_installed / "t2.nii.gz", *cord, "-o", place, "--backend", "totalspineseg")
    assert code == 0, err
    assert "unconfirmed" in said
    path = place if command == "label" else next(out.rglob("*label-levels_dseg.nii.gz"))
    levels = nib.load(path).get_fdata()
    assert levels[23, 29, 5:10].tolist() == [4] * 5
    assert {3, 4, 5} <= set(np.unique(levels))
    sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    assert sidecar["Parameters"]["backend"] == "TotalSpineSeg"


def test_segment(run, installed):
    out = installed / "new.nii.gz"
    code, _, err = run("segment", installed / "t2.nii.gz", "-o", out, "--backend", "sct")
    assert code == 0, err
    assert np.array_equal(nib.load(out).get_fdata(), nib.load(installed / "cord.nii.gz").get_fdata())
    parameters = json.loads((installed / "new.json").read_text())["Parameters"]
    assert parameters["backend"] == "Spinal Cord Toolbox"
    assert parameters["backend_version"] == "7.0"
    assert parameters["backend_command"] == "sct_deepseg spinalcord -i input.nii.gz -o output.nii.gz"


def test_label(run, installed):
    out = installed / "new.nii.gz"
    words = ("label", installed / "t2.nii.gz", "--cord", installed / "cord.nii.gz", "-o", out, "--backend", "sct")
    code, said, err = run(*words)
    assert code == 0, err
    assert "unconfirmed" in said
    assert np.array_equal(nib.load(out).get_fdata(), nib.load(installed / "levels.nii.gz").get_fdata())
    sidecar = json.loads((installed / "new.json").read_text())
    assert sidecar["Parameters"]["backend_version"] == "7.0"
    assert any("unconfirmed" in flag for flag in sidecar["Flags"])


def test_analyze(run, installed):
    out = installed / "out"
    code, said, err = run("analyze", installed / "t2.nii.gz", "-o", out, "--backend", "sct")
    assert code == 0, err
    assert "unconfirmed" in said
    mask = next(out.rglob("*label-cord_mask.nii.gz"))
    levels = next(out.rglob("*label-levels_dseg.json"))
    assert np.array_equal(nib.load(mask).get_fdata(), nib.load(installed / "cord.nii.gz").get_fdata())
    assert json.loads(levels.read_text())["Parameters"]["backend"] == "Spinal Cord Toolbox"


BAD = {
    "sct missing": (("--backend", "sct"), "Spinal Cord Toolbox was not found"),
    "totalspineseg missing": (("--backend", "totalspineseg"), "SPINALQ_TOTALSPINESEG"),
    "a point": (("--backend", "sct", "--at", "0,0,0"), "--at is only for the built-in"),
    "an offset": (("--backend", "sct", "--edge-offset-mm", "0"), "--edge-offset-mm is only"),
    "soft": (("--backend", "sct", "--soft"), "--soft is only"),
    "structure": (("--backend", "totalspineseg", "--structure", "gm"), "not gm"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_choices_are_told_in_one_sentence_and_nothing_is_written(run, folder, case):
    words, said = BAD[case]
    code, _, err = run("segment", folder / "t2.nii.gz", "-o", folder / "new.nii.gz", *words)
    assert code == 2
    assert said in err
    assert err.startswith("Error: ")
    assert err.strip().count("\n") == 0
    assert not (folder / "new.nii.gz").exists()


def test_a_failing_program_is_told_with_its_last_line(run, installed):
    words = ("segment", installed / "t2.nii.gz", "-o", installed / "new.nii.gz", "--backend", "sct")
    code, _, err = run(*words, "--structure", "gm")
    assert code == 2
    assert err.strip().endswith("RuntimeError: model not installed")
    assert not (installed / "new.nii.gz").exists()


def test_segments_are_written_as_an_estimate(run, installed):
    out, segments = installed / "new.nii.gz", installed / "segments.nii.gz"
    words = ("label", installed / "t2.nii.gz", "--cord", installed / "cord.nii.gz", "-o", out, "--backend", "sct")
    code, _, err = run(*words, "--segments", segments)
    assert code == 0, err
    found = nib.load(segments).get_fdata()
    assert np.array_equal(found > 0, nib.load(installed / "cord.nii.gz").get_fdata() > 0)
    assert {4, 5} <= set(np.unique(found)) <= {0, 3, 4, 5, 6}
    sidecar = json.loads((installed / "segments.json").read_text())
    assert "spinal segments estimated from vertebral levels" in sidecar["Flags"]
    assert any("unconfirmed" in flag for flag in sidecar["Flags"])
    assert {source["File"] for source in sidecar["Sources"]} == {"t2.nii.gz", "cord.nii.gz"}


@pytest.mark.parametrize("name", ["new.nii.gz", "new.nii", "new_discs.nii.gz"])
def test_segments_do_not_replace_the_levels(run, installed, name):
    words = ("label", installed / "t2.nii.gz", "--cord", installed / "cord.nii.gz", "-o", installed / "new.nii.gz")
    code, _, err = run(*words, "--backend", "sct", "--segments", installed / name, "--force")
    assert code == 2
    assert "another name" in err
    assert not (installed / "new.nii.gz").exists()


def test_levels_and_segments_are_written_both_or_none(run, installed):
    (installed / "folder").write_text("not a folder")
    words = ("label", installed / "t2.nii.gz", "--cord", installed / "cord.nii.gz", "-o", installed / "new.nii.gz")
    assert run(*words, "--backend", "sct", "--segments", installed / "folder" / "segments.nii.gz")[0] == 2
    assert not list(installed.glob("new*"))

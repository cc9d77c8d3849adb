"""The command line as a user meets it: words in, files out, one sentence and exit code 2 when the input is bad."""

import json
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.terminal import print_table

AFFINE = nib.affines.from_matvec(np.diag([-0.5, 0.5, 3.0]), [12.0, -15.0, -20.0])
SHAPE = (48, 60, 14)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with an image of a cord in fluid, its ellipse of 12 x 8 mm as mask, and levels C3 above C4."""
    x, y, _ = np.indices(SHAPE, dtype=float)
    inside, fluid = (((x - 23.5) * 0.5 / a) ** 2 + ((y - 29.5) * 0.5 / b) ** 2 <= 1 for a, b in ((6, 4), (10, 7)))
    levels = np.where(np.arange(SHAPE[2]) < 7, 4, 3) * inside
    files = {
        "t2": 40.0 + 160.0 * fluid - 100.0 * inside,
        "cord": inside.astype(np.uint8),
        "levels": levels.astype(np.uint8),
    }
    for name, data in files.items():
        nib.save(
            nib.Nifti1Image(data.astype(np.float32 if name == "t2" else np.uint8), AFFINE), tmp_path / f"{name}.nii.gz"
        )
    return tmp_path


def refused(outcome, *said):
    code, _, err = outcome
    assert code == 2, err
    assert "Traceback" not in err
    assert err.startswith("Error: ")
    assert err.strip().count("\n") == 0
    for words in said:
        assert words in err
    return True


def test_help_and_version(run):
    from napari_spinalq import __version__

    assert __version__ in run("--version")[1]
    for command in ("demo", "analyze", "segment", "label", "measure", "qc", "open"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert "Example: spinalq" in out


def test_help_imports_nothing_heavy():
    code = (
        "import sys, napari_spinalq.cli; print([m for m in ('numpy','nibabel','pandas','scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_measure_per_level(run, folder):
    out = folder / "m.csv"
    code, _, err = run("measure", folder / "cord.nii.gz", "--levels", folder / "levels.nii.gz", "-o", out)
    assert code == 0, err
    table = pd.read_csv(out, keep_default_na=False)
    area = table[table.metric == "area"].set_index("level")["value"].astype(float)
    assert area["C3"] == pytest.approx(np.pi * 6 * 4, rel=0.01)
    assert list(table.columns) == [
        "subject", "session", "scan", "level", "slice", "structure", "metric", "value", "unit", "n_slices",
        "z", "percentile", "reference", "flag",
    ]  # fmt: skip
    sidecar = json.loads((folder / "m.json").read_text())
    assert {source["File"] for source in sidecar["Sources"]} == {"cord.nii.gz", "levels.nii.gz"}


@pytest.mark.parametrize("per", ["level", "slice"])
def test_measure_in_the_columns_of_spinal_cord_toolbox(run, folder, per):
    out = folder / "m.csv"
    words = ("measure", folder / "cord.nii.gz", "--levels", folder / "levels.nii.gz", "-o", out, "--per", per)
    assert run(*words, "--format", "sct")[0] == 0
    table = pd.read_csv(out)
    assert {"Filename", "Slice (I->S)", "VertLevel", "MEAN(area)", "SUM(length)"} <= set(table.columns)
    assert len(table) == (2 if per == "level" else SHAPE[2])


def test_measure_per_slice_needs_no_levels_but_per_level_does(run, folder):
    assert run("measure", folder / "cord.nii.gz", "-o", folder / "a.csv", "--per", "slice")[0] == 0
    assert refused(run("measure", folder / "cord.nii.gz", "-o", folder / "b.csv"), "--levels")
    assert not (folder / "b.csv").exists()


def test_unconfirmed_levels_are_said_in_the_table(run, folder):
    (folder / "levels.json").write_text(json.dumps({"Flags": ["levels unconfirmed"]}))
    out = folder / "m.tsv"
    code, said, _ = run("measure", folder / "cord.nii.gz", "--levels", folder / "levels.nii.gz", "-o", out)
    assert code == 0
    assert "unconfirmed" in said
    assert pd.read_csv(out, sep="\t").flag.str.contains("levels unconfirmed").all()


def test_outputs_are_not_replaced_unasked(run, folder):
    words = ("measure", folder / "cord.nii.gz", "--levels", folder / "levels.nii.gz", "-o", folder / "m.csv")
    assert run(*words)[0] == 0
    before = (folder / "m.csv").read_bytes()
    assert refused(run(*words), "--force")
    assert (folder / "m.csv").read_bytes() == before
    assert run(*words, "--force")[0] == 0


def bad_cases(folder):
    other = nib.Nifti1Image(np.ones((48, 60, 13), np.uint8), AFFINE)
    nib.save(other, folder / "other.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.uint8), AFFINE), folder / "zero.nii.gz")
    (folder / "text.nii.gz").write_text("hello")
    cord, levels, t2 = folder / "cord.nii.gz", folder / "levels.nii.gz", folder / "t2.nii.gz"
    out = folder / "new.nii.gz"
    return {
        "missing file": (("segment", folder / "none.nii.gz", "-o", out), "no file"),
        "not nifti": (("segment", folder / "text.nii.gz", "-o", out), "not a readable"),
        "unknown contrast": (("segment", t2, "-o", out, "--contrast", "t3w"), "'t3w' is not a contrast"),
        "click in words": (("segment", t2, "-o", out, "--at", "here"), "X,Y,Z"),
        "click with two numbers": (("segment", t2, "-o", out, "--at", "1,2"), "X,Y,Z"),
        "click that is no number": (("segment", t2, "-o", out, "--at", "nan,1,2"), "X,Y,Z"),
        "click outside": (("segment", t2, "-o", out, "--at", "500,0,0"), "500"),
        "cord given for the cord": (("segment", t2, "-o", out, "--cord", folder / "cord.nii.gz"), "of no use"),
        "offset of grey matter": (("segment", t2, "-o", out, "--structure", "gm", "--edge-offset-mm", "1"), "offset"),
        "no grey matter to be seen": (
            ("segment", t2, "-o", out, "--structure", "gm", "--cord", folder / "cord.nii.gz"),
            "GM not measurable on this scan: no contrast between grey and white matter",
        ),
        "no cord": (("segment", folder / "zero.nii.gz", "-o", out), "zero.nii.gz" if False else "cord"),
        "output no nifti": (("segment", t2, "-o", folder / "new.png", "--at", "0,0,0"), ".nii"),
        "output is the source": (("segment", t2, "-o", t2, "--force", "--at", "0,0,0"), "source"),
        "mask of another grid": (("label", t2, "--cord", folder / "other.nii.gz", "-o", out), "48 x 60 x 13"),
        "empty mask": (("measure", folder / "zero.nii.gz", "--per", "slice", "-o", folder / "new.csv"), "empty"),
        "levels of another grid": (
            ("measure", cord, "--levels", folder / "other.nii.gz", "-o", folder / "new.csv"), "another grid"),
        "levels without levels": (
            ("measure", cord, "--levels", folder / "zero.nii.gz", "-o", folder / "new.csv"), "no level"),
        "table of another ending": (("measure", cord, "--levels", levels, "-o", folder / "new.xlsx"), ".tsv"),
        "disc that is none": (("label", t2, "--cord", cord, "-o", out, "--disc", "C2-C5=0,0,0"), "C2-C5"),
        "disc without place": (("label", t2, "--cord", cord, "-o", out, "--disc", "C2-C3"), "C2-C3=X,Y,Z"),
        "exam without scans": (("analyze", folder / "nothing", "-o", folder / "out"), "nothing"),
    }  # fmt: skip


CASES = [
    "missing file", "not nifti", "unknown contrast", "click in words", "click with two numbers",
    "click that is no number", "click outside", "no cord", "output no nifti", "output is the source",
    "cord given for the cord", "offset of grey matter", "no grey matter to be seen",
    "mask of another grid", "empty mask", "levels of another grid", "levels without levels",
    "table of another ending", "disc that is none", "disc without place", "exam without scans",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told_in_one_sentence_and_nothing_is_written(run, folder, case):
    words, said = bad_cases(folder)[case]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert refused(run(*words), said)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_every_case_is_run(folder):
    assert set(bad_cases(folder)) == set(CASES)


def test_a_bug_is_told_without_a_traceback(run, folder, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("napari_spinalq.derivatives.measure_files", broken)
    code, _, err = run("measure", folder / "cord.nii.gz", "--per", "slice", "-o", folder / "m.csv")
    assert code == 1
    assert "bug in spinalq" in err
    assert "Traceback" not in err


def test_a_full_disk_is_told(run, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_spinalq.io.atomic.os.fsync", full)
    words = ("measure", folder / "cord.nii.gz", "--per", "slice", "-o", folder / "m.csv")
    assert refused(run(*words), "No space left on device")
    assert not (folder / "m.csv").exists()


@pytest.mark.realdata
def test_segment_label_measure_on_a_real_scan(run, sct_testing, tmp_path):
    t2 = sct_testing / "t2" / "t2.nii.gz"
    cord, levels, table = tmp_path / "cord.nii.gz", tmp_path / "levels.nii.gz", tmp_path / "t2.csv"
    assert run("segment", t2, "-o", cord)[0] == 0
    code, out, _ = run("label", t2, "--cord", cord, "-o", levels, "--disc", "C2-C3=-6.2,0.8,24.7")
    assert code == 0
    assert "confirmed" in out
    assert run("measure", cord, "--levels", levels, "-o", table)[0] == 0
    area = pd.read_csv(table).query("metric == 'area'").set_index("level")["value"]
    assert {"C3", "C4"} <= set(area.index)
    assert area.between(55, 95).all()


def spinalq(folder, *words, **environment):
    """Run the command as a shell does: in a process and an environment of its own."""
    code = "from napari_spinalq.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_terminal_that_knows_ascii_only(folder):
    done = spinalq(folder, "analyze", "t2.nii.gz", "-o", "out", "--at", "0,0,0", "--disc", "C3-C4=0,9,1", **ASCII)
    assert done.returncode == 0, done.stderr
    assert b"Area" in done.stdout
    assert b"Wrote" in done.stdout


def test_a_bug_is_told_where_no_log_can_be_written(run, folder, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("division by zero")

    def nowhere(*_, **__):
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("napari_spinalq.derivatives.measure_files", broken)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", nowhere)
    code, _, err = run("measure", folder / "cord.nii.gz", "--per", "slice", "-o", folder / "m.csv")
    assert code == 1
    assert "bug in spinalq: ZeroDivisionError" in err
    assert "in broken" in err


def test_too_little_memory_is_told(run, folder, monkeypatch):
    def greedy(*_, **__):
        raise MemoryError

    monkeypatch.setattr("napari_spinalq.derivatives.measure_files", greedy)
    assert refused(run("measure", folder / "cord.nii.gz", "--per", "slice", "-o", folder / "m.csv"), "memory")


def test_stopping_by_hand_writes_nothing(run, folder, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_spinalq.io.atomic.os.fsync", stopped)
    before = set(folder.rglob("*"))
    code, _, err = run("measure", folder / "cord.nii.gz", "--per", "slice", "-o", folder / "new" / "m.csv")
    assert code == 130
    assert "Traceback" not in err
    assert set(folder.rglob("*")) == before


def test_a_narrow_terminal_cuts_no_number(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    numbers = [f"{value}.5" for value in range(100, 112)]
    print_table("Areas", [f"Heading {number}" for number in numbers], [numbers])
    out = capsys.readouterr().out
    assert all(number in out for number in numbers)
    assert "…" not in out


@pytest.mark.realdata
def test_segment_grey_matter_and_canal_of_a_real_scan(run, sct_testing, tmp_path):
    t2s = sct_testing / "t2s" / "t2s_uncropped.nii.gz"
    volumes = {}
    for structure in ("cord", "gm", "canal"):
        out = tmp_path / f"{structure}.nii.gz"
        code, said, err = run("segment", t2s, "-o", out, "--structure", structure)
        assert code == 0, err
        assert str(out) in said
        image = nib.load(out)
        assert np.array_equal(image.affine, nib.load(t2s).affine)
        volumes[structure] = np.asarray(image.dataobj).sum()
        sidecar = json.loads((tmp_path / f"{structure}.json").read_text())
        assert sidecar["Description"].startswith(structure)
    assert 0.12 < volumes["gm"] / volumes["cord"] < 0.24
    assert 1.5 < volumes["canal"] / volumes["cord"] < 4

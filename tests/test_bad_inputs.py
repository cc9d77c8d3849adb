"""Files that lie: damaged headers, impossible places, folders that mix things up. Each is refused in one sentence."""

import gzip
import os
import stat
import struct
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq import cli
from napari_spinalq.errors import InputError
from napari_spinalq.io.nifti import load_levels, load_scan

AFFINE = nib.affines.from_matvec(np.diag([-0.5, 0.5, 3.0]), [12.0, -15.0, -20.0])
SHAPE = (48, 60, 14)
X, Y, _ = np.indices(SHAPE, dtype=float)
CORD = ((X - 23.5) * 0.5 / 6) ** 2 + ((Y - 29.5) * 0.5 / 4) ** 2 <= 1
CANAL = ((X - 23.5) * 0.5 / 9) ** 2 + ((Y - 29.5) * 0.5 / 7) ** 2 <= 1
DIM, PIXDIM, VOX_OFFSET, XYZT_UNITS, SFORM_QFORM_CODES = 40, 80, 108, 123, 252
"""Places (bytes) of fields in a NIfTI-1 header."""


def save(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, AFFINE), path)
    return path


def scan_values():
    noise = np.random.default_rng(0).normal(size=SHAPE)
    return (100 + 80 * CANAL - 60 * CORD + 3 * noise).astype(np.float32)


def level_values(levels):
    """Return a level map on the cord, ``levels`` from the most inferior slice upwards."""
    return (np.asarray(levels) * CORD).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "t2.nii.gz", scan_values())
    save(tmp_path / "cord.nii.gz", CORD.astype(np.uint8))
    save(tmp_path / "levels.nii.gz", level_values([4] * 7 + [3] * 7))
    return tmp_path


@pytest.fixture
def run(monkeypatch, capfd):
    """Run ``spinalq`` in this process; returns exit code, standard output and error output."""

    def _run(*words):
        monkeypatch.setattr(sys, "argv", ["spinalq", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capfd.readouterr()
        return stop.value.code or 0, out, err

    return _run


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def refuse(run):
    """Run ``spinalq`` and check that it refuses in one sentence, says some words, and leaves the folder as it was."""

    def _refuse(folder, said, *words):
        before = contents(folder)
        code, _, err = run(*words)
        assert code == 2, err
        assert err.startswith("Error: ")
        assert err.strip().count("\n") == 0, err
        assert said in err
        assert contents(folder) == before

    return _refuse


def patched(folder, place, layout, *values, ending=".nii"):
    """Write the scan with bytes of its header replaced."""
    content = bytearray(gzip.decompress((folder / "t2.nii.gz").read_bytes()))
    struct.pack_into("<" + layout, content, place, *values)
    path = folder / f"patched{ending}"
    path.write_bytes(gzip.compress(bytes(content)) if ending == ".nii.gz" else bytes(content))
    return path


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("shape", [(32000, 32000, 32000), (1500, 1500, 1500), (48, 60, 15)])
def test_a_header_that_promises_more_than_the_file_holds(folder, shape, ending):
    with pytest.raises(InputError, match="truncated"):
        load_scan(patched(folder, DIM, "4h", 3, *shape, ending=ending))


@pytest.mark.parametrize("shape", [(-5, 60, 14), (0, 60, 14)])
def test_a_negative_or_zero_dimension(folder, shape):
    with pytest.raises(InputError, match="no voxels"):
        load_scan(patched(folder, DIM, "4h", 3, *shape))


@pytest.mark.parametrize("offset", [np.inf, np.nan, -5.0, 1e9])
def test_an_impossible_start_of_the_voxels(folder, offset):
    with pytest.raises(InputError, match="damaged"):
        load_scan(patched(folder, VOX_OFFSET, "f", offset))


def test_an_orientation_that_is_not_known(folder):
    with pytest.raises(InputError, match="left and right"):
        load_scan(patched(folder, SFORM_QFORM_CODES, "2h", 0, 0))


@pytest.mark.parametrize(("unit", "name"), [(1, "metres"), (3, "micrometres")])
def test_a_grid_that_is_not_in_millimetres(folder, unit, name):
    with pytest.raises(InputError, match=f" {name}"):
        load_scan(patched(folder, XYZT_UNITS, "b", unit))


@pytest.mark.parametrize("lost", [1, 4, 8])
def test_a_gzip_file_without_its_checksum(folder, lost):
    path = folder / "t2.nii.gz"
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(InputError, match="damaged"):
        load_scan(path)


def test_a_gzip_file_whose_checksum_differs(folder):
    """One wrong bit in stored voxels decompresses without complaint: only the checksum tells."""
    content = bytearray(gzip.compress(gzip.decompress((folder / "t2.nii.gz").read_bytes()), 0))
    content[len(content) // 2] ^= 1
    (folder / "t2.nii.gz").write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged"):
        load_scan(folder / "t2.nii.gz")


def test_a_damaged_header_is_told_in_a_single_sentence(folder):
    """The reader of NIfTI files logs what it thinks of a header; a user needs one sentence, not three."""
    path = patched(folder, PIXDIM, "f", -0.5)
    code = "import sys; from napari_spinalq.cli import main; main()"
    words = ["segment", str(path), "-o", str(folder / "new.nii.gz")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.strip().count("\n") == 0


@pytest.mark.parametrize("levels", [[3] * 7 + [5] * 7, [3] * 7 + [4] * 7, [5] * 4 + [3] * 5 + [4] * 5])
def test_levels_upside_down(folder, levels):
    with pytest.raises(InputError, match="above"):
        load_levels(save(folder / "wrong.nii.gz", level_values(levels)))


@pytest.mark.parametrize("flags", ["null", '"levels unconfirmed"', "[1]", "{}"])
def test_flags_that_are_no_list_of_sentences(refuse, folder, flags):
    (folder / "levels.json").write_text(f'{{"Flags": {flags}}}')
    words = ("measure", folder / "cord.nii.gz", "--levels", folder / "levels.nii.gz", "-o", folder / "new.csv")
    refuse(folder, "levels.json", *words)


def test_the_sidecar_of_a_source_is_never_replaced(refuse, folder):
    for name in ("t2", "cord", "levels"):
        (folder / f"{name}.json").write_text('{"EchoTime": 0.1}')
    measure = ("measure", folder / "cord.nii.gz", "--levels", folder / "levels.nii.gz", "--force", "-o")
    refuse(folder, "t2.json", "segment", folder / "t2.nii.gz", "-o", folder / "t2.nii", "--force")
    refuse(folder, "cord.json", *measure, folder / "cord.csv")
    refuse(folder, "levels.json", *measure, folder / "levels.tsv")


@pytest.mark.parametrize("room", [1, 2, 3])
def test_a_disk_that_fills_up_leaves_no_part_of_the_results(refuse, folder, monkeypatch, room):
    """The disk is full after so many files of a level map, its discs and their sidecars."""
    fsync, calls = os.fsync, []

    def full(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            calls.append(descriptor)
            if len(calls) > room:
                raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("napari_spinalq.io.atomic.os.fsync", full)
    words = ("label", folder / "t2.nii.gz", "--cord", folder / "cord.nii.gz", "--disc", "C3-C4=0,13,1")
    refuse(folder, "No space left", *words, "-o", folder / "deep" / "new" / "levels.nii.gz")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such file names themselves")
def test_a_name_in_another_encoding_is_measured_all_the_same(run, folder):
    """A disk written elsewhere holds names that are no UTF-8."""
    named = folder / os.fsdecode(b"cord_\xfc.nii.gz")
    (folder / "cord.nii.gz").rename(named)
    code, _, err = run("measure", named, "--per", "slice", "-o", folder / "new.csv")
    assert code == 0, err
    assert (folder / "new.csv").read_text(encoding="utf-8").count("cord_") > SHAPE[2]

"""Files that lie: damaged headers, impossible places, folders that mix things up. Each is refused in one sentence."""

import gzip
import os
import shutil
import stat
import struct
import subprocess
import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.io.nifti import load_levels, load_scan
from napari_spinalq.io.samples import sample_folder

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


def test_levels_that_do_not_meet_the_mask(refuse, folder):
    save(folder / "lower.nii.gz", (CORD & (np.arange(14) < 7)).astype(np.uint8))
    save(folder / "upper_levels.nii.gz", level_values([0] * 7 + [3] * 7))
    words = ("measure", folder / "lower.nii.gz", "--levels", folder / "upper_levels.nii.gz", "-o", folder / "new.csv")
    refuse(folder, "names no slice", *words)
    refuse(folder, "names no slice", *words, "--per", "slice")


def test_slices_without_a_level_are_said(run, folder):
    levels = save(folder / "upper_levels.nii.gz", level_values([0] * 7 + [3] * 7))
    words = ("measure", folder / "cord.nii.gz", "--levels", levels, "-o", folder / "new.csv")
    assert "no level at slices 0-6" in run(*words)[1]


def test_doubts_about_the_mask_travel_into_its_table(run, folder):
    (folder / "cord.json").write_text('{"Flags": ["low margin: check the result"]}')
    out = folder / "new.csv"
    said = run("measure", folder / "cord.nii.gz", "--levels", folder / "levels.nii.gz", "-o", out)[1]
    assert "low margin" in said
    assert pd.read_csv(out).flag.str.contains("low margin").all()


@pytest.mark.parametrize("place", ["500,0,0", "0,0,800", "0,15,-300", "0,70,0"])
@pytest.mark.parametrize("contrast", ["t2w", "t2star"])
def test_a_disc_far_from_the_cord_or_out_of_reach(refuse, folder, place, contrast):
    words = ("label", folder / "t2.nii.gz", "--cord", folder / "cord.nii.gz", "--contrast", contrast)
    refuse(folder, "C2-C3", *words, "--disc", f"C2-C3={place}", "-o", folder / "new.nii.gz")


SAME_NAMES = [
    ("t2.nii.gz", "t2.nii"),
    ("a/t2.nii.gz", "b/t2.nii.gz"),
    ("t2_mt0.nii.gz", "in/t2_mt0.nii.gz"),
]


@pytest.mark.parametrize("names", SAME_NAMES)
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_two_scans_whose_results_would_have_one_name(refuse, folder, names, force):
    for name in names:
        save(folder / "exam" / name, scan_values())
    refuse(folder, "same name", "analyze", folder / "exam", "-o", folder / "out", *force)


def test_one_scan_given_twice(refuse, folder):
    scan = folder / "t2.nii.gz"
    refuse(folder, "same name", "analyze", scan, scan, "-o", folder / "out")


def test_results_never_go_into_a_dataset_of_others(refuse, folder):
    dataset = folder / "dataset"
    save(dataset / "sub-1" / "anat" / "sub-1_T2w.nii.gz", scan_values())
    (dataset / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.9.0"}')
    refuse(folder, "another dataset", "analyze", dataset, "-o", dataset)
    refuse(folder, "another dataset", "analyze", dataset / "sub-1", "-o", dataset, "--force")


def test_results_may_be_replaced_in_their_own_dataset(run, folder):
    words = ("analyze", folder / "t2.nii.gz", "-o", folder / "out")
    assert run(*words)[0] == 0
    assert run(*words)[0] == 2
    assert run(*words, "--force")[0] == 0


def test_a_point_outside_every_scan(refuse, folder):
    scan = folder / "t2.nii.gz"
    refuse(folder, "--at", "analyze", scan, "-o", folder / "out", "--at", "500,0,0")


def test_a_point_outside_one_scan_is_said(run, folder):
    shifted = nib.Nifti1Image(scan_values(), nib.affines.from_matvec(AFFINE[:3, :3], [12, -15, 80]))
    nib.save(shifted, folder / "t1.nii.gz")
    code, said, err = run("analyze", folder / "t2.nii.gz", folder / "t1.nii.gz", "-o", folder / "out", "--at", "0,0,0")
    assert code == 0, err
    assert said.count("lies outside this scan") == 1


def test_a_damaged_scan_beside_good_ones_is_named(run, folder):
    (folder / "t1.nii.gz").write_bytes(b"broken")
    code, said, err = run("analyze", folder / "t2.nii.gz", folder / "t1.nii.gz", "-o", folder / "out")
    assert code == 0, err
    assert "Not measured: t1" in said
    assert "not a readable NIfTI" in said
    assert "not a readable NIfTI" in (folder / "out" / "report.html").read_text()
    assert "t1" in (folder / "out" / "metrics.json").read_text()


def test_only_damaged_scans(refuse, folder):
    (folder / "t1.nii.gz").write_bytes(b"broken")
    refuse(folder, "not a readable NIfTI", "analyze", folder / "t1.nii.gz", "-o", folder / "out")


@pytest.mark.parametrize("name", ["._t2.nii.gz", ".1234abcd-t2.nii.gz"])
def test_hidden_files_are_no_scans(run, folder, name):
    exam = folder / "exam"
    save(exam / "t2.nii.gz", scan_values())
    (exam / name).write_bytes(b"what another system keeps beside a file")
    code, said, err = run("analyze", exam, "-o", folder / "out")
    assert code == 0, err
    assert "Not measured" not in said


def test_endings_in_capitals_are_scans(run, folder):
    exam = folder / "exam"
    (save(exam / "SUB_T2W.nii.gz", scan_values())).rename(exam / "SUB_T2W.NII.GZ")
    assert run("analyze", exam, "-o", folder / "out")[0] == 0
    assert list((folder / "out").rglob("SUB_T2W_label-cord_mask.nii.gz"))


def test_an_output_folder_that_is_a_file_is_told_before_the_work(refuse, folder, monkeypatch):
    def never(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr("napari_spinalq.pipeline.analyze_exam", never)
    refuse(folder, "is a file", "analyze", folder / "t2.nii.gz", "-o", folder / "cord.nii.gz")


@pytest.mark.parametrize("files", [(), ("dataset_description.json",)])
def test_sample_exams_that_were_removed(refuse, folder, monkeypatch, files):
    samples = folder / "sample_data"
    samples.mkdir()
    for name in files:
        (samples / name).write_text("{}")
    monkeypatch.setattr("napari_spinalq.io.samples._PLACES", (samples,))
    refuse(folder, "install the package again", "demo", "-o", folder / "out")


def test_a_damaged_sample_scan_is_said(run, folder, monkeypatch):
    samples = folder / "sample_data"
    shutil.copytree(sample_folder(), samples)
    for name in ("T2star", "PSIR", "mt-on_MTS", "mt-off_MTS"):
        for path in samples.glob(f"sub-*/anat/*_{name}.nii.gz"):
            path.write_bytes(b"broken")
    for path in samples.glob("sub-*/dwi/*.nii.gz"):
        path.write_bytes(b"broken")
    monkeypatch.setattr("napari_spinalq.io.samples._PLACES", (samples,))
    code, said, err = run("demo", "-o", folder / "out")
    assert code == 0, err
    assert said.count("_PSIR: ") == 2


def test_two_orientations_that_mirror_each_other(folder):
    """What one program shows as left, another shows as right: nobody can know who is right."""
    image = nib.load(folder / "t2.nii.gz")
    image.set_sform(AFFINE, code=1)
    image.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ AFFINE, code=1)
    nib.save(image, folder / "mirrored.nii.gz")
    with pytest.raises(InputError, match="mirror"):
        load_scan(folder / "mirrored.nii.gz")


def test_a_level_map_beside_the_mask_is_said(run, folder):
    """Levels drawn on the vertebrae instead of the cord name the slices all the same, but it may be a mistake."""
    beside = save(folder / "bodies.nii.gz", np.where((X < 4) & ~CORD, 3, 0).astype(np.uint8))
    code, said, err = run("measure", folder / "cord.nii.gz", "--levels", beside, "-o", folder / "new.csv")
    assert code == 0, err
    assert "the level map does not touch the mask" in said
    assert pd.read_csv(folder / "new.csv").flag.str.contains("does not touch").all()

"""What is written reads back the same, lies on the grid of its image, and never harms a source."""

import gzip
import json
import os

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.io import atomic
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.save import save_mask, save_table
from napari_spinalq.io.sidecar import Provenance

OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ np.diag([-0.5, 0.6, 5.0]), [-12.34567, 8.1, 30.3]
)


@pytest.fixture
def image_path(tmp_path):
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), OBLIQUE)
    image.header["descrip"] = b"patient name"
    image.set_sform(OBLIQUE, 1)
    image.set_qform(OBLIQUE, 2)
    path = tmp_path / "sub-01_T2w.nii.gz"
    nib.save(image, path)
    return path


def provenance(scan):
    return Provenance("cord mask", [scan.source], {"edge_offset_mm": 0.2}, ["check slice 3"], author="A. Reader")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_mask_shares_the_geometry_of_its_image_bit_for_bit(image_path, tmp_path, dtype, ending):
    scan = load_scan(image_path)
    mask = (scan.data > 10).astype(dtype)
    path = save_mask(mask, scan, tmp_path / f"mask{ending}", provenance(scan))
    written, source = nib.load(path), nib.load(image_path)
    np.testing.assert_array_equal(np.asarray(written.dataobj), mask)
    assert written.get_data_dtype() == dtype
    assert written.affine.tobytes() == source.affine.tobytes()
    for key in ("sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c", "quatern_d"):
        assert np.array_equal(written.header[key], source.header[key]), key
    assert b"patient" not in bytes(written.header["descrip"])
    assert load_mask(path, like=scan.grid).grid == scan.grid


def test_mask_of_nifti2_stays_nifti2(tmp_path):
    path = tmp_path / "t2.nii"
    nib.save(nib.Nifti2Image(np.ones((2, 3, 4), np.float32), OBLIQUE), path)
    scan = load_scan(path)
    out = save_mask(np.ones((2, 3, 4), np.uint8), scan, tmp_path / "m.nii", provenance(scan))
    assert isinstance(nib.load(out), nib.Nifti2Image)
    assert nib.load(out).affine.tobytes() == nib.load(path).affine.tobytes()


def test_mask_of_a_4d_image_is_3d(tmp_path):
    path = tmp_path / "dwi.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((2, 3, 4, 5), np.int16), OBLIQUE), path)
    scan = load_scan(path)
    out = save_mask(np.ones((2, 3, 4), np.uint8), scan, tmp_path / "m.nii.gz", provenance(scan))
    assert nib.load(out).shape == (2, 3, 4)
    assert load_mask(out).grid == scan.grid


def test_sidecar_says_where_it_came_from(image_path, tmp_path):
    scan = load_scan(image_path)
    save_mask(np.ones(scan.grid.shape, np.uint8), scan, tmp_path / "mask.nii.gz", provenance(scan))
    sidecar = json.loads((tmp_path / "mask.json").read_text())
    import hashlib

    assert sidecar["Sources"] == [
        {"File": image_path.name, "SHA256": hashlib.sha256(image_path.read_bytes()).hexdigest()}
    ]
    assert sidecar["Parameters"] == {"edge_offset_mm": 0.2}
    assert sidecar["Author"] == "A. Reader"
    assert sidecar["GeneratedBy"][0]["Name"] == "napari-spinalq"
    assert sidecar["Time"].endswith("+00:00")


def test_existing_output_is_kept_unless_forced(image_path, tmp_path):
    scan = load_scan(image_path)
    mask = np.ones(scan.grid.shape, np.uint8)
    path = save_mask(mask, scan, tmp_path / "mask.nii.gz", provenance(scan))
    before = path.read_bytes()
    with pytest.raises(InputError, match="--force"):
        save_mask(mask * 0, scan, path, provenance(scan))
    assert path.read_bytes() == before
    save_mask(mask * 0, scan, path, provenance(scan), overwrite=True)
    assert not np.asarray(nib.load(path).dataobj).any()


@pytest.mark.parametrize("link", ["same", "hard", "symbolic"])
def test_source_is_never_written_even_when_forced(image_path, tmp_path, link):
    scan = load_scan(image_path)
    target = image_path if link == "same" else tmp_path / "other.nii.gz"
    if link == "hard":
        os.link(image_path, target)
    elif link == "symbolic":
        target.symlink_to(image_path)
    before = image_path.read_bytes()
    with pytest.raises(InputError, match="source"):
        save_mask(np.ones(scan.grid.shape, np.uint8), scan, target, provenance(scan), overwrite=True)
    assert image_path.read_bytes() == before


def test_same_content_gives_the_same_bytes(image_path, tmp_path):
    scan = load_scan(image_path)
    mask = np.ones(scan.grid.shape, np.uint8)
    first = save_mask(mask, scan, tmp_path / "a.nii.gz", provenance(scan))
    second = save_mask(mask, scan, tmp_path / "b.nii.gz", provenance(scan))
    assert first.read_bytes() == second.read_bytes()


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path, monkeypatch):
    path = tmp_path / "metrics.tsv"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write_whole(path, b"new", overwrite=True)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.tsv"]


def test_a_write_that_reads_back_differently_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "metrics.tsv"
    path.write_text("old")
    monkeypatch.setattr(atomic, "_write_flushed", lambda where, content: where.write_bytes(content[:-1]))
    with pytest.raises(OSError, match="read back"):
        atomic.write_whole(path, b"new", overwrite=True)
    assert path.read_text() == "old"


def test_an_output_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        atomic.write_whole(tmp_path / "out" / "m.tsv", b"x")


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.ones((4, 3, 2), np.uint8), "shape"),
        (np.ones((2, 3, 4), np.int64), "uint8"),
    ],
)
def test_mask_of_wrong_shape_or_type_is_refused(image_path, tmp_path, mask, said):
    scan = load_scan(image_path)
    with pytest.raises(InputError, match=said):
        save_mask(mask, scan, tmp_path / "m.nii.gz", provenance(scan))
    assert not (tmp_path / "m.nii.gz").exists()


def test_mask_with_another_ending_is_refused(image_path, tmp_path):
    scan = load_scan(image_path)
    with pytest.raises(InputError, match=r"\.nii"):
        save_mask(np.ones(scan.grid.shape, np.uint8), scan, tmp_path / "m.mgz", provenance(scan))


def test_gzip_holds_no_time_and_no_name(image_path, tmp_path):
    scan = load_scan(image_path)
    path = save_mask(np.ones(scan.grid.shape, np.uint8), scan, tmp_path / "m.nii.gz", provenance(scan))
    head = path.read_bytes()[:10]
    assert head[4:8] == b"\0\0\0\0"
    assert head[3] == 0
    assert gzip.decompress(path.read_bytes())[:4]


def test_tables_use_the_blank_of_their_form(tmp_path):
    table = pd.DataFrame({"level": ["C3"], "value": [71.5], "z": [np.nan]})
    tsv = save_table(table, tmp_path / "metrics.tsv", Provenance("metrics"))
    csv = save_table(table, tmp_path / "metrics.csv", Provenance("metrics"), overwrite=True)
    assert tsv.read_text() == "level\tvalue\tz\nC3\t71.5\tn/a\n"
    assert csv.read_text() == "level,value,z\nC3,71.5,\n"
    with pytest.raises(InputError, match=r"\.tsv"):
        save_table(table, tmp_path / "metrics.xlsx", Provenance("metrics"))

"""Every known way in which a file can be unusable is told in one sentence; good files keep every value."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan

AFFINE = nib.affines.from_matvec(np.diag([-0.5, 0.5, 5.0]), [10, -20, 30])
VALUES = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def write(path, data=VALUES, affine=AFFINE, kind=nib.Nifti1Image, **header):
    image = kind(data, affine)
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path


def refusal(load, path, **options):
    with pytest.raises(InputError) as caught:
        load(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_values_and_geometry_survive(tmp_path, kind, ending):
    scan = load_scan(write(tmp_path / f"sub-01_T2star{ending}", kind=kind))
    np.testing.assert_array_equal(scan.data, VALUES)
    assert scan.grid == Grid((3, 4, 5), AFFINE)
    assert scan.contrast is Contrast.T2STAR
    assert scan.source is not None
    assert scan.source.path.name.startswith("sub-01")


def test_scaling_of_the_header_is_applied(tmp_path):
    path = tmp_path / "t2.nii.gz"
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.header.set_slope_inter(0.5, 10.0)
    nib.save(image, path)
    stored = np.asarray(nib.load(path).dataobj.get_unscaled())
    np.testing.assert_allclose(load_scan(path).data, stored * 0.5 + 10.0)


def test_4d_is_kept_and_a_single_volume_becomes_3d(tmp_path):
    four = np.random.default_rng(0).normal(size=(3, 4, 5, 2)).astype(np.float32)
    assert load_scan(write(tmp_path / "dwi.nii.gz", four)).volumes == 2
    assert load_scan(write(tmp_path / "t1.nii.gz", four[..., :1])).data.shape == (3, 4, 5)


def test_uncompressed_unscaled_data_stay_memory_mapped(tmp_path):
    data = load_scan(write(tmp_path / "t2.nii")).data
    base = data
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        data[0, 0, 0] = 1


def test_missing_file(tmp_path):
    assert "no file" in refusal(load_scan, tmp_path / "none.nii.gz")


def test_folder(tmp_path):
    assert "folder" in refusal(load_scan, tmp_path)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x1f\x8b broken"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.txt"])
def test_not_nifti(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    assert name in refusal(load_scan, tmp_path / name)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.98])
def test_truncated_gzip(tmp_path, keep):
    path = write(tmp_path / "t2.nii.gz", np.random.default_rng(0).integers(0, 999, (20, 20, 20), dtype=np.int16))
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    assert "damaged" in refusal(load_scan, path)


def test_truncated_uncompressed(tmp_path):
    path = write(tmp_path / "t2.nii")
    path.write_bytes(path.read_bytes()[:-20])
    assert "damaged" in refusal(load_scan, path)


def test_corrupt_gzip_body(tmp_path):
    path = write(tmp_path / "t2.nii.gz", np.random.default_rng(0).integers(0, 999, (20, 20, 20), dtype=np.int16))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    assert "damaged" in refusal(load_scan, path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path, bad):
    data = VALUES.astype(np.float32)
    data[1, 2, 3] = bad
    message = refusal(load_scan, write(tmp_path / "t2.nii.gz", data))
    assert "1 voxel" in message
    assert "(1, 2, 3)" in message


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("kind", "value"), [(np.float32, 3e38), (np.float32, -3e38), (np.float64, 1e60)])
def test_values_that_no_scanner_writes(tmp_path, kind, value):
    data = VALUES.astype(kind)
    data[1, 2, 3] = value
    assert "no scanner" in refusal(load_scan, write(tmp_path / "t2.nii.gz", data))


@pytest.mark.parametrize("shape", [(7,), (7, 8), (3, 4, 5, 2, 2)])
def test_wrong_number_of_dimensions(tmp_path, shape):
    assert "dimension" in refusal(load_scan, write(tmp_path / "t2.nii.gz", np.ones(shape, np.float32)))


def test_rgb(tmp_path):
    data = np.zeros((3, 4, 5), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert "colour" in refusal(load_scan, write(tmp_path / "t2.nii.gz", data))


def test_complex(tmp_path):
    assert "complex" in refusal(load_scan, write(tmp_path / "t2.nii.gz", VALUES.astype(np.complex64)))


def patched(path, offset, values):
    """Write float32 values into the raw header, as a faulty exporter would."""
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[offset : offset + 4 * len(values)] = np.asarray(values, "<f4").tobytes()
    path.write_bytes(gzip.compress(bytes(raw)))
    return path


PIXDIM, SROW = 76, 280


@pytest.mark.parametrize("zoom", [0.0, -0.5, np.nan])
def test_impossible_voxel_size(tmp_path, zoom):
    path = patched(write(tmp_path / "t2.nii.gz"), PIXDIM + 4, [zoom])
    assert "voxel size" in refusal(load_scan, path)


def test_singular_affine(tmp_path):
    path = patched(write(tmp_path / "t2.nii.gz"), SROW, np.zeros(12))
    assert "singular" in refusal(load_scan, path)


def test_affine_that_is_not_finite(tmp_path):
    path = patched(write(tmp_path / "t2.nii.gz"), SROW, [np.nan])
    assert "finite" in refusal(load_scan, path)


def test_header_that_contradicts_itself(tmp_path):
    path = patched(write(tmp_path / "t2.nii.gz"), PIXDIM + 4, [0.9])
    assert "contradicts" in refusal(load_scan, path)


def test_mask_of_another_shape_or_place(tmp_path):
    like = Grid((3, 4, 5), AFFINE)
    ones = np.ones((3, 4, 5), np.uint8)
    with pytest.raises(GridMismatchError, match="3 x 4 x 6 against 3 x 4 x 5"):
        load_mask(write(tmp_path / "a.nii.gz", np.ones((3, 4, 6), np.uint8)), like=like)
    moved = AFFINE.copy()
    moved[0, 3] += 0.25
    with pytest.raises(GridMismatchError, match=r"0\.25 mm"):
        load_mask(write(tmp_path / "b.nii.gz", ones, moved), like=like)
    with pytest.raises(GridMismatchError, match="LAS"):
        load_mask(write(tmp_path / "c.nii.gz", ones, AFFINE @ np.diag([-1, 1, 1, 1])), like=like)
    with pytest.raises(GridMismatchError, match="voxel size"):
        load_mask(write(tmp_path / "d.nii.gz", ones, AFFINE @ np.diag([1, 1, 1.1, 1])), like=like)
    nearly = AFFINE.copy()
    nearly[0, 3] += 1e-5
    assert load_mask(write(tmp_path / "e.nii.gz", ones, nearly), like=like).data.all()


def test_mask_without_anything(tmp_path):
    assert "empty" in refusal(load_mask, write(tmp_path / "m.nii.gz", np.zeros((3, 4, 5), np.uint8)))


def test_mask_with_other_values(tmp_path):
    assert "0 to 1" in refusal(load_mask, write(tmp_path / "m.nii.gz", VALUES))


def test_mask_in_4d(tmp_path):
    assert "3-D" in refusal(load_mask, write(tmp_path / "m.nii.gz", np.ones((3, 4, 5, 2), np.uint8)))


def test_level_map_without_levels(tmp_path):
    assert "no level" in refusal(load_levels, write(tmp_path / "l.nii.gz", np.zeros((3, 4, 5), np.uint8)))


@pytest.mark.parametrize("value", [2.5, 25, -1])
def test_level_map_with_impossible_level(tmp_path, value):
    data = np.zeros((3, 4, 5), np.float32)
    data[1, 1, 1] = value
    assert "whole number" in refusal(load_levels, write(tmp_path / "l.nii.gz", data))


def level_column(levels):
    data = np.zeros((3, 4, 5), np.uint8)
    data[1, 1] = levels
    return data


def test_level_that_occurs_twice(tmp_path):
    message = refusal(load_levels, write(tmp_path / "l.nii.gz", level_column([4, 4, 3, 4, 0])))
    assert "C4 twice" in message
    assert "C3" in message
    assert load_levels(write(tmp_path / "ok.nii.gz", level_column([5, 4, 4, 3, 2]))).data.max() == 5


@pytest.mark.realdata
def test_real_scans_load_and_their_level_maps_pass(sct_testing):
    scan = load_scan(sct_testing / "t2" / "t2.nii.gz")
    assert scan.grid.axis_codes == "PSR"
    assert load_mask(sct_testing / "t2" / "t2_seg-manual.nii.gz", like=scan.grid).data.sum() > 1000
    assert set(np.unique(load_levels(sct_testing / "t2" / "t2_seg-manual_labeled.nii.gz").data)) == {0, 2, 3, 4, 5}
    with pytest.raises(InputError, match="633 voxel"):
        load_scan(sct_testing / "mt" / "mtr.nii.gz")

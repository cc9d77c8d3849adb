"""TotalSpineSeg: recorded command line, label table, and files on its own and on the scan's grid."""

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.cord.backends import totalspineseg as tss
from napari_spinalq.errors import BackendError, CordNotFoundError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.vertebrae import disc_name, level_name

LINE = "totalspineseg input.nii.gz labels"
LEFT = "labels/step2_output/input.nii.gz"

TABLE = {
    "C1": 11, "C7": 17, "T1": 21, "T12": 32, "L1": 41, "L5": 45, "C2-C3": 63, "C6-C7": 67, "C7-T1": 71,
    "T11-T12": 82, "T12-L1": 91, "L4-L5": 95,
}  # fmt: skip
"""Ends of each run of values in the label table that the program ships (tss_map.json)."""


def body(points_mm):
    """Label points as the program would: cord of 6 x 4 mm, canal to 9 x 7 mm, two discs in front of it."""
    x, y, z = np.moveaxis(points_mm, -1, 0)
    labels = np.zeros(x.shape, np.uint8)
    labels[np.hypot(x / 9, y / 7) <= 1] = tss.CANAL
    labels[np.hypot(x / 6, y / 4) <= 1] = tss.CORD
    for value, height_mm in ((64, 10.0), (65, -8.0)):
        labels[(np.hypot(x / 8, (y - 12) / 4) <= 1) & (abs(z - height_mm) <= 2)] = value
    return labels


@pytest.fixture
def files(exam):
    """Return the exam with labels on the scan's grid, at 1 mm, and in the values of an older table."""
    grid = load_scan(exam / "t2.nii.gz").grid
    fine = Grid((24, 36, 40), nib.affines.from_matvec(np.eye(3), [-11.5, -14.5, -20.0]))
    for name, where in (("spine", grid), ("spine_1mm", fine)):
        labels = body(where.voxel_to_mm(np.moveaxis(np.indices(where.shape), 0, -1)))
        nib.save(nib.Nifti1Image(labels, where.affine), exam / f"{name}.nii.gz")
    old = np.where(nib.load(exam / "spine.nii.gz").get_fdata() == 1, 200, 0).astype(np.uint8)
    nib.save(nib.Nifti1Image(old, grid.affine), exam / "old_table.nii.gz")
    return exam


@pytest.mark.parametrize("name", TABLE)
def test_label_table(name):
    if "-" in name:
        assert disc_name(tss.DISC_OF_VALUE[TABLE[name]]) == name
    else:
        assert level_name(tss.LEVEL_OF_VALUE[TABLE[name]]) == name


def test_label_table_is_complete():
    assert sorted(tss.DISC_OF_VALUE.values()) == list(range(3, 25))
    assert sorted(tss.LEVEL_OF_VALUE.values()) == list(range(1, 25))


def test_command_line():
    assert " ".join(tss.command_line("input.nii.gz", "labels")) == LINE


@pytest.mark.parametrize(
    ("names", "version"),
    [(["numpy-2.0.dist-info", "totalspineseg-20250224.dist-info"], "20250224"), (["numpy-2.0.dist-info"], "unknown")],
)
def test_version(names, version):
    assert tss.parse_version(names) == version


def test_segmenting(program, workshop, files):
    path = program(LINE, needs=["input.nii.gz"], leaves={files / "spine.nii.gz": LEFT})
    packages = path.parent.parent / "lib" / "python3.11" / "site-packages"
    (packages / "totalspineseg-20250224.dist-info").mkdir(parents=True)
    scan = load_scan(files / "t2.nii.gz")
    found = tss.segment_with_totalspineseg(scan, "cord")
    labels = nib.load(files / "spine.nii.gz").get_fdata()
    assert np.array_equal(found.mask, labels == 1)
    assert np.array_equal(found.labels, labels)
    assert found.parameters == {
        "backend": "TotalSpineSeg", "backend_version": "20250224", "backend_command": LINE
    }  # fmt: skip
    assert any("1 mm" in flag for flag in found.flags)
    assert tss.RESAMPLED not in found.flags
    assert list(workshop.iterdir()) == []


def test_the_canal_reaches_its_outer_wall_with_the_cord_inside(program, files):
    program(LINE, leaves={files / "spine.nii.gz": LEFT})
    found = tss.segment_with_totalspineseg(load_scan(files / "t2.nii.gz"), "canal")
    labels = nib.load(files / "spine.nii.gz").get_fdata()
    assert np.array_equal(found.mask, (labels == 1) | (labels == 2))


def test_labels_on_another_grid_are_carried_to_the_scan_and_it_says_so(program, files):
    program(LINE, leaves={files / "spine_1mm.nii.gz": LEFT})
    scan = load_scan(files / "t2.nii.gz")
    found = tss.segment_with_totalspineseg(scan, "cord")
    assert tss.RESAMPLED in found.flags
    assert found.mask.shape == scan.grid.shape
    direct = nib.load(files / "spine.nii.gz").get_fdata()
    points = scan.grid.voxel_to_mm(np.moveaxis(np.indices(scan.grid.shape), 0, -1))
    radius = np.hypot(points[..., 0] / 6, points[..., 1] / 4)
    sure = (abs(radius - 1) * 4 > 0.8) & (points[..., 2] < 19)  # half a diagonal of 1 mm, inside the 1 mm volume
    assert np.array_equal(found.mask[sure], direct[sure] == 1)
    assert set(np.unique(found.labels)) == {0, 1, 2, 64, 65}


def test_disc_centres(files):
    spine = load_scan(files / "spine_1mm.nii.gz")
    centres = tss.disc_centres_mm(spine.data, spine.grid)
    assert sorted(centres) == [4, 5]
    assert centres[4] == pytest.approx([0, 12, 10], abs=0.3)
    assert centres[5] == pytest.approx([0, 12, -8], abs=0.3)


def test_values_of_an_older_table_are_refused(files):
    with pytest.raises(BackendError, match=r"value 200, .* update it"):
        tss.read_output(files / "old_table.nii.gz", load_scan(files / "t2.nii.gz").grid)


def test_grey_matter_is_refused_before_the_work(program, files):
    with pytest.raises(InputError, match="not gm"):
        tss.segment_with_totalspineseg(load_scan(files / "t2.nii.gz"), "gm")


def test_no_labels_left(program, files):
    program(LINE)
    with pytest.raises(BackendError, match=r"left no input\.nii\.gz"):
        tss.segment_with_totalspineseg(load_scan(files / "t2.nii.gz"), "cord")


def test_no_cord(program, files):
    program(LINE, leaves={files / "empty.nii.gz": LEFT})
    with pytest.raises(CordNotFoundError, match="found no cord"):
        tss.segment_with_totalspineseg(load_scan(files / "t2.nii.gz"), "cord")

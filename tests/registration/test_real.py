"""A real T2w scan and scans of the same session: cords meet, and levels arrive on the slices the references name."""

import numpy as np
import pytest

from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.register import register_scans
from napari_spinalq.registration.seed import carry_mask

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def anatomical(sct_testing):
    return load_scan(sct_testing / "t2" / "t2.nii.gz"), data(sct_testing, "t2/t2_seg-manual")


def data(folder, name):
    return np.asarray(load_scan(folder / f"{name}.nii.gz").data)


def test_the_cord_meets_that_of_the_mt_scan_both_ways(anatomical, sct_testing):
    scan, cord = anatomical
    target, mask = load_scan(sct_testing / "mt" / "mt1.nii.gz"), data(sct_testing, "mt/mt1_seg")
    found = register_scans(scan, cord, target, mask)
    assert found.dice_after > 0.95 > found.dice_before
    assert found.similarity_after > found.similarity_before + 0.1, "the images were not asked, and agree"
    back = register_scans(target, mask, scan, cord)
    assert back.dice_after > 0.95 > back.dice_before


def test_levels_arrive_on_the_slices_that_the_warped_template_names(anatomical, sct_testing):
    """Voxels of the T2w cord get the level whose hand-marked middle is nearest in height; two MT slices lie well in."""
    scan, cord = anatomical
    marks = data(sct_testing, "t2/t2_labeled_center_manual")
    marked = np.argwhere(marks > 0)
    heights = scan.grid.voxel_to_mm(marked)[:, 2]
    inside = cord > 0
    nearest = np.abs(scan.grid.voxel_to_mm(np.argwhere(inside))[:, 2:] - heights).argmin(axis=1)
    levels = np.zeros(cord.shape, dtype=np.uint8)
    levels[inside] = marks[tuple(marked.T)][nearest]
    target = load_scan(sct_testing / "mt" / "mt1.nii.gz")
    found = register_scans(scan, cord, target, data(sct_testing, "mt/mt1_seg"))
    carried = levels_per_slice(to_work_order(carry(found, levels, order=0), target.grid)[0])
    template = np.rint(data(sct_testing, "mt/label/template/PAM50_levels")).astype(int)
    expected = levels_per_slice(to_work_order(template, target.grid)[0])
    known = expected > 0
    assert expected[known].tolist() == [5, 4]
    assert carried[known].tolist() == [5, 4]


def test_a_first_mask_lies_on_the_cord_of_the_mt_scan(anatomical, sct_testing):
    scan, cord = anatomical
    mask = data(sct_testing, "mt/mt1_seg")
    seed = carry_mask(scan, cord, load_scan(sct_testing / "mt" / "mt1.nii.gz"))
    both = seed.any(axis=(0, 1)) & mask.any(axis=(0, 1))
    assert both.sum() >= 3
    one, other = seed[..., both] > 0, mask[..., both] > 0
    assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.9

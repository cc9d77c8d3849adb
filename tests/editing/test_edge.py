"""The edge-aware brush: takes the tissue that the stroke began on, and leaves what lies beyond its edge."""

import numpy as np
import pytest

from napari_spinalq.editing.brush import Brush, painted
from napari_spinalq.errors import InputError
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder

SHAPE = (5, 60, 60)
SPACING = (3.0, 0.5, 0.5)
CORD, CSF, BONE = 300.0, 900.0, 120.0


def neck_image(shapes, noise=8.0, seed=0):
    """Return a cord in CSF in bone, each voxel the mean over its area, and the cord's share of each voxel."""
    fine = [
        shapes.ellipse((480, 480), (0.0625, 0.0625), (239.5, 239.5), *half).reshape(60, 8, 60, 8).mean(axis=(1, 3))
        for half in ((4.0, 6.0), (6.5, 9.0))
    ]
    cord, sac = fine
    plane = BONE + (CSF - BONE) * sac + (CORD - CSF) * cord
    image = np.repeat(plane[None], SHAPE[0], axis=0)
    return (image + np.random.default_rng(seed).normal(0, noise, SHAPE)).astype(np.float32), cord


def edge_brush(diameter, **more):
    return Brush(diameter, edge_aware=True, **more)


@pytest.mark.parametrize("noise", [0.0, 8.0, 40.0])
@pytest.mark.parametrize("diameter", [4.0, 8.0])
def test_a_stroke_half_over_csf_takes_the_cord_and_leaves_the_csf(shapes, noise, diameter):
    image, share = neck_image(shapes, noise)
    way = [[2, 27.5, 29.5 + 5.0 / 0.5], [2, 31.5, 29.5 + 5.0 / 0.5]]  # 1 mm inside of the right edge
    empty = np.zeros(SHAPE, np.uint8)
    plain = painted(empty, SPACING, way, Brush(diameter))[2] == 1
    taken = painted(empty, SPACING, way, edge_brush(diameter), image=image)[2] == 1
    assert (plain & (share < 0.2)).sum() > 20, "the plain brush spills over the edge"
    assert (taken[share < 0.2]).sum() == 0
    cord = plain & (share > 0.8)
    assert (taken & cord).sum() >= 0.93 * cord.sum()
    assert not (taken & ~plain).any()


@pytest.mark.parametrize("across", [0, 1, 2])
def test_in_every_plane(shapes, across):
    image, share = neck_image(shapes)
    image, cord = np.moveaxis(image, 0, across), np.moveaxis(np.repeat(share[None], SHAPE[0], axis=0), 0, across)
    spacing = np.insert([0.5, 0.5], across, 3.0)
    place = np.insert([29.5, 40.0], across, 2)
    empty = np.zeros(image.shape, np.uint8)
    taken = shapes.apply(empty, painted(empty, spacing, [place], edge_brush(6.0), image=image, across=across)) == 1
    plain = shapes.apply(empty, painted(empty, spacing, [place], Brush(6.0), across=across)) == 1
    assert not taken[cord < 0.2].any()
    assert (taken & (cord > 0.8)).sum() >= 0.95 * (plain & (cord > 0.8)).sum()


def test_the_same_grey_level_beyond_an_edge_is_left(shapes):
    image, share = neck_image(shapes)
    image[:, :, 52:] = CORD
    taken = painted(np.zeros(SHAPE, np.uint8), SPACING, [[2, 29.5, 38.0]], edge_brush(20.0), image=image)[2] == 1
    assert not taken[:, 52:].any()
    assert taken[share > 0.8].mean() > 0.95


def test_in_one_tissue_the_whole_disc_is_painted():
    image = np.random.default_rng(2).normal(500, 30, SHAPE).astype(np.float32)
    empty = np.zeros(SHAPE, np.uint8)
    taken = painted(empty, SPACING, [[2, 30, 30]], edge_brush(8.0), image=image)[2] == 1
    plain = painted(empty, SPACING, [[2, 30, 30]], Brush(8.0))[2] == 1
    assert taken.sum() >= 0.95 * plain.sum()
    flat = painted(empty, SPACING, [[2, 30, 30]], edge_brush(8.0), image=np.zeros(SHAPE, np.float32))[2] == 1
    np.testing.assert_array_equal(flat, plain)


def test_a_ball_stops_at_edges_too(shapes):
    image, share = neck_image(shapes)
    image[3:] = CSF
    empty = np.zeros(SHAPE, np.uint8)
    taken = shapes.apply(empty, painted(empty, SPACING, [[2, 30, 38]], edge_brush(8.0, ball=True), image=image)) == 1
    assert taken[1].any()
    assert not taken[3:].any()
    assert not taken[:, share < 0.2].any()


def test_the_stroke_keeps_the_tissue_it_began_on(shapes):
    """Moves come one by one: the tissue is that of the start, and over other tissue nothing is painted."""
    image, share = neck_image(shapes)
    start = [2, 29.5, 30.0]
    empty = np.zeros(SHAPE, np.uint8)
    onto_csf = [[2, 29.5, 42.0], [2, 29.5, 44.5]]
    assert not any(
        plane[share < 0.2].any()
        for plane in painted(empty, SPACING, onto_csf, edge_brush(3.0), image=image, start=start).values()
    )
    assert painted(empty, SPACING, onto_csf[1:], edge_brush(3.0), image=image)[2][share < 0.2].any()


def test_the_start_is_painted_whatever_its_noise(shapes):
    image, _ = neck_image(shapes)
    image[2, 30, 30] = 5000.0
    assert painted(np.zeros(SHAPE, np.uint8), SPACING, [[2, 30, 30]], edge_brush(2.0), image=image)[2][30, 30] == 1


def test_integer_images_and_erasing(shapes):
    image, share = neck_image(shapes)
    full = np.ones(SHAPE, np.uint8)
    planes = painted(full, SPACING, [[2, 29.5, 44.0]], edge_brush(4.0, value=0), image=image.astype(np.int16))
    assert (planes[2][share < 0.1] == 0).any()
    assert (planes[2][share > 0.9] == 1).all(), "erasing leaked CSF leaves the cord"


@pytest.mark.parametrize(("image", "start", "says"), [
    (None, None, "needs the scan"),
    (np.zeros((2, 2, 2)), None, "needs the scan"),
    (np.zeros(SHAPE), [2, -3, 5], "begin inside"),
])  # fmt: skip
def test_bad_input_is_refused(image, start, says):
    with pytest.raises(InputError, match=says):
        painted(np.zeros(SHAPE, np.uint8), SPACING, [[2, 5, 5]], edge_brush(3.0), image=image, start=start)


def side_strokes(truth, spacing, first=0):
    """Yield strokes 1 mm inside of the left and right edge of a cord in each of its slices, 2 mm long."""
    for index in np.flatnonzero(truth.any(axis=(1, 2)))[first:-2]:
        row = round(np.nonzero(truth[index])[0].mean())
        columns = np.flatnonzero(truth[index, row])
        for column in (columns.min() + 1 / spacing[2], columns.max() - 1 / spacing[2]):
            yield [[index, row - 1 / spacing[1], column], [index, row + 1 / spacing[1], column]]


def taken_and_spilt(image, truth, spacing, diameter=6.0):
    """Return the share of the cord under the brush that it takes, and of what lies a voxel or more beyond, mean."""
    empty = np.zeros(truth.shape, np.uint8)
    shares = []
    for way in side_strokes(truth, spacing, 2):
        index = way[0][0]
        plain = painted(empty, spacing, way, Brush(diameter))[index] == 1
        taken = painted(empty, spacing, way, edge_brush(diameter), image=image)[index] == 1
        beyond = ~np.logical_or.reduce([np.roll(truth[index], by, axis) for axis in (0, 1) for by in (-1, 0, 1)])
        if (plain & beyond).any():
            shares.append([(taken & part).sum() / (plain & part).sum() for part in (truth[index], beyond)])
    assert len(shares) > 20
    return np.mean(shares, axis=0)


def test_on_the_digital_exam():
    folder, name = sample_folder(), "sub-healthy01_T2w"
    scan = load_scan(folder / "sub-healthy01" / "anat" / f"{name}.nii.gz").in_work_order()
    truth = load_scan(folder / "derivatives/truth/sub-healthy01/anat" / f"{name}_label-cord_mask.nii.gz")
    taken, spilt = taken_and_spilt(scan.data, truth.in_work_order().data > 0, scan.grid.spacing)
    assert taken > 0.9
    assert spilt < 0.02


@pytest.mark.realdata
def test_on_a_real_scan(sct_testing):
    """The reference of this 1 mm scan is drawn inside of the blurred edge; beyond a voxel next to nothing is taken."""
    scan = load_scan(sct_testing / "t2" / "t2.nii.gz").in_work_order()
    truth = load_scan(sct_testing / "t2" / "t2_seg-manual.nii.gz").in_work_order()
    taken, spilt = taken_and_spilt(scan.data, truth.data > 0, scan.grid.spacing)
    assert taken > 0.95
    assert spilt < 0.12

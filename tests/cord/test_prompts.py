"""Points, drawn slices and scribbles: what they say is kept to the voxel, and the rest of the cord follows."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.cord.prepared import prepare
from napari_spinalq.cord.prompts import Prompts, checked_prompts
from napari_spinalq.cord.segment import resegment, segment_cord
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import reorient_array
from napari_spinalq.scan import Scan
from tests.cord.test_segment import (
    FIELD_CENTRE,
    HALF_X,
    HALF_Y,
    PIXEL,
    PIXELS,
    SLICES,
    THICKNESS,
    dice,
    neck,
    share,
    work_grid,
)


def centre_y(index):
    return FIELD_CENTRE + 0.14 * THICKNESS * (index - SLICES / 2)


def point(grid, index, shift_x=0.0):
    return tuple(grid.voxel_to_mm([index, centre_y(index) / PIXEL, (FIELD_CENTRE + shift_x) / PIXEL]))


def two_cords():
    """Return a scan with a cord on the left and one on the right, and their true masks."""
    (left, truth), (right, other) = neck(shift_x=-10.0), neck(shift_x=10.0)
    half = PIXELS // 2
    both = np.concatenate([left.data[:, :, :half], right.data[:, :, half:]], axis=2)
    return replace(left, data=both), truth >= 0.5, other >= 0.5


def grown_neck(slices=range(3, 11)):
    """Return a neck in which a growth of the cord's grey level presses against its right side, and the truth."""
    scan, truth = neck()
    data = scan.data.copy()
    for index in slices:
        growth = share(HALF_X + 2.5, HALF_Y + 0.5, centre_y(index), FIELD_CENTRE) * (np.arange(PIXELS) > PIXELS / 2)
        data[index] += growth * (1 - truth[index]) * (300.0 - data[index])
    return replace(scan, data=data), truth >= 0.5


def slices_of(*numbers):
    chosen = np.zeros(SLICES, bool)
    chosen[list(numbers)] = True
    return chosen


def spoilt_dice(found, truth, slices):
    return np.mean([dice(found[index] > 0, truth[index]) for index in slices])


def test_without_prompts_it_is_the_automatic_segmentation_bit_for_bit():
    scan, _ = neck()
    automatic = segment_cord(scan)
    for found in (resegment(scan, Prompts()), resegment(scan, Prompts(), prepared=prepare(scan))):
        assert np.array_equal(found.soft, automatic.soft)
        assert np.array_equal(found.centerline.points_mm, automatic.centerline.points_mm)
        assert (found.flags, found.parameters) == (automatic.flags, automatic.parameters)


def test_a_changed_scan_is_prepared_anew():
    scan, _ = neck()
    prepared = prepare(scan)
    assert prepared.fits(scan)
    moved = replace(scan, data=np.roll(scan.data, 4, axis=2))
    assert not prepared.fits(moved)
    assert np.array_equal(resegment(moved, Prompts(), prepared=prepared).soft, segment_cord(moved).soft)
    scan.data[0, 0, 0] += 1
    assert not prepared.fits(scan)


def test_several_points_choose_between_two_cords():
    scan, left, right = two_cords()
    for shift, truth in ((-10.0, left), (10.0, right)):
        points = tuple(point(scan.grid, index, shift) for index in (1, 7, 12))
        found = resegment(scan, Prompts(points=points))
        assert dice(found.mask > 0, truth) > 0.9
        assert found.parameters["prompts"]["points_mm"] == [list(p) for p in points]


def test_points_may_change_from_one_cord_to_the_other():
    """Each point holds its own slab; in between the path leads from one to the next."""
    scan, left, right = two_cords()
    tall = replace(scan, data=np.repeat(scan.data, 4, axis=0), grid=work_grid(slices=4 * SLICES))
    low = tuple(tall.grid.voxel_to_mm([4, centre_y(1) / PIXEL, (FIELD_CENTRE - 10) / PIXEL]))
    high = tuple(tall.grid.voxel_to_mm([52, centre_y(13) / PIXEL, (FIELD_CENTRE + 10) / PIXEL]))
    mask = resegment(tall, Prompts(points=(low, high))).mask > 0
    assert dice(mask[4], left[1]) > 0.85
    assert dice(mask[52], right[13]) > 0.85


def test_drawn_slices_stay_as_drawn_to_the_voxel():
    scan, truth = grown_neck()
    drawn = np.zeros(truth.shape, np.uint8)
    drawn[5] = truth[5]
    drawn[5, 3, 4] = 1  # a stray voxel: it is not for the computer to judge
    drawn[8] = np.roll(truth[8], 3, axis=1)
    fixed = slices_of(5, 8, 12)
    found = resegment(scan, Prompts(fixed=drawn, fixed_slices=fixed))
    assert np.array_equal(found.mask[fixed], drawn[fixed])
    assert not found.mask[12].any()
    assert found.mask[~fixed].any(axis=(1, 2)).all()
    assert found.parameters["prompts"]["slices_kept_as_drawn"] == "5, 8, 12"


@pytest.mark.parametrize("codes", ["RAS", "LPI", "ASL", "SAR"])
def test_drawn_slices_stay_in_any_axis_order(codes):
    scan, truth = grown_neck()
    turned = scan.reoriented(codes)
    drawn = reorient_array(truth.astype(np.float32) * 0.75, scan.grid, codes)[0]
    fixed = slices_of(2, 6, 9)
    found = resegment(turned, Prompts(fixed=drawn, fixed_slices=fixed))
    soft = reorient_array(found.soft, turned.grid, "SAR")[0]
    assert np.array_equal(soft[fixed], 0.75 * truth[fixed].astype(np.float32))
    assert set(np.unique(found.mask)) == {0, 1}


def test_a_leak_mended_in_one_slice_shrinks_in_its_neighbours():
    scan, truth = grown_neck()
    before = segment_cord(scan, edge_offset_mm=0.0).mask
    others = [3, 4, 5, 7, 8, 9, 10]
    assert spoilt_dice(before, truth, others) < 0.93
    after = resegment(scan, Prompts(fixed=truth, fixed_slices=slices_of(6)), edge_offset_mm=0.0).mask
    assert spoilt_dice(after, truth, others) > spoilt_dice(before, truth, others) + 0.03


def test_slices_drawn_larger_make_their_neighbours_larger_but_not_those_far_away():
    scan, _ = neck(slices=60, thickness=1.0)
    larger = np.stack([share(6.7, 4.8, FIELD_CENTRE + 0.14 * (i - 30), FIELD_CENTRE) >= 0.5 for i in range(60)])
    fixed = np.zeros(60, bool)
    fixed[0:12:2] = True
    physical = segment_cord(scan, edge_offset_mm=0.0).soft.sum(axis=(1, 2))
    after = resegment(scan, Prompts(fixed=larger, fixed_slices=fixed), edge_offset_mm=0.0).soft.sum(axis=(1, 2))
    assert after[5] > 1.05 * physical[5]
    assert after[55] == pytest.approx(physical[55], rel=0.01)


def test_the_drawn_slice_tells_whether_the_cord_is_bright():
    for levels, said in (((300.0, 900.0), "darker"), ((700.0, 100.0), "brighter")):
        scan, truth = neck(*levels)
        found = resegment(scan, Prompts(fixed=truth >= 0.5, fixed_slices=slices_of(6)))
        assert found.parameters["cord_is"] == said


def test_scribbles_are_obeyed_to_the_voxel_and_help_their_neighbours():
    scan, truth = grown_neck()
    before = segment_cord(scan, edge_offset_mm=0.0).mask > 0
    outside = np.zeros(truth.shape, bool)
    wrong = np.argwhere(before[6] & ~truth[6])
    outside[6, wrong[:, 0], wrong[:, 1]] = True
    after = resegment(scan, Prompts(outside=outside), edge_offset_mm=0.0).mask > 0
    assert wrong.size
    assert not after[outside].any()
    for index in (5, 7):
        assert dice(after[index], truth[index]) > dice(before[index], truth[index]) + 0.02
    assert dice(after[13], truth[13]) > 0.95

    inside = np.zeros(truth.shape, bool)
    inside[6, round(centre_y(6) / PIXEL), round((FIELD_CENTRE - 7.4) / PIXEL)] = True
    assert not before[inside].any()
    added = resegment(scan, Prompts(inside=inside), edge_offset_mm=0.0).mask > 0
    assert added[inside].all()
    assert added[6].sum() > before[6].sum() + 2, "one outline leads around the scribble"


def test_a_scribble_outside_drives_the_path_away():
    scan, left, right = two_cords()
    found = resegment(scan, Prompts()).mask > 0
    taken = left if dice(found, left) > dice(found, right) else right
    spared = right if taken is left else left
    outside = np.zeros(taken.shape, bool)
    outside[::2] = taken[::2]
    assert dice(resegment(scan, Prompts(outside=outside)).mask > 0, spared) > 0.85


def test_slices_between_prompts_are_drawn():
    scan, truth = neck(slices=40)
    data = scan.data.copy()
    rng = np.random.default_rng(0)
    data[:16] = 0.2 * data[:16] + rng.normal(0, 150, data[:16].shape)
    dim = replace(scan, data=data.astype(np.float32))
    assert not segment_cord(dim).mask[2:6].any()
    low = tuple(scan.grid.voxel_to_mm([2, (FIELD_CENTRE + 0.14 * THICKNESS * (2 - 20)) / PIXEL, FIELD_CENTRE / PIXEL]))
    found = resegment(dim, Prompts(points=(low,)))
    assert found.mask[2:].any(axis=(1, 2)).all()
    middle = np.argwhere(found.mask[2]).mean(axis=0) - np.argwhere(truth[2] >= 0.5).mean(axis=0)
    assert np.hypot(*middle) * PIXEL < 2.5
    assert any("low confidence" in flag for flag in found.flags)


def refuse(match, **parts):
    grid = work_grid()
    with pytest.raises(InputError, match=match):
        checked_prompts(Prompts(**parts), grid)


def test_what_cannot_be_followed_is_refused_in_a_sentence():
    grid = work_grid()
    one, other = np.zeros(grid.shape, bool), np.zeros(grid.shape, np.uint8)
    one[4, 20:22, 20:24] = True
    other[4, 21, 22] = 1
    near = tuple(grid.voxel_to_mm([3, 28, 10]))
    refuse("lies outside of the scan", points=((500.0, 0.0, 0.0),))
    refuse("lies outside of the scan", points=((float("nan"), 0.0, 0.0),))
    refuse("No cord runs through both", points=(near, tuple(grid.voxel_to_mm([4, 28, 45]))))
    refuse("scribble inside is empty", inside=np.zeros(grid.shape))
    refuse("scribble outside has shape", outside=np.ones((2, 2, 2)))
    refuse("1 voxels are painted both in and out, first in slice 4", inside=one, outside=other)
    refuse("corrected slices is empty", fixed=np.zeros(grid.shape))
    refuse("mask that holds them is missing", fixed_slices=slices_of(3))
    refuse("named for 3 slices", fixed=one, fixed_slices=np.ones(3, bool))
    refuse("Slice 4 is kept as it is drawn", fixed=other, inside=one)
    refuse("Slice 4 is kept as it is drawn", fixed=one, outside=one)
    refuse("Slice 4 is kept as it is drawn", fixed=other * 0, fixed_slices=slices_of(4), inside=one)


def test_scribbles_that_agree_with_a_drawn_slice_are_no_contradiction():
    scan, truth = neck()
    inside = np.zeros(truth.shape, bool)
    inside[4, round(centre_y(4) / PIXEL), PIXELS // 2] = True
    found = resegment(scan, Prompts(fixed=truth >= 0.5, fixed_slices=slices_of(4), inside=inside))
    assert np.array_equal(found.mask[4], truth[4] >= 0.5)


def test_points_in_noise_are_no_cord_but_what_a_person_draws_is_one():
    grid = work_grid()
    noise = Scan(np.abs(np.random.default_rng(0).normal(size=grid.shape)).astype(np.float32), grid)
    points = tuple(point(grid, index) for index in (2, 6, 10))
    with pytest.raises(CordNotFoundError, match="another point"):
        resegment(noise, Prompts(points=points))
    drawn = np.stack([share(6.0, 4.2, centre_y(index), FIELD_CENTRE) >= 0.5 for index in range(SLICES)])
    fixed = slices_of(2, 6, 10)
    found = resegment(noise, Prompts(fixed=drawn, fixed_slices=fixed))
    assert np.array_equal(found.mask[fixed] > 0, drawn[fixed])
    assert found.mask[2:11].any(axis=(1, 2)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["inside", "outside"])
def test_a_scribble_over_the_whole_scan_is_refused(name):
    scan, truth = grown_neck()
    with pytest.raises(CordNotFoundError, match="check the scribbles"):
        resegment(scan, Prompts(**{name: np.ones(truth.shape, np.uint8)}))


def test_a_stray_voxel_is_no_slice_to_follow():
    scan, truth = grown_neck()
    drawn = np.zeros(truth.shape, np.uint8)
    drawn[4], drawn[9, 2, 2] = truth[4], 1
    with pytest.raises(InputError, match=r"Slice 9 is drawn with 0\.6 mm²"):
        checked_prompts(Prompts(fixed=drawn), scan.grid)

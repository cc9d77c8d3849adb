"""Registration against a known distortion: where points lie, what is carried, both ways, in every axis order."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import Cancelled, GridMismatchError, InputError
from napari_spinalq.geometry import Grid, reorient_array, to_work_order
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.phantom.tissue import Tissue
from napari_spinalq.registration.carry import carry, carry_back
from napari_spinalq.registration.levels import carry_levels
from napari_spinalq.registration.register import register_scans
from napari_spinalq.registration.registration import by_position
from napari_spinalq.scan import Scan
from tests.registration.conftest import DESIGN, voxels_mm


def errors_mm(found, pair):
    """Return how far the places of the target's cord voxels in the source lie from the truth."""
    inside = pair.target.cord >= 0.5
    return np.linalg.norm(
        found.source_points_mm[inside] - pair.between.body_at(voxels_mm(found.target, inside)), axis=1
    )


def dice(first, second):
    one, other = (np.nan_to_num(mask) >= 0.5 for mask in (first, second))
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def slice_sums(mask, grid):
    return to_work_order(np.nan_to_num(mask), grid)[0].sum(axis=(1, 2))


def test_places_within_the_cord_are_found(pair):
    away = errors_mm(pair.found, pair)
    assert np.median(away) < 0.2
    assert np.percentile(away, 95) < 0.4


def test_the_cords_lie_over_each_other(pair):
    assert pair.found.dice_before < 0.75
    assert pair.found.dice_after > 0.98
    assert pair.found.dice_after == pytest.approx(dice(carry(pair.found, pair.source.cord), pair.target.cord), abs=0.01)


def test_binary_masks_do_nearly_as_well(pair):
    masks = [(one.cord >= 0.5).astype(np.uint8) for one in (pair.source, pair.target)]
    found = register_scans(pair.source.scan, masks[0], pair.target.scan, masks[1])
    assert np.median(errors_mm(found, pair)) < 0.25
    assert found.dice_after > 0.97


def with_grey_matter(pair, **changes):
    source, target = pair.source, pair.target
    grey = {"source_grey": source.grey_matter, "target_grey": target.grey_matter} | changes
    return register_scans(source.scan, source.cord, target.scan, target.cord, **grey)


def test_grey_matter_tells_a_turn_from_a_shear(turned, pair):
    assert np.median(errors_mm(with_grey_matter(turned), turned)) < 0.06 < np.median(errors_mm(turned.found, turned))
    assert np.median(errors_mm(with_grey_matter(pair), pair)) < np.median(errors_mm(pair.found, pair))


def test_stray_voxels_of_a_mask_count_for_nothing(pair):
    source, target = pair.source.cord.copy(), pair.target.cord.copy()
    source[2:5, 60:70, 3:6] = 1
    target[2:5, 2:5, 3:7] = 1
    found = register_scans(pair.source.scan, source, pair.target.scan, target)
    inside = pair.target.cord > 0
    moved = found.source_points_mm[inside] - pair.found.source_points_mm[inside]
    assert np.linalg.norm(moved, axis=1).max() < 0.05


def test_grey_matter_is_given_of_both_scans(pair):
    with pytest.raises(InputError, match="of one scan alone"):
        with_grey_matter(pair, target_grey=None)
    with pytest.raises(InputError, match="grey matter mask of dwi is empty"):
        with_grey_matter(pair, target_grey=np.zeros_like(pair.target.cord))


def test_the_work_can_be_stopped(pair):
    def stop(fraction, phrase):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        register_scans(pair.source.scan, pair.source.cord, pair.target.scan, pair.target.cord, progress=stop)


def test_progress_grows_to_the_end(pair):
    seen = []
    register_scans(
        pair.source.scan,
        pair.source.cord,
        pair.target.scan,
        pair.target.cord,
        progress=lambda fraction, phrase: seen.append(fraction),
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_areas_of_carried_masks_are_those_of_the_target(pair):
    ours = slice_sums(carry(pair.found, pair.source.cord), pair.found.target)
    theirs = slice_sums(pair.target.cord, pair.found.target)
    assert ours / theirs == pytest.approx(1, abs=0.02)


def test_grey_matter_arrives_in_its_place(pair):
    carried = carry(pair.found, pair.source.grey_matter)
    assert dice(carried, pair.target.grey_matter) > 0.9
    unmoved = carry(by_position(pair.found.source, pair.found.target), pair.source.grey_matter)
    assert dice(unmoved, pair.target.grey_matter) < 0.6
    ratio = slice_sums(carried, pair.found.target) / slice_sums(pair.target.grey_matter, pair.found.target)
    assert ratio == pytest.approx(1, abs=0.05)


def test_the_way_there_and_back_ends_where_it_began(pair):
    found = pair.found
    inside = pair.source.cord >= 0.5
    there = found.target.mm_to_voxel(found.target_points_mm[inside])
    within = ((there >= 0) & (there <= np.array(found.target.shape) - 1)).all(axis=1)
    assert within.sum() > 1000
    back = [
        ndimage.map_coordinates(found.source_points_mm[..., axis], there[within].T, order=1, output=float)
        for axis in range(3)
    ]
    away = np.linalg.norm(np.stack(back, axis=1) - voxels_mm(found.source, inside)[within], axis=1)
    assert away.max() < 0.2


def test_the_way_back_carries_the_targets_cord_onto_the_source(pair):
    back = carry_back(pair.found, pair.target.cord)
    known = np.isfinite(back) & (pair.source.cord > 0)
    assert dice(back[known], pair.source.cord[known]) > 0.95
    true_way_back = pair.between.seen_at(voxels_mm(pair.found.source, known))
    away = np.linalg.norm(pair.found.target_points_mm[known] - true_way_back, axis=1)
    assert np.median(away) < 0.25


def test_a_thick_oblique_source_is_registered_as_well(pair):
    """The two scans change roles: thin slices of the target lie between thick ones of the source.

    The bend lies in the plane of the oblique scan, so a part of it (up to 0.7 mm) points out of the axial slices, in
    which alone places are moved.
    """
    found = register_scans(pair.target.scan, pair.target.cord, pair.source.scan, pair.source.cord)
    heights = found.source.mm_to_voxel(found.source_points_mm)[..., 2]
    covered = (pair.source.cord >= 0.5) & (heights > 0) & (heights < found.source.shape[2] - 1)
    truth = pair.between.seen_at(voxels_mm(found.target, covered))
    away = np.linalg.norm(found.source_points_mm[covered] - truth, axis=1)
    assert np.median(away) < 0.4
    assert np.percentile(away, 95) < 0.8
    assert found.dice_after > 0.97


def test_each_slice_gets_its_true_level(pair):
    truth = levels_per_slice(to_work_order(pair.target.levels, pair.found.target)[0])
    carried = carry(pair.found, pair.source.levels, order=0)
    assert levels_per_slice(to_work_order(carried, pair.found.target)[0]).tolist() == truth.tolist()
    anatomy = DESIGN.anatomy()
    discs = tuple(Disc(number, tuple(place)) for number, place in anatomy.disc_positions_mm().items())
    named = carry_levels(pair.found, Labelling(discs, True), anatomy.centerline, pair.target.cord >= 0.5)
    assert levels_per_slice(to_work_order(named, pair.found.target)[0]).tolist() == truth.tolist()
    assert (named[pair.target.levels > 0] > 0).all()
    assert len(set(truth.tolist())) > 2


def test_levels_follow_the_registration_not_the_position():
    """A target whose voxels lie 20 mm higher in the source has the levels from there; none without discs."""
    grid = Grid((3, 3, 80), np.diag([1.0, 1.0, 1.0, 1.0]))
    straight = Centerline(np.column_stack([np.ones(81), np.ones(81), np.arange(81.0)]))
    labelling = Labelling((Disc(4, (1.0, 10.0, 60.0)), Disc(5, (1.0, 10.0, 45.0)), Disc(6, (1.0, 10.0, 30.0))), True)
    still = by_position(grid, grid)
    higher = replace(still, source_points_mm=still.source_points_mm + np.float32([0, 0, 20]))
    mask = np.zeros(grid.shape, dtype=np.uint8)
    mask[1, 1] = 1
    levels = carry_levels(higher, labelling, straight, mask)
    assert levels[1, 1, 15:20].tolist() == [5, 5, 5, 5, 5]
    assert levels[1, 1, 27:32].tolist() == [4, 4, 4, 4, 4]
    assert not levels[0].any()
    assert carry_levels(still, labelling, straight, mask)[1, 1, 35:40].tolist() == [5, 5, 5, 5, 5]
    assert not carry_levels(still, Labelling((), False), straight, mask).any()


@pytest.mark.parametrize(("source_codes", "target_codes"), [("LAS", "PIR"), ("RAS", "SAR"), ("PIR", "RAS")])
def test_storage_order_changes_nothing(pair, source_codes, target_codes):
    source, target = pair.source.scan.reoriented(source_codes), pair.target.scan.reoriented(target_codes)
    masks = [
        reorient_array(one.cord, one.scan.grid, codes)[0]
        for one, codes in ((pair.source, source_codes), (pair.target, target_codes))
    ]
    found = register_scans(source, masks[0], target, masks[1])
    there = reorient_array(found.source_points_mm, target.grid, pair.found.target.axis_codes)[0]
    assert there == pytest.approx(pair.found.source_points_mm, abs=1e-3)
    back = reorient_array(found.target_points_mm, source.grid, pair.found.source.axis_codes)[0]
    assert back == pytest.approx(pair.found.target_points_mm, abs=1e-3)


@pytest.mark.parametrize("target_codes", ["LAS", "RAS", "PIR"])
def test_a_mark_on_the_patients_left_arrives_on_the_left(pair, target_codes):
    anatomy, source = DESIGN.anatomy(), pair.source.scan.grid
    tissue = anatomy.tissues(voxels_mm(source, np.ones(source.shape, dtype=bool))).reshape(source.shape)
    mark = (tissue == Tissue.LATERAL_CST_LEFT).astype(np.float32)
    target = pair.target.scan.reoriented(target_codes)
    cord = reorient_array(pair.target.cord, pair.target.scan.grid, target_codes)[0]
    found = register_scans(pair.source.scan, pair.source.cord, target, cord)
    carried = np.nan_to_num(carry(found, mark))
    arrived = carried > 0.3
    right_mm = anatomy.curvilinear(pair.between.body_at(voxels_mm(target.grid, arrived)))[1]
    assert arrived.sum() > 20
    assert (right_mm < -1).all()
    returned = np.nan_to_num(carry_back(found, carried)) > 0.3
    assert (anatomy.curvilinear(voxels_mm(source, returned))[1] < -1).all()


def test_nothing_folds(pair):
    steps = np.moveaxis(np.stack(np.gradient(pair.found.source_points_mm, axis=(0, 1, 2))), 0, -1)
    volume = np.linalg.det(steps) / np.linalg.det(pair.found.target.affine[:3, :3])
    assert volume.min() > 0.5
    assert volume.max() < 1.6


def test_the_source_is_not_needed_to_cover_the_whole_target(pair):
    grid = pair.source.scan.grid
    work = grid.reoriented("SAR")
    half = work.cropped((0, 0, 0), (work.shape[0] // 2, *work.shape[1:]))
    data, cord = (to_work_order(one, grid)[0][: half.shape[0]] for one in (pair.source.scan.data, pair.source.cord))
    found = register_scans(Scan(data, half, pair.source.scan.contrast), cord, pair.target.scan, pair.target.cord)
    assert any("shows no whole cord at slices" in flag for flag in found.flags)
    assert found.dice_after > 0.97
    carried = to_work_order(carry(found, cord), found.target)[0]
    assert np.isnan(carried[-1]).all()


def test_one_slice_is_enough(pair):
    grid = pair.target.scan.grid.reoriented("SAR")
    data, cord = (
        to_work_order(one, pair.target.scan.grid)[0][4:5] for one in (pair.target.scan.data, pair.target.cord)
    )
    thin = grid.cropped((4, 0, 0), (1, *grid.shape[1:]))
    found = register_scans(pair.source.scan, pair.source.cord, Scan(data, thin, pair.target.scan.contrast), cord)
    assert found.dice_after > 0.97


def test_a_wrong_mask_is_called_out_by_the_images(pair):
    aside = np.roll(pair.target.cord, 7, axis=0)
    found = register_scans(pair.source.scan, pair.source.cord, pair.target.scan, aside)
    assert any("images agree less" in flag for flag in found.flags)
    assert not any("images agree less" in flag for flag in pair.found.flags)


def test_bad_masks_are_refused(pair):
    source, target = pair.source, pair.target
    with pytest.raises(GridMismatchError, match="shape"):
        register_scans(source.scan, target.cord, target.scan, target.cord)
    with pytest.raises(InputError, match="empty"):
        register_scans(source.scan, source.cord, target.scan, np.zeros_like(target.cord))
    with pytest.raises(InputError, match="holds 0 to"):
        register_scans(source.scan, source.cord * 3, target.scan, target.cord)
    affine = source.scan.grid.affine.copy()
    affine[2, 3] += 500
    away = replace(source.scan, grid=Grid(source.scan.grid.shape, affine))
    with pytest.raises(InputError, match="share no axial slice"):
        register_scans(away, source.cord, target.scan, target.cord)


def test_nothing_given_is_changed(pair):
    before = pair.source.cord.copy(), pair.source.scan.data.copy()
    register_scans(pair.source.scan, pair.source.cord, pair.target.scan, pair.target.cord)
    assert (pair.source.cord == before[0]).all()
    assert (pair.source.scan.data == before[1]).all()

"""The quality of a registration in numbers, words and pictures; a first mask where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.registration.overlay import overlay_slices
from napari_spinalq.registration.quality import slice_dice, slice_quality
from napari_spinalq.registration.registration import by_position
from napari_spinalq.registration.seed import carry_mask
from napari_spinalq.registration.table import COLUMNS, quality_flags, registration_table
from napari_spinalq.scan import Scan

BOX = Grid((20, 24, 4), np.diag([1.0, 1.0, 5.0, 1.0]))


def box(left, back):
    """Return a block 6 mm wide and 8 mm deep that begins at these voxels, in every slice."""
    mask = np.zeros(BOX.shape, dtype=np.float32)
    mask[left : left + 6, back : back + 8] = 1
    return mask


def test_figures_of_two_blocks_apart():
    found = slice_quality(by_position(BOX, BOX), box(5, 8), box(7, 8))
    assert found.dice_after == pytest.approx(np.full(4, 4 / 6))
    assert found.dice_before == pytest.approx(found.dice_after)
    assert found.overall_after == pytest.approx(4 / 6)
    assert found.area_ratio == pytest.approx(np.ones(4))
    assert found.min_jacobian == pytest.approx(np.ones(4))
    assert found.shift_mm == pytest.approx(np.zeros((4, 2)), abs=1e-5)
    assert 0.5 < found.surface_distance_mm[0] < 1.5


def test_equal_masks_are_at_no_distance():
    found = slice_quality(by_position(BOX, BOX), box(5, 8), box(5, 8))
    assert found.surface_distance_mm == pytest.approx(np.zeros(4), abs=1e-6)
    assert found.dice_after.tolist() == [1, 1, 1, 1]


def test_what_is_poor_is_said_in_words():
    mask = box(7, 8)
    mask[..., 0] = 0
    mask[..., 3] = box(5, 8)[..., 3]
    found = slice_quality(by_position(BOX, BOX), box(5, 8), mask)
    assert quality_flags(found, "T2w") == ("registration poor: Dice 0.67 at slices 1-2; check the overlay",)
    missing = slice_quality(by_position(BOX, BOX), mask, box(5, 8))
    assert "T2w shows no whole cord at slice 0: carried as beside them" in quality_flags(missing, "T2w")


def test_a_slice_out_of_line_is_said():
    grid = Grid((20, 24, 7), np.diag([1.0, 1.0, 5.0, 1.0]))
    straight = np.repeat(box(5, 8)[..., :1], 7, axis=2)
    leaning = np.stack([np.roll(straight[..., 0], index, axis=1) for index in range(7)], axis=2)
    plain = by_position(grid, grid)
    assert not any("jumps" in flag for flag in quality_flags(slice_quality(plain, straight, leaning), "T2w"))
    leaning[..., 3] = np.roll(leaning[..., 3], 3, axis=0)
    found = slice_quality(plain, straight, leaning)
    assert found.jump_mm[3] == pytest.approx(3.0)
    assert "one cord jumps by up to 3.0 mm at slice 3; check its mask" in quality_flags(found, "T2w")
    assert registration_table(plain, straight, leaning)["flag"][3] == "poor, jump"


def test_a_fold_is_said():
    plain = by_position(BOX, BOX)
    points = plain.source_points_mm.copy()
    points[8:12, :, 2, 0] = points[8:12, :, 2, 0][::-1]
    found = slice_quality(replace(plain, source_points_mm=points), box(5, 8), box(5, 8))
    assert found.min_jacobian[2] < 0
    assert any(flag.startswith("the carried image folds at slice 2") for flag in quality_flags(found, "T2w"))


def test_empty_slices_have_no_dice():
    empty = np.zeros((2, 3, 3))
    assert np.isnan(slice_dice(empty, empty)).all()


def test_the_table_has_a_row_for_each_slice_of_the_cord(pair):
    table = registration_table(pair.found, pair.source.cord, pair.target.cord)
    assert list(table.columns) == list(COLUMNS)
    assert table["slice"].tolist() == list(range(9))
    assert (table["dice_after"] > table["dice_before"]).all()
    assert (table["surface_distance_mm"] < 0.2).all()
    assert (table["min_jacobian"] > 0.5).all()
    assert (table["flag"] == "").all()


def test_shifts_have_the_patients_signs(pair):
    """From target to source the person moved by the opposite of the motion: to the left and to anterior."""
    table = registration_table(pair.found, pair.source.cord, pair.target.cord)
    grid = pair.found.target
    work_cord, work = to_work_order(pair.target.cord, grid)
    inside = np.argwhere(work_cord >= 0.5)
    points = work.voxel_to_mm(inside)
    moves = (pair.between.body_at(points) - points) @ pair.between.frame
    for index in range(9):
        right, anterior = moves[inside[:, 0] == index][:, :2].mean(axis=0)
        row = table.iloc[index]
        assert row["shift_right_mm"] == pytest.approx(right, abs=0.2)
        assert row["shift_anterior_mm"] == pytest.approx(anterior, abs=0.2)
    assert (table["shift_right_mm"] < 0).all()


def test_overlays_show_the_cord_and_both_outlines(pair):
    pictures = overlay_slices(pair.found, pair.source.cord, pair.target.scan, pair.target.cord, count=4)
    assert [picture.index for picture in pictures] == sorted({picture.index for picture in pictures})
    assert len(pictures) == 4
    for picture in pictures:
        (own,), (carried,), (before,) = picture.target_lines, picture.after_lines, picture.before_lines
        assert np.linalg.norm(own.mean(axis=0) - carried.mean(axis=0)) < 0.3
        assert np.linalg.norm(own.mean(axis=0) - before.mean(axis=0)) > 0.8
        assert (own.max(axis=0) < picture.image.shape).all()
        assert own.min() > 0
        assert picture.pixel_mm == pytest.approx((1.0, 1.0))
        assert picture.dice > 0.95


def test_slices_that_the_source_does_not_reach_are_no_pictures():
    mask = box(5, 8)
    mask[..., 0] = 0
    pictures = overlay_slices(by_position(BOX, BOX), mask, Scan(mask, BOX), box(5, 8))
    assert [picture.index for picture in pictures] == [1, 2, 3]


def test_the_worst_slice_is_among_the_pictures():
    mask = box(5, 8)
    mask[..., 2] = box(8, 8)[..., 2]
    data = np.zeros(BOX.shape, dtype=np.float32)
    pictures = overlay_slices(by_position(BOX, BOX), box(5, 8), Scan(data, BOX), mask, count=1)
    assert [picture.index for picture in pictures] == [2]


def test_a_first_mask_finds_the_cord(pair):
    mask = carry_mask(pair.source.scan, pair.source.cord, pair.target.scan)
    assert mask.dtype == np.uint8
    assert mask.shape == pair.target.scan.grid.shape
    both = mask & (pair.target.cord >= 0.5)
    assert 2 * both.sum() / (mask.sum() + (pair.target.cord >= 0.5).sum()) > 0.85


def test_a_first_mask_of_a_series_is_that_of_its_mean(pair):
    scan = pair.target.scan
    series = replace(scan, data=np.stack([scan.data * 0.5, scan.data * 1.5], axis=-1))
    assert (
        carry_mask(pair.source.scan, pair.source.cord, series) == carry_mask(pair.source.scan, pair.source.cord, scan)
    ).all()


def test_a_cord_that_does_not_reach_the_target_is_refused(pair):
    affine = pair.target.scan.grid.affine.copy()
    affine[2, 3] += 500
    away = replace(pair.target.scan, grid=Grid(pair.target.scan.grid.shape, affine))
    with pytest.raises(InputError, match="does not reach"):
        carry_mask(pair.source.scan, pair.source.cord, away)

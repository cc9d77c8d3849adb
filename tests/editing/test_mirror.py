"""Mirroring grey matter: sides are the patient's, the mirror is the cord's own midline."""

import numpy as np
import pytest

from napari_spinalq.editing.mirror import mirrored
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import reorient_array
from napari_spinalq.metrics.shape import slice_shapes

SHAPE = (8, 90, 100)
SPACING = (5.0, 0.4, 0.3)
LEFT_HORN, RIGHT_HORN = (-2.5, 0.6), (2.8, -0.4)
"""Centres of the horns in the cord, mm to the right and to anterior."""


def place_mm(grid):
    return grid.voxel_to_mm(np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1))


def in_cord(grid, turn_deg, offset):
    """Return RAS right and anterior of each voxel in a frame that is turned and shifted within the slice."""
    at = place_mm(grid)[..., :2] - offset
    turn = np.radians(turn_deg)
    return at @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])


def lopsided(shapes, turn_deg=0.0, offset=(0.0, 0.0)):
    """Return grey matter, cord and grid: a small horn on the patient's left, a larger one on the right."""
    grid = shapes.grid(SHAPE, SPACING)
    right, anterior = np.moveaxis(in_cord(grid, turn_deg, np.array(offset)), -1, 0)
    cord = (right / 6.5) ** 2 + (anterior / 4.0) ** 2 <= 1
    horns = [
        ((right - at[0]) / 1.0) ** 2 + ((anterior - at[1]) / half) ** 2 <= 1
        for at, half in ((LEFT_HORN, 1.4), (RIGHT_HORN, 2.2))
    ]
    bridge = (np.abs(right) < 2.5) & (np.abs(anterior) < 0.45)
    return (horns[0] | horns[1] | bridge).astype(np.uint8), cord.astype(np.uint8), grid


def side_areas(mask, cord, grid):
    """Return mean grey-matter area left and right of the cord's midline, by the project's own measure."""
    shapes = slice_shapes(mask, grid, structure="gm", cord=slice_shapes(cord, grid))
    area, asymmetry = shapes.area_mm2.mean(), shapes.asymmetry_percent.mean()
    return area * (0.5 + asymmetry / 400), area * (0.5 - asymmetry / 400)


@pytest.mark.parametrize("turn_deg", [0.0, 12.0, -20.0])
@pytest.mark.parametrize(("side", "kept"), [("left", 0), ("right", 1)])
def test_the_kept_side_is_the_patients(shapes, side, kept, turn_deg):
    grey, cord, grid = lopsided(shapes, turn_deg, (3.1, -2.2))
    before = side_areas(grey, cord, grid)
    assert before[1] > 1.2 * before[0], "the larger horn is on the patient's right"
    after = shapes.apply(grey, mirrored(grey, grid, cord, side))
    areas = side_areas(after, cord, grid)
    assert areas[kept] == pytest.approx(before[kept], rel=0.02)
    assert areas[1 - kept] == pytest.approx(before[kept], rel=0.03)


def test_the_larger_side_lies_at_larger_ras_x(shapes):
    """RAS x grows to the patient's right, and so do columns in work order: no measure is asked."""
    grey, cord, grid = lopsided(shapes)
    after = shapes.apply(grey, mirrored(grey, grid, cord, "right"))
    right = place_mm(grid)[..., 0] > 0
    np.testing.assert_array_equal(after[right], grey[right])
    assert after[~right].sum() > 1.2 * grey[~right].sum()


def test_the_mirror_image_is_where_it_should_be(shapes):
    turn_deg, offset = 15.0, np.array([2.0, 1.5])
    grey, cord, grid = lopsided(shapes, turn_deg, offset)
    after = shapes.apply(grey, mirrored(grey, grid, cord, "right"))
    local = in_cord(grid, turn_deg, offset)
    new_left = after.astype(bool) & (local[..., 0] < -1.0)
    old_right = grey.astype(bool) & (local[..., 0] > 1.0)
    wanted = local[old_right].mean(axis=0) * [-1, 1]
    assert local[new_left].mean(axis=0) == pytest.approx(wanted, abs=0.1)


def test_mirroring_twice_the_same_way_changes_nothing_more(shapes):
    grey, cord, grid = lopsided(shapes, 7.0)
    once = shapes.apply(grey, mirrored(grey, grid, cord, "left"))
    assert mirrored(once, grid, cord, "left") == {}


def test_a_scan_stored_the_other_way_round_gives_the_same(shapes):
    """The same scan on file as LPI: brought to work order, the result is the same voxel for voxel."""
    grey, cord, grid = lopsided(shapes, 9.0)
    stored, stored_grid = reorient_array(grey, grid, "LPI")
    back, back_grid = reorient_array(stored, stored_grid, "SAR")
    planes, again = mirrored(grey, grid, cord, "left"), mirrored(back, back_grid, cord, "left")
    for index, plane in planes.items():
        np.testing.assert_array_equal(plane, again[index])


def test_what_falls_outside_the_cord_is_left_out(shapes):
    grey, cord, grid = lopsided(shapes)
    cord[:, :, :34] = 0
    after = shapes.apply(grey, mirrored(grey, grid, cord, "right"))
    new = (after == 1) & (grey == 0)
    assert new.any()
    assert cord[new].all()


def test_only_chosen_slices(shapes):
    grey, cord, grid = lopsided(shapes)
    assert sorted(mirrored(grey, grid, cord, "left", [2, 5])) == [2, 5]


def test_impossible_input_is_refused(shapes):
    grey, cord, grid = lopsided(shapes)
    with pytest.raises(InputError, match="left and a right side"):
        mirrored(grey, grid, cord, "anterior")
    with pytest.raises(InputError, match="one grid in work order"):
        mirrored(grey, grid, cord[:4], "left")
    with pytest.raises(InputError, match="one grid in work order"):
        mirrored(grey.T.copy(), grid.reoriented("RAS"), cord.T.copy(), "left")
    no_cord = cord.copy()
    no_cord[3] = 0
    with pytest.raises(InputError, match="Slice 3 holds grey matter but no cord"):
        mirrored(grey, grid, no_cord, "left")
    one_sided = grey.copy()
    one_sided[6, :, :50] = 0
    with pytest.raises(InputError, match="Slice 6 holds no grey matter on the patient's left"):
        mirrored(one_sided, grid, cord, "left")

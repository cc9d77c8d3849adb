"""Holes, floods, polygons and components."""

import numpy as np
import pytest

from napari_spinalq.editing.region import flooded, holes_filled, largest_component, polygon
from napari_spinalq.errors import InputError

SHAPE = (6, 40, 50)


def ring(shapes):
    mask = np.zeros(SHAPE, np.uint8)
    mask[2] = shapes.ellipse(SHAPE[1:], (1, 1), (20, 25), 12, 15)
    mask[2] -= shapes.ellipse(SHAPE[1:], (1, 1), (20, 25), 6, 8)
    return mask


def test_holes_are_filled_slice_by_slice(shapes):
    mask = ring(shapes)
    mask[4, 10:20, 10:20] = 1
    planes = holes_filled(mask)
    assert list(planes) == [2]
    np.testing.assert_array_equal(planes[2], shapes.ellipse(SHAPE[1:], (1, 1), (20, 25), 12, 15))


def test_an_open_bay_is_no_hole(shapes):
    mask = ring(shapes)
    mask[2, 20, 25:] = 0
    assert holes_filled(mask) == {}


def test_other_labels_stay_until_they_are_enclosed(shapes):
    mask = ring(shapes)
    mask[2, 0, 0], mask[2, 20, 25] = 2, 3
    plane = holes_filled(mask)[2]
    assert (plane[0, 0], plane[20, 25]) == (2, 1)


@pytest.mark.parametrize("across", [0, 1, 2])
def test_a_flood_fills_one_region_of_one_plane(shapes, across):
    mask = np.moveaxis(ring(shapes), 0, across).copy()
    seed = np.insert([20, 25], across, 2)
    filled = shapes.apply(mask, flooded(mask, seed, 1, across=across))
    expected = np.zeros(SHAPE, np.uint8)
    expected[2] = shapes.ellipse(SHAPE[1:], (1, 1), (20, 25), 12, 15)
    np.testing.assert_array_equal(filled, np.moveaxis(expected, 0, across))


def test_a_flood_erases_the_piece_that_is_clicked_on():
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:3, 5:9, 5:9] = 1
    mask[2, 20:25, 20:25] = 1
    after = shapes_apply(mask, flooded(mask, (2.2, 6.4, 6.4), 0))
    assert after.sum() == 16 + 25
    assert flooded(mask, (2, 6, 6), 1) == {}


def shapes_apply(mask, planes):
    return np.stack([planes.get(index, plane) for index, plane in enumerate(mask)])


def test_a_flood_of_the_open_background_is_refused(shapes):
    mask = ring(shapes)
    mask[2, 20, 25:] = 0
    with pytest.raises(InputError, match="open to the edge"):
        flooded(mask, (2, 20, 25), 1)
    with pytest.raises(InputError, match="no axial slice 6"):
        flooded(mask, (6, 20, 25), 1)
    with pytest.raises(InputError, match="no coronal plane -1"):
        flooded(mask, (2, -1, 25), 1)


@pytest.mark.parametrize("across", [0, 1, 2])
def test_a_polygon_takes_the_centres_within_its_corners(across):
    """A triangle over 1000 random places of the grid has its own area on average; here, its centres by half planes."""
    corners = np.array([[5.3, 7.1], [30.2, 12.7], [14.6, 38.4]])
    shape = np.insert([40, 50], across, 6)
    planes = polygon(np.zeros(shape, np.uint8), corners, 3, 1, across=across)
    found = np.moveaxis(shapes_apply(np.zeros(shape, np.uint8), planes), across, 0)
    assert np.flatnonzero(found.any(axis=(1, 2))).tolist() == [3]
    places = np.stack(np.meshgrid(np.arange(40), np.arange(50), indexing="ij"), axis=-1)
    side = np.roll(corners, -1, axis=0) - corners
    cross = [s[0] * (places - c)[..., 1] - s[1] * (places - c)[..., 0] for s, c in zip(side, corners, strict=True)]
    np.testing.assert_array_equal(found[3] == 1, np.all(np.array(cross) > 0, axis=0))


def test_a_polygon_may_reach_beyond_the_image_and_is_limited_and_erases():
    limit = np.zeros(SHAPE, np.uint8)
    limit[:, :, 10:] = 1
    around = [[-5, -5], [-5, 60], [60, 60], [60, -5]]
    plane = polygon(np.zeros(SHAPE, np.uint8), around, 0, 1, within=limit)[0]
    np.testing.assert_array_equal(plane, limit[0])
    assert not polygon(limit, around, 0, 0)[0].any()


@pytest.mark.parametrize(
    ("corners", "index", "says"),
    [
        ([[1, 1], [2, 2]], 0, "three or more"),
        ([[1, 1, 1]] * 3, 0, "three or more"),
        ([[1, 1], [2, 2], [3, np.inf]], 0, "three or more"),
        ([[1, 1], [2, 2], [3, 1]], 6, "no axial slice 6"),
    ],
)
def test_impossible_polygons_are_refused(corners, index, says):
    with pytest.raises(InputError, match=says):
        polygon(np.zeros(SHAPE, np.uint8), corners, index, 1)


def test_the_largest_component_hangs_together_as_measures_count():
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, 10:14, 10:14] = 1
    mask[3, 14, 14] = 1  # touches by a corner within its slice
    mask[4, 15, 15] = 1  # touches a voxel of the slice below by a corner alone
    mask[0, 30:34, 30:34] = 1
    mask[5, 0, 0] = 2
    after = shapes_apply(mask, largest_component(mask))
    assert after[3, 14, 14] == 1
    assert after[4, 15, 15] == 0
    assert not after[0, 30:34, 30:34].any()
    assert after[5, 0, 0] == 2
    assert (after == 1).sum() == 6 * 16 + 1
    assert largest_component(after) == {}


def test_empty_masks_and_slices_are_refused():
    empty = np.zeros(SHAPE, np.uint8)
    for tool in (holes_filled, largest_component):
        with pytest.raises(InputError, match="mask is empty"):
            tool(empty)
    with pytest.raises(InputError, match="Slice 2 of the mask is empty"):
        holes_filled(empty, [2])
    with pytest.raises(InputError, match="no axial slice 9"):
        holes_filled(empty, [9])
    with pytest.raises(InputError, match="No slice was chosen"):
        holes_filled(empty, [])
    with pytest.raises(InputError, match="three axes"):
        largest_component(empty[0])

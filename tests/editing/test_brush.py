"""The brush in millimetres: circles in unequal voxels, sweeps, planes and limits."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_spinalq.editing.brush import Brush, painted
from napari_spinalq.errors import InputError
from tests.editing.conftest import Shapes

SHAPE = (20, 30, 26)
SPACING = np.array([2.0, 0.5, 0.8])


def centres_mm(shape=SHAPE, spacing=SPACING):
    return np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1) * spacing


def painted_mask(path, brush, **options):
    empty = np.zeros(SHAPE, np.uint8)
    return Shapes.apply(empty, painted(empty, SPACING, path, brush, **options))


@pytest.mark.parametrize("across", [0, 1, 2])
def test_a_disc_is_a_circle_in_mm_in_the_displayed_plane(across):
    place = np.array([9.3, 14.2, 12.4])
    found = painted_mask([place], Brush(6.0), across=across)
    at = np.floor(place + 0.5)[across]
    away = (centres_mm() - place * SPACING)[..., [axis for axis in range(3) if axis != across]]
    in_plane = np.indices(SHAPE)[across] == at
    np.testing.assert_array_equal(found == 1, in_plane & (np.linalg.norm(away, axis=-1) <= 3.0))
    assert found.any()


def test_a_ball_is_a_sphere_in_mm():
    place = np.array([9.3, 14.2, 12.4])
    found = painted_mask([place], Brush(7.0, ball=True), across=2)
    np.testing.assert_array_equal(found == 1, np.linalg.norm(centres_mm() - place * SPACING, axis=-1) <= 3.5)


def test_the_area_of_a_disc_is_that_of_the_circle_on_average():
    rng = np.random.default_rng(0)
    empty = np.zeros((1, 60, 60), np.uint8)
    areas = [
        sum(plane.sum() for plane in painted(empty, (1, 0.4, 0.7), [[0, *place]], Brush(8.0)).values()) * 0.4 * 0.7
        for place in rng.uniform(29, 31, (200, 2))
    ]
    assert np.mean(areas) == pytest.approx(np.pi * 16, rel=0.005)


def from_line(start, end):
    """Return the distance of every voxel centre from a line between two places, mm."""
    step, offset = end - start, centres_mm() - start
    share = np.clip(offset @ step / max(step @ step, 1e-12), 0, 1)
    return np.linalg.norm(offset - share[..., None] * step, axis=-1)


places = st.tuples(st.floats(-0.4, 19.4), st.floats(-0.4, 29.4), st.floats(-0.4, 25.4))


@settings(max_examples=60, deadline=None)
@given(path=st.lists(places, min_size=1, max_size=4), diameter=st.floats(0.01, 6.0), ball=st.booleans())
def test_only_centres_within_the_radius_and_voxels_under_the_pointer_are_painted(path, diameter, ball):
    way = np.array(path)
    if not ball:
        way[:, 0] = 7.0
    found = painted_mask(way, Brush(diameter, ball=ball))
    under = np.zeros(SHAPE, bool)
    under[tuple(np.floor(way + 0.5).astype(int).T)] = True
    away = np.min([from_line(a * SPACING, b * SPACING) for a, b in pairwise([*way, way[-1]])], axis=0)
    in_reach = away <= diameter / 2 if ball else (away <= diameter / 2) & (np.indices(SHAPE)[0] == 7)
    assert found[under].all(), "the voxel under the pointer is always hit"
    assert found[in_reach].all()
    assert not found[away > max(diameter / 2, 0.5 * np.linalg.norm(SPACING)) + 1e-5].any()


@settings(max_examples=40, deadline=None)
@given(first=places, last=places, diameter=st.sampled_from([0.01, 1.0, 3.0]))
def test_a_sweep_has_no_gaps(first, last, diameter):
    found = painted_mask([first, last], Brush(diameter, ball=True))
    assert ndimage.label(found, np.ones((3, 3, 3)))[1] == 1


def test_a_swept_disc_is_a_stadium():
    empty = np.zeros((1, 200, 200), np.uint8)
    planes = painted(empty, (1, 0.2, 0.3), [[0, 60.3, 50.1], [0, 110.3, 120.1]], Brush(5.0))
    length = np.hypot(50 * 0.2, 70 * 0.3)
    assert planes[0].sum() * 0.06 == pytest.approx(np.pi * 2.5**2 + 5 * length, rel=0.01)


def test_a_path_point_by_point_paints_the_same_as_at_once():
    way = np.array([[5, 4, 4], [5, 20.3, 6.1], [5, 11.7, 22.2]])
    whole = painted_mask(way, Brush(3.0))
    steps = np.maximum(painted_mask(way[:2], Brush(3.0)), painted_mask(way[1:], Brush(3.0)))
    np.testing.assert_array_equal(whole, steps)


def test_changing_the_slice_on_the_way_leaves_the_slices_between_alone():
    found = painted_mask([[3, 10, 10], [8, 10, 10]], Brush(2.0))
    assert np.flatnonzero(found.any(axis=(1, 2))).tolist() == [3, 8]


def test_only_changed_slices_come_back_and_the_mask_is_not_written():
    mask = np.zeros(SHAPE, np.uint8)
    mask[7] = 1
    before = mask.copy()
    planes = painted(mask, SPACING, [[6, 12, 12], [8, 12, 12]], Brush(2.0, ball=True))
    assert sorted(planes) == [6, 8]
    np.testing.assert_array_equal(mask, before)


def test_painting_stays_within_the_limit_and_erasing_does_not():
    limit = np.zeros(SHAPE, np.uint8)
    limit[:, :, :13] = 1
    found = painted_mask([[5, 12, 13]], Brush(5.0), within=limit)
    assert found.any()
    assert not found[limit == 0].any()
    full = np.ones(SHAPE, np.uint8)
    erased = Shapes.apply(full, painted(full, SPACING, [[5, 12, 13]], Brush(5.0, value=0), within=limit))
    assert (erased[limit == 0] == 0).any()


def test_erasing_takes_back_what_was_painted():
    way = [[5, 4, 4], [5, 20.3, 6.1]]
    drawn = painted_mask(way, Brush(3.3))
    back = Shapes.apply(drawn, painted(drawn, SPACING, way, Brush(3.3, value=0)))
    assert not back.any()


def test_a_pointer_beyond_the_rim_of_the_image_paints_what_the_brush_still_covers():
    found = painted_mask([[5, -2.0, 10.0]], Brush(4.0))
    assert found.any()
    assert np.flatnonzero(found[5].any(axis=1)).tolist() == [0, 1, 2]
    assert not painted_mask([[5, -9.0, 10.0]], Brush(4.0)).any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"path": [[20.6, 3, 3]]}, "no axial slice 21"),
        ({"path": [[0, 3, 30]], "across": 2}, "no sagittal plane 30"),
        ({"path": np.zeros((0, 3))}, "one or more places"),
        ({"path": [[np.nan, 1, 1]]}, "finite"),
        ({"across": 3}, "axis 0, 1 or 2"),
        ({"spacing": (1, 0, 1)}, "three positive lengths"),
        ({"brush": Brush(3.0, value=300)}, "0 to 255"),
        ({"brush": Brush(3.0, edge_aware=True)}, "needs the scan"),
        ({"within": np.zeros((2, 2, 2))}, "limits painting has shape"),
    ],
)
def test_bad_input_is_refused(change, says):
    options = {"path": [[5, 5, 5]], "spacing": SPACING, "brush": Brush(3.0)} | change
    path, spacing, brush = (options.pop(name) for name in ("path", "spacing", "brush"))
    with pytest.raises(InputError, match=says):
        painted(np.zeros(SHAPE, np.uint8), spacing, path, brush, **options)


@pytest.mark.parametrize("diameter", [0.0, -2.0, float("nan"), float("inf")])
def test_a_brush_has_a_size(diameter):
    with pytest.raises(InputError, match="diameter of a brush"):
        Brush(diameter)

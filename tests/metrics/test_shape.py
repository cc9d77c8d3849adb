"""Shape per slice against closed forms."""

from __future__ import annotations

from dataclasses import fields
from itertools import permutations, product

import numpy as np
import pytest
from scipy.special import ellipe

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.metrics.catalogue import MEASURES
from napari_spinalq.metrics.shape import EMPTY, NOT_CORRECTED, slice_shapes

PERIMETER_MM = 4 * 6.5 * ellipe(1 - (4.0 / 6.5) ** 2)
ECCENTRICITY = np.sqrt(1 - (4.0 / 6.5) ** 2)
ALL_AXIS_CODES = [
    "".join(signs[axis] for axis, signs in zip(order, pick, strict=True))
    for order in permutations(range(3))
    for pick in product(*[[("R", "A", "S"), ("L", "P", "I")]] * 3)
]


def middle(values):
    """Leave out the slices at both ends, where a tilted body meets the border of the grid."""
    return values[3:-3]


def chord_mean_mm():
    """Mean AP extent of the ellipse over the central 3 mm: integral of 2 b sqrt(1 - x^2 / a^2) over -1.5..1.5, / 3."""
    a, b, h = 6.5, 4.0, 1.5
    return 2 * b * (h * np.sqrt(1 - (h / a) ** 2) + a * np.arcsin(h / a)) / (2 * h)


class TestUprightEllipse:
    @pytest.mark.parametrize(("parts", "tolerance"), [(1, 0.01), (8, 0.002)])
    def test_area(self, phantom, parts, tolerance):
        shapes = slice_shapes(*phantom.upright(parts=parts))
        np.testing.assert_allclose(shapes.area_mm2, phantom.area_mm2, rtol=tolerance)
        np.testing.assert_allclose(shapes.area_plain_mm2, shapes.area_mm2, rtol=1e-6)

    def test_diameters(self, phantom):
        shapes = slice_shapes(*phantom.upright())
        np.testing.assert_allclose(shapes.diameter_rl_mm, 13.0, rtol=0.005)
        np.testing.assert_allclose(shapes.diameter_ap_ellipse_mm, 8.0, rtol=0.005)
        np.testing.assert_allclose(shapes.diameter_ap_mm, chord_mean_mm(), rtol=0.015)
        np.testing.assert_allclose(shapes.length_anterior_mm, shapes.diameter_ap_mm / 2, rtol=0.02)

    def test_shape_numbers(self, phantom):
        shapes = slice_shapes(*phantom.upright())
        np.testing.assert_allclose(shapes.eccentricity, ECCENTRICITY, atol=0.005)
        np.testing.assert_allclose(shapes.perimeter_mm, PERIMETER_MM, rtol=0.02)
        np.testing.assert_allclose(shapes.orientation_deg, 0.0, atol=1.0)
        np.testing.assert_allclose(shapes.asymmetry_percent, 0.0, atol=0.8)
        np.testing.assert_allclose(shapes.length_mm, 1.0, rtol=1e-3)
        assert (shapes.solidity > 0.97).all()

    def test_anisotropic_pixels(self, phantom):
        shapes = slice_shapes(*phantom.upright(spacing=(1.0, 0.8, 0.4)))
        np.testing.assert_allclose(shapes.area_mm2, phantom.area_mm2, rtol=0.01)
        np.testing.assert_allclose(shapes.diameter_rl_mm, 13.0, rtol=0.01)
        np.testing.assert_allclose(shapes.diameter_ap_ellipse_mm, 8.0, rtol=0.01)
        np.testing.assert_allclose(shapes.perimeter_mm, PERIMETER_MM, rtol=0.03)

    def test_nothing_to_flag(self, phantom):
        shapes = slice_shapes(*phantom.upright())
        assert shapes.flags == ()
        assert set(shapes.slice_flags) == {()}

    @pytest.mark.parametrize("degrees", [-60.0, -20.0, 10.0, 30.0, 70.0])
    def test_orientation_is_positive_with_the_left_end_anterior(self, phantom, degrees):
        # turning about S by a positive angle carries R towards A, so the left end goes back
        frame = phantom.turn([0, 0, 1], -degrees)
        grid = phantom.grid()
        shapes = slice_shapes(phantom.sample(phantom.cylinder(frame).inside, grid, 4), grid)
        np.testing.assert_allclose(shapes.orientation_deg, degrees, atol=0.5)
        across = (13.0, 8.0) if abs(degrees) < 45 else (8.0, 13.0)
        np.testing.assert_allclose(shapes.diameter_rl_mm, across[0], rtol=0.01)
        np.testing.assert_allclose(shapes.diameter_ap_ellipse_mm, across[1], rtol=0.01)


def test_point_moments_are_right_on_average(phantom):
    """Over random positions of 1 mm pixels the ellipse axes are unbiased; square pixels would make AP 1 % too large."""
    random = np.random.default_rng(0)
    grid = Grid((1, 14, 20), np.array([[0, 0, 1, 0], [0, 1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1.0]]))
    body = phantom.cylinder(np.eye(3))
    axes = []
    for shift in random.uniform(-0.5, 0.5, (300, 2)):
        mask = phantom.sample(lambda points, at=shift: body.inside(points - [10 + at[0], 7 + at[1], 0]), grid)
        shapes = slice_shapes(mask, grid, angle_correction=False)
        axes.append((shapes.diameter_ap_ellipse_mm[0], shapes.diameter_rl_mm[0]))
    ap, rl = np.mean(axes, axis=0)
    assert ap == pytest.approx(8.0, rel=0.002)
    assert rl == pytest.approx(13.0, rel=0.002)
    square_pixels = 4 * np.sqrt((np.array(axes)[:, 0] / 4) ** 2 + 1 / 12)
    assert square_pixels.mean() > 8.0 * 1.009


class TestSoftMask:
    def test_constant_half_gives_half_the_area_and_the_same_shape(self, phantom):
        mask, grid = phantom.upright()
        whole, half = slice_shapes(mask, grid), slice_shapes(0.5 * mask, grid)
        np.testing.assert_allclose(half.area_mm2, whole.area_mm2 / 2)
        for measure in MEASURES:
            if "area" not in measure.name:
                np.testing.assert_allclose(
                    getattr(half, measure.attribute), getattr(whole, measure.attribute), atol=1e-9, err_msg=measure.name
                )

    def test_partial_volume_makes_a_convex_shape_solid(self, phantom):
        assert (slice_shapes(*phantom.upright(parts=4)).solidity > 0.995).all()

    def test_partial_volume_is_closer_to_the_truth_than_the_binary_mask(self, phantom):
        errors = [
            np.abs(slice_shapes(*phantom.upright((1.0, 1.0, 1.0), parts)).area_mm2 / phantom.area_mm2 - 1).max()
            for parts in (1, 8)
        ]
        assert errors[1] < 0.005
        assert errors[1] <= errors[0]


class TestTiltedCylinder:
    @pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (1, 1, 0), (2, -1, 0)])
    @pytest.mark.parametrize("degrees", [10.0, 25.0])
    def test_section_perpendicular_to_the_cord(self, phantom, axis, degrees):
        rotation = phantom.turn(axis, degrees)
        grid = phantom.grid(extent_mm=(30.0, 50.0, 50.0))
        shapes = slice_shapes(phantom.sample(phantom.cylinder(rotation).inside, grid, 2), grid)
        np.testing.assert_allclose(middle(shapes.angle_deg), degrees, atol=0.5)
        np.testing.assert_allclose(middle(shapes.area_mm2), phantom.area_mm2, rtol=0.008)
        np.testing.assert_allclose(
            middle(shapes.area_plain_mm2), phantom.area_mm2 / np.cos(np.radians(degrees)), rtol=0.008
        )
        np.testing.assert_allclose(middle(shapes.diameter_rl_mm), 13.0, rtol=0.01)
        np.testing.assert_allclose(middle(shapes.diameter_ap_ellipse_mm), 8.0, rtol=0.01)
        np.testing.assert_allclose(middle(shapes.diameter_ap_mm), chord_mean_mm(), rtol=0.02)
        np.testing.assert_allclose(middle(shapes.perimeter_mm), PERIMETER_MM, rtol=0.02)
        np.testing.assert_allclose(middle(shapes.length_mm), 1 / np.cos(np.radians(degrees)), rtol=0.005)

    def test_angles_have_the_signs_of_their_words(self, phantom):
        grid = phantom.grid()
        to_anterior = phantom.cylinder(phantom.turn([1, 0, 0], -15.0))  # carries S towards A
        to_left = phantom.cylinder(phantom.turn([0, 1, 0], -15.0))  # carries S towards L
        shapes = slice_shapes(phantom.sample(to_anterior.inside, grid), grid)
        np.testing.assert_allclose(middle(shapes.angle_rl_deg), 15.0, atol=0.5)
        np.testing.assert_allclose(middle(shapes.angle_ap_deg), 0.0, atol=0.5)
        shapes = slice_shapes(phantom.sample(to_left.inside, grid), grid)
        np.testing.assert_allclose(middle(shapes.angle_ap_deg), 15.0, atol=0.5)

    def test_one_cosine_is_right_where_the_product_of_two_is_not(self, phantom):
        """Leaning both ways, cos(AP) cos(RL) is too small; the cosine of the angle itself is the truth."""
        rotation = phantom.turn([1, 1, 0], 40.0)
        grid = phantom.grid(extent_mm=(20.0, 60.0, 60.0))
        shapes = slice_shapes(phantom.sample(phantom.cylinder(rotation).inside, grid, 2), grid)
        product_of_two = np.cos(np.radians(shapes.angle_ap_deg)) * np.cos(np.radians(shapes.angle_rl_deg))
        error = np.abs(middle(shapes.area_mm2) / phantom.area_mm2 - 1).max()
        error_of_product = np.abs(middle(shapes.area_plain_mm2 * product_of_two) / phantom.area_mm2 - 1).min()
        assert error < 0.01
        assert error_of_product > 0.025

    def test_without_correction(self, phantom):
        grid = phantom.grid()
        mask = phantom.sample(phantom.cylinder(phantom.turn([1, 0, 0], 20.0)).inside, grid)
        shapes = slice_shapes(mask, grid, angle_correction=False)
        np.testing.assert_array_equal(shapes.area_mm2, shapes.area_plain_mm2)
        np.testing.assert_array_equal(shapes.angle_deg, 0.0)
        assert shapes.flags == ()

    @pytest.mark.parametrize("degrees", [20.0, 40.0])
    def test_oblique_grid_changes_nothing(self, phantom, degrees):
        """The cord lies along S; the slices are turned away from it, so their normal is not S."""
        grid = phantom.grid(rotation=phantom.turn([1, 0.3, 0], degrees), extent_mm=(20.0, 50.0, 50.0))
        shapes = slice_shapes(phantom.sample(phantom.cylinder(np.eye(3)).inside, grid, 2), grid)
        np.testing.assert_allclose(middle(shapes.angle_deg), degrees, atol=0.5)
        np.testing.assert_allclose(middle(shapes.area_mm2), phantom.area_mm2, rtol=0.008)
        np.testing.assert_allclose(middle(shapes.diameter_rl_mm), 13.0, rtol=0.01)

    def test_sheared_grid_has_true_pixel_area_and_slice_distance(self, phantom):
        straight = phantom.grid()
        affine = straight.affine.copy()
        affine[:3, 0] = [0.0, 0.3, 1.0]  # each slice is shifted to anterior: the normal stays S, 1 mm apart
        affine[:3, 3] = -affine[:3, :3] @ ((np.array(straight.shape) - 1) / 2)
        grid = Grid(straight.shape, affine)
        shapes = slice_shapes(phantom.sample(phantom.cylinder(np.eye(3)).inside, grid, 4), grid)
        np.testing.assert_allclose(shapes.area_mm2, phantom.area_mm2, rtol=0.01)
        np.testing.assert_allclose(shapes.length_mm, 1.0, rtol=1e-3)
        np.testing.assert_allclose(shapes.angle_deg, 0.0, atol=0.5)


def test_curved_cord(phantom):
    """On an arc of 120 mm radius, the section perpendicular to it is the ellipse everywhere, ends included."""
    radius = 120.0

    def inside(points):
        behind = np.hypot(points[..., 1] + radius, points[..., 2]) - radius
        return (points[..., 0] / 6.5) ** 2 + (behind / 4.0) ** 2 <= 1

    grid = phantom.grid(spacing=(1.0, 0.8, 0.8), extent_mm=(60.0, 50.0, 40.0))
    shapes = slice_shapes(phantom.sample(inside, grid, 2), grid)
    height = shapes.centroid_mm[:, 2]
    np.testing.assert_allclose(shapes.angle_rl_deg, -np.degrees(np.arcsin(height / radius)), atol=0.6)
    np.testing.assert_allclose(shapes.area_mm2, phantom.area_mm2, rtol=0.012)
    assert shapes.length_mm.sum() == pytest.approx(radius * 2 * np.arcsin(30 / radius), rel=0.003)


class TestSidesOfThePatient:
    @pytest.fixture(scope="class")
    def lopsided(self, phantom):
        """Return a tilted cord whose left half grows thicker towards its side."""
        frame = phantom.turn([1, 0, 0], 12.0)
        grid = phantom.grid(spacing=(2.0, 0.5, 0.5))

        def inside(points):
            across, along, _ = np.moveaxis(points @ frame, -1, 0)
            half_height = 3.0 + 0.25 * np.maximum(-across, 0.0)
            return (np.abs(along) <= half_height) & (np.abs(across) < 6)

        return phantom.sample(inside, grid), grid

    def test_left_is_larger(self, lopsided):
        assert (middle(slice_shapes(*lopsided).asymmetry_percent) > 2).all()

    def test_mirroring_changes_the_sign(self, lopsided):
        mask, grid = lopsided
        mirrored = slice_shapes(mask[:, :, ::-1], grid)
        shapes = slice_shapes(mask, grid)
        np.testing.assert_allclose(mirrored.asymmetry_percent, -shapes.asymmetry_percent, atol=1e-9)
        np.testing.assert_allclose(mirrored.orientation_deg, -shapes.orientation_deg, atol=1e-9)

    def test_two_halves_of_known_size(self, phantom):
        """A box of 12 x 6 mm with 2 x 6 mm of half value on its right: the sum splits at its own centroid."""
        grid = phantom.grid(spacing=(1.0, 0.5, 0.5))
        mask = np.zeros(grid.shape)
        mask[:, 18:30, 12:36] = 1.0
        mask[:, 18:30, 32:36] = 0.5  # the last columns are the rightmost
        # areas per column, mm2: 20 columns of 3, 4 of 1.5; centroid of columns by moments
        weight = np.r_[np.full(20, 3.0), np.full(4, 1.5)]
        centre = (weight * np.arange(24)).sum() / weight.sum()
        edges = np.clip(centre + 0.5 - np.arange(24), 0, 1)
        left = (weight * edges).sum()
        right = weight.sum() - left
        shapes = slice_shapes(mask, grid)
        np.testing.assert_allclose(shapes.asymmetry_percent, 100 * (left - right) / ((left + right) / 2), rtol=1e-9)

    @pytest.mark.parametrize("codes", ALL_AXIS_CODES)
    def test_all_axis_orders_give_the_same_numbers(self, lopsided, codes):
        expected = slice_shapes(*lopsided)
        shapes = slice_shapes(*reorient_array(*lopsided, codes))
        for field in fields(shapes):
            ours, theirs = getattr(shapes, field.name), getattr(expected, field.name)
            if isinstance(ours, np.ndarray):
                np.testing.assert_allclose(ours, theirs, atol=1e-8, err_msg=field.name)
            else:
                assert ours == theirs


def test_there_are_48_axis_orders():
    assert len(set(ALL_AXIS_CODES)) == 48


class TestStrayVoxels:
    def test_strays_are_left_out_and_flagged(self, phantom):
        mask, grid = phantom.upright()
        expected = slice_shapes(mask, grid)
        mask[12, 3, 3:5] = 1
        shapes = slice_shapes(mask, grid)
        np.testing.assert_array_equal(shapes.area_mm2, expected.area_mm2)
        assert shapes.flags == ("2 stray voxels outside the main component ignored (slice 12)",)
        assert shapes.slice_flags[12] == ("2 stray voxels outside the main component ignored",)
        assert shapes.slice_flags[11] == ()

    def test_stray_beyond_the_cord_is_no_slice_of_it(self, phantom):
        mask, grid = phantom.upright()
        mask[30:] = 0
        mask[35, 24, 24] = 1
        shapes = slice_shapes(mask, grid)
        assert shapes.slice_index.max() == 29
        assert shapes.flags == ("1 stray voxel outside the main component ignored (slice 35)",)

    def test_large_blob_far_from_the_line_is_stray(self, phantom):
        mask, grid = phantom.upright()
        mask[30:] = 0
        mask[32:36, 2:14, 0:12] = 1
        assert slice_shapes(mask, grid).slice_index.max() == 29

    def test_two_pieces_of_one_body_both_count(self, phantom):
        mask, grid = phantom.upright()
        mask[20, :, 23:25] = 0  # joined by the slices above and below
        shapes = slice_shapes(mask, grid)
        assert shapes.slice_flags[20] == ("in several pieces",)
        assert shapes.area_mm2[20] == pytest.approx(mask[20].sum() * 0.25)
        assert shapes.solidity[20] < 0.95


class TestGapsAndShortMasks:
    def test_gap_is_flagged_and_both_parts_count(self, phantom):
        mask, grid = phantom.upright()
        mask[21:25] = 0
        shapes = slice_shapes(mask, grid)
        assert shapes.flags == ("gap at slices 21-24",)
        assert len(shapes) == 36
        np.testing.assert_allclose(shapes.area_mm2, phantom.area_mm2, rtol=0.01)

    @pytest.mark.parametrize("count", [1, 2])
    def test_one_or_two_slices(self, phantom, count):
        mask, grid = phantom.upright()
        mask[count:] = 0
        shapes = slice_shapes(mask, grid)
        assert len(shapes) == count
        np.testing.assert_allclose(shapes.area_mm2, shapes.area_plain_mm2)
        assert shapes.flags == (NOT_CORRECTED,)
        assert shapes.slice_flags[0] == (NOT_CORRECTED,)

    def test_one_slice_with_a_known_centerline(self, phantom):
        frame = phantom.turn([1, 0, 0], 20.0)
        grid = phantom.grid()
        mask = phantom.sample(phantom.cylinder(frame).inside, grid)
        mask[:20] = mask[21:] = 0
        line = Centerline(np.outer([-30.0, 0.0, 30.0], frame[:, 2]))
        shapes = slice_shapes(mask, grid, centerline=line)
        assert shapes.angle_deg[0] == pytest.approx(20.0, abs=1e-6)
        assert shapes.area_mm2[0] == pytest.approx(phantom.area_mm2, rel=0.01)
        assert shapes.flags == ()

    def test_single_voxel(self):
        grid = Grid((3, 5, 5), np.array([[0, 0, 0.5, 0], [0, 0.5, 0, 0], [4, 0, 0, 0], [0, 0, 0, 1.0]]))
        mask = np.zeros(grid.shape)
        mask[1, 2, 2] = 1
        shapes = slice_shapes(mask, grid)
        assert shapes.area_mm2.tolist() == [0.25]
        assert shapes.solidity.tolist() == [1.0]
        assert all(np.isfinite(getattr(shapes, measure.attribute)).all() for measure in MEASURES)

    def test_mask_at_the_border_of_the_grid(self, phantom):
        grid = phantom.grid(extent_mm=(10.0, 6.0, 10.0))
        shapes = slice_shapes(np.ones(grid.shape), grid)
        np.testing.assert_allclose(shapes.area_mm2, 60.0)
        np.testing.assert_allclose(shapes.diameter_ap_mm, 6.0)


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda mask: 0 * mask, "empty"),
            (lambda mask: mask[..., None], "three dimensions"),
            (lambda mask: 2 * mask, "holds values from 0 to 2"),
            (lambda mask: mask - 0.1, "holds values from -0.1"),
            (lambda mask: np.where(mask > 0, np.nan, 0), "holds values"),
        ],
    )
    def test_is_refused_in_words(self, phantom, change, words):
        mask, grid = phantom.upright()
        with pytest.raises(InputError, match=words):
            slice_shapes(change(mask), grid)

    def test_mask_of_another_shape(self, phantom):
        mask, grid = phantom.upright()
        with pytest.raises(GridMismatchError, match="shape"):
            slice_shapes(mask[1:], grid)

    def test_empty_flag_is_never_given_by_the_full_measure(self, phantom):
        assert EMPTY not in slice_shapes(*phantom.upright()).flags

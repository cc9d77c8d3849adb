"""Surfaces: a ball of known radius, sides that are true from every direction, light where it belongs."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.views.stage import Part, Stage, composed, picked, shade, turned
from napari_spinalq.views.surface import SURFACE_STEP_MM, surface_of

RADIUS_MM = 8.0


def _ball(affine: np.ndarray, shape: tuple[int, int, int], centre_mm: tuple[float, float, float]):
    grid = Grid(shape, affine)
    mm = grid.voxel_to_mm(np.moveaxis(np.indices(shape), 0, -1))
    return (np.linalg.norm(mm - centre_mm, axis=-1) <= RADIUS_MM).astype(np.uint8), grid


@pytest.mark.parametrize(
    "affine",
    [np.diag([0.5, 0.5, 0.5, 1.0]), np.array([[0, 0, -1.0, 30], [0, 0.5, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1]])],
    ids=["cubes", "thick slices, turned and flipped"],
)
def test_a_ball_keeps_its_radius_and_its_normals_point_outward(affine):
    centre = np.array([15.0, 14.0, 15.0])
    mask, grid = _ball(affine, (60, 60, 60), tuple(centre))
    surface = surface_of(mask, grid)
    away = surface.points_mm - centre
    distance = np.linalg.norm(away, axis=1)
    assert distance.mean() == pytest.approx(RADIUS_MM, abs=0.3)
    assert distance.std() < max(grid.spacing) / 4
    cosine = np.sum(surface.normals * away, axis=1) / distance
    assert np.median(cosine) > 0.95


def test_nothing_has_no_surface_and_a_speck_has_one():
    grid = Grid((9, 9, 9), np.diag([1.0, 1.0, 1.0, 1.0]))
    mask = np.zeros(grid.shape, np.uint8)
    assert surface_of(mask, grid) is None
    mask[4, 4, 4] = 1
    np.testing.assert_allclose(surface_of(mask, grid).points_mm.mean(axis=0), (4, 4, 4), atol=0.3)


def test_facing_the_patient_the_right_hand_is_on_the_left_of_the_screen():
    stage = Stage(turned(0, 0), np.zeros(3), 2.0, (100, 80))
    row, column, _ = stage.project((10, 0, 0))
    assert (row, column) == (50, 20)
    assert stage.project((0, 0, 10))[0] == 30, "superior is up"
    assert stage.project((0, 10, 0))[2] > 0, "anterior is nearer"
    assert stage.project((0, 0, 0)).tolist() == [50, 40, 0]


def test_turning_never_mirrors_the_patient():
    for azimuth in range(0, 360, 30):
        for elevation in (-80, -20, 0, 45, 80):
            axes = turned(azimuth, elevation)
            np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
            assert np.linalg.det(axes) == pytest.approx(1.0)
    left_side = Stage(turned(90, 0), np.zeros(3), 1.0, (20, 20))
    assert left_side.project((-5, 0, 0))[2] > 0, "from the patient's left, the left is nearer"
    assert left_side.project((0, 5, 0))[1] < 10, "and the front is on the left of the screen"


def test_the_picture_of_a_ball_is_a_full_disc_lit_from_the_front():
    mask, grid = _ball(np.diag([0.5, 0.5, 0.5, 1.0]), (60, 60, 60), (15.0, 14.0, 15.0))
    surface = surface_of(mask, grid)
    for pixels_per_mm in (0.7, 3.0, 9.0):
        size = int(2.6 * RADIUS_MM * pixels_per_mm)
        light, covered = shade(
            surface, Stage(turned(40, 20), np.array([15.0, 14.0, 15.0]), pixels_per_mm, (size, size))
        )
        row, column = np.indices(covered.shape) + 0.5 - size / 2
        distance = np.hypot(row, column) / pixels_per_mm
        assert covered[distance < RADIUS_MM - SURFACE_STEP_MM].all(), "no hole"
        assert not covered[distance > RADIUS_MM + 2 * SURFACE_STEP_MM + 2 / pixels_per_mm].any()
        assert light[distance < 1.5].mean() > 0.9
        rim = covered & (distance > RADIUS_MM - 0.5)
        assert light[rim].mean() < light[distance < RADIUS_MM / 2].mean() - 0.2


def test_the_nearer_of_two_hides_the_other():
    near, grid = _ball(np.eye(4), (40, 60, 40), (20.0, 45.0, 20.0))
    far, _ = _ball(np.eye(4), (40, 60, 40), (26.0, 15.0, 20.0))
    both = surface_of(near | far, grid)
    stage = Stage(turned(0, 0), np.array([20.0, 30.0, 20.0]), 2.0, (60, 60))
    alone, covered = shade(surface_of(near, grid), stage)
    together, _ = shade(both, stage)
    behind, _ = shade(surface_of(far, grid), stage)
    assert np.median(np.abs(together - alone)[covered]) < 0.05
    assert np.median(np.abs(behind - alone)[covered & (behind > 0)]) > 0.1, "the one behind looks otherwise"


def test_an_inner_part_shines_through_an_outer_one():
    outer, grid = _ball(np.eye(4), (40, 40, 40), (20.0, 20.0, 20.0))
    inner = np.zeros_like(outer)
    inner[18:23, 18:23, 18:23] = 1
    stage = Stage(turned(0, 0), np.array([20.0, 20.0, 20.0]), 2.0, (60, 60))
    parts = [Part(surface_of(inner, grid), "#FF0000"), Part(surface_of(outer, grid), "#0000FF", 0.5)]
    picture = composed(parts, stage).astype(int)
    assert picture[30, 30, 0] > 60
    assert picture[30, 30, 2] > 60
    assert picture[30, 30 + 12, 0] == 0
    assert not picture[0, 0].any()


def test_a_click_finds_the_point_that_is_seen():
    mask, grid = _ball(np.eye(4), (40, 40, 40), (20.0, 20.0, 20.0))
    stage = Stage(turned(0, 0), np.array([20.0, 20.0, 20.0]), 4.0, (100, 100))
    parts = [Part(surface_of(mask, grid), "#FFFFFF")]
    np.testing.assert_allclose(picked(parts, stage, 50, 50), (20, 20 + RADIUS_MM, 20), atol=1.6)
    assert picked(parts, stage, 2, 2) is None

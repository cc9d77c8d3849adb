"""Scans become layers and come back, for every axis order, flip and an oblique affine."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.gui import convert
from napari_spinalq.scan import Scan

SHAPE = (5, 6, 7)
ALL_CODES = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in permutations(("LR", "PA", "IS"))
    for flips in product((0, 1), repeat=3)
]


def _oblique_grid() -> Grid:
    tilt, turn = np.radians(17.0), np.radians(-8.0)
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag([0.5, 0.75, 4.0])
    affine[:3, 3] = (-12.0, 30.0, -55.0)
    return Grid(SHAPE, affine)


def _grid(codes: str, oblique: bool) -> Grid:
    base = (
        _oblique_grid()
        if oblique
        else Grid(SHAPE, np.array([[0.5, 0, 0, -12], [0, 0.75, 0, 30], [0, 0, 4, -55], [0, 0, 0, 1.0]]))
    )
    return base.reoriented(codes)


@pytest.mark.parametrize("oblique", [False, True], ids=["straight", "oblique"])
@pytest.mark.parametrize("codes", ALL_CODES)
def test_voxels_and_points_come_back(codes, oblique):
    grid = _grid(codes, oblique)
    assert grid.axis_codes == codes
    data = np.arange(np.prod(grid.shape), dtype=np.int16).reshape(grid.shape)
    shown = convert.to_display(data, grid)
    assert shown.shape == grid.reoriented(WORK_AXES).shape
    assert shown.flags.c_contiguous
    np.testing.assert_array_equal(convert.from_display(shown, grid), data)

    points = grid.voxel_to_mm([[0, 0, 0], [1.5, 2.25, 3.0], [4, 5, 6]])
    world = convert.mm_to_world(points, grid)
    np.testing.assert_allclose(convert.world_to_mm(world, grid), points, atol=1e-9)


@pytest.mark.parametrize("oblique", [False, True], ids=["straight", "oblique"])
@pytest.mark.parametrize("codes", ["RAS", "LPI", "ASR", "SLP"])
def test_a_point_lies_on_the_voxel_it_names(codes, oblique):
    """The voxel that holds a marker is found under the displayed world of its true position."""
    grid = _grid(codes, oblique)
    voxel = tuple(n - 2 for n in grid.shape)
    data = np.zeros(grid.shape, np.uint8)
    data[voxel] = 1
    shown, settings, _ = convert.labels_layer(data, grid, "marker")
    world = convert.mm_to_world(grid.voxel_to_mm(voxel), grid)
    index = (world - np.asarray(settings["translate"])) / np.asarray(settings["scale"])
    np.testing.assert_allclose(index, np.argwhere(shown)[0], atol=1e-9)


@pytest.mark.parametrize("codes", ALL_CODES)
def test_a_straight_scan_is_displayed_in_ras_mm(codes):
    grid = _grid(codes, oblique=False)
    points = np.array([[-11.0, 31.5, -50.0], [-10.25, 33.0, -40.0]])
    np.testing.assert_allclose(convert.mm_to_world(points, grid), points[:, ::-1], atol=1e-9)


def test_an_oblique_scan_keeps_its_centre():
    grid = _oblique_grid()
    centre = grid.voxel_to_mm((np.asarray(grid.shape) - 1) / 2)
    np.testing.assert_allclose(convert.mm_to_world(centre, grid), centre[::-1], atol=1e-9)


def test_the_volumes_of_a_4d_scan_come_first():
    grid = _grid("LPI", oblique=False)
    data = np.random.default_rng(0).normal(size=(*grid.shape, 3)).astype(np.float32)
    shown, settings, kind = convert.image_layer(Scan(data, grid))
    assert kind == "image"
    assert shown.shape == (3, *grid.reoriented(WORK_AXES).shape)
    assert settings["axis_labels"] == ("volume", "z", "y", "x")
    np.testing.assert_array_equal(convert.from_display(shown, grid), data)
    np.testing.assert_array_equal(shown[1], convert.to_display(data[..., 1], grid))


def test_grey_window_leaves_out_the_extremes():
    data = np.linspace(0, 1000, 1001)
    data[-1] = 1e6
    low, high = convert.contrast_limits(data)
    assert low == pytest.approx(10, abs=0.5)
    assert high == pytest.approx(995, abs=0.5)
    low, high = convert.contrast_limits(np.full((3, 3, 3), 7))
    assert low < high

"""A grid turned parallel to another one covers the same field, and a place keeps its millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from scipy.spatial.transform import Rotation

from napari_spinalq.geometry import Grid, angle_between_deg, parallel_grid, places_in_slices, sample_at


def a_grid(codes: str, turn_deg: tuple[float, float, float], shape=(20, 24, 9), spacing=(0.9, 0.9, 5.0)) -> Grid:
    """Return a grid turned about x, y and z, its axes stored in the order ``codes``."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() * spacing
    affine[:3, 3] = [-12.0, 30.0, -41.0]
    grid = Grid(shape, affine)
    transform = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    stored = tuple(np.asarray(shape)[np.argsort(transform[:, 0])].astype(int))
    return Grid(stored, grid.affine @ inv_ornt_aff(transform, shape))


@pytest.mark.parametrize("codes", ["RAS", "LAS", "PIR", "SAR"])
def test_the_angle_does_not_depend_on_the_order_of_axes(codes):
    assert angle_between_deg(a_grid("RAS", (0, 0, 0)), a_grid(codes, (12.0, 0, 0))) == pytest.approx(12.0, abs=1e-6)


@pytest.mark.parametrize("codes", ["RAS", "LAS", "PIR"])
@pytest.mark.parametrize("turn", [(0, 0, 0), (14.0, -3.0, 5.0)])
def test_where_grids_are_parallel_no_voxel_moves(codes, turn):
    grid, like = a_grid(codes, turn), a_grid("PIR", turn, shape=(60, 50, 40), spacing=(0.8, 0.8, 0.8))
    made = parallel_grid(grid, like)
    assert made.matches(grid.reoriented("SAR"))


@pytest.mark.parametrize("codes", ["RAS", "LAS", "PIR"])
def test_an_askew_grid_is_covered_along_the_axes_of_the_other(codes):
    grid, like = a_grid(codes, (14.0, -3.0, 5.0)), a_grid("LAS", (-4.0, 2.0, 0.0))
    made = parallel_grid(grid, like)
    assert made.axis_codes == "SAR"
    assert made.spacing == pytest.approx(grid.reoriented("SAR").spacing)
    assert angle_between_deg(made, like) < 1e-5
    edges = np.array(list(np.ndindex(2, 2, 2))) * np.asarray(grid.shape) - 0.5
    inside = made.mm_to_voxel(grid.voxel_to_mm(edges))
    assert (inside >= -0.5 - 1e-6).all()
    assert (inside <= np.asarray(made.shape) - 0.5 + 1e-6).all()
    middles = [one.voxel_to_mm((np.asarray(one.shape) - 1) / 2) for one in (grid, made)]
    np.testing.assert_allclose(*middles, atol=1e-6)


@pytest.mark.parametrize("turn", [(9.0, 0, 0), (14.0, -3.0, 5.0)])
def test_an_askew_view_mixes_no_slices_and_is_linear_within_them(turn):
    grid = a_grid("SAR", turn)
    target = parallel_grid(grid, a_grid("RAS", (0, 0, 0)))
    places = places_in_slices(grid, target)
    z, y, x = np.indices(grid.shape).astype(np.float32)
    slices = sample_at(z, places, np.nan)
    inside = np.isfinite(slices)
    assert inside.mean() > 0.3
    np.testing.assert_array_equal(slices[inside], np.round(slices[inside]))
    index = np.moveaxis(np.indices(target.shape), 0, -1)
    true = np.moveaxis(grid.mm_to_voxel(target.voxel_to_mm(index)), -1, 0)
    assert np.abs(slices - true[0])[inside].max() <= 0.5 + 1e-6
    np.testing.assert_allclose(sample_at(2 * x - y, places, np.nan)[inside], (2 * true[2] - true[1])[inside], atol=1e-4)

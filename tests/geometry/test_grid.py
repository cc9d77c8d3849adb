"""Voxels lie where the affine says, whatever the order of the axes."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array, resample_array, to_work_order

OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.15, -0.1, 0.2) @ np.diag([0.5, 0.8, 3.0]), [-20.0, 15.0, 40.0]
)
ALL_CODES = ["".join(c) for order in permutations(["RL", "AP", "SI"]) for c in product(*order)]
DATA = np.random.default_rng(3).normal(size=(4, 5, 6)).astype(np.float32)


def test_there_are_48_orders():
    assert len(set(ALL_CODES)) == 48


@pytest.mark.parametrize("codes", ALL_CODES)
def test_every_voxel_keeps_its_place_in_every_order(codes):
    grid = Grid((4, 5, 6), OBLIQUE)
    data, turned = reorient_array(DATA, grid, codes)
    assert turned.axis_codes == codes
    voxel = (3, 1, 4)
    at = np.argwhere(data == DATA[voxel])[0]
    np.testing.assert_allclose(turned.voxel_to_mm(at), grid.voxel_to_mm(voxel), atol=1e-9)
    back, original = reorient_array(data, turned, grid.axis_codes)
    np.testing.assert_array_equal(back, DATA)
    assert original == grid


def test_fourth_axis_stays_last():
    four = np.stack([DATA, DATA + 100], axis=3)
    data, _ = to_work_order(four, Grid((4, 5, 6), OBLIQUE))
    np.testing.assert_allclose(data[..., 1] - data[..., 0], 100, rtol=1e-5)


def test_work_order_grows_to_superior_anterior_right():
    _, grid = to_work_order(DATA, Grid((4, 5, 6), np.diag([-1.0, -1.0, 2.0, 1.0])))
    step = grid.voxel_to_mm(np.eye(3)) - grid.voxel_to_mm([0, 0, 0])
    np.testing.assert_allclose(step, [[0, 0, 2], [0, 1, 0], [1, 0, 0]])


def test_voxel_and_mm_are_inverse():
    grid = Grid((4, 5, 6), OBLIQUE)
    voxels = np.random.default_rng(0).uniform(0, 5, (20, 3))
    np.testing.assert_allclose(grid.mm_to_voxel(grid.voxel_to_mm(voxels)), voxels, atol=1e-9)
    np.testing.assert_allclose(grid.spacing, [0.5, 0.8, 3.0])
    assert grid.voxel_volume_mm3 == pytest.approx(1.2)
    assert grid.obliquity_deg > 5


def test_equality_has_a_tolerance_in_mm():
    grid = Grid((4, 5, 6), OBLIQUE)
    near, far = OBLIQUE.copy(), OBLIQUE.copy()
    near[2, 3] += 5e-4
    far[2, 3] += 5e-3
    assert grid == Grid((4, 5, 6), near)
    assert grid != Grid((4, 5, 6), far)
    assert grid != Grid((4, 5, 7), OBLIQUE)
    assert grid.offset_mm(Grid((4, 5, 6), far)) == pytest.approx(5e-3)


def test_grid_cannot_be_changed():
    grid = Grid((4, 5, 6), OBLIQUE)
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 7
    with pytest.raises(AttributeError):
        grid.shape = (1, 1, 1)


@pytest.mark.parametrize(
    ("shape", "affine"),
    [
        ((4, 5), OBLIQUE),
        ((4, 5, 0), OBLIQUE),
        ((4, 5, 6), np.eye(3)),
        ((4, 5, 6), np.diag([1, 1, 0, 1])),
        ((4, 5, 6), np.diag([1, 1, np.nan, 1])),
    ],
)
def test_impossible_grids_are_refused(shape, affine):
    with pytest.raises(InputError):
        Grid(shape, affine)


@pytest.mark.parametrize("codes", ["SA", "SAS", "XYZ", "SSAR", ""])
def test_impossible_axis_codes_are_refused(codes):
    with pytest.raises(InputError, match="anatomical axes"):
        Grid((4, 5, 6), OBLIQUE).reoriented(codes)


def test_new_spacing_keeps_the_field_of_view():
    grid = Grid((10, 10, 10), np.diag([1.0, 1.0, 2.0, 1.0]))
    fine = grid.with_spacing((0.5, 0.5, 0.5))
    assert fine.shape == (20, 20, 40)
    np.testing.assert_allclose(fine.voxel_to_mm([-0.5] * 3), grid.voxel_to_mm([-0.5] * 3))
    np.testing.assert_allclose(fine.voxel_to_mm([19.5, 19.5, 39.5]), grid.voxel_to_mm([9.5] * 3))


def test_cropping_keeps_places():
    grid = Grid((10, 10, 10), OBLIQUE)
    crop = grid.cropped((2, -1, 3), (4, 4, 4))
    np.testing.assert_allclose(crop.voxel_to_mm([1, 2, 3]), grid.voxel_to_mm([3, 1, 6]))


def test_a_linear_field_is_resampled_exactly_by_place():
    """A value that is a linear function of RAS mm must come out as that function on any grid."""
    grid = Grid((20, 20, 20), OBLIQUE)
    field = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)) @ np.array([1.0, -2.0, 0.5])
    target = Grid((5, 5, 5), nib.affines.from_matvec(np.diag([-0.3, 0.4, 1.0]), grid.voxel_to_mm([10, 9, 8])))
    expected = target.voxel_to_mm(np.moveaxis(np.indices(target.shape), 0, -1)) @ np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(resample_array(field, grid, target, order=1), expected, atol=1e-3)


def test_outside_takes_the_fill_value():
    grid = Grid((4, 4, 4), np.eye(4))
    far = Grid((2, 2, 2), nib.affines.from_matvec(np.eye(3), [50, 50, 50]))
    assert (resample_array(np.ones((4, 4, 4)), grid, far, fill=-1) == -1).all()

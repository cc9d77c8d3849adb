"""Straightening: the way there and back, and what a straightened cord looks like."""

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.straighten import Interpolation, plane_axes, straight_frame, straighten, straighten_array
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.scan import Scan


def curved_cord():
    """An arc of 120 mm radius in the sagittal plane that also leans to the right, along S from -60 to 60 mm."""
    z = np.arange(-60.0, 60.01, 0.25)
    return Centerline(np.stack([0.1 * z, np.sqrt(120.0**2 - z**2) - 120.0, z], axis=1))


@pytest.fixture
def frame():
    return straight_frame(curved_cord(), spacing_mm=(1.0, 0.7, 0.8), beyond_ends_mm=(5.0, 8.0))


def test_round_trip_from_straight_voxels(frame):
    rng = np.random.default_rng(0)
    voxels = rng.uniform(0, 1, (500, 3)) * (np.array(frame.shape) - 1)
    back = frame.mm_to_voxel(frame.voxel_to_mm(voxels))
    assert np.abs((back - voxels) * frame.spacing_mm).max() < 0.1


def test_round_trip_from_world_points_and_native_voxels(frame):
    grid = Grid((60, 70, 160), np.array([[-0.9, 0, 0.1, 30], [0, 1, 0.2, -45], [0.05, -0.1, 0.8, -60], [0, 0, 0, 1]]))
    rng = np.random.default_rng(1)
    native = rng.uniform(0, 1, (2000, 3)) * (np.array(grid.shape) - 1)
    points = grid.voxel_to_mm(native)
    near = np.linalg.norm(points - frame.centerline.position(frame.centerline.nearest_arc(points)), axis=1) < 25
    back = grid.mm_to_voxel(frame.voxel_to_mm(frame.mm_to_voxel(points[near])))
    assert near.sum() > 300
    assert np.abs((back - native[near]) * grid.spacing).max() < 0.1


def test_axes_are_orthonormal_and_face_anterior_and_right(frame):
    tangents = frame.centerline.tangents
    anterior, right = plane_axes(tangents)
    basis = np.stack([tangents, anterior, right], axis=1)
    np.testing.assert_allclose(basis @ basis.transpose(0, 2, 1), np.broadcast_to(np.eye(3), basis.shape), atol=1e-12)
    assert (anterior[:, 1] > 0).all()
    assert (right[:, 0] > 0).all()


def test_indices_grow_to_superior_anterior_and_right(frame):
    middle = np.array([frame.shape[0] // 2, frame.center[0], frame.center[1]])
    for axis, ras in enumerate((2, 1, 0)):
        step = np.zeros(3)
        step[axis] = 1
        moved = frame.voxel_to_mm(middle + step) - frame.voxel_to_mm(middle)
        assert np.argmax(np.abs(moved)) == ras
        assert moved[ras] > 0
        assert np.linalg.norm(moved) == pytest.approx(frame.spacing_mm[axis], rel=0.02)


def test_all_points_are_those_of_the_voxels(frame):
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in frame.shape), indexing="ij"), axis=-1)
    np.testing.assert_allclose(frame.all_points_mm(), frame.voxel_to_mm(voxels), atol=1e-9)


def tube_scan(codes="RAS"):
    """A tube of 5 mm radius around the curved cord, value = how far along the cord it is (mm), 0 outside."""
    cord = curved_cord()
    grid = Grid((60, 60, 150), np.array([[1, 0, 0, -30], [0, 1, 0, -40], [0, 0, 1, -75], [0, 0, 0, 1]]))
    points = grid.voxel_to_mm(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1))
    arcs = cord.nearest_arc(points)
    inside = np.linalg.norm(points - cord.position(arcs), axis=-1) <= 5.0
    data, turned = reorient_array(np.where(inside, arcs, 0).astype(np.float32), grid, codes)
    return Scan(data, turned, Contrast.T2W), cord


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAR", "PIR"])
def test_a_curved_tube_becomes_straight(codes):
    scan, cord = tube_scan(codes)
    straight = straighten(scan, cord, beyond_ends_mm=(-5, -5), anterior_mm=12, posterior_mm=12, lateral_mm=12)
    arcs = straight.frame.arcs_mm()
    np.testing.assert_allclose(straight.data[:, 12, 12], arcs, atol=0.15)
    inside = straight.data > 0.5 * arcs[:, None, None]
    centres = np.array([np.argwhere(plane).mean(axis=0) for plane in inside])
    np.testing.assert_allclose(centres, 12.0, atol=0.5)  # the tube is hard-edged in voxels of 1 mm
    np.testing.assert_allclose(centres.mean(axis=0), 12.0, atol=0.05)
    assert inside.sum(axis=(1, 2)).mean() == pytest.approx(np.pi * 25, rel=0.03)
    assert straight.contrast is Contrast.T2W


def test_labels_keep_values_and_type():
    scan, cord = tube_scan()
    labels = np.where(scan.data > 0, np.where(scan.data > 60, 4, 5), 0).astype(np.uint8)
    frame = straight_frame(cord)
    straight = straighten_array(labels, scan.grid, frame, interpolation=Interpolation.NEAREST)
    assert straight.dtype == np.uint8
    assert set(np.unique(straight)) == {0, 4, 5}
    on_axis = straight[:, 20, 20]
    far = np.abs(frame.arcs_mm() - 60) > 1
    np.testing.assert_array_equal(on_axis[far], np.where(frame.arcs_mm() > 60, 4, 5)[far])


def test_outside_the_scan_is_marked():
    scan, cord = tube_scan()
    straight = straighten(scan, cord, beyond_ends_mm=(40, 0))
    assert np.isnan(straight.data[:15, 20, 20]).all()
    assert np.isfinite(straight.data[40:, 20, 20]).all()


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="must be positive"):
        straight_frame(curved_cord(), spacing_mm=(1, 0, 1))
    flat = Centerline(np.stack([np.zeros(50), np.arange(50.0), 0.01 * np.arange(50)], axis=1))
    with pytest.raises(InputError, match="front to back"):
        straight_frame(flat).voxel_to_mm([0, 0, 0])

"""The strip shows what lies there, and every place on it has one place in the scan."""

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.straighten import Interpolation, straight_frame, straighten_array
from napari_spinalq.cord.strip import StripPlane, lay_strip
from napari_spinalq.geometry import Grid

OBLIQUE = Grid((90, 80, 70), np.array([[0.05, 0, 0.9, -30], [0.1, 0.9, 0, -45], [1.2, -0.1, 0.05, -55], [0, 0, 0, 1]]))


@pytest.fixture
def bent():
    """An arc of 120 mm radius in the sagittal plane that also leans to the right, along S from -45 to 45 mm."""
    z = np.arange(-45.0, 45.01, 0.25)
    return Centerline(np.stack([0.1 * z, np.sqrt(120.0**2 - z**2) - 120.0, z], axis=1))


def coordinate_images(grid):
    """Images whose values are their own R, A and S in mm."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return np.moveaxis(grid.voxel_to_mm(index), -1, 0)


@pytest.mark.parametrize("plane", StripPlane)
@pytest.mark.parametrize("depth", [0.0, 3.0, -4.5])
def test_every_sample_is_taken_where_the_strip_says(bent, plane, depth):
    strip = lay_strip(bent, OBLIQUE, plane, depth_mm=depth)
    arcs = strip.frame.arcs_mm()[:, None]
    offsets = (np.arange(strip.shape[1]) - (strip.shape[1] - 1) / 2) * 0.5
    expected = strip.points_mm(arcs, offsets)
    sampled = np.stack([strip.image(part) for part in coordinate_images(OBLIQUE)], axis=-1)
    native = OBLIQUE.mm_to_voxel(expected)
    between = ((native >= 0) & (native <= np.array(OBLIQUE.shape) - 1)).all(axis=-1)  # of the centres of voxels
    assert between.mean() > 0.5
    np.testing.assert_allclose(sampled[between], expected[between], atol=1e-4)
    assert np.isfinite(sampled[between]).all()


@pytest.mark.parametrize(("plane", "axis"), [(StripPlane.SAGITTAL, 1), (StripPlane.CORONAL, 0)])
def test_up_is_anterior_or_the_right_of_the_patient(bent, plane, axis):
    strip = lay_strip(bent, OBLIQUE, plane)
    near, far = strip.points_mm(40.0, 0.0), strip.points_mm(40.0, 5.0)
    assert far[axis] - near[axis] == pytest.approx(5.0, rel=0.1)
    np.testing.assert_allclose(near, bent.position(40.0), atol=1e-9)


def test_depth_moves_the_plane_to_the_right_or_to_anterior(bent):
    for plane, axis in ((StripPlane.SAGITTAL, 0), (StripPlane.CORONAL, 1)):
        moved = lay_strip(bent, OBLIQUE, plane, depth_mm=4.0).points_mm(45.0, 0.0) - bent.position(45.0)
        assert moved[axis] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("plane", StripPlane)
def test_there_and_back(bent, plane):
    strip = lay_strip(bent, OBLIQUE, plane, depth_mm=2.0)
    for arc, offset in ((-8.0, 3.0), (30.2, -11.0), (95.0, 0.4)):
        assert strip.place_of(strip.points_mm(arc, offset)) == pytest.approx((arc, offset), abs=0.02)


def test_labels_are_those_of_the_full_straightening(bent):
    labels = np.random.default_rng(0).integers(0, 3, OBLIQUE.shape).astype(np.uint8)
    strip = lay_strip(bent, OBLIQUE, StripPlane.SAGITTAL)
    frame = straight_frame(bent, spacing_mm=(0.5, 0.5, 0.5), lateral_mm=1.0, beyond_ends_mm=(15.0, 15.0))
    whole = straighten_array(labels, OBLIQUE, frame, interpolation=Interpolation.NEAREST)
    assert (strip.labels(labels) == whole[:, :, 2]).mean() > 0.999  # exact halves may be rounded either way


def test_outside_of_the_scan_there_is_nothing(bent):
    small = OBLIQUE.cropped((40, 30, 30), (20, 12, 10))
    strip = lay_strip(bent, small, StripPlane.CORONAL)
    assert np.isnan(strip.image(np.ones(small.shape))).mean() > 0.5
    assert (strip.labels(np.ones(small.shape, np.uint8)) == 0).mean() > 0.5


def test_it_goes_on_past_the_ends_of_the_cord(bent):
    strip = lay_strip(bent, OBLIQUE, StripPlane.SAGITTAL, beyond_ends_mm=12.0)
    arcs = strip.frame.arcs_mm()
    assert arcs[0] == -12.0
    assert arcs[-1] == pytest.approx(bent.length_mm + 12.0, abs=0.5)


@pytest.mark.parametrize("plane", StripPlane)
def test_the_straight_volume_holds_what_lies_beside_the_strip(bent, plane):
    strip = lay_strip(bent, OBLIQUE, plane, depth_mm=3.0)
    voxel = strip.voxels_at(40.0, 2.0)
    np.testing.assert_allclose(strip.frame.voxel_to_mm(voxel), strip.points_mm(40.0, 2.0))
    assert voxel[plane.across] == 40
    assert strip.frame.shape[plane.across] == 81

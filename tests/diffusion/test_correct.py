from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.diffusion.correct import correct_motion, turned_back
from napari_spinalq.errors import Cancelled, InputError
from napari_spinalq.gradients import GradientTable
from napari_spinalq.phantom.diffusion import Scheme
from napari_spinalq.registration.slicewise.frame import slice_frame
from tests.diffusion.moving_cord import SCHEME, Stack, course_mm, grid, motion, rms, series

TARGET_MM = 0.15
"""Residual motion allowed at SNR 20 in pixels of 1 mm, root mean square over slices and volumes."""

N = len(SCHEME)


def centred(shifts):
    return shifts - shifts.mean(axis=0)


@pytest.fixture(scope="module")
def known():
    return motion(N, 7, seed=3)


@pytest.fixture(scope="module")
def corrected(known):
    scan, mask = series(grid(), known)
    return scan, mask, *correct_motion(scan, SCHEME, mask)


def test_known_shifts_are_found(corrected, known):
    found = corrected[4]
    truth = centred(known)
    assert rms(truth) > 0.7
    assert rms(found.shifts_mm - truth) < TARGET_MM / 2
    slope = (found.shifts_mm * truth).sum(axis=(0, 1)) / (truth**2).sum(axis=(0, 1))
    np.testing.assert_allclose(slope, 1.0, atol=0.03)


def test_uncertainty_tells_how_large_errors_are(corrected, known):
    found = corrected[4]
    errors = (found.shifts_mm - centred(known)) / found.uncertainty_mm
    assert 0.6 < rms(errors) < 1.5


@pytest.mark.parametrize(("codes", "tilt"), [("LAS", 0), ("RAS", 0), ("PIR", 0), ("LAS", 20), ("PIL", -15)])
def test_the_same_motion_gives_the_same_shifts_in_every_orientation(corrected, known, codes, tilt):
    scan, mask = series(grid(codes, tilt_deg=tilt), known)
    result, _, found = correct_motion(scan, SCHEME, mask)
    assert found.axes == ("anterior", "right")
    assert result.grid.axis_codes == scan.grid.axis_codes
    assert result.data.shape == scan.data.shape
    np.testing.assert_allclose(found.shifts_mm, corrected[4].shifts_mm, atol=1e-3 if tilt == 0 else 0.12)
    assert rms(found.shifts_mm - centred(known)) < TARGET_MM / 2


@pytest.mark.parametrize(("direction", "axis"), [((2.0, 0.0), 0), ((0.0, 2.0), 1)])
def test_shifts_point_to_where_the_cord_went(direction, axis):
    shifts = np.zeros((N, 7, 2))
    shifts[4] = direction
    scan, mask = series(grid("LAS"), shifts)
    # The picture itself: in the file (left, anterior, superior) the bright cord of this volume lies 2 mm off.
    work = scan.in_work_order().data
    still, moved = (np.argwhere(work[3, ..., v] > 60).mean(axis=0) for v in (3, 4))
    np.testing.assert_allclose((moved - still)[axis], 2.0, atol=0.5)
    shift = correct_motion(scan, SCHEME, mask)[2].shifts_mm
    np.testing.assert_allclose((shift[4] - shift[3]).mean(axis=0), direction, atol=0.1)


def test_a_still_series_is_left_alone():
    scan, mask = series(grid(), np.zeros((N, 7, 2)))
    result, table, found = correct_motion(scan, SCHEME, mask)
    assert rms(found.shifts_mm) < 0.05
    assert not found.outliers.any()
    np.testing.assert_array_equal(table.directions, SCHEME.directions)
    assert rms(result.data - scan.data) < 0.2 * 180 / 20  # a fifth of the noise


def test_the_corrected_series_shows_the_cord_where_it_is_on_average(known):
    shifts = known - known.mean(axis=0)
    scan, mask = series(grid("LAS"), shifts, snr=None)
    truth, _ = series(grid("LAS"), np.zeros_like(shifts), snr=None)
    result = correct_motion(scan, SCHEME, mask)[0]
    inside = mask > 0
    assert rms((scan.data - truth.data)[inside]) > 15
    assert rms((result.data - truth.data)[inside]) < 4


def test_nothing_becomes_negative_and_the_source_stays(corrected):
    scan, _, result, *_ = corrected
    assert result.data.min() >= 0
    assert result.data.dtype == np.float32
    assert np.array_equal(scan.data, series(grid(), motion(N, 7, seed=3))[0].data)


def test_pixels_from_outside_are_counted_and_filled_from_the_edge():
    shifts = np.zeros((N, 7, 2))
    shifts[2, :, 0] = 3.0
    scan, mask = series(grid(), shifts)
    result, _, found = correct_motion(scan, SCHEME, mask)
    assert found.outside_voxels[2] == pytest.approx(3 * 44 * 7, rel=0.15)
    assert found.outside_voxels[[1, 3]].max() < 0.1 * found.outside_voxels[2]
    # Against the shift, at the anterior edge, values go on; they do not come from the other side.
    np.testing.assert_allclose(result.data[:, -1, :, 2].mean(), scan.data[:, -1, :, 2].mean(), rtol=0.1)


@pytest.mark.parametrize("stored", ["RSA", "PSL"])
def test_sagittal_slices_move_within_their_own_plane(stored):
    on = grid(stored, shape=(44, 44, 9), spacing=(1.0, 1.0, 3.0))
    shifts = motion(N, 9, seed=3)
    shifts[..., 0] = 0.0
    scan, mask = series(on, shifts)
    found = correct_motion(scan, SCHEME, mask)[2]
    assert found.axes == ("superior", "anterior")
    assert found.slice_axis == "right"
    assert rms((found.shifts_mm - centred(shifts))[:, 3:6, 1]) < TARGET_MM
    # The cord slides along itself unseen: the shift to superior must be told as unsure, and not be made up.
    assert np.median(found.uncertainty_mm[..., 0]) > 5 * np.median(found.uncertainty_mm[:, 3:6, 1])


def test_sagittal_slices_far_beside_the_cord_take_no_part():
    """As wide as the neck: the outer slices lie beyond the window, and follow those that see the cord."""
    on = grid("RSA", shape=(44, 44, 21), spacing=(1.0, 1.0, 4.0))
    shifts = np.tile(motion(N, 1, seed=3), (1, 21, 1))
    shifts[..., 0] = 0.0
    scan, mask = series(on, shifts)
    found = correct_motion(scan, SCHEME, mask)[2]
    assert rms((found.shifts_mm - centred(shifts))[:, 9:12, 1]) < TARGET_MM
    assert np.isfinite(found.shifts_mm).all()
    assert np.abs(found.shifts_mm[:, [0, -1]]).max() <= np.abs(found.shifts_mm[:, 8:13]).max() + 0.1


def test_the_place_of_unweighted_volumes_is_found_though_csf_is_dark_in_the_others():
    shifts = np.zeros((N, 7, 2))
    shifts[SCHEME.unweighted] = [1.5, -1.0]
    scan, mask = series(grid(), shifts)
    found = correct_motion(scan, SCHEME, mask)[2].shifts_mm
    apart = found[SCHEME.unweighted].mean(axis=(0, 1)) - found[~SCHEME.unweighted].mean(axis=(0, 1))
    np.testing.assert_allclose(apart, [1.5, -1.0], atol=0.1)


def test_one_unweighted_volume_and_few_directions_are_enough():
    scheme = Scheme(n_b0=1, shells=((750.0, 6),)).table()
    shifts = motion(7, 7, seed=8, jump_mm=2.0)
    scan, mask = series(grid(), shifts, scheme=scheme)
    found = correct_motion(scan, scheme, mask)[2]
    assert rms(found.shifts_mm - centred(shifts)) < TARGET_MM
    assert found.uncertainty_mm[0].min() > 0


def test_two_volumes_are_enough():
    scheme = GradientTable(np.zeros(2), np.zeros((2, 3)))
    shifts = np.zeros((2, 7, 2))
    shifts[1] = [1.0, 0.5]
    scan, mask = series(grid(), shifts, scheme=scheme)
    np.testing.assert_allclose(correct_motion(scan, scheme, mask)[2].shifts_mm, centred(shifts), atol=0.1)


@pytest.fixture(scope="module")
def turned():
    angles = np.linspace(-5, 5, N)[:, None] + np.zeros(7)
    shifts = 0.5 * motion(N, 7, seed=3)
    scan, mask = series(grid("LAS"), shifts, angles_deg=angles)
    return angles - angles.mean(), shifts, *correct_motion(scan, SCHEME, mask, rotation=True)


def test_turns_are_found(turned):
    angles, shifts, _, _, found = turned
    assert rms(found.angles_deg - angles) < 0.6
    assert (found.angles_deg * angles).sum() / (angles**2).sum() == pytest.approx(1.0, abs=0.12)
    assert rms(found.shifts_mm - centred(shifts)) < TARGET_MM


def test_directions_are_turned_back_by_the_mean_angle_of_their_volume(turned):
    _, _, _, table, found = turned
    for volume in (0, 4, N - 1):
        angle = -np.radians(found.angles_deg[volume].mean())
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
        np.testing.assert_allclose(table.directions[volume], turn @ SCHEME.directions[volume], atol=1e-9)


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR"])
def test_a_turn_is_about_the_slice_normal_in_tilted_slices(codes):
    frame = slice_frame(grid(codes, tilt_deg=30))
    normal = frame.grid.affine[:3, 0] / frame.grid.spacing[0]
    np.testing.assert_allclose(frame.turn_axis, normal, atol=1e-12)
    along = turned_back(GradientTable(np.ones(1), normal[None]), np.array([70.0]), frame.turn_axis)
    np.testing.assert_allclose(along.directions[0], normal, atol=1e-12)
    right, anterior = frame.grid.affine[:3, 2], frame.grid.affine[:3, 1]
    across = turned_back(GradientTable(np.ones(1), anterior[None]), np.array([90.0]), frame.turn_axis)
    np.testing.assert_allclose(across.directions[0], right, atol=1e-12)


def test_lost_slices_and_sudden_moves_are_reported_and_can_be_left_out():
    shifts = np.zeros((N, 7, 2))
    shifts[9:] = [1.8, 0.0]
    scan, mask = series(grid(), shifts, dropouts=((4, 2), (11, 5)))
    kept, table, found = correct_motion(scan, SCHEME, mask)
    assert np.flatnonzero(found.outliers).tolist() == [4, 9, 11]
    assert np.argwhere(found.dropouts).tolist() == [[4, 2], [11, 5]]
    assert found.reasons[4] == "signal lost in slice 2"
    assert found.reasons[9].startswith("moved 1.8 mm")
    assert kept.volumes == len(table) == N
    assert found.left_out == ()

    fewer, shorter, again = correct_motion(scan, SCHEME, mask, exclude_outliers=True)
    assert again.left_out == (4, 9, 11)
    stay = np.setdiff1d(np.arange(N), again.left_out)
    np.testing.assert_array_equal(fewer.data, kept.data[..., stay])
    np.testing.assert_array_equal(shorter.directions, SCHEME.directions[stay])
    assert len(again.outliers) == N


def test_groups_move_as_one_and_unweighted_volumes_stand_alone():
    scan, mask = series(grid(), 0.3 * motion(N, 7, seed=3))
    found = correct_motion(scan, SCHEME, mask, group_size=4)[2]
    weighted = np.flatnonzero(~SCHEME.unweighted)
    sizes = [len(members) for members in np.split(weighted, np.flatnonzero(np.diff(found.group[weighted])) + 1)]
    assert sizes == [4, 4, 4, 3]
    assert len(set(found.group[SCHEME.unweighted])) == 3
    for group in set(found.group):
        np.testing.assert_array_equal(np.ptp(found.shifts_mm[found.group == group], axis=0), 0.0)


def test_a_centerline_serves_as_well_as_a_mask(corrected):
    scan = corrected[0]
    heights = Stack(scan.grid).places[:, 0, 0, 0]
    middle = (np.asarray(scan.grid.shape) - 1) / 2
    voxels = np.stack([heights / 5.0, *course_mm(heights)], axis=1) + middle
    line = Centerline(scan.grid.voxel_to_mm(voxels))
    np.testing.assert_allclose(correct_motion(scan, SCHEME, line)[2].shifts_mm, corrected[4].shifts_mm, atol=0.1)


def test_bad_input_is_refused():
    scan, mask = series(grid(), np.zeros((N, 7, 2)))
    with pytest.raises(InputError, match="not a series"):
        correct_motion(replace(scan, data=scan.data[..., 0]), SCHEME, mask)
    with pytest.raises(InputError, match=f"{N} volumes, its gradient table 35 rows"):
        correct_motion(scan, Scheme().table(), mask)
    with pytest.raises(InputError, match="group holds one or more"):
        correct_motion(scan, SCHEME, mask, group_size=0)
    with pytest.raises(InputError, match="not numbers"):
        correct_motion(replace(scan, data=np.where(scan.data > 300, np.nan, scan.data)), SCHEME, mask)
    with pytest.raises(InputError, match="shape"):
        correct_motion(scan, SCHEME, mask[1:])
    far = Centerline(np.array([[500.0, 0, 0], [500.0, 0, 60]]))
    with pytest.raises(InputError, match="outside of the diffusion scan"):
        correct_motion(scan, SCHEME, far)


def test_work_can_be_stopped(corrected):
    told = []

    def stop(fraction, phrase):
        told.append(fraction)
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        correct_motion(corrected[0], SCHEME, corrected[1], progress=stop)
    assert told == sorted(told)


@pytest.mark.realdata
def test_a_real_series_moves_by_plausible_amounts(sct_testing):
    from napari_spinalq.gradients import ras_directions
    from napari_spinalq.io.nifti import load_scan

    scan = load_scan(sct_testing / "dmri" / "dmri.nii.gz")
    vectors = np.loadtxt(sct_testing / "dmri" / "bvecs.txt")
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    table = GradientTable(np.loadtxt(sct_testing / "dmri" / "bvals.txt"), ras_directions(vectors / length, scan.grid))
    result, _, found = correct_motion(scan, table)
    assert np.abs(found.shifts_mm).max() < 1.5
    assert found.displacement_mm[1:].max() < 1.0
    assert result.data.shape == scan.data.shape
    again = correct_motion(result, table)[2]
    assert rms(again.shifts_mm) < 0.4 * rms(found.shifts_mm)


def test_an_empty_volume_is_reported_and_spoils_nothing(corrected, known):
    scan, mask, *_ = corrected
    data = scan.data.copy()
    data[..., 5] = 0.0
    found = correct_motion(replace(scan, data=data), SCHEME, mask)[2]
    others = np.arange(N) != 5
    errors = (found.shifts_mm - known)[others]
    assert rms(errors - errors.mean(axis=0)) < TARGET_MM / 2
    assert found.reasons[5].startswith("signal lost in slice 0, 1, 2")


def test_a_series_without_unweighted_volumes_is_corrected_too(corrected, known):
    scan, mask, *_ = corrected
    weighted = ~SCHEME.unweighted
    table = GradientTable(SCHEME.b_values[weighted], SCHEME.directions[weighted])
    found = correct_motion(replace(scan, data=scan.data[..., weighted]), table, mask)[2]
    assert rms(found.shifts_mm - centred(known[weighted])) < TARGET_MM / 2

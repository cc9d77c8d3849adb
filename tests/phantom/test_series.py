"""Motion, distortion and lost signal of a diffusion series against the anatomy moved and integrated directly."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from napari_spinalq.errors import Cancelled, InputError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.phantom import DWI_LONG, Dropout, Move, Scheme, SeriesDesign, healthy_design, make_exam
from napari_spinalq.phantom.diffusion import default_scheme, principal_diffusivities
from napari_spinalq.phantom.make import SAMPLING, cord_centres_mm
from napari_spinalq.phantom.moving import field_shift_mm, turned_back
from napari_spinalq.phantom.protocol import PROTOCOLS, scan_grid
from napari_spinalq.phantom.sampling import average_over_voxels, index_rows
from napari_spinalq.phantom.series import true_motion
from napari_spinalq.phantom.tissue import signal_row

FEW = Scheme(n_b0=3, shells=((800.0, 2),))
SHORT = replace(PROTOCOLS[-1], shape=(32, 30, 3))


def _exam(series, codes="LAS", noise=0.0):
    design = replace(healthy_design(7), noise=noise, bias=0.0, series=series)
    return make_exam(design, protocols=(replace(SHORT, codes=codes),))


def _integrated(exam, back):
    """Return the unweighted signal of each voxel with the anatomy asked at places that ``back`` maps points to."""
    anatomy, grid = exam.anatomy, exam.scans["dwi"].grid
    return average_over_voxels(lambda points: anatomy.tissues(back(points)), grid, signal_row("b0")[:, None], SAMPLING)[
        0
    ]


def _axes(grid):
    work = grid.reoriented("SAR")
    return [work.affine[:3, axis] / work.spacing[axis] for axis in (1, 2)]


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR"])
def test_a_moved_volume_is_the_anatomy_moved_to_anterior_and_right(codes):
    exam = _exam(SeriesDesign(FEW, moves=(Move(), Move(1.3, -0.7))), codes)
    grid, data = exam.scans["dwi"].grid, exam.scans["dwi"].data
    anterior, right = _axes(grid)
    assert anterior[1] > 0.9
    assert right[0] > 0.9
    expected = _integrated(exam, lambda points: points - 1.3 * anterior + 0.7 * right)
    inside = exam.truth["dwi"].cord > 0.05
    error = np.abs(data[..., 1] - expected)[inside]
    assert error.mean() < 0.01 * expected[inside].mean()
    moved = np.abs(data[..., 1].astype(float) - data[..., 0])[inside]
    assert error.mean() < 0.06 * moved.mean(), "and the opposite move would be as far off as the move itself"


def test_a_turned_volume_is_the_anatomy_turned_from_right_towards_anterior():
    exam = _exam(SeriesDesign(FEW, moves=(Move(), Move(angle_deg=12.0))))
    data = exam.scans["dwi"].data
    anterior, right = _axes(exam.scans["dwi"].grid)
    turn = Rotation.from_rotvec(np.radians(12.0) * np.cross(right, anterior))
    assert turn.apply(right) @ anterior > 0.2

    def back(points):
        _, centre = _slice_and_centre(exam, points)
        return turn.inv().apply(points - centre) + centre

    expected = _integrated(exam, back)
    inside = exam.truth["dwi"].cord > 0.05
    error, moved = (np.abs(data[..., 1] - other)[inside].mean() for other in (expected, data[..., 0].astype(float)))
    assert error < 0.1 * moved
    assert error < 0.015 * expected[inside].mean()


def _slice_and_centre(exam, points):
    """Return for each point the slice that holds it, and where the cord crosses the middle of that slice."""
    grid = exam.scans["dwi"].grid
    work, centres = grid.reoriented("SAR"), cord_centres_mm(exam.anatomy, grid)
    index = np.clip(np.rint(work.mm_to_voxel(points)[:, 0]).astype(int), 0, len(centres) - 1)
    return index, centres[index]


def test_a_turned_cord_sees_the_gradients_turned_back():
    grid, scheme = scan_grid(SHORT, healthy_design(7).anatomy()), FEW.table()
    anterior, right = _axes(grid)
    seen = turned_back(scheme, np.array([0.0, 0.0, 0.0, 90.0, 0.0]), grid).directions
    played = scheme.directions
    assert seen[3] @ right == pytest.approx(played[3] @ anterior)
    assert seen[3] @ anterior == pytest.approx(-played[3] @ right)
    assert (seen[4] == played[4]).all()


def test_weighted_signal_of_a_turned_cord_is_that_of_the_directions_seen_from_it():
    """Far from perpendicular slices the fibres lie beside the axis of the turn, so they change direction with it."""
    upright = replace(SHORT, oblique=False, shape=(20, 18, 1), middle_mm=-50.0)
    moves = SeriesDesign(FEW, moves=(Move(angle_deg=40.0),) * 5)
    design = replace(healthy_design(7), noise=0.0, bias=0.0, series=moves)
    exam = make_exam(design, protocols=(upright,))
    fibre = exam.anatomy.tangent(exam.anatomy.curvilinear(cord_centres_mm(exam.anatomy, exam.scans["dwi"].grid))[0])[0]
    signals = exam.scans["dwi"].data[exam.truth["dwi"].cord > 0.5].astype(float)
    white = np.median(signals[np.abs(signals[:, 0] - 270) < 3], axis=0)
    along, across = principal_diffusivities(0.69, 0.96)
    seen, played = exam.truth["dwi"].series.gradients.directions[3:], exam.gradients.directions[3:]
    error = [
        np.abs(white[3:] / (270 * np.exp(-0.8 * (across + (along - across) * (directions @ fibre) ** 2))) - 1).max()
        for directions in (seen, played)
    ]
    assert error[0] < 0.02
    assert error[1] > 0.04


def test_distortion_moves_the_image_along_anterior_and_keeps_its_signal():
    exam = _exam(SeriesDesign(FEW, distortion_mm=3.0))
    grid = exam.scans["dwi"].grid
    anterior, _ = _axes(grid)
    thickness = grid.reoriented("SAR").spacing[0]

    def field(points):
        index, centre = _slice_and_centre(exam, points)
        return field_shift_mm((points - centre) @ anterior, index * thickness, 3.0)

    at_voxels, slope = (values.reshape(grid.shape) for values in field(grid.voxel_to_mm(index_rows(grid.shape))))
    assert exam.truth["dwi"].series.distortion_mm == pytest.approx(at_voxels, abs=1e-5)
    expected = _integrated(exam, lambda points: points - field(points)[0][:, None] * anterior) * (1 - slope)
    inside = exam.truth["dwi"].cord > 0.05
    assert np.abs(exam.scans["dwi"].data[..., 0] - expected)[inside].mean() < 0.012 * expected[inside].mean()
    assert np.abs(at_voxels[inside]).max() > 2.5


def test_slope_of_the_field_is_its_derivative():
    anterior = np.linspace(-40, 40, 801)
    shift, slope = field_shift_mm(anterior, 12.0, 3.0)
    assert np.gradient(shift, anterior)[1:-1] == pytest.approx(slope[1:-1], abs=1e-4)


def test_a_series_without_faults_is_that_of_the_anatomy():
    fine = _exam(SeriesDesign(FEW, moves=(Move(),)))
    plain = _exam(SeriesDesign(FEW))
    cord = plain.truth["dwi"].cord > 0.5
    for volume in range(5):
        a, b = (one.scans["dwi"].data[cord, volume].astype(float) for one in (fine, plain))
        assert np.abs(a - b).mean() < 0.01 * b.mean()
    assert not plain.truth["dwi"].series.motion.shifts_mm.any()
    for name in ("cord", "grey_matter", "levels"):
        assert (getattr(fine.truth["dwi"], name) == getattr(plain.truth["dwi"], name)).all(), "truth stays in place"


def test_lost_signal_is_lost_in_its_slice_alone():
    plain = _exam(SeriesDesign(FEW))
    lossy = _exam(SeriesDesign(FEW, dropouts=(Dropout(volume=3, slice=0, kept=0.25),)))
    grid = plain.scans["dwi"].grid
    ratio = to_work_order(lossy.scans["dwi"].data, grid)[0].sum(axis=(1, 2)) / to_work_order(
        plain.scans["dwi"].data, grid
    )[0].sum(axis=(1, 2))
    assert ratio == pytest.approx(lossy.truth["dwi"].series.kept.T, abs=0.01)
    assert np.argwhere(ratio < 0.5).tolist() == [[0, 3]]


def test_snr_is_that_of_white_matter_without_weighting():
    noisy, clean = _exam(SeriesDesign(FEW, snr=10.0), noise=1.0), _exam(SeriesDesign(FEW))
    bright = clean.scans["dwi"].data[..., 0] > 150
    difference = (noisy.scans["dwi"].data - clean.scans["dwi"].data)[bright, :3]
    assert difference.std() == pytest.approx(signal_row("b0")[16] / 10.0, rel=0.05)


def test_random_motion_has_the_size_asked_for_and_mean_zero():
    design = SeriesDesign(drift_mm=1.0, jitter_mm=0.3, pulsation_mm=0.2, turn_deg=2.0)
    motion = true_motion(design, 200, 14, np.random.default_rng(0))
    assert motion.shifts_mm.mean(axis=0) == pytest.approx(0.0, abs=1e-12)
    within = motion.shifts_mm - motion.shifts_mm.mean(axis=1, keepdims=True)
    assert within.std() == pytest.approx(0.2, rel=0.05)
    assert np.diff(motion.shifts_mm.mean(axis=1), axis=0).std() == pytest.approx(0.3 * np.sqrt(2), rel=0.1)
    assert 0.5 < np.ptp(motion.angles_deg) < 10
    assert motion.displacement_mm[0] == 0
    assert true_motion(SeriesDesign(), 5, 3, np.random.default_rng(0)).shifts_mm.max() == 0


def test_schemes_hold_their_shells_and_interleave():
    scheme = Scheme(n_b0=4, shells=((700.0, 12), (2000.0, 20)), interleaved=True).table()
    assert len(scheme) == 36
    assert np.flatnonzero(scheme.unweighted).tolist() == [0, 9, 18, 27]
    assert [(scheme.b_values == b).sum() for b in (700, 2000)] == [12, 20]
    lengths = np.linalg.norm(scheme.directions, axis=1)
    assert lengths == pytest.approx((scheme.b_values > 0).astype(float))
    assert (Scheme().table().directions == default_scheme().directions).all()


def test_moving_tells_how_far_it_is_and_may_be_stopped():
    design, seen = replace(healthy_design(1), series=SeriesDesign(FEW, moves=(Move(1.0),))), []
    small = replace(SHORT, shape=(12, 12, 3))
    make_exam(design, protocols=(small,), progress=lambda fraction, phrase: seen.append((fraction, phrase)))
    assert [fraction for fraction, _ in seen] == sorted(fraction for fraction, _ in seen)
    assert sum(phrase == "moving the cord" for _, phrase in seen) == 3

    def stop(fraction, phrase):
        if phrase == "moving the cord":
            raise Cancelled

    with pytest.raises(Cancelled):
        make_exam(design, protocols=(small,), progress=stop)


def test_long_series_has_the_matrix_of_a_cord_protocol():
    exam = make_exam(healthy_design(1), protocols=(replace(DWI_LONG, shape=(96, 36, 2)),))
    assert exam.scans["dwi_long"].data.shape == (96, 36, 2, 35)
    assert DWI_LONG.shape == (96, 36, 15)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Scheme(n_b0=0), "without weighting"),
        (lambda: Scheme(shells=((0.0, 6),)), "b > 0"),
        (lambda: SeriesDesign(jitter_mm=-1), "zero or more"),
        (lambda: SeriesDesign(snr=0), "SNR"),
        (lambda: _exam(SeriesDesign(FEW, moves=(Move(),) * 6)), "6 moves .* 5 volumes"),
        (lambda: _exam(SeriesDesign(FEW, moves=(Move(25.0),))), "more than 20 mm"),
        (lambda: _exam(SeriesDesign(FEW, dropouts=(Dropout(5, 0),))), "not in a series of 5 volumes of 3 slices"),
    ],
)
def test_impossible_series_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()

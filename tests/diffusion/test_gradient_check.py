"""A flipped or permuted gradient axis is found where the cord can tell, and a right table is never blamed."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.diffusion.continuity import fibre_continuity
from napari_spinalq.diffusion.gradient_check import (
    AS_GIVEN,
    CHANGES,
    changed_directions,
    check_gradients,
    corrected_gradients,
    describe_change,
)
from napari_spinalq.diffusion.tensor import fit_tensor
from napari_spinalq.phantom import make_exam
from napari_spinalq.phantom.anatomy import Pose
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.diffusion import default_scheme, tensor_signals
from napari_spinalq.phantom.protocol import PROTOCOLS

B0, FA, MD = np.array([270.0, 620.0]), np.array([0.7, 0.0]), np.array([0.95, 3.0])
"""White matter and CSF."""

OBLIQUE = (14.0, -6.0, 9.0)


class Cord:
    """A series of a bent cord of 5 mm radius whose course is known in closed form."""

    def __init__(self, grid, *, bend_deg=12.0, lean_deg=7.0, snr=20.0, seed=0):
        height = np.linspace(-35, 35, 141)
        slope_y, slope_x = np.tan(np.radians(bend_deg)) / 30, np.tan(np.radians(lean_deg))
        points = np.stack([slope_x * height, slope_y * height**2 / 2, height], axis=1)
        self.grid, self.course, self.scheme = grid, Centerline(points), default_scheme()
        places = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
        arc = self.course.nearest_arc(places)
        self.mask = np.linalg.norm(places - self.course.position(arc), axis=-1) < 5
        self.fibres = self.course.tangent(arc)
        random = np.random.default_rng(seed)
        shares = np.stack([self.mask, ~self.mask]).astype(float)
        clean = tensor_signals(shares, self.fibres, B0, FA, MD, self.scheme)
        noise = random.normal(0, B0[0] / snr, (2, *clean.shape))
        self.data = np.hypot(clean + noise[0], noise[1])
        self.fit = fit_tensor(self.data, self.scheme, self.mask, grid=grid)

    def turned(self, change):
        """Return the fit as it would be with a changed table."""
        direction = self.fit.direction.copy()
        direction[self.fit.mask] = changed_directions(direction[self.fit.mask].astype(float), self.grid, change)
        return replace(self.fit, direction=direction)

    def check(self, fit=None, course=None):
        return check_gradients(self.scheme, fit or self.fit, self.grid, self.mask, course or self.course)


def undoes(found, change, grid):
    """Tell whether the change that was found takes back the one that was made."""
    return takes_back((found.axes, found.signs), change, grid)


def takes_back(mended, change, grid):
    """Tell whether one change takes back another, but for the sign of all directions."""
    both = changed_directions(changed_directions(np.eye(3), grid, change), grid, mended)
    return np.allclose(both, np.eye(3), atol=1e-9) or np.allclose(both, -np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    ("codes", "turn"), [("LAS", (0, 0, 0)), ("RAS", (0, 0, 0)), ("PIR", (0, 0, 0)), ("LAS", OBLIQUE), ("SAR", OBLIQUE)]
)
def test_every_change_is_found_and_undone_where_the_cord_bends_and_leans(make_grid, codes, turn):
    cord = Cord(make_grid(codes, turn_deg=turn), lean_deg=14.0)
    healthy = cord.check()
    assert (healthy.axes, healthy.signs) == AS_GIVEN
    assert (healthy.flags, healthy.notes, healthy.margin) == ((), (), 1.0)
    assert healthy.score_as_given > 0.97
    for change in CHANGES[1:]:
        found = cord.check(cord.turned(change))
        assert undoes(found, change, cord.grid), describe_change(change)
        assert len(found.flags) == 1
        assert found.margin > 2
        assert found.deviation_best_deg < 3 < found.deviation_as_given_deg


def test_a_sagittal_stack_tells_as_well(make_grid):
    cord = Cord(make_grid("PIR", shape=(5, 20, 50), spacing_mm=(3.0, 1.2, 1.2)), lean_deg=10.0)
    assert (cord.check().flags, cord.check().notes) == ((), ())
    for change in CHANGES[1:]:
        assert undoes(cord.check(cord.turned(change)), change, cord.grid), describe_change(change)


@pytest.mark.parametrize(("snr", "seed"), [(10, 1), (15, 2), (30, 3)])
def test_every_change_is_found_at_low_and_high_signal_to_noise(make_grid, snr, seed):
    cord = Cord(make_grid(turn_deg=(10.0, 0.0, 0.0)), snr=snr, seed=seed)
    for change in CHANGES[1:]:
        assert undoes(cord.check(cord.turned(change)), change, cord.grid), describe_change(change)


def test_a_straight_cord_along_an_axis_tells_no_flip_and_accuses_nobody(make_grid):
    cord = Cord(make_grid(), bend_deg=0.0, lean_deg=0.0)
    for change in CHANGES:
        found = cord.check(cord.turned(change))
        turned = changed_directions(np.array([[0.0, 0.0, 1.0]]), cord.grid, change)
        if abs(turned[0, 2]) > 0.5:  # the cord stays along its axis
            assert (found.axes, found.signs) == AS_GIVEN
            assert found.flags == ()
        else:
            assert len(found.flags) == 1
            assert "cannot be told apart on this scan" in found.flags[0]
    assert "cannot be told on this scan" in cord.check().notes[0]
    assert "row 1 of bvec negated" in cord.check().notes[0]


def test_a_cord_that_bends_only_forward_and_back_leaves_left_and_right_open(make_grid):
    cord = Cord(make_grid(), lean_deg=0.0)
    x_flipped = ((0, 1, 2), (-1, 1, 1))
    found = cord.check(cord.turned(x_flipped))
    assert found.flags == ()
    assert found.notes[0].endswith("fibres too noisy) for: row 1 of bvec negated")
    flipped = cord.check(cord.turned(((0, 1, 2), (1, -1, 1))))
    assert "row 2 of bvec negated" in flipped.flags[0]
    assert "row 3 of bvec negated" in flipped.flags[0]


def test_x_negated_too_often_is_named_and_the_table_mended(make_grid):
    cord = Cord(make_grid("RAS"), lean_deg=10.0)
    wrong = replace(cord.scheme, directions=cord.scheme.directions * [-1, 1, 1])
    fit = fit_tensor(cord.data, wrong, cord.mask, grid=cord.grid)
    found = check_gradients(wrong, fit, cord.grid, cord.mask, cord.course)
    assert "x is negated once too often or not at all" in found.flags[0]
    assert "FA and MD are not affected" in found.flags[0]
    assert fit.fa[cord.mask] == pytest.approx(cord.fit.fa[cord.mask], abs=1e-6)
    assert fit.md[cord.mask] == pytest.approx(cord.fit.md[cord.mask], abs=1e-6)
    mended = corrected_gradients(wrong, cord.grid, found)
    assert mended.directions == pytest.approx(cord.scheme.directions)


def test_a_change_of_some_volumes_alone_does_change_fa(make_grid):
    cord = Cord(make_grid(), snr=50)
    some = cord.scheme.directions.copy()
    some[5::2] *= [1, -1, 1]
    fit = fit_tensor(cord.data, replace(cord.scheme, directions=some), cord.mask, grid=cord.grid)
    assert np.nanmean(np.abs(fit.fa - cord.fit.fa)) > 0.01


def test_refitting_with_a_changed_table_turns_the_fibres_as_said(make_grid):
    cord = Cord(make_grid("PIR", turn_deg=OBLIQUE))
    change = ((2, 0, 1), (1, -1, 1))
    wrong = replace(cord.scheme, directions=changed_directions(cord.scheme.directions, cord.grid, change))
    fit = fit_tensor(cord.data, wrong, cord.mask, grid=cord.grid)
    expected = cord.turned(change).direction[cord.mask]
    assert np.abs((fit.direction[cord.mask] * expected).sum(-1)) == pytest.approx(np.ones(cord.mask.sum()), abs=1e-5)
    series = check_gradients(wrong, cord.data, cord.grid, cord.mask, cord.course)
    assert (series.axes, series.signs) == (cord.check(fit).axes, cord.check(fit).signs)


def test_vectors_along_the_cord_serve_as_well_as_its_centerline(make_grid):
    cord = Cord(make_grid())
    vectors = check_gradients(cord.scheme, cord.fit, cord.grid, cord.mask, 3.0 * cord.fibres)
    assert vectors.score_as_given == pytest.approx(cord.check().score_as_given, abs=1e-9)


def test_no_false_alarm_over_healthy_draws_with_bent_images(make_grid):
    """Distortion moves the cord of an echo-planar image forward and back by up to 1 mm with the vertebrae (35 mm)."""
    random = np.random.default_rng(5)
    for seed, (snr, bend, lean) in enumerate(product((10, 20, 30), (0.0, 4.0, 8.0, 15.0), (0.0, 2.0, 5.0))):
        cord = Cord(make_grid(turn_deg=random.uniform(-12, 12, 3)), bend_deg=bend, lean_deg=lean, snr=snr, seed=seed)
        points = cord.course.points_mm.copy()
        points[:, 1] += np.sin(2 * np.pi * (points[:, 2] / 35 + random.uniform()))
        found = cord.check(course=fit_centerline(points[::10]))
        assert (found.axes, found.signs, found.flags) == (*AS_GIVEN, ())


def test_without_fibres_nothing_is_said(make_grid):
    cord = Cord(make_grid())
    isotropic = replace(cord.fit, fa=np.where(cord.mask, 0.1, np.nan).astype(np.float32))
    assert "too few anisotropic voxels" in cord.check(isotropic).notes[0]
    random = np.random.default_rng(0).normal(size=cord.fit.direction.shape)
    random /= np.linalg.norm(random, axis=-1, keepdims=True)
    noise = cord.check(replace(cord.fit, direction=random.astype(np.float32)))
    assert noise.flags == ()
    assert noise.notes


def test_fibres_go_on_along_the_cord_and_leave_it_askew(make_grid):
    cord = Cord(make_grid(), snr=1e6, bend_deg=0.0, lean_deg=0.0)
    fibres, weights = cord.fit.direction[cord.mask].astype(float), np.ones(cord.mask.sum())
    along = fibre_continuity(fibres, fibres, weights, cord.mask, cord.grid)
    assert along == pytest.approx(1.0, abs=1e-3)
    across = np.tile([1.0, 0.0, 0.0], (len(fibres), 1))
    assert fibre_continuity(fibres, across, weights, cord.mask, cord.grid) == 0.0
    # 45 degrees moves 5 mm a slice: two discs of 5 mm radius whose centres lie 5 mm apart share 39 % of their area
    oblique = np.tile(np.array([1.0, 0.0, 1.0]) / np.sqrt(2), (len(fibres), 1))
    assert fibre_continuity(fibres, oblique, weights, cord.mask, cord.grid) == pytest.approx(0.39, abs=0.04)


def test_changes_are_24_and_differ():
    assert len(set(CHANGES)) == 24
    assert CHANGES[0] == AS_GIVEN
    assert describe_change(AS_GIVEN) == "no change"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "noise", "oblique", "roll"), [(1, 1.0, True, 0.0), (2, 2.5, False, 9.0), (3, 2.0, True, -8.0)]
)
def test_on_a_simulated_exam_segmented_as_any_other(seed, noise, oblique, roll):
    """SNR 30 to 10; a cord that leans tells left from right, one that does not says so."""
    protocol = next(one for one in PROTOCOLS if one.name == "dwi")
    design = replace(healthy_design(seed), noise=noise, pose=Pose(roll_deg=roll))
    exam = make_exam(design, contrasts=["dwi"], protocols=[replace(protocol, oblique=oblique)])
    scan, gradients = exam.scans["dwi"], exam.gradients
    cord = segment_cord(scan)
    fit = fit_tensor(scan.data, gradients, cord.mask, grid=scan.grid, cord=cord.mask)
    healthy = check_gradients(gradients, fit, scan.grid, cord.mask, cord.centerline)
    assert (healthy.axes, healthy.signs, healthy.flags) == (*AS_GIVEN, ())
    assert fit.flags == ()
    for change in CHANGES[1:]:
        direction = fit.direction.copy()
        direction[fit.mask] = changed_directions(direction[fit.mask].astype(float), scan.grid, change)
        found = check_gradients(gradients, replace(fit, direction=direction), scan.grid, cord.mask, cord.centerline)
        open_left_right = change == ((0, 1, 2), (-1, 1, 1)) and roll == 0
        assert any(takes_back(one, change, scan.grid) for one in [(found.axes, found.signs), *found.alike])
        assert len(found.alike) <= 3
        assert bool(found.flags) != open_left_right

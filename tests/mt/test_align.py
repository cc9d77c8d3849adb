from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.mt.align import align_pair
from napari_spinalq.registration.slicewise.frame import slice_frame
from napari_spinalq.scan import Scan
from tests.diffusion.moving_cord import T1W, Stack, fractions, grid, motion, mt_image, rms

SHIFT = motion(6, 7, seed=2, jump_mm=1.5)[1]


def pair(codes="LAS", tilt=0.0, **changes):
    on = grid(codes, tilt_deg=tilt)
    fixed = mt_image(on, np.zeros_like(SHIFT), on=False, seed=1)
    share = fractions(Stack(on).places)
    mask = slice_frame(on).unstacked((share[0] + share[1] > 0.5).astype(np.uint8), on)
    return fixed, mt_image(on, SHIFT, on=True, seed=2, **changes), mask


@pytest.mark.parametrize(("codes", "tilt"), [("LAS", 0), ("RAS", 0), ("PIR", 0), ("LAS", 20)])
def test_a_known_shift_between_contrasts_is_found(codes, tilt):
    fixed, moving, mask = pair(codes, tilt)
    aligned, found = align_pair(fixed, moving, mask)
    assert found.shifts_mm.shape == (1, 7, 2)
    assert rms(found.shifts_mm[0] - SHIFT) < 0.1
    assert aligned.grid == fixed.grid
    assert aligned.data.shape == fixed.data.shape


def test_a_t1w_image_with_dark_csf_is_aligned_to_one_with_bright_csf():
    fixed, _, mask = pair()
    moving = mt_image(fixed.grid, SHIFT, levels=T1W, seed=2)
    assert rms(align_pair(fixed, moving, mask)[1].shifts_mm[0] - SHIFT) < 0.15
    # Cord and CSF differ more in the T1w image: shifts are sharper where it is the one to predict from.
    assert rms(align_pair(moving, fixed, mask)[1].shifts_mm[0] + SHIFT) < 0.08


def test_there_and_back_are_opposite():
    fixed, moving, mask = pair()
    there, back = (align_pair(*two, mask)[1].shifts_mm for two in ((fixed, moving), (moving, fixed)))
    np.testing.assert_allclose(there, -back, atol=0.12)


def test_the_ratio_of_the_aligned_pair_is_that_of_the_tissue():
    fixed, moving, mask = pair(noise_sd=None)
    off, on = (mt_image(fixed.grid, np.zeros_like(SHIFT), on=pulse, noise_sd=None) for pulse in (False, True))
    aligned, _ = align_pair(off, moving, mask)
    truth, before, after = (1 - np.asarray(one.data / off.data)[mask > 0] for one in (on, moving, aligned))
    assert rms(before - truth) > 0.05
    assert rms(after - truth) < 0.01


def test_other_grids_are_brought_together_by_position():
    fixed, _, mask = pair()
    other = grid("PIR", shape=(9, 56, 50), spacing=(4.0, 0.8, 0.9))
    # Both grids are built from their first voxel: put the middles in one place.
    middle = [one.voxel_to_mm((np.asarray(one.shape) - 1) / 2) for one in (fixed.grid, other)]
    affine = other.affine.copy()
    affine[:3, 3] += middle[0] - middle[1]
    other = Grid(other.shape, affine)
    moving = mt_image(other, np.tile([0.8, -0.6], (9, 1)), on=True)
    aligned, found = align_pair(fixed, moving, mask)
    np.testing.assert_allclose(np.median(found.shifts_mm[0], axis=0), [0.8, -0.6], atol=0.1)
    assert np.isfinite(aligned.data[mask > 0]).mean() > 0.9


def test_places_that_are_not_covered_are_not_known():
    fixed, moving, mask = pair()
    cut = Scan(moving.data[:, :30], moving.grid.cropped((0, 0, 0), (44, 30, 7)), moving.contrast)
    aligned, _ = align_pair(fixed, cut, mask)
    assert np.isnan(aligned.data[:, 31:]).all()
    assert np.isfinite(aligned.data[:, :30]).all()


def test_a_turn_is_found():
    fixed, _, mask = pair()
    moving = mt_image(fixed.grid, SHIFT, on=True, angles_deg=np.full(7, 4.0))
    found = align_pair(fixed, moving, mask, rotation=True)[1]
    np.testing.assert_allclose(found.angles_deg, 4.0, atol=0.8)


def test_bad_input_is_refused():
    fixed, moving, mask = pair()
    with pytest.raises(InputError, match="single volumes"):
        align_pair(fixed, replace(moving, data=np.stack([moving.data] * 2, axis=-1)), mask)
    with pytest.raises(InputError, match="not numbers"):
        align_pair(fixed, replace(moving, data=np.full(moving.data.shape, -np.inf)), mask)
    away = moving.grid.affine.copy()
    away[:3, 3] += 500
    with pytest.raises(InputError, match="does not cover the cord"):
        align_pair(fixed, replace(moving, grid=Grid(moving.grid.shape, away)), mask)


@pytest.mark.realdata
def test_a_real_pair_is_aligned_and_agrees_both_ways(sct_testing):
    from napari_spinalq.io.nifti import load_scan

    off, on, mask = (load_scan(sct_testing / "mt" / f"{name}.nii.gz") for name in ("mt0", "mt1", "mt1_seg"))
    there, back = (align_pair(*two, np.asarray(mask.data))[1].shifts_mm for two in ((on, off), (off, on)))
    np.testing.assert_allclose(there, -back, atol=0.1)
    assert np.abs(there).max() < 2.0

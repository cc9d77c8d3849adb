"""Bending an atlas to measured grey matter: a known bend comes back, and tracts come along."""

from pathlib import Path

import numpy as np
import pytest

from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.tracts.atlas import MAP_AXIS
from napari_spinalq.tracts.bend import MODES, bend_modes, bent, fit_bend
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.fit import fit_atlas, fit_quality
from tests.tracts.conftest import Ellipse, centred_grid, overlap

INSIDE = np.hypot(MAP_AXIS[:, None], MAP_AXIS) <= 1


def test_no_bend_leaves_the_maps():
    maps = builtin_atlas().level_maps(4)
    np.testing.assert_allclose(bent(maps, np.zeros(MODES))[:, INSIDE], maps[:, INSIDE], atol=1e-5)


def test_bends_leave_the_outline_in_place():
    radius = np.hypot(MAP_AXIS[:, None], MAP_AXIS)
    assert np.abs(bend_modes()[:, :, radius > 1.05]).max() == 0
    assert np.abs(bend_modes()[:, :, radius < 0.5]).max() > 0.03


def test_bent_parts_still_divide_the_cord():
    weights = np.random.default_rng(1).normal(0, 1, MODES)
    np.testing.assert_allclose(bent(builtin_atlas().level_maps(4), weights).sum(axis=0), 1.0, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_tracts_follow_a_known_bend_that_only_grey_matter_shows(seed):
    atlas = builtin_atlas()
    maps = atlas.level_maps(4) * INSIDE
    truth = bent(maps, np.random.default_rng(seed).normal(0, 1, MODES))
    grey, seen = (one[atlas.grey].sum(axis=0).astype(float) for one in (maps, truth))
    found = bent(maps, fit_bend(grey, seen, voxel_share=16.0))
    assert overlap(found[atlas.grey].sum(axis=0), seen) > max(0.93, overlap(grey, seen))
    white = [index for index, is_grey in enumerate(atlas.grey) if not is_grey]
    before = np.mean([overlap(maps[index], truth[index]) for index in white])
    after = np.mean([overlap(found[index], truth[index]) for index in white])
    assert after > before + 0.02


def test_a_measured_grey_matter_is_met_and_nothing_else_changes():
    """Grey matter of the thoracic cord in a cord that is said to be cervical."""
    grid = centred_grid(shape=(40, 28, 5), spacing=(0.5, 0.5, 5.0))
    mask = Ellipse().share(grid)
    atlas = builtin_atlas()
    measured = fit_atlas(atlas, mask, np.full(5, 13), grid).fraction("grey_matter")
    plain = fit_atlas(atlas, mask, np.full(5, 5), grid)
    met = fit_atlas(atlas, mask, np.full(5, 5), grid, grey_matter=measured)
    assert fit_quality(met, mask, grid, measured).grey_matter_dice > 0.9
    assert fit_quality(plain, mask, grid, measured).grey_matter_dice < 0.85
    np.testing.assert_allclose(met.fraction("cord"), plain.fraction("cord"), atol=1e-4)
    np.testing.assert_allclose(met.fraction("csf"), plain.fraction("csf"), atol=1e-4)


def test_grey_matter_is_looked_for_in_a_scan_that_shows_it():
    """A digital T2* scan: bending by what it shows brings the atlas nearer to the true grey matter."""
    folder = Path(__file__).parents[2] / "sample_data"
    scan = load_scan(folder / "sub-healthy01" / "anat" / "sub-healthy01_T2star.nii.gz")
    stem = folder / "derivatives" / "truth" / "sub-healthy01" / "anat" / "sub-healthy01_T2star_label-"
    cord, grey, levels = (
        np.asarray(load_scan(f"{stem}{name}.nii.gz").data) for name in ("cord_probseg", "GM_probseg", "levels_dseg")
    )
    known, _ = to_work_order(levels.astype(int), scan.grid)
    slice_levels = [int(np.bincount(plane[plane > 0]).argmax()) if plane.any() else 0 for plane in known]
    plain, met = (fit_atlas(builtin_atlas(), cord, np.array(slice_levels), scan.grid, scan=one) for one in (None, scan))
    before, after = (fit_quality(maps, cord, scan.grid, grey).grey_matter_dice for maps in (plain, met))
    assert after > before + 0.01


def test_a_slice_without_measured_grey_matter_leans_on_its_neighbours():
    grid = centred_grid(shape=(40, 28, 5), spacing=(0.5, 0.5, 5.0))
    mask = Ellipse().share(grid)
    atlas = builtin_atlas()
    measured = fit_atlas(atlas, mask, np.full(5, 13), grid).fraction("grey_matter").copy()
    truth = measured[..., 2].copy()
    measured[..., 2] = 0
    plain = fit_atlas(atlas, mask, np.full(5, 5), grid).fraction("grey_matter")[..., 2]
    bent_maps = fit_atlas(atlas, mask, np.full(5, 5), grid, grey_matter=measured)
    assert bent_maps.flags == ("no grey matter measured in slices 2: tracts there follow their neighbours",)
    filled = bent_maps.fraction("grey_matter")[..., 2]
    assert filled.sum() > 5
    assert overlap(filled, truth) > overlap(plain, truth)

"""An atlas laid over cords of known shape: where parts lie, how much they hold, what is refused."""

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.anatomy.tract_figures import tract_figures
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.fit import CSF_RING_MM, fit_atlas, fit_quality
from tests.tracts.conftest import Ellipse, centred_grid, centroid_mm

CORD = Ellipse()


def fitted(grid, cord=CORD, level=4, **more):
    mask = cord.share(grid)
    slices = grid.reoriented("SAR").shape[0]
    return fit_atlas(builtin_atlas(), mask, np.full(slices, level), grid, **more), mask


@pytest.mark.parametrize(
    ("codes", "turn_deg"), [("LAS", 0), ("RAS", 0), ("PIR", 0), ("SAL", 0), ("LPI", 12), ("RAS", -10)]
)
def test_each_part_lies_where_its_figures_say_on_every_grid(codes, turn_deg):
    grid = centred_grid(codes, shape=(36, 36, 3), turn_deg=turn_deg)
    maps, _ = fitted(grid)
    for name in ("lateral_cst", "gracilis", "ventral_horn", "spinothalamic"):
        known = tract_figures()[4][name]
        for side, sign in (("left", -1), ("right", 1)):
            place = centroid_mm(maps.fraction(f"{name}_{side}"), grid)
            assert place[:2] == pytest.approx((sign * 6.0 * known.x, 3.7 * known.y), abs=0.15), (name, side)


def test_volumes_are_the_stated_share_of_the_cord(grid):
    maps, mask = fitted(grid)
    for name in ("lateral_cst", "cuneatus", "anterolateral", "dorsal_horn"):
        share = maps.fraction(f"{name}_left").sum() / mask.sum()
        assert share == pytest.approx(tract_figures()[4][name].area_fraction, rel=0.06), name


def test_shares_never_exceed_a_voxel_and_fill_the_cord(grid):
    maps, mask = fitted(grid)
    total = maps.fractions.sum(axis=0)
    assert maps.fractions.dtype == np.float32
    assert maps.fractions.min() >= 0
    assert total.max() <= 1 + 1e-5
    np.testing.assert_allclose(total[mask > 0], 1.0, atol=1e-5)


@pytest.mark.parametrize("lean", [(0.0, 0.0), (0.0, 0.36), (0.2, -0.3)])
def test_partial_volume_is_that_of_a_leaning_cord(lean):
    """Thick slices of a cord that leans by 20 degrees: true shares come from fine sampling of the ellipse."""
    cord, grid = Ellipse(lean_x=lean[0], lean_y=lean[1]), centred_grid(shape=(36, 34, 5))
    maps, truth = fitted(grid, cord)
    error = maps.fraction("cord") - truth
    assert np.sqrt(np.mean(error[truth > 0] ** 2)) < 0.03
    assert maps.fraction("cord").sum() == pytest.approx(truth.sum(), rel=0.01)


def test_a_binary_mask_gives_back_the_area_and_nearly_the_true_partial_volume(grid):
    truth = CORD.share(grid)
    maps = fit_atlas(builtin_atlas(), (truth >= 0.5).astype(np.uint8), np.full(5, 4), grid)
    assert maps.fraction("cord").sum() == pytest.approx((truth >= 0.5).sum(), rel=0.01)
    edge = (truth > 0) & (truth < 1)
    assert np.abs(maps.fraction("cord") - truth)[edge].mean() < 0.6 * np.abs((truth >= 0.5) - truth)[edge].mean()


def test_a_turned_cord_turns_its_tracts(grid):
    cord = Ellipse(turn_deg=15)
    maps, _ = fitted(grid, cord)
    place = centroid_mm(maps.fraction("lateral_cst_right"), grid)
    known = tract_figures()[4]["lateral_cst"]
    x, y = cord.place(place)
    assert (x, y) == pytest.approx((known.x, known.y), abs=0.03)


def test_csf_is_the_ring_around_the_cord(grid):
    maps, mask = fitted(grid)
    csf = maps.fraction("csf")
    np.testing.assert_allclose(csf[mask > 0], 1 - mask[mask > 0], atol=0.06)
    radius = np.array([np.hypot(*CORD.place(grid.voxel_to_mm(index))) for index in np.argwhere(csf > 0)])
    assert radius.max() <= 1 + (CSF_RING_MM + 0.5) / 3.7
    assert csf.sum() > 0.5 * mask.sum()


def test_csf_follows_a_canal_that_is_given(grid):
    canal = CORD.share(grid, lambda x, y: np.hypot(x * 6 / 9, y * 3.7 / 6.5) <= 1)
    maps, mask = fitted(grid, canal=canal)
    np.testing.assert_allclose(maps.fraction("csf"), np.clip(canal - mask, 0, 1), atol=0.06)


def test_slices_beyond_the_atlas_stay_empty_and_are_flagged(grid):
    mask = CORD.share(grid)
    maps = fit_atlas(builtin_atlas(), mask, np.array([22, 22, 21, 20, 20]), grid)
    assert not maps.fractions[..., :2].any()
    assert maps.fractions[..., 3:].any()
    assert any("the atlas covers C1 to L1 only" in flag for flag in maps.flags)


def test_stray_pieces_of_the_mask_move_nothing(grid):
    mask = CORD.share(grid)
    with_stray = mask.copy()
    with_stray[1:3, 1, 2] = 1.0
    clean, stray = (fit_atlas(builtin_atlas(), one, np.full(5, 4), grid) for one in (mask, with_stray))
    np.testing.assert_array_equal(stray.fractions, clean.fractions)
    assert stray.flags == ("the cord mask has stray pieces in slices 2: tracts follow the largest piece",)
    assert clean.flags == ()


def test_unknown_levels_are_flagged(grid):
    assert "mid-cervical" in fit_atlas(builtin_atlas(), CORD.share(grid), None, grid).flags[0]


@pytest.mark.parametrize("unknown", [-np.inf, np.nan])
def test_voxels_without_a_value_beside_or_in_the_cord_bend_no_tract(unknown):
    """Ratio maps hold -inf and NaN where there was no signal: what is seen elsewhere still counts."""
    grid = centred_grid("LAS", shape=(48, 48, 6), spacing=(0.5, 0.5, 3.0))
    plain, mask = fitted(grid)
    noise = np.random.default_rng(0).normal(0, 0.5, grid.shape)
    known = (40 + 10 * plain.fraction("white_matter") + noise).astype(np.float32)
    spoiled = np.where(mask > 0, known, unknown)
    spoiled[24, 24, 2] = unknown
    expected, _ = fitted(grid, scan=Scan(known, grid))
    found, _ = fitted(grid, scan=Scan(spoiled, grid))
    assert np.isfinite(found.fractions).all()
    assert np.abs(expected.fractions - plain.fractions).max() > 0.02  # grey matter is seen, and bends the atlas
    assert np.abs(found.fractions - expected.fractions).mean(where=mask > 0) < 2e-3


def test_the_source_mask_is_not_written(grid):
    mask = CORD.share(grid)
    before = mask.copy()
    mask.setflags(write=False)
    fit_atlas(builtin_atlas(), mask, np.full(5, 4), grid)
    np.testing.assert_array_equal(mask, before)


def test_quality_of_a_fit(grid):
    maps, mask = fitted(grid)
    quality = fit_quality(maps, mask, grid, maps.fraction("grey_matter"))
    assert quality.cord_dice > 0.98
    assert quality.grey_matter_dice == 1.0
    assert np.isnan(fit_quality(maps, mask, grid).grey_matter_dice)


@pytest.mark.parametrize(
    ("mask", "match"),
    [
        (np.zeros((28, 22, 5)), "no cross-section"),
        (np.ones((2, 2, 2)), r"has shape \(2, 2, 2\)"),
        (np.full((28, 22, 5), 3.0), "outside 0 to 1"),
        (np.full((28, 22, 5), np.nan), "outside 0 to 1"),
    ],
)
def test_masks_that_are_no_cord_are_refused(grid, mask, match):
    with pytest.raises(InputError, match=match):
        fit_atlas(builtin_atlas(), mask, np.full(5, 4), grid)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "level", "first", "count"), [("C2", 2, 908, 31), ("C4", 4, 834, 37), ("C7", 7, 736, 34)]
)
def test_fitted_to_the_template_each_tract_has_the_size_and_place_measured_there(shared, name, level, first, count):
    """Measured on its voxels, in an ellipse's coordinates; parts at the rim and in the fissure have looser limits."""
    names = {
        "gracilis": "gracilis", "cuneatus": "cuneatus", "lateral_CST": "lateral_cst", "ventral_CST": "ventral_cst",
        "spinal_lemniscus": "spinothalamic", "ventral_spinocerebellar": "spinocerebellar_ventral",
        "GM_ventral_horn": "ventral_horn", "GM_intermediate": "intermediate", "GM_dorsal_horn": "dorsal_horn",
    }  # fmt: skip
    at_the_edge = ("ventral_CST", "ventral_spinocerebellar")
    table = pd.read_csv(shared / "anatomy" / "tract_geometry_by_level.csv").set_index(["level", "side", "structure"])
    scan = load_mask(shared / "data" / "pam50" / "template" / "PAM50_cord.nii.gz")
    grid = scan.grid.cropped((45, 50, first), (51, 45, count))
    mask = np.asarray(scan.data)[45:96, 50:95, first : first + count]
    maps = fit_atlas(builtin_atlas(), mask, np.full(count, level), grid)
    cord, _ = to_work_order(mask, grid)
    for theirs, ours in names.items():
        share, _ = to_work_order(maps.fraction(f"{ours}_right"), grid)
        found = np.mean([_in_an_ellipse(*planes) for planes in zip(share, cord, strict=True)], axis=0)
        known = table.loc[(name, "R", theirs)]
        assert found[0] == pytest.approx(known.area_fraction, rel=0.15 if theirs in at_the_edge else 0.05), theirs
        assert found[1:] == pytest.approx((known.centroid_x, known.centroid_y), abs=0.04), theirs


def _in_an_ellipse(share, cord):
    """Return a part's share of the cord, and its centroid normalised by the ellipse of the cord's moments."""
    y, x = np.nonzero(cord)
    rows, columns = np.indices(share.shape)
    places = [
        ((grid - axis.mean()) / (2 * np.sqrt(axis.var() + 1 / 12)) * share).sum() / share.sum()
        for grid, axis in ((columns, x), (rows, y))
    ]
    return [share.sum() / len(x), *places]

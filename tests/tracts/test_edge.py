"""The edge of the cord measured in a series: found from a wrong outline, in every axis order, no farther than due."""

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.phantom import diffusion
from napari_spinalq.phantom.corruption import add_rician_noise
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.edge import REACH_MM, cord_share, fit_atlas_to_series, measured_edge
from napari_spinalq.tracts.maps import Side, Tract, TractMaps, TractTissue
from napari_spinalq.tracts.signals import Reading, extract_diffusion

SCHEME = diffusion.default_scheme()
SHAPE = (24, 20, 3)
GRID = Grid(SHAPE, np.diag([1.0, 1.0, 5.0, 1.0]))
LEVELS = (4, 4, 4)
TRACTS = tuple(
    Tract(key, key, side, tissue)
    for key, side, tissue in (
        ("cst_left", Side.LEFT, TractTissue.WM),
        ("cst_right", Side.RIGHT, TractTissue.WM),
        ("grey", Side.BOTH, TractTissue.GM),
        ("csf", Side.BOTH, TractTissue.CSF),
    )
)
B0, FA, MD = np.array([270.0, 270, 300, 620]), np.array([0.70, 0.55, 0.45, 0.0]), np.array([0.95, 1.05, 0.86, 3.0])


def ellipse(half_rl, half_ap):
    """Return the share of each voxel within an ellipse, from 10 x 10 points."""
    offsets = (np.arange(10) + 0.5) / 10 - 0.5
    x = (np.arange(SHAPE[0])[:, None] + offsets).ravel() - 11.7
    y = (np.arange(SHAPE[1])[:, None] + offsets).ravel() - 9.4
    inside = (x[:, None] / half_rl) ** 2 + (y[None] / half_ap) ** 2 < 1
    plane = inside.reshape(SHAPE[0], 10, SHAPE[1], 10).mean(axis=(1, 3))
    return np.repeat(plane[..., None], SHAPE[2], axis=2)


def parts(cord, grey, canal):
    left = np.zeros(SHAPE)
    left[:12] = 1
    shares = np.stack([(cord - grey) * left, (cord - grey) * (1 - left), grey, np.maximum(canal - cord, 0)])
    return TractMaps(TRACTS, (), shares.astype(np.float32), "made up")


CANAL = ellipse(10.5, 9.0)
TRUTH = parts(ellipse(6.5, 4.2), ellipse(2.6, 1.8), CANAL)
FIBRES = np.broadcast_to(np.array([0.0, 0.0, 1.0]), (*SHAPE, 3))
CLEAN = diffusion.tensor_signals(TRUTH.fractions.astype(float), FIBRES, B0, FA, MD, SCHEME)
SERIES = add_rician_noise(CLEAN, 13.5, np.random.default_rng(0))


def wrong(half_rl, half_ap, *, binary=False):
    cord = ellipse(half_rl, half_ap)
    return parts((cord >= 0.5).astype(float) if binary else cord, ellipse(2.6, 1.8) * (cord > 0.9), CANAL)


def error(tracts):
    edge = (cord_share(TRUTH) > 0) | (cord_share(tracts) > 0)
    return float(np.sqrt(np.mean((cord_share(tracts) - cord_share(TRUTH))[edge] ** 2)))


@pytest.mark.parametrize(
    "start",
    [wrong(6.5, 4.2), wrong(6.5, 4.2, binary=True), wrong(5.7, 3.5), wrong(5.9, 3.6, binary=True), wrong(7.2, 4.8)],
)
def test_the_edge_is_found_from_an_outline_that_is_up_to_a_voxel_off(start):
    found = measured_edge(SERIES, start, slice_levels=LEVELS, grid=GRID)
    assert error(found) < 0.05
    assert error(found) < max(0.3 * error(start), 0.02)
    np.testing.assert_allclose(found.fractions.sum(axis=0), start.fractions.sum(axis=0), atol=1e-5)
    assert found.fractions.min() >= 0


def test_a_measured_edge_frees_the_tracts_from_fluid():
    def values(tracts):
        found = extract_diffusion(
            SERIES,
            SCHEME,
            tracts,
            Reading(LEVELS, GRID, structures=["cst_left", "cst_right"], draws=2),
            metrics=("md",),
        )
        return np.array([value.value for value in found]) / MD[:2] - 1

    start = wrong(7.2, 4.8, binary=True)
    measured = measured_edge(SERIES, start, slice_levels=LEVELS, grid=GRID)
    assert np.abs(values(start)).max() > 0.05
    assert np.abs(values(measured)).max() < 0.03


def test_coil_gain_does_not_pass_for_an_edge():
    gain = np.exp(-0.03 * (np.arange(SHAPE[1]) - 9.4))[None, :, None, None]  # 25 % from back to front of the cord
    found = measured_edge(SERIES * gain, wrong(6.5, 4.2, binary=True), slice_levels=LEVELS, grid=GRID)
    assert error(found) < 0.04


def test_far_from_the_outline_nothing_changes():
    start = wrong(6.5, 4.2)
    found = measured_edge(SERIES, start, slice_levels=LEVELS, grid=GRID)
    away = ellipse(6.5 + REACH_MM + 1, 4.2 + REACH_MM + 1) == 0
    np.testing.assert_array_equal(found.fractions[:, away], start.fractions[:, away])
    deep = ellipse(3.0, 2.0) > 0.5
    np.testing.assert_array_equal(found.fractions[:, deep], start.fractions[:, deep])


def test_a_voxel_that_is_neither_keeps_its_share():
    series = SERIES.copy()
    series[5, 9] = 1.0  # a dark vessel at the edge
    start = wrong(6.5, 4.2)
    found = measured_edge(series, start, slice_levels=LEVELS, grid=GRID)
    np.testing.assert_allclose(found.fractions[:, 5, 9].sum(axis=0), start.fractions[:, 5, 9].sum(axis=0), atol=1e-5)
    np.testing.assert_allclose(cord_share(found)[5, 9], cord_share(start)[5, 9], atol=1e-5)


@pytest.mark.parametrize("codes", ["LAS", "PIR", "SAR"])
def test_the_edge_does_not_depend_on_the_axis_order_of_the_file(codes):
    start = wrong(5.9, 3.6)
    expected = measured_edge(SERIES, start, slice_levels=LEVELS, grid=GRID)
    turned, grid = reorient_array(SERIES, GRID, codes)
    shares = np.stack([reorient_array(part, GRID, codes)[0] for part in start.fractions])
    found = measured_edge(turned, TractMaps(TRACTS, (), shares, ""), slice_levels=LEVELS, grid=grid)
    for part, known in zip(found.fractions, expected.fractions, strict=True):
        np.testing.assert_allclose(reorient_array(part, grid, "RAS")[0], known, atol=1e-5)


def test_the_given_atlas_is_left_as_it_was():
    start = wrong(5.9, 3.6)
    before = start.fractions.copy()
    measured_edge(SERIES, start, slice_levels=LEVELS, grid=GRID)
    np.testing.assert_array_equal(start.fractions, before)


def test_the_atlas_is_laid_over_the_cord_as_the_series_shows_it():
    small, large = ((ellipse(*axes) >= 0.5).astype(np.float32) for axes in ((5.9, 3.6), (7.0, 4.7)))
    first, second = (
        fit_atlas_to_series(builtin_atlas(), mask, SERIES, slice_levels=LEVELS, grid=GRID) for mask in (small, large)
    )
    assert error(first) < 0.05
    key = "lateral_cst_left"
    volumes = [float(one.fraction(key).sum()) for one in (first, second)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.05), "the outline that was given no longer matters"


@pytest.mark.parametrize("series", [SERIES[..., 0], SERIES[..., :1], SERIES[:5]])
def test_a_series_that_does_not_fit_is_refused(series):
    with pytest.raises(InputError, match="two volumes or more"):
        measured_edge(series, TRUTH, slice_levels=LEVELS, grid=GRID)


def test_without_fluid_away_from_the_edge_the_outline_stays():
    start = wrong(6.5, 4.2, binary=True)
    only_ring = start.fractions * (ellipse(7.0, 4.7) > 0.2)
    tight = TractMaps(TRACTS, (), only_ring.astype(np.float32), "made up")
    found = measured_edge(SERIES, tight, slice_levels=LEVELS, grid=GRID)
    np.testing.assert_array_equal(found.fractions, tight.fractions)

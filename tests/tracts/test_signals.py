"""Diffusion from unmixed signals: exact without noise, free of fluid, with intervals that hold what they say."""

import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.gradients import GradientTable
from napari_spinalq.mt.mtsat import mtsat
from napari_spinalq.mt.parameters import Excitation, MtParameters
from napari_spinalq.phantom import diffusion
from napari_spinalq.phantom.corruption import add_rician_noise
from napari_spinalq.phantom.spoiled_echo import steady_signal
from napari_spinalq.tracts.extract import extract
from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractMaps, TractTissue
from napari_spinalq.tracts.signals import Reading, extract_diffusion, extract_mtr, extract_mtsat
from napari_spinalq.tracts.tract_tensor import series_noise_sd, tensor_measures, without_floor
from napari_spinalq.tracts.values import Method

SCHEME = diffusion.default_scheme()
PARTS = ("cst_left", "cst_right", "grey", "csf")
TISSUES = (TractTissue.WM, TractTissue.WM, TractTissue.GM, TractTissue.CSF)
B0, FA, MD = np.array([270.0, 270, 300, 620]), np.array([0.70, 0.55, 0.45, 0.0]), np.array([0.95, 1.05, 0.86, 3.0])
SHAPE, SLICE_LEVELS = (12, 8, 4), (5, 5, 4, 4)
GRID = Grid(SHAPE, np.diag([1.0, 1.0, 5.0, 1.0]))
UP = np.array([0.0, np.sin(0.2), np.cos(0.2)])


def make_tracts() -> TractMaps:
    shares = np.random.default_rng(0).dirichlet(np.full(4, 0.7), size=SHAPE)
    tracts = tuple(Tract(key, key, Side.BOTH, tissue) for key, tissue in zip(PARTS, TISSUES, strict=True))
    group = TractGroup("cst", "CST", Side.BOTH, PARTS[:2])
    return TractMaps(tracts, (group,), np.moveaxis(shares, 3, 0).astype(np.float32), "made up")


TRACTS = make_tracts()


def make_series(fibres=UP):
    fibres = np.broadcast_to(fibres, (*SHAPE, 3))
    return diffusion.tensor_signals(TRACTS.fractions.astype(float), fibres, B0, FA, MD, SCHEME)


SERIES = make_series()


OF_DIFFUSION = ("metrics", "max_b", "noise_sd")


def read(series=SERIES, tracts=TRACTS, **options):
    own = {name: options.pop(name) for name in OF_DIFFUSION if name in options}
    reading = Reading(**{"slice_levels": SLICE_LEVELS, "grid": GRID, "draws": 60} | options)
    return {
        (value.structure, value.metric, value.level): value
        for value in extract_diffusion(series, SCHEME, tracts, reading, **own)
    }


@pytest.mark.parametrize("method", [Method.ML, Method.MAP])
@pytest.mark.parametrize("part", range(3))
def test_the_tensor_of_every_part_is_exact_without_noise(method, part):
    found = read(method=method)
    along, across = diffusion.principal_diffusivities(FA[part], MD[part])
    truth = {"fa": FA[part], "md": MD[part], "ad": float(along), "rd": float(across)}
    for metric, expected in truth.items():
        value = found[PARTS[part], metric, 4]
        assert value.value == pytest.approx(expected, rel=1e-3)
        assert value.unit == ("" if metric == "fa" else "1e-3 mm2/s")
        assert value.slices == (2, 3)


def test_averaged_signals_keep_what_fluid_does_to_them():
    averaged, unmixed = read(method=Method.WA), read()
    assert averaged["cst_left", "fa", 5].value < 0.6
    assert averaged["cst_left", "md", 5].value > 1.05
    assert averaged["cst_left", "fa", 5].effective_voxels == pytest.approx(
        unmixed["cst_left", "fa", 5].effective_voxels, rel=1e-3
    )


@pytest.mark.parametrize("codes", ["LAS", "PIR", "SAR"])
def test_values_do_not_depend_on_the_axis_order_of_the_file(codes):
    turned, grid = reorient_array(SERIES, GRID, codes)
    parts = np.stack([reorient_array(part, GRID, codes)[0] for part in TRACTS.fractions])
    found = read(turned, TractMaps(TRACTS.tracts, TRACTS.groups, parts, "made up"), grid=grid)
    for key, value in read().items():
        assert found[key].value == pytest.approx(value.value, rel=1e-6)


@pytest.mark.parametrize("codes", ["RAS", "PIR"])
def test_intervals_do_not_depend_on_the_axis_order_of_the_file(codes):
    noisy = add_rician_noise(SERIES, 13.5, np.random.default_rng(1))
    turned, grid = reorient_array(noisy, GRID, codes)
    parts = np.stack([reorient_array(part, GRID, codes)[0] for part in TRACTS.fractions])
    found = read(turned, TractMaps(TRACTS.tracts, TRACTS.groups, parts, "made up"), grid=grid)
    for key, value in read(noisy).items():
        assert (found[key].low, found[key].high) == pytest.approx((value.low, value.high), rel=1e-6)


def test_the_same_seed_gives_the_same_interval():
    noisy = add_rician_noise(SERIES, 13.5, np.random.default_rng(1))
    first, second, other = read(noisy, seed=4), read(noisy, seed=4), read(noisy, seed=5)
    assert [value.low for value in first.values()] == [value.low for value in second.values()]
    assert [value.low for value in first.values()] != [value.low for value in other.values()]
    assert [value.value for value in first.values()] == [value.value for value in other.values()]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = []
    for seed in range(30):
        noisy = add_rician_noise(SERIES, 13.5, np.random.default_rng([7, seed]))
        found = read(noisy, draws=100, structures=PARTS[:3], metrics=("fa", "md"))
        for (structure, metric, _), value in found.items():
            truth = (FA if metric == "fa" else MD)[PARTS.index(structure)]
            held.append(value.low <= truth <= value.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_voxels_without_a_signal_are_left_out_and_counted():
    spoilt = SERIES.copy()
    spoilt[3, 3, 2, 7] = np.nan
    value = read(spoilt)["cst_left", "fa", 4]
    assert value.flag == "1 voxel without a finite value left out"
    assert value.value == pytest.approx(FA[0], rel=1e-3)


def test_few_effective_voxels_are_refused():
    only = np.zeros(SHAPE)
    only[:4, :4, 2] = 1
    value = read(mask=only, method=Method.WA)["cst_left", "md", 4]
    assert np.isnan([value.value, value.sd, value.low, value.high]).all()
    assert value.flag == "< 5 effective voxels"


def test_fibres_that_turn_by_ten_degrees_within_what_is_read_together_cost_little():
    """Signals of all slices are unmixed as one: a cord that bends by 10 degrees loses this much anisotropy."""
    angles = np.radians([-5.0, -5 / 3, 5 / 3, 5.0])
    bent = make_series(np.stack([np.zeros(4), np.sin(angles), np.cos(angles)], axis=1)[None, None])
    value = read(bent, per="all")["cst_left", "fa", 0].value
    assert FA[0] - 0.005 < value < FA[0]


def test_tensors_agree_with_dipy():
    signals = add_rician_noise(SERIES[:4, :4, 0], 13.5, np.random.default_rng(2))
    fit = TensorModel(gradient_table(SCHEME.b_values, bvecs=SCHEME.directions), fit_method="WLS").fit(signals)
    found = tensor_measures(signals, SCHEME)
    for metric, scale in (("fa", 1), ("md", 1e3), ("ad", 1e3), ("rd", 1e3)):
        np.testing.assert_allclose(found[metric], scale * getattr(fit, metric), atol=1e-6)


def test_signals_that_are_not_known_give_no_tensor():
    signals = np.stack([np.full(35, np.nan), np.zeros(35), SERIES[0, 0, 0]])
    found = tensor_measures(signals, SCHEME)["fa"]
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2])


@pytest.mark.parametrize("signal", [0.0, 10.0, 30.0, 100.0, 1000.0])
def test_the_floor_of_magnitudes_is_taken_off(signal):
    """The mean of many magnitudes, less the floor, is the signal."""
    mean = add_rician_noise(np.full(400_000, signal), 20.0, np.random.default_rng(3)).mean()
    assert float(without_floor(np.array(mean), 20.0)) == pytest.approx(signal, abs=2.5 if signal == 0 else 0.4)
    assert float(without_floor(np.array(mean), 0.0)) == mean


def test_the_noise_of_a_series_is_found():
    signals = add_rician_noise(SERIES.reshape(-1, 35), 13.5, np.random.default_rng(4))
    pure = signals[TRACTS.fractions[:3].sum(axis=0).ravel() > 0.5]
    assert series_noise_sd(pure, SCHEME) == pytest.approx(13.5, rel=0.1)
    few = GradientTable(SCHEME.b_values[4:11], SCHEME.directions[4:11])
    assert series_noise_sd(pure[:, 4:11], few) == 0.0


@pytest.mark.parametrize(
    ("series", "options", "words"),
    [
        (SERIES[..., :30], {}, "30 volumes, its gradient table 35"),
        (SERIES[..., 0], {}, "1 volumes, its gradient table 35"),
        (SERIES, {"metrics": ("fa", "kurtosis")}, "'kurtosis' is no diffusion measure"),
        (SERIES, {"slice_levels": (5, 4)}, "2 slice levels for 4 slices"),
        (SERIES, {"max_b": 100.0}, "No weighted volume"),
    ],
)
def test_what_does_not_fit_is_refused(series, options, words):
    with pytest.raises(InputError, match=words):
        read(series, **options)


OFF, MTR = np.array([225.0, 225, 250, 330]), np.array([47.0, 38.0, 42.0, 4.0])


def mt_pair(noise_sd=0.0):
    shares = TRACTS.fractions.astype(float)
    clean = np.stack([np.tensordot(OFF * (1 - MTR / 100), shares, axes=1), np.tensordot(OFF, shares, axes=1)])
    return clean + noise_sd * np.random.default_rng(6).standard_normal(clean.shape)


def test_the_ratio_of_every_part_is_exact_without_noise():
    found = extract_mtr(*mt_pair(), TRACTS, Reading(SLICE_LEVELS, GRID, structures=PARTS[:3], levels=[4]))
    assert [value.value for value in found] == pytest.approx(MTR[:3], rel=1e-4)
    assert {(value.metric, value.unit) for value in found} == {("mtr", "%")}


def test_unmixing_the_map_of_the_ratio_leaves_what_bright_fluid_does_to_it():
    on, off = mt_pair()
    options = {
        "slice_levels": SLICE_LEVELS,
        "grid": GRID,
        "structures": ["cst_left"],
        "levels": [4],
        "method": Method.ML,
    }
    (found,) = extract(100 * (1 - on / off), TRACTS, metric="mtr", unit="%", **options)
    assert abs(found.value - MTR[0]) > 0.3
    (exact,) = extract_mtr(on, off, TRACTS, Reading(**options))
    assert abs(exact.value - MTR[0]) < 0.01


T1_S, TAKEN = np.array([0.86, 0.95, 0.9, 4.0]), np.array([0.042, 0.034, 0.038, 0.0])
PROTOCOL = MtParameters(Excitation(9.0, 0.035), Excitation(9.0, 0.035), Excitation(15.0, 0.015))


def mt_protocol():
    shares = TRACTS.fractions.astype(float)
    exact = [
        [steady_signal(t1_s, one, taken if pulse else 0.0) for t1_s, taken in zip(T1_S, TAKEN, strict=True)]
        for one, pulse in ((PROTOCOL.on, True), (PROTOCOL.off, False), (PROTOCOL.t1w, False))
    ]
    return [np.tensordot(1e4 * np.array(signals), shares, axes=1) for signals in exact]


def test_saturation_and_t1_of_every_part_are_exact_without_noise():
    """Fluid at the edge moves T1 and MTsat of its voxels far from the mean of both tissues: maps cannot be unmixed."""
    options = {"slice_levels": SLICE_LEVELS, "grid": GRID, "structures": PARTS[:3], "levels": [4], "method": Method.ML}
    read_all = extract_mtsat(*mt_protocol(), PROTOCOL, TRACTS, Reading(**options))
    found = {(one.structure, one.metric): one for one in read_all}
    for part, t1_s, taken in zip(PARTS[:3], T1_S, TAKEN, strict=False):
        assert found[part, "mtsat"].value == pytest.approx(100 * taken, rel=5e-3)
        assert found[part, "t1"].value == pytest.approx(t1_s, rel=5e-3)
        assert (found[part, "mtsat"].unit, found[part, "t1"].unit) == ("p.u.", "s")
    t1_map = mtsat(*mt_protocol(), PROTOCOL, floor=0.0).t1_s
    (blurred, *_) = extract(t1_map, TRACTS, metric="t1", unit="s", **options)
    assert abs(blurred.value - T1_S[0]) > 0.02


def test_noise_of_a_ratio_is_told():
    (found,) = extract_mtr(*mt_pair(4.0), TRACTS, Reading(SLICE_LEVELS, GRID, structures=["cst_right"], levels=[5]))
    assert found.low < MTR[1] < found.high
    assert 0.2 < found.high - found.low < 6


def test_images_of_a_pair_share_a_grid():
    with pytest.raises(InputError, match="have the shapes"):
        extract_mtr(np.ones(SHAPE), np.ones((2, 2, 2)), TRACTS, Reading(SLICE_LEVELS, GRID))

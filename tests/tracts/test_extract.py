"""Values per tract: exact on known mixtures, from the right side and the right slice, and refused where due."""

import csv
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.tracts.extract import extract, load_map
from napari_spinalq.tracts.folder import read_warped_atlas
from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractMaps, TractTissue
from napari_spinalq.tracts.values import Method

PARTS = (
    ("cst_left", Side.LEFT, TractTissue.WM),
    ("cst_right", Side.RIGHT, TractTissue.WM),
    ("gracilis_left", Side.LEFT, TractTissue.WM),
    ("gracilis_right", Side.RIGHT, TractTissue.WM),
    ("grey", Side.BOTH, TractTissue.GM),
    ("csf", Side.BOTH, TractTissue.CSF),
)
WHITE = TractGroup("white_matter", "White matter", Side.BOTH, tuple(key for key, _, kind in PARTS if kind == "wm"))
VALUES = np.array([46.0, 30.0, 50.0, 48.0, 40.0, 4.0])
"""True value of each part."""

SHAPE = (10, 8, 6)
"""Right-left, anterior-posterior, superior-inferior."""

SLICE_LEVELS = (6, 6, 5, 5, 5, 0)
RAS = Grid(SHAPE, np.diag([1.0, 1.0, 5.0, 1.0]) @ np.array([[1, 0, 0, -4.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
"""World x is negative, that is left, in the first five columns."""


def make_tracts(seed: int = 0) -> TractMaps:
    """Return random shares that fill every voxel; parts of a side have none on the other."""
    shares = np.random.default_rng(seed).dirichlet(np.full(len(PARTS), 0.5), size=SHAPE)
    for number, (_, side, _) in enumerate(PARTS):
        if side is Side.LEFT:
            shares[5:, :, :, number] = 0
        elif side is Side.RIGHT:
            shares[:5, :, :, number] = 0
    shares /= shares.sum(axis=3, keepdims=True)
    tracts = tuple(Tract(key, key.replace("_", ", "), side, kind) for key, side, kind in PARTS)
    return TractMaps(tracts, (WHITE,), np.moveaxis(shares, 3, 0).astype(np.float32), "made up")


TRACTS = make_tracts()


def mixture(values=VALUES, tracts=TRACTS):
    return np.tensordot(values, tracts.fractions.astype(float), axes=1)


def read(data, tracts=TRACTS, *, grid=RAS, **options):
    settings = {"metric": "mtr", "unit": "%", "slice_levels": SLICE_LEVELS, "grid": grid} | options
    return extract(data, tracts, **settings)


def one(data, key, tracts=TRACTS, **options):
    (value,) = read(data, tracts, structures=[key], per="all", **options)
    return value


@pytest.mark.parametrize("method", [Method.ML, Method.MAP])
@pytest.mark.parametrize(("number", "key"), [(number, key) for number, (key, _, _) in enumerate(PARTS)])
def test_unmixing_gives_the_true_value_of_every_part_without_noise(method, number, key):
    assert one(mixture(), key, method=method).value == pytest.approx(VALUES[number], rel=1e-5)


@pytest.mark.parametrize("method", [Method.ML, Method.MAP])
def test_a_group_is_the_mean_of_its_tracts_by_volume(method):
    volumes = TRACTS.fractions[:4].sum(axis=(1, 2, 3))
    expected = (volumes @ VALUES[:4]) / volumes.sum()
    found = one(mixture(), "white_matter", method=method)
    assert found.value == pytest.approx(expected, rel=1e-5)
    assert found.effective_voxels == pytest.approx(volumes.sum(), rel=1e-6)


def test_weighted_average_and_its_spread():
    data, share = mixture(), TRACTS.fractions[0].astype(float)
    found = one(data, "cst_left", method=Method.WA)
    mean = (share * data).sum() / share.sum()
    assert found.value == pytest.approx(mean)
    assert found.sd == pytest.approx(np.sqrt((share * (data - mean) ** 2).sum() / share.sum()))
    assert found.value < VALUES[0], "fluid in its voxels lowers it: that is what unmixing is for"


def test_binary_takes_voxels_above_one_half():
    data, inside = mixture(), TRACTS.fractions[0] > 0.5
    found = one(data, "cst_left", method=Method.BIN)
    assert found.value == pytest.approx(data[inside].mean())
    assert found.effective_voxels == pytest.approx(TRACTS.fractions[0][inside].sum())


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("codes", ["LAS", "PIR", "SAR", "IPL"])
def test_values_do_not_depend_on_the_axis_order_of_the_file(method, codes):
    data = mixture() + np.random.default_rng(1).normal(0, 2, SHAPE)
    turned, grid = reorient_array(data, RAS, codes)
    parts = np.stack([reorient_array(part, RAS, codes)[0] for part in TRACTS.fractions])
    expected = read(data, method=method)
    found = read(turned, replace(TRACTS, fractions=parts), grid=grid, method=method)
    assert [value.structure for value in found] == [value.structure for value in expected]
    for left, right in zip(found, expected, strict=True):
        assert (left.level, left.slices) == (right.level, right.slices)
        assert left.value == pytest.approx(right.value, rel=1e-6, nan_ok=True)
        assert left.high == pytest.approx(right.high, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("turn_deg", [0.0, 12.0])
def test_the_left_tract_is_read_from_the_patient_s_left(method, turn_deg):
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(a := np.radians(turn_deg)), -np.sin(a)], [np.sin(a), np.cos(a)]]
    grid = Grid(SHAPE, turn @ RAS.affine)
    centre = grid.voxel_to_mm((np.array(SHAPE) - 1) / 2)
    rightwards = (grid.voxel_to_mm(np.moveaxis(np.indices(SHAPE), 0, -1)) - centre) @ turn[:3, 0]
    data = np.where(rightwards < 0, 1.0, 2.0)
    shares = TRACTS.fractions.copy()
    shares[4:] = 0  # grey matter and CSF of both sides would have one value for both halves
    sided = replace(TRACTS, fractions=shares / np.maximum(shares.sum(axis=0), 1e-6))
    assert one(data, "cst_left", sided, grid=grid, method=method).value == pytest.approx(1.0, abs=1e-3)
    assert one(data, "cst_right", sided, grid=grid, method=method).value == pytest.approx(2.0, abs=1e-3)


@pytest.mark.parametrize("method", list(Method))
def test_each_value_comes_from_its_own_slices(method):
    data = np.broadcast_to(np.arange(6.0) + 1, SHAPE)
    by_slice = read(data, per="slice", method=method, structures=["white_matter"])
    assert [value.slices for value in by_slice] == [(index,) for index in range(6)]
    assert [value.level for value in by_slice] == list(SLICE_LEVELS)
    assert [value.value for value in by_slice] == pytest.approx([1, 2, 3, 4, 5, 6], abs=1e-3)
    by_level = read(np.where(data > 2, 10.0, 20.0), method=method, structures=["white_matter"])
    assert [(value.level, value.slices) for value in by_level] == [(5, (2, 3, 4)), (6, (0, 1))]
    assert [value.value for value in by_level] == pytest.approx([10.0, 20.0], abs=1e-3)


def test_only_wanted_levels_are_read():
    assert {value.level for value in read(mixture(), levels=[6])} == {6}
    assert one(mixture(), "grey", levels=[5]).slices == (2, 3, 4)
    assert one(mixture(), "grey").slices == (0, 1, 2, 3, 4, 5)


def test_few_effective_voxels_are_refused():
    only = np.zeros(SHAPE)
    only[:3, :2, 0] = 1
    found = one(mixture(), "cst_left", mask=only, method=Method.WA)
    assert 0 < found.effective_voxels < 5
    assert np.isnan([found.value, found.sd, found.low, found.high]).all()
    assert found.flag == "< 5 effective voxels"


@pytest.mark.parametrize("method", list(Method))
def test_voxels_without_a_finite_value_are_left_out_and_counted(method):
    data = mixture()
    data[0, :3, 2] = [np.nan, np.inf, -np.inf]
    found = one(data, "cst_left", method=method)
    assert found.flag.endswith("3 voxels without a finite value left out")
    spoilt = mixture()
    spoilt[0, :3, 2] = 1e6
    seen = np.ones(SHAPE)
    seen[0, :3, 2] = 0
    assert found.value == pytest.approx(one(spoilt, "cst_left", method=method, mask=seen).value)
    assert one(data, "cst_right", method=method).flag == ""


@pytest.mark.parametrize("method", list(Method))
def test_a_map_without_any_value_is_refused_in_words(method):
    found = one(np.full(SHAPE, np.nan), "white_matter", method=method)
    assert np.isnan(found.value)
    assert found.flag.startswith("< 5 effective voxels; ")


def test_tracts_that_share_all_voxels_evenly_are_not_told_apart():
    shares = TRACTS.fractions.copy()
    shares[0] = shares[2] = (shares[0] + shares[2]) / 2
    same = replace(TRACTS, fractions=shares)
    data = mixture(tracts=same)
    refused = one(data, "cst_left", same, method=Method.ML)
    assert np.isnan(refused.value)
    assert refused.flag == "not told apart from its neighbours at this resolution"
    assert one(data, "white_matter", same, method=Method.ML).flag == ""


def test_a_value_that_the_prior_holds_says_so():
    found = one(mixture(), "cst_left", method=Method.MAP, noise_sd=50.0, prior_sd=1.0)
    assert found.flag == "rests more on the mean of its tissue than on its own voxels"
    free = one(mixture(), "cst_left", method=Method.MAP, noise_sd=0.01)
    assert free.flag == ""


def test_without_play_the_prior_gives_the_mean_of_the_tissue():
    shares = TRACTS.fractions.reshape(6, -1).T.astype(float)
    belongs = np.stack([shares[:, :4].sum(axis=1), shares[:, 4], shares[:, 5]], axis=1)
    data = mixture()
    expected = np.linalg.lstsq(belongs, data.ravel(), rcond=None)[0][0]
    assert one(data, "cst_right", method=Method.MAP, prior_sd=0.0).value == pytest.approx(expected)


def test_the_prior_draws_a_tract_towards_its_tissue():
    likely = [
        one(mixture(), "cst_right", method=Method.MAP, noise_sd=5.0, prior_sd=sd).value for sd in (0.5, 5.0, 500.0)
    ]
    assert likely[0] > likely[1] > likely[2]
    assert likely[2] == pytest.approx(VALUES[1], abs=0.01)


@pytest.mark.parametrize("method", [Method.ML, Method.MAP])
@pytest.mark.parametrize("smooth", [0.0, 0.6])
def test_the_interval_holds_the_truth_as_often_as_it_says(method, smooth):
    """Tracts differ from their tissue by 15 %; noise of each voxel's own, and noise that interpolation has shared."""
    random, held = np.random.default_rng(2), []
    for _ in range(150):
        values = VALUES * (1 + 0.15 * random.standard_normal(6))
        noise = gaussian_filter(random.standard_normal(SHAPE), (smooth, smooth, 0))
        found = read(mixture(values) + 4 * noise / noise.std(), method=method, structures=[key for key, _, _ in PARTS])
        held += [one.low <= values[place % 6] <= one.high for place, one in enumerate(found)]
    assert 0.93 <= np.mean(held) <= 0.97


def test_a_weighted_average_of_pure_voxels_has_the_interval_of_a_mean():
    pure = np.zeros((6, *SHAPE), np.float32)
    pure[0, :5], pure[1, 5:] = 1, 1
    data = np.random.default_rng(3).normal(10, 2, SHAPE)
    found = one(data, "cst_left", replace(TRACTS, fractions=pure), method=Method.WA)
    values = data[:5].ravel()
    assert found.value == pytest.approx(values.mean())
    half = 1.97 * values.std(ddof=1) / np.sqrt(len(values))
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.2)  # a trace of chance correlation is allowed for


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"structures": ["cst"]}, "no structure 'cst'; it has cst_left"),
        ({"levels": [3]}, "No slice with a tract lies at C3; the levels here are: C5, C6"),
        ({"slice_levels": (5, 5)}, "2 slice levels for 6 slices"),
        ({"per": "voxel"}, "'voxel' is no way"),
        ({"mask": np.ones((2, 2, 2))}, "The mask has 2 x 2 x 2 voxels, its grid 10 x 8 x 6"),
    ],
)
def test_what_does_not_fit_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        read(mixture(), **options)


def test_a_map_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"The map has 10 x 8 x 5 voxels"):
        read(mixture()[..., :5])
    with pytest.raises(InputError, match="4 dimensions"):
        read(mixture()[..., None])


def saved(path, data, affine):
    nib.save(nib.Nifti1Image(data.astype(np.float32), affine), path)
    return path


def test_a_map_with_unknown_voxels_is_read(tmp_path):
    data = mixture()
    data[0, 0, 0] = -np.inf
    found = load_map(saved(tmp_path / "mtr.nii.gz", data, RAS.affine), RAS)
    np.testing.assert_allclose(found, data, rtol=1e-6)
    with pytest.raises(InputError, match="not finite"):
        load_scan(tmp_path / "mtr.nii.gz")


def test_a_map_on_another_grid_is_refused_or_resampled(tmp_path):
    fine = RAS.with_spacing((0.5, 0.5, 5.0))
    along = fine.voxel_to_mm(np.moveaxis(np.indices(fine.shape), 0, -1))[..., 0]
    path = saved(tmp_path / "t1.nii.gz", along, fine.affine)
    with pytest.raises(GridMismatchError, match=r"t1\.nii\.gz lies on another grid"):
        load_map(path, RAS)
    expected = RAS.voxel_to_mm(np.moveaxis(np.indices(SHAPE), 0, -1))[..., 0]
    np.testing.assert_allclose(load_map(path, RAS, resample=True), expected, atol=1e-5)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("method", "percent"), [(Method.WA, 1.0), (Method.BIN, 1.0), (Method.ML, 3.0), (Method.MAP, 3.0)]
)
def test_mtr_per_tract_agrees_with_spinal_cord_toolbox(sct_testing, shared, method, percent):
    names = {
        "WM left lateral corticospinal tract": "lateral_cst_left", "WM right lateral corticospinal tract":
        "lateral_cst_right", "spinal cord": "cord", "white matter": "white_matter", "gray matter": "grey_matter",
        "dorsal columns": "dorsal_columns",
    }  # fmt: skip
    scan = load_scan(sct_testing / "mt" / "mtr.nii.gz", allow_missing=True)
    tracts = read_warped_atlas(sct_testing / "mt" / "label" / "atlas", scan.grid)
    values = extract(
        np.asarray(scan.data), tracts, metric="mtr", unit="%", slice_levels=[0, 5, 4, 0, 0], grid=scan.grid, per="all",
        structures=list(names.values()), method=method,
    )  # fmt: skip
    with (shared / "reference" / "sct" / f"mtr_{method}.csv").open() as stream:
        theirs = {names[row["Label"]]: float(row[f"{method.upper()}()"]) for row in csv.DictReader(stream)}
    assert {value.slices for value in values} == {(1, 2)}
    for value in values:
        assert value.value == pytest.approx(theirs[value.structure], rel=percent / 100), value.structure
        assert value.low < theirs[value.structure] < value.high

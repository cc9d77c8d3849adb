"""The tensor is dipy's, only in the mask, and says what cannot be trusted."""

from dataclasses import replace

import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel, design_matrix, from_lower_triangular

from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.diffusion.dipy_fit import DIPY_METHOD, linear_md
from napari_spinalq.diffusion.tensor import FitMethod, direction_colours, fit_tensor, mask_dilated
from napari_spinalq.diffusion.tensor_noise import residual_noise_sd, temporal_snr
from napari_spinalq.errors import Cancelled, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.phantom.diffusion import default_scheme

SAME = 1e-6


def grid_of(data):
    return Grid(data.shape[:3], np.diag([-1.0, 1.0, 5.0, 1.0]))


def dipy_fit(data, scheme, method, **options):
    table = gradient_table(scheme.b_values, bvecs=scheme.directions, b0_threshold=scheme.b0_threshold)
    model = TensorModel(table, fit_method=DIPY_METHOD[method], return_S0_hat=True, **options)
    return model, model.fit(data)


@pytest.mark.parametrize("method", list(FitMethod))
@pytest.mark.parametrize("outliers", [0.0, 0.05])
def test_values_are_those_of_dipy(make_series, method, outliers):
    data, _, scheme = make_series((12, 10, 6))
    random = np.random.default_rng(1)
    data = np.where(random.uniform(size=data.shape) < outliers, data * 0.3, data)
    options = {"sigma": 13.5} if method is FitMethod.RESTORE else {}
    model, theirs = dipy_fit(data, scheme, method, **options)
    ours = fit_tensor(data, scheme, np.ones(data.shape[:3]), grid=grid_of(data), method=method, noise_sd=13.5)
    assert ours.fa == pytest.approx(theirs.fa, abs=SAME)
    assert ours.md == pytest.approx(1e3 * theirs.md, abs=SAME)
    assert ours.ad == pytest.approx(1e3 * theirs.ad, abs=SAME)
    assert ours.rd == pytest.approx(1e3 * theirs.rd, abs=SAME)
    assert np.abs((ours.direction * theirs.evecs[..., 0]).sum(-1)) == pytest.approx(np.ones(data.shape[:3]), abs=SAME)
    predicted = model.predict(theirs.model_params, S0=np.reshape(theirs.S0_hat, data.shape[:3]))
    spread = np.sqrt(((data - predicted) ** 2).mean(axis=-1)) / data[..., :5].mean(axis=-1)
    assert ours.residual == pytest.approx(spread, abs=SAME)


@pytest.mark.parametrize("method", list(FitMethod))
def test_without_noise_every_method_gives_the_truth(make_series, method):
    data, fibres, scheme = make_series(snr=np.inf)
    fit = fit_tensor(data, scheme, np.ones(data.shape[:3]), grid=grid_of(data), method=method)
    assert fit.fa == pytest.approx(np.full(fit.fa.shape, 0.7), abs=1e-5)
    assert fit.md == pytest.approx(np.full(fit.fa.shape, 0.95), abs=1e-5)
    assert np.abs((fit.direction * fibres).sum(-1)) == pytest.approx(np.ones(fit.fa.shape), abs=1e-6)
    assert (fit.direction[..., 2] >= 0).all()
    assert fit.residual == pytest.approx(np.zeros(fit.fa.shape), abs=1e-6)
    assert (fit.negative_eigenvalues, fit.flags) == (0, ())


@pytest.mark.parametrize("method", [FitMethod.RESTORE, FitMethod.ROBUST])
def test_robust_methods_withstand_outliers_that_move_least_squares(make_series, method):
    data, _, scheme = make_series((10, 10, 10), snr=25)
    random = np.random.default_rng(2)
    spoiled = np.where(random.uniform(size=data.shape) < 0.05, data * 0.2, data)
    errors = {
        one: abs(
            np.median(fit_tensor(spoiled, scheme, np.ones(data.shape[:3]), grid=grid_of(data), method=one).md) - 0.95
        )
        for one in (FitMethod.WLS, method)
    }
    assert errors[method] < 0.02
    assert errors[method] < 0.5 * errors[FitMethod.WLS]


@pytest.mark.parametrize("method", [FitMethod.WLS, FitMethod.OLS, FitMethod.ROBUST])
@pytest.mark.parametrize("scale", [1e-7, 1e6])
def test_the_unit_of_the_signal_changes_nothing(make_series, method, scale):
    """Scanners and tools scale images freely; dipy alone takes 1e-4 for the least signal that there is."""
    data, _, scheme = make_series()
    first, second = (
        fit_tensor(one, scheme, np.ones(data.shape[:3]), grid=grid_of(data), method=method)
        for one in (data, data * scale)
    )
    assert second.fa == pytest.approx(first.fa, abs=1e-5)
    assert second.md == pytest.approx(first.md, abs=1e-5)
    assert second.residual == pytest.approx(first.residual, abs=1e-5)


def test_only_the_mask_is_fitted_and_bad_voxels_are_left_out(make_series):
    data, _, scheme = make_series()
    mask = np.zeros(data.shape[:3])
    mask[1:4] = 0.3
    data[1, 0, 0, 7] = np.nan
    data[2, 0, 0] = 0
    data[3, 0, 0, 10] = -4  # a single signal below zero is set to the smallest positive one
    data[0] = np.nan
    fit = fit_tensor(data, scheme, mask, grid=grid_of(data))
    expected = mask > 0
    expected[1, 0, 0] = expected[2, 0, 0] = False
    assert (fit.mask == expected).all()
    for values in (fit.fa, fit.md, fit.ad, fit.rd, fit.residual, fit.tsnr, fit.direction[..., 0]):
        assert (np.isfinite(values) == expected).all()
        assert values.dtype == np.float32


def test_negative_eigenvalues_are_counted_before_they_are_set_to_zero(make_series):
    data, _, scheme = make_series((10, 10, 10), fa=0.9, snr=4)
    fit = fit_tensor(data, scheme, np.ones(data.shape[:3]), grid=grid_of(data), method=FitMethod.OLS)
    design = design_matrix(gradient_table(scheme.b_values, bvecs=scheme.directions, b0_threshold=50))
    elements = np.linalg.lstsq(design, np.log(data.reshape(-1, 35)).T, rcond=None)[0][:6].T
    expected = int((np.linalg.eigvalsh(from_lower_triangular(elements)).min(axis=1) < 0).sum())
    assert expected > 50
    assert fit.negative_eigenvalues == expected
    assert any("negative eigenvalue" in flag for flag in fit.flags)
    assert np.nanmin(fit.rd) >= 0


def test_threads_and_chunks_change_nothing_and_progress_grows(make_series, monkeypatch):
    data, _, scheme = make_series((10, 10, 10))
    whole = fit_tensor(data, scheme, np.ones(data.shape[:3]), grid=grid_of(data), threads=1)
    monkeypatch.setattr("napari_spinalq.diffusion.dipy_fit.CHUNK_VOXELS", 37)
    told = []
    fit = fit_tensor(
        data,
        scheme,
        np.ones(data.shape[:3]),
        grid=grid_of(data),
        threads=3,
        progress=lambda fraction, phrase: told.append(fraction),
    )
    assert (fit.fa == whole.fa).all()
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(fraction, phrase):
        raise Cancelled

    with pytest.raises(Cancelled):
        fit_tensor(data, scheme, np.ones(data.shape[:3]), grid=grid_of(data), progress=stop)


def test_high_b_values_are_flagged_and_can_be_left_out(make_series):
    low = default_scheme()
    both = GradientTable(np.r_[low.b_values, np.full(30, 2500.0)], np.vstack([low.directions, low.directions[5:]]))
    data, _, _ = make_series(scheme=both)
    mask = np.ones(data.shape[:3])
    fit = fit_tensor(data, both, mask, grid=grid_of(data))
    assert any("shells: 800, 2500" in flag for flag in fit.flags)
    limited = fit_tensor(data, both, mask, grid=grid_of(data), max_b=1000)
    assert (limited.fa == fit_tensor(data[..., :35], low, mask, grid=grid_of(data)).fa).all()
    assert limited.flags == ("30 volumes with b above the limit were left out of the tensor",)
    with pytest.raises(InputError, match="larger limit"):
        fit_tensor(data, both, mask, grid=grid_of(data), max_b=100)


def test_what_cannot_be_fitted_is_refused(make_series):
    data, _, scheme = make_series()
    grid, mask = grid_of(data), np.ones(data.shape[:3])
    with pytest.raises(InputError, match="35 volumes, the gradient table 34"):
        fit_tensor(data, scheme.subset(np.arange(34)), mask, grid=grid)
    with pytest.raises(InputError, match="do not share the grid"):
        fit_tensor(data, scheme, mask[:-1], grid=grid)
    with pytest.raises(InputError, match="No voxel of the mask"):
        fit_tensor(data, scheme, 0 * mask, grid=grid)
    with pytest.raises(InputError, match="no volume without diffusion weighting"):
        fit_tensor(data[..., 5:], scheme.subset(np.arange(5, 35)), mask, grid=grid)
    few = np.r_[0, 5:35:5]
    for method in (FitMethod.RESTORE, FitMethod.ROBUST):
        with pytest.raises(InputError, match="use wls"):
            fit_tensor(data[..., few], scheme.subset(few), mask, grid=grid, method=method)
    flags = fit_tensor(data[..., few], scheme.subset(few), mask, grid=grid).flags
    assert any("just enough" in flag for flag in flags)


def test_a_wrong_unit_of_b_shows_in_the_diffusivity_of_the_cord(make_series):
    data, _, scheme = make_series()
    cord = np.zeros(data.shape[:3])
    cord[2:4] = 1
    data[0] = np.nan
    right = fit_tensor(data, scheme, np.ones(cord.shape), grid=grid_of(data), cord=cord)
    assert right.flags == ()
    wrong = fit_tensor(
        data, replace(scheme, b_values=scheme.b_values * 10), np.ones(cord.shape), grid=grid_of(data), cord=cord
    )
    assert any("MD of the cord is not physical: 0.09" in flag and "check the b-values" in flag for flag in wrong.flags)
    none = fit_tensor(data, scheme, np.ones(cord.shape), grid=grid_of(data), cord=0 * cord)
    assert none.flags == ("MD is not known anywhere in the cord",)


def test_noise_is_estimated_from_residuals_whatever_a_few_outliers_do(make_series):
    data, _, scheme = make_series((12, 12, 12), snr=25)
    sigma = 270 / 25
    random = np.random.default_rng(3)
    spoiled = np.where(random.uniform(size=data.shape) < 0.05, data * 3, data)
    fit = fit_tensor(spoiled, scheme, np.ones(data.shape[:3]), grid=grid_of(data), method=FitMethod.RESTORE)
    assert fit.noise_sd == pytest.approx(sigma, rel=0.06)
    normal = random.normal(0, 2.0, (4000, 35))
    # the median deviation from the median of 35 numbers is itself 3 to 4 % low
    assert residual_noise_sd(normal, np.zeros_like(normal)) == pytest.approx(2 * np.sqrt(35 / 28), rel=0.05)


def test_temporal_snr_uses_unweighted_volumes_where_three_exist():
    three = GradientTable(np.array([0, 0, 0, 800, 800.0]), np.zeros((5, 3)))
    signals = np.array([[9.0, 10, 11, 5, 3]])
    assert temporal_snr(signals, three) == pytest.approx([10.0])
    two = GradientTable(np.array([0, 0, 800, 800, 800.0]), np.zeros((5, 3)))
    assert temporal_snr(np.array([[9.0, 10, 3, 5, 4]]), two) == pytest.approx([4.0])
    assert np.isinf(temporal_snr(np.full((1, 5), 7.0), three))


def test_colours_are_red_left_right_green_anterior_posterior_blue_up(make_series):
    data, _, scheme = make_series((3, 1, 1), snr=np.inf)
    fit = fit_tensor(data, scheme, np.ones(data.shape[:3]), grid=grid_of(data))
    known = replace(
        fit,
        fa=np.array([1.0, 0.5, np.nan], dtype=np.float32).reshape(3, 1, 1),
        direction=np.array([[-1, 0, 0], [0, -0.6, 0.8], [np.nan] * 3], dtype=np.float32).reshape(3, 1, 1, 3),
    )
    assert direction_colours(known)[:, 0, 0].tolist() == [[255, 0, 0], [0, 76, 102], [0, 0, 0]]
    assert direction_colours(known).dtype == np.uint8


@pytest.mark.parametrize("codes", ["LAS", "PIR", "SAR"])
def test_masks_grow_in_millimetres_within_axial_slices(codes):
    grid = Grid((9, 9, 5), np.diag([-1.0, 1.5, 5.0, 1.0])).reoriented(codes)
    centre = np.zeros(grid.shape)
    centre[tuple(n // 2 for n in grid.shape)] = 0.7
    grown = mask_dilated(centre, grid, 3.0)
    places = grid.voxel_to_mm(np.argwhere(grown))
    offset = places - grid.voxel_to_mm(np.argwhere(centre > 0))[0]
    assert (offset[:, 2] == 0).all()
    everything = grid.voxel_to_mm(np.argwhere(np.ones(grid.shape))) - grid.voxel_to_mm(np.argwhere(centre > 0))[0]
    near = (np.hypot(everything[:, 0], everything[:, 1]) <= 3.0) & (everything[:, 2] == 0)
    assert grown.sum() == near.sum() == 19
    assert (mask_dilated(centre, grid, 0.0) == (centre > 0)).all()
    assert not mask_dilated(np.zeros(grid.shape), grid, 3.0).any()


def test_a_scheme_blind_to_one_element_is_named_as_the_reason(make_series):
    """Six directions, none between left-right and superior-inferior but for a degree or two of tilt."""
    golden = 0.850651, 0.525731
    six = np.array(
        [[1, 0, 0.03], [golden[0], golden[1], 0], [0, 1, -0.07], [golden[0], -golden[1], 0], [0, 0.07, 1], [0, *golden]]
    )
    six /= np.linalg.norm(six, axis=1, keepdims=True)
    scheme = GradientTable(np.r_[0, np.full(6, 750.0)], np.vstack([np.zeros(3), six]))
    data, _, _ = make_series((10, 10, 10), scheme=scheme, snr=12)
    cord = np.ones(data.shape[:3])
    fit = fit_tensor(data, scheme, cord, grid=grid_of(data), cord=cord)
    assert "hardly tell the left-right by superior-inferior element" in fit.flags[0]
    assert "just enough" in fit.flags[1]
    assert "negative eigenvalue" in fit.flags[2]
    assert "before negative eigenvalues are set to zero, so noise or the scheme is why" in fit.flags[3]


def test_linear_diffusivity_is_exact_without_noise(make_series):
    data, _, scheme = make_series((2, 2, 2), snr=np.inf)
    assert 1e3 * linear_md(data.reshape(-1, 35), scheme) == pytest.approx(np.full(8, 0.95))


@pytest.mark.realdata
def test_real_series_says_why_its_diffusivity_is_not_physical(sct_testing):
    path = sct_testing / "dmri" / "dmri.nii.gz"
    scan = load_scan(path)
    cord = segment_cord(scan)
    fit = fit_tensor(
        scan.data, read_gradients(path, scan.grid, scan.volumes), cord.mask, grid=scan.grid, cord=cord.mask
    )
    assert np.nanmean(fit.md) > 2.0
    assert fit.negative_eigenvalues > 0.9 * fit.mask.sum()
    words = " ".join(fit.flags)
    # none of its six directions lies between left-right and superior-inferior
    assert "hardly tell the left-right by superior-inferior element" in words
    assert "before negative eigenvalues are set to zero" in words

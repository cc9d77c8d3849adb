"""The diffusion chain against a digital cord whose tensor is known per tissue."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import reorient_array
from napari_spinalq.microstructure.cord import NO_DISCS
from napari_spinalq.microstructure.diffusion import analyze_diffusion, weighted_mean
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.phantom.tissue import SIGNALS, Tissue
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.values import Method

CST = ("lateral_cst_left", "lateral_cst_right")


@pytest.fixture(scope="module")
def found(digital):
    return analyze_diffusion(
        digital.exam.scans["dwi"],
        digital.exam.gradients,
        labelling=digital.labelling,
        anatomical=digital.anatomical,
    )


def values(result, structure, metric):
    return {one.level: one for one in result.values if one.structure == structure and one.metric == metric}


def test_fa_and_md_of_the_lateral_cst_are_those_given_to_it(found):
    """SNR about 25: one level holds some 12 voxels' worth, whose FA scatters by 0.03 and MD by 5 %."""
    truth = SIGNALS[Tissue.LATERAL_CST_LEFT]
    for metric, allowed in (("fa", 0.03), ("md", 0.05 * truth.md)):
        measured = [one.value for side in CST for one in values(found, side, metric).values() if np.isfinite(one.value)]
        assert len(measured) >= 4
        assert np.mean(measured) == pytest.approx(getattr(truth, metric), abs=allowed)


def test_averages_hold_the_csf_that_unmixing_takes_out(digital, found):
    """MD of the dorsal columns is 0.99; CSF at their edge (MD 3) lifts the plain average."""
    averaged = analyze_diffusion(
        digital.exam.scans["dwi"],
        digital.exam.gradients,
        labelling=digital.labelling,
        options=MapOptions(method=Method.WA, motion=False),
    )
    plain, unmixed = (
        np.nanmean([one.value for one in values(result, "dorsal_columns", "md").values()])
        for result in (averaged, found)
    )
    assert plain > unmixed
    assert averaged.series.motion is None


def test_the_cord_lies_where_it_is_known_to_lie(digital, found):
    truth = digital.exam.truth["dwi"].cord_mask
    overlap = 2 * np.sum(found.mask & truth) / (found.mask.sum() + truth.sum())
    assert overlap > 0.93
    assert found.scan.grid is digital.exam.scans["dwi"].grid


def test_levels_are_carried_by_position(digital, found):
    truth = digital.exam.truth["dwi"].levels
    from napari_spinalq.geometry import to_work_order
    from napari_spinalq.levels.levelmap import levels_per_slice

    expected = levels_per_slice(to_work_order(truth, found.scan.grid)[0])
    known = (expected > 0) & (found.slice_levels > 0)
    assert known.sum() >= 5
    assert np.mean(expected[known] == found.slice_levels[known]) >= 0.8  # a border may fall into a slice
    assert np.abs(expected - found.slice_levels)[known].max() <= 1


def test_the_anatomical_scan_is_carried_and_its_fit_is_told(found):
    assert found.registration.dice_after > 0.9
    assert set(found.carried) == {"image", "cord", "gm"}
    assert found.carried["gm"].max() > 0.5
    assert found.parameters["anatomical_scan"] == "t2star"


def test_maps_are_known_around_the_cord_and_nowhere_else(found):
    fa = found.map("fa").data
    assert np.isfinite(fa[found.mask > 0]).all()
    assert np.isnan(fa[0, 0]).all()
    assert fa.dtype == np.float32
    assert [one.name for one in found.maps] == ["fa", "md", "ad", "rd", "tsnr", "residual"]


@pytest.mark.parametrize("codes", ["RAS", "PIR"])
def test_the_order_of_axes_changes_no_value(digital, found, codes):
    """Directions are in RAS, so only the order of the voxels differs; sides stay the patient's."""
    scan = digital.exam.scans["dwi"]
    data, grid = reorient_array(scan.data, scan.grid, codes)
    turned = analyze_diffusion(
        Scan(data, grid, Contrast.DWI),
        digital.exam.gradients,
        reorient_array(found.mask, scan.grid, codes)[0],
        labelling=digital.labelling,
        options=MapOptions(motion=False),
    )
    straight = analyze_diffusion(
        scan, digital.exam.gradients, found.mask, labelling=digital.labelling, options=MapOptions(motion=False)
    )
    back = reorient_array(turned.map("fa").data, grid, scan.grid.axis_codes)[0]
    np.testing.assert_allclose(back, straight.map("fa").data, atol=1e-5)
    for side in CST:
        for level, one in values(straight, side, "fa").items():
            np.testing.assert_allclose(values(turned, side, "fa")[level].value, one.value, atol=2e-3)


def test_motion_is_found_and_its_volumes_are_told(digital):
    scan = digital.exam.scans["dwi"]
    data = np.array(scan.data)
    data[..., 20] = np.roll(data[..., 20], 3, axis=1)  # 3 mm to anterior
    moved = analyze_diffusion(replace(scan, data=data), digital.exam.gradients, options=MapOptions(atlas=None))
    assert np.median(moved.series.motion.shifts_mm[20, :, 0]) == pytest.approx(3.0, abs=0.5)
    assert any("20 (moved" in flag and "stand out" in flag for flag in moved.flags)
    assert moved.values == ()
    assert moved.tracts is None


def test_without_levels_all_slices_are_read_together(digital):
    result = analyze_diffusion(
        digital.exam.scans["dwi"], digital.exam.gradients, labelling=NO_DISCS, options=MapOptions(motion=False)
    )
    assert {one.level for one in result.values} == {0}
    assert not result.slice_levels.any()


def test_a_cord_that_is_not_seen_is_carried_and_told(digital):
    scan = digital.exam.scans["dwi"]
    noise = np.random.default_rng(0).rayleigh(10, scan.data.shape)
    result = analyze_diffusion(
        replace(scan, data=noise.astype(np.float32)),
        digital.exam.gradients,
        anatomical=digital.anatomical,
        options=MapOptions(motion=False),
    )
    assert any("was not found in this scan: that of t2star was carried here" in flag for flag in result.flags)


def test_a_cord_that_is_not_seen_without_another_scan_is_refused(digital):
    scan = digital.exam.scans["dwi"]
    with pytest.raises(CordNotFoundError):
        analyze_diffusion(replace(scan, data=np.zeros_like(scan.data)), digital.exam.gradients)


def test_what_the_check_of_the_gradients_says_is_kept(digital):
    """Left and right in exchange of height: fibres seem to run across the cord."""
    scan, gradients = digital.exam.scans["dwi"], digital.exam.gradients
    options = MapOptions(atlas=None, motion=False)
    wrong = analyze_diffusion(scan, replace(gradients, directions=gradients.directions[:, [2, 1, 0]]), options=options)
    right = analyze_diffusion(scan, gradients, options=options)
    assert any("gradient" in flag for flag in wrong.flags)
    assert wrong.parameters["gradient_axes"] in wrong.flags
    assert right.parameters["gradient_axes"] != wrong.parameters["gradient_axes"]
    assert "stand out" not in " ".join(right.flags)


def test_gradients_of_another_series_are_refused(digital):
    with pytest.raises(InputError, match=r"35 volume\(s\) but 3 gradients"):
        analyze_diffusion(digital.exam.scans["dwi"], digital.exam.gradients.subset(np.arange(3)))


def test_a_volume_without_any_signal_is_refused(digital):
    """The logarithm of a signal that was never measured would pull FA down and MD up in every voxel."""
    scan = digital.exam.scans["dwi"]
    data = np.array(scan.data)
    data[..., 10] = 0
    with pytest.raises(InputError, match=r"Volume 10 .* no signal"):
        analyze_diffusion(replace(scan, data=data), digital.exam.gradients)


def test_a_single_slice_is_refused_in_words(digital):
    scan = digital.exam.scans["dwi"]
    one = Scan(scan.data[:, :, 3:4], scan.grid.cropped((0, 0, 3), (*scan.grid.shape[:2], 1)), Contrast.DWI)
    with pytest.raises(InputError, match="one axial slice"):
        analyze_diffusion(one, digital.exam.gradients)


def test_an_atlas_that_cannot_be_read_costs_the_values_only(digital, tmp_path):
    result = analyze_diffusion(
        digital.exam.scans["dwi"],
        digital.exam.gradients,
        labelling=digital.labelling,
        options=MapOptions(atlas=tmp_path, motion=False),
    )
    assert result.tracts is None
    assert any("no values per tract" in flag and "info_label.txt" in flag for flag in result.flags)
    assert result.map("fa") is not None


def test_the_mean_weighted_image_leaves_the_others_out(digital):
    scan, gradients = digital.exam.scans["dwi"], digital.exam.gradients
    expected = np.mean(scan.data[..., ~gradients.unweighted], axis=-1)
    np.testing.assert_allclose(weighted_mean(scan, gradients).data, expected, rtol=1e-5)

"""Spikes: found where they were put, and nowhere on what is smooth, drawn by hand or made of pixels."""

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.io.nifti import load_mask
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.metrics.spikes import MAD_TO_SD, SMALLEST_DEPARTURE, local_course, spikes

TRUTH = sample_folder() / "derivatives" / "truth" / "sub-healthy01" / "anat"
PIXEL_MM = 0.8


@pytest.fixture(scope="module")
def true_area():
    """Areas in closed form along a digital cord with its cervical enlargement and its taper below, every 0.8 mm."""
    area = pd.read_csv(TRUTH / "sub-healthy01_T2w_areas.tsv", sep="\t")["cord_area_mm2"].to_numpy()
    assert area.max() > 1.4 * area.min()
    return area


@pytest.fixture(scope="module")
def drawn():
    """Mask, in work order, and grid of the same cord drawn in pixels of 0.8 mm."""
    scan = load_mask(TRUTH / "sub-healthy01_T2w_label-cord_mask.nii.gz").in_work_order()
    return np.asarray(scan.data > 0).astype(np.uint8), scan.grid


def found_in(values, attribute="area_mm2", step_mm=0.8):
    return np.flatnonzero(spikes(values, attribute, step_mm, PIXEL_MM)).tolist()


def running_median(values, half):
    return np.array([np.nanmedian(values[max(0, place - half) : place + half + 1]) for place in range(len(values))])


def all_slices(mask, grid, attribute):
    shapes = slice_shapes(mask, grid)
    values = np.full(shapes.slice_count, np.nan)
    values[shapes.slice_index] = getattr(shapes, attribute)
    return values, float(np.sqrt(grid.spacing[1] * grid.spacing[2])), grid.spacing[0]


def test_a_smooth_cord_has_none_along_its_enlargement_and_its_taper(true_area):
    assert found_in(true_area) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_between_slices_is_no_spike(true_area, seed):
    noisy = true_area * (1 + 0.02 * np.random.default_rng(seed).standard_normal(len(true_area)))
    assert found_in(noisy) == []


@pytest.mark.parametrize("share", [-0.3, 0.2, 0.5])
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("place", [0, 40, 95, 150])
def test_faults_are_found_where_they_were_put_and_only_there(true_area, share, width, place):
    faulty = true_area.copy()
    faulty[place : place + width] *= 1 + share
    assert found_in(faulty) == list(range(place, place + width))


@pytest.mark.parametrize("attribute", SMALLEST_DEPARTURE)
def test_the_pixels_of_a_drawn_cord_make_no_spike(drawn, attribute):
    values, pixel_mm, step_mm = all_slices(*drawn, attribute)
    assert not spikes(values, attribute, step_mm, pixel_mm).any()


def test_a_leak_in_the_mask_makes_a_spike_of_area_until_it_is_mended(drawn):
    mask, grid = drawn[0].copy(), drawn[1]
    index = 100
    row, column = np.argwhere(mask[index]).mean(axis=0).astype(int)
    mask[index, row : row + 9, column - 2 : column + 3] = 1
    values, pixel_mm, step_mm = all_slices(mask, grid, "area_mm2")
    assert np.flatnonzero(spikes(values, "area_mm2", step_mm, pixel_mm)).tolist() == [index]
    mask[index] = drawn[0][index]
    values, *_ = all_slices(mask, grid, "area_mm2")
    assert not spikes(values, "area_mm2", step_mm, pixel_mm).any()


@pytest.mark.realdata
def test_a_careful_reader_of_a_real_scan_leaves_no_spike(sct_testing):
    scan = load_mask(sct_testing / "t2" / "t2_seg-manual.nii.gz").in_work_order()
    mask = np.asarray(scan.data > 0).astype(np.uint8)
    for attribute in SMALLEST_DEPARTURE:
        values, pixel_mm, step_mm = all_slices(mask, scan.grid, attribute)
        assert not spikes(values, attribute, step_mm, pixel_mm).any(), attribute


def test_the_course_is_the_running_median_and_its_scale(true_area):
    values = true_area.copy()
    values[[3, 50]] = np.nan
    course, scale = local_course(values, 6)
    expected = running_median(values, 6)
    np.testing.assert_allclose(course, expected)
    np.testing.assert_allclose(scale, MAD_TO_SD * running_median(np.abs(values - expected), 6))


def test_a_slice_that_was_not_measured_is_none_and_does_not_hide_its_neighbour(true_area):
    values = true_area.copy()
    values[60], values[61] = np.nan, 2 * values[61]
    assert found_in(values) == [61]


def test_too_few_slices_tell_no_course():
    assert found_in([70.0, 10.0, 70.0, 70.0]) == []
    assert found_in([]) == []


def test_thick_slices_are_judged_by_three_to_either_side():
    values = np.array([70.0, 71, 72, 74, 95, 76, 75, 73, 70])
    assert found_in(values, step_mm=5.0) == [4]

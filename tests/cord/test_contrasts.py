"""The cord on digital scans of contrasts, pixels and ends at which it is easily missed; truth from the anatomy."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.canal import DARK_WALL, segment_canal
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.geometry import reorient_array
from napari_spinalq.phantom.contrasts import CONTRASTS, contrast_signals
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.piece import integrate
from napari_spinalq.phantom.protocol import PROTOCOLS, scan_grid
from napari_spinalq.phantom.tissue import Tissue
from napari_spinalq.phantom.variants import CAUDA, LESION, Lesion, with_conus, with_lesions

TIP_MM = -4.0
RIM_LESION = Lesion(2.0, -5.2, 0.3, (7.0, 1.8, 1.6))


def piece(spacing_mm, shape, *, codes="LAS", change=None):
    anatomy = healthy_design(7).anatomy()
    protocol = replace(PROTOCOLS[1], spacing_mm=spacing_mm, shape=shape, codes=codes, middle_mm=0.0, anterior_mm=0.0)
    return integrate(anatomy.tissues if change is None else change(anatomy), scan_grid(protocol, anatomy))


@pytest.fixture(scope="module")
def axial():
    return piece((0.7, 0.7, 5.0), (60, 60, 5))


@pytest.fixture(scope="module")
def sagittal():
    return piece((3.0, 0.5, 1.0), (14, 100, 24), codes="PIR")


@pytest.fixture(scope="module")
def injured():
    return piece((0.7, 0.7, 5.0), (60, 60, 5), change=lambda anatomy: with_lesions(anatomy, [RIM_LESION]))


@pytest.fixture(scope="module")
def conus():
    return piece((0.7, 0.7, 4.0), (60, 60, 14), change=lambda anatomy: with_conus(anatomy, TIP_MM))


def dice(found, truth):
    found, truth = found >= 0.5, truth >= 0.5
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def area_error_percent(found, truth):
    return 100 * (found.sum() / truth.sum() - 1)


@pytest.mark.parametrize("contrast", [name for name in CONTRASTS if name != "isointense"])
def test_every_contrast_gives_the_true_area_in_noise(axial, contrast):
    found = segment_cord(axial.scan(contrast, snr=12.0), edge_offset_mm=0.0)
    assert dice(found.soft, axial.cord) > 0.95
    assert abs(area_error_percent(found.soft, axial.cord)) < 5.0


def test_a_cord_as_bright_as_its_fluid_is_found_and_flagged(axial):
    signals = contrast_signals("isointense")
    assert abs(signals[Tissue.CSF] / signals[Tissue.WHITE_MATTER] - 1) < 0.02
    found = segment_cord(axial.scan("isointense", snr=20.0), edge_offset_mm=0.0)
    kept = ~np.isnan(found.confidence.probability)
    assert dice(found.soft, axial.cord) > 0.8
    assert kept.all()
    assert found.confidence.low[kept].any()


@pytest.mark.parametrize("contrast", ["t2w", "mt_off", "amira_fluid_null"])
def test_thick_sagittal_slices_hardly_widen_the_cord(sagittal, contrast):
    found = segment_cord(sagittal.scan(contrast, snr=20.0), edge_offset_mm=0.0)
    assert abs(area_error_percent(found.soft, sagittal.cord)) < 5.0


@pytest.mark.parametrize("contrast", ["t2w", "mean_dwi", "psir"])
def test_a_lesion_at_the_rim_as_bright_as_fluid_belongs_to_the_cord(injured, contrast):
    assert injured.shares[LESION].max() == pytest.approx(1.0)
    found = segment_cord(injured.scan(contrast, snr=20.0, lesion=1.0), edge_offset_mm=0.0)
    assert dice(found.soft, injured.cord) > 0.93


@pytest.mark.parametrize("contrast", ["t1w", "t2w", "t2star"])
def test_roots_below_the_conus_are_no_cord(conus, contrast):
    assert conus.shares[CAUDA].max() > 0.5
    found = segment_cord(conus.scan(contrast, snr=20.0), edge_offset_mm=0.0)
    truth, soft = (reorient_array(part, conus.grid, "SAR")[0] for part in (conus.cord, found.soft))
    lowest_drawn, lowest = (int(np.flatnonzero((part >= 0.5).any(axis=(1, 2)))[0]) for part in (soft, truth))
    assert 0 <= lowest_drawn - lowest <= 3


def test_on_t1w_it_is_said_that_the_canal_may_be_too_large(axial):
    plain = axial.scan("t1w", snr=40.0)
    cord = segment_cord(plain, edge_offset_mm=0.0)
    for contrast, told in ((Contrast.T1W, True), (Contrast.T2W, False)):
        found = segment_canal(replace(plain, contrast=contrast), cord.mask, cord.centerline)
        assert found.measurable
        assert (DARK_WALL in found.flags) == told

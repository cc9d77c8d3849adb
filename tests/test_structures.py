"""Grey matter, white matter and canal of whole exams: near the known truth, or said to be missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.cord.backends import Backend
from napari_spinalq.cord.backends.exchange import ExternalMask
from napari_spinalq.cord.canal import NOT_MEASURABLE as NO_CANAL
from napari_spinalq.cord.grey_matter import NOT_MEASURABLE as NO_GREY_MATTER
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.demo import COMPARED_LEVELS
from napari_spinalq.errors import BackendError, InputError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.pipeline import Guidance, analyze_scan, measure_scan
from napari_spinalq.structures import draw_structure, draw_structures, structures_of_backend
from napari_spinalq.vertebrae import disc_number, level_name

SUBJECT = "healthy01"
TRUTH = sample_folder() / "derivatives" / "truth" / f"sub-{SUBJECT}" / "anat"


def sample(suffix):
    return load_scan(sample_folder() / f"sub-{SUBJECT}" / "anat" / f"sub-{SUBJECT}_{suffix}.nii.gz")


@pytest.fixture(scope="module")
def labelling():
    table = pd.read_csv(TRUTH / f"sub-{SUBJECT}_discs.tsv", sep="\t")
    rows = table[["disc", "x_mm", "y_mm", "z_mm"]].itertuples(index=False)
    return Labelling(tuple(Disc(disc_number(name), tuple(place)) for name, *place in rows), confirmed=True)


@pytest.fixture(scope="module")
def known():
    table = pd.read_csv(TRUTH / f"sub-{SUBJECT}_areas.tsv", sep="\t").set_index("level")
    return table.assign(wm_area_mm2=table["cord_area_mm2"] - table["gm_area_mm2"])


def measured(scan, mask, labelling, edge_offset_mm=0.0):
    """Measure a scan whose cord is known, with all that is drawn around it."""
    cord = measure_scan(scan, mask, labelling)
    drawn = draw_structures(scan, mask, cord.centerline, slice_levels=cord.slice_levels, edge_offset_mm=edge_offset_mm)
    return measure_scan(scan, mask, labelling, drawn=drawn)


@pytest.mark.parametrize("suffix", ["T2star", "PSIR"])
def test_areas_of_a_digital_exam_lie_near_the_closed_form(suffix, labelling, known):
    """Mean error over C2 to C7 within 5 % of grey matter, 3 % of white matter and canal; no level beyond 12 %."""
    scan = sample(suffix)
    mask = load_mask(TRUTH / f"sub-{SUBJECT}_{suffix}_label-cord_mask.nii.gz", like=scan.grid).data
    result = measured(scan, mask, labelling)
    assert [one.name for one in result.structures] == ["gm", "wm", "canal"]
    for one, tolerance in zip(result.structures, (5.0, 3.0, 3.0), strict=True):
        shapes = one.level_shapes
        area = pd.Series(shapes.mean["area_mm2"], index=[level_name(int(level)) for level in shapes.level])
        error = 100 * (area[list(COMPARED_LEVELS)] / known.loc[list(COMPARED_LEVELS), f"{one.name}_area_mm2"] - 1)
        assert error.abs().mean() < tolerance, one.name
        assert error.abs().max() < 12, one.name
        assert abs(shapes.mean["asymmetry_percent"][:6].mean()) < 5, "the digital person is symmetric"


def test_areas_add_up_in_every_slice(labelling):
    scan = sample("T2star")
    result = measured(scan, segment_cord(scan).mask, labelling)
    grey, white = result.structure("gm").shapes, result.structure("wm").shapes
    own = np.isin(result.shapes.slice_index, grey.slice_index)
    np.testing.assert_allclose(grey.area_mm2 + white.area_mm2, result.shapes.area_mm2[own], rtol=1e-6)


def test_the_shape_of_grey_matter_is_expected_by_level(labelling, monkeypatch):
    """The levels of the slices reach the prior, and the edge convention of the cord is that of grey matter."""
    told = {}

    def spy(scan, mask, centerline, **options):
        told.update(options)
        raise InputError("enough")

    monkeypatch.setattr("napari_spinalq.structures.segment_grey_matter", spy)
    scan = sample("T2star")
    with pytest.raises(InputError, match="enough"):
        analyze_scan(scan, guidance=Guidance(edge_offset_mm=0.0), carried=labelling)
    levels = told["slice_levels"]
    assert len(levels) == to_work_order(scan.data, scan.grid)[1].shape[0]
    assert {2, 7} <= set(levels)
    assert told["edge_level"] == 0.5


def test_an_offset_that_grey_matter_does_not_know_is_flagged(labelling):
    scan = sample("T2star")
    cord = segment_cord(scan)
    found = draw_structure("gm", scan, cord.mask, cord.centerline, edge_offset_mm=0.2)
    assert any("no edge offset of 0.2 mm" in flag for flag in found.flags)
    assert not any("offset" in flag for flag in draw_structure("gm", scan, cord.mask, cord.centerline).flags)


def test_a_scan_without_contrast_says_so(labelling):
    scan = sample("T2star")
    mask = load_mask(TRUTH / f"sub-{SUBJECT}_T2star_label-cord_mask.nii.gz", like=scan.grid).data
    noise = np.random.default_rng(4).normal(100, 3, scan.grid.shape).astype(np.float32)
    plain = type(scan)(noise, scan.grid, scan.contrast)
    result = measured(plain, mask, labelling)
    grey, white, canal = result.structures
    assert grey.mask is None
    assert grey.flags == (NO_GREY_MATTER,)
    assert white.flags == (f"WM not measured: {NO_GREY_MATTER}",)
    assert canal.flags == (NO_CANAL,)
    assert {NO_GREY_MATTER, NO_CANAL} <= set(result.all_flags)


def test_another_program_draws_what_it_can_and_the_rest_is_said(monkeypatch):
    scan = sample("T2star")
    mask = np.zeros(scan.grid.shape, np.uint8)

    def program(backend, scan, name, progress):
        if name == "canal":
            raise InputError("It is asked for cord or gm, not canal; choose another backend.")
        return ExternalMask(mask + 1, {"backend": "it"}, ("coarse",))

    monkeypatch.setattr("napari_spinalq.structures.segment_with", program)
    grey, canal = structures_of_backend(Backend.SCT, scan, ExternalMask(mask, {}))
    assert grey.mask.all()
    assert grey.flags == ("coarse",)
    assert canal.mask is None
    assert canal.flags == ("Canal not measured: It is asked for cord or gm, not canal; choose another backend",)


def test_a_canal_that_was_labelled_in_the_same_run_is_taken(monkeypatch):
    def broken(*_):
        raise BackendError("no grey matter here.")

    monkeypatch.setattr("napari_spinalq.structures.segment_with", broken)
    scan = sample("T2star")
    labels = np.zeros(scan.grid.shape, np.uint8)
    labels[10:20], labels[20:30] = 1, 2
    grey, canal = structures_of_backend(Backend.TOTALSPINESEG, scan, ExternalMask(labels == 1, {}, (), labels))
    assert grey.flags == ("GM not measured: no grey matter here",)
    np.testing.assert_array_equal(canal.mask, labels > 0)


@pytest.mark.realdata
def test_a_real_scan_with_contrast_shows_all_and_one_without_says_so(sct_testing):
    t2s = analyze_scan(load_scan(sct_testing / "t2s" / "t2s_uncropped.nii.gz"))
    grey, white, canal = (t2s.structure(name).shapes for name in ("gm", "wm", "canal"))
    own = np.isin(t2s.shapes.slice_index, grey.slice_index)
    share = grey.area_mm2 / t2s.shapes.area_mm2[own]
    assert ((share > 0.12) & (share < 0.28)).all()
    assert (canal.area_mm2 > 1.3 * t2s.shapes.area_mm2).all()
    assert len(white) == len(grey)
    t2 = analyze_scan(load_scan(sct_testing / "t2" / "t2.nii.gz"))
    assert t2.structure("gm").shapes is None
    assert NO_GREY_MATTER in t2.all_flags
    assert t2.structure("canal").shapes is not None

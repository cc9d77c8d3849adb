"""Magnetisation transfer of a digital exam whose MTR is known per tissue, and of any map."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.microstructure.cord import given_cord
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.microstructure.quantity import analyze_map
from napari_spinalq.microstructure.transfer import MtSet, analyze_mt
from napari_spinalq.phantom.tissue import SIGNALS, Tissue
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.values import Method


@pytest.fixture(scope="module")
def found(digital):
    on, off = digital.exam.scans["mt_on"], digital.exam.scans["mt_off"]
    cord = given_cord(digital.exam.truth["mt_on"].cord, on.grid)
    return analyze_mt(MtSet(on, off), cord, labelling=digital.labelling, anatomical=digital.anatomical)


def values(result, structure):
    return [one.value for one in result.values if one.structure == structure and np.isfinite(one.value)]


def test_mtr_of_white_matter_and_tracts_is_the_one_given_to_them(found):
    for structure, tissue in (
        ("lateral_cst_left", Tissue.LATERAL_CST_LEFT),
        ("dorsal_columns", Tissue.DORSAL_COLUMN_LEFT),
    ):
        measured = values(found, structure)
        assert len(measured) >= 2
        assert np.mean(measured) == pytest.approx(SIGNALS[tissue].mtr_percent, abs=1.0)


def test_without_the_settings_of_the_protocol_there_is_no_mtsat_and_that_is_told(digital):
    on, off = digital.exam.scans["mt_on"], digital.exam.scans["mt_off"]
    cord = given_cord(digital.exam.truth["mt_on"].cord, on.grid)
    images = MtSet(on, off, why_no_mtsat="a.json does not give FlipAngle")
    result = analyze_mt(images, cord, options=MapOptions(atlas=None))
    assert [one.name for one in result.maps] == ["mtr"]
    assert result.flags == ("MTsat and T1 were not computed: a.json does not give FlipAngle",)


def test_several_volumes_are_no_mt_image(digital):
    """The mean of echoes, or of the images with and without the pulse in one file, has no MTR."""
    on, off = digital.exam.scans["mt_on"], digital.exam.scans["mt_off"]
    cord = given_cord(digital.exam.truth["mt_on"].cord, on.grid)
    for pair in (
        (on, replace(off, data=np.stack([off.data] * 2, -1))),
        (replace(on, data=np.stack([on.data] * 2, -1)), off),
    ):
        with pytest.raises(InputError, match="holds 2 volumes"):
            analyze_mt(MtSet(*pair), cord, options=MapOptions(atlas=None))
    echo = analyze_mt(MtSet(replace(on, data=on.data[..., None]), off), cord, options=MapOptions(atlas=None))
    assert echo.map("mtr").data.shape == on.grid.shape


def test_an_image_that_does_not_reach_all_of_the_cord_is_told(digital):
    on, off = digital.exam.scans["mt_on"], digital.exam.scans["mt_off"]
    cord = given_cord(digital.exam.truth["mt_on"].cord, on.grid)
    short = Scan(off.data[..., :5], off.grid.cropped((0, 0, 0), (*off.grid.shape[:2], 5)), off.contrast)
    result = analyze_mt(MtSet(on, short), cord, options=MapOptions(atlas=None))
    assert any("MTR is not known in" in flag for flag in result.flags)
    assert np.isnan(result.map("mtr").data[..., -1]).all()


@pytest.fixture(scope="module")
def constant(digital):
    """Return a map that is 3 in the true cord and 50 around it, the cord, and the levels."""
    truth, grid = digital.exam.truth["t2star"], digital.exam.scans["t2star"].grid
    scan = Scan((3 * truth.cord + 50 * (1 - truth.cord)).astype(np.float32), grid)
    return scan, truth.cord, truth.levels


def test_any_map_is_read_per_level_and_freed_from_what_surrounds_the_cord(constant):
    scan, cord, levels = constant
    result = analyze_map(scan, cord, levels, metric="suv", unit="g/ml")
    assert {(one.metric, one.unit) for one in result.values} == {("suv", "g/ml")}
    expected = set(levels_per_slice(to_work_order(levels, scan.grid)[0]).tolist()) - {0}
    assert {one.level for one in result.values} == expected
    assert np.mean(values(result, "white_matter")) == pytest.approx(3, abs=0.3)
    plain = analyze_map(scan, cord, levels, metric="suv", options=MapOptions(method=Method.WA))
    assert np.mean(values(plain, "white_matter")) > 5


def test_levels_that_name_no_slice_of_the_cord_are_refused(constant):
    scan, cord, levels = constant
    below, above = cord.copy(), np.asarray(levels).copy()
    below[:, :, 3:] = 0
    above[:, :, :3] = 0
    with pytest.raises(InputError, match="names no slice of the cord"):
        analyze_map(scan, below, above, metric="suv")
    assert analyze_map(scan, below, above, metric="suv", options=MapOptions(per="slice")).values


@pytest.mark.parametrize(("per", "rows"), [("slice", 7), ("all", 1)])
def test_rows_per_slice_or_of_all_slices(constant, per, rows):
    scan, cord, levels = constant
    result = analyze_map(scan, cord, levels, metric="suv", options=MapOptions(per=per))
    assert len({one.slices for one in result.values}) == rows


def test_unknown_voxels_are_left_out_and_told(constant):
    scan, cord, levels = constant
    data = scan.data.copy()
    data[cord == 1] = np.where(np.arange(np.sum(cord == 1)) % 50 == 0, np.nan, data[cord == 1])
    result = analyze_map(replace(scan, data=data), cord, levels, metric="suv")
    assert any("without a finite value left out" in one.flag for one in result.values)
    assert np.mean(values(result, "white_matter")) == pytest.approx(3, abs=0.3)

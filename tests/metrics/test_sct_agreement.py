"""Agreement with Spinal Cord Toolbox 7.4 on the same real masks, and equal levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.io.nifti import load_levels, load_mask
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.metrics.levels import LevelShapes, per_level
from napari_spinalq.metrics.sct_format import sct_level_table, sct_slice_table
from napari_spinalq.metrics.shape import SliceShapes, slice_shapes

pytestmark = pytest.mark.realdata

FILES = {
    "t2": ("t2/t2_seg-manual.nii.gz", "t2/t2_seg-manual_labeled.nii.gz"),
    "t2s": ("t2s/t2s_seg.nii.gz", "t2s/levels.nii.gz"),
    "mt1": ("mt/mt1_seg.nii.gz", "mt/label/template/PAM50_levels.nii.gz"),
}
DIAMETERS = ("diameter_AP", "diameter_AP_ellipse", "diameter_RL")
TEXT = {"Slice (I->S)": str, "VertLevel": str, "DistancePMJ": str}


@dataclass(frozen=True)
class Case:
    shapes: SliceShapes
    slice_levels: np.ndarray
    levels: LevelShapes
    per_slice: pd.DataFrame
    per_level: pd.DataFrame


@pytest.fixture(scope="module", params=list(FILES))
def case(request, shared, sct_testing):
    mask_name, levels_name = FILES[request.param]
    mask = load_mask(sct_testing / mask_name)
    slice_levels = levels_per_slice(load_levels(sct_testing / levels_name, like=mask.grid).in_work_order().data)
    shapes = slice_shapes(mask.data, mask.grid)
    tables = [
        pd.read_csv(shared / "reference" / "sct" / f"{request.param}_{kind}.csv", dtype=TEXT, keep_default_na=False)
        for kind in ("perslice", "perlevel")
    ]
    return Case(shapes, slice_levels, per_level(shapes, slice_levels), *tables)


def percent(ours, theirs):
    return 100 * np.abs(np.asarray(ours) / np.asarray(theirs) - 1)


def test_area_per_slice(case):
    difference = percent(case.shapes.area_mm2, case.per_slice["MEAN(area)"])
    assert np.median(difference) <= 0.5
    assert difference.max() <= 1.5


@pytest.mark.parametrize("name", DIAMETERS)
def test_diameters_per_slice(case, name):
    ours = sct_slice_table(case.shapes, case.slice_levels)
    assert percent(ours[f"MEAN({name})"], case.per_slice[f"MEAN({name})"]).max() <= 3.0


def test_other_measures_per_slice(case):
    ours = sct_slice_table(case.shapes, case.slice_levels)
    tolerance = {"eccentricity": 0.015, "orientation": 1.5, "solidity": 0.015, "angle_AP": 2.0, "angle_RL": 1.0}
    for name, most in tolerance.items():
        assert np.abs(ours[f"MEAN({name})"] - case.per_slice[f"MEAN({name})"]).max() <= most, name
    assert percent(ours["SUM(length)"], case.per_slice["SUM(length)"]).max() <= 0.3


def test_levels_are_equal(case):
    ours = sct_slice_table(case.shapes, case.slice_levels)
    assert ours["VertLevel"].tolist() == case.per_slice["VertLevel"].tolist()
    assert ours["Slice (I->S)"].tolist() == case.per_slice["Slice (I->S)"].tolist()


def test_level_table(case):
    ours = sct_level_table(case.levels)
    theirs = case.per_level
    assert list(ours.columns) == list(theirs.columns)
    assert ours["Slice (I->S)"].tolist() == theirs["Slice (I->S)"].tolist()
    assert ours["VertLevel"].tolist() == theirs["VertLevel"].tolist()
    assert percent(ours["MEAN(area)"], theirs["MEAN(area)"]).max() <= 0.5
    for name in DIAMETERS:
        assert percent(ours[f"MEAN({name})"], theirs[f"MEAN({name})"]).max() <= 3.0
    np.testing.assert_allclose(ours["STD(area)"], theirs["STD(area)"], atol=0.1)
    np.testing.assert_allclose(ours["SUM(length)"], theirs["SUM(length)"], rtol=0.003)


def test_plain_area_is_the_voxel_count(shared, sct_testing):
    mask = load_mask(sct_testing / FILES["t2"][0])
    theirs = pd.read_csv(shared / "reference" / "sct" / "t2_perslice_noangle.csv")
    shapes = slice_shapes(mask.data, mask.grid, angle_correction=False)
    np.testing.assert_allclose(shapes.area_mm2, theirs["MEAN(area)"], rtol=1e-6)
    for name, ours in (("diameter_AP", shapes.diameter_ap_mm), ("diameter_RL", shapes.diameter_rl_mm)):
        assert percent(ours, theirs[f"MEAN({name})"]).max() <= 3.0

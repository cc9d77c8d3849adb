"""Slices put together to vertebral levels, and the tables of both."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from napari_spinalq.errors import GridMismatchError
from napari_spinalq.metrics.catalogue import MEASURES
from napari_spinalq.metrics.levels import per_level, unwrapped_axis_deg
from napari_spinalq.metrics.sct_format import sct_level_table, sct_slice_table
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.metrics.tidy import COLUMNS, RowIdentity, level_table, slice_table

SLICE_LEVELS = np.repeat([4, 3, 2, 0], 10)
"""C4 below, C3, C2, and ten slices without a level on top."""


@pytest.fixture(scope="module")
def cone(phantom):
    """Return a cord whose area changes from slice to slice, with the level of each."""
    mask, grid = phantom.upright()
    mask *= np.linspace(0.5, 1.0, len(mask))[:, None, None]  # soft values: the area follows them exactly
    return slice_shapes(mask, grid)


def test_mean_spread_and_sum(cone):
    levels = per_level(cone, SLICE_LEVELS)
    assert levels.level.tolist() == [2, 3, 4]
    assert levels.slices == (tuple(range(20, 30)), tuple(range(10, 20)), tuple(range(10)))
    assert levels.n_slices.tolist() == [10, 10, 10]
    np.testing.assert_allclose(levels.mean["area_mm2"][2], cone.area_mm2[:10].mean())
    np.testing.assert_allclose(levels.sd["area_mm2"][2], cone.area_mm2[:10].std())
    np.testing.assert_allclose(levels.length_mm, 10.0, rtol=1e-3)
    assert levels.level_flags == ((), (), ())
    assert levels.flags == ("no level at slices 30-39",)


def test_partly_covered_levels_are_flagged(phantom):
    mask, grid = phantom.upright()
    mask[:4] = 0
    mask[15:17] = 0
    levels = per_level(slice_shapes(mask, grid), np.repeat([4, 3, 2, 1], [10, 10, 16, 4]))
    assert levels.level_flags == (
        ("partly covered: only 4 mm long",),
        (),
        ("partly covered: no mask at slices 15-16",),
        ("partly covered: no mask at slices 0-3",),
    )
    assert levels.flags == ("gap at slices 15-16",)


def test_flags_of_slices_reach_their_level(phantom):
    mask, grid = phantom.upright()
    mask[[12, 13], 2, 2] = 1
    levels = per_level(slice_shapes(mask, grid), SLICE_LEVELS)
    assert levels.level_flags[1] == ("1 stray voxel outside the main component ignored (slices 12-13)",)


def test_no_level_at_all(cone):
    levels = per_level(cone, np.zeros(40, dtype=int))
    assert len(levels) == 0
    assert level_table(levels).empty
    assert sct_level_table(levels).empty


def test_levels_of_another_grid(cone):
    with pytest.raises(GridMismatchError, match="41 slices but the mask has 40"):
        per_level(cone, np.ones(41, dtype=int))


def test_axes_are_averaged_as_axes():
    np.testing.assert_allclose(unwrapped_axis_deg(np.array([80.0, -80.0])).mean(), 90.0)
    np.testing.assert_allclose(unwrapped_axis_deg(np.array([3.0, -8.0, 11.0])), [3.0, -8.0, 11.0])


class TestTidyTable:
    identity = RowIdentity("01", "a", "T2w", "cord")

    def test_one_row_a_measurement(self, cone):
        table = level_table(per_level(cone, SLICE_LEVELS), self.identity)
        assert tuple(table.columns) == COLUMNS
        assert len(table) == 3 * (2 * len(MEASURES) - 1)
        row = table[(table.level == "C4") & (table.metric == "area")].iloc[0]
        assert row.value == pytest.approx(cone.area_mm2[:10].mean())
        assert (row.subject, row.session, row.scan, row.structure) == ("01", "a", "T2w", "cord")
        assert (row.slice, row.unit, row.n_slices, row.flag) == ("0:9", "mm2", 10, "")
        length = table[(table.level == "C4") & (table.metric == "length")]
        assert length.value.tolist() == pytest.approx([10.0], rel=1e-3)
        assert "length_sd" not in set(table.metric)
        assert table[["z", "percentile"]].isna().all(axis=None)

    def test_slices(self, cone):
        table = slice_table(cone, SLICE_LEVELS, self.identity)
        assert len(table) == 40 * len(MEASURES)
        areas = table[table.metric == "area"]
        np.testing.assert_allclose(areas.value, cone.area_mm2)
        assert areas.slice.tolist() == [str(n) for n in range(40)]
        assert areas.level.tolist()[::10] == ["C4", "C3", "C2", ""]

    def test_slices_without_levels(self, cone):
        assert set(slice_table(cone).level) == {""}


def test_sct_table_names_this_package(cone):
    time = datetime(2026, 1, 2, 3, 4, 5)
    table = sct_slice_table(cone, SLICE_LEVELS, filename="mask.nii.gz", time=time)
    assert table["Timestamp"][0] == "2026-01-02 03:04:05"
    assert table["SCT Version"][0].startswith("napari-spinalq ")
    assert table["Filename"][0] == "mask.nii.gz"
    assert table["VertLevel"].tolist()[::10] == ["4", "3", "2", ""]
    by_level = sct_level_table(per_level(cone, SLICE_LEVELS), time=time)
    assert by_level["VertLevel"].tolist() == ["4", "3", "2"]
    assert by_level["Slice (I->S)"].tolist() == ["0:9", "10:19", "20:29"]

"""Values per tract as rows: names, slices, refusals, and how left differs from right."""

import numpy as np
import pytest

from napari_spinalq.metrics.tidy import COLUMNS, RowIdentity
from napari_spinalq.tracts.table import asymmetries, tract_table
from napari_spinalq.tracts.values import Method, TractValue

NAN = float("nan")


def value(side, metric="fa", level=4, number=0.7, half=0.02, **changes):
    told = {"slices": (3, 4, 5), "sd": 0.08, "effective_voxels": 14.5, "flag": "", "unit": ""} | changes
    return TractValue(
        f"lateral_cst_{side}", metric, told["unit"], level, told["slices"], number, told["sd"], number - half,
        number + half, told["effective_voxels"], Method.MAP, told["flag"],
    )  # fmt: skip


REFUSED = value("right", number=NAN, sd=NAN, effective_voxels=3.2, flag="< 5 effective voxels")
IDENTITY = RowIdentity("01", "a", "dwi")


def test_each_value_is_five_rows():
    table = tract_table([value("left", slices=(3, 4, 5, 9))], IDENTITY)
    assert tuple(table.columns) == COLUMNS
    assert table["metric"].tolist() == ["fa", "fa_sd", "fa_low", "fa_high", "fa_voxels"]
    assert table["value"].tolist() == pytest.approx([0.7, 0.08, 0.68, 0.72, 14.5])
    assert table["unit"].tolist() == ["", "", "", "", "voxels"]
    for column, expected in {
        "subject": "01", "session": "a", "scan": "dwi", "level": "C4", "slice": "3:5;9", "n_slices": 4,
        "structure": "lateral_cst_left", "reference": "", "flag": "",
    }.items():  # fmt: skip
        assert set(table[column]) == {expected}
    assert table[["z", "percentile"]].isna().all(axis=None)


def test_a_refused_value_is_a_row_without_a_number_that_says_why():
    table = tract_table([REFUSED]).set_index("metric")
    assert np.isnan(table.loc["fa", "value"])
    assert table.loc["fa_voxels", "value"] == 3.2
    assert table.loc["fa", "flag"] == "< 5 effective voxels"


def test_slices_without_a_level_have_no_name():
    assert tract_table([value("left", level=0)])["level"].tolist() == [""] * 5


def test_without_values_the_table_has_its_columns():
    table = tract_table([])
    assert tuple(table.columns) == COLUMNS
    assert table.empty


def test_the_asymmetry_is_positive_where_the_left_is_higher():
    (found,) = asymmetries([value("left", number=0.72), value("right", number=0.68)])
    assert (found.structure, found.metric, found.unit, found.level) == ("lateral_cst", "fa_asymmetry", "%", 4)
    assert found.value == pytest.approx(100 * 0.04 / 0.70)
    assert (found.high - found.low) / 2 == pytest.approx(100 * 0.02 * np.hypot(0.72, 0.68) / 0.70**2)


def test_the_interval_of_an_asymmetry_is_that_of_its_two_sides():
    random = np.random.default_rng(0)
    left, right = (number + 0.01 * random.standard_normal(200_000) for number in (0.72, 0.66))
    spread = np.std(100 * (left - right) / ((left + right) / 2))
    (found,) = asymmetries([value("left", number=0.72, half=0.01), value("right", number=0.66, half=0.01)])
    assert (found.high - found.low) / 2 == pytest.approx(spread, rel=0.01)


def test_an_asymmetry_with_a_refused_side_is_refused():
    (found,) = asymmetries([value("left"), REFUSED])
    assert np.isnan(found.value)
    assert found.flag == "< 5 effective voxels"


def test_sides_are_paired_within_one_level_and_metric():
    assert asymmetries([value("left", level=4), value("right", level=5)]) == ()
    assert asymmetries([value("left"), value("right", metric="md")]) == ()

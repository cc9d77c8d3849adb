"""The short table of tracts: superior first, refusals as dashes with their reason."""

import numpy as np

from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractMaps, TractTissue
from napari_spinalq.tracts.summary import tract_headings, tract_rows
from napari_spinalq.tracts.values import Method, TractValue

MAPS = TractMaps(
    (Tract("lateral_cst_left", "Lateral CST, left", Side.LEFT, TractTissue.WM),),
    (TractGroup("white_matter", "White matter", Side.BOTH, ("lateral_cst_left",)),),
    np.zeros((1, 1, 1, 1), np.float32),
    "test",
)


def value(structure, metric, number, level=3, slices=(4, 5), flag="", unit=""):
    return TractValue(structure, metric, unit, level, slices, number, 0.1, 0.0, 1.0, 7.25, Method.MAP, flag)


def test_levels_come_from_superior_and_structures_in_the_order_they_are_read():
    values = [
        value("white_matter", "fa", 0.7123, level=4, slices=(1, 2)),
        value("white_matter", "fa", 0.7),
        value("lateral_cst_left", "fa", 0.6),
        value("lateral_cst_left", "md", 0.915, unit="1e-3 mm2/s"),
    ]
    assert tract_headings(values) == ("Level", "Structure", "FA", "MD 10⁻³ mm²/s", "Voxels", "To be checked")
    assert tract_rows(values, MAPS) == [
        ("C3", "Lateral CST, left", "0.600", "0.92", "7.2", ""),
        ("C3", "White matter", "0.700", "–", "7.2", ""),
        ("C4", "White matter", "0.712", "–", "7.2", ""),
    ]


def test_a_refused_value_is_a_dash_and_says_why_once():
    why = "< 5 effective voxels"
    values = [value("white_matter", metric, float("nan"), flag=why) for metric in ("fa", "md")]
    assert tract_rows(values, MAPS) == [("C3", "White matter", "–", "–", "7.2", why)]


def test_slices_are_numbered_and_all_slices_are_named():
    per_slice = [value("white_matter", "fa", 0.7, slices=(number,)) for number in (4, 5)]
    assert [row[0] for row in tract_rows(per_slice, MAPS)] == ["C3 slice 5", "C3 slice 4"]
    assert tract_rows([value("white_matter", "suv", 1.5, level=0)], MAPS)[0][0] == "all"


def test_a_map_of_its_own_name_is_shown_too():
    assert tract_headings([value("white_matter", "suv", 1.5, unit="g/ml")])[2] == "suv g/ml"

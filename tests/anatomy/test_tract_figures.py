"""Figures of the parts of the cord: complete, plausible, and those of the source."""

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.anatomy.tract_figures import tract_figures

PARTS = {
    "gracilis", "cuneatus", "lateral_cst", "spinocerebellar_ventral", "rubrospinal", "spinothalamic", "ventral_cst",
    "anterolateral", "ventromedial", "ventral_horn", "intermediate", "dorsal_horn",
}  # fmt: skip


def test_every_level_from_c1_to_l1_holds_every_part():
    figures = tract_figures()
    assert list(figures) == list(range(1, 21))
    assert all(set(known) == PARTS for known in figures.values())


def test_the_parts_of_one_side_fill_half_of_the_cord():
    for known in tract_figures().values():
        assert sum(part.area_fraction for part in known.values()) == pytest.approx(0.5, abs=2e-3)


def test_the_parts_of_one_side_balance_about_the_centroid_of_the_cord():
    """Their mean height is that of a disc, 0, and their mean distance from the midline 4 / (3 pi)."""
    for known in tract_figures().values():
        area = np.array([part.area_fraction for part in known.values()])
        assert np.average([part.y for part in known.values()], weights=area) == pytest.approx(0.0, abs=0.01)
        assert np.average([part.x for part in known.values()], weights=area) == pytest.approx(0.4244, abs=0.01)


@pytest.mark.realdata
def test_the_parts_lie_where_the_source_was_measured_before(shared):
    """The earlier measurement took ellipses for outlines: places differ by what outlines depart from them."""
    table = pd.read_csv(shared / "anatomy" / "tract_geometry_by_level.csv")
    names = {"lateral_CST": "lateral_cst", "cuneatus": "cuneatus", "GM_ventral_horn": "ventral_horn"}
    levels = {"C2": 2, "C4": 4, "C7": 7, "T6": 13}
    chosen = (table.side == "R") & table.structure.isin(names) & table.level.isin(levels)
    for row in table[chosen].itertuples():
        own = tract_figures()[levels[row.level]][names[row.structure]]
        assert np.hypot(own.x - row.centroid_x, own.y - row.centroid_y) < 0.06
        assert own.area_fraction == pytest.approx(row.area_fraction, rel=0.12)

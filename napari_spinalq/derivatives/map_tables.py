"""Tables about tracts: which volume of a file is which, the values with all that is known, and SCT's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pandas as pd

from napari_spinalq import __version__
from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.values import Method, TractValue
from napari_spinalq.vertebrae import level_name

VALUE_COLUMNS = (
    "structure", "metric", "level", "slices", "value", "sd", "low", "high", "unit", "effective_voxels", "method",
    "flag",
)  # fmt: skip

SCT_VALUE = {Method.WA: "WA()", Method.BIN: "BIN()", Method.ML: "ML()", Method.MAP: "MAP()"}
"""Heading of the value in Spinal Cord Toolbox (``sct_extract_metric``), by method."""


def tract_labels(tracts: TractMaps) -> pd.DataFrame:
    """Return which volume of a 4-D file of tracts is which part."""
    rows = [(index, one.key, one.title, one.side.value, one.tissue.value) for index, one in enumerate(tracts.tracts)]
    return pd.DataFrame(rows, columns=["index", "name", "title", "side", "tissue"])


def values_table(values: Sequence[TractValue]) -> pd.DataFrame:
    """Return one row a value with ``VALUE_COLUMNS``; the level is named, the slices are a range such as ``"4:17"``."""
    rows = [
        (
            one.structure, one.metric, level_name(one.level) if one.level else "", slice_ranges(one.slices), one.value,
            one.sd, one.low, one.high, one.unit, one.effective_voxels, one.method.value, one.flag,
        )
        for one in values
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(VALUE_COLUMNS))


def sct_tract_table(
    values: Sequence[TractValue], titles: Mapping[str, str], *, filename: str = "", time: datetime | None = None
) -> pd.DataFrame:
    """Return the values with the columns of Spinal Cord Toolbox (``sct_extract_metric``).

    Parameters
    ----------
    values : sequence of TractValue
        Of one metric and method.
    titles : mapping of str to str
        How each structure is written.
    filename : str
        Of the map.
    time : datetime, optional
        When it was measured; by default now.

    Returns
    -------
    DataFrame
        One row a value, slices from inferior. The column ``SCT Version`` names this package and its version. A refused
        value is empty.
    """
    stamp = (time or datetime.now()).strftime("%Y-%m-%d %H:%M:%S")
    rows = [
        {
            "Timestamp": stamp,
            "SCT Version": f"napari-spinalq {__version__}",
            "Filename": filename,
            "Slice (I->S)": slice_ranges(one.slices),
            "VertLevel": str(one.level) if one.level else "",
            "DistancePMJ": "",
            "Label": titles.get(one.structure, one.structure),
            "Size [vox]": one.effective_voxels,
            SCT_VALUE[one.method]: one.value,
            "STD()": one.sd,
        }
        for one in values
    ]
    return pd.DataFrame(rows)

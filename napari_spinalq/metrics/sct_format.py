"""Tables with the columns of Spinal Cord Toolbox, so that scripts written for its output read ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_spinalq._version import __version__
from napari_spinalq.metrics.catalogue import MEASURES, Measure
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.metrics.shape import SliceShapes

SCT_ORDER = (
    "area", "angle_AP", "angle_RL", "diameter_AP", "diameter_AP_ellipse", "diameter_RL", "length_anterior",
    "length_posterior", "eccentricity", "orientation", "solidity",
)  # fmt: skip
"""Averaged measures in the column order of Spinal Cord Toolbox 7.4 (``sct_process_segmentation``)."""

_BY_SCT_NAME: Mapping[str, Measure] = {measure.sct_name: measure for measure in MEASURES if measure.sct_name}


def sct_slice_table(
    shapes: SliceShapes, slice_levels: ArrayLike | None = None, *, filename: str = "", time: datetime | None = None
) -> pd.DataFrame:
    """Return the measures per slice under Spinal Cord Toolbox names.

    Parameters
    ----------
    shapes : SliceShapes
        Measures per slice.
    slice_levels : (slice_count,) array of int, optional
        Vertebral level of every slice of the grid; 0 = none.
    filename : str
        Of the mask.
    time : datetime, optional
        When it was measured; by default now.

    Returns
    -------
    DataFrame
        One row per slice, inferior to superior. The column ``SCT Version`` names this package and its version.
    """
    levels = np.zeros(shapes.slice_count, dtype=int) if slice_levels is None else np.asarray(slice_levels, dtype=int)
    mean = {name: getattr(shapes, _BY_SCT_NAME[name].attribute) for name in SCT_ORDER}
    sd = {name: np.zeros(len(shapes)) for name in SCT_ORDER}
    head = _head(
        filename,
        time,
        [str(number) for number in shapes.slice_index],
        [str(level) if level else "" for level in levels[shapes.slice_index]],
    )
    return _frame(head, mean, sd, shapes.length_mm)


def sct_level_table(levels: LevelShapes, *, filename: str = "", time: datetime | None = None) -> pd.DataFrame:
    """Return the measures per vertebral level under Spinal Cord Toolbox names.

    Parameters
    ----------
    levels : LevelShapes
        Measures per level.
    filename, time
        As in :func:`sct_slice_table`.

    Returns
    -------
    DataFrame
        One row per level, the most inferior first, as Spinal Cord Toolbox writes them.
    """
    order = slice(None, None, -1)
    mean = {name: levels.mean[_BY_SCT_NAME[name].attribute][order] for name in SCT_ORDER}
    sd = {name: levels.sd[_BY_SCT_NAME[name].attribute][order] for name in SCT_ORDER}
    head = _head(
        filename,
        time,
        [slice_ranges(slices) for slices in levels.slices[order]],
        [str(level) for level in levels.level[order]],
    )
    return _frame(head, mean, sd, levels.length_mm[order])


def _head(filename: str, time: datetime | None, slices: list[str], levels: list[str]) -> pd.DataFrame:
    stamp = (time or datetime.now()).strftime("%Y-%m-%d %H:%M:%S")
    return pd.DataFrame(
        {
            "Timestamp": stamp,
            "SCT Version": f"napari-spinalq {__version__}",
            "Filename": filename,
            "Slice (I->S)": slices,
            "VertLevel": levels,
            "DistancePMJ": "",
        }
    )


def _frame(
    head: pd.DataFrame,
    mean: Mapping[str, NDArray[np.float64]],
    sd: Mapping[str, NDArray[np.float64]],
    length_mm: NDArray[np.float64],
) -> pd.DataFrame:
    values = {}
    for name in SCT_ORDER:
        values[f"MEAN({name})"] = mean[name]
        values[f"STD({name})"] = sd[name]
    values["SUM(length)"] = length_mm
    return pd.concat([head, pd.DataFrame(values)], axis=1)

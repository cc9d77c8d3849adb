"""The interval of an area, and the confidence of slices, carried into the tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.cord.confidence import Confidence
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.shape import SliceShapes

LOW_CONFIDENCE = "low confidence: look here first"
"""The flag of a slice in which the automatic outline is likely to be wrong."""

INTERVAL = ("area_ci95_low", "area_ci95_high")
"""Metrics that bound the 95 % interval of ``area``, mm2."""


def with_confidence_flags(shapes: SliceShapes, confidence: Confidence) -> SliceShapes:
    """Return the same measures with a flag on each slice of low confidence."""
    low = confidence.low
    flags = tuple(
        (*own, LOW_CONFIDENCE) if low[index] else own
        for index, own in zip(shapes.slice_index.tolist(), shapes.slice_flags, strict=True)
    )
    return replace(shapes, slice_flags=flags)


def area_half_width_mm2(shapes: SliceShapes, confidence: Confidence) -> NDArray[np.float64]:
    """Return half the width of the 95 % interval of the area of each measured slice, mm2; NaN where a person drew."""
    return shapes.area_mm2 * confidence.area_error_percent[shapes.slice_index] / 100.0


def level_half_width_mm2(levels: LevelShapes, shapes: SliceShapes, confidence: Confidence) -> dict[int, float]:
    """Return half the width of the 95 % interval of the mean area of each level, mm2.

    Errors of neighbouring slices go together (one edge, one contrast, one reader's habit), so that the mean over a
    level is taken to be no surer than its slices: the mean of their half widths. Slices drawn by a person add nothing.
    """
    widths = dict(zip(shapes.slice_index.tolist(), area_half_width_mm2(shapes, confidence).tolist(), strict=True))
    found = {}
    for level, slices in zip(levels.level.tolist(), levels.slices, strict=True):
        own = np.array([widths[index] for index in slices])
        if np.isfinite(own).any():
            found[level] = float(np.nan_to_num(own).mean())
    return found


def with_interval_rows(
    table: pd.DataFrame, shapes: SliceShapes, levels: LevelShapes | None, confidence: Confidence
) -> pd.DataFrame:
    """Return the tidy table of a cord with rows for the interval of its area, and per slice for its confidence.

    Parameters
    ----------
    table : DataFrame
        From :func:`~napari_spinalq.metrics.tidy.level_table` or ``slice_table``.
    shapes : SliceShapes
        The cord's measures per slice.
    levels : LevelShapes, optional
        Those per level, if the table is per level.
    confidence : Confidence
        Of the slices.
    """
    area = table[table["metric"] == "area"].reset_index(drop=True)
    if levels is None:
        half = area_half_width_mm2(shapes, confidence)
        sure = area.assign(metric="confidence", unit="", value=confidence.probability[shapes.slice_index])
        extra = [sure[np.isfinite(sure["value"])]]
    else:
        known = level_half_width_mm2(levels, shapes, confidence)
        half = np.array([known.get(level, np.nan) for level in levels.level.tolist()])
        extra = []
    bounds = [
        area.assign(metric=name, value=area["value"] + sign * half)[np.isfinite(half)]
        for name, sign in zip(INTERVAL, (-1, 1), strict=True)
    ]
    return pd.concat([part for part in (table, *bounds, *extra) if len(part)], ignore_index=True)

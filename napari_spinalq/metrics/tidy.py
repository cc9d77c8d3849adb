"""The tidy table: one row a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from napari_spinalq.metrics.catalogue import SUMMED, Measure, measures_of
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.metrics.shape import SliceShapes
from napari_spinalq.vertebrae import level_name

COLUMNS = (
    "subject", "session", "scan", "level", "slice", "structure", "metric", "value", "unit", "n_slices", "z",
    "percentile", "reference", "flag",
)  # fmt: skip
"""Columns of the table, in order."""


AREA = "area"
"""The metric that stands for a structure which could not be measured."""


@dataclass(frozen=True)
class RowIdentity:
    """What all rows of one measured mask share: whose it is, of which scan, and what was measured."""

    subject: str = ""
    session: str = ""
    scan: str = ""
    structure: str = "cord"


def level_table(levels: LevelShapes, identity: RowIdentity = RowIdentity()) -> pd.DataFrame:
    """Return the measures per vertebral level: means, standard deviations over slices (``_sd``), summed length.

    Parameters
    ----------
    levels : LevelShapes
        Measures per level.
    identity : RowIdentity
        Subject, session, scan and structure.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``; ``slice`` is a range of slice numbers from inferior, such as ``"4:17"``; ``z``,
        ``percentile`` and ``reference`` are empty until a reference is applied.
    """
    return _frame(identity, _level_rows(levels, measures_of(identity.structure)))


def slice_table(
    shapes: SliceShapes, slice_levels: ArrayLike | None = None, identity: RowIdentity = RowIdentity()
) -> pd.DataFrame:
    """Return the measures per slice.

    Parameters
    ----------
    shapes : SliceShapes
        Measures per slice.
    slice_levels : (slice_count,) array of int, optional
        Vertebral level of every slice of the grid; 0 = none.
    identity : RowIdentity
        Subject, session, scan and structure.

    Returns
    -------
    DataFrame
        As :func:`level_table`, with one slice in each row.
    """
    levels = np.zeros(shapes.slice_count, dtype=int) if slice_levels is None else np.asarray(slice_levels, dtype=int)
    return _frame(identity, _slice_rows(shapes, levels[shapes.slice_index].tolist(), measures_of(identity.structure)))


def unmeasured_table(measured: pd.DataFrame, structure: str, why: str) -> pd.DataFrame:
    """Return rows without a value for a structure that a scan does not show: its absence is said, not left out.

    Parameters
    ----------
    measured : DataFrame
        The cord's table, per level or per slice.
    structure : str
        What is missing.
    why : str
        The flag of every row.
    """
    rows = measured[measured["metric"] == AREA].reset_index(drop=True)
    return rows.assign(structure=structure, value=np.nan, n_slices=0, flag=why)


Row = tuple[str, str, str, float, str, int, str]
"""Level, slices, metric, value, unit, number of slices, flag."""


def _level_rows(levels: LevelShapes, measures: Sequence[Measure]) -> Iterator[Row]:
    for place, level in enumerate(levels.level.tolist()):
        slices = levels.slices[place]
        head = level_name(level), slice_ranges(slices)
        tail = len(slices), "; ".join(levels.level_flags[place])
        for measure in measures:
            if measure.attribute == SUMMED:
                yield (*head, measure.name, float(levels.length_mm[place]), measure.unit, *tail)
                continue
            yield (*head, measure.name, float(levels.mean[measure.attribute][place]), measure.unit, *tail)
            yield (*head, f"{measure.name}_sd", float(levels.sd[measure.attribute][place]), measure.unit, *tail)


def _slice_rows(shapes: SliceShapes, levels: list[int], measures: Sequence[Measure]) -> Iterator[Row]:
    columns = [(measure.name, measure.unit, getattr(shapes, measure.attribute).tolist()) for measure in measures]
    for place, (number, level) in enumerate(zip(shapes.slice_index.tolist(), levels, strict=True)):
        head = level_name(level) if level else "", str(number)
        flag = "; ".join(shapes.slice_flags[place])
        for name, unit, values in columns:
            yield (*head, name, values[place], unit, 1, flag)


def _frame(identity: RowIdentity, rows: Iterable[Row]) -> pd.DataFrame:
    columns = tuple(zip(*rows, strict=True)) or ((),) * 7
    level, slices, metric, value, unit, count, flag = columns
    data: dict[str, Any] = {
        "subject": identity.subject, "session": identity.session, "scan": identity.scan, "level": level,
        "slice": slices, "structure": identity.structure, "metric": metric, "value": np.array(value, dtype=float),
        "unit": unit, "n_slices": np.array(count, dtype=int), "z": np.nan, "percentile": np.nan, "reference": "",
        "flag": flag,
    }  # fmt: skip
    return pd.DataFrame(data, columns=list(COLUMNS))

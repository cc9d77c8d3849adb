"""Values per tract as tidy rows, as a compact table for people, and as differences of left and right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isnan

import numpy as np
import pandas as pd

from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.metrics.tidy import COLUMNS, RowIdentity
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.values import TractValue
from napari_spinalq.vertebrae import level_name

NO_VALUE = "–"
"""What the compact table shows where a value was refused or does not exist."""

LEFT, RIGHT = "_left", "_right"
"""Endings of the keys of one structure on both sides."""

MAPS_TO_3_DIGITS = frozenset({"fa"})
"""Metrics between 0 and 1, read with three decimals; others are read with three significant digits."""


def tract_table(values: Iterable[TractValue], identity: RowIdentity = RowIdentity()) -> pd.DataFrame:
    """Return one row a number.

    Parameters
    ----------
    values : iterable of TractValue
        As extracted, any metrics together.
    identity : RowIdentity
        Subject, session and scan; the structure of each row is the key of its tract.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``. For a metric ``fa`` the rows ``fa``, ``fa_sd`` (weighted standard deviation over voxels),
        ``fa_low`` and ``fa_high`` (95 % interval of the value) and ``fa_voxels`` (effective voxels). A refused value
        is a row without a number whose flag says why.
    """
    rows = [row for value in values for row in _rows(value, identity)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": float, "z": float, "percentile": float})


def _rows(value: TractValue, identity: RowIdentity) -> Iterator[dict[str, object]]:
    numbers = (
        ("", value.value, value.unit),
        ("_sd", value.sd, value.unit),
        ("_low", value.low, value.unit),
        ("_high", value.high, value.unit),
        ("_voxels", value.effective_voxels, "voxels"),
    )
    for ending, number, unit in numbers:
        yield {
            "subject": identity.subject,
            "session": identity.session,
            "scan": identity.scan,
            "level": level_name(value.level) if value.level else "",
            "slice": slice_ranges(value.slices),
            "structure": value.structure,
            "metric": value.metric + ending,
            "value": number,
            "unit": unit,
            "n_slices": len(value.slices),
            "z": np.nan,
            "percentile": np.nan,
            "reference": "",
            "flag": value.flag,
        }


def tract_summary(
    values: Iterable[TractValue],
    tracts: TractMaps,
    *,
    levels: Sequence[int] | None = None,
    metrics: Sequence[str] | None = None,
    structures: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return values as people read them: a row a structure and level, a column a metric.

    Parameters
    ----------
    values : iterable of TractValue
        As extracted.
    tracts : TractMaps
        For the titles of structures.
    levels : sequence of int, optional
        Only these levels; 0 is all slices together.
    metrics, structures : sequence of str, optional
        Only these, in this order; by default all, in the order in which they come.

    Returns
    -------
    DataFrame
        ``structure`` (title), ``level`` (name, empty for all slices), one text column a metric, named in capitals,
        with its unit: ``"0.71"``, ``"–"`` where the value was refused; ``note`` with the flags of the row.
    """
    chosen = [one for one in values if levels is None or one.level in levels]
    names = list(metrics) if metrics is not None else list(dict.fromkeys(one.metric for one in chosen))
    keys = list(structures) if structures is not None else list(dict.fromkeys(one.structure for one in chosen))
    found = {(one.structure, one.level, one.slices, one.metric): one for one in chosen}
    places = list(dict.fromkeys((one.level, one.slices) for one in chosen))
    titles = structure_titles(tracts)
    rows = []
    for key in keys:
        for level, slices in places:
            row = [found.get((key, level, slices, metric)) for metric in names]
            if any(row):
                head = {"structure": titles.get(key, key), "level": level_name(level) if level else ""}
                cells = {column_title(metric, chosen): _cell(one) for metric, one in zip(names, row, strict=True)}
                flags = dict.fromkeys(one.flag for one in row if one is not None and one.flag)
                rows.append({**head, **cells, "note": "; ".join(flags)})
    columns = ["structure", "level", *(column_title(metric, chosen) for metric in names), "note"]
    return pd.DataFrame(rows, columns=columns)


def structure_titles(tracts: TractMaps) -> dict[str, str]:
    """Return the titles of tracts and groups by key."""
    return {one.key: one.title for one in tracts.tracts} | {one.key: one.title for one in tracts.groups}


def column_title(metric: str, values: Iterable[TractValue]) -> str:
    """Return the heading of a metric: capitals, and its unit where it has one."""
    unit = next((one.unit for one in values if one.metric == metric), "")
    return f"{metric.upper()} ({unit})" if unit else metric.upper()


def _cell(value: TractValue | None) -> str:
    if value is None or isnan(value.value):
        return NO_VALUE
    return f"{value.value:.3f}" if value.metric in MAPS_TO_3_DIGITS else f"{value.value:.3g}"


def asymmetries(values: Iterable[TractValue]) -> tuple[TractValue, ...]:
    """Return how the left side differs from the right, in percent of their mean, for each pair of structures.

    Parameters
    ----------
    values : iterable of TractValue
        With pairs ``X_left`` and ``X_right`` of one metric and slices.

    Returns
    -------
    tuple of TractValue
        Of structure ``X`` and metric ``fa_asymmetry``: 100 (L - R) / ((L + R) / 2), positive where the left is higher;
        refused where one side is. The interval takes the errors of both sides as independent.

    Notes
    -----
    With m = (L + R) / 2, the asymmetry changes by 100 R / m^2 with L and by -100 L / m^2 with R.
    """
    known = {(one.structure, one.metric, one.level, one.slices): one for one in values}
    results = []
    for (structure, metric, level, slices), left in known.items():
        if structure.endswith(LEFT):
            right = known.get((structure.removesuffix(LEFT) + RIGHT, metric, level, slices))
            if right is not None:
                results.append(_asymmetry(structure.removesuffix(LEFT), left, right))
    return tuple(results)


def _asymmetry(structure: str, left: TractValue, right: TractValue) -> TractValue:
    mean = (left.value + right.value) / 2
    difference = 100 * (left.value - right.value) / mean if mean else float("nan")
    halves = (left.high - left.low) / 2, (right.high - right.low) / 2
    half = 100 * float(np.hypot(right.value * halves[0], left.value * halves[1])) / mean**2 if mean else float("nan")
    return TractValue(
        structure, f"{left.metric}_asymmetry", "%", left.level, left.slices, difference, float("nan"),
        difference - half, difference + half, min(left.effective_voxels, right.effective_voxels), left.method,
        "; ".join(dict.fromkeys(flag for flag in (left.flag, right.flag) if flag)),
    )  # fmt: skip

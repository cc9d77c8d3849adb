"""Values per tract as tidy rows, and as differences of left and right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.metrics.tidy import COLUMNS, RowIdentity
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.values import TractValue
from napari_spinalq.vertebrae import level_name

LEFT, RIGHT = "_left", "_right"
"""Endings of the keys of one structure on both sides."""


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


def structure_titles(tracts: TractMaps) -> dict[str, str]:
    """Return the titles of tracts and groups by key."""
    return {one.key: one.title for one in tracts.tracts} | {one.key: one.title for one in tracts.groups}


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

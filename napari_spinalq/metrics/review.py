"""Which slices of a mask a person looked at, in the table per slice."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

UNTOUCHED, CHECKED, EDITED = 0, 1, 2
"""Values of the metric ``review``: nobody looked at the slice, someone did and left it unchanged, someone edited it."""

REVIEW = "review"


def with_review_rows(table: pd.DataFrame, checked: Collection[int], edited: Collection[int]) -> pd.DataFrame:
    """Return the tidy table of a cord per slice with a row for what became of each slice.

    Parameters
    ----------
    table : DataFrame
        From :func:`~napari_spinalq.metrics.tidy.slice_table`.
    checked, edited : collection of int
        Axial slices (from inferior) that a person checked unchanged, and edited; a slice in both counts as edited.

    Returns
    -------
    DataFrame
        The table and one row a slice: metric ``review``, value ``UNTOUCHED``, ``CHECKED`` or ``EDITED``, no unit.
    """
    rows = table[table["metric"] == "area"].reset_index(drop=True)
    slices = rows["slice"].astype(int)
    value = slices.isin(list(checked)).astype(float) * CHECKED
    value[slices.isin(list(edited))] = EDITED
    return pd.concat([table, rows.assign(metric=REVIEW, unit="", value=value)], ignore_index=True)

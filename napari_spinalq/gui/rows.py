"""Rows and columns of the table of levels, for each structure that can be in hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from napari_spinalq.gui.table_model import Column, Row
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.summary import SUMMARY_COLUMNS
from napari_spinalq.metrics.uncertainty import LOW_CONFIDENCE
from napari_spinalq.norms.reference import Reference
from napari_spinalq.norms.words import place_in_words
from napari_spinalq.results import ScanResult
from napari_spinalq.vertebrae import level_name

WARNING_SIGN = "⚠"
AREA_TIP = "Mean area, corrected for the angle between cord and slice"

_EXPLANATIONS = {
    "area_mm2": ("Area\nmm²", AREA_TIP),
    "diameter_ap_mm": ("AP\nmm", "Mean front-to-back diameter"),
    "diameter_rl_mm": ("RL\nmm", "Mean right-to-left diameter"),
    "eccentricity": ("Ecc.", "Mean eccentricity of the fitted ellipse: 0 = circle, near 1 = flat"),
    "solidity": ("Sol.", "Mean area as a share of its convex hull: 1 = no dent"),
    "asymmetry_percent": ("Asym.\n%", "Mean difference between left and right half; positive: left larger"),
}
_FIRST = (
    Column("level", "Level", "Vertebral level"),
    Column("slices", "Sli-\nces", "Number of axial slices that hold the structure at this level", 0),
)
_LAST = (Column("flag", "", "What to look at in this level"),)
_SHAPE = (
    *_FIRST,
    *(Column(one.attribute, *_EXPLANATIONS[one.attribute], one.decimals) for one in SUMMARY_COLUMNS),
    *_LAST,
)
_TISSUE = (
    *_FIRST,
    Column("area_mm2", "GM\nmm²", "Mean area of grey matter, corrected for the angle between cord and slice", 1),
    Column(
        "asymmetry_percent",
        "Asym.\n%",
        "Grey matter left against right of the cord's midline; positive: left larger",
        1,
    ),
    Column("wm_mm2", "WM\nmm²", "Mean area of white matter: the cord less its grey matter", 1),
    Column("cord_mm2", "Cord\nmm²", "Mean area of the cord", 1),
    *_LAST,
)
COLUMNS: Mapping[str, tuple[Column, ...]] = {"cord": _SHAPE, "gm": _TISSUE, "canal": _SHAPE}
"""Columns of the table by the structure in hand."""


def rows_of(
    structure: str,
    levels: Mapping[str, LevelShapes | None],
    flags: Sequence[str] = (),
    measured: ScanResult | None = None,
) -> list[Row]:
    """Return a row of the table per level of the cord, superior first.

    Parameters
    ----------
    structure : str
        The one in hand.
    levels : mapping of str to LevelShapes
        Measures per level of what is drawn; those of the cord name the rows.
    flags : sequence of str
        Why a level without the structure has no number.
    measured : ScanResult, optional
        The last whole measurement: of the cord it tells the interval of each area, and where confidence is low.
    """
    cord = levels.get("cord")
    if cord is None:
        return []
    rows = [_row(structure, int(number), levels, flags) for number in cord.level]
    if structure != "cord" or measured is None or measured.confidence is None:
        return rows
    half_widths = measured.area_half_widths_mm2
    return [_with_confidence(row, measured.level_shapes, half_widths) for row in rows]


def with_reference(rows: Sequence[Row], reference: Reference | None, said: str) -> list[Row]:
    """Return rows whose area tells where it lies among healthy people.

    Parameters
    ----------
    rows : sequence of Row
        From :func:`rows_of`.
    reference : Reference, optional
        Of the area; None leaves the rows as they are.
    said : str
        Who is in the reference.
    """
    if reference is None:
        return list(rows)
    return [_placed(row, reference, said) for row in rows]


def _placed(row: Row, reference: Reference, said: str) -> Row:
    norm, area = reference.levels.get(row["number"]), row["area_mm2"]
    if norm is None or area is None or not np.isfinite(area):
        return row
    z = float(norm.z(area))
    words = f"z {z:+.1f}: {place_in_words(z)} ({said})"
    return {**row, "area_z": z, "area_mm2_tip": f"{row.get('area_mm2_tip', AREA_TIP)}\n{words}"}


def _with_confidence(row: Row, measured: LevelShapes, half_widths_mm2: Mapping[int, float]) -> Row:
    """Return a row with the interval of its area in the tooltip, and with a sign if slices have low confidence."""
    number = row["number"]
    place = _place(measured, number)
    low = [] if place is None else [flag for flag in measured.level_flags[place] if flag.startswith(LOW_CONFIDENCE)]
    doubts = [*row["flag_tip"].splitlines(), *low]
    marked = {"flag": WARNING_SIGN if doubts else "", "flag_sort": len(doubts), "flag_tip": "\n".join(doubts)}
    if number not in half_widths_mm2:
        return {**row, **marked}
    tip = f"Mean area of the automatic outline; its 95 % interval is ± {half_widths_mm2[number]:.1f} mm²"
    return {**row, **marked, "area_mm2_tip": tip}


def _row(structure: str, number: int, levels: Mapping[str, LevelShapes | None], flags: Sequence[str]) -> Row:
    own = levels.get(structure)
    place = _place(own, number)
    known = own is not None and place is not None
    doubts = own.level_flags[place] if known else tuple(flags) or ("not drawn at this level",)
    return {column.attribute: _mean(own, place, column.attribute) for column in SUMMARY_COLUMNS} | {
        "wm_mm2": _mean(levels.get("wm"), _place(levels.get("wm"), number), "area_mm2"),
        "cord_mm2": _mean(levels["cord"], _place(levels["cord"], number), "area_mm2"),
        "number": number,
        "level": level_name(number),
        "level_sort": number,
        "slices": len(own.slices[place]) if known else 0,
        "flag": WARNING_SIGN if doubts else "",
        "flag_sort": len(doubts),
        "flag_tip": "\n".join(doubts),
    }


def _place(levels: LevelShapes | None, number: int) -> int | None:
    """Return where a level stands among those of a structure; None if it holds none of it."""
    found = [] if levels is None else np.flatnonzero(levels.level == number)
    return int(found[0]) if len(found) else None


def _mean(levels: LevelShapes | None, place: int | None, attribute: str) -> float | None:
    return None if levels is None or place is None else float(levels.mean[attribute][place])

"""The few columns that a person reads first, as text: the same on the terminal, in the report and in the viewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from napari_spinalq.metrics.catalogue import STRUCTURE_TITLES
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.shape import SliceShapes
from napari_spinalq.vertebrae import level_name


@dataclass(frozen=True)
class SummaryColumn:
    """A column of numbers: its heading with the unit, the attribute it shows, and its decimals.

    Decimals follow the noise of repeated scans: area to 0.1 mm2, diameters to 0.01 mm.
    """

    heading: str
    attribute: str
    decimals: int


SUMMARY_COLUMNS = (
    SummaryColumn("Area mm²", "area_mm2", 1),
    SummaryColumn("AP mm", "diameter_ap_mm", 2),
    SummaryColumn("RL mm", "diameter_rl_mm", 2),
    SummaryColumn("Eccentr.", "eccentricity", 2),
    SummaryColumn("Solidity", "solidity", 2),
    SummaryColumn("L-R %", "asymmetry_percent", 1),
)

INTERVAL_HEADING = "95 % ±"
"""Half the width of the interval of the area, mm2."""

SUMMARY_HEADINGS = (
    "Level", "Slices", SUMMARY_COLUMNS[0].heading, INTERVAL_HEADING,
    *(column.heading for column in SUMMARY_COLUMNS[1:]), "Length mm", "To be checked",
)  # fmt: skip

STRUCTURE_COLUMNS = (
    ("gm", SummaryColumn("GM mm²", "area_mm2", 1)),
    ("gm", SummaryColumn("GM L-R %", "asymmetry_percent", 1)),
    ("wm", SummaryColumn("WM mm²", "area_mm2", 1)),
    ("canal", SummaryColumn("Canal mm²", "area_mm2", 1)),
)
"""What is read first of the structures within and around the cord."""

STRUCTURE_HEADINGS = ("Level", *(column.heading for _, column in STRUCTURE_COLUMNS), "To be checked")


def summary_rows(levels: LevelShapes, half_widths_mm2: Mapping[int, float] | None = None) -> list[tuple[str, ...]]:
    """Return one row of text per level, superior first, under ``SUMMARY_HEADINGS``.

    Parameters
    ----------
    levels : LevelShapes
        Measures per level.
    half_widths_mm2 : mapping of int to float, optional
        Half the width of the interval of the area by level, mm2; a dash where there is none.
    """
    return [_row(levels, place, half_widths_mm2 or {}) for place in range(len(levels))]


def structure_rows(cord: LevelShapes, others: Mapping[str, LevelShapes | None]) -> list[tuple[str, ...]]:
    """Return one row of text per level of the cord, superior first, under ``STRUCTURE_HEADINGS``.

    Parameters
    ----------
    cord : LevelShapes
        Measures of the cord per level.
    others : mapping of str to LevelShapes or None
        Those of ``"gm"``, ``"wm"`` and ``"canal"``; one that is missing or not measured is shown by a dash.
    """
    return [_structure_row(cord, place, others) for place in range(len(cord))]


def overall_summary(shapes: SliceShapes, structure: str = "cord") -> str:
    """Return one sentence on a mask whose levels are unknown: its area over all slices.

    Parameters
    ----------
    shapes : SliceShapes
        Measures per slice, of one slice at least.
    structure : str
        What was measured; the cord is not named.
    """
    area, what = shapes.area_mm2, "" if structure == "cord" else f"{STRUCTURE_TITLES[structure]} in "
    return (
        f"Without levels: {what}{len(shapes)} slices, area {area.mean():.1f} mm² on average "
        f"({area.min():.1f} to {area.max():.1f})."
    )


def _structure_row(cord: LevelShapes, place: int, others: Mapping[str, LevelShapes | None]) -> tuple[str, ...]:
    level = int(cord.level[place])
    numbers, words = [], []
    for name, column in STRUCTURE_COLUMNS:
        numbers.append(_text(_at_level(others.get(name), level, column.attribute), column.decimals))
    for name in dict.fromkeys(name for name, _ in STRUCTURE_COLUMNS):
        found = others.get(name)
        if name == "wm" or found is None or level not in found.level:
            continue  # what is doubtful about white matter is doubtful about cord or grey matter
        own = found.level_flags[int(np.flatnonzero(found.level == level)[0])]
        words += [f"{STRUCTURE_TITLES[name]}: {flag}" for flag in own if flag not in cord.level_flags[place]]
    return (level_name(level), *numbers, "; ".join(words))


def _at_level(levels: LevelShapes | None, level: int, attribute: str) -> float:
    """Return the mean of a measure at a level, NaN where there is none."""
    if levels is None or level not in levels.level:
        return float("nan")
    return float(levels.mean[attribute][levels.level == level][0])


def _row(levels: LevelShapes, place: int, half_widths_mm2: Mapping[int, float]) -> tuple[str, ...]:
    level = int(levels.level[place])
    area, *others = (_text(float(levels.mean[column.attribute][place]), column.decimals) for column in SUMMARY_COLUMNS)
    return (
        level_name(level),
        str(len(levels.slices[place])),
        area,
        _text(half_widths_mm2.get(level, float("nan")), SUMMARY_COLUMNS[0].decimals),
        *others,
        _text(float(levels.length_mm[place]), 1),
        "; ".join(levels.level_flags[place]),
    )


def _text(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else "–"

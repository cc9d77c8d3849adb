"""The few columns that a person reads first, as text: the same on the terminal, in the report and in the viewer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

SUMMARY_HEADINGS = ("Level", "Slices", *(column.heading for column in SUMMARY_COLUMNS), "Length mm", "To be checked")


def summary_rows(levels: LevelShapes) -> list[tuple[str, ...]]:
    """Return one row of text per level, superior first, under ``SUMMARY_HEADINGS``.

    Parameters
    ----------
    levels : LevelShapes
        Measures per level.
    """
    return [_row(levels, place) for place in range(len(levels))]


def overall_summary(shapes: SliceShapes) -> str:
    """Return one sentence on a mask whose levels are unknown: its area over all slices.

    Parameters
    ----------
    shapes : SliceShapes
        Measures per slice, of one slice at least.
    """
    area = shapes.area_mm2
    return (
        f"Without levels: {len(shapes)} slices, area {area.mean():.1f} mm² on average "
        f"({area.min():.1f} to {area.max():.1f})."
    )


def _row(levels: LevelShapes, place: int) -> tuple[str, ...]:
    numbers = [_text(float(levels.mean[column.attribute][place]), column.decimals) for column in SUMMARY_COLUMNS]
    return (
        level_name(int(levels.level[place])),
        str(len(levels.slices[place])),
        *numbers,
        _text(float(levels.length_mm[place]), 1),
        "; ".join(levels.level_flags[place]),
    )


def _text(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else "–"

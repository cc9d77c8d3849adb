"""How far a measure moves when the same healthy person is scanned again: the yardstick for a change of a mask."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import sqrt

from napari_spinalq.errors import InputError
from napari_spinalq.vertebrae import level_name, level_number

MDC95_FACTOR = 1.96 * sqrt(2.0)
"""Smallest detectable change over the within-subject SD, at 95 %: two scans, each with its own error. Weir JP, J
Strength Cond Res 2005;19:231-240, doi 10.1519/15184.1; Bland JM, Altman DG, BMJ 1996;313:744,
doi 10.1136/bmj.313.7059.744 (there 2.77)."""

FIGURES = "rescan_noise.csv"
"""Repeat scans within a year of healthy people in three public data sets (VUIIS, MASiVar, BLSA: brain T1w scans of
about 1 mm, cord segmented automatically; Valosek 2024, doi 10.1162/imag_a_00075). Per level and metric: the
within-subject variances of the data sets, averaged with their numbers of pairs as weights (each pair gives one degree
of freedom). How the figures were chosen, and what they cannot tell, stands in ``docs/raters.md``."""


@dataclass(frozen=True)
class RescanNoise:
    """How far a measure of a level moves between two scans of the same healthy person.

    Attributes
    ----------
    within_sd : float
        Within-subject standard deviation, in the unit of the measure.
    pairs : int
        Pairs of scans behind it.
    unit : str
        ``"mm2"`` or ``"mm"``.
    borrowed_from : str
        Empty if the level itself was scanned twice; else the levels whose relative noise was taken, as ``"C1-C4"``.
    """

    within_sd: float
    pairs: int
    unit: str
    borrowed_from: str = ""

    @property
    def smallest_detectable_change(self) -> float:
        """MDC95: two scans of one person differ by less than this 95 times of 100."""
        return MDC95_FACTOR * self.within_sd

    @property
    def words(self) -> str:
        """Say where the figure comes from."""
        if self.borrowed_from:
            return f"no repeat scans of this level: relative noise of {self.borrowed_from} ({self.pairs} pairs)"
        return f"{self.pairs} pairs of repeat scans of this level"


def rescan_noise(level: int, metric: str, value: float) -> RescanNoise:
    """Return the rescan noise of a measure of the cord at a level.

    Parameters
    ----------
    level : int
        1 (C1) to 24 (L5).
    metric : str
        ``"area"`` (mm2), ``"diameter_ap"`` or ``"diameter_rl"`` (mm).
    value : float
        The measure itself; a level that nobody scanned twice takes its noise as the same share of it as at the levels
        that were, and says so.

    Raises
    ------
    InputError
        If the level does not exist, or there are no repeat scans for the metric.
    """
    name, figures = level_name(level), _figures()
    known = {where: noise for (where, what), noise in figures.items() if what == metric}
    if not known:
        raise InputError(f"There are no repeat scans for {metric!r}; known are area, diameter_ap and diameter_rl.")
    if name in known:
        sd, _, pairs, unit = known[name]
        return RescanNoise(sd, pairs, unit)
    pairs = sum(one[2] for one in known.values())
    share = sqrt(sum(one[2] * one[1] ** 2 for one in known.values()) / pairs)
    levels = sorted(known, key=level_number)
    return RescanNoise(share / 100.0 * abs(value), pairs, known[levels[0]][3], f"{levels[0]}-{levels[-1]}")


@cache
def _figures() -> Mapping[tuple[str, str], tuple[float, float, int, str]]:
    """Return SD, coefficient of variation (percent), pairs and unit by level name and metric."""
    text = files(__package__).joinpath(FIGURES).read_text(encoding="utf-8")
    return {
        (row["level"], row["metric"]): (
            float(row["within_sd"]),
            float(row["within_cv_percent"]),
            int(row["pairs"]),
            row["unit"],
        )
        for row in csv.DictReader(text.splitlines())
    }

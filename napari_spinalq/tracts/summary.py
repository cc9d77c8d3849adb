"""The values per tract that a person reads first, as text: the same on the terminal and in the report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.table import structure_titles
from napari_spinalq.tracts.values import TractValue
from napari_spinalq.vertebrae import level_name

READ_FIRST = ("lateral_cst_left", "lateral_cst_right", "dorsal_columns", "white_matter", "grey_matter")
"""Structures of the short table: what the literature on motor neurone disease reports."""

METRICS_READ_FIRST = ("fa", "md", "ad", "rd", "mtr", "mtsat")
"""Metrics of the short table, as far as they were measured; of other maps, all are shown."""

DECIMALS = {"fa": 3, "md": 2, "ad": 2, "rd": 2, "mtr": 1, "mtsat": 2, "tsnr": 1}
"""Decimals by metric, about a tenth of the difference between repeated scans."""

DEFAULT_DECIMALS = 3
TITLES = {"fa": "FA", "md": "MD", "ad": "AD", "rd": "RD", "mtr": "MTR", "mtsat": "MTsat", "tsnr": "tSNR"}
UNITS = {"1e-3 mm2/s": "10⁻³ mm²/s", "%": "%"}
"""How units are written for people; others are written as they are."""

ALL_LEVELS = "all"
REFUSED = "–"


def tract_headings(values: Sequence[TractValue]) -> tuple[str, ...]:
    """Return the headings of :func:`tract_rows`: each metric with its unit."""
    return ("Level", "Structure", *(_heading(values, metric) for metric in _metrics(values)), "Voxels", "To be checked")


def tract_rows(
    values: Sequence[TractValue], maps: TractMaps, structures: Sequence[str] = READ_FIRST
) -> list[tuple[str, ...]]:
    """Return one row of text per level and structure, superior first.

    Parameters
    ----------
    values : sequence of TractValue
        Per level, per slice or over all slices.
    maps : TractMaps
        The atlas, which gives the titles.
    structures : sequence of str
        Keys of tracts and groups, in the order of the rows; those without a value are left out.

    Returns
    -------
    list of tuple of str
        Under :func:`tract_headings`; a refused value is a dash, and its reason is in the last column.
    """
    metrics, titles = _metrics(values), structure_titles(maps)
    found = {(one.level, one.slices, one.structure, one.metric): one for one in values}
    places = sorted({(one.level, one.slices) for one in values}, key=lambda place: (place[0], _downward(place[1])))
    rows = []
    for level, slices in places:
        for structure in structures:
            here = [found.get((level, slices, structure, metric)) for metric in metrics]
            if any(here):
                rows.append((_place(level, slices, values), titles.get(structure, structure), *_cells(here, metrics)))
    return rows


def metric_title(metric: str) -> str:
    """Return how people write a metric.

    Examples
    --------
    >>> metric_title("fa"), metric_title("suv")
    ('FA', 'suv')
    """
    return TITLES.get(metric, metric)


def _metrics(values: Sequence[TractValue]) -> tuple[str, ...]:
    present = tuple(dict.fromkeys(one.metric for one in values))
    return tuple(metric for metric in METRICS_READ_FIRST if metric in present) or present


def _heading(values: Sequence[TractValue], metric: str) -> str:
    unit = next(one.unit for one in values if one.metric == metric)
    return f"{metric_title(metric)} {UNITS.get(unit, unit)}".rstrip()


def _cells(here: Sequence[TractValue | None], metrics: Sequence[str]) -> tuple[str, ...]:
    known = [one for one in here if one is not None]
    numbers = [_text(one, metric) for one, metric in zip(here, metrics, strict=True)]
    flags = dict.fromkeys(part for one in known for part in one.flag.split("; ") if part)
    return (*numbers, f"{known[0].effective_voxels:.1f}", "; ".join(flags))


def _text(one: TractValue | None, metric: str) -> str:
    if one is None or not np.isfinite(one.value):
        return REFUSED
    return f"{one.value:.{DECIMALS.get(metric, DEFAULT_DECIMALS)}f}"


def _place(level: int, slices: tuple[int, ...], values: Sequence[TractValue]) -> str:
    """Name a row: by its level, by its slice where there are rows per slice, or as all slices together."""
    name = level_name(level) if level else ""
    per_slice = len(slices) == 1 and any(one.level == level and one.slices != slices for one in values)
    if per_slice:
        return f"{name} slice {slices[0]}".strip()
    return name or ALL_LEVELS


def _downward(slices: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-index for index in slices)

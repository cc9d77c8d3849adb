"""Rows and columns of the table of tracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from napari_spinalq.gui.table_model import Column, Row
from napari_spinalq.results import MapsResult, QuantityMap
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.summary import UNITS
from napari_spinalq.tracts.values import TractValue
from napari_spinalq.vertebrae import level_name

MAIN = (
    "lateral_cst_left",
    "lateral_cst_right",
    "ventral_cst",
    "dorsal_columns",
    "white_matter",
    "grey_matter",
)
"""What is read first, in this order; the rest comes with "all tracts"."""

SHORT = {
    "lateral_cst_left": "Lat. CST, L",
    "lateral_cst_right": "Lat. CST, R",
    "ventral_cst": "Ventral CST",
    "dorsal_columns": "Dorsal col.",
    "white_matter": "WM",
    "grey_matter": "GM",
}
"""As they stand in the narrow table; the tooltip has the whole title."""

ALL_SLICES = "all"
MOST_DIGITS = 3
KNOWN_DIGITS = {"fa": 2, "md": 2, "ad": 2, "rd": 2, "mtr": 1, "mtsat": 2}
"""As many as the spread between voxels lets one read."""

NAME, LEVEL, VOXELS = "structure", "level", "voxels"

Identity = tuple[str, int, tuple[int, ...]]
"""Structure, level and slices: what one row is about."""


def columns_of(result: MapsResult | None) -> tuple[Column, ...]:
    """Return the columns for an acquisition: a number per map, and how many voxels stand behind it."""
    metrics = () if result is None else measured_maps(result)
    return (
        Column(NAME, "Tract", "Click: outline it in the image, at that level; click again: take the outline away"),
        Column(LEVEL, "Level", "Vertebral level"),
        *(Column(one.name, one.title, _explain(one), _digits(one), unit_of(one.unit)) for one in metrics),
        Column(VOXELS, "Vox.", "Effective voxels: the sum of the tract's shares in the voxels that were used", 1),
    )


def rows_of(result: MapsResult | None, *, everything: bool, level: int | None = None) -> list[Row]:
    """Return a row per structure and level, structures in the order in which they are read, superior levels first.

    Parameters
    ----------
    result : MapsResult, optional
        An acquisition with its values.
    everything : bool
        Every tract and group of the atlas, not only :data:`MAIN`.
    level : int, optional
        Only that one.
    """
    if result is None or result.tracts is None:
        return []
    order = structures_of(result.tracts, everything=everything)
    grouped: dict[Identity, dict[str, TractValue]] = {}
    for value in result.values:
        if value.structure in order and level in (None, value.level):
            grouped.setdefault((value.structure, value.level, value.slices), {})[value.metric] = value
    titles = titles_of(result.tracts)
    ranked = sorted(grouped, key=lambda one: (order.index(one[0]), one[1] or np.inf, [-index for index in one[2]]))
    return [_row(one, grouped[one], titles, order, measured_maps(result)) for one in ranked]


def structures_of(tracts: TractMaps, *, everything: bool) -> list[str]:
    """Return the keys of an atlas in the order in which they are read; of one that lacks the main ones, all."""
    keys = [one.key for one in (*tracts.groups, *tracts.tracts)]
    main = [key for key in MAIN if key in keys]
    if main and not everything:
        return main
    return [*main, *(key for key in keys if key not in main)]


def titles_of(tracts: TractMaps) -> Mapping[str, str]:
    """Return what people read for each key."""
    return {one.key: one.title for one in (*tracts.tracts, *tracts.groups)}


def measured_maps(result: MapsResult) -> tuple[QuantityMap, ...]:
    """Return the maps that have values in tracts."""
    measured = {value.metric for value in result.values}
    return tuple(one for one in result.maps if one.name in measured)


def levels_of(result: MapsResult | None) -> list[int]:
    """Return the levels that have values, superior first."""
    return [] if result is None else sorted({value.level for value in result.values if value.level})


def units_in_words(result: MapsResult | None) -> str:
    """Say the units of the columns in a line, such as ``"MD, AD, RD in 10⁻³ mm²/s"``; empty where none has one."""
    titles: dict[str, list[str]] = {}
    for one in measured_maps(result) if result is not None else ():
        if one.unit:
            titles.setdefault(unit_of(one.unit), []).append(one.title)
    return " · ".join(f"{', '.join(names)} in {unit}" for unit, names in titles.items())


def unit_of(unit: str) -> str:
    """Return a unit as people write it."""
    return UNITS.get(unit, unit)


def digits_of(metric: str, typical: float) -> int:
    """Return how many decimals a map's values are shown with: three figures where nothing better is known.

    Examples
    --------
    >>> digits_of("fa", 0.7), digits_of("t1", 1240.0), digits_of("suv", 2.4)
    (2, 0, 2)
    """
    if metric in KNOWN_DIGITS:
        return KNOWN_DIGITS[metric]
    if not np.isfinite(typical) or typical == 0:
        return MOST_DIGITS - 1
    return int(np.clip(MOST_DIGITS - 1 - np.floor(np.log10(abs(typical))), 0, MOST_DIGITS))


def value_in_words(value: TractValue, title: str, digits: int) -> str:
    """Say all that is known of a value, or why there is none."""
    if not np.isfinite(value.value):
        return f"{title}: no value – {value.flag or 'not known'}"
    unit = f" {unit_of(value.unit)}" if value.unit else ""
    lines = [f"{title} {value.value:.{digits + 1}f}{unit}"]
    if np.isfinite(value.sd):
        lines.append(f"SD over voxels {value.sd:.{digits + 1}f}")
    if np.isfinite(value.low) and np.isfinite(value.high):
        lines.append(f"95 % interval {value.low:.{digits + 1}f} to {value.high:.{digits + 1}f}")
    lines.append(f"{value.effective_voxels:.1f} effective voxels, {value.method.value.upper()}")
    return "\n".join([*lines, *([value.flag] if value.flag else [])])


def _row(
    one: Identity,
    values: Mapping[str, TractValue],
    titles: Mapping[str, str],
    order: Sequence[str],
    maps: Sequence[QuantityMap],
) -> Row:
    structure, level, slices = one
    place = f"{level_name(level) if level else ALL_SLICES}, {_slices(slices)}"
    row = {
        "id": one,
        NAME: SHORT.get(structure, titles[structure]),
        f"{NAME}_tip": f"{titles[structure]} ({place})",
        f"{NAME}_sort": order.index(structure),
        LEVEL: level_name(level) if level else ALL_SLICES,
        f"{LEVEL}_sort": level,
        VOXELS: max((value.effective_voxels for value in values.values()), default=None),
    }
    for quantity in maps:
        value = values.get(quantity.name)
        if value is not None:
            said = value_in_words(value, quantity.title, _digits(quantity))
            row |= {quantity.name: value.value, f"{quantity.name}_tip": f"{titles[structure]}, {place}\n{said}"}
    return row


def _slices(slices: Sequence[int]) -> str:
    if not slices:
        return "no slice"
    return f"slice {slices[0]}" if len(slices) == 1 else f"slices {min(slices)} to {max(slices)}"


def _explain(quantity: QuantityMap) -> str:
    unit = f", {unit_of(quantity.unit)}" if quantity.unit else ""
    return f"{quantity.title}{unit}. Rest the mouse on a number for its spread, interval and remarks."


def _digits(quantity: QuantityMap) -> int:
    known = quantity.name in KNOWN_DIGITS
    return digits_of(quantity.name, np.nan if known else float(np.nanmedian(np.abs(quantity.data))))

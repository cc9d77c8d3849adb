"""Agreement of two readers, or methods, over all exams that two folders of results share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.nifti import load_levels, load_mask
from napari_spinalq.io.sidecar import Provenance
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.readers.agreement import (
    Estimate,
    cohen_kappa,
    intraclass_correlation,
    limits_of_agreement,
)
from napari_spinalq.quality.readers.comparison import Comparison, compare_masks
from napari_spinalq.quality.readers.reads import CONTROL, rater_of, without_desc
from napari_spinalq.quality.worklist.naming import LEVELS, MASKS, result_files, result_name, stem_of
from napari_spinalq.scan import Scan, Source
from napari_spinalq.vertebrae import level_name

COLUMNS = ("case", "level", "structure", "metric", "value", "ci95_low", "ci95_high", "unit", "n", "note")
"""Of the table: a row a figure; ``case`` is ``all`` for the figures over all masks."""

ALL = "all"
DEPENDENT = "slices of one cord depend on each other: no interval"

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class PairedReads:
    """The masks of one scan by two readers, compared.

    Attributes
    ----------
    case : str
        Path of the mask in its folder, without the reader's name.
    structure : str
        ``"cord"``, ``"gm"`` or ``"canal"``.
    comparison : Comparison
        Of both masks, by the levels of the first reader (of the second where the first has none).
    levels : tuple of two (n_slices,) arrays, optional
        Level of each slice by either reader's own level map; None where they do not have one each.
    sources : tuple of Source
        The files.
    """

    case: str
    structure: str
    comparison: Comparison
    levels: tuple[NDArray[np.int_], NDArray[np.int_]] | None
    sources: tuple[Source, ...]


def agreement_of_folders(
    first: Path, second: Path, *, raters: tuple[str, str] = ("", ""), progress: Progress = silent
) -> tuple[pd.DataFrame, Provenance]:
    """Compare all masks that two folders of results share.

    Parameters
    ----------
    first, second : Path
        Folders; a mask of the first is compared with that of the same relative path in the second. They may be one
        folder if the raters differ.
    raters : tuple of 2 str
        Whose reads are taken (``desc-<rater>`` in the file names); empty: the first reads, without such a name.
    progress : Progress
        Told how far the work is.

    Returns
    -------
    DataFrame, Provenance
        A table with the columns ``COLUMNS``: Dice and areas of every mask and level, and over all masks by level their
        mean Dice, area bias, limits of agreement and ICC(2,1), and the kappa of the levels of slices. What was left out
        is among the flags.

    Raises
    ------
    InputError
        If a folder is not there, both are the same reads, or they share no mask.
    """
    pairs, flags = _pairs(first, second, raters, progress)
    rows = [row for pair in pairs for row in _case_rows(pair)]
    for structure in sorted({pair.structure for pair in pairs}):
        own = [pair for pair in pairs if pair.structure == structure]
        rows += [row for level in _levels_of(own) for row in _level_rows(own, structure, level)]
        rows += _kappa_rows(own, structure)
    sources = [source for pair in pairs for source in pair.sources]
    parameters = {"first": str(first), "second": str(second), "raters": list(raters)}
    return pd.DataFrame(rows, columns=list(COLUMNS)), Provenance("Agreement of reads", sources, parameters, flags)


SUMMARY = (
    ("dice_mean", "Dice", 3),
    ("area_bias", "Bias mm²", 1),
    ("area_loa_low", "Limit low", 1),
    ("area_loa_high", "Limit high", 1),
    ("area_icc_2_1", "ICC(2,1)", 2),
)
"""Figures per level that are printed: metric, heading, decimals."""


def summary_of(table: pd.DataFrame) -> tuple[str, list[str], list[list[str]]]:
    """Return title, headings and a row per structure and level of the figures over all masks, as text."""
    own = table[(table["case"] == ALL) & (table["level"] != ALL)]
    rows = []
    for (structure, level), figures in own.groupby(["structure", "level"], sort=False):
        values = dict(zip(figures["metric"], figures["value"], strict=True))
        known = [f"{values.get(metric, float('nan')):.{digits}f}".replace("nan", "–") for metric, _, digits in SUMMARY]
        rows.append([f"{structure} {level}", str(int(figures["n"].max())), *known])
    kappa = table[table["metric"] == "level_kappa_linear"]["value"].tolist()
    words = f"; kappa of levels (linear weights) {kappa[0]:.2f}" if kappa else ""
    headings = ["Level", "Masks", *(heading for _, heading, _ in SUMMARY)]
    return f"Agreement, second less first{words}", headings, rows


def _pairs(
    first: Path, second: Path, raters: tuple[str, str], progress: Progress
) -> tuple[list[PairedReads], list[str]]:
    if first.resolve() == second.resolve() and raters[0] == raters[1]:
        raise InputError(f"{first} would be compared with itself; name another folder, or the reader of each.")
    one, other = _masks(first, raters[0]), _masks(second, raters[1])
    shared = sorted(set(one) & set(other))
    if not shared:
        raise InputError(
            f"{_whose(first, raters[0])} and {_whose(second, raters[1])} share no mask; masks are paired by their "
            "place and name in the folder."
        )
    flags = [f"only in {_whose(first, raters[0])}: {case}" for case in sorted(set(one) - set(other))]
    flags += [f"only in {_whose(second, raters[1])}: {case}" for case in sorted(set(other) - set(one))]
    found = []
    for number, case in enumerate(shared):
        progress(number / len(shared), case)
        try:
            found.append(_pair(case, one[case], other[case]))
        except InputError as error:
            flags.append(f"left out: {error}")
    if not found:
        raise InputError(f"None of the {len(shared)} shared masks can be compared: {flags[-1]}")
    return found, flags


def _whose(folder: Path, rater: str) -> str:
    return f"{folder} (reads of {rater})" if rater else str(folder)


def _masks(folder: Path, rater: str) -> Mapping[str, Path]:
    """Return the masks of a reader by their path in the folder, without the reader's name."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; check the path.")
    found = {}
    for path in result_files(folder):
        named = result_name(without_desc(stem_of(path)))
        own = rater_of(path.name) == rater and f"_{CONTROL}-" not in path.name
        if own and named is not None and named.kind in MASKS:
            found[path.relative_to(folder).with_name(without_desc(path.name)).as_posix()] = path
    return found


def _pair(case: str, first: Path, second: Path) -> PairedReads:
    one = load_mask(first)
    other = load_mask(second, like=one.grid)
    maps = [_level_map(path, one) for path in (first, second)]
    known = [None if found is None else levels_per_slice(to_work_order(found.data, found.grid)[0]) for found in maps]
    structure = result_name(without_desc(stem_of(first))).kind  # type: ignore[union-attr]  # masks have known names
    by = known[0] if known[0] is not None else known[1]
    compared = compare_masks(one.data, other.data, one.grid, by, structure=structure)
    both = (known[0], known[1]) if known[0] is not None and known[1] is not None and maps[0] is not maps[1] else None
    own_maps = len({found.source.path for found in maps if found is not None and found.source}) == 2
    sources = tuple(scan.source for scan in (one, other) if scan.source)
    return PairedReads(case, structure, compared, both if own_maps else None, sources)


def _level_map(mask: Path, scan: Scan) -> Scan | None:
    """Return the level map beside a mask; None if there is none."""
    own = result_name(without_desc(stem_of(mask)))
    for path in result_files(mask.parent, deep=False):
        named = result_name(stem_of(path))
        if named is not None and own is not None and (named.kind, named.image) == (LEVELS, own.image):
            return load_levels(path, like=scan.grid)
    return None


def _case_rows(pair: PairedReads) -> Iterator[Row]:
    found = pair.comparison
    yield _row(pair.case, ALL, pair.structure, "dice", found.overlap.dice(), n=len(found.slices))
    for one in found.levels:
        level = one.name
        yield _row(pair.case, level, pair.structure, "dice", one.dice)
        yield _row(pair.case, level, pair.structure, "area_first", one.area_before_mm2, unit="mm2")
        yield _row(pair.case, level, pair.structure, "area_second", one.area_after_mm2, unit="mm2")


def _levels_of(pairs: Sequence[PairedReads]) -> list[int]:
    return sorted({one.level for pair in pairs for one in pair.comparison.levels})


def _level_rows(pairs: Sequence[PairedReads], structure: str, level: int) -> Iterator[Row]:
    """Return the figures of one level over all masks."""
    found = [one for pair in pairs for one in pair.comparison.levels if one.level == level]
    name, dice = level_name(level), np.array([one.dice for one in found])
    areas = np.array([[one.area_before_mm2, one.area_after_mm2] for one in found])
    n = int(np.isfinite(areas).all(axis=1).sum())
    yield _row(ALL, name, structure, "dice_mean", float(np.nanmean(dice)), n=len(dice))
    yield _row(ALL, name, structure, "dice_min", float(np.nanmin(dice)), n=len(dice))
    try:
        limits = limits_of_agreement(areas[:, 0], areas[:, 1])
        for metric, one in (
            ("area_bias", limits.bias),
            ("area_loa_low", limits.lower),
            ("area_loa_high", limits.upper),
        ):
            yield _estimate_row(name, structure, metric, one, n, "mm2")
    except InputError as error:
        yield _row(ALL, name, structure, "area_bias", float("nan"), unit="mm2", n=n, note=str(error))
    try:
        yield _estimate_row(name, structure, "area_icc_2_1", intraclass_correlation(areas), n)
    except InputError as error:
        yield _row(ALL, name, structure, "area_icc_2_1", float("nan"), n=n, note=str(error))


def _kappa_rows(pairs: Sequence[PairedReads], structure: str) -> Iterator[Row]:
    """Return how far the levels of slices agree, over the slices that both readers gave a level."""
    own = [pair.levels for pair in pairs if pair.levels is not None]
    if not own:
        return
    first, second = (np.concatenate([levels[place] for levels in own]) for place in (0, 1))
    both = (first > 0) & (second > 0)
    for metric, weights in (("level_kappa", "none"), ("level_kappa_linear", "linear")):
        try:
            value, note = cohen_kappa(first[both], second[both], weights=weights).value, DEPENDENT
        except InputError as error:
            value, note = float("nan"), str(error)
        yield _row(ALL, ALL, structure, metric, value, n=int(both.sum()), note=note)


def _estimate_row(level: str, structure: str, metric: str, found: Estimate, n: int, unit: str = "") -> Row:
    return _row(ALL, level, structure, metric, found.value, unit=unit, n=n) | {
        "ci95_low": found.low,
        "ci95_high": found.high,
    }


def _row(
    case: str, level: str, structure: str, metric: str, value: float, *, unit: str = "", n: int = 1, note: str = ""
) -> Row:
    told = (case, level, structure, metric, value, float("nan"), float("nan"), unit, n, note)
    return dict(zip(COLUMNS, told, strict=True))

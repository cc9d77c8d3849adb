"""Tables of measures: of an exam in hand, and of mask files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.cord.confidence import Confidence, recorded_confidence
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import WORK_AXES, Grid, to_work_order
from napari_spinalq.io.bids import entities
from napari_spinalq.io.nifti import load_levels, load_mask
from napari_spinalq.io.sidecar import Provenance, read_flags, read_parameters
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.metrics.catalogue import STRUCTURE_TITLES, TISSUES
from napari_spinalq.metrics.levels import LevelShapes, per_level
from napari_spinalq.metrics.review import with_review_rows
from napari_spinalq.metrics.sct_format import sct_level_table, sct_slice_table
from napari_spinalq.metrics.shape import SliceShapes, slice_shapes
from napari_spinalq.metrics.tidy import RowIdentity, level_table, slice_table, unmeasured_table
from napari_spinalq.metrics.uncertainty import with_confidence_flags, with_interval_rows
from napari_spinalq.results import (
    CHECKED_SLICES,
    EDITED_SLICES,
    DrawnStructure,
    ExamResult,
    MapsResult,
    ScanResult,
    StructureResult,
)
from napari_spinalq.scan import Scan
from napari_spinalq.structures import measured_structures
from napari_spinalq.tracts.table import tract_table

UNCONFIRMED_LEVELS = "levels unconfirmed"
"""What every row of a table says whose levels are a guess."""

UNKNOWN_LEVELS = "levels unknown"
"""What every row of a table says that has no levels at all."""

WITHOUT_CORD = "measured without its cord (--cord): direction and midline are those of the mask itself"

LEVELS_BESIDE = "the level map does not touch the mask: slices are named by what lies beside it"


def metrics_table(result: ExamResult, per: str = "level") -> pd.DataFrame:
    """Return the tidy table of an exam, one row a measurement, per ``"level"`` or ``"slice"``.

    A scan whose levels are unknown has its rows per slice in either case: its numbers are worth having. Values per
    tract follow; they stand as they were taken.
    """
    tables = [_tidy_of_scan(scan, result.exam, per) for scan in result.scans]
    tables += [_tidy_of_maps(one, result.exam) for one in result.maps if one.values]
    if not tables:  # maps alone, none of which could be read per tract
        return tract_table(())
    return pd.concat(tables, ignore_index=True)


def _tidy_of_maps(result: MapsResult, exam: Exam) -> pd.DataFrame:
    """Return the values per tract: one for each level, slice or all of the cord, as they were taken."""
    table = tract_table(result.values, RowIdentity(exam.subject, exam.session, result.scan.name))
    sure = [] if result.slice_levels.any() else [UNKNOWN_LEVELS]
    sure += [UNCONFIRMED_LEVELS] if any(UNCONFIRMED_LEVELS in flag for flag in result.flags) else []
    return with_flags(table, sure)


def measure_files(
    mask_path: Path,
    levels_path: Path | None,
    *,
    per: str,
    table_format: str,
    angle_correction: bool = True,
    structure: str | None = None,
    cord_path: Path | None = None,
) -> tuple[pd.DataFrame, Provenance]:
    """Measure a mask file with a level map file, and say where the numbers come from.

    Parameters
    ----------
    mask_path, levels_path : Path
        NIfTI files on one grid.
    per : str
        ``"level"`` or ``"slice"``.
    table_format : str
        ``"tidy"`` or ``"sct"``.
    angle_correction : bool
        Whether measures are of the section perpendicular to the cord.
    structure : str, optional
        What the mask holds: ``"cord"``, ``"gm"``, ``"wm"`` or ``"canal"``; by default as its name says
        (``label-GM``), else the cord.
    cord_path : Path, optional
        The cord of a mask of something else, which then takes its direction and midline. Grey matter comes with its
        white matter in the tidy table.

    Raises
    ------
    InputError
        If a file cannot be used, rows per level are wanted without a level map, the map names no slice of the mask, or
        the sidecar of a cord records a confidence that cannot be meant.
    """
    if per == "level" and levels_path is None:
        raise InputError("Rows per level need a level map; give --levels FILE, or use --per slice.")
    if levels_path is not None and levels_path.resolve() == mask_path.resolve():
        raise InputError(f"{mask_path} is given as mask and as level map; give the map with --levels FILE.")
    structure = structure or structure_of_name(mask_path.name)
    mask = load_mask(mask_path)
    levels = load_levels(levels_path, like=mask.grid) if levels_path else None
    cord = _cord_beside(cord_path, structure, mask.grid)
    per_slice = levels_per_slice(to_work_order(levels.data, levels.grid)[0]) if levels else None
    sure = _confidence_of_file(mask_path, mask.grid) if structure == "cord" else None
    measured = _measured_files(mask, structure, cord, per_slice, angle_correction, sure)
    if levels is not None and not len(measured[0].level_shapes or ()):
        raise InputError(
            f"The level map {levels_path} names no slice of the mask {mask_path}; give the mask's own map."
        )
    noted = _noted([path for path in (mask_path, levels_path, cord_path) if path], mask, levels)
    flags = tuple(dict.fromkeys([*(flag for one in measured for flag in one.flags), *noted]))
    rows = _rows(measured, per)
    if table_format == "sct":
        table = _sct_table(rows[0][1], per_slice, rows[0][2], filename=str(mask_path))
    else:
        told = read_parameters(mask_path) if structure == "cord" and per == "slice" else {}
        table = with_flags(_with_review(_tidy_of_files(mask, rows, per_slice, sure), told), flags)
    used = [scan.source for scan in (mask, levels, cord) if scan and scan.source]
    parameters = {"per": per, "format": table_format, "angle_correction": angle_correction, "structure": structure}
    return table, Provenance(f"Measures per {per}", used, parameters, flags)


Rows = tuple[str, SliceShapes, LevelShapes | None]
"""A measured structure: its name, its measures per slice, and per level where the table is per level."""


def _rows(measured: Sequence[StructureResult], per: str) -> list[Rows]:
    return [
        (one.name, one.shapes, one.level_shapes if per == "level" else None)
        for one in measured
        if one.shapes is not None  # all of a cord can be grey: then there is no white matter
    ]


def _tidy_of_files(
    mask: Scan, rows: Sequence[Rows], slice_levels: NDArray[np.int_] | None, confidence: Confidence | None
) -> pd.DataFrame:
    """Return the tidy table of measured files; the confidence is that of a cord, which then is all that is measured."""
    names = entities(mask.name)
    who = RowIdentity(names.get("sub", ""), names.get("ses", ""), mask.name)
    tables = [_tidy_table(shapes, slice_levels, level, replace(who, structure=name)) for name, shapes, level in rows]
    if confidence is not None:
        tables = [with_interval_rows(tables[0], rows[0][1], rows[0][2], confidence)]
    return pd.concat(tables, ignore_index=True)


def _confidence_of_file(mask_path: Path, grid: Grid) -> Confidence | None:
    """Return the confidence that the sidecar of a cord mask records."""
    try:
        return recorded_confidence(read_parameters(mask_path), grid.reoriented(WORK_AXES).shape[0])
    except InputError as error:
        raise InputError(f"{mask_path}: {error}") from None


def structure_of_name(name: str) -> str:
    """Return what a mask holds according to its name.

    Examples
    --------
    >>> structure_of_name("sub-01_space-T2star_label-GM_mask.nii.gz"), structure_of_name("t2_seg.nii.gz")
    ('gm', 'cord')
    """
    word = entities(name).get("label", "").lower()
    return word if word in STRUCTURE_TITLES else "cord"


def _cord_beside(path: Path | None, structure: str, grid: Grid) -> Scan | None:
    if path is not None and structure == "cord":
        raise InputError(f"{path} is of no use to measure the cord itself; leave --cord out, or name the --structure.")
    return None if path is None else load_mask(path, like=grid)


def _measured_files(
    mask: Scan,
    structure: str,
    cord: Scan | None,
    slice_levels: NDArray[np.int_] | None,
    angle_correction: bool,
    confidence: Confidence | None,
) -> tuple[StructureResult, ...]:
    """Measure a mask, and with grey matter and a cord also the white matter between them."""
    levels = np.zeros(mask.grid.reoriented(WORK_AXES).shape[0], int) if slice_levels is None else slice_levels
    beside = None if cord is None else slice_shapes(cord.data, mask.grid, angle_correction=angle_correction)
    if cord is not None and beside is not None and structure != "wm":
        slice_shapes(mask.data, mask.grid)  # refuses an empty mask, which in an exam is only a flag
        found = measured_structures([DrawnStructure(structure, mask.data)], cord.data, beside, mask.grid, levels, {})
    else:
        shapes = slice_shapes(mask.data, mask.grid, structure=structure, cord=beside, angle_correction=angle_correction)
        shapes = shapes if confidence is None else with_confidence_flags(shapes, confidence)
        alone = (WITHOUT_CORD,) if structure in TISSUES and cord is None else ()
        found = (StructureResult(structure, mask.data, shapes, per_level(shapes, levels), (*alone, *shapes.flags)),)
    if slice_levels is None:
        return found
    first = found[0]
    known = first.shapes.flags if first.shapes else ()
    unnamed = [flag for flag in (first.level_shapes.flags if first.level_shapes else ()) if flag not in known]
    return (replace(first, flags=(*first.flags, *unnamed)), *found[1:])


def _noted(paths: Sequence[Path], mask: Scan, levels: Scan | None) -> list[str]:
    """Return the doubts that files carry in their sidecars, and that a level map lies beside the mask if it does."""
    noted = [flag for path in paths for flag in read_flags(path)]
    if levels is not None and not np.any(levels.data[mask.data > 0]):
        noted.append(LEVELS_BESIDE)
    return noted


def _tidy_of_scan(result: ScanResult, exam: Exam, per: str) -> pd.DataFrame:
    identity = RowIdentity(exam.subject, exam.session, result.scan.name)
    named = bool(result.labelling.discs)
    levels = result.slice_levels if named else None
    by_level = named and per == "level"
    sure = () if result.labelling.confirmed else (UNCONFIRMED_LEVELS,)
    common = sure if named else (UNKNOWN_LEVELS,)
    level_shapes = result.level_shapes if by_level else None
    cord = _tidy_table(result.shapes, levels, level_shapes, identity)
    tables = [cord]
    if result.confidence is not None:
        tables = [with_interval_rows(cord, result.shapes, level_shapes, result.confidence)]
    if not by_level:
        tables = [_with_review(tables[0], result.parameters)]
    for one in result.structures:
        rows = cord.iloc[:0]
        if one.shapes is not None:
            own = replace(identity, structure=one.name)
            rows = _tidy_table(one.shapes, levels, one.level_shapes if by_level else None, own)
        tables += [with_flags(rows, one.flags), _unmeasured(one, cord, rows, "level" if by_level else "slice")]
    return with_flags(pd.concat([table for table in tables if len(table)], ignore_index=True), common)


def _with_review(table: pd.DataFrame, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """Add what a person did with each slice, where the record of the mask tells it."""
    checked, edited = parameters.get(CHECKED_SLICES), parameters.get(EDITED_SLICES)
    if not isinstance(checked, list) or not isinstance(edited, list):
        return table
    return with_review_rows(table, checked, edited)


def _unmeasured(one: StructureResult, cord: pd.DataFrame, rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return rows that say so where the cord is measured and a structure is not."""
    why = "; ".join(one.flags) if one.shapes is None else f"{STRUCTURE_TITLES[one.name]} not drawn here"
    return unmeasured_table(cord[~cord[key].isin(rows[key])], one.name, why)


def _tidy_table(
    shapes: SliceShapes, slice_levels: NDArray[np.int_] | None, by_level: LevelShapes | None, identity: RowIdentity
) -> pd.DataFrame:
    return slice_table(shapes, slice_levels, identity) if by_level is None else level_table(by_level, identity)


def _sct_table(
    shapes: SliceShapes, slice_levels: NDArray[np.int_] | None, by_level: LevelShapes | None, *, filename: str
) -> pd.DataFrame:
    if by_level is None:
        return sct_slice_table(shapes, slice_levels, filename=filename)
    return sct_level_table(by_level, filename=filename)


def with_flags(table: pd.DataFrame, flags: Sequence[str]) -> pd.DataFrame:
    """Add what holds for the whole mask to the flag of every row."""
    if not flags:
        return table
    common = "; ".join(flags)
    return table.assign(flag=[f"{own}; {common}" if own else common for own in table["flag"]])

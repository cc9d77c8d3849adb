"""Finding work that was saved earlier, and checking that it still belongs to the scan it was made on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.cord.confidence import recorded_confidence
from napari_spinalq.derivatives import NOT_DRAWN, ScanPaths, scan_paths
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.sidecar import Record, read_record
from napari_spinalq.levels.detect import NO_LEVELS, UNCONFIRMED
from napari_spinalq.levels.discs import Disc, Labelling, check_discs
from napari_spinalq.levels.tables import discs_from_table
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.results import DrawnStructure, ScanResult
from napari_spinalq.scan import Scan, Source, place_of
from napari_spinalq.structures import DRAWN

INSIDE_FROM = 0.5
"""A voxel of a soft mask (0..1) counts as inside from this value on, where half of it is."""

NO_RECORD = "saved without a record of its source: check that it belongs to this scan"
SOFTENED = f"loaded from a soft mask: a voxel counts as inside from {INSIDE_FROM:g}"

NO_DISCS = Labelling((), confirmed=False)
"""The discs of a scan on which none is named."""

Part = TypeVar("Part")


@dataclass(frozen=True, eq=False)
class SavedWork:
    """What was saved for a scan, as far as it can be used.

    Attributes
    ----------
    mask : array of uint8, shape of the scan's grid, optional
        Cord, 0 and 1; None if there is none that can be used.
    centerline : Centerline, optional
        Fitted to the mask, RAS mm.
    labelling : Labelling, optional
        The discs and whether their names are confirmed; None if there are none that can be used.
    flags : tuple of str
        What is doubtful about the mask itself; what follows from measuring it and from the discs is left out.
    parameters : mapping
        How the mask was made.
    edited : bool
        Whether someone may have painted on the mask; without a record nobody can rule it out.
    remarks : tuple of str
        What differs between what is loaded and a file whose source is known.
    refusals : tuple of str
        Why a file that is there was not loaded, a sentence each.
    record : Record, optional
        Who saved it, and when.
    drawn : tuple of DrawnStructure
        Grey matter and canal that were saved beside a usable cord, or why the scan does not show them; whether one was
        edited by hand is in its parameters.
    """

    mask: NDArray[np.uint8] | None = None
    centerline: Centerline | None = None
    labelling: Labelling | None = None
    flags: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    edited: bool = False
    remarks: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    record: Record | None = None
    drawn: tuple[DrawnStructure, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is a mask or a disc to go on with."""
        return self.mask is not None or self.labelling is not None

    @property
    def doubtful(self) -> bool:
        """Whether something was refused, or is not as it was saved."""
        return bool(self.remarks or self.refusals)

    def summary(self) -> str:
        """Say what was loaded, who saved it and when, and what was not loaded and why."""
        sentences = []
        if self.usable:
            sentences.append("; ".join([f"Work saved{_when(self.record)} was loaded", *self.remarks]) + ".")
        if self.refusals:
            sentences.append(f"Saved work was not loaded: {' '.join(self.refusals)}")
        return " ".join(sentences)


@dataclass(frozen=True, eq=False)
class _SavedMask:
    data: NDArray[np.uint8]
    soft: bool
    record: Record | None

    @property
    def remarks(self) -> tuple[str, ...]:
        return (*((SOFTENED,) if self.soft else ()), *(() if _tells_source(self.record) else (f"mask {NO_RECORD}",)))


@dataclass(frozen=True, eq=False)
class _SavedDiscs:
    labelling: Labelling
    record: Record | None

    @property
    def remarks(self) -> tuple[str, ...]:
        return () if _tells_source(self.record) else (f"discs {NO_RECORD}",)


def holds_work(scan_name: str, exam: Exam, folder: Path) -> bool:
    """Tell whether a folder of derivatives holds a cord mask or discs of a scan.

    Parameters
    ----------
    scan_name : str
        File name of the scan.
    exam : Exam
        Its exam, which gives subject and session.
    folder : Path
        Where results were written.
    """
    paths = scan_paths(scan_name, exam, folder)
    try:
        return paths.mask.exists() or paths.discs.exists()
    except OSError:  # a folder that nobody may enter: whether it holds any is told when it is read
        return True


def saved_work(scan: Scan, exam: Exam, folder: Path) -> SavedWork | None:
    """Read the cord mask and the discs that were saved for a scan, and check that they belong to it.

    Nothing is written. What cannot be used is named in ``refusals`` and does not take the other parts with it: a mask
    on another grid, a mask or discs made on another state of the scan's file (by SHA-256), and damaged files. What has
    no sidecar is used and said to be without a record.

    Parameters
    ----------
    scan : Scan
        The image as it was read.
    exam : Exam
        Its exam, which gives subject and session.
    folder : Path
        Where results were written, the root of the BIDS derivatives.

    Returns
    -------
    SavedWork or None
        None if nothing was saved for this scan.
    """
    source, refusals = scan.source, list[str]()
    if source is None:
        return None
    paths = scan_paths(source.path.name, exam, folder)
    mask = _attempt(lambda: _read_mask(paths.mask, source, scan.grid), refusals)
    centerline = None if mask is None else cord_centerline(slice_shapes(mask.data, scan.grid).centroid_mm, scan.grid)
    discs = _attempt(lambda: _read_discs(paths.discs, source, centerline), refusals)
    labelling = discs.labelling if discs else NO_DISCS
    others = _read_structures(paths, source, scan.grid, refusals) if mask else {}
    parts = [part for part in (mask, *others.values(), discs) if part is not None]
    if not parts and not refusals:
        return None
    return SavedWork(
        mask=mask.data if mask else None,
        centerline=centerline,
        labelling=discs.labelling if discs else None,
        flags=_own_flags(scan, mask, labelling) if mask else (),
        parameters=_own_parameters(mask.record) if mask else {},
        edited=mask is not None and _maybe_edited(mask.record),
        drawn=_drawn(scan, mask, others, labelling) if mask else (),
        remarks=tuple(dict.fromkeys(remark for part in parts for remark in part.remarks)),
        refusals=tuple(dict.fromkeys(refusals)),
        record=next((part.record for part in parts if part.record), None),
    )


def results_of_others(exam: Exam, folder: Path, labelling: Labelling, opened: Collection[Path]) -> list[ScanResult]:
    """Measure the masks saved earlier for scans of an exam that are not open now.

    Table and report of an exam are written as a whole: without these, saving one scan would drop the rows of another.

    Parameters
    ----------
    exam : Exam
        Its files.
    folder : Path
        Where results were written.
    labelling : Labelling
        The discs in hand, which serve all scans of the exam; if it holds none, those saved with each mask are taken.
    opened : collection of Path
        Absolute paths of the scans that are open.

    Returns
    -------
    list of ScanResult
        In the order of the exam's files. A mask that cannot be used any more is left out, and its file left alone.
    """
    results = []
    for file in exam.files:
        if place_of(file.path) in opened or not holds_work(file.path.name, exam, folder):
            continue
        scan = load_scan(file.path, file.contrast)
        saved = saved_work(scan, exam, folder)
        if saved is None or saved.mask is None:
            continue
        named = labelling if labelling.discs else saved.labelling or NO_DISCS
        results.append(
            measure_scan(scan, saved.mask, named, parameters=saved.parameters, flags=saved.flags, drawn=saved.drawn)
        )
    return results


def _attempt(read: Callable[[], Part], refusals: list[str]) -> Part | None:
    """Read a part; if it cannot be used, note why instead."""
    try:
        return read()
    except InputError as error:
        refusals.append(str(error))
    except OSError as error:
        refusals.append(f"{error.filename} cannot be read ({error.strerror}); ask its owner for access.")
    return None


def _read_mask(path: Path, source: Source, grid: Grid) -> _SavedMask | None:
    if not path.exists():
        return None
    record = record_of(path, source)
    _check_confidence(record, path, grid)
    values = np.asarray(load_mask(path, like=grid).data)
    mask = binary_mask(values)
    if not mask.any():
        raise InputError(f"The soft mask {path} reaches {INSIDE_FROM:g} nowhere; segment it again.")
    return _SavedMask(mask, not np.array_equal(values, mask), record)


def _check_confidence(record: Record | None, path: Path, grid: Grid) -> None:
    try:
        recorded_confidence(record.parameters if record else {}, grid.reoriented(WORK_AXES).shape[0])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read_structures(paths: ScanPaths, source: Source, grid: Grid, refusals: list[str]) -> dict[str, _SavedMask]:
    """Read the masks beside the cord's; whatever cannot be used is refused by itself."""
    found = {name: _attempt(partial(_read_mask, paths.structure(name), source, grid), refusals) for name in DRAWN}
    return {name: mask for name, mask in found.items() if mask is not None}


def _drawn(
    scan: Scan, cord: _SavedMask, others: Mapping[str, _SavedMask], labelling: Labelling
) -> tuple[DrawnStructure, ...]:
    """Return what was drawn beside the cord, or looked for in vain, without the flags that measuring gives anew."""
    masks = [DrawnStructure(name, mask.data) for name, mask in others.items()]
    measured = measure_scan(scan, cord.data, labelling, drawn=masks)
    found = []
    for name in DRAWN:
        mask, why = others.get(name), _in_vain(cord.record, name)
        if mask is not None:
            anew = measured.structure(name)
            saved = mask.record.flags if mask.record else ()
            flags = tuple(dict.fromkeys([*(one for one in saved if anew and one not in anew.flags), *mask.remarks]))
            parameters = {
                **(mask.record.parameters if mask.record else {}),
                "edited_by_hand": _maybe_edited(mask.record),
            }
            found.append(DrawnStructure(name, mask.data, flags, parameters))
        elif why:
            found.append(DrawnStructure(name, None, why))
    return tuple(found)


def _in_vain(record: Record | None, name: str) -> tuple[str, ...]:
    """Return why a structure was not drawn when the cord was saved; nothing if it was not looked for."""
    told = record.parameters.get(NOT_DRAWN) if record else None
    why = told.get(name) if isinstance(told, dict) else None
    return tuple(str(flag) for flag in why) if isinstance(why, list) else ()


def _own_parameters(record: Record | None) -> dict[str, Any]:
    """Return how the cord was made, without what is said there about other structures."""
    return {key: value for key, value in (record.parameters if record else {}).items() if key != NOT_DRAWN}


def _read_discs(path: Path, source: Source, centerline: Centerline | None) -> _SavedDiscs | None:
    if not path.exists():
        return None
    record, discs = record_of(path, source), read_discs(path)
    check_discs(discs, centerline)
    if record is None:
        return _SavedDiscs(Labelling(discs, False, (f"discs {NO_RECORD}",)), None)
    told = dict(record.parameters)
    confirmed = told.pop("confirmed", None) is True
    return _SavedDiscs(Labelling(discs, confirmed, record.flags, told), record)


def binary_mask(values: ArrayLike) -> NDArray[np.uint8]:
    """Return a mask as 0 and 1; a soft one (0..1) is cut at one half."""
    return (np.asarray(values) >= INSIDE_FROM).astype(np.uint8)


def read_discs(path: Path) -> tuple[Disc, ...]:
    """Read a table of discs as it is saved beside a mask.

    Raises
    ------
    InputError
        If it is no such table, or holds no disc.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype=str)  # places stay text, so that none loses its last digit here
        discs = discs_from_table(table)
    except InputError as error:
        raise InputError(f"The discs in {path} cannot be used: {error}") from None
    except ValueError:  # pandas: no table, bytes that are no text, rows of unequal length
        raise InputError(f"{path} is no table of discs (or is damaged); find the discs again.") from None
    if not discs:
        raise InputError(f"{path} holds no disc; find the discs again.")
    return discs


def record_of(path: Path, source: Source | None) -> Record | None:
    """Return what the sidecar of a result tells; None where there is no sidecar.

    Parameters
    ----------
    path : Path
        The result.
    source : Source or None
        File of the scan on which it is to be used; None for a scan that was made in memory, which fits anything.

    Raises
    ------
    InputError
        If the result was made on another state of that file (by SHA-256), or the sidecar cannot be used.
    """
    record = read_record(path)
    if source is not None and record is not None and record.source_sha256 not in ("", source.sha256):
        raise InputError(
            f"{source.path.name} is not the file on which work was saved{_when(record)}; that work was not made on it "
            f"as it is now (other SHA-256) and stays in {path.parent}: open it with the file it was made on, or "
            "segment this one."
        )
    return record


def _tells_source(record: Record | None) -> bool:
    return record is not None and bool(record.source_sha256)


def _maybe_edited(record: Record | None) -> bool:
    return record is None or record.parameters.get("edited_by_hand") is True


def _own_flags(scan: Scan, mask: _SavedMask, labelling: Labelling) -> tuple[str, ...]:
    """Return the flags of the mask without those that measuring gives anew.

    A sidecar lists both; kept, the latter would stay when the mask is mended or the names are confirmed.
    """
    saved: Sequence[str] = mask.record.flags if mask.record else ()
    if not saved:
        return mask.remarks
    anew = {UNCONFIRMED, NO_LEVELS, *measure_scan(scan, mask.data, labelling).flags}
    return tuple(dict.fromkeys([*(flag for flag in saved if flag not in anew), *mask.remarks]))


def _when(record: Record | None) -> str:
    """Say when (local time) and by whom something was saved, as far as it is known."""
    if record is None:
        return ""
    time = f" on {record.time.astimezone():%Y-%m-%d %H:%M}" if record.time else ""
    return f"{time} by {record.author}" if record.author else time

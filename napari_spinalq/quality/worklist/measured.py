"""Measuring a case: the mask on its image, with grey matter, canal and discs beside it, and what is flagged then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import in_work_layout
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.io.sidecar import Record
from napari_spinalq.levels.discs import Labelling, check_discs
from napari_spinalq.levels.external import discs_from_level_map
from napari_spinalq.levels.tables import discs_from_label_volume
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.flags import Flag, flags_of, suspicion
from napari_spinalq.quality.worklist.cases import ListedCase
from napari_spinalq.quality.worklist.naming import DISCS, LEVELS
from napari_spinalq.reopen import NO_DISCS, binary_mask, read_discs, record_of
from napari_spinalq.results import DrawnStructure, ScanResult
from napari_spinalq.scan import Scan, Source, file_sha256
from napari_spinalq.structures import DRAWN

Stamp = tuple[tuple[str, int, int], ...]
"""Name, time of the last change (ns) and size of each file of a case: what tells cheaply that one was replaced."""


@dataclass(frozen=True, eq=False)
class Summary:
    """What is remembered of a case that was read.

    Attributes
    ----------
    case : ListedCase
        The case.
    stamp : Stamp
        State of its files when they were read.
    mask_sha256, image_sha256 : str
        Of the files.
    flags : tuple of Flag
        The worst first.
    suspicion : float
        0..1.
    refusal : str
        Why it cannot be measured; empty if it was.
    """

    case: ListedCase
    stamp: Stamp
    mask_sha256: str
    image_sha256: str
    flags: tuple[Flag, ...] = ()
    suspicion: float = 0.0
    refusal: str = ""

    @property
    def doubtful_slices(self) -> tuple[int, ...]:
        """All flagged slices (work order), ascending."""
        return tuple(sorted({index for flag in self.flags for index in flag.slices}))

    @property
    def places(self) -> tuple[int, ...]:
        """The slices to look at: the middle of each run of flagged slices, those of the worst flag first."""
        return tuple(dict.fromkeys(place for flag in self.flags for place in middles(flag.slices)))


@dataclass(frozen=True, eq=False)
class Measured:
    """A case that was measured.

    Attributes
    ----------
    summary : Summary
        What is remembered of it.
    result : ScanResult
        Measured from the files.
    record : Record, optional
        What the sidecar of the mask tells.
    remarks : tuple of str
        What could not be used, a sentence each.
    sources : tuple of Source
        Image and mask.
    """

    summary: Summary
    result: ScanResult
    record: Record | None
    remarks: tuple[str, ...]
    sources: tuple[Source, ...]


def stamp_of(case: ListedCase) -> Stamp:
    """Return the state of the files of a case; a file that is gone counts as empty."""
    return tuple(_state(path) for path in (case.mask, case.image, *(case.beside[key] for key in sorted(case.beside))))


def measure_case(case: ListedCase, progress: Progress = silent) -> Measured:
    """Read the files of a case and measure them.

    Parameters
    ----------
    case : ListedCase
        What to read. Grey matter, canal and discs that cannot be used are left out, and said so.
    progress : Progress
        Told how far the work is; may stop it.

    Raises
    ------
    InputError
        If image or mask cannot be used, or the mask was made on another state of the image.
    """
    stamp = stamp_of(case)
    progress(0.0, f"Reading {case.name}")
    scan = _laid_out(load_scan(case.image))
    progress(0.3, f"Reading {case.name}")
    record, remarks = record_of(case.mask, scan.source), list[str]()
    loaded = load_mask(case.mask, like=scan.grid)
    mask = in_work_layout(np.asarray(loaded.data), scan.grid)
    progress(0.4, f"Measuring {case.name}")
    labelling = _labelling(case, scan, mask, remarks)
    drawn = _drawn(case, scan, remarks)
    result = measure_scan(scan, mask, labelling, parameters=record.parameters if record else {}, drawn=drawn)
    progress(0.7, f"Checking {case.name}")
    sources = tuple(one.source for one in (scan, loaded) if one.source is not None)
    image_sha256, mask_sha256 = (source.sha256 for source in sources)
    flags = flags_of(result)
    summary = Summary(case, stamp, mask_sha256, image_sha256, flags, suspicion(flags))
    return Measured(summary, result, record, tuple(remarks), sources)


def middles(slices: Sequence[int]) -> tuple[int, ...]:
    """Return the middle of each run of neighbouring slices, the longest run first.

    Examples
    --------
    >>> middles((3, 10, 11, 12))
    (11, 3)
    """
    ordered = np.unique(np.asarray(slices, dtype=int))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1) if len(ordered) else []
    return tuple(int(run[len(run) // 2]) for run in sorted(runs, key=len, reverse=True))


def refused(case: ListedCase, error: InputError) -> Summary:
    """Return what is remembered of a case that cannot be read: the most suspicious of all."""
    return Summary(case, stamp_of(case), _sha256_of(case.mask), "", suspicion=1.0, refusal=str(error))


def _laid_out(scan: Scan) -> Scan:
    """Return a scan that can be shown without being copied: the copy is made here, in the background."""
    return replace(scan, data=in_work_layout(scan.data, scan.grid))


def _labelling(case: ListedCase, scan: Scan, mask: NDArray, remarks: list[str]) -> Labelling:
    """Return the discs beside a mask: a table, point labels, or what follows from a level map."""
    centerline = cord_centerline(slice_shapes(mask, scan.grid).centroid_mm, scan.grid)
    for kind in (DISCS, LEVELS):
        path = case.beside.get(kind)
        if path is None:
            continue
        try:
            found = _discs(path, kind, scan, centerline)
            check_discs(found.discs, centerline)
        except InputError as error:
            remarks.append(f"{path.name} was left out: {error}")
        else:
            return found
    return NO_DISCS


def _discs(path: Path, kind: str, scan: Scan, centerline: Centerline) -> Labelling:
    """Read named discs from a table, from point labels, or from the borders of a level map."""
    record = record_of(path, scan.source)
    if path.suffix == ".tsv":
        return Labelling(read_discs(path), record is not None and record.parameters.get("confirmed") is True)
    if kind == DISCS:
        volume = load_scan(path)
        return Labelling(discs_from_label_volume(volume.data, volume.grid), confirmed=False)
    levels = load_levels(path, like=scan.grid)
    return Labelling(discs_from_level_map(levels.data, scan.grid, centerline), confirmed=False)


def _drawn(case: ListedCase, scan: Scan, remarks: list[str]) -> tuple[DrawnStructure, ...]:
    found = []
    for name in DRAWN:
        path = case.beside.get(name)
        if path is None:
            continue
        try:
            record = record_of(path, scan.source)
            mask = binary_mask(load_mask(path, like=scan.grid).data)
            found.append(DrawnStructure(name, mask, parameters=record.parameters if record else {}))
        except InputError as error:
            remarks.append(f"{path.name} was left out: {error}")
    return tuple(found)


def _sha256_of(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return ""


def _state(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size

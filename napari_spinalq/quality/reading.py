"""Reading a case of a worklist: image, masks, discs, what is measured and flagged, and its small pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.derivatives import NOT_DRAWN, scan_paths
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import WORK_AXES, in_work_layout, to_work_order
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.io.sidecar import Record, read_record
from napari_spinalq.levels.discs import Labelling, check_discs
from napari_spinalq.levels.external import discs_from_level_map
from napari_spinalq.levels.tables import discs_from_label_volume
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.pipeline import cord_centerline, measure_scan
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.flags import Flag, flags_of, suspicion
from napari_spinalq.quality.naming import DISCS, LEVELS
from napari_spinalq.quality.thumbnails import Mosaic, axial_mosaic, sagittal_strip
from napari_spinalq.quality.worklist import ListedCase
from napari_spinalq.reopen import INSIDE_FROM, SavedWork, read_discs
from napari_spinalq.results import DrawnStructure, ScanResult
from napari_spinalq.scan import Scan
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
class Reading:
    """A case that was read, ready to be shown.

    Attributes
    ----------
    summary : Summary
        What is remembered of it.
    exam : Exam
        The exam of the image: all scans of its folder.
    result : ScanResult
        Measured from the files.
    record : Record, optional
        What the sidecar of the mask tells.
    remarks : tuple of str
        What could not be used, a sentence each.
    mosaic, strip
        The small pictures.
    """

    summary: Summary
    exam: Exam
    result: ScanResult
    record: Record | None
    remarks: tuple[str, ...]
    mosaic: Mosaic
    strip: NDArray[np.uint8]

    @cached_property
    def size_bytes(self) -> int:
        """Memory that it takes, about."""
        arrays = [self.result.scan.data, self.result.mask, self.result.levels, self.mosaic.picture, self.strip]
        arrays += [one.mask for one in self.result.structures if one.mask is not None]
        return sum(array.nbytes for array in arrays)

    @property
    def folder(self) -> Path | None:
        """The root of the derivatives in which the mask lies, if this package named it; else None.

        What is corrected is saved there. The masks of other programs are never written.
        """
        case = self.summary.case
        roots = (one for one in case.mask.parents if scan_paths(case.image.name, self.exam, one).mask == case.mask)
        return next(roots, None)

    def place_mm(self, index: int) -> NDArray[np.float64]:
        """Return a place (RAS mm) in an axial slice: where the nearest slice that holds the cord has it."""
        shapes, grid = self.result.shapes, self.result.scan.grid.reoriented(WORK_AXES)
        nearest = int(np.abs(shapes.slice_index - index).argmin())
        voxel = grid.mm_to_voxel(shapes.centroid_mm[nearest])
        return grid.voxel_to_mm([index, voxel[1], voxel[2]])

    def saved_work(self) -> SavedWork:
        """Return the masks and discs as work that was saved earlier, to go on with."""
        result, record = self.result, self.record
        parameters = {key: value for key, value in (record.parameters if record else {}).items() if key != NOT_DRAWN}
        own = tuple(flag for flag in (record.flags if record else ()) if flag not in result.flags)
        drawn = (DrawnStructure(one.name, one.mask, (), one.parameters) for one in result.structures)
        return SavedWork(
            mask=_binary(result.mask),
            centerline=result.centerline,
            labelling=result.labelling if result.labelling.discs else None,
            flags=own,
            parameters=parameters,
            edited=record is None or record.parameters.get("edited_by_hand") is True,
            refusals=self.remarks,
            record=record,
            drawn=tuple(one for one in drawn if one.name in DRAWN),
        )


def stamp_of(case: ListedCase) -> Stamp:
    """Return the state of the files of a case; a file that is gone counts as empty."""
    return tuple(_state(path) for path in (case.mask, case.image, *(case.beside[key] for key in sorted(case.beside))))


def read_case(case: ListedCase, progress: Progress = silent) -> Reading:
    """Read a case and measure it.

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
    mask = in_work_layout(np.asarray(load_mask(case.mask, like=scan.grid).data), scan.grid)
    record, remarks = _record(case, scan), list[str]()
    progress(0.4, f"Measuring {case.name}")
    labelling = _labelling(case, scan, mask, remarks)
    drawn = _drawn(case, scan, remarks)
    parameters = record.parameters if record else {}
    result = measure_scan(scan, mask, labelling, parameters=parameters, drawn=drawn)
    progress(0.7, f"Checking {case.name}")
    flags = flags_of(result)
    summary = Summary(case, stamp, _sha256(case.mask), _checksum(scan), flags, suspicion(flags))
    progress(0.9, f"Drawing {case.name}")
    return Reading(summary, _exam(case.image), result, record, tuple(remarks), *_pictures(result, summary))


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
    return Summary(case, stamp_of(case), _sha256(case.mask), "", suspicion=1.0, refusal=str(error))


def _laid_out(scan: Scan) -> Scan:
    """Return a scan that can be shown without being copied: the copy is made here, in the background."""
    return replace(scan, data=in_work_layout(scan.data, scan.grid))


def _record(case: ListedCase, scan: Scan) -> Record | None:
    record = read_record(case.mask)
    if record is not None and record.source_sha256 and record.source_sha256 != _checksum(scan):
        raise InputError(
            f"{case.mask.name} was not made on {case.image.name} as it is now (other SHA-256); make the mask again."
        )
    return record


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
            remarks.append(str(error))
        else:
            return found
    return Labelling((), confirmed=False)


def _discs(path: Path, kind: str, scan: Scan, centerline: Centerline) -> Labelling:
    """Read named discs from a table, from point labels, or from the borders of a level map."""
    if path.suffix == ".tsv":
        record = read_record(path)
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
            record = read_record(path)
            data = np.asarray(load_mask(path, like=scan.grid).data)
            found.append(DrawnStructure(name, _binary(data), parameters=record.parameters if record else {}))
        except InputError as error:
            remarks.append(str(error))
    return tuple(found)


def _pictures(result: ScanResult, summary: Summary) -> tuple[Mosaic, NDArray[np.uint8]]:
    scan = result.scan.mean_volume()
    image, grid = to_work_order(scan.data, scan.grid)
    mask, _ = to_work_order(result.mask, scan.grid)
    mosaic = axial_mosaic(image, mask, grid.spacing, wanted=summary.places, doubtful=summary.doubtful_slices)
    return mosaic, sagittal_strip(image, mask, grid.spacing)


def _exam(image: Path) -> Exam:
    """Return the exam of an image: what is saved of one scan then keeps the rows of the others."""
    folder = next((parent for parent in image.parents if parent.name.startswith(("ses-", "sub-"))), None)
    try:
        exam = find_exam([folder]) if folder else find_exam([image])
    except InputError:  # the folder of a subject may hold several sessions
        return find_exam([image])
    return exam if any(file.path.resolve() == image for file in exam.files) else find_exam([image])


def _binary(mask: NDArray) -> NDArray[np.uint8]:
    return (mask >= INSIDE_FROM).astype(np.uint8)


def _checksum(scan: Scan) -> str:
    return scan.source.sha256 if scan.source else ""


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _state(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size

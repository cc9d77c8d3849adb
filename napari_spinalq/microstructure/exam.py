"""The maps of an exam: which files give which, and what is said where they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.bids import stem
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.reverse_phase import REVERSED, reversed_series
from napari_spinalq.levels.detect import naming_flags
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.microstructure.anatomical import best_anatomical
from napari_spinalq.microstructure.cord import measured_cord
from napari_spinalq.microstructure.diffusion import analyze_diffusion
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.microstructure.transfer import MtSet, analyze_mt
from napari_spinalq.mt.parameters import MtParameters
from napari_spinalq.mt.roles import MtFiles, find_mt_pair
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import MapsResult, ScanResult
from napari_spinalq.scan import Scan, place_of

Refused = Callable[[str, str], None]
"""Told the name of a scan that gave no maps, and why."""


def ignore(name: str, reason: str) -> None:
    """Listen to nothing."""


def analyze_maps(
    exam: Exam,
    scans: Sequence[ScanResult],
    labelling: Labelling,
    *,
    options: MapOptions = MapOptions(),
    progress: Progress = silent,
    refused: Refused = ignore,
) -> tuple[MapsResult, ...]:
    """Make the maps of an exam and read them per tract and level.

    Parameters
    ----------
    exam : Exam
        Its files: diffusion series with their gradient files, and images with and without the MT pulse.
    scans : sequence of ScanResult
        Its measured scans: the best of them gives cord and grey matter, and that with the MT pulse the cord of MTR.
    labelling : Labelling
        Named discs, carried by position; perhaps none.
    options : MapOptions
        How it is done.
    progress : Progress
        Told where the work stands.
    refused : callable
        Told which scan gave no maps, and why; the others go on.

    Returns
    -------
    tuple of MapsResult
        Diffusion first, in the order of the files.
    """
    jobs = [_diffusion_job(file, exam, scans, labelling, options) for file in exam.of_contrast(Contrast.DWI)]
    try:
        files = find_mt_pair(exam)
        jobs += [] if files is None else [_mt_job(files, scans, labelling, options)]
    except InputError as error:
        refused("MTR", str(error).rstrip("."))
    found = []
    for number, job in enumerate(jobs):
        step = portion(progress, number / len(jobs), (number + 1) / len(jobs))
        try:
            found.append(job.run(_named(step, job.name)))
        except InputError as error:
            refused(job.name, str(error).rstrip("."))
    return tuple(found)


@dataclass(frozen=True)
class _Job:
    name: str
    run: Callable[[Progress], MapsResult]


def _diffusion_job(
    file: ExamFile, exam: Exam, scans: Sequence[ScanResult], labelling: Labelling, options: MapOptions
) -> _Job:
    def run(progress: Progress) -> MapsResult:
        series = reversed_series(file, exam)
        if series is not None:
            raise InputError(REVERSED.format(stem(series.name)))
        scan = load_scan(file.path, Contrast.DWI)
        if scan.data.ndim != 4:
            raise InputError("it is one volume; a diffusion series is 4-D, with a volume for each direction.")
        gradients = read_gradients(
            file.path,
            scan.grid,
            scan.volumes,
            bval=file.bval,
            bvec=file.bvec,
            grad=file.grad,
            b0_threshold=options.b0_threshold,
        )
        anatomical = best_anatomical(scans, scan)
        result = analyze_diffusion(
            scan, gradients, labelling=labelling, anatomical=anatomical, options=options, progress=progress
        )
        return _with_naming(result, labelling)

    return _Job(file.name, run)


def _mt_job(files: MtFiles, scans: Sequence[ScanResult], labelling: Labelling, options: MapOptions) -> _Job:
    def run(progress: Progress) -> MapsResult:
        measured = _measured(files.on, scans)
        anatomical = best_anatomical(scans, measured.scan)
        result = analyze_mt(
            _images(files, measured.scan),
            measured_cord(measured),
            labelling=labelling,
            anatomical=anatomical,
            options=options,
            progress=progress,
        )
        return _with_naming(result, labelling)

    return _Job(files.on.name, run)


def _images(files: MtFiles, on: Scan) -> MtSet:
    """Read the images beside the one with the pulse; what MTsat lacks is no reason to give up MTR."""
    off = load_scan(files.off.path, Contrast.MT)
    if files.t1w is None:
        return MtSet(on, off)
    try:
        parameters = MtParameters.from_sidecars(files.on.path, files.off.path, files.t1w.path)
        return MtSet(on, off, load_scan(files.t1w.path, Contrast.MT), parameters)
    except InputError as error:
        return MtSet(on, off, why_no_mtsat=str(error).rstrip("."))


def _measured(file: ExamFile, scans: Sequence[ScanResult]) -> ScanResult:
    path = place_of(file.path)
    found = next((one for one in scans if one.scan.source is not None and one.scan.source.path == path), None)
    if found is None:
        raise InputError(f"The cord of {file.name} was not found, so MTR cannot be read; point at it with --at.")
    return found


def _with_naming(result: MapsResult, labelling: Labelling) -> MapsResult:
    """Add what a reader must know about the names of the levels."""
    return replace(result, flags=tuple(dict.fromkeys([*result.flags, *naming_flags(labelling)])))


def _named(progress: Progress, name: str) -> Progress:
    return lambda fraction, phrase: progress(fraction, f"{name}: {phrase}")

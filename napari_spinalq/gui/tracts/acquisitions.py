"""What an exam holds that maps can be made of, and what is still needed for it, in words. No Qt is known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nibabel as nib

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.geometry import Grid
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.reverse_phase import diffusion_series
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.results import MapsResult
from napari_spinalq.scan import place_of

DIFFUSION, TRANSFER = "dwi", "mt"

NO_EXAM = "No exam is open."
NOTHING = "This exam holds no diffusion series and no magnetisation transfer pair; a map can be read from a file."
NO_CORD = "Segment the cord of an anatomical scan first (page Exam): levels and tracts are carried from it."
NO_DISCS = "Name a disc first (page Exam, Find discs): without it values have no level."


@dataclass(frozen=True)
class Acquisition:
    """Something that gives maps.

    Attributes
    ----------
    key : str
        ``"dwi"`` (with the name of the series where there are several), ``"mt"``, or the path of a map.
    title : str
        As people read it.
    files : tuple of ExamFile
        Its scans; none for a map from a file.
    path : Path, optional
        Of a map from a file.
    """

    key: str
    title: str
    files: tuple[ExamFile, ...] = ()
    path: Path | None = None


def acquisitions_of(exam: Exam | None, maps: Sequence[Path] = ()) -> tuple[Acquisition, ...]:
    """Return what can be computed: diffusion, magnetisation transfer, and maps that were chosen as files."""
    found: list[Acquisition] = []
    if exam is not None:
        series, transfer = diffusion_series(exam), exam.of_contrast(Contrast.MT)
        found += [_series(file, alone=len(series) == 1) for file in series]
        if len(transfer) > 1:
            found.append(Acquisition(TRANSFER, "Magnetisation transfer", transfer))
    return (*found, *(Acquisition(str(path), f"Map: {path.name}", path=path) for path in maps))


def key_of(result: MapsResult, acquisitions: Sequence[Acquisition]) -> str | None:
    """Return the key of the acquisition on whose scan a result lies; None if it is none of these."""
    path = None if result.scan.source is None else result.scan.source.path
    return next((one.key for one in acquisitions if path in {place_of(file.path) for file in one.files}), None)


def exam_in_words(exam: Exam | None) -> str:
    """Say in a line what an exam holds for this page."""
    if exam is None or not exam.files:
        return NO_EXAM
    parts = [_series_in_words(file) for file in diffusion_series(exam)]
    transfer = exam.of_contrast(Contrast.MT)
    if len(transfer) > 1:
        parts.append("MT on/off")
    elif transfer:
        parts.append("MT: one image, a ratio needs two")
    return " · ".join(parts) or NOTHING


def missing(works: Sequence[ScanWork], labelling: Labelling) -> str:
    """Say what must be done before maps can be computed; empty if nothing."""
    if all(work.mask is None for work in works):
        return NO_CORD
    return "" if labelling.discs else NO_DISCS


def _series(file: ExamFile, *, alone: bool) -> Acquisition:
    if alone:
        return Acquisition(DIFFUSION, "Diffusion", (file,))
    return Acquisition(f"{DIFFUSION} {file.name}", f"Diffusion: {file.name}", (file,))


@cache
def _series_in_words(file: ExamFile) -> str:
    """Say how many volumes and which b-values a series has; read once, from headers and gradient files alone."""
    try:
        image = nib.load(file.path)
    except (nib.filebasedimages.ImageFileError, OSError, EOFError):
        return f"DWI {file.name}: unreadable"
    volumes = image.shape[3] if len(image.shape) > 3 else 1
    try:
        table = read_gradients(
            file.path, Grid(image.shape[:3], image.affine), volumes, bval=file.bval, bvec=file.bvec, grad=file.grad
        )
    except InputError as error:
        return f"DWI {volumes} volumes ({error})"
    shells = ", ".join(f"{shell.b_value:.0f}" for shell in table.shells())
    return f"DWI {volumes} volumes, b {shells}"

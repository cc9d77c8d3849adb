"""The image with reversed phase encoding beside a diffusion series, and the table with which FSL's topup uses both.

Echo-planar images are stretched along the phase-encoding axis; a second one, encoded the other way, is stretched the
other way, and shows by how much (Andersson et al. 2003, NeuroImage, doi:10.1016/S1053-8119(03)00336-7). This package
corrects no such distortion; it finds the pair and writes what topup needs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.bids import entities, is_scan, stem
from napari_spinalq.io.sidecar import read_fields, sidecar_path

DIRECTION, READOUT = "PhaseEncodingDirection", "TotalReadoutTime"
"""BIDS fields: axis of the file (i, j, k), with - if from the highest index down; seconds."""

VECTORS = {f"{axis}{sign}": tuple((-1 if sign == "-" else 1) * (axis == one) for one in "ijk")
           for axis in "ijk" for sign in ("", "-")}  # fmt: skip
"""Columns 1 to 3 of topup's table for each BIDS direction."""

_ECHO_PLANAR = re.compile(r"(?:^|[_-])(?:epi|dwi|dmri|dti|b0|sbref)(?=$|[_-])", re.IGNORECASE)


REVERSED = "encoded in reverse to {}, to correct its distortion with FSL's topup, which is not done here"
"""Why such an image is not measured."""


def find_reverse_phase(scan_path: Path, candidates: Iterable[Path] | None = None) -> Path | None:
    """Find an echo-planar image of opposite phase encoding, ready for topup, beside a diffusion series.

    Its JSON file names the same axis with the opposite sign. Where one of both has no such entry, BIDS labels that are
    each other's reverse tell (``dir-AP`` and ``dir-PA``).

    Parameters
    ----------
    scan_path : Path
        The diffusion series.
    candidates : iterable of Path, optional
        Images to choose from; by default those in its folder and in the folder ``fmap`` beside it.

    Returns
    -------
    Path, optional
        The first by name, from ``fmap`` before others; None where there is none.

    Raises
    ------
    InputError
        If a JSON file beside an image is no JSON object.
    """
    found = _nearby(scan_path) if candidates is None else list(candidates)
    pairs = [path for path in found if path != scan_path and _is_reverse(scan_path, path)]
    return min(pairs, key=lambda path: (path.parent.name != "fmap", path.name), default=None)


def reversed_series(file: ExamFile, exam: Exam) -> Path | None:
    """Return the diffusion series of an exam of which a file is the image with reversed phase encoding.

    Parameters
    ----------
    file : ExamFile
        One of the exam. With gradient files it is a series of its own, whichever way it is encoded.
    exam : Exam
        Where the series are looked for.

    Returns
    -------
    Path, optional
        None where the file is something else.

    Raises
    ------
    InputError
        If a JSON file beside an image is no JSON object.
    """
    if file.has_gradients or not _ECHO_PLANAR.search(file.name):
        return None
    return find_reverse_phase(file.path, [one.path for one in exam.of_contrast(Contrast.DWI) if one.has_gradients])


def diffusion_series(exam: Exam) -> tuple[ExamFile, ...]:
    """Return the diffusion files of an exam without images of reversed phase encoding.

    What cannot be told, because a JSON file is damaged, stays: reading it will say why.
    """
    return tuple(file for file in exam.of_contrast(Contrast.DWI) if not _is_told_reversed(file, exam))


def acquisition_parameters(images: Sequence[tuple[Path, int]]) -> str:
    """Return topup's table of acquisition parameters (``--datain``): one row for each volume of the merged image.

    A row holds the phase-encoding direction along the axes of the file and the total readout time in seconds. Were the
    sign of all rows wrong alike, topup's field would change sign and its correction stay the same.

    Parameters
    ----------
    images : sequence of (Path, int)
        Images in the order in which they are merged, and how many volumes of each.

    Raises
    ------
    InputError
        If the JSON file of an image is missing or does not tell, or all have the same direction.
    """
    rows = [row for image, volumes in images for row in [_row(image)] * volumes]
    if len({row[:3] for row in rows}) < 2:
        raise InputError(
            f"All images have the same {DIRECTION}, from which topup learns nothing; give one that is encoded the "
            "other way."
        )
    return "\n".join(f"{x:d} {y:d} {z:d} {seconds:.6g}" for x, y, z, seconds in rows) + "\n"


def _is_told_reversed(file: ExamFile, exam: Exam) -> bool:
    try:
        return reversed_series(file, exam) is not None
    except InputError:
        return False


def _nearby(scan_path: Path) -> list[Path]:
    folders = [scan_path.parent, scan_path.parent.parent / "fmap"]
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    return [path for path in files if path.is_file() and is_scan(path) and _ECHO_PLANAR.search(stem(path.name))]


def _is_reverse(scan_path: Path, other: Path) -> bool:
    ours, theirs = (read_fields(path).get(DIRECTION) for path in (scan_path, other))
    if isinstance(ours, str) and isinstance(theirs, str):
        return ours[:1] == theirs[:1] and {ours[1:], theirs[1:]} == {"", "-"}
    label, reverse = (entities(path.name).get("dir", "") for path in (scan_path, other))
    return len(label) == 2 and label != reverse and label == reverse[::-1]


def _row(image: Path) -> tuple[int, int, int, float]:
    fields = read_fields(image)
    vector = VECTORS.get(str(fields.get(DIRECTION)))
    if vector is None:
        raise InputError(
            f"{sidecar_path(image)} does not give {DIRECTION} (i, j, k, i-, j- or k-); write it there from the "
            "protocol."
        )
    return (*vector, _readout(fields, image))  # type: ignore[return-value]


def _readout(fields: dict[str, Any], image: Path) -> float:
    seconds = fields.get(READOUT)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise InputError(f"{sidecar_path(image)} does not give {READOUT} in seconds; write it there from the protocol.")
    return float(seconds)

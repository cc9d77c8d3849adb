"""Second reads and consensus masks as files: beside the first read, under the name of who drew them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.derivatives.paths import ScanPaths, scan_paths
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.io.save import save_mask
from napari_spinalq.io.sidecar import Provenance
from napari_spinalq.reopen import binary_mask, record_of
from napari_spinalq.scan import Scan

CONSENSUS = "consensus"
"""The name under which an adjudicated mask is saved."""

CONTROL = "control"
"""How the names of control masks begin, which are no one's reading."""

_DESC = re.compile(r"_desc-([a-zA-Z0-9]+)")


@dataclass(frozen=True)
class Read:
    """A mask of one reader.

    Attributes
    ----------
    rater : str
        Who drew it, as in the file's name; empty for the first read.
    path : Path
        Its file.
    """

    rater: str
    path: Path


def rater_label(name: str) -> str:
    """Return a rater's name as a file name may hold it: letters and digits.

    Examples
    --------
    >>> rater_label("Dr. A. Muster")
    'DrAMuster'

    Raises
    ------
    InputError
        If nothing is left of it, or the name is taken for something else.
    """
    label = "".join(sign for sign in name if sign.isascii() and sign.isalnum())
    if not label:
        raise InputError(f"{name!r} holds no letter or digit (a to z, 0 to 9); enter the name of who reads.")
    if label.lower().startswith((CONSENSUS, CONTROL)):
        raise InputError(f"{label!r} names the consensus or a control, not a person; enter another name.")
    return label


def with_desc(path: Path, rater: str) -> Path:
    """Return the path of a mask under the name of a rater (BIDS: the entity ``desc`` stands before the suffix).

    Examples
    --------
    >>> with_desc(Path("sub-01_space-T2w_label-cord_mask.nii.gz"), "amk").name
    'sub-01_space-T2w_label-cord_desc-amk_mask.nii.gz'
    """
    stem, suffix = without_desc(path.name).rsplit("_", 1)
    return path.with_name(f"{stem}_desc-{rater}_{suffix}")


def without_desc(name: str) -> str:
    """Return the name of the first read that belongs to a file name.

    Examples
    --------
    >>> without_desc("sub-01_space-T2w_label-cord_desc-amk_mask.nii.gz")
    'sub-01_space-T2w_label-cord_mask.nii.gz'
    """
    return _DESC.sub("", name)


def rater_of(name: str) -> str:
    """Return who drew a mask according to its file name; empty for the first read."""
    found = _DESC.search(name)
    return found.group(1) if found else ""


def read_path(paths: ScanPaths, structure: str, rater: str) -> Path:
    """Return where a rater's mask of ``"cord"``, ``"gm"`` or ``"canal"`` lies; the first read has an empty name."""
    first = paths.mask if structure == "cord" else paths.structure(structure)
    return with_desc(first, rater) if rater else first


def reads_of(scan: Scan, exam: Exam, folder: Path, structure: str = "cord") -> tuple[Read, ...]:
    """Return the reads of a scan that were saved in a folder of derivatives: the first, then others by name."""
    if scan.source is None:
        return ()
    first = read_path(scan_paths(scan.source.path.name, exam, folder), structure, "")
    beside = sorted(path for path in first.parent.glob("*_desc-*.nii*") if without_desc(path.name) == first.name)
    others = [Read(rater_of(path.name), path) for path in beside]
    own = [one for one in others if not one.rater.lower().startswith(CONTROL)]
    return (*((Read("", first),) if first.exists() else ()), *own)


def load_read(path: Path, scan: Scan) -> NDArray[np.uint8]:
    """Read a rater's mask of a scan, 0 and 1, in the axis order of the scan's file.

    Raises
    ------
    InputError
        As :func:`~napari_spinalq.io.nifti.load_mask`; also if it was drawn on another state of the scan's file.
    """
    record_of(path, scan.source)
    return binary_mask(load_mask(path, like=scan.grid).data)


def save_read(
    masks: Mapping[str, NDArray],
    scan: Scan,
    exam: Exam,
    folder: Path,
    rater: str,
    about: Mapping[str, Any],
    *,
    flags: Sequence[str] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Save a rater's masks beside the first read, which is never touched.

    Parameters
    ----------
    masks : mapping of str to array
        ``"cord"``, ``"gm"`` or ``"canal"``, uint8, in the axis order of the scan's file.
    scan : Scan
        The image.
    exam : Exam
        Its exam.
    folder : Path
        Root of the derivatives.
    rater : str
        As :func:`rater_label` gives it, or ``CONSENSUS``.
    about : mapping
        What the sidecars say on how the masks were made.
    flags : sequence of str
        What a reader must know before trusting them.
    overwrite : bool
        Whether earlier masks of the same rater may be replaced.

    Raises
    ------
    InputError
        If there is no name, a mask is empty, or as :func:`~napari_spinalq.io.save.save_mask`.
    """
    if not rater:
        raise InputError("A second read needs the name of who reads; enter it first.")
    if scan.source is None:
        raise InputError("This image was made in memory; save it as NIfTI first, so that its reads have a source.")
    empty = [structure for structure, mask in masks.items() if not mask.any()]
    if empty:
        raise InputError(f"The {empty[0]} mask of this read is empty; draw it before you save.")
    paths = scan_paths(scan.source.path.name, exam, folder)
    what = "Consensus mask" if rater == CONSENSUS else "Second read"
    author = "" if rater == CONSENSUS else rater
    return [
        save_mask(
            mask,
            scan,
            read_path(paths, structure, rater),
            Provenance(f"{what}, {structure}", [scan.source], {**about, "rater": rater}, flags, author),
            overwrite=overwrite,
        )
        for structure, mask in masks.items()
    ]

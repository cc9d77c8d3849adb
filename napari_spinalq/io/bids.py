"""Finding the scans of an exam, and naming what is derived from them (BIDS)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.contrast import Contrast, contrast_from_name
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile

NIFTI_ENDINGS = (".nii", ".nii.gz")

_ENTITY = re.compile(r"(?:^|_)([a-zA-Z]+)-([a-zA-Z0-9+]+)")
_DERIVED = re.compile(
    r"(^|[_-])(mask|dseg|probseg|seg|gmseg|levels?|labels?|labeled|discs?|centerline|points?|mtr(map)?|mtsat|t1map|"
    r"dwimap|moco)([_-]|$)",
    re.IGNORECASE,
)
"""Words in the names of masks, label maps and computed maps, which are never taken for a scan."""


def find_exam(paths: Sequence[str | Path]) -> Exam:
    """Find the scans of one subject-session.

    Parameters
    ----------
    paths : sequence of str or Path
        One folder (a BIDS subject or session, a BIDS dataset that holds a single subject, or any folder with scans),
        or the scans themselves.

    Raises
    ------
    InputError
        If nothing is found, or the folder holds several subjects or sessions (the message lists them).
    """
    given = [Path(path) for path in paths]
    for path in given:
        if not path.exists():
            raise InputError(f"There is no file or folder {path}; check the path.")
    if len(given) == 1 and given[0].is_dir():
        return _exam_of_folder(given[0])
    folders = [path for path in given if path.is_dir()]
    if folders:
        raise InputError(f"{folders[0]} is a folder; give one folder or a list of scans, not both.")
    return _exam_of_files(given, given[0].parent)


def entities(name: str) -> dict[str, str]:
    """Return the BIDS entities in a file name.

    Examples
    --------
    >>> entities("sub-01_ses-2_mt-on_MTS.nii.gz")
    {'sub': '01', 'ses': '2', 'mt': 'on'}
    """
    return dict(_ENTITY.findall(stem(name)))


def stem(name: str) -> str:
    """Return a file name without the ending of a NIfTI file.

    Examples
    --------
    >>> stem("sub-01_T2w.nii.gz"), stem("t2.NII")
    ('sub-01_T2w', 't2')
    """
    return re.sub(r"(\.nii)?(\.gz)?$", "", name, flags=re.IGNORECASE)


def derived_name(source_name: str, what: str, ending: str) -> str:
    """Name a file that is derived from a scan.

    The suffix of the source becomes its space: the grid on which the derived file lies.

    Examples
    --------
    >>> derived_name("sub-01_acq-ax_T2star.nii.gz", "label-cord_mask", ".nii.gz")
    'sub-01_acq-ax_space-T2star_label-cord_mask.nii.gz'
    >>> derived_name("t2.nii.gz", "label-cord_mask", ".nii.gz")
    't2_label-cord_mask.nii.gz'
    """
    source = stem(source_name)
    if not source.startswith("sub-") or "_" not in source:
        return f"{source}_{what}{ending}"
    base, suffix = source.rsplit("_", 1)
    return f"{base}_space-{suffix}_{what}{ending}"


def is_scan(path: Path) -> bool:
    """Tell whether a file name is that of a scan, and not of a mask, a label map or another file."""
    hidden = path.name.startswith(".")  # such as what macOS keeps beside each file on a foreign disk
    name = stem(path.name)
    return not hidden and path.name.lower().endswith(NIFTI_ENDINGS) and not _DERIVED.search(_without_raw_mtr(name))


def _without_raw_mtr(name: str) -> str:
    """Take the suffix off a BIDS image for the MTR (``sub-01_mt-on_MTR``), which is a scan and no computed map."""
    return name.removesuffix("_MTR") if "mt" in entities(name) else name


@dataclass(frozen=True)
class Gradients:
    """The gradient files of a diffusion scan, None where there is none beside it.

    Attributes
    ----------
    bval, bvec : Path, optional
        FSL files.
    grad : Path, optional
        MRtrix table.
    """

    bval: Path | None
    bvec: Path | None
    grad: Path | None = None


def find_gradients(path: Path) -> Gradients:
    """Find the gradient files beside a diffusion scan.

    FSL: ``.bval`` and ``.bvec`` under the name of the scan (or plural, or ``bvals.txt``). MRtrix: ``.b`` or ``.grad``
    under the name of the scan, or ``grad.b``, ``grad.txt``, ``encoding.b``.
    """
    source = stem(path.name)

    def first(names: Sequence[str]) -> Path | None:
        return next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)

    def fsl(kind: str) -> Path | None:
        return first([f"{source}.{kind}", f"{source}.{kind}s", f"{kind}s.txt", f"{kind}.txt", f"{kind}s", kind])

    mrtrix = first([f"{source}.b", f"{source}.grad", "grad.b", "grad.txt", "encoding.b"])
    return Gradients(fsl("bval"), fsl("bvec"), mrtrix)


def _exam_of_folder(folder: Path) -> Exam:
    for kind in ("sub", "ses"):
        inner = sorted(path for path in folder.glob(f"{kind}-*") if path.is_dir())
        if len(inner) > 1:
            names = ", ".join(path.name for path in inner)
            word = "subjects" if kind == "sub" else "sessions"
            raise InputError(f"{folder} holds several {word} ({names}); name one, such as {inner[0]}.")
        if inner:
            folder = inner[0]
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and is_scan(path) and "derivatives" not in path.relative_to(folder).parts
    )
    if not files:
        raise InputError(f"{folder} holds no NIfTI scan (.nii or .nii.gz); name the folder of one exam.")
    return _exam_of_files(files, folder)


def _exam_of_files(files: Sequence[Path], folder: Path) -> Exam:
    found = [entities(path.name) for path in files]
    subjects = sorted({names["sub"] for names in found if "sub" in names})
    sessions = sorted({names["ses"] for names in found if "ses" in names})
    for word, values in (("subjects", subjects), ("sessions", sessions)):
        if len(values) > 1:
            raise InputError(f"The scans belong to several {word} ({', '.join(values)}); give one exam at a time.")
    subject = subjects[0] if subjects else re.sub(r"[^a-zA-Z0-9]", "", folder.resolve().name) or "unknown"
    return Exam(subject, sessions[0] if sessions else "", tuple(_exam_file(path) for path in files))


def _exam_file(path: Path) -> ExamFile:
    contrast = contrast_from_name(path.name)
    if contrast is not Contrast.DWI:
        return ExamFile(path, contrast)
    found = find_gradients(path)
    if found.grad is not None and (found.bval is None or found.bvec is None):
        return ExamFile(path, contrast, grad=found.grad)
    return ExamFile(path, contrast, found.bval, found.bvec)

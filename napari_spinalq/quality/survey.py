"""Looking through many results at once: which cord mask belongs to which scan, and what is flagged in each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.bids import entities, is_scan
from napari_spinalq.io.nifti import check_same_grid, load_mask, load_scan
from napari_spinalq.io.sidecar import Provenance, read_parameters, read_record
from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.case import NO_DISCS
from napari_spinalq.quality.flags import RULES, Flag, flags_of, suspicion
from napari_spinalq.reopen import saved_work
from napari_spinalq.results import ScanResult
from napari_spinalq.scan import Scan, Source

OWN_MASK = "_label-cord_mask.nii.gz"
"""How the cord masks of this tool end."""

_CORD_MASK = re.compile(
    r"^(?P<base>.+?)(?:_space-(?P<space>[a-zA-Z0-9]+))?"
    r"_(?:label-(?:cord|SC)_(?:mask|seg|dseg)|(?:seg|cord|sc)(?:-manual)?|seg-manual)$"
)
"""Name of a cord mask of this tool, of Spinal Cord Toolbox, or of BIDS derivatives, less its ending."""

COLUMNS = ("subject", "session", "scan", "check", "score", "unit", "threshold", "slices", "sentence", "suspicion")
NO_FLAG, NOT_READ = "none", "not_read"
"""What stands for the check of a scan without flags, and of a result that cannot be used."""

UNREADABLE_SUSPICION = 1.0
"""A result that cannot be used is looked at first."""


@dataclass(frozen=True)
class Target:
    """A cord mask to examine.

    Attributes
    ----------
    mask : Path
        The mask.
    image : Path, optional
        Its scan; None if it was not found.
    root : Path, optional
        The folder of derivatives that holds it, if this tool wrote it: grey matter, canal and discs come along.
    """

    mask: Path
    image: Path | None
    root: Path | None = None


@dataclass(frozen=True, eq=False)
class Examined:
    """What was found in one result.

    Attributes
    ----------
    subject, session, scan : str
        Which it is; the session may be empty.
    flags : tuple of Flag
        Most suspicious first.
    refusal : str
        What of the result could not be used, and why; empty if all could.
    sources : tuple of Source
        Image and mask.
    """

    subject: str
    session: str
    scan: str
    flags: tuple[Flag, ...] = ()
    refusal: str = ""
    sources: tuple[Source, ...] = ()

    @property
    def suspicion(self) -> float:
        """How much it deserves to be looked at first, 0..1."""
        return UNREADABLE_SUSPICION if self.refusal else suspicion(self.flags)


def find_targets(results: Sequence[Path], *, scans: Path | None = None, image: Path | None = None) -> list[Target]:
    """Find the cord masks to examine, and the scan of each.

    Parameters
    ----------
    results : sequence of Path
        Folders, in which every file with the name of a cord mask counts, or the masks themselves.
    scans : Path, optional
        Folder in which the scans are looked for. By default they are looked for beside each mask, in the folders
        given, and above a folder called ``derivatives``.
    image : Path, optional
        The scan of a single mask.

    Raises
    ------
    InputError
        If a path does not exist, a folder holds no cord mask, or a mask that was named has no scan.
    """
    for path in (*results, *(one for one in (scans, image) if one is not None)):
        if not path.exists():
            raise InputError(f"There is no file or folder {path}; check the path.")
    if image is not None:
        if len(results) != 1 or results[0].is_dir():
            raise InputError("--image names the scan of one mask; give that mask alone, or leave --image out.")
        return [Target(results[0], image)]
    found = [target for path in results for target in _targets_at(path, scans)]
    return list({target.mask.resolve(): target for target in found}.values())


def _targets_at(path: Path, scans: Path | None) -> list[Target]:
    if not path.is_dir():
        target = _target(path, _Scans([scans] if scans else [path.parent]))
        if target.image is None:
            raise InputError(f"The scan of {path} was not found; name it with --image or its folder with --scans.")
        return [target]
    masks = sorted(file for file in path.rglob("*.nii*") if file.is_file() and _CORD_MASK.match(_stem(file)))
    if not masks:
        raise InputError(f"{path} holds no cord mask (such as sub-01_space-T2w{OWN_MASK}); name a folder of results.")
    places = [scans] if scans else [path, *_dataset_of(path)]
    known = _Scans(places)
    return [_target(mask, known) for mask in masks]


def _dataset_of(folder: Path) -> list[Path]:
    """Return the folder above ``derivatives``, where BIDS keeps the scans."""
    return [parent.parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.name == "derivatives"]


class _Scans:
    """The scans under some folders, by the name without ending."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._files: dict[str, list[Path]] = {}
        for path in sorted({file.resolve() for folder in folders for file in folder.rglob("*.nii*")}):
            if is_scan(path):
                self._files.setdefault(_stem(path), []).append(path)

    def of_mask(self, mask: Path) -> Path | None:
        """Return the scan of a mask: by its name, of several of that name the one in the mask's record or beside it."""
        candidates = self._files.get(_scan_name(mask), [])
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        beside = [path for path in candidates if path.parent == mask.resolve().parent]
        if beside:
            return beside[0]
        record = read_record(mask)
        return next((path for path in candidates if record and _sha256(path) == record.source_sha256), None)


def _sha256(path: Path) -> str:
    source = load_scan(path).source
    return source.sha256 if source else ""


def _target(mask: Path, known: _Scans) -> Target:
    return Target(mask, known.of_mask(mask), _root_of(mask) if mask.name.endswith(OWN_MASK) else None)


def _root_of(mask: Path) -> Path | None:
    """Return the root of the derivatives that hold a mask, ``root/sub-01[/ses-1]/anat/mask``; None elsewhere."""
    if mask.parent.name != "anat":
        return None
    folder = mask.parent.parent
    folder = folder.parent if folder.name.startswith("ses-") else folder
    return folder.parent if folder.name.startswith("sub-") else None


def _scan_name(mask: Path) -> str:
    """Return the name of the scan that a mask belongs to.

    Examples
    --------
    >>> _scan_name(Path("sub-01_acq-ax_space-T2star_label-cord_mask.nii.gz")), _scan_name(Path("t2_seg.nii.gz"))
    ('sub-01_acq-ax_T2star', 't2')
    """
    match = _CORD_MASK.match(_stem(mask))
    if match is None:
        return ""
    return f"{match['base']}_{match['space']}" if match["space"] else match["base"]


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def examine(targets: Sequence[Target], progress: Progress = silent) -> list[Examined]:
    """Measure and check every target, most suspicious first.

    A result that cannot be used, such as one made on another state of its scan, does not stop the others: it is told
    with the reason. A mask that was named by itself and cannot be used is refused.

    Raises
    ------
    InputError
        If the only target cannot be used.
    """
    found = []
    for number, target in enumerate(targets):
        progress(number / len(targets), target.mask.name)
        try:
            found.append(_examined(target))
        except InputError as error:
            if len(targets) == 1:
                raise
            found.append(Examined(*_identity(target), refusal=str(error)))
    progress(1.0, "checked")
    return sorted(found, key=lambda one: -one.suspicion)


def _examined(target: Target) -> Examined:
    if target.image is None:
        raise InputError(f"The scan of {target.mask} was not found; name the folder of the scans with --scans.")
    scan, mask = load_scan(target.image), load_mask(target.mask)
    if target.root is None:
        result, refusal = _measured_pair(scan, mask, target.mask), ""
    else:
        subject, session, _ = _identity(target)
        exam = Exam(subject, session, (ExamFile(target.image, scan.contrast),))
        result, refusal = _measured_own(scan, exam, target.root)
    sources = tuple(one for one in (scan.source, mask.source) if one is not None)
    return Examined(*_identity(target), flags_of(result), refusal, sources)


def _measured_own(scan: Scan, exam: Exam, root: Path) -> tuple[ScanResult, str]:
    """Measure what this tool saved for a scan, and tell what of it could not be used, such as its discs."""
    saved = saved_work(scan, exam, root)
    refusal = " ".join(saved.refusals) if saved else f"{scan.name} has no results in {root}; look for them elsewhere."
    if saved is None or saved.mask is None:
        raise InputError(refusal)
    named = saved.labelling or NO_DISCS
    result = measure_scan(scan, saved.mask, named, parameters=saved.parameters, flags=saved.flags, drawn=saved.drawn)
    return result, refusal


def _measured_pair(scan: Scan, mask: Scan, path: Path) -> ScanResult:
    """Measure a cord mask of any origin on its scan."""
    check_same_grid(mask.grid, scan.grid, str(path))
    return measure_scan(scan, mask.data, NO_DISCS, parameters=read_parameters(path))


def _identity(target: Target) -> tuple[str, str, str]:
    """Return subject, session and scan by the names of the files."""
    name = _scan_name(target.mask) or _stem(target.image or target.mask)
    found = {**_folders(target.mask), **entities(name)}
    return found.get("sub", ""), found.get("ses", ""), name


def _folders(path: Path) -> dict[str, str]:
    """Return the subject and session that the folders of a file name."""
    parts = [part.partition("-") for part in path.resolve().parts if part.startswith(("sub-", "ses-"))]
    return {kind: label for kind, _, label in parts}


def flags_table(examined: Sequence[Examined]) -> pd.DataFrame:
    """Return the tidy table of all flags: one row a flag, the most suspicious scan first.

    A scan without flags has one row with the check ``none``; what could not be used has one with ``not_read``.
    """
    rows = [row for one in sorted(examined, key=lambda one: -one.suspicion) for row in _rows(one)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(one: Examined) -> list[tuple]:
    identity, urgency = (one.subject, one.session, one.scan), round(one.suspicion, 3)
    rows: list[tuple] = [
        (
            *identity,
            flag.check.value,
            round(flag.score, 3),
            RULES[flag.check].unit,
            flag.threshold,
            slice_ranges(flag.slices),
            flag.sentence,
            urgency,
        )
        for flag in one.flags
    ]
    if one.refusal:
        rows.insert(0, (*identity, NOT_READ, None, "", None, "", one.refusal, urgency))
    return rows or [(*identity, NO_FLAG, None, "", None, "", "nothing flagged", urgency)]


def provenance_of(examined: Sequence[Examined]) -> Provenance:
    """Return what the sidecar of the table says: which files were read, and every threshold."""
    thresholds = {check.value: {"threshold": rule.threshold, "unit": rule.unit} for check, rule in RULES.items()}
    sources = [source for one in examined for source in one.sources]
    refusals = [f"{one.scan}: {one.refusal}" for one in examined if one.refusal]
    return Provenance("Automatic flags, most suspicious scan first", sources, {"thresholds": thresholds}, refusals)

"""Which cord masks there are in some folders, and which scan each belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_spinalq.derivatives import scan_paths
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.io.bids import entities, is_scan
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.sidecar import read_record

_CORD_MASK = re.compile(
    r"^(?P<base>.+?)(?:_space-(?P<space>[a-zA-Z0-9]+))?"
    r"_(?:label-(?:cord|SC)_(?:mask|seg|dseg)|(?:seg|cord|sc)(?:-manual)?|seg-manual)$"
)
"""Name of a cord mask of this tool, of Spinal Cord Toolbox, or of BIDS derivatives, less its ending."""


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

    @property
    def identity(self) -> tuple[str, str, str]:
        """Subject, session and scan by the names of files and folders; the first two may be empty."""
        name = _scan_name(self.mask) or _stem(self.image or self.mask)
        found = {**_folders(self.mask), **entities(name)}
        return found.get("sub", ""), found.get("ses", ""), name


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
        raise InputError(
            f"{path} holds no cord mask (such as sub-01_space-T2w_label-cord_mask.nii.gz); name a folder of results."
        )
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
    found = Target(mask, known.of_mask(mask))
    return replace(found, root=_own_root(found))


def _own_root(target: Target) -> Path | None:
    """Return the root of the derivatives in which this tool wrote a mask; None for one of another name or place."""
    depth = 3 if target.mask.parent.parent.name.startswith("ses-") else 2
    if target.image is None or len(target.mask.parents) <= depth:
        return None
    root, (subject, session, _) = target.mask.parents[depth], target.identity
    own = scan_paths(target.image.name, Exam(subject, session, ()), root).mask
    return root if own == target.mask else None


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


def _folders(path: Path) -> dict[str, str]:
    """Return the subject and session that the folders of a file name."""
    parts = [part.partition("-") for part in path.resolve().parts if part.startswith(("sub-", "ses-"))]
    return {kind: label for kind, _, label in parts}

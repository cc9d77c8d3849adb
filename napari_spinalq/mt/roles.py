"""Which images of an exam are those with and without the MT pulse, and the T1-weighted one of the same protocol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from napari_spinalq.contrast import Contrast, contrast_from_name
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.bids import entities, stem


class MtRole(StrEnum):
    """What an image is for in magnetisation transfer."""

    ON = "on"
    OFF = "off"
    T1W = "t1w"


_WORDS = (
    (MtRole.T1W, r"mts?[_.-]?t1w?|t1w?[_.-]mts?|acq-t1w?(?=_(?:.*_)?mts$)"),
    (MtRole.ON, r"mt[_.-]?(?:on|1)"),
    (MtRole.OFF, r"mt[_.-]?(?:off|0)"),
)
"""How files are called, searched in this order between separators (and after ``acq-``, as older BIDS sets do)."""

_FIRST_FLIP = "1"
"""The index that BIDS gives the smaller flip angle of an MTS set, that of the images with and without the pulse."""


@dataclass(frozen=True)
class MtFiles:
    """The images of one MT acquisition.

    Attributes
    ----------
    on, off : ExamFile
        With and without the MT pulse.
    t1w : ExamFile, optional
        With a larger flip angle, without the pulse: needed for MTsat.
    """

    on: ExamFile
    off: ExamFile
    t1w: ExamFile | None = None


def mt_role(name: str) -> MtRole | None:
    """Tell from its name what an image is for in magnetisation transfer; None if it is no MT image, or unclear.

    Examples
    --------
    >>> mt_role("sub-01_flip-1_mt-on_MTS.nii.gz"), mt_role("mt0.nii.gz"), mt_role("sub-01_acq-T1w_MTS.nii.gz")
    (<MtRole.ON: 'on'>, <MtRole.OFF: 'off'>, <MtRole.T1W: 't1w'>)
    """
    if contrast_from_name(name) is not Contrast.MT:
        return None
    tags = entities(name)
    if tags.get("mt") == "off" and tags.get("flip", _FIRST_FLIP) != _FIRST_FLIP:
        return MtRole.T1W
    return next((role for role, words in _WORDS if re.search(_between(words), stem(name).lower())), None)


def find_mt_pair(exam: Exam) -> MtFiles | None:
    """Find the images with and without the MT pulse, and the T1-weighted one that goes with them.

    Parameters
    ----------
    exam : Exam
        Its scans; names as in BIDS (``flip-1_mt-on_MTS``, ``mt-off_MTS``, ``acq-T1w_MTS``) or loose (``mt1``, ``mt0``).

    Returns
    -------
    MtFiles or None
        None where the exam has no image with the pulse, or none without it.

    Raises
    ------
    InputError
        If several images could be the same one; the message names them.
    """
    roles = {file.name: role for file in exam.of_contrast(Contrast.MT) if (role := mt_role(file.path.name))}
    files = [file for file in exam.files if file.name in roles]
    groups: dict[str, list[ExamFile]] = {}
    for file in files:
        groups.setdefault(_rest(file.name), []).append(file)
    complete = [group for group in groups.values() if {MtRole.ON, MtRole.OFF} <= {roles[file.name] for file in group}]
    if len(complete) > 1:
        _refuse("MT acquisitions", [file for group in complete for file in group])
    chosen = complete[0] if complete else files
    on, off = (_only([file for file in chosen if roles[file.name] is role], role) for role in (MtRole.ON, MtRole.OFF))
    if on is None or off is None:
        return None
    beside = [file for file in chosen if roles[file.name] is MtRole.T1W]
    return MtFiles(on, off, _only(beside or [file for file in files if roles[file.name] is MtRole.T1W], MtRole.T1W))


def _between(words: str) -> str:
    return rf"(?:^|[^a-z0-9])(?:{words})(?=$|[^a-z0-9])"


def _rest(name: str) -> str:
    """Return what of a name does not tell the role: images of one acquisition share it."""
    rest = stem(name).lower()
    for _, words in _WORDS:
        rest = re.sub(_between(words), "_", rest)
    rest = re.sub(r"(?:^|_)(?:flip-[0-9]+|acq-?)(?=_|$)", "", rest)
    return "_".join(part for part in rest.split("_") if part)


def _only(files: Sequence[ExamFile], role: MtRole) -> ExamFile | None:
    if len(files) > 1:
        titles = {MtRole.ON: "with the MT pulse", MtRole.OFF: "without it", MtRole.T1W: "T1-weighted for MTsat"}
        _refuse(f"images {titles[role]}", files)
    return files[0] if files else None


def _refuse(what: str, files: Sequence[ExamFile]) -> None:
    names = ", ".join(file.path.name for file in files)
    raise InputError(f"The exam holds several {what} ({names}); name the files to use, or move the others away.")

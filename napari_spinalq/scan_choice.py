"""Which scans of an exam are segmented and measured, in which order, and why others are not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.bids import stem
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.reverse_phase import REVERSED, reversed_series
from napari_spinalq.mt.roles import MtRole, mt_role
from napari_spinalq.scan import Scan

DISC_CONTRASTS = (Contrast.T2W, Contrast.T1W)
"""Contrasts on which discs are looked for, the better one first."""

REASONS_TO_SKIP: Mapping[MtRole | None, str] = {
    MtRole.OFF: "without the MT pulse cord and CSF look alike; the scan with the pulse is measured",
    MtRole.T1W: "part of the MT protocol that serves MTsat and T1; the scan with the pulse is measured",
}
"""Images of an MT protocol that are not segmented by themselves."""


def usable_scans(exam: Exam, with_maps: bool) -> tuple[list[Scan], list[tuple[str, str]]]:
    """Read the scans of an exam that are segmented and measured by themselves.

    Parameters
    ----------
    exam : Exam
        Its files.
    with_maps : bool
        Whether diffusion series are measured elsewhere: then they are left out without a word.

    Returns
    -------
    scans, skipped
        The scans, the one to carry the discs first; and the names of the others with the reason.
    """
    scans, skipped = [], []
    for file in exam.files:
        if with_maps and file.contrast is Contrast.DWI:
            continue
        reason = ""
        try:
            reason = _reason_to_skip(file, exam)
            if not reason:
                scans.append(load_scan(file.path, file.contrast))
        except InputError as error:
            reason = str(error).rstrip(".")
        if reason:
            skipped.append((file.name, reason))
    return _ordered(scans), skipped


def _reason_to_skip(file: ExamFile, exam: Exam) -> str:
    series = reversed_series(file, exam)
    if series is not None:
        return REVERSED.format(stem(series.name))
    if file.contrast is Contrast.DWI:
        return "a diffusion series, and no maps were asked for"
    if file.contrast is Contrast.MT:
        return REASONS_TO_SKIP.get(mt_role(file.path.name), "")
    return ""


def _ordered(scans: list[Scan]) -> list[Scan]:
    """Put the scan that shall carry the discs first: best contrast, then longest extent along the spine."""

    def merit(scan: Scan) -> tuple[int, float]:
        rank = DISC_CONTRASTS.index(scan.contrast) if scan.contrast in DISC_CONTRASTS else len(DISC_CONTRASTS)
        return rank, -float(np.ptp(scan.grid.corners_mm()[:, 2]))

    return sorted(scans, key=merit)

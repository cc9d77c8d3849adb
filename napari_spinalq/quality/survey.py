"""Looking through many results at once: what is flagged in each, as a table with the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.nifti import check_same_grid, load_mask, load_scan
from napari_spinalq.io.sidecar import Provenance, read_parameters
from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.case import NO_DISCS
from napari_spinalq.quality.flags import RULES, Flag, flags_of, suspicion
from napari_spinalq.quality.targets import Target
from napari_spinalq.reopen import saved_work
from napari_spinalq.results import ScanResult
from napari_spinalq.scan import Scan, Source

COLUMNS = ("subject", "session", "scan", "check", "score", "unit", "threshold", "slices", "sentence", "suspicion")
NO_FLAG, NOT_READ = "none", "not_read"
"""What stands for the check of a scan without flags, and of a result that cannot be used."""

UNREADABLE_SUSPICION = 1.0
"""A result that cannot be used is looked at first."""


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
            found.append(Examined(*target.identity, refusal=str(error)))
    progress(1.0, "checked")
    return sorted(found, key=lambda one: -one.suspicion)


def _examined(target: Target) -> Examined:
    if target.image is None:
        raise InputError(f"The scan of {target.mask} was not found; name the folder of the scans with --scans.")
    scan, mask = load_scan(target.image), load_mask(target.mask)
    if target.root is None:
        result, refusal = _measured_pair(scan, mask, target.mask), ""
    else:
        subject, session, _ = target.identity
        exam = Exam(subject, session, (ExamFile(target.image, scan.contrast),))
        result, refusal = _measured_own(scan, exam, target.root)
    sources = tuple(one for one in (scan.source, mask.source) if one is not None)
    return Examined(*target.identity, flags_of(result), refusal, sources)


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

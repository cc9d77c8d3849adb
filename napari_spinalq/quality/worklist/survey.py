"""Looking through many results at once: what is flagged in each, as a table with the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_spinalq.errors import InputError
from napari_spinalq.io.sidecar import Provenance
from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.flags import RULES, Flag, suspicion
from napari_spinalq.quality.worklist.cases import ListedCase, Unpaired, find_case, find_cases, no_cord_mask
from napari_spinalq.quality.worklist.measured import measure_case
from napari_spinalq.quality.worklist.naming import CORD, stem_of
from napari_spinalq.scan import Source

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


def find_results(
    results: Sequence[Path], *, scans: Path | None = None, image: Path | None = None
) -> list[ListedCase | Unpaired]:
    """Find the cord masks to examine, each once, and the scan of each.

    Parameters
    ----------
    results : sequence of Path
        Folders, as for :func:`~napari_spinalq.quality.worklist.find_cases`, or the masks themselves.
    scans : Path, optional
        Folder of the scans. By default they are looked for beside each mask, in the folders given, and in the dataset
        above ``derivatives``.
    image : Path, optional
        The scan of a single mask, which may then have any name.

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
        return [ListedCase(stem_of(image), image, results[0])]
    found = [one for path in results for one in _results_at(path, scans)]
    return list({one.mask.resolve(): one for one in found}.values())


def _results_at(path: Path, scans: Path | None) -> list[ListedCase | Unpaired]:
    try:
        found = find_cases(path, scans) if path.is_dir() else find_case(path, scans)
    except InputError as error:
        if path.is_dir():
            raise
        raise InputError(f"{error} Name its scan with --image, or the folder of the scans with --scans.") from None
    if not found.cases and not any(one.kind == CORD for one in found.unpaired):
        raise no_cord_mask(path)
    return [*found.cases, *found.unpaired]


def examine(results: Sequence[ListedCase | Unpaired], progress: Progress = silent) -> list[Examined]:
    """Measure and check every result, most suspicious first.

    A result that cannot be used, such as one made on another state of its scan, does not stop the others: it is told
    with the reason. A single one that cannot be used is refused.

    Raises
    ------
    InputError
        If the only result cannot be used.
    """
    found = []
    for number, one in enumerate(results):
        progress(number / len(results), one.mask.name)
        try:
            found.append(_examined(one))
        except InputError as error:
            if len(results) == 1:
                raise
            found.append(Examined(*one.identity, refusal=str(error)))
    progress(1.0, "checked")
    return sorted(found, key=lambda one: -one.suspicion)


def _examined(one: ListedCase | Unpaired) -> Examined:
    if isinstance(one, Unpaired):
        raise InputError(one.reason)
    found = measure_case(one)
    return Examined(*one.identity, found.summary.flags, " ".join(found.remarks), found.sources)


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

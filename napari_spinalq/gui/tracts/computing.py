"""The work of the page, done in a thread: from what is on the table to maps that can be drawn. No Qt is known here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.exam import Exam
from napari_spinalq.geometry import Grid
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.tracts.acquisitions import Acquisition
from napari_spinalq.gui.tracts.inputs import DRAWN_FROM, Inputs, inputs_of
from napari_spinalq.gui.tracts.shown import ShownMaps, show_over
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress, portion
from napari_spinalq.results import DrawnStructure, ScanResult
from napari_spinalq.scan import Scan

MEASURED, COMPUTED = 0.05, 0.97
"""Shares of the work that are done when the anatomical scans are measured, and when values are known."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One scan with its masks as they were when the work began, for a thread that must not see them change."""

    scan: Scan
    mask: NDArray
    structures: tuple[DrawnStructure, ...]
    parameters: dict[str, Any]
    flags: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Job:
    """All that is needed to compute the maps of one acquisition.

    Attributes
    ----------
    acquisition : Acquisition
        What is computed.
    exam : Exam
        It belongs to it.
    drawn : tuple of Drawn
        Scans with a cord.
    labelling : Labelling
        Discs of the exam.
    atlas : str or Path
        ``"builtin"``, or a folder.
    method : str
        Key of the extraction.
    like : Grid
        Of the scan at hand.
    inputs : Inputs
        What all this rests on.
    """

    acquisition: Acquisition
    exam: Exam
    drawn: tuple[Drawn, ...]
    labelling: Labelling
    atlas: str | Path
    method: str
    like: Grid
    inputs: Inputs


def job_of(session: Session, acquisition: Acquisition, atlas: str | Path, method: str) -> Job:
    """Return what is computed from the session as it is now; masks are copied."""
    drawn = tuple(
        Drawn(work.scan, np.array(work.mask_on_file_grid()), work.drawn_structures(), work.record(), work.flags)
        for work in session.first_reads
        if work.mask is not None
    )
    like = session.current.scan.grid
    return Job(acquisition, session.exam, drawn, session.labelling, atlas, method, like, inputs_of(session))


def compute(job: Job, progress: Progress) -> ShownMaps:
    """Compute the maps of an acquisition and their values, and make them ready to be drawn.

    Raises
    ------
    InputError
        If the acquisition, the atlas or the masks cannot be used.
    """
    # Imported here: it brings dipy along, which would hold up the opening of every window by half a second.
    from napari_spinalq.gui.tracts.microstructure import check_of, result_of

    progress(0.0, "measuring the masks")
    scans = [_measured(one, job.labelling) for one in job.drawn]
    result = result_of(job, scans, portion(progress, MEASURED, COMPUTED))
    result = replace(result, parameters={**result.parameters, DRAWN_FROM: job.inputs.record()})
    progress(COMPUTED, "outlining tracts")
    return show_over(result, job.like, check_of(result))


def _measured(one: Drawn, labelling: Labelling) -> ScanResult:
    return measure_scan(one.scan, one.mask, labelling, parameters=one.parameters, flags=one.flags, drawn=one.structures)

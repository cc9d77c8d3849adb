"""The demonstration: the main job on the sample exams, and how far its numbers lie from their known truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_spinalq.derivatives import check_free, write_exams
from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.samples import sample_folder, sample_subjects
from napari_spinalq.levels.discs import Disc
from napari_spinalq.metrics.catalogue import STRUCTURE_TITLES
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.pipeline import Guidance, analyze_exam
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import ExamResult, ScanResult
from napari_spinalq.vertebrae import disc_number, level_name

CLICKED = "C2-C3"
"""The one disc that a reader would click to confirm the names."""

COMPARED_TRACTS = (
    ("Lateral CST", ("lateral_cst_left", "lateral_cst_right"), "lateral_cst_left"),
    ("Dorsal columns", ("dorsal_columns",), "dorsal_column_left"),
    ("Grey matter", ("grey_matter",), "grey_matter"),
)
"""Title, structures of the atlas and tract of the truth; both sides of the sample persons are alike."""

TRACT_METRICS = (("fa", "FA", "fa", 3), ("md", "MD 10⁻³ mm²/s", "md_1e-3mm2_s", 2), ("mtr", "MTR %", "mtr_percent", 1))
"""Metric, heading, column of the truth, decimals."""

COMPARED_LEVELS = ("C2", "C3", "C4", "C5", "C6", "C7")
"""Levels that lie wholly inside every sample scan that shows them in full."""

PHYSICAL_EDGE_MM = 0.0
"""The sample exams have a true edge, so the outline is drawn at the half-maximum edge, not where readers draw it."""


@dataclass(frozen=True)
class AreaTable:
    """Measured beside known values of a subject, as text."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class DemoOutcome:
    """What the demonstration gave.

    Attributes
    ----------
    exams : tuple of ExamResult
        One for each sample subject.
    area_tables : tuple of AreaTable
        One for each sample subject: the cord area of every scan beside the known one.
    tract_tables : tuple of AreaTable
        One for each sample subject: FA, MD and MTR of some tracts beside the known ones.
    against_truth : tuple of str
        Distance from the known areas: one line per scan for the cord, and one for grey and white matter and the canal.
    written : list of Path
        Files written.
    """

    exams: tuple[ExamResult, ...]
    area_tables: tuple[AreaTable, ...]
    tract_tables: tuple[AreaTable, ...]
    against_truth: tuple[str, ...]
    written: list[Path]


def run_demo(output: Path, *, overwrite: bool = False, progress: Progress = silent) -> DemoOutcome:
    """Analyse the sample exams, with one clicked disc each, and write everything under ``output``.

    Raises
    ------
    InputError
        If the sample exams are missing, or ``output`` holds results already and may not be replaced.
    """
    subjects = sample_subjects()
    exams = [find_exam([subject]) for subject in subjects]
    check_free(exams, output, overwrite=overwrite)
    results = []
    for index, exam in enumerate(exams):
        step = portion(progress, index / len(exams), (index + 1) / len(exams))
        guidance = Guidance(discs=(_reader_click(exam.subject),), edge_offset_mm=PHYSICAL_EDGE_MM)
        results.append(analyze_exam(exam, guidance=guidance, progress=step))
    written = write_exams(results, output, overwrite=overwrite)
    tables = tuple(_area_table(result) for result in results)
    tracts = tuple(_tract_table(result) for result in results)
    return DemoOutcome(tuple(results), tables, tracts, tuple(_compare(results)), written)


def true_areas(subject: str, structure: str = "cord") -> pd.Series:
    """Return the closed-form area of each level of a sample subject, mm2, by level name.

    Parameters
    ----------
    subject : str
        Label of the subject.
    structure : str
        ``"cord"``, ``"gm"``, ``"wm"`` or ``"canal"``; white matter is the cord less its grey matter.
    """
    table = pd.read_csv(_truth(subject, "areas.tsv"), sep="\t").set_index("level")
    if structure == "wm":
        return table["cord_area_mm2"] - table["gm_area_mm2"]
    return table[f"{structure}_area_mm2"]


def true_tracts(subject: str) -> pd.DataFrame:
    """Return what perfect maps would show in each tract of a sample subject, a row a tract."""
    return pd.read_csv(_truth(subject, "tracts.tsv"), sep="\t").set_index("tract")


def _reader_click(subject: str) -> Disc:
    discs = pd.read_csv(_truth(subject, "discs.tsv"), sep="\t").set_index("disc")
    place = discs.loc[CLICKED, ["x_mm", "y_mm", "z_mm"]].to_numpy(dtype=float)
    return Disc(disc_number(CLICKED), tuple(place.tolist()))


def _truth(subject: str, what: str) -> Path:
    path = sample_folder() / "derivatives" / "truth" / f"sub-{subject}" / "anat" / f"sub-{subject}_{what}"
    if not path.is_file():
        raise InputError(f"The truth of the sample exam is missing ({path}); install the package again.")
    return path


def _compare(results: Sequence[ExamResult]) -> list[str]:
    lines = ["Against the known truth (cord area, levels C2 to C7, physical edge):"]
    for result in results:
        known = true_areas(result.exam.subject)
        lines += [_comparison(result.exam.subject, scan, known) for scan in result.scans]
    lines.append("The same for grey matter (GM), white matter (WM) and canal, mean error (bias):")
    for result in results:
        lines += [_structures_compared(result.exam.subject, scan) for scan in result.scans]
    return lines


def _area_table(result: ExamResult) -> AreaTable:
    known = true_areas(result.exam.subject)
    scans = pd.DataFrame({scan.scan.contrast.label: _areas(scan) for scan in result.scans})
    levels = [name for name in known.index if name in scans.index]
    rows = tuple((name, f"{known[name]:.1f}", *(_text(value) for value in scans.loc[name])) for name in levels)
    return AreaTable(
        f"sub-{result.exam.subject}: cord area (mm²) in every scan", ("Level", "Known", *scans.columns), rows
    )


def _tract_table(result: ExamResult) -> AreaTable:
    """Return FA, MD and MTR of some tracts, mean over levels and sides, each beside the known value."""
    known, subject = true_tracts(result.exam.subject), result.exam.subject
    found = [value for one in result.maps for value in one.values if np.isfinite(value.value)]
    rows = []
    for title, structures, truth in COMPARED_TRACTS:
        cells = []
        for metric, _, column, decimals in TRACT_METRICS:
            values = [one.value for one in found if one.structure in structures and one.metric == metric]
            mean = f"{float(np.mean(values)):.{decimals}f}" if values else ""
            cells += [mean, f"{known[column].astype(float)[truth]:.{decimals}f}"]
        rows.append((title, *cells))
    headings = [words for _, heading, *_ in TRACT_METRICS for words in (heading, "known")]
    return AreaTable(f"sub-{subject}: tracts, mean over levels and sides", ("Tract", *headings), tuple(rows))


def _areas(scan: ScanResult) -> pd.Series:
    return _area_per_level(scan.level_shapes)


def _area_per_level(shapes: LevelShapes) -> pd.Series:
    return pd.Series(shapes.mean["area_mm2"], index=[level_name(int(level)) for level in shapes.level])


def _text(area_mm2: float) -> str:
    return f"{area_mm2:.1f}" if np.isfinite(area_mm2) else ""


def _errors(measured: pd.Series, known: pd.Series) -> pd.Series:
    """Return how far each compared level is from its known area, percent."""
    shared = [name for name in COMPARED_LEVELS if name in measured.index]
    return 100 * (measured[shared] / known[shared] - 1)


def _comparison(subject: str, scan: ScanResult, known: pd.Series) -> str:
    error = _errors(_areas(scan), known)
    worst = str(error.abs().idxmax())
    return (
        f"  sub-{subject} {scan.scan.contrast.label:<5} mean error {error.abs().mean():.1f} %, "
        f"bias {error.mean():+.1f} %, worst {error[worst]:+.1f} % at {worst}"
    )


def _structures_compared(subject: str, scan: ScanResult) -> str:
    parts = []
    for one in scan.structures:
        title = STRUCTURE_TITLES[one.name]
        if one.level_shapes is None:
            parts.append(f"{title} not measured")
            continue
        error = _errors(_area_per_level(one.level_shapes), true_areas(subject, one.name))
        parts.append(f"{title} {error.abs().mean():.1f} % ({error.mean():+.1f} %)")
    return f"  sub-{subject} {scan.scan.contrast.label:<5} {', '.join(parts)}"

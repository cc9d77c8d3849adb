"""Which file is called what, and whether its place is free."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.derivatives.map_paths import maps_of_exam
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.io.atomic import refuse_overwrite
from napari_spinalq.io.bids import derived_name
from napari_spinalq.io.sidecar import TOOL, sidecar_path

METRICS_NAME, REPORT_NAME, DESCRIPTION_NAME = "metrics.tsv", "report.html", "dataset_description.json"


@dataclass(frozen=True)
class ScanPaths:
    """Where the results of one scan lie: masks of cord, grey matter and canal, level map and discs."""

    mask: Path
    gm: Path
    canal: Path
    levels: Path
    discs: Path

    def structure(self, name: str) -> Path:
        """Return the mask of ``"gm"`` or ``"canal"``."""
        return {"gm": self.gm, "canal": self.canal}[name]

    def with_sidecars(self) -> tuple[Path, ...]:
        """Return these files and the JSON file of each."""
        files = (self.mask, self.gm, self.canal, self.levels, self.discs)
        return tuple(path for file in files for path in (file, sidecar_path(file)))


def scan_paths(scan_name: str, exam: Exam, folder: Path) -> ScanPaths:
    """Name the results of a scan (BIDS derivatives).

    Examples
    --------
    >>> scan_paths("sub-01_T2w", Exam("01", "", ()), Path("out")).mask.as_posix()
    'out/sub-01/anat/sub-01_space-T2w_label-cord_mask.nii.gz'
    """
    session = [f"ses-{exam.session}"] if exam.session else []
    place = folder.joinpath(f"sub-{exam.subject}", *session, "anat")
    return ScanPaths(
        place / derived_name(scan_name, "label-cord_mask", ".nii.gz"),
        place / derived_name(scan_name, "label-GM_mask", ".nii.gz"),
        place / derived_name(scan_name, "label-canal_mask", ".nii.gz"),
        place / derived_name(scan_name, "label-levels_dseg", ".nii.gz"),
        place / derived_name(scan_name, "discs", ".tsv"),
    )


def discs_path(levels: Path) -> Path:
    """Name the disc table that belongs to a level map.

    Examples
    --------
    >>> discs_path(Path("t2_levels.nii.gz")).name
    't2_levels_discs.tsv'
    """
    return levels.with_name(levels.name.removesuffix(".gz").removesuffix(".nii") + "_discs.tsv")


@dataclass(frozen=True)
class SummaryPaths:
    """Where the table and the report of a run lie."""

    metrics: Path
    report: Path


def summary_paths(exams: Sequence[Exam], folder: Path, *, shared: bool) -> SummaryPaths:
    """Name the table and the report of a run.

    Parameters
    ----------
    exams : sequence of Exam
        What the run measured.
    folder : Path
        Where it writes.
    shared : bool
        Whether the folder holds results of other exams too: then a single exam has its table and report in its own
        folder, so that no exam takes the place of another.

    Examples
    --------
    >>> summary_paths([Exam("01", "2", ())], Path("out"), shared=True).metrics.as_posix()
    'out/sub-01/ses-2/sub-01_ses-2_metrics.tsv'
    >>> summary_paths([Exam("01", "2", ())], Path("out"), shared=False).metrics.as_posix()
    'out/metrics.tsv'
    """
    if not shared or len(exams) != 1:
        return SummaryPaths(folder / METRICS_NAME, folder / REPORT_NAME)
    place, stem = _place_of(exams[0], folder)
    return SummaryPaths(place / f"{stem}_{METRICS_NAME}", place / f"{stem}_{REPORT_NAME}")


def journal_path(exam: Exam, folder: Path) -> Path:
    """Name the journal of the edits of an exam.

    Examples
    --------
    >>> journal_path(Exam("01", "2", ()), Path("out")).as_posix()
    'out/sub-01/ses-2/sub-01_ses-2.edits.jsonl'
    """
    place, stem = _place_of(exam, folder)
    return place / f"{stem}.edits.jsonl"


def _place_of(exam: Exam, folder: Path) -> tuple[Path, str]:
    """Return the folder of an exam among others, and how names of its files begin."""
    parts = [f"sub-{exam.subject}", *([f"ses-{exam.session}"] if exam.session else [])]
    return folder.joinpath(*parts), "_".join(parts)


def check_free(exams: Sequence[Exam], folder: Path, *, overwrite: bool, shared: bool = False) -> None:
    """Refuse, before the work begins, outputs that would take the place of a file or of each other.

    Raises
    ------
    InputError
        If the folder is a file or the dataset of something else, holds results of the same exams that may not be
        replaced, or two scans would give results of the same name.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the results.")
    _refuse_same_names(exams, folder)
    _refuse_other_dataset(folder)
    refuse_overwrite(output_paths(exams, folder, shared=shared), overwrite=overwrite)


def output_paths(exams: Sequence[Exam], folder: Path, *, shared: bool = False) -> list[Path]:
    """Return every file that the results of some exams may take, but for the description of the dataset."""
    scans = [scan_paths(file.path.name, exam, folder) for exam in exams for file in exam.files]
    summary = summary_paths(exams, folder, shared=shared)
    singles = [summary.metrics, sidecar_path(summary.metrics), summary.report]
    maps = [one for exam in exams for one in maps_of_exam(exam, folder)]
    of_scans = [path for paths in scans for path in paths.with_sidecars()]
    return [*singles, *of_scans, *(path for paths in maps for path in paths.with_sidecars())]


def _refuse_same_names(exams: Sequence[Exam], folder: Path) -> None:
    owners: dict[Path, Path] = {}
    for exam in exams:
        for file in exam.files:
            other = owners.setdefault(scan_paths(file.path.name, exam, folder).mask, file.path)
            if other is not file.path:
                raise InputError(
                    f"The results of {other} and {file.path} would have the same name; rename one or leave it out."
                )


def _refuse_other_dataset(folder: Path) -> None:
    """Refuse to mix results into a dataset that is not ours, whose description would be lost."""
    path = folder / DESCRIPTION_NAME
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        ours = content["DatasetType"] == "derivative" and any(tool["Name"] == TOOL for tool in content["GeneratedBy"])
    except (ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise InputError(
            f"{folder} holds another dataset (see its {DESCRIPTION_NAME}); name another output folder, "
            f"such as {folder / 'derivatives' / 'spinalq'}."
        )

"""Which file is called what, and writing them: masks, level maps, discs, tables and the report of an exam."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq import __version__
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.atomic import as_utf8, refuse_overwrite, undone_on_failure, write_whole
from napari_spinalq.io.bids import derived_name, entities
from napari_spinalq.io.nifti import load_levels, load_mask
from napari_spinalq.io.save import save_mask, save_table
from napari_spinalq.io.sidecar import TOOL, Provenance, read_flags, sidecar_path
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.levels.spinal import SEGMENT_SCHEME, SEGMENTS_ESTIMATED, segment_map
from napari_spinalq.levels.tables import discs_to_table
from napari_spinalq.metrics.levels import LevelShapes, per_level
from napari_spinalq.metrics.sct_format import sct_level_table, sct_slice_table
from napari_spinalq.metrics.shape import SliceShapes, slice_shapes
from napari_spinalq.metrics.tidy import RowIdentity, level_table, slice_table
from napari_spinalq.pipeline import naming_flags
from napari_spinalq.report.page import report_page
from napari_spinalq.results import ExamResult, ScanResult
from napari_spinalq.scan import Scan, Source

METRICS_NAME, REPORT_NAME, DESCRIPTION_NAME = "metrics.tsv", "report.html", "dataset_description.json"
BIDS_VERSION = "1.9.0"
UNCONFIRMED_LEVELS = "levels unconfirmed"
"""What every row of a table says whose levels are a guess."""

UNKNOWN_LEVELS = "levels unknown"
"""What every row of a table says that has no levels at all."""

LEVELS_BESIDE = "the level map does not touch the mask: slices are named by what lies beside it"


@dataclass(frozen=True)
class ScanPaths:
    """Where the results of one scan lie."""

    mask: Path
    levels: Path
    discs: Path

    def with_sidecars(self) -> tuple[Path, ...]:
        """Return these files and the JSON file of each."""
        files = (self.mask, self.levels, self.discs)
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
    parts = [f"sub-{exams[0].subject}", *([f"ses-{exams[0].session}"] if exams[0].session else [])]
    place, stem = folder.joinpath(*parts), "_".join(parts)
    return SummaryPaths(place / f"{stem}_{METRICS_NAME}", place / f"{stem}_{REPORT_NAME}")


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
    return [*singles, *(path for paths in scans for path in paths.with_sidecars())]


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


def write_exams(
    results: Sequence[ExamResult], folder: Path, *, overwrite: bool = False, author: str = "", shared: bool = False
) -> list[Path]:
    """Write all results of one or more exams into a BIDS derivatives folder.

    Parameters
    ----------
    results : sequence of ExamResult
        What was measured.
    folder : Path
        Where to write.
    overwrite : bool
        Whether existing results may be replaced.
    author : str
        As in :class:`~napari_spinalq.io.sidecar.Provenance`.
    shared : bool
        As in :func:`summary_paths`.

    Returns
    -------
    list of Path
        The files a person looks at first (table, report), then masks, levels and discs.

    Raises
    ------
    InputError
        If one of them exists and may not be replaced; then nothing is written.
    """
    exams = [result.exam for result in results]
    check_free(exams, folder, overwrite=overwrite, shared=shared)
    description = folder / DESCRIPTION_NAME
    with undone_on_failure([*output_paths(exams, folder, shared=shared), description]):
        files = [
            path
            for result in results
            for scan in result.scans
            for path in write_scan(scan, result.exam, folder, overwrite=overwrite, author=author)
        ]
        summary = summary_paths(exams, folder, shared=shared)
        first = _write_summary(results, summary, overwrite=overwrite, author=author)
        write_whole(description, _description().encode(), overwrite=True)
    return first + files


def _write_summary(results: Sequence[ExamResult], paths: SummaryPaths, *, overwrite: bool, author: str) -> list[Path]:
    """Write the table and the report of all exams."""
    table = pd.concat([metrics_table(result) for result in results], ignore_index=True)
    sources = [source for result in results for source in _sources(result)]
    flags = [f"{scan.scan.name}: {flag}" for result in results for scan in result.scans for flag in scan.flags]
    flags += [f"{name} was not measured: {reason}" for result in results for name, reason in result.skipped]
    provenance = Provenance("Measures per vertebral level", sources, flags=flags, author=author)
    saved = save_table(table, paths.metrics, provenance, overwrite=overwrite)
    return [saved, write_whole(paths.report, as_utf8(report_page(results)), overwrite=overwrite)]


def write_scan(
    result: ScanResult, exam: Exam, folder: Path, *, overwrite: bool = False, author: str = ""
) -> list[Path]:
    """Write mask, level map and discs of one scan."""
    scan = result.scan
    if scan.source is None:
        raise InputError("This image was made in memory; save it as NIfTI first, so that its results have a source.")
    paths = scan_paths(scan.source.path.name, exam, folder)
    refuse_overwrite(paths.with_sidecars(), overwrite=overwrite)
    provenance = Provenance("Cord mask", [scan.source], result.parameters, result.flags, author)
    save_mask(result.mask, scan, paths.mask, provenance, overwrite=overwrite)
    if not result.labelling.discs:
        return [paths.mask]
    levels = write_levels(
        result.levels, result.labelling, scan, paths.levels, discs=paths.discs, overwrite=overwrite, author=author
    )
    return [paths.mask, *levels]


def write_levels(
    levels: NDArray,
    labelling: Labelling,
    scan: Scan,
    path: Path,
    *,
    discs: Path | None = None,
    sources: Sequence[Source | None] = (),
    overwrite: bool = False,
    author: str = "",
) -> list[Path]:
    """Write a level map and, beside it, the discs that it rests on.

    Parameters
    ----------
    levels : array of uint8, shape ``scan.grid.shape``
        Vertebral level of each voxel.
    labelling : Labelling
        The discs; whether they are confirmed goes into the sidecar.
    scan : Scan
        The image.
    path, discs : Path
        The level map, and the disc table (by default named after the level map).
    sources : sequence of Source, optional
        Further files that the map was made from.
    overwrite, author : optional
        As everywhere.
    """
    if not labelling.discs:
        raise InputError(f"No disc is known on {scan.name}, so no level map can be made; name one with --disc.")
    discs = discs or discs_path(path)
    flags = naming_flags(labelling)
    used = [source for source in (scan.source, *sources) if source is not None]
    confirmed = {**labelling.method, "confirmed": labelling.confirmed}
    parameters = {**confirmed, "scheme": "1..7 = C1..C7, 8..19 = T1..T12, 20..24 = L1..L5"}
    provenance = Provenance("Vertebral level of each voxel of the cord", used, parameters, flags, author)
    about = Provenance("Discs, RAS mm", used, confirmed, flags, author)
    with undone_on_failure([path, sidecar_path(path), discs, sidecar_path(discs)]):
        save_mask(levels, scan, path, provenance, overwrite=overwrite)
        save_table(discs_to_table(labelling.discs), discs, about, overwrite=overwrite)
    return [path, discs]


def label_outputs(levels: Path, segments: Path | None) -> list[Path]:
    """Return all files that labelling writes.

    Raises
    ------
    InputError
        If the two maps, the discs or their sidecars would have the same name.
    """
    files = [levels, discs_path(levels), *([segments] if segments else [])]
    outputs = [path for file in files for path in (file, sidecar_path(file))]
    if len({path.absolute() for path in outputs}) < len(outputs):
        raise InputError(f"{segments} would replace the levels or their sidecar; give the segments another name.")
    return outputs


def write_labels(
    result: ScanResult,
    levels: Path,
    segments: Path | None = None,
    *,
    sources: Sequence[Source | None] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write level map and discs of a labelled cord and, where a name is given, its spinal segments: all or none."""
    with undone_on_failure(label_outputs(levels, segments)):
        written = write_levels(
            result.levels, result.labelling, result.scan, levels, sources=sources, overwrite=overwrite
        )
        if segments is not None:
            written += write_segments(result, segments, sources=sources, overwrite=overwrite)
    return written


def write_segments(
    result: ScanResult, path: Path, *, sources: Sequence[Source | None] = (), overwrite: bool = False, author: str = ""
) -> list[Path]:
    """Write the estimated spinal segment of each voxel of a labelled cord.

    Parameters
    ----------
    result : ScanResult
        Cord and discs.
    path : Path
        The map.
    sources : sequence of Source, optional
        Further files that it was made from.
    overwrite, author : optional
        As everywhere.

    Raises
    ------
    InputError
        If no disc is known, or as :func:`~napari_spinalq.levels.spinal.spinal_extents`.
    """
    scan, labelling = result.scan, result.labelling
    segments = segment_map(labelling, result.centerline, result.mask, scan.grid)
    used = [source for source in (scan.source, *sources) if source is not None]
    parameters = {**labelling.method, "confirmed": labelling.confirmed, "scheme": SEGMENT_SCHEME}
    flags = (SEGMENTS_ESTIMATED, *naming_flags(labelling))
    provenance = Provenance("Spinal segment of each voxel of the cord, estimated", used, parameters, flags, author)
    return [save_mask(segments, scan, path, provenance, overwrite=overwrite)]


def metrics_table(result: ExamResult, per: str = "level") -> pd.DataFrame:
    """Return the tidy table of an exam, one row a measurement, per ``"level"`` or ``"slice"``.

    A scan whose levels are unknown has its rows per slice in either case: its numbers are worth having.
    """
    return pd.concat([_tidy_of_scan(scan, result.exam, per) for scan in result.scans], ignore_index=True)


def measure_files(
    mask_path: Path, levels_path: Path | None, *, per: str, table_format: str, angle_correction: bool = True
) -> tuple[pd.DataFrame, Provenance]:
    """Measure a mask file with a level map file, and say where the numbers come from.

    Parameters
    ----------
    mask_path, levels_path : Path
        NIfTI files on one grid.
    per : str
        ``"level"`` or ``"slice"``.
    table_format : str
        ``"tidy"`` or ``"sct"``.
    angle_correction : bool
        Whether measures are of the section perpendicular to the cord.

    Raises
    ------
    InputError
        If a file cannot be used, rows per level are wanted without a level map, or the map names no slice of the mask.
    """
    if per == "level" and levels_path is None:
        raise InputError("Rows per level need a level map; give --levels FILE, or use --per slice.")
    mask = load_mask(mask_path)
    levels = load_levels(levels_path, like=mask.grid) if levels_path else None
    shapes = slice_shapes(mask.data, mask.grid, angle_correction=angle_correction)
    per_slice = levels_per_slice(to_work_order(levels.data, levels.grid)[0]) if levels else None
    by_level = None if per_slice is None else per_level(shapes, per_slice)
    if by_level is not None and not len(by_level):
        raise InputError(
            f"The level map {levels_path} names no slice of the mask {mask_path}; give the mask's own map."
        )
    noted = _noted([path for path in (mask_path, levels_path) if path], mask, levels)
    flags = tuple(dict.fromkeys([*(by_level or shapes).flags, *noted]))
    names = entities(mask_path.name)
    identity = RowIdentity(names.get("sub", ""), names.get("ses", ""), mask.name)
    rows_of = by_level if per == "level" else None
    if table_format == "sct":
        table = _sct_table(shapes, per_slice, rows_of, str(mask_path))
    else:
        table = _with_flags(_tidy_table(shapes, per_slice, rows_of, identity), flags)
    used = [scan.source for scan in (mask, levels) if scan and scan.source]
    parameters = {"per": per, "format": table_format, "angle_correction": angle_correction}
    return table, Provenance(f"Measures per {per}", used, parameters, flags)


def _noted(paths: Sequence[Path], mask: Scan, levels: Scan | None) -> list[str]:
    """Return the doubts that files carry in their sidecars, and that a level map lies beside the mask if it does."""
    noted = [flag for path in paths for flag in read_flags(path)]
    if levels is not None and not np.any(levels.data[mask.data > 0]):
        noted.append(LEVELS_BESIDE)
    return noted


def _tidy_of_scan(result: ScanResult, exam: Exam, per: str) -> pd.DataFrame:
    identity = RowIdentity(exam.subject, exam.session, result.scan.name)
    flags = () if result.labelling.confirmed else (UNCONFIRMED_LEVELS,)
    if not result.labelling.discs:
        return _with_flags(slice_table(result.shapes, None, identity), (UNKNOWN_LEVELS,))
    if per == "slice":
        return _with_flags(slice_table(result.shapes, result.slice_levels, identity), flags)
    return _with_flags(level_table(result.level_shapes, identity), flags)


def _tidy_table(
    shapes: SliceShapes, slice_levels: NDArray[np.int_] | None, by_level: LevelShapes | None, identity: RowIdentity
) -> pd.DataFrame:
    return slice_table(shapes, slice_levels, identity) if by_level is None else level_table(by_level, identity)


def _sct_table(
    shapes: SliceShapes, slice_levels: NDArray[np.int_] | None, by_level: LevelShapes | None, filename: str
) -> pd.DataFrame:
    if by_level is None:
        return sct_slice_table(shapes, slice_levels, filename=filename)
    return sct_level_table(by_level, filename=filename)


def _with_flags(table: pd.DataFrame, flags: Sequence[str]) -> pd.DataFrame:
    """Add what holds for the whole mask to the flag of every row."""
    if not flags:
        return table
    common = "; ".join(flags)
    return table.assign(flag=[f"{own}; {common}" if own else common for own in table["flag"]])


def _sources(result: ExamResult) -> list[Source]:
    return [scan.scan.source for scan in result.scans if scan.scan.source is not None]


def _description() -> str:
    content = {
        "Name": "Spinal cord measures",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": TOOL, "Version": __version__}],
    }
    return json.dumps(content, indent=2) + "\n"

"""Writing masks, level maps, discs, tables and the report of an exam."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from numpy.typing import NDArray

from napari_spinalq import __version__
from napari_spinalq.derivatives.map_paths import map_paths
from napari_spinalq.derivatives.maps import write_maps
from napari_spinalq.derivatives.paths import (
    DESCRIPTION_NAME,
    ScanPaths,
    SummaryPaths,
    check_free,
    discs_path,
    output_paths,
    scan_paths,
    summary_paths,
)
from napari_spinalq.derivatives.tables import metrics_table
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.io.atomic import as_utf8, refuse_overwrite, undone_on_failure, write_whole
from napari_spinalq.io.save import save_mask, save_table
from napari_spinalq.io.sidecar import TOOL, Provenance, sidecar_path
from napari_spinalq.levels.detect import naming_flags
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.levels.spinal import SEGMENT_SCHEME, SEGMENTS_ESTIMATED, segment_map
from napari_spinalq.levels.tables import discs_to_table
from napari_spinalq.results import ExamResult, ScanResult
from napari_spinalq.scan import Scan, Source

BIDS_VERSION = "1.9.0"
NOT_DRAWN = "not_drawn"
"""Parameter in the sidecar of a cord mask: which structures were looked for in vain, and why."""

DESCRIPTIONS = {"gm": "Grey matter mask", "canal": "Canal mask: cord and CSF up to the outer wall of the CSF"}


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
        files += [path for result in results for path in _write_maps(result, folder, overwrite, author)]
        summary = summary_paths(exams, folder, shared=shared)
        first = _write_summary(results, summary, overwrite=overwrite, author=author)
        write_whole(description, _description().encode(), overwrite=True)
    return first + files


def _write_maps(result: ExamResult, folder: Path, overwrite: bool, author: str) -> list[Path]:
    """Write the maps of an exam."""
    written = []
    for one in result.maps:
        source = one.scan.source
        name = one.scan.name if source is None else source.path.name
        paths = map_paths(name, result.exam, folder, diffusion=one.series is not None)
        written += write_maps(one, paths, overwrite=overwrite, author=author)
    return written


def _write_summary(results: Sequence[ExamResult], paths: SummaryPaths, *, overwrite: bool, author: str) -> list[Path]:
    """Write the table and the report of all exams."""
    # Imported when a report is made: its drawing library would hold up the opening of the viewer by a tenth.
    from napari_spinalq.report.page import report_page

    table = pd.concat([metrics_table(result) for result in results], ignore_index=True)
    sources = [source for result in results for source in _sources(result)]
    flags = [f"{scan.scan.name}: {flag}" for result in results for scan in result.scans for flag in scan.all_flags]
    flags += [f"{one.scan.name}: {flag}" for result in results for one in result.maps for flag in one.flags]
    flags += [f"{name} was not measured: {reason}" for result in results for name, reason in result.skipped]
    provenance = Provenance("Measures per vertebral level", sources, flags=flags, author=author)
    saved = save_table(table, paths.metrics, provenance, overwrite=overwrite)
    return [saved, write_whole(paths.report, as_utf8(report_page(results)), overwrite=overwrite)]


def write_scan(
    result: ScanResult, exam: Exam, folder: Path, *, overwrite: bool = False, author: str = ""
) -> list[Path]:
    """Write the masks, the level map and the discs of one scan."""
    scan = result.scan
    if scan.source is None:
        raise InputError("This image was made in memory; save it as NIfTI first, so that its results have a source.")
    paths = scan_paths(scan.source.path.name, exam, folder)
    refuse_overwrite(paths.with_sidecars(), overwrite=overwrite)
    written = _write_masks(result, paths, scan.source, overwrite=overwrite, author=author)
    if not result.labelling.discs:
        return written
    levels = write_levels(
        result.levels, result.labelling, scan, paths.levels, discs=paths.discs, overwrite=overwrite, author=author
    )
    return [*written, *levels]


def _write_masks(result: ScanResult, paths: ScanPaths, source: Source, *, overwrite: bool, author: str) -> list[Path]:
    """Write the masks of cord, grey matter and canal; white matter follows from the first two."""
    absent = {one.name: list(one.flags) for one in result.structures if one.mask is None and one.name in DESCRIPTIONS}
    parameters = {**result.parameters, **({NOT_DRAWN: absent} if absent else {})}
    provenance = Provenance("Cord mask", [source], parameters, result.flags, author)
    written = [save_mask(result.mask, result.scan, paths.mask, provenance, overwrite=overwrite)]
    for one in result.structures:
        if one.mask is not None and one.name in DESCRIPTIONS:
            about = Provenance(DESCRIPTIONS[one.name], [source], one.parameters, one.flags, author)
            written.append(save_mask(one.mask, result.scan, paths.structure(one.name), about, overwrite=overwrite))
    return written


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


def _sources(result: ExamResult) -> list[Source]:
    scans = [*(one.scan for one in result.scans), *(one.scan for one in result.maps)]
    return list({scan.source.path: scan.source for scan in scans if scan.source is not None}.values())


def _description() -> str:
    content = {
        "Name": "Spinal cord measures",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": TOOL, "Version": __version__}],
    }
    return json.dumps(content, indent=2) + "\n"

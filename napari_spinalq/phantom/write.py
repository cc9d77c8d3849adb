"""Writing phantom exams as BIDS, byte for byte the same each time."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.diffusion.motion_table import motion_table
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable, fsl_directions
from napari_spinalq.phantom.make import PhantomExam
from napari_spinalq.phantom.protocol import DWI_LONG, PROTOCOLS
from napari_spinalq.phantom.series import SeriesTruth
from napari_spinalq.phantom.sidecars import sidecar
from napari_spinalq.phantom.tract_truth import tract_truth
from napari_spinalq.scan import Scan

TRUTH_FOLDER = Path("derivatives", "truth")
SUFFIXES = {protocol.name: protocol.suffix for protocol in (*PROTOCOLS, DWI_LONG)}
TABLE_DIGITS = 4
"""Digits after the point in tables: 0.1 micrometre, 1e-4 mm2."""

SCANNER_CODE = 1
"""NIfTI code of sform and qform: scanner coordinates."""


def write_exam(exam: PhantomExam, folder: str | Path, subject: str, session: str | None = None) -> list[Path]:
    """Write scans, sidecars and truth of one visit into a BIDS folder.

    Parameters
    ----------
    exam : PhantomExam
        What to write.
    folder : str or Path
        Root of the data set.
    subject : str
        Label without ``sub-``, such as ``"healthy01"``.
    session : str, optional
        Label without ``ses-``; none by default.

    Returns
    -------
    list of Path
        Files written; those of the same name are replaced.
    """
    written: list[Path] = []
    for name, scan in exam.scans.items():
        stem = _stem(subject, session) + "_" + SUFFIXES[name]
        place = Path(folder, *_parts(subject, session), "dwi" if scan.contrast is Contrast.DWI else "anat")
        written += _write_scan(scan, name, place / stem, exam.gradients)
        written += _write_truth(exam, name, _truth_place(folder, subject, session) / stem)
    written += _write_tables(exam, _truth_place(folder, subject, session) / _stem(subject, session))
    return written


def write_json(path: Path, content: dict[str, Any]) -> Path:
    """Write JSON with sorted keys."""
    return _write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write tab-separated values with a fixed number of digits."""
    return _write_text(
        path, table.to_csv(sep="\t", index=False, float_format=f"%.{TABLE_DIGITS}f", lineterminator="\n")
    )


def write_nifti(path: Path, data: NDArray, grid: Grid, repetition_s: float | None = None) -> Path:
    """Write a compressed NIfTI file without date or name inside."""
    image = nib.Nifti1Image(data, grid.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(grid.affine, SCANNER_CODE)
    image.set_qform(grid.affine, SCANNER_CODE)
    if repetition_s is not None:
        image.header.set_zooms((*grid.spacing, repetition_s))
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=stream, mtime=0) as packed:
        packed.write(image.to_bytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())
    return path


def _write_scan(scan: Scan, name: str, stem: Path, gradients: GradientTable) -> list[Path]:
    fields = sidecar(name, scan.grid.spacing)
    repetition = fields["RepetitionTime"] if scan.data.ndim == 4 else None
    written = [
        write_nifti(_ending(stem, ".nii.gz"), scan.data, scan.grid, repetition),
        write_json(_ending(stem, ".json"), fields),
    ]
    if scan.contrast is Contrast.DWI:
        directions = fsl_directions(gradients.directions, scan.grid).T
        vectors = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in np.round(directions, 6) + 0.0)
        weights = " ".join(f"{value:g}" for value in gradients.b_values)
        written += [
            _write_text(_ending(stem, ".bvec"), vectors + "\n"),
            _write_text(_ending(stem, ".bval"), weights + "\n"),
        ]
    return written


def _write_truth(exam: PhantomExam, name: str, stem: Path) -> list[Path]:
    truth, grid = exam.truth[name], exam.scans[name].grid
    maps: dict[str, NDArray] = {
        "_label-cord_mask": truth.cord_mask,
        "_label-cord_probseg": truth.cord,
        "_label-GM_probseg": truth.grey_matter,
        "_label-levels_dseg": truth.levels,
    }
    written = [write_nifti(_ending(stem, ending + ".nii.gz"), data, grid) for ending, data in maps.items()]
    if truth.series is not None:
        written.append(write_table(_ending(stem, "_motion.tsv"), _motion_table(truth.series)))
    return [*written, write_table(_ending(stem, "_areas.tsv"), truth.areas)]


def _motion_table(series: SeriesTruth) -> pd.DataFrame:
    """Return one row for each slice of each volume: where the cord lies against masks and maps, and the signal left."""
    table = motion_table(series.motion).drop(columns="group")
    return table.assign(kept=series.kept.ravel())


def _write_tables(exam: PhantomExam, stem: Path) -> list[Path]:
    """Write what belongs to the person: discs, areas per level, true values per tract."""
    return [
        write_table(_ending(stem, "_discs.tsv"), exam.discs),
        write_table(_ending(stem, "_areas.tsv"), exam.level_areas),
        write_table(_ending(stem, "_tracts.tsv"), tract_truth(exam.design)),
    ]


def _parts(subject: str, session: str | None) -> list[str]:
    return [f"sub-{subject}"] + ([f"ses-{session}"] if session else [])


def _stem(subject: str, session: str | None) -> str:
    return "_".join(_parts(subject, session))


def _truth_place(folder: str | Path, subject: str, session: str | None) -> Path:
    return Path(folder, TRUTH_FOLDER, *_parts(subject, session), "anat")


def _ending(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)


def _write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path

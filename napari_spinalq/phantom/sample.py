"""The sample data set: one healthy and one ALS-like digital person in BIDS form."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_spinalq.phantom.design import ExamDesign, als_like_design, healthy_design
from napari_spinalq.phantom.make import make_exam
from napari_spinalq.phantom.series import SeriesDesign
from napari_spinalq.phantom.write import TRUTH_FOLDER, write_exam, write_json, write_table
from napari_spinalq.progress import Progress, portion, silent

SAMPLE_SERIES = SeriesDesign(drift_mm=0.7, jitter_mm=0.12, pulsation_mm=0.1)
"""Diffusion series in which the cord moves by less than 1 mm, as it does in people who lie still."""

SAMPLE_DESIGNS: dict[str, ExamDesign] = {
    "healthy01": replace(healthy_design(1), series=SAMPLE_SERIES),
    "als01": replace(als_like_design(2), series=SAMPLE_SERIES),
}
"""The people of the sample data set by subject label."""

BIDS_VERSION = "1.9.0"
PHANTOM_VERSION = "2"
"""Counts changes of the simulated values: the package's own version may grow without them."""

_README = """Digital cervical cord exams
===========================

Two people who do not exist: sub-healthy01, and sub-als01 with changes like those reported in amyotrophic lateral
sclerosis. Every voxel was computed from an analytic anatomy by

    python -m napari_spinalq.phantom sample_data

which writes the same bytes again. Under derivatives/truth lie the exact answers: cord and grey-matter masks, vertebral
levels, discs, areas in closed form per slice and level, the properties given to each tract (FA, MD, AD, RD, MTR, MTsat,
T1), and how the cord moved in each slice of each volume of the diffusion series (less than 1 mm).
The three MTS files are one protocol: with the MT pulse (mt-on), without it (mt-off), and without it at a larger flip
angle (flip-2_mt-off, T1-weighted), for MTR, MTsat and T1. The BIDS validator wants flip- in all three names.
docs/phantom.md says what is simulated and what is not.
"""

_PARTICIPANT_COLUMNS = {
    "participant_id": {"Description": "Label of a person who does not exist"},
    "sex": {"Description": "Sex assigned to the digital person", "Levels": {"F": "female", "M": "male"}},
    "age": {"Description": "Age assigned to the digital person", "Units": "year"},
    "height_cm": {"Description": "Height assigned to the digital person", "Units": "cm"},
    "group": {
        "Description": "What was simulated",
        "Levels": {"healthy": "no disease", "als-like": "changes like those reported in ALS"},
    },
}


def write_sample_data(
    folder: str | Path, subjects: dict[str, ExamDesign] | None = None, progress: Progress = silent
) -> list[Path]:
    """Write the sample data set.

    Parameters
    ----------
    folder : str or Path
        Root of the data set; files of the same name are replaced, others left alone.
    subjects : dict of label to ExamDesign, optional
        Who to simulate; by default ``SAMPLE_DESIGNS``.
    progress : callable
        Told the fraction done.

    Returns
    -------
    list of Path
        Files written.
    """
    subjects = SAMPLE_DESIGNS if subjects is None else subjects
    written = _write_description(Path(folder), subjects)
    for position, (label, design) in enumerate(subjects.items()):
        step = portion(progress, position / len(subjects), (position + 1) / len(subjects))
        written += write_exam(make_exam(design, progress=step), folder, label)
    return written


def _write_description(folder: Path, subjects: dict[str, ExamDesign]) -> list[Path]:
    rows = [(f"sub-{label}", d.sex, d.age_years, d.height_cm, d.group) for label, d in subjects.items()]
    (folder / TRUTH_FOLDER).mkdir(parents=True, exist_ok=True)
    readme, ignore = folder / "README", folder / ".bidsignore"
    readme.write_bytes(_README.encode())
    ignore.write_bytes(b"*_PSIR.*\n*_MTS.*\n")
    return [
        readme,
        ignore,
        write_json(folder / "dataset_description.json", _description("raw")),
        write_json(folder / TRUTH_FOLDER / "dataset_description.json", _description("derivative")),
        write_table(folder / "participants.tsv", pd.DataFrame(rows, columns=list(_PARTICIPANT_COLUMNS))),
        write_json(folder / "participants.json", _PARTICIPANT_COLUMNS),
    ]


def _description(kind: str) -> dict[str, Any]:
    """Return dataset_description.json, which names the zlib that packed the files: their bytes depend on it."""
    return {
        "Name": "Digital cervical cord exams" + (" - truth" if kind == "derivative" else ""),
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": kind,
        "License": "BSD-3-Clause",
        "GeneratedBy": [
            {
                "Name": "napari_spinalq.phantom",
                "Version": PHANTOM_VERSION,
                "Description": "python -m napari_spinalq.phantom sample_data",
                "ZlibVersion": zlib.ZLIB_RUNTIME_VERSION,
                "NumpyVersion": np.__version__,
            }
        ],
    }

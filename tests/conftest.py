"""Fixtures that every room of the tests shares."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from napari_spinalq import cli
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.phantom import PhantomExam, healthy_design, make_exam
from napari_spinalq.phantom.protocol import PROTOCOLS
from napari_spinalq.phantom.write import write_exam
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.results import DrawnStructure, ScanResult

MIDDLE_MM = 4.0
"""Arc position of the middle of every stack: between C4 and C5."""

SHAPES = {"dwi": (40, 36, 7), "t2star": (80, 72, 7), "mt_on": (44, 40, 7), "mt_off": (44, 40, 7)}
SEED = 1


def small_protocols(**shapes):
    """Return the usual protocol with few voxels and slices."""
    known = {one.name: one for one in PROTOCOLS}
    return [replace(known[name], shape=shape, middle_mm=MIDDLE_MM) for name, shape in shapes.items()]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real scans, or skip the test where it is absent."""
    folder = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real scans in {folder} (set SPINALQ_SHARED)")
    return folder


@pytest.fixture(scope="session")
def sct_testing(shared: Path) -> Path:
    """Return the folder of the real human scans with references."""
    return shared / "data" / "sct_testing"


@pytest.fixture
def run(monkeypatch, capfd):
    """Run ``spinalq`` in this process; returns exit code, standard output and error output."""

    def _run(*words):
        monkeypatch.setattr(sys, "argv", ["spinalq", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capfd.readouterr()
        return stop.value.code or 0, out, err

    return _run


@dataclass
class Digital:
    """A digital exam, its discs, and its anatomical scan measured with the true masks."""

    exam: PhantomExam
    labelling: Labelling
    anatomical: ScanResult


@pytest.fixture(scope="session")
def digital() -> Digital:
    design = replace(healthy_design(SEED), bias=0.0)
    exam = make_exam(design, contrasts=SHAPES, protocols=small_protocols(**SHAPES))
    discs = tuple(Disc(int(row.number), (row.x_mm, row.y_mm, row.z_mm)) for row in exam.discs.itertuples())
    labelling = Labelling(discs, confirmed=True)
    truth = exam.truth["t2star"]
    grey = DrawnStructure("gm", truth.grey_matter)
    anatomical = measure_scan(exam.scans["t2star"], truth.cord, labelling, drawn=(grey,))
    return Digital(exam, labelling, anatomical)


@pytest.fixture(scope="session")
def digital_folder(digital, tmp_path_factory) -> Path:
    """Return the BIDS folder of the short digital exam; nobody writes there."""
    root = tmp_path_factory.mktemp("digital")
    write_exam(digital.exam, root, "tiny")
    return root / "sub-tiny"

"""Saving a mask in the viewer keeps the rows of the maps that were made before."""

import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
from psygnal import Signal

from napari_spinalq.contrast import Contrast
from napari_spinalq.derivatives import write_exams
from napari_spinalq.gui.saving import Saver
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.microstructure.exam import analyze_maps
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.results import ExamResult

pytestmark = pytest.mark.gui


class Session:
    """As much of a session as saving asks for: one scan with a mask, and discs."""

    exam_changed = Signal()

    def __init__(self, exam, scan, mask, labelling):
        work = SimpleNamespace(
            scan=scan, mask=object(), rater="", flags=(), record=dict, drawn_structures=tuple,
            mask_on_file_grid=lambda: mask,
        )  # fmt: skip
        self.exam, self.first_reads, self.works, self.labelling = exam, (work,), [work], labelling

    def mark_saved(self):
        self.saved = True


def test_the_rows_of_saved_maps_stay_when_a_mask_is_saved(digital, digital_folder, tmp_path):
    folder = shutil.copytree(digital_folder, tmp_path / "sub-tiny")
    exam = find_exam([folder])
    t2star = exam.of_contrast(Contrast.T2STAR)[0]
    scan, mask = load_scan(t2star.path), digital.exam.truth["t2star"].cord_mask
    maps = analyze_maps(exam, (), digital.labelling, options=MapOptions(motion=False))
    measured = measure_scan(scan, mask, digital.labelling)
    out = tmp_path / "out"
    write_exams([ExamResult(exam, (measured,), maps=maps)], out, shared=True)
    table = next(out.rglob("*metrics.tsv"))
    before = pd.read_csv(table, sep="\t")
    assert (before["metric"] == "fa").any()
    Saver(Session(exam, scan, mask, digital.labelling)).save(out, overwrite=True)
    after = pd.read_csv(table, sep="\t")
    rows = ["scan", "level", "structure", "metric", "value"]
    of_maps = [frame[frame["scan"] == "sub-tiny_dwi"][rows].reset_index(drop=True) for frame in (before, after)]
    pd.testing.assert_frame_equal(*of_maps)

"""The maps of an exam folder: which files are used, and what is said of the others."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.reverse_phase import REVERSED
from napari_spinalq.microstructure.anatomical import best_anatomical
from napari_spinalq.microstructure.exam import analyze_maps
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.pipeline import analyze_exam, measure_scan
from napari_spinalq.results import DrawnStructure
from napari_spinalq.scan_choice import usable_scans

QUICK = MapOptions(atlas=None, motion=False)


@pytest.fixture
def folder(digital_folder, tmp_path):
    return shutil.copytree(digital_folder, tmp_path / "sub-tiny")


def measured(digital, folder):
    """Return the scan with the MT pulse and the T2* scan, measured with their true masks."""
    results = []
    for name, suffix in (("t2star", "T2star"), ("mt_on", "mt-on_MTS")):
        scan = load_scan(folder / "anat" / f"sub-tiny_{suffix}.nii.gz")
        truth = digital.exam.truth[name]
        drawn = (DrawnStructure("gm", truth.grey_matter),) if name == "t2star" else ()
        results.append(measure_scan(scan, truth.cord_mask, digital.labelling, drawn=drawn))
    return results


def maps_of(digital, folder, options=QUICK):
    without = {}
    found = analyze_maps(
        find_exam([folder]), measured(digital, folder), digital.labelling, options=options,
        refused=lambda name, reason: without.update({name: reason}),
    )  # fmt: skip
    return found, without


def test_diffusion_and_mt_of_an_exam_are_found(digital, folder):
    found, without = maps_of(digital, folder)
    assert [one.name for one in found] == ["dwi", "mt"]
    assert without == {}
    assert found[0].used == ("sub-tiny_dwi",)
    assert set(found[1].used) == {"sub-tiny_mt-on_MTS", "sub-tiny_mt-off_MTS"}
    assert found[1].parameters["anatomical_scan"] == "sub-tiny_T2star"


def test_an_image_of_reversed_phase_encoding_is_no_series_and_no_scan(digital, folder):
    """It is named with what it is for; nothing is measured on it."""
    dwi = folder / "dwi" / "sub-tiny_dwi.nii.gz"
    for name, direction in (("dwi/sub-tiny_dwi", "j"), ("dwi/sub-tiny_dir-AP_dwi", "j-"), ("fmap/sub-tiny_epi", "j-")):
        path = folder / f"{name}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        if path != dwi:
            shutil.copy(folder / "anat" / "sub-tiny_mt-off_MTS.nii.gz", path)
        path.with_name(f"{path.name.split('.')[0]}.json").write_text(json.dumps({"PhaseEncodingDirection": direction}))
    (folder / "anat" / "sub-tiny_T2star.json").write_text(json.dumps({"PhaseEncodingDirection": "j-"}))
    found, without = maps_of(digital, folder)
    assert [one.name for one in found] == ["dwi", "mt"]
    assert without == {"sub-tiny_dir-AP_dwi": REVERSED.format("sub-tiny_dwi")}
    scans, skipped = usable_scans(find_exam([folder]), True)
    assert dict(skipped)["sub-tiny_epi"] == REVERSED.format("sub-tiny_dwi")
    assert "sub-tiny_T2star" in [scan.name for scan in scans]  # encoded in reverse too, but no echo-planar image


def test_a_series_with_gradients_is_measured_whichever_way_it_is_encoded(digital, folder):
    dwi = folder / "dwi" / "sub-tiny_dwi.nii.gz"
    for source in dwi.parent.glob("sub-tiny_dwi.*"):
        shutil.copy(source, source.with_name(source.name.replace("tiny_dwi", "tiny_dir-AP_dwi")))
    for name, direction in (("sub-tiny_dwi", "j"), ("sub-tiny_dir-AP_dwi", "j-")):
        dwi.with_name(f"{name}.json").write_text(json.dumps({"PhaseEncodingDirection": direction}))
    found, without = maps_of(digital, folder)
    assert [one.used for one in found[:2]] == [("sub-tiny_dir-AP_dwi",), ("sub-tiny_dwi",)]
    assert without == {}


def test_the_gradient_files_of_the_exam_are_used(digital, folder, tmp_path):
    """An exam that was put together by hand names files that do not lie beside the series."""
    exam = find_exam([folder])
    dwi = exam.of_contrast(Contrast.DWI)[0]
    moved = [Path(shutil.move(path, tmp_path / f"elsewhere{path.suffix}")) for path in (dwi.bval, dwi.bvec)]
    found = analyze_maps(
        replace(exam, files=(replace(dwi, bval=moved[0], bvec=moved[1]),)), (), digital.labelling, options=QUICK
    )
    assert [one.name for one in found] == ["dwi"]


def test_a_series_with_both_layouts_beside_it_is_read(digital, folder):
    """FSL's files come first; the table of MRtrix beside them is no contradiction."""
    dwi = folder / "dwi" / "sub-tiny_dwi.nii.gz"
    dwi.with_name("sub-tiny_dwi.b").write_text("1 0 0 1\n")
    file = find_exam([dwi]).files[0]
    assert (file.grad, file.bval) == (None, dwi.with_name("sub-tiny_dwi.bval"))
    assert [one.name for one in maps_of(digital, folder)[0]] == ["dwi", "mt"]


def test_progress_grows_to_the_end(digital, folder):
    seen = []
    analyze_maps(
        find_exam([folder]), (), digital.labelling, options=QUICK, progress=lambda share, phrase: seen.append(share)
    )
    assert seen == sorted(seen)
    assert seen[-1] <= 1.0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda dwi: dwi.with_name("sub-tiny_dwi.bvec").unlink(), "no bvec"),
        (lambda dwi: dwi.with_name("sub-tiny_dwi.bval").write_text("0 800 800"), "3 b-values, the series 35 volumes"),
        (lambda dwi: dwi.write_bytes(b"no image"), "not a readable NIfTI file"),
    ],
)
def test_a_series_that_cannot_be_used_is_named_and_the_others_go_on(digital, folder, spoil, said):
    spoil(folder / "dwi" / "sub-tiny_dwi.nii.gz")
    found, without = maps_of(digital, folder)
    assert [one.name for one in found] == ["mt"]
    assert said in without["sub-tiny_dwi"]


def test_without_the_cord_of_the_image_with_the_pulse_there_is_no_mtr(digital, folder):
    without = {}
    analyze_maps(
        find_exam([folder / "anat" / "sub-tiny_mt-on_MTS.nii.gz", folder / "anat" / "sub-tiny_mt-off_MTS.nii.gz"]), (),
        digital.labelling, refused=lambda name, reason: without.update({name: reason}),
    )  # fmt: skip
    assert "cord of sub-tiny_mt-on_MTS was not found" in without["sub-tiny_mt-on_MTS"]


def test_the_scan_with_grey_matter_is_brought_and_never_the_scan_itself(digital, folder):
    scans = measured(digital, folder)
    assert best_anatomical(scans, digital.exam.scans["dwi"]) is scans[0]
    assert best_anatomical(scans[:1], scans[0].scan) is None
    assert best_anatomical((), scans[0].scan) is None


def test_an_exam_of_a_series_alone_is_measured(digital, folder):
    dwi = folder / "dwi" / "sub-tiny_dwi.nii.gz"
    found = analyze_exam(find_exam([dwi]), maps=QUICK)
    assert found.scans == ()
    assert [one.name for one in found.maps] == ["dwi"]
    assert np.isfinite(found.maps[0].map("fa").data[found.maps[0].mask > 0]).all()


def test_an_exam_whose_maps_are_not_wanted_says_so(digital, folder):
    exam = find_exam([folder])
    t2star = [file for file in exam.files if file.contrast in (Contrast.T2STAR, Contrast.DWI)]
    found = analyze_exam(find_exam([file.path for file in t2star]), maps=None)
    assert found.maps == ()
    assert dict(found.skipped) == {"sub-tiny_dwi": "a diffusion series, and no maps were asked for"}

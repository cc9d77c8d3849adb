"""Maps, tracts and corrected series in files: named, written whole, and read back as they were."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.derivatives import check_free, metrics_table, output_paths, write_exams
from napari_spinalq.derivatives.map_paths import map_paths
from napari_spinalq.derivatives.map_tables import sct_tract_table
from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import find_exam, is_scan
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.metrics.tidy import COLUMNS
from napari_spinalq.microstructure.cord import NO_DISCS
from napari_spinalq.microstructure.exam import analyze_maps
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.quality.worklist.cases import find_cases
from napari_spinalq.reopen_maps import saved_maps
from napari_spinalq.report.page import report_page
from napari_spinalq.results import DrawnStructure, ExamResult
from napari_spinalq.tracts.values import Method


@pytest.fixture(scope="module")
def result(digital, digital_folder):
    scans = []
    for name, suffix in (("t2star", "T2star"), ("mt_on", "mt-on_MTS")):
        scan = load_scan(digital_folder / "anat" / f"sub-tiny_{suffix}.nii.gz")
        truth = digital.exam.truth[name]
        drawn = (DrawnStructure("gm", truth.grey_matter),) if name == "t2star" else ()
        scans.append(measure_scan(scan, truth.cord_mask, digital.labelling, drawn=drawn))
    exam = find_exam([digital_folder])
    return ExamResult(exam, tuple(scans), maps=analyze_maps(exam, scans, digital.labelling))


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    return folder, write_exams([result], folder, author="A. Reader")


def paths_of(result, folder, place=0):
    one = result.maps[place]
    return map_paths(one.scan.source.path.name, result.exam, folder, diffusion=one.series is not None)


def test_only_the_files_that_were_announced_are_written(result, written):
    folder, _ = written
    there = {path for path in folder.rglob("*") if path.is_file()}
    assert there <= {*output_paths([result.exam], folder), folder / "dataset_description.json"}
    assert {path.name for path in there} >= {
        "sub-tiny_space-dwi_model-tensor_param-fa_dwimap.nii.gz",
        "sub-tiny_space-dwi_model-tensor_param-rgb_dwimap.json",
        "sub-tiny_desc-moco_dwi.nii.gz",
        "sub-tiny_desc-moco_dwi.bvec",
        "sub-tiny_space-dwi_label-cord_mask.nii.gz",
        "sub-tiny_space-dwi_label-levels_dseg.nii.gz",
        "sub-tiny_space-dwi_label-tracts_probseg.tsv",
        "sub-tiny_space-dwi_label-GM_desc-carried_probseg.nii.gz",
        "sub-tiny_space-dwi_motion.tsv",
        "sub-tiny_space-dwi_registration.tsv",
        "sub-tiny_mt-on_space-MTS_MTRmap.nii.gz",
    }


def test_a_map_has_the_grid_of_its_scan_bit_for_bit(result, written):
    folder, _ = written
    for place, name in ((0, "fa"), (1, "mtr")):
        source = nib.load(result.maps[place].scan.source.path)
        saved = nib.load(paths_of(result, folder, place).map(name))
        assert np.array_equal(saved.affine, source.affine)
        assert saved.get_data_dtype() == np.float32
        for code in ("sform_code", "qform_code"):
            assert saved.header[code] == source.header[code]
        np.testing.assert_array_equal(np.asarray(saved.dataobj), result.maps[place].map(name).data)


def test_sidecars_name_source_unit_and_what_was_done(result, written):
    sidecar = json.loads(paths_of(result, written[0]).map("md").with_name(
        "sub-tiny_space-dwi_model-tensor_param-md_dwimap.json").read_text())  # fmt: skip
    assert sidecar["Sources"][0]["File"] == "sub-tiny_dwi.nii.gz"
    assert sidecar["Sources"][0]["SHA256"] == result.maps[0].scan.source.sha256
    assert sidecar["Parameters"]["unit"] == "1e-3 mm2/s"
    assert sidecar["Parameters"]["fit"] == "wls"
    assert sidecar["Author"] == "A. Reader"


def test_the_corrected_series_comes_with_its_gradients(result, written):
    path, series = paths_of(result, written[0]).corrected, result.maps[0].series
    again = load_scan(path)
    np.testing.assert_array_equal(again.data, series.corrected.data.astype(np.float32))
    table = read_gradients(path, again.grid, again.volumes)
    np.testing.assert_allclose(table.directions, series.gradients.directions, atol=1e-6)
    np.testing.assert_allclose(table.b_values, series.gradients.b_values)


def test_what_is_derived_is_never_taken_for_a_scan(written):
    images = list(written[0].rglob("*.nii.gz"))
    assert len(images) > 15
    assert [path.name for path in images if is_scan(path)] == []


def test_the_table_holds_the_tracts_beside_the_areas(result, written):
    table = pd.read_csv(written[0] / "metrics.tsv", sep="\t", keep_default_na=False)
    assert list(table.columns) == list(COLUMNS)
    rows = table[(table["scan"] == "sub-tiny_dwi") & (table["structure"] == "lateral_cst_left")]
    assert {"fa", "fa_sd", "fa_low", "fa_high", "fa_voxels", "md"} <= set(rows["metric"])
    known = {one.level: one.value for one in result.maps[0].values
             if (one.structure, one.metric) == ("white_matter", "fa")}  # fmt: skip
    white = table[
        (table["scan"] == "sub-tiny_dwi") & (table["structure"] == "white_matter") & (table["metric"] == "fa")
    ]
    np.testing.assert_allclose(white["value"].astype(float), list(known.values()), rtol=1e-9)
    assert {"mtr", "area"} <= set(table["metric"])
    assert set(table.loc[table["metric"] == "mtr", "unit"]) == {"%"}


def test_refused_values_are_rows_that_say_why(result):
    table = metrics_table(result)
    few = table[(table["metric"] == "fa") & table["value"].isna()]
    assert len(few)
    assert few["flag"].str.contains("effective voxels").all()


def test_nothing_is_replaced_unasked(result, written, tmp_path):
    with pytest.raises(InputError, match="--force"):
        check_free([result.exam], written[0], overwrite=False)
    path = paths_of(result, tmp_path).map("fa")
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(InputError, match="--force"):
        check_free([result.exam], tmp_path, overwrite=False)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]


def test_a_failure_takes_back_all_maps(result, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_spinalq.derivatives.maps.volume_table", lambda motion: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_exams([result], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_saved_maps_are_found_again_as_they_were(result, written):
    again = saved_maps(result.exam, written[0])
    assert [one.name for one in again] == ["dwi", "mt"] or [one.name for one in again] == ["mt", "dwi"]
    for one in result.maps:
        same = next(other for other in again if other.name == one.name)
        for first, second in zip(one.maps, same.maps, strict=True):
            assert (first.name, first.unit) == (second.name, second.unit)
            np.testing.assert_array_equal(first.data, second.data)
        np.testing.assert_array_equal(same.mask, one.mask)
        np.testing.assert_array_equal(same.slice_levels, one.slice_levels)
        np.testing.assert_array_equal(same.tracts.fractions, one.tracts.fractions)
        assert same.tracts.tracts == one.tracts.tracts
        assert same.tracts.groups == one.tracts.groups
        assert len(same.values) == len(one.values)
        for first, second in zip(one.values, same.values, strict=True):
            assert (first.structure, first.metric, first.level, first.slices, first.method, first.flag) == (
                second.structure, second.metric, second.level, second.slices, second.method, second.flag,
            )  # fmt: skip
            np.testing.assert_allclose(second.value, first.value, rtol=1e-9)
        assert same.flags == one.flags


def test_a_saved_series_keeps_motion_and_fit(result, written):
    first = result.maps[0].series
    again = next(one for one in saved_maps(result.exam, written[0]) if one.name == "dwi").series
    np.testing.assert_allclose(again.motion.shifts_mm, first.motion.shifts_mm, atol=1e-9)
    np.testing.assert_array_equal(again.motion.outliers, first.motion.outliers)
    np.testing.assert_array_equal(again.fit.mask, first.fit.mask)
    np.testing.assert_array_equal(again.fit.direction, first.fit.direction)


def test_maps_of_another_state_of_the_scan_are_refused(result, written, tmp_path, digital_folder):
    import shutil

    folder = shutil.copytree(digital_folder, tmp_path / "sub-tiny")
    dwi = folder / "dwi" / "sub-tiny_dwi.nii.gz"
    image = nib.load(dwi)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj) + 1, image.affine, image.header), dwi)
    with pytest.raises(InputError, match="other SHA-256"):
        saved_maps(find_exam([folder]), written[0])
    told = []
    assert [one.name for one in saved_maps(find_exam([folder]), written[0], told.append)] == ["mt"]
    assert len(told) == 1
    assert "other SHA-256" in told[0]


def test_an_exam_without_maps_has_none(result, tmp_path):
    assert saved_maps(result.exam, tmp_path) == ()


def test_the_worklist_lists_the_cord_of_the_series(result, written, digital_folder):
    cases = find_cases(written[0], digital_folder).cases
    assert {Path(case.image).name for case in cases} >= {"sub-tiny_dwi.nii.gz", "sub-tiny_T2star.nii.gz"}


def test_the_report_shows_maps_tables_and_what_is_to_be_checked(result):
    page = report_page([result])
    assert page.count("data:image/png;base64,") == 2 * 3 + 4 + 2
    for words in ("Diffusion: sub-tiny_dwi", "Lateral CST, left", "Magnetisation transfer: sub-tiny_mt-on_MTS",
                  "overlap (Dice)", "35 volumes, 30 of them weighted", "&lt; 5 effective voxels"):  # fmt: skip
        assert words in page
    assert "–" in page
    for outside in ("http://", "https://", "<script"):
        assert outside not in page


def test_values_in_the_columns_of_spinal_cord_toolbox(result):
    mtr = [one for one in result.maps[1].values if one.metric == "mtr"]
    table = sct_tract_table(mtr, {"white_matter": "white matter"}, filename="mtr.nii.gz")
    assert list(table.columns) == [
        "Timestamp", "SCT Version", "Filename", "Slice (I->S)", "VertLevel", "DistancePMJ", "Label", "Size [vox]",
        "MAP()", "STD()",
    ]  # fmt: skip
    assert "white matter" in set(table["Label"])
    assert set(table["VertLevel"]) == {str(one.level) for one in mtr}
    assert MapOptions().method is Method.MAP


def edit(path, old, new):
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def cut(path, lines):
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]), encoding="utf-8")


def flatten(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[..., 0], image.affine, image.header), path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda paths: cut(paths.motion, 1),
        lambda paths: cut(paths.motion, 30),
        lambda paths: cut(paths.volumes, 9),
        lambda paths: paths.motion.write_text("a\tb\nx\ty\n"),
        lambda paths: edit(paths.values, "\tmap\t", "\tguess\t"),
        lambda paths: edit(paths.values, "\t0.", "\tabc0."),
        lambda paths: edit(paths.tract_labels, "left", "links"),
        lambda paths: cut(paths.tract_labels, 5),
        lambda paths: paths.map("md").unlink(),
        lambda paths: flatten(paths.map("direction")),
        lambda paths: edit(paths.map("fa").with_suffix("").with_suffix(".json"), '"wls"', '"best"'),
    ],
)
def test_spoilt_files_are_told_and_cost_their_own_maps_only(result, written, tmp_path, spoil):
    folder = shutil.copytree(written[0], tmp_path / "out")
    spoil(paths_of(result, folder))
    told = []
    assert [one.name for one in saved_maps(result.exam, folder, told.append)] == ["mt"]
    assert len(told) == 1
    assert "make the maps again" in told[0]
    with pytest.raises(InputError):
        saved_maps(result.exam, folder)


def test_a_scan_that_is_a_link_keeps_its_name_in_the_data_set(digital_folder, tmp_path):
    """Data sets under git-annex link each file to a store that names it by its content."""
    folder, store = tmp_path / "sub-tiny", tmp_path / "store"
    shutil.copytree(digital_folder, folder)
    store.mkdir()
    for number, file in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        kept = store / f"MD5E-{number}{''.join(file.suffixes)}"
        file.rename(kept)
        file.symlink_to(kept)
    exam, out = find_exam([folder]), tmp_path / "out"
    maps = analyze_maps(exam, (), NO_DISCS, options=MapOptions(atlas=None, motion=False))
    assert [one.scan.name for one in maps] == ["sub-tiny_dwi"]
    write_exams([ExamResult(exam, (), maps=maps)], out)
    assert (out / "sub-tiny" / "dwi" / "sub-tiny_space-dwi_model-tensor_param-fa_dwimap.nii.gz").is_file()
    assert [one.name for one in saved_maps(exam, out)] == ["dwi"]

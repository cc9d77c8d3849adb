"""The main job on digital exams with known truth, and what happens when a scan cannot be used."""

import json
import re
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.backends import Backend
from napari_spinalq.cord.backends.exchange import ExternalMask
from napari_spinalq.demo import COMPARED_LEVELS, run_demo, true_areas
from napari_spinalq.derivatives import metrics_table, scan_paths, write_exams
from napari_spinalq.errors import BackendError, InputError
from napari_spinalq.exam import Exam
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.detect import NO_LEVELS
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.pipeline import Guidance, analyze_exam, analyze_scan, label_mask, measure_scan
from napari_spinalq.report.page import report_page
from napari_spinalq.results import ExamResult

SUBJECT = "als01"


@pytest.fixture(scope="module")
def subject_folder():
    return sample_folder() / f"sub-{SUBJECT}"


@pytest.fixture(scope="module")
def click():
    table = pd.read_csv(
        sample_folder() / f"derivatives/truth/sub-{SUBJECT}/anat/sub-{SUBJECT}_discs.tsv", sep="\t"
    ).set_index("disc")
    return Disc(3, tuple(table.loc["C2-C3", ["x_mm", "y_mm", "z_mm"]]))


@pytest.fixture(scope="module")
def result(subject_folder, click):
    return analyze_exam(find_exam([subject_folder]), guidance=Guidance(discs=(click,), edge_offset_mm=0.0))


def level_names(shapes):
    from napari_spinalq.vertebrae import level_name

    return [level_name(int(level)) for level in shapes.level]


def test_scans_come_with_the_one_that_shows_discs_first(result):
    contrasts = [scan.scan.contrast for scan in result.scans]
    assert contrasts[0] is Contrast.T2W
    assert set(contrasts) == {Contrast.T2W, Contrast.T2STAR, Contrast.PSIR, Contrast.MT}


def test_every_file_is_measured_or_serves_a_map(result):
    assert result.skipped == ()
    assert [one.name for one in result.maps] == ["dwi", "mt"]
    assert {name for one in result.maps for name in one.used} == {
        f"sub-{SUBJECT}_{suffix}" for suffix in ("dwi", "mt-on_MTS", "mt-off_MTS", "flip-2_mt-off_MTS")
    }
    assert [one.name for one in result.maps[1].maps] == ["mtr", "mtsat", "t1"]


def test_diffusion_of_the_lateral_cst_is_that_given_to_it(result):
    """The person has lower FA there: 0.57. Over four levels and two sides the mean scatters by some 0.02."""
    table = sample_folder() / f"derivatives/truth/sub-{SUBJECT}/anat/sub-{SUBJECT}_tracts.tsv"
    truth = pd.read_csv(table, sep="\t").set_index("tract").loc["lateral_cst_left"]
    values = [one for one in result.maps[0].values if one.structure.startswith("lateral_cst_")]
    for metric, column, allowed in (("fa", "fa", 0.04), ("md", "md_1e-3mm2_s", 0.08)):
        measured = [one.value for one in values if one.metric == metric and np.isfinite(one.value)]
        assert np.mean(measured) == pytest.approx(truth[column], abs=allowed)


def test_areas_lie_near_the_known_ones(result):
    """Within 4 % at every whole level of every contrast: the digital exam knows its areas in closed form."""
    known = true_areas(SUBJECT)
    for scan in result.scans:
        area = pd.Series(scan.level_shapes.mean["area_mm2"], index=level_names(scan.level_shapes))
        shared = [name for name in COMPARED_LEVELS if name in area.index]
        assert len(shared) == 6, scan.scan.name
        np.testing.assert_allclose(area[shared], known[shared], rtol=0.04, err_msg=scan.scan.name)


def test_levels_of_every_scan_lie_where_the_truth_has_them(result):
    """Of voxels in both masks at least 90 % carry the true level: the rest lie within a voxel of a border."""
    for scan in result.scans:
        name = scan.scan.name
        truth = load_levels(
            sample_folder() / f"derivatives/truth/sub-{SUBJECT}/anat/{name}_label-levels_dseg.nii.gz",
            like=scan.scan.grid,
        ).data
        both = (truth >= 2) & (truth <= 8) & (scan.levels > 0)
        assert (scan.levels[both] == truth[both]).mean() > 0.9, name
        assert np.abs(scan.levels[both].astype(int) - truth[both]).max() <= 1, name


def test_one_click_confirms_all_scans_and_carrying_over_is_said(result):
    assert all(scan.labelling.confirmed for scan in result.scans)
    assert not any("unconfirmed" in flag for scan in result.scans for flag in scan.flags)
    assert not any("carried over" in flag for flag in result.scans[0].flags)
    assert all(any("carried over" in flag for flag in scan.flags) for scan in result.scans[1:])


def test_guessed_names_are_said_everywhere(subject_folder, result, tmp_path):
    scan = result.scans[0]
    guess = measure_scan(scan.scan, scan.mask, replace(scan.labelling, confirmed=False, flags=()))
    exam = replace(result, scans=(guess,), maps=())
    assert any("unconfirmed" in flag for flag in guess.flags)
    table = metrics_table(exam)
    assert table.flag.str.contains("levels unconfirmed").all()
    assert "levels unconfirmed" in report_page([exam])
    write_exams([exam], tmp_path)
    paths = scan_paths(scan.scan.source.path.name, exam.exam, tmp_path)
    sidecar = json.loads(paths.levels.with_name(paths.levels.name.replace(".nii.gz", ".json")).read_text())
    assert sidecar["Parameters"]["confirmed"] is False
    assert any("unconfirmed" in flag for flag in sidecar["Flags"])


def test_everything_written_reads_back_and_gives_the_same_numbers(result, tmp_path):
    written = write_exams([result], tmp_path, author="A. Reader")
    assert all(path.is_file() for path in written)
    table = pd.read_csv(tmp_path / "metrics.tsv", sep="\t", keep_default_na=False)
    for scan in result.scans:
        paths = scan_paths(scan.scan.source.path.name, result.exam, tmp_path)
        mask = load_mask(paths.mask, like=scan.scan.grid)
        again = slice_shapes(mask.data, mask.grid)
        np.testing.assert_allclose(again.area_mm2, scan.shapes.area_mm2, rtol=1e-9)
        np.testing.assert_array_equal(load_levels(paths.levels, like=scan.scan.grid).data, scan.levels)
        rows = table[(table.scan == scan.scan.name) & (table.metric == "area") & (table.structure == "cord")]
        np.testing.assert_allclose(rows.value.astype(float), scan.level_shapes.mean["area_mm2"], rtol=1e-9)
    sidecar = json.loads((tmp_path / "metrics.json").read_text())
    assert sidecar["Author"] == "A. Reader"
    assert len(sidecar["Sources"]) == len(result.scans) + 1  # the diffusion series; MTR lies on a measured scan


def test_sources_are_untouched_and_outputs_kept(result, subject_folder, tmp_path):
    before = {path: path.read_bytes() for path in subject_folder.rglob("*") if path.is_file()}
    write_exams([result], tmp_path)
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="--force"):
        write_exams([result], tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == kept
    write_exams([result], tmp_path, overwrite=True)
    assert {path: path.read_bytes() for path in subject_folder.rglob("*") if path.is_file()} == before


def test_exams_that_share_a_folder_keep_their_own_tables(result, tmp_path):
    other = replace(result, exam=replace(result.exam, subject="other"))
    first = write_exams([result], tmp_path, shared=True)[0]
    kept = first.read_bytes()
    second = write_exams([other], tmp_path, shared=True)[0]
    assert first != second
    assert first.read_bytes() == kept
    assert set(pd.read_csv(second, sep="\t").subject) == {"other"}


def test_the_report_shows_every_scan_and_needs_nothing_else(result):
    page = report_page([result])
    for scan in result.scans:
        assert scan.scan.name in page
        assert scan.scan.source.sha256 in page
    assert page.count("data:image/png;base64,") == 3 * len(result.scans) + 4 + 2  # of diffusion and of MT
    assert "Not for diagnosis" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_names_in_the_report_are_escaped(result):
    scan = result.scans[0]
    evil = replace(scan, flags=("<b>bold</b>",))
    assert "<b>bold" not in report_page([replace(result, scans=(evil,))])


def test_a_scan_without_cord_is_named_beside_good_ones(subject_folder, tmp_path):
    t2star = load_scan(subject_folder / "anat" / f"sub-{SUBJECT}_T2star.nii.gz")
    empty = tmp_path / f"sub-{SUBJECT}_T1w.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros(t2star.grid.shape, np.int16), t2star.grid.affine), empty)
    found = analyze_exam(find_exam([empty, t2star.source.path]))
    assert [scan.scan.contrast for scan in found.scans] == [Contrast.T2STAR]
    assert found.skipped[0][0] == f"sub-{SUBJECT}_T1w"


@pytest.mark.parametrize("error", [BackendError("It failed: no memory."), InputError("Its mask lies elsewhere.")])
def test_a_scan_that_another_program_refuses_is_named_beside_good_ones(subject_folder, monkeypatch, error):
    names = [f"sub-{SUBJECT}_{suffix}" for suffix in ("PSIR", "T2star")]
    truth = sample_folder() / f"derivatives/truth/sub-{SUBJECT}/anat"

    def program(backend, scan, structure, progress):
        if scan.name == names[0]:
            raise error
        return ExternalMask(load_mask(truth / f"{scan.name}_label-cord_mask.nii.gz", like=scan.grid).data, {})

    monkeypatch.setattr("napari_spinalq.pipeline.segment_with", program)
    exam = find_exam([subject_folder / "anat" / f"{name}.nii.gz" for name in names])
    found = analyze_exam(exam, guidance=Guidance(backend=Backend.SCT))
    assert [scan.scan.name for scan in found.scans] == names[1:]
    assert found.skipped == ((names[0], str(error).rstrip(".")),)


def test_a_program_that_is_missing_is_said_once(subject_folder, monkeypatch):
    def missing(*_):
        raise BackendError("Spinal Cord Toolbox was not found.")

    monkeypatch.setattr("napari_spinalq.pipeline.segment_with", missing)
    with pytest.raises(InputError) as refusal:
        analyze_exam(find_exam([subject_folder]), guidance=Guidance(backend=Backend.SCT))
    assert str(refusal.value) == "Spinal Cord Toolbox was not found."


def test_an_exam_without_any_cord_is_refused(tmp_path):
    empty = tmp_path / "t2.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((20, 20, 20), np.int16), np.eye(4)), empty)
    with pytest.raises(InputError, match="No scan of this exam"):
        analyze_exam(find_exam([empty]))


def test_without_discs_the_numbers_come_per_slice_only_and_it_is_said(subject_folder):
    scan = load_scan(subject_folder / "anat" / f"sub-{SUBJECT}_T2star.nii.gz")
    found = analyze_scan(scan)
    assert NO_LEVELS in found.flags
    assert len(found.level_shapes) == 0
    exam = ExamResult(Exam(SUBJECT, "", ()), (found,))
    assert f"area {found.shapes.area_mm2.mean():.1f} mm² on average" in report_page([exam])
    table = metrics_table(exam)
    area = table[(table.metric == "area") & (table.structure == "cord")]
    assert len(area) == len(found.shapes) > 10
    assert (area.level == "").all()
    assert area.flag.str.contains("levels unknown").all()


def test_a_mask_of_one_slice_is_measured(subject_folder, click):
    scan = load_scan(subject_folder / "anat" / f"sub-{SUBJECT}_T2star.nii.gz")
    mask = np.zeros(scan.grid.shape, np.uint8)
    mask[45:60, 50:62, 10] = 1
    found = measure_scan(scan, mask, Labelling((click,), True))
    assert len(found.shapes) == 1
    assert found.shapes.area_mm2[0] == pytest.approx(15 * 12 * 0.25, rel=1e-6)


def test_labels_on_a_contrast_without_discs_rest_on_clicks_alone(subject_folder, click):
    scan = load_scan(subject_folder / "anat" / f"sub-{SUBJECT}_T2star.nii.gz")
    mask = load_mask(
        sample_folder() / f"derivatives/truth/sub-{SUBJECT}/anat/sub-{SUBJECT}_T2star_label-cord_mask.nii.gz"
    )
    lower = Disc(6, tuple(np.add(click.position_mm, (-1.5, -5.0, -51.0))))
    found = label_mask(scan, mask.data, (click, lower))
    assert [disc.name for disc in found.labelling.discs] == ["C2-C3", "C3-C4", "C4-C5", "C5-C6"]
    assert any("interpolated" in flag for flag in found.flags)


def readme_areas():
    """Return the rows of the README's tables as (level, numbers)."""
    lines = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if re.match(r"\| [CT]\d+ \|", line)]
    return [(row[0], [float(cell) for cell in row[1:] if cell]) for row in cells]


def check_structures(outcome):
    """Errors of grey and white matter and canal stay within what the documents say, in print and in numbers."""
    lines = [line for line in outcome.against_truth if " GM " in line]
    assert len(lines) == sum(len(result.scans) for result in outcome.exams)
    assert not any("not measured" in line for line in lines)
    limits = {"gm": 5.0, "wm": 3.0, "canal": 3.0}
    for result in outcome.exams:
        for scan in result.scans:
            if scan.scan.contrast not in (Contrast.T2STAR, Contrast.PSIR):
                continue
            for one in scan.structures:
                area = pd.Series(one.level_shapes.mean["area_mm2"], index=level_names(one.level_shapes))
                known = true_areas(result.exam.subject, one.name)
                error = 100 * (area[list(COMPARED_LEVELS)] / known[list(COMPARED_LEVELS)] - 1)
                assert error.abs().mean() < limits[one.name], (scan.scan.name, one.name)


@pytest.mark.slow
def test_the_demonstration_writes_both_exams_and_compares_them(tmp_path):
    outcome = run_demo(tmp_path / "demo")
    assert {result.exam.subject for result in outcome.exams} == {"healthy01", "als01"}
    assert len(outcome.against_truth) == 2 * (1 + sum(len(result.scans) for result in outcome.exams))
    check_structures(outcome)
    assert {"metrics.tsv", "report.html"} <= {path.name for path in outcome.written}
    shown = readme_areas()
    for table in outcome.area_tables:
        for row in table.rows:
            numbers = [float(cell) for cell in row[1:] if cell]
            assert any(
                line[0] == row[0] and np.allclose(line[1], numbers, atol=0.2)
                for line in shown
                if len(line[1]) == len(numbers)
            ), row
    with pytest.raises(InputError, match="--force"):
        run_demo(tmp_path / "demo")

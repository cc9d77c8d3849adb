"""Grey matter, white matter and canal in files: written, read back, measured again, and never missing in silence."""

from __future__ import annotations

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from napari_spinalq.derivatives import metrics_table, scan_paths, write_exams
from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.reopen import saved_work
from napari_spinalq.results import DrawnStructure, ExamResult

AFFINE = nib.affines.from_matvec(np.diag([-0.5, 0.5, 3.0]), [12.0, -15.0, -20.0])
SHAPE = (48, 60, 14)
X, Y, Z = np.indices(SHAPE, dtype=float)
CORD = (((X - 23.5) * 0.5 / 6) ** 2 + ((Y - 29.5) * 0.5 / 4) ** 2 <= 1).astype(np.uint8)
CANAL = (((X - 23.5) * 0.5 / 9) ** 2 + ((Y - 29.5) * 0.5 / 7) ** 2 <= 1).astype(np.uint8)
GREY = ((np.abs(X - 23.5) < 6) & (np.abs(Y - 29.5) < 3)).astype(np.uint8)
DISCS = Labelling((Disc(3, (0.0, 6.0, 24.0)), Disc(4, (0.0, 6.0, 1.0)), Disc(5, (0.0, 6.0, -24.0))), confirmed=True)
NOT_SEEN = "GM not measurable on this scan: no contrast between grey and white matter"


class Saved:
    """An exam of one scan with cord, grey matter and canal, and a folder for its results."""

    def __init__(self, root):
        path = root / "sub-01" / "anat" / "sub-01_T2star.nii.gz"
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image((100 + 50 * CORD).astype(np.int16), AFFINE), path)
        self.exam, self.folder = find_exam([root / "sub-01"]), root / "out"
        self.scan = load_scan(path)
        self.paths = scan_paths(path.name, self.exam, self.folder)

    def measured(self, *, gm=GREY, canal=CANAL, labelling=DISCS):
        why = (NOT_SEEN,) if gm is None else ()
        drawn = (DrawnStructure("gm", gm, why, {"method": "test"}), DrawnStructure("canal", canal))
        return ExamResult(self.exam, (measure_scan(self.scan, CORD, labelling, drawn=drawn),))


@pytest.fixture
def saved(tmp_path) -> Saved:
    return Saved(tmp_path)


def areas(table, structure):
    rows = table[(table["structure"] == structure) & (table["metric"] == "area")]
    return rows.set_index("level")["value"].astype(float)


def test_every_structure_has_its_rows_and_the_areas_add_up(saved):
    table = metrics_table(saved.measured())
    assert list(dict.fromkeys(table["structure"])) == ["cord", "gm", "wm", "canal"]
    cord, grey, white, canal = (areas(table, name) for name in ("cord", "gm", "wm", "canal"))
    assert grey.tolist() == pytest.approx([12 * 6 * 0.25] * 2)
    assert (grey + white).tolist() == pytest.approx(cord.tolist())
    assert canal.tolist() == pytest.approx([np.pi * 63] * 2, rel=0.01)
    assert not table["flag"].str.contains("GM|WM|canal").any()


@pytest.mark.parametrize("per", ["level", "slice"])
def test_grey_matter_that_is_not_seen_is_said_in_every_row_and_file(saved, per):
    result = saved.measured(gm=None)
    table = metrics_table(result, per)
    for name in ("gm", "wm"):
        rows = table[table["structure"] == name]
        assert len(rows) == len(table[(table["structure"] == "cord") & (table["metric"] == "area")])
        assert rows["value"].isna().all()
        assert rows["flag"].str.contains(NOT_SEEN).all()
    write_exams([result], saved.folder)
    assert not saved.paths.gm.exists()
    assert saved.paths.canal.is_file()
    assert NOT_SEEN in saved.folder.joinpath("report.html").read_text()
    assert any(NOT_SEEN in flag for flag in json.loads((saved.folder / "metrics.json").read_text())["Flags"])
    written = pd.read_csv(saved.folder / "metrics.tsv", sep="\t", keep_default_na=False)
    assert (written[written["structure"] == "gm"]["value"] == "n/a").all()


def test_a_level_without_grey_matter_says_so(saved):
    grey = GREY.copy()
    grey[:, :, 7:] = 0  # C3
    table = metrics_table(saved.measured(gm=grey))
    rows = table[(table["structure"] == "gm") & (table["metric"] == "area")].set_index("level")
    assert np.isnan(rows.loc["C3", "value"])
    assert "GM not drawn here" in rows.loc["C3", "flag"]
    assert rows.loc["C4", "value"] > 0


def test_grey_matter_outside_of_the_cord_is_kept_and_flagged(saved):
    grey = GREY.copy()
    grey[2:4, 29, 5] = 1
    result = saved.measured(gm=grey)
    found = result.scans[0].structure("gm")
    np.testing.assert_array_equal(found.mask, grey)
    assert "grey matter outside the cord: 2 voxels (slice 5)" in found.flags
    table = metrics_table(result)
    assert table[(table["structure"] == "gm") & (table["level"] == "C4")]["flag"].str.contains("outside the cord").all()
    white = result.scans[0].structure("wm")
    assert white.shapes.area_plain_mm2[5] == pytest.approx(white.shapes.area_plain_mm2[4])


def test_a_canal_that_cuts_the_cord_is_flagged(saved):
    canal = CANAL.copy()
    canal[20:24, 29, 8] = 0
    flags = saved.measured(canal=canal).scans[0].structure("canal").flags
    assert "cord outside the canal: 4 voxels (slice 8)" in flags


def test_an_emptied_mask_is_a_flag_and_no_file(saved):
    result = saved.measured(gm=np.zeros_like(GREY))
    assert result.scans[0].structure("gm").flags == ("GM not measured: its mask is empty",)
    assert result.scans[0].structure("wm").flags == ("WM not measured: GM not measured: its mask is empty",)
    write_exams([result], saved.folder)
    assert not saved.paths.gm.exists()


def test_without_levels_the_rows_come_per_slice(saved):
    table = metrics_table(saved.measured(labelling=Labelling((), confirmed=False)))
    for name in ("cord", "gm", "wm", "canal"):
        rows = table[(table["structure"] == name) & (table["metric"] == "area")]
        assert len(rows) == SHAPE[2]
        assert rows["flag"].str.contains("levels unknown").all()


def test_masks_are_written_under_names_of_their_own_with_provenance(saved):
    written = write_exams([saved.measured()], saved.folder)
    names = {path.name for path in written}
    assert {"sub-01_space-T2star_label-GM_mask.nii.gz", "sub-01_space-T2star_label-canal_mask.nii.gz"} <= names
    image = nib.load(saved.paths.gm)
    np.testing.assert_array_equal(np.asarray(image.dataobj), GREY)
    np.testing.assert_array_equal(image.affine, AFFINE)
    sidecar = json.loads(saved.paths.gm.with_name(saved.paths.gm.name.replace(".nii.gz", ".json")).read_text())
    assert sidecar["Sources"][0]["SHA256"] == saved.scan.source.sha256
    assert sidecar["Parameters"] == {"method": "test"}
    assert not any("label-WM" in name for name in names), "white matter follows from the other two"


@pytest.mark.parametrize("per", ["level", "slice"])
def test_measuring_the_files_again_gives_the_numbers_of_the_exam(run, saved, per):
    write_exams([saved.measured()], saved.folder)
    expected = metrics_table(saved.measured(), per)
    out = saved.folder / "again.tsv"
    words = ("--levels", saved.paths.levels, "--per", per, "--cord", saved.paths.mask, "-o", out, "--force")
    for path, names in ((saved.paths.gm, ("gm", "wm")), (saved.paths.canal, ("canal",))):
        code, _, err = run("measure", path, *words)
        assert code == 0, err
        found = pd.read_csv(out, sep="\t", keep_default_na=False)
        assert tuple(dict.fromkeys(found["structure"])) == names
        for name in names:
            rows, known = (table[table["structure"] == name] for table in (found, expected))
            assert rows["metric"].tolist() == known["metric"].tolist()
            np.testing.assert_allclose(rows["value"].astype(float), known["value"], rtol=1e-9, atol=1e-9)


def test_tissue_without_its_cord_is_measured_and_said(run, saved):
    write_exams([saved.measured()], saved.folder)
    out = saved.folder / "again.csv"
    code, said, err = run("measure", saved.paths.gm, "--per", "slice", "-o", out)
    assert code == 0, err
    assert "without its cord" in said
    assert set(pd.read_csv(out)["structure"]) == {"gm"}


def test_a_structure_can_be_named_by_hand(run, saved):
    path, out = saved.folder / "drawn.nii.gz", saved.folder / "m.csv"
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(GREY, AFFINE), path)
    assert run("measure", path, "--per", "slice", "--structure", "gm", "-o", out)[0] == 0
    assert set(pd.read_csv(out)["structure"]) == {"gm"}


def test_the_columns_of_spinal_cord_toolbox_hold_the_mask_alone(run, saved):
    write_exams([saved.measured()], saved.folder)
    out = saved.folder / "m.csv"
    words = ("--levels", saved.paths.levels, "--cord", saved.paths.mask, "--format", "sct", "-o", out)
    assert run("measure", saved.paths.gm, *words)[0] == 0
    assert len(pd.read_csv(out)) == 2


def test_a_cord_beside_a_cord_is_refused(run, saved):
    write_exams([saved.measured()], saved.folder)
    code, _, err = run(
        "measure", saved.paths.mask, "--cord", saved.paths.mask, "--per", "slice", "-o", saved.folder / "m.csv"
    )
    assert code == 2
    assert "of no use" in err


def test_an_empty_mask_of_a_file_is_refused(saved):
    from napari_spinalq.derivatives import measure_files

    empty = saved.folder / "sub-01_label-GM_mask.nii.gz"
    empty.parent.mkdir()
    nib.save(nib.Nifti1Image(0 * GREY, AFFINE), empty)
    nib.save(nib.Nifti1Image(CORD, AFFINE), saved.folder / "cord.nii.gz")
    with pytest.raises(InputError, match="empty"):
        measure_files(empty, None, per="slice", table_format="tidy", cord_path=saved.folder / "cord.nii.gz")


def test_flags_of_all_structures_reach_the_sidecar_of_the_table(saved):
    result = saved.measured()
    scan = result.scans[0]
    flagged = replace(scan, structures=(replace(scan.structures[0], flags=("look here",)), *scan.structures[1:]))
    write_exams([replace(result, scans=(flagged,))], saved.folder)
    assert "sub-01_T2star: look here" in json.loads((saved.folder / "metrics.json").read_text())["Flags"]


def confident(saved, **more):
    """Return the exam with an automatic cord: sure of all slices but the lowest, and blind in the last."""
    probability, error = [0.3] + [0.95] * 12 + [None], [30.0] + [8.0] * 12 + [None]
    parameters = {"confidence": {"probability": probability, "area_error_percent": error}, **more}
    return ExamResult(saved.exam, (measure_scan(saved.scan, CORD, DISCS, parameters=parameters),))


@pytest.mark.parametrize("per", ["level", "slice"])
def test_measuring_a_saved_cord_gives_the_interval_and_the_doubts_of_the_exam(saved, run, per):
    result = confident(saved)
    expected = metrics_table(result, per)
    expected = expected[expected["structure"] == "cord"]
    write_exams([result], saved.folder)
    out = saved.folder / "again.tsv"
    assert run("measure", saved.paths.mask, "--levels", saved.paths.levels, "--per", per, "-o", out)[0] == 0
    again = pd.read_csv(out, sep="\t", dtype={"slice": str})
    keys = ["level", "slice", "metric"]
    both = expected.merge(again, on=keys, suffixes=("", "_again"))
    assert len(both) == len(expected) == len(again)
    assert both["value_again"].to_numpy() == pytest.approx(both["value"].to_numpy(), nan_ok=True)
    low = both["flag"].str.contains("low confidence")
    assert low.any()
    assert (both["flag_again"].str.contains("low confidence") == low).all()
    assert (both["metric"] == "area_ci95_low").any()


BROKEN = [
    {"confidence": "high"},
    {"confidence": {"probability": [0.9] * 14}},
    {"confidence": {"probability": [0.9] * 3, "area_error_percent": [5.0] * 3}},
    {"confidence": {"probability": [7.0] * 14, "area_error_percent": [5.0] * 14}},
    {"confidence": {"probability": [0.9] * 14, "area_error_percent": [-5.0] * 14}},
    {"confidence": {"probability": ["a"] * 14, "area_error_percent": [5.0] * 14}},
    {"edited_slices": [14]},
    {"edited_slices": [[1], [2, 3]]},
    {"edited_slices": "all"},
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_broken_record_of_confidence_is_refused_and_not_read_as_none(saved, run, broken):
    write_exams([confident(saved)], saved.folder)
    beside = saved.paths.mask.with_name(saved.paths.mask.name.replace(".nii.gz", ".json"))
    record = json.loads(beside.read_text())
    record["Parameters"].update(broken)
    beside.write_text(json.dumps(record))
    out = saved.folder / "again.tsv"
    code, _, err = run("measure", saved.paths.mask, "--per", "slice", "-o", out)
    assert code == 2
    assert "record of" in err
    assert err.strip().count("\n") == 0
    assert not out.exists()
    assert any("record of" in why for why in saved_work(saved.scan, saved.exam, saved.folder).refusals)


def test_without_knowing_which_slices_were_edited_no_confidence_is_claimed(saved):
    assert confident(saved, edited_by_hand=True, edited_slices=None).scans[0].confidence is None
    known = confident(saved, edited_by_hand=True, edited_slices=[3]).scans[0].confidence
    assert np.flatnonzero(np.isnan(known.probability)).tolist() == [3, 13]


def test_a_mask_is_not_its_own_level_map(saved, run):
    write_exams([confident(saved)], saved.folder)
    mask = saved.paths.mask
    code, _, err = run("measure", mask, "--levels", mask, "-o", saved.folder / "again.tsv")
    assert (code, "as mask and as level map" in err) == (2, True)

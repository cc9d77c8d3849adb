"""Which files are cord masks, which scan each belongs to by the names that tools give, and what is told of each."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.worklist.cases import ListedCase, Unpaired
from napari_spinalq.quality.worklist.survey import NOT_READ, examine, find_results, flags_table
from napari_spinalq.scan import file_sha256
from tests.quality.cases import cord, write_image, write_mask

MASKS = {
    "sub-01_ses-a_acq-ax_space-T2star_label-cord_mask.nii.gz": "sub-01_ses-a_acq-ax_T2star.nii.gz",
    "sub-01_T2w_label-SC_seg.nii.gz": "sub-01_T2w.nii.gz",
    "sub-01_T2w_seg-manual.nii.gz": "sub-01_T2w.nii.gz",
    "sub-01_T2w_seg.nii.gz": "sub-01_T2w.nii.gz",
    "mt1_seg.nii": "mt1.nii.gz",
    "template_cord.nii.gz": "template.nii.gz",
}
NO_CORD_MASKS = (
    "t2s_gmseg_manual.nii.gz", "sub-01_space-T2w_label-GM_mask.nii.gz", "sub-01_space-T2w_label-levels_dseg.nii.gz",
    "sub-01_T2w_csfseg-manual.nii.gz", "sub-01_space-T2w_label-canal_mask.nii.gz",
)  # fmt: skip


def fill(folder: Path, *, masks: tuple[str, ...] = (), scans: tuple[str, ...] = ()) -> None:
    for name in masks:
        write_mask(folder / name)
    for name in scans:
        write_image(folder / name)


def cases(*places: Path, **options) -> list[ListedCase]:
    return [one for one in find_results(places, **options) if isinstance(one, ListedCase)]


@pytest.mark.parametrize(("mask", "scan"), MASKS.items())
def test_a_mask_finds_its_scan_beside_it(tmp_path, mask, scan):
    fill(tmp_path, masks=(mask, *NO_CORD_MASKS), scans=(scan, "other.nii.gz"))
    (case,) = cases(tmp_path)
    assert (case.mask.name, case.image.name) == (mask, scan)
    (case,) = cases(tmp_path / mask)
    assert (case.mask.name, case.image.name) == (mask, scan)


def test_subject_and_session_come_from_names_or_folders(tmp_path):
    fill(tmp_path / "sub-7" / "ses-b" / "anat", masks=("t2_seg.nii.gz",), scans=("t2.nii.gz",))
    fill(tmp_path / "loose", masks=("sub-8_T2w_seg.nii.gz", "sub-9_space-T2star_label-cord_mask.nii.gz"))
    found = {one.identity for one in find_results([tmp_path])}
    assert found == {("7", "b", "t2"), ("8", "", "sub-8_T2w"), ("9", "", "sub-9_T2star")}


def test_of_several_scans_of_one_name_the_one_beside_the_mask_counts(tmp_path):
    for subject in ("a", "b"):
        fill(tmp_path / subject, masks=("t2_seg.nii.gz",), scans=("t2.nii.gz",))
    found = cases(tmp_path)
    assert len(found) == 2
    assert all(case.image.parent.name == case.mask.parent.name for case in found)


def test_scans_of_one_name_elsewhere_are_told_apart_by_the_record_of_the_mask(tmp_path):
    mask = write_mask(tmp_path / "out" / "t2_seg.nii.gz")
    scans = [write_image(tmp_path / "data" / name / "t2.nii.gz", seed) for seed, name in enumerate("ab")]
    (lost,) = find_results([mask.parent], scans=tmp_path / "data")
    assert "Several images fit" in lost.reason
    record = {"Sources": [{"File": "t2.nii.gz", "SHA256": file_sha256(scans[1])}]}
    (mask.parent / "t2_seg.json").write_text(json.dumps(record))
    (case,) = cases(mask.parent, scans=tmp_path / "data")
    assert case.image == scans[1]


def test_a_folder_of_scans_that_was_named_goes_before_what_lies_beside_the_mask(tmp_path):
    fill(tmp_path / "out", masks=("t2_seg.nii.gz",), scans=("t2.nii.gz",))
    named = write_image(tmp_path / "data" / "t2.nii.gz")
    assert cases(tmp_path / "out", scans=tmp_path / "data")[0].image == named
    assert cases(tmp_path / "out" / "t2_seg.nii.gz", scans=tmp_path / "data")[0].image == named


def test_another_contrast_on_the_same_grid_is_never_taken_instead(tmp_path):
    masks = ("sub-1_T2w_seg.nii.gz", "sub-1_space-T2w_label-cord_mask.nii.gz")
    fill(tmp_path, masks=masks, scans=("sub-1_T1w.nii.gz",))
    found = find_results([tmp_path])
    assert len(found) == 2
    assert all("sub-1_T2w.nii.gz" in one.reason for one in found)


def test_a_mask_is_examined_once(tmp_path):
    fill(tmp_path, masks=("t2_seg.nii.gz",), scans=("t2.nii.gz",))
    assert len(find_results([tmp_path, tmp_path / "t2_seg.nii.gz"])) == 1


def test_a_folder_goes_on_without_the_scan_of_one_mask(tmp_path):
    fill(tmp_path, masks=("t1_seg.nii.gz", "t2_seg.nii.gz"), scans=("t1.nii.gz",))
    found = find_results([tmp_path])
    assert [type(one) for one in found] == [ListedCase, Unpaired]
    table = flags_table(examine(found))
    assert table.loc[0, ["scan", "check", "suspicion"]].tolist() == ["t2", NOT_READ, 1.0]
    assert "No image was found for t2_seg.nii.gz" in table.loc[0, "sentence"]
    assert NOT_READ not in set(table[table["scan"] == "t1"]["check"])


def test_a_single_mask_that_cannot_be_used_is_refused(tmp_path):
    fill(tmp_path, masks=("t2_seg.nii.gz",))
    with pytest.raises(InputError, match="No image was found"):
        examine(find_results([tmp_path]))


def test_a_folder_with_grey_matter_alone_holds_no_cord_mask(tmp_path):
    fill(tmp_path, masks=("t2s_gmseg.nii.gz",), scans=("t2s.nii.gz",))
    with pytest.raises(InputError, match="holds no cord mask"):
        find_results([tmp_path])


def test_a_mask_of_this_tool_in_its_place_brings_what_lies_beside_it(tmp_path):
    scan = "sub-1_T2w.nii.gz"
    fill(tmp_path / "in", scans=(scan,))
    own = tuple(f"sub-1_space-T2w_label-{what}_mask.nii.gz" for what in ("cord", "GM"))
    fill(tmp_path / "out" / "sub-1" / "anat", masks=own)
    fill(tmp_path / "truth" / "sub-1" / "anat", masks=("sub-1_T2w_label-cord_mask.nii.gz",))
    beside = {case.mask.parents[2].name: {path.name for path in case.beside.values()} for case in cases(tmp_path)}
    assert beside == {"out": {own[1]}, "truth": set()}
    (alone,) = cases(tmp_path / "out" / "sub-1" / "anat" / own[0], scans=tmp_path / "in")
    assert {path.name for path in alone.beside.values()} == {own[1]}


def test_what_was_made_on_another_state_of_the_scan_is_left_out_and_told(tmp_path):
    write_image(tmp_path / "t2.nii.gz")
    write_mask(tmp_path / "t2_seg.nii.gz")
    write_mask(tmp_path / "t2_gmseg.nii.gz", cord(2))
    sidecar = {"Sources": [{"File": "t2.nii.gz", "SHA256": "0" * 64}]}
    (tmp_path / "t2_gmseg.json").write_text(json.dumps(sidecar))
    (examined,) = examine(find_results([tmp_path]))
    assert "t2_gmseg.nii.gz was left out: t2.nii.gz is not the file" in examined.refusal
    assert examined.suspicion == 1.0
    assert [source.path.name for source in examined.sources] == ["t2.nii.gz", "t2_seg.nii.gz"]


@pytest.mark.parametrize("place", ["", "t2_seg.nii.gz"])
def test_grey_matter_on_another_grid_is_told_beside_the_cord_that_is_checked(tmp_path, place):
    fill(tmp_path, masks=("t2_seg.nii.gz", "t1_gmseg.nii.gz"), scans=("t2.nii.gz", "t1.nii.gz"))
    write_mask(tmp_path / "t1_seg.nii.gz")
    write_mask(tmp_path / "t2_gmseg.nii.gz", affine=np.diag([1.0, 1.0, 2.5, 1.0]))
    table = flags_table(examine(find_results([tmp_path / place])))
    refused = table[table["check"] == NOT_READ]
    assert refused["scan"].tolist() == ["t2"]
    assert "t2_gmseg.nii.gz lies on another grid" in refused["sentence"].iloc[0]
    assert set(table["scan"]) == ({"t2"} if place else {"t1", "t2"})


def test_a_mask_of_any_name_is_examined_on_the_scan_that_is_named(tmp_path):
    mask, image = write_mask(tmp_path / "mine.nii.gz"), write_image(tmp_path / "t2.nii.gz")
    with pytest.raises(InputError, match="--image"):
        find_results([mask])
    (examined,) = examine(find_results([mask], image=image))
    assert (examined.scan, examined.refusal) == ("t2", "")
    assert not np.isnan(examined.suspicion)

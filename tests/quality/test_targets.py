"""Which files are cord masks, and which scan each belongs to, by the names that tools give them."""

from pathlib import Path

import pytest

from napari_spinalq.quality.targets import find_targets

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


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(("mask", "scan"), MASKS.items())
def test_a_mask_finds_its_scan_beside_it(tmp_path, mask, scan):
    touch(tmp_path, mask, scan, "other.nii.gz", *NO_CORD_MASKS)
    (target,) = find_targets([tmp_path])
    assert (target.mask.name, target.image.name) == (mask, scan)


def test_subject_and_session_come_from_names_or_folders(tmp_path):
    touch(tmp_path / "sub-7" / "ses-b" / "anat", "t2_seg.nii.gz", "t2.nii.gz")
    touch(tmp_path / "loose", "sub-8_T2w_seg.nii.gz")
    found = {target.identity for target in find_targets([tmp_path])}
    assert found == {("7", "b", "t2"), ("8", "", "sub-8_T2w")}


def test_of_several_scans_of_one_name_the_one_beside_the_mask_counts(tmp_path):
    for subject in ("a", "b"):
        touch(tmp_path / subject, "t2_seg.nii.gz", "t2.nii.gz")
    assert all(target.image.parent.name == target.mask.parent.name for target in find_targets([tmp_path]))


def test_a_mask_is_examined_once(tmp_path):
    touch(tmp_path, "t2_seg.nii.gz", "t2.nii.gz")
    assert len(find_targets([tmp_path, tmp_path / "t2_seg.nii.gz"])) == 1


def test_a_folder_goes_on_without_the_scan_of_one_mask(tmp_path):
    touch(tmp_path, "t2_seg.nii.gz")
    assert [target.image for target in find_targets([tmp_path])] == [None]


def test_a_mask_of_this_tool_in_its_place_brings_its_folder(tmp_path):
    scan = "sub-1_T2w.nii.gz"
    touch(tmp_path / "in", scan)
    touch(tmp_path / "out" / "sub-1" / "anat", "sub-1_space-T2w_label-cord_mask.nii.gz")
    touch(tmp_path / "truth" / "sub-1" / "anat", "sub-1_T2w_label-cord_mask.nii.gz")
    roots = {target.mask.parents[2].name: target.root for target in find_targets([tmp_path])}
    assert roots == {"out": tmp_path / "out", "truth": None}

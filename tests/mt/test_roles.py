from pathlib import Path

import pytest

from napari_spinalq.contrast import Contrast, contrast_from_name
from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import find_exam
from napari_spinalq.mt.roles import MtRole, find_mt_pair, mt_role
from napari_spinalq.scan_choice import REASONS_TO_SKIP

ROLES = {
    "sub-01_mt-on_MTS": MtRole.ON,
    "sub-01_mt-off_MTS": MtRole.OFF,
    "sub-01_flip-1_mt-on_MTS": MtRole.ON,
    "sub-01_flip-1_mt-off_MTS": MtRole.OFF,
    "sub-01_flip-2_mt-off_MTS": MtRole.T1W,
    "sub-01_ses-2_run-1_flip-2_mt-off_MTS": MtRole.T1W,
    "sub-01_acq-MTon_MTS": MtRole.ON,
    "sub-01_acq-MToff_MTS": MtRole.OFF,
    "sub-01_acq-T1w_MTS": MtRole.T1W,
    "sub-01_mt-on_MTR": MtRole.ON,
    "sub-01_mt-off_MTR": MtRole.OFF,
    "mt1": MtRole.ON,
    "mt0": MtRole.OFF,
    "mt0_reg": MtRole.OFF,
    "MT_on": MtRole.ON,
    "MToff": MtRole.OFF,
    "mt_t1w": MtRole.T1W,
    "mt-t1": MtRole.T1W,
    "mt": None,
    "t1w": None,
    "sub-01_acq-ax_T1w": None,
}


@pytest.mark.parametrize("name", list(ROLES))
def test_role_is_told_by_the_name(name):
    assert mt_role(f"{name}.nii.gz") is ROLES[name]
    assert (contrast_from_name(name) is Contrast.MT) or ROLES[name] is None


def test_both_images_that_are_not_segmented_have_a_reason():
    assert set(REASONS_TO_SKIP) == {MtRole.OFF, MtRole.T1W}


def _exam(folder: Path, *names: str):
    for name in names:
        (folder / f"{name}.nii.gz").touch()
    return find_exam([folder])


@pytest.mark.parametrize(
    ("on", "off", "t1w"),
    [
        ("sub-1_mt-on_MTS", "sub-1_mt-off_MTS", "sub-1_flip-2_mt-off_MTS"),
        ("sub-1_flip-1_mt-on_MTS", "sub-1_flip-1_mt-off_MTS", "sub-1_flip-2_mt-off_MTS"),
        ("sub-1_acq-MTon_MTS", "sub-1_acq-MToff_MTS", "sub-1_acq-T1w_MTS"),
        ("mt1_crop", "mt0_crop", "mt_t1w_crop"),
        ("mt1", "mt0", "mt_t1w"),
        ("mt1", "mt0_reg", None),
        ("sub-1_mt-on_MTR", "sub-1_mt-off_MTR", None),
    ],
)
def test_pair_is_found_among_other_scans(tmp_path, on, off, t1w):
    others = ("sub-1_T2w", "sub-1_T1w") if on.startswith("sub") else ("t2", "t1", "mtr", "mt1_seg")
    found = find_mt_pair(_exam(tmp_path, *filter(None, (on, off, t1w)), *others))
    assert found is not None
    assert (found.on.name, found.off.name, found.t1w and found.t1w.name) == (on, off, t1w)


def test_images_of_one_acquisition_are_kept_together(tmp_path):
    found = find_mt_pair(_exam(tmp_path, "mt1", "mt0", "mt0_reg"))
    assert found is not None
    assert found.off.name == "mt0"


def test_an_exam_without_a_pair_has_none(tmp_path):
    assert find_mt_pair(_exam(tmp_path, "sub-1_T2w", "sub-1_mt-on_MTS")) is None


def test_several_candidates_are_named(tmp_path):
    names = [f"sub-1_run-{run}_mt-{state}_MTS" for run in (1, 2) for state in ("on", "off")]
    with pytest.raises(InputError, match=r"several MT acquisitions \(.*run-1_mt-off.*run-2_mt-on"):
        find_mt_pair(_exam(tmp_path, *names))


def test_two_images_of_one_kind_are_named(tmp_path):
    with pytest.raises(InputError, match=r"several images without it \(mt0_a\.nii\.gz, mt0_b\.nii\.gz\)"):
        find_mt_pair(_exam(tmp_path, "mt1", "mt0_a", "mt0_b"))

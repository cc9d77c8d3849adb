"""Grey matter and canal come back beside their cord, each judged by itself."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.derivatives import write_exams
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.sidecar import sidecar_path
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.reopen import SOFTENED, results_of_others
from napari_spinalq.results import DrawnStructure, ExamResult
from tests.test_reopen import AFFINE, DISCS, Saved, change_sidecar

WHY = "GM not measurable on this scan: no contrast between grey and white matter"
NAMED = Labelling(DISCS, confirmed=True)


class SavedWithStructures(Saved):
    """A scan, and cord, grey matter and canal that were saved for it."""

    def __init__(self, root):
        super().__init__(root)
        self.gm, self.canal = np.zeros_like(self.mask), np.zeros_like(self.mask)
        self.gm[10:13, 10:70, 10:12] = 1
        self.canal[5:18, 4:76, 7:15] = 1

    def save(self, *, gm="drawn", gm_flags=("GM is faint",), edited=False):
        grey = DrawnStructure("gm", self.gm, gm_flags, {"method": "fit", "edited_by_hand": edited})
        absent = DrawnStructure("gm", None, (WHY,))
        drawn = (grey if gm == "drawn" else absent, DrawnStructure("canal", self.canal))
        result = measure_scan(load_scan(self.file), self.mask, NAMED, drawn=drawn)
        write_exams([ExamResult(self.exam, (result,))], self.folder, overwrite=True, author="Ada")
        return result


@pytest.fixture
def work(tmp_path) -> SavedWithStructures:
    return SavedWithStructures(tmp_path)


def test_masks_flags_and_hands_come_back(work):
    work.save(edited=True)
    before, found = work.files(), work.find()
    grey, canal = found.drawn
    np.testing.assert_array_equal(grey.mask, work.gm)
    np.testing.assert_array_equal(canal.mask, work.canal)
    assert grey.flags == ("GM is faint",)
    assert grey.parameters["edited_by_hand"] is True
    assert canal.parameters["edited_by_hand"] is False
    assert not found.doubtful
    assert work.files() == before


def test_what_measuring_says_anew_is_not_kept(work):
    work.gm[8, 3, 9] = 1  # beside the cord
    result = work.save()
    assert any("outside the cord" in flag for flag in result.structure("gm").flags)
    assert work.find().drawn[0].flags == ("GM is faint",)


def test_that_it_was_looked_for_in_vain_comes_back_too(work):
    work.save(gm="absent")
    found = work.find()
    assert found.drawn[0].mask is None
    assert found.drawn[0].flags == (WHY,)
    assert "not_drawn" not in found.parameters


def test_saving_again_gives_the_same_files(work):
    first = work.save()
    found = work.find()
    again = measure_scan(
        load_scan(work.file), found.mask, found.labelling, parameters=found.parameters, flags=found.flags,
        drawn=found.drawn,
    )  # fmt: skip
    assert [one.flags for one in again.structures] == [one.flags for one in first.structures]
    for one, other in zip(again.structures, first.structures, strict=True):
        np.testing.assert_allclose(one.shapes.area_mm2, other.shapes.area_mm2)


def test_a_damaged_mask_takes_no_other_with_it(work):
    work.save()
    work.paths.gm.write_bytes(b"\x1f\x8b broken")
    found = work.find()
    assert [one.name for one in found.drawn] == ["canal"]
    assert found.mask is not None
    assert "label-GM_mask" in found.summary()


def test_a_mask_of_another_state_of_the_scan_is_refused(work):
    work.save()
    change_sidecar(work.paths.canal, Sources=[{"File": "x", "SHA256": "0" * 64}])
    found = work.find()
    assert [one.name for one in found.drawn] == ["gm"]
    assert "is not the file on which work was saved" in found.summary()


def test_without_a_usable_cord_nothing_beside_it_is_loaded(work):
    work.save()
    for path in (work.paths.mask, sidecar_path(work.paths.mask)):
        path.unlink()
    found = work.find()
    assert found.mask is None
    assert found.drawn == ()
    assert found.labelling.discs == DISCS


def test_a_soft_mask_is_cut_at_one_half_and_said(work):
    work.save()
    image = nib.Nifti1Image(np.where(work.gm, 0.6, 0.2).astype(np.float32), AFFINE)
    image.header.set_xyzt_units("mm")
    nib.save(image, work.paths.gm)
    found = work.find()
    np.testing.assert_array_equal(found.drawn[0].mask, work.gm)
    assert SOFTENED in found.drawn[0].flags
    assert SOFTENED in found.remarks


def test_scans_that_are_not_open_keep_the_rows_of_all_structures(work):
    work.save()
    (result,) = results_of_others(work.exam, work.folder, NAMED, opened=set())
    assert [one.name for one in result.structures] == ["gm", "wm", "canal"]
    assert all(one.shapes is not None for one in result.structures)


def test_a_broken_note_of_what_was_looked_for_in_vain_is_no_error(work):
    work.save(gm="absent")
    content = json.loads(sidecar_path(work.paths.mask).read_text())
    change_sidecar(work.paths.mask, Parameters={**content["Parameters"], "not_drawn": ["gm"]})
    assert [one.name for one in work.find().drawn] == ["canal"]

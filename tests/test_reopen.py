"""Saved work comes back as it was saved, or a sentence says why it does not."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.derivatives import scan_paths, write_exams
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.sidecar import read_record, sidecar_path
from napari_spinalq.levels.detect import UNCONFIRMED
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.reopen import NO_RECORD, SOFTENED, holds_work, results_of_others, saved_work
from napari_spinalq.results import ExamResult

AFFINE = np.array([[0, 0, -0.9, 10], [-1.1, 0, 0, 60], [0, 1.0, 0, -40], [0, 0, 0, 1.0]])
"""Axes posterior, superior, left: a mask that comes back in another axis order differs from the one that was saved."""

DISCS = (
    Disc(3, (0.1, 52.7, 30.0)),
    Disc(4, (0.2, 52.3, 13.3), Origin.DETECTED),
    Disc(5, (1 / 3, 52.1, -3.0), Origin.INTERPOLATED),
)
OWN_FLAG = "low margin between bright and dark cord: check the result"


def write_image(path, data):
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)


class Saved:
    """A scan of one exam, and the work that was saved for it."""

    def __init__(self, root):
        self.file = root / "sub-01" / "anat" / "sub-01_T2w.nii.gz"
        self.mask = np.zeros((24, 80, 22), dtype=np.uint8)
        self.mask[8:15, 4:76, 9:13] = 1
        self.mask[3, 40, 9] = 1  # a stroke by hand
        write_image(self.file, np.arange(self.mask.size, dtype=np.int32).reshape(self.mask.shape))
        self.folder = root / "derivatives" / "napari-spinalq"
        self.exam = find_exam([root / "sub-01"])
        self.paths = scan_paths(self.file.name, self.exam, self.folder)

    def write(self, labelling, *, parameters=None, flags=(OWN_FLAG,)):
        scan = load_scan(self.file)
        result = measure_scan(scan, self.mask, labelling, parameters=parameters, flags=flags)
        write_exams([ExamResult(self.exam, (result,))], self.folder, author="Ada")

    def find(self):
        return saved_work(load_scan(self.file), self.exam, self.folder)

    def files(self):
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def saved(tmp_path) -> Saved:
    made = Saved(tmp_path)
    made.write(Labelling(DISCS, confirmed=True), parameters={"edited_by_hand": True})
    return made


def change_source(saved):
    data = np.asarray(nib.load(saved.file).dataobj).copy()
    data[0, 0, 0] += 1
    write_image(saved.file, data)


def change_sidecar(path, **entries):
    beside = sidecar_path(path)
    beside.write_text(json.dumps(json.loads(beside.read_text()) | entries))


def test_all_comes_back_as_it_was_saved(saved):
    before, found = saved.files(), saved.find()
    assert found.mask.dtype == np.uint8
    np.testing.assert_array_equal(found.mask, saved.mask)
    assert found.labelling.discs == DISCS
    assert found.labelling.confirmed
    assert found.edited
    assert found.flags == (OWN_FLAG,)
    assert not found.doubtful
    assert saved.files() == before


def test_it_says_who_saved_it_and_when_in_local_time(saved):
    time = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
    change_sidecar(saved.paths.mask, Time=time.isoformat())
    assert saved.find().summary() == f"Work saved on {time.astimezone():%Y-%m-%d %H:%M} by Ada was loaded."


def test_nothing_was_saved(tmp_path):
    work = Saved(tmp_path)
    assert not holds_work(work.file.name, work.exam, work.folder)
    assert work.find() is None


def test_an_image_made_in_memory_has_no_saved_work(saved):
    assert saved_work(replace(load_scan(saved.file), source=None), saved.exam, saved.folder) is None


def test_only_what_exists_holds_work(saved):
    assert holds_work(saved.file.name, saved.exam, saved.folder)
    assert not holds_work("sub-01_T1w.nii.gz", saved.exam, saved.folder)


def test_unconfirmed_names_come_back_unconfirmed(tmp_path):
    work = Saved(tmp_path)
    work.write(Labelling(DISCS, confirmed=False))
    found = work.find()
    assert not found.labelling.confirmed
    assert not found.edited
    assert UNCONFIRMED in found.labelling.flags
    assert UNCONFIRMED not in found.flags, "it would stay with the mask when the names are confirmed"


def test_it_is_known_again_how_the_discs_were_found(tmp_path):
    work = Saved(tmp_path)
    work.write(Labelling(DISCS, confirmed=True, method={"backend": "sct", "version": "7.4"}))
    assert work.find().labelling.method == {"backend": "sct", "version": "7.4"}


def test_a_mask_without_discs(tmp_path):
    work = Saved(tmp_path)
    work.write(Labelling((), confirmed=False))
    found = work.find()
    np.testing.assert_array_equal(found.mask, work.mask)
    assert found.labelling is None
    assert found.flags == (OWN_FLAG,)
    assert not found.doubtful


def test_discs_without_a_mask(saved):
    saved.paths.mask.unlink()
    found = saved.find()
    assert found.mask is None
    assert found.labelling.discs == DISCS


def test_a_source_that_changed_takes_nothing_back(saved):
    change_source(saved)
    found = saved.find()
    assert not found.usable
    assert found.mask is None
    assert found.labelling is None
    assert len(found.refusals) == 1, "mask and discs are refused for one reason, said once"
    assert "sub-01_T2w.nii.gz is not the file on which work was saved on " in found.summary()
    assert saved.paths.mask.is_file()


def test_a_mask_on_another_grid_is_refused_and_the_discs_stay(saved):
    write_image(saved.paths.mask, saved.mask[:, :-1])
    found = saved.find()
    assert found.mask is None
    assert found.labelling.discs == DISCS
    assert "lies on another grid than its image: shape 24 x 79 x 22 against 24 x 80 x 22" in found.summary()


def test_without_a_sidecar_the_mask_is_used_and_it_is_said(saved):
    sidecar_path(saved.paths.mask).unlink()
    found = saved.find()
    np.testing.assert_array_equal(found.mask, saved.mask)
    assert f"mask {NO_RECORD}" in found.summary()
    assert f"mask {NO_RECORD}" in found.flags
    assert found.edited, "nobody can rule out that it was drawn by hand"
    assert found.doubtful


def test_without_a_sidecar_the_names_of_the_discs_are_unconfirmed(saved):
    sidecar_path(saved.paths.discs).unlink()
    found = saved.find()
    assert found.labelling.discs == DISCS
    assert not found.labelling.confirmed
    assert f"discs {NO_RECORD}" in found.summary()


def test_a_sidecar_that_does_not_tell_the_source_is_no_record_of_it(saved):
    change_sidecar(saved.paths.mask, Sources=["bids::sub-01/anat/sub-01_T2w.nii.gz"])
    assert f"mask {NO_RECORD}" in saved.find().summary()


def test_a_soft_mask_is_cut_at_a_half_and_it_is_said(saved):
    soft = saved.mask.astype(np.float32)
    soft[8, 4:76, 9:13], soft[14, 4:76, 9:13] = 0.5, 0.49
    write_image(saved.paths.mask, soft)
    expected = saved.mask.copy()
    expected[14] = 0
    found = saved.find()
    assert found.mask.dtype == np.uint8
    np.testing.assert_array_equal(found.mask, expected)
    assert SOFTENED in found.summary()
    assert SOFTENED in found.flags


def test_a_mask_of_float_zeros_and_ones_is_not_soft(saved):
    write_image(saved.paths.mask, saved.mask.astype(np.float32))
    assert not saved.find().doubtful


def test_a_soft_mask_without_cord_is_refused(saved):
    write_image(saved.paths.mask, saved.mask.astype(np.float32) * 0.4)
    found = saved.find()
    assert found.mask is None
    assert "reaches 0.5 nowhere" in found.summary()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda paths: _cut(paths.mask), "truncated or damaged gzip"),
        (lambda paths: paths.mask.write_bytes(b""), "is empty (0 bytes)"),
        (lambda paths: sidecar_path(paths.mask).write_text("{"), "is not a JSON object"),
        (lambda paths: change_sidecar(paths.mask, Parameters=[1]), "Parameters in the sidecar"),
        (lambda paths: change_sidecar(paths.mask, Sources={"File": "a"}), "Sources in the sidecar"),
        (lambda paths: change_sidecar(paths.mask, Time="yesterday"), "Time in the sidecar"),
    ],
)
def test_a_damaged_mask_is_refused_and_the_discs_stay(saved, damage, said):
    damage(saved.paths)
    found = saved.find()
    assert found.mask is None
    assert said in found.summary()
    assert found.labelling.discs == DISCS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no table of discs"),
        (b"\xff\xfe\x00a", "is no table of discs"),
        (b"name\tx_mm\ty_mm\tz_mm\torigin\n", "holds no disc"),
        (b"name\tx_mm\ty_mm\n", "has no column 'z_mm'"),
        (b"name\tx_mm\ty_mm\tz_mm\torigin\nC2-C3\t0.1\t52.7\t3", "cannot be used"),
        (b"name\tx_mm\ty_mm\tz_mm\torigin\nC2-C3\t0\t50\t0\tclicked\nC3-C4\t0\t50\t20\tclicked\n", "must lie below"),
    ],
)
def test_a_damaged_disc_table_is_refused_and_the_mask_stays(saved, content, said):
    saved.paths.discs.write_bytes(content)
    found = saved.find()
    assert found.labelling is None
    assert said in found.summary()
    np.testing.assert_array_equal(found.mask, saved.mask)


def test_a_file_that_cannot_be_read_is_said(saved, monkeypatch):
    real = Path.read_text

    def refused(path, *args, **kwargs):
        if path == sidecar_path(saved.paths.mask):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", refused)
    found = saved.find()
    assert found.mask is None
    assert "cannot be read (Permission denied)" in found.summary()


def test_work_that_is_saved_again_keeps_its_flags_and_gains_none(saved):
    first = saved.find()
    result = measure_scan(
        load_scan(saved.file), first.mask, first.labelling, parameters=first.parameters, flags=first.flags
    )
    before = read_record(saved.paths.mask)
    write_exams([ExamResult(saved.exam, (result,))], saved.folder, overwrite=True, author="Ada")
    after = read_record(saved.paths.mask)
    assert after.flags == before.flags
    assert after.parameters == before.parameters


def test_scans_saved_before_and_not_open_now_keep_their_rows(saved):
    labelling = Labelling(DISCS, confirmed=True)
    found = results_of_others(saved.exam, saved.folder, labelling, opened=set())
    assert [result.scan.name for result in found] == ["sub-01_T2w"]
    np.testing.assert_array_equal(found[0].mask, saved.mask)
    assert found[0].labelling.confirmed
    assert OWN_FLAG in found[0].flags
    expected = measure_scan(load_scan(saved.file), saved.mask, labelling)
    np.testing.assert_allclose(found[0].shapes.area_mm2, expected.shapes.area_mm2)
    assert results_of_others(saved.exam, saved.folder, labelling, opened={saved.file.resolve()}) == []


def test_their_own_discs_count_where_none_are_in_hand(saved):
    found = results_of_others(saved.exam, saved.folder, Labelling((), confirmed=False), opened=set())
    assert [disc.number for disc in found[0].labelling.discs] == [disc.number for disc in DISCS]


def test_a_mask_that_cannot_be_used_is_left_alone(saved):
    write_image(saved.file, np.zeros(saved.mask.shape, np.int32))
    before = saved.files()
    assert results_of_others(saved.exam, saved.folder, Labelling(DISCS, confirmed=True), opened=set()) == []
    assert saved.files() == before

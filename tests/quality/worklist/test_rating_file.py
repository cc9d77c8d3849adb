"""No rating is ever lost: other raters, other programs, closed folders, damaged files."""

import multiprocessing
import time
from datetime import UTC, datetime

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.worklist import rating_file
from napari_spinalq.quality.worklist.rating_file import STATE_VARIABLE, RatingFile
from napari_spinalq.quality.worklist.ratings import Rating, Verdict, header_line

IMAGES = {"a_seg.nii.gz": "a.nii.gz", "b_seg.nii.gz": "b.nii.gz"}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def opened(folder):
    made = RatingFile(folder, IMAGES)
    made.load()
    return made


def rating(verdict=Verdict.FAIL, mask="a_seg.nii.gz", rater="ann", comment=""):
    return Rating("case", mask, "m" * 64, "i" * 64, rater, datetime.now(UTC), verdict, comment)


def closed(monkeypatch, folder, error=None):
    """Let writing into a folder fail as on a disk that is read-only or full."""
    real = rating_file.write_whole

    def write(path, content, **settings):
        if path.parent == folder:
            raise error or InputError(f"{path} cannot be written (Permission denied); choose another output folder.")
        return real(path, content, **settings)

    monkeypatch.setattr(rating_file, "write_whole", write)


def test_ratings_are_there_when_the_folder_is_opened_again(folder):
    rows = [rating(), rating(Verdict.PASS, "b_seg.nii.gz")]
    file = opened(folder)
    for row in rows:
        file.add(row)
    assert list(opened(folder).rows) == rows
    assert (folder / "qc_fail.yml").read_text().splitlines()[1:] == ["FILES_SEG:", "- a.nii.gz"]
    assert not (folder / "qc_artifact.yml").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["qc_fail.yml", "ratings.tsv"]


def test_a_list_is_emptied_when_its_last_failure_is_withdrawn(folder):
    file = opened(folder)
    file.add(rating())
    file.add(rating(Verdict.WITHDRAWN))
    assert (folder / "qc_fail.yml").read_text().splitlines()[1:] == ["{}"]


def test_rows_that_others_wrote_meanwhile_stay(folder):
    ann, bo = opened(folder), opened(folder)
    ann.add(rating())
    bo.add(rating(rater="bo"))
    ann.add(rating(Verdict.PASS))
    assert [row.rater for row in opened(folder).rows] == ["ann", "bo", "ann"]


def _rate(folder, rater):
    file = RatingFile(folder, IMAGES)
    for _ in range(10):
        file.add(rating(rater=rater))


@pytest.mark.slow
def test_two_programs_that_write_at_once_lose_nothing(folder):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_rate, args=(folder, rater)) for rater in ("ann", "bo")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [sum(row.rater == rater for row in opened(folder).rows) for rater in ("ann", "bo")] == [10, 10]


@pytest.mark.parametrize("error", [None, OSError(28, "No space left on device")])
def test_a_folder_that_cannot_be_written_keeps_ratings_until_it_can(folder, monkeypatch, error):
    first, second = rating(), rating(Verdict.PASS, "b_seg.nii.gz")
    with monkeypatch.context() as patch:
        closed(patch, folder, error)
        file = opened(folder)
        with pytest.raises(InputError, match=r"kept in .*state"):
            file.add(first)
        assert file.rows == (first,)
        assert file.waiting == 1
        again = opened(folder)
        assert again.rows == (first,)
        assert not (folder / "ratings.tsv").exists()
    again.add(second)
    assert opened(folder).rows == (first, second)
    assert again.waiting == 0
    assert not again.kept.exists()


def test_without_any_place_to_write_they_stay_in_memory(folder, monkeypatch, state):
    state.write_text("a file where a folder should be")
    closed(monkeypatch, folder)
    file = opened(folder)
    with pytest.raises(InputError, match="memory only"):
        file.add(rating())
    assert len(file.rows) == 1


def test_unreadable_lines_and_columns_of_others_are_kept_to_the_letter(folder):
    table = folder / "ratings.tsv"
    odd = header_line().rstrip("\n") + "\tsite\nwhat is this?"
    table.write_text(odd)
    file = opened(folder)
    file.add(rating())
    assert file.bad_lines == (2,)
    assert table.read_text().startswith(odd + "\n")
    assert table.read_text().splitlines()[2].endswith("\tn/a")
    assert len(opened(folder).rows) == 1


def test_a_file_of_that_name_that_is_something_else_is_not_touched(folder):
    table = folder / "ratings.tsv"
    table.write_text("film\tstars\nBrazil\t5\n")
    file = RatingFile(folder, IMAGES)
    with pytest.raises(InputError, match="no table of ratings"):
        file.load()
    with pytest.raises(InputError, match="kept in"):
        file.add(rating())
    assert table.read_text() == "film\tstars\nBrazil\t5\n"


def test_a_list_by_another_program_is_left_alone(folder):
    other = folder / "qc_fail.yml"
    other.write_text("FILES_SEG:\n- mine.nii.gz\n")
    opened(folder).add(rating())
    assert other.read_text() == "FILES_SEG:\n- mine.nii.gz\n"
    assert "a.nii.gz" in (folder / "qc_fail_spinalq.yml").read_text()


def test_a_lock_that_a_dead_program_left_is_broken_and_a_live_one_waited_for(folder, monkeypatch):
    lock = folder / ".ratings.tsv.lock"
    lock.touch()
    monkeypatch.setattr(rating_file, "LOCK_WAIT_S", 0.05)
    file = opened(folder)
    with pytest.raises(InputError, match="being written by someone else"):
        file.add(rating())
    monkeypatch.setattr(rating_file, "LOCK_STALE_S", 0.01)
    time.sleep(0.02)
    file.flush()
    assert file.waiting == 0

"""Whatever the disk refuses, the lines are kept, the user is told in a sentence, and a retry brings all home."""

from __future__ import annotations

import errno
import json
import os
import subprocess

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.io.journal import Journal, Place, between, find_journal, read_journal
from napari_spinalq.io.journal import store as store_module
from napari_spinalq.io.journal.places import away_path
from tests.io.journal.conftest import image

REF = image()
real_write, real_open, real_fsync = os.write, os.open, os.fsync


def _stroke(journal, voxel=0):
    after = np.zeros(REF.order.work_shape, np.uint8)
    after.flat[voxel] = 1
    journal.note_mask(REF, "cord", "brush", between(None, after, REF.order), slices=(0,))


def _numbers(path):
    return [json.loads(line)["number"] for line in path.read_bytes().splitlines()]


class Disk:
    """Lets the calls of the system fail below one folder, as a full or dead disk does."""

    def __init__(self, monkeypatch, folder):
        self.folder, self.error, self.part = str(folder), None, 0
        self.below = set()
        monkeypatch.setattr(os, "open", self.open)
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "fsync", self.fsync)

    def open(self, path, *args, **kwargs):
        inside = str(path).startswith(self.folder)
        if inside and self.error in (errno.EROFS, errno.EACCES, errno.ENOENT):
            raise OSError(self.error, os.strerror(self.error))
        descriptor = real_open(path, *args, **kwargs)
        self.below.discard(descriptor)
        if inside:
            self.below.add(descriptor)
        return descriptor

    def write(self, descriptor, data):
        if self.error is None or descriptor not in self.below:
            return real_write(descriptor, data)
        if self.part:
            done, self.part = real_write(descriptor, data[: self.part]), 0
            return done
        raise OSError(self.error, os.strerror(self.error))

    def fsync(self, descriptor):
        if self.error == errno.EIO and descriptor in self.below:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real_fsync(descriptor)


@pytest.fixture
def disk(monkeypatch, home):
    monkeypatch.setattr(store_module, "RETRY_S", 0.0)
    return Disk(monkeypatch, home.parent)


def test_nothing_is_written_before_the_first_edit(home, tmp_path):
    Journal.at(home).store.close()
    assert list(tmp_path.rglob("*")) == []


def test_a_line_is_with_the_kernel_when_the_call_returns(home):
    journal = Journal.at(home)
    for voxel in range(3):
        _stroke(journal, voxel)
        assert _numbers(home)[-1] == voxel + 1
    assert journal.store.place is Place.HOME
    assert journal.store.flush()


@pytest.mark.parametrize(
    ("error", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "may not be written"), (errno.ENOENT, "not there any more")],
)
def test_a_closed_place_is_told_and_the_line_kept_with_the_user(home, disk, error, words):
    journal = Journal.at(home)
    _stroke(journal)
    disk.error = error
    home.unlink()  # a file that is open could still be written where the folder no longer can
    _stroke(journal, 1)
    assert journal.store.place is Place.AWAY
    assert words in journal.store.trouble
    assert _numbers(away_path(home)) == [1, 2]
    disk.error = None
    assert journal.store.retry()
    assert _numbers(home) == [1, 2]
    assert not away_path(home).exists()
    assert journal.store.trouble == ""
    _stroke(journal, 2)
    assert _numbers(home) == [1, 2, 3]


def test_half_a_line_on_a_full_disk_is_cut_off_again(home, disk):
    journal = Journal.at(home)
    _stroke(journal)
    disk.error, disk.part = errno.ENOSPC, 40
    _stroke(journal, 1)
    assert _numbers(home) == [1], "what could not be written whole is not left there"
    assert _numbers(away_path(home)) == [1, 2]
    disk.error = None
    _stroke(journal, 2)
    assert _numbers(home) == [1, 2, 3]


def test_without_any_place_the_lines_stay_in_memory(home, disk, state):
    disk.folder = str(home.parents[2])
    disk.error = errno.ENOSPC
    journal = Journal.at(home)
    _stroke(journal)
    _stroke(journal, 1)
    assert journal.store.place is Place.MEMORY
    assert "keep this window open" in journal.store.trouble
    assert journal.undo() is not None, "the history works without a disk"
    disk.error = None
    assert journal.store.retry()
    assert _numbers(home) == [1, 2, 3]


def test_a_flush_that_fails_is_told_and_all_is_written_elsewhere(home, disk):
    disk.error = errno.EIO
    journal = Journal.at(home)
    _stroke(journal)
    assert not journal.store.flush()
    assert "does not answer as it should" in journal.store.trouble
    _stroke(journal, 1)
    assert _numbers(away_path(home)) == [1, 2]


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
def test_a_file_removed_under_the_program_is_written_anew(home):
    journal = Journal.at(home)
    _stroke(journal)
    home.unlink()
    _stroke(journal, 1)
    assert _numbers(home) == [1, 2]


def test_a_file_in_place_of_the_folder_is_told(home):
    home.parent.parent.mkdir(parents=True)
    home.parent.write_text("in the way")
    journal = Journal.at(home)
    _stroke(journal)
    assert "a file stands where a folder is needed" in journal.store.trouble
    assert home.parent.read_text() == "in the way"
    assert _numbers(away_path(home)) == [1]


def test_a_disk_that_is_really_full(tmp_path, monkeypatch):
    """A file system of 64 kB in memory, where the system lets us make one."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no right to mount a file system here")
    try:
        monkeypatch.setattr(store_module, "RETRY_S", 0.0)
        journal, home = Journal.at(place / "x.edits.jsonl"), place / "x.edits.jsonl"
        _stroke(journal)
        (place / "filler").write_bytes(b"0" * (60 * 1024))
        for voxel in range(30):
            _stroke(journal, voxel)
        assert "the disk is full" in journal.store.trouble
        assert _numbers(away_path(home)) == list(range(1, 32))
        (place / "filler").unlink()
        assert journal.store.retry()
        assert _numbers(home) == list(range(1, 32))
        journal.store.close()
    finally:
        subprocess.run(["umount", "-l", place], check=False)


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_torn_last_line_is_told_kept_aside_and_gone_on_from(home, cut):
    journal = Journal.at(home)
    _stroke(journal)
    _stroke(journal, 1)
    journal.store.close()
    whole = home.read_bytes()
    torn = whole[:-cut]
    home.write_bytes(torn)
    text, remarks = find_journal(home)
    # Without its end a line that is whole but for that is still taken.
    expected = 2 if cut == 1 else 1
    assert len(text.lines) == expected
    assert home.read_bytes() == torn, "reading changes nothing"
    again = Journal.at(home, text)
    _stroke(again, 2)
    assert _numbers(home) == list(range(1, expected + 2))
    aside = list(home.parent.glob("*.aside-*.jsonl"))
    if cut == 1:
        assert (remarks, aside) == ([], [])
    else:
        assert "cut off" in remarks[0]
        assert aside[0].read_bytes() == torn[len(text.content) :]
        assert again.store.kept_aside == aside


def test_a_damaged_line_in_the_middle_ends_what_is_used_and_loses_nothing(home):
    journal = Journal.at(home)
    for voxel in range(4):
        _stroke(journal, voxel)
    journal.store.close()
    lines = home.read_bytes().splitlines(keepends=True)
    damaged = lines[0] + lines[1] + lines[3]
    home.write_bytes(damaged)
    text = read_journal(home)
    assert len(text.lines) == 2
    assert text.tail == lines[3]


@pytest.mark.parametrize(
    "odd",
    [
        {"changes": [[0, 300, [1, 3]]]},
        {"changes": [[-1, 1, [1, 3]]]},
        {"changes": [[0, 1, [10**30, 3]]]},
        {"image": {"axes": "XYZ"}},
        {"image": {"axes": "LRS"}},
        {"image": {"shape": [10**6, 10**6, 10**6]}},
        {"image": {"shape": [-1, 6, 7]}},
    ],
)
def test_numbers_that_no_image_has_end_what_is_used(home, odd):
    journal = Journal.at(home)
    for index in range(3):
        _stroke(journal, index)
    journal.store.close()
    lines = home.read_bytes().splitlines(keepends=True)
    told = json.loads(lines[1])
    told |= odd if "image" not in odd else {"image": told["image"] | odd["image"]}
    home.write_bytes(lines[0] + json.dumps(told).encode() + b"\n" + lines[2])
    text = read_journal(home)
    assert len(text.lines) == 1
    assert text.content + text.tail == home.read_bytes()


def test_a_journal_of_a_later_version_is_refused(home):
    journal = Journal.at(home)
    _stroke(journal)
    journal.store.close()
    home.write_bytes(home.read_bytes().replace(b'"schema":1', b'"schema":2'))
    with pytest.raises(InputError, match="later version"):
        read_journal(home)


def test_what_is_no_journal_is_refused_and_kept(home):
    home.parent.mkdir(parents=True)
    home.write_text("dear diary\n")
    with pytest.raises(InputError, match="is no journal of edits"):
        read_journal(home)
    journal = Journal.at(home)
    _stroke(journal)
    (aside,) = journal.store.kept_aside
    assert aside.read_text() == "dear diary\n"
    assert _numbers(home) == [1]


def test_the_longer_of_two_copies_is_gone_on_from(home, disk):
    journal = Journal.at(home)
    _stroke(journal)
    disk.error = errno.ENOSPC
    _stroke(journal, 1)
    journal.store.close()
    disk.error = None
    text, remarks = find_journal(home)
    assert (len(text.lines), remarks) == (2, [])
    again = Journal.at(home, text)
    _stroke(again, 2)
    assert _numbers(home) == [1, 2, 3]
    assert not away_path(home).exists()


def test_edits_on_a_branch_of_their_own_are_told_and_kept(home, disk):
    journal = Journal.at(home)
    _stroke(journal)
    disk.error = errno.ENOSPC
    _stroke(journal, 1)
    journal.store.close()
    disk.error = None
    other = Journal.at(home, read_journal(home))
    _stroke(other, 2)
    other.store.close()
    text, remarks = find_journal(home)
    assert text.path == home
    assert str(away_path(home)) in remarks[0]
    _stroke(Journal.at(home, text), 3)
    assert _numbers(away_path(home)) == [1, 2]


def test_the_journal_follows_the_results_to_another_folder(home, tmp_path):
    journal, other = Journal.at(home), tmp_path / "elsewhere" / home.name
    _stroke(journal)
    journal.store.move(other, away_path(other))
    _stroke(journal, 1)
    assert _numbers(other) == [1, 2]
    assert not home.exists()


def test_taken_over_it_leaves_the_file_alone(home):
    journal = Journal.at(home)
    _stroke(journal)
    before = home.read_bytes()
    journal.store.leave_home()
    _stroke(journal, 1)
    assert home.read_bytes() == before
    assert _numbers(away_path(home)) == [1, 2]
    assert not journal.store.retry()

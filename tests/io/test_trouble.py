"""A disk that refuses is told in plain words, and a good file is never replaced by half of one."""

from __future__ import annotations

import errno
import os

import pytest

from napari_spinalq.io.atomic import undone_on_failure, write_whole
from napari_spinalq.io.trouble import in_words, reason


@pytest.mark.parametrize(
    ("call", "number", "words"),
    [
        ("fsync", errno.ENOSPC, "the disk is full"),
        ("fsync", errno.EIO, "the drive does not answer"),
        ("fsync", errno.EROFS, "may not be written"),
        ("replace", errno.ESTALE, "not there any more"),
        ("replace", errno.ENOTCONN, "not there any more"),
    ],
)
def test_the_old_file_stays_whole_and_another_try_works(tmp_path, monkeypatch, call, number, words):
    path = tmp_path / "mask.nii.gz"
    write_whole(path, b"old")

    def refuse(*_args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, refuse)
        with pytest.raises(OSError, match=os.strerror(number)) as told:
            write_whole(path, b"new", overwrite=True)
    assert words in in_words(told.value)
    assert "then try again" in in_words(told.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path], "nothing half done is left"
    write_whole(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"


def test_a_drive_that_is_gone_hides_no_reason(tmp_path, monkeypatch):
    """Taking back what was written fails too; what is told is why writing failed."""
    new = tmp_path / "a"

    def gone(*_args, **_kwargs):
        raise OSError(errno.EIO, "Input/output error")

    def stale(*_args):
        raise OSError(errno.ESTALE, "stale")

    def write():
        with undone_on_failure([new]):
            write_whole(new, b"content")
            monkeypatch.setattr(os, "replace", stale)
            monkeypatch.setattr("pathlib.Path.unlink", gone)
            write_whole(tmp_path / "b", b"content")

    with pytest.raises(OSError, match="stale"):
        write()


def test_an_unknown_refusal_is_told_in_the_words_of_the_system():
    assert reason(OSError(errno.ELOOP, "Too many levels of symbolic links")) == "Too many levels of symbolic links"

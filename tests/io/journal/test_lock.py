"""Two people do not draw on one exam unknowingly."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from napari_spinalq.io.journal import Lock
from napari_spinalq.io.journal.lock import process_lives


@pytest.fixture
def ended() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _locks(home):
    return Lock.of(home), Lock.of(home)


def test_the_first_gets_it_and_the_second_is_told_who_has_it(home):
    first, second = _locks(home)
    first.owner = "Ada"
    assert first.take() is None
    assert first.mine
    holder = second.take()
    assert (holder.owner, holder.host, holder.pid) == ("Ada", socket.gethostname(), os.getpid())
    assert holder.sentence().startswith("Ada works on this exam in another window since ")
    assert not second.mine
    first.release()
    assert not first.path.exists()
    assert second.take() is None


def test_taking_it_over_is_seen_by_the_one_who_had_it(home):
    first, second = _locks(home)
    first.take()
    assert second.take(over=True) is None
    assert second.mine
    assert not first.mine
    assert first.other().token == json.loads(second.path.read_text())["token"]
    first.release()
    assert second.mine, "only one's own lock is given back"


def test_a_lock_of_a_process_that_has_ended_is_taken_silently(home, ended):
    first, second = _locks(home)
    first.take()
    holder = json.loads(first.path.read_text())
    first.path.write_text(json.dumps(holder | {"pid": ended}))
    assert second.other() is None
    assert second.take() is None
    assert second.mine


def test_a_process_of_another_computer_is_not_judged_by_its_number(home, ended):
    first, second = _locks(home)
    first.take()
    holder = json.loads(first.path.read_text())
    first.path.write_text(json.dumps(holder | {"pid": ended, "host": "elsewhere", "owner": "Bob"}))
    assert second.take().sentence().startswith("Bob works on this exam on elsewhere since ")


NOBODY = {"pid": 10**14}, {"pid": 10**14, "host": "elsewhere", "since": "0001-01-01T00:00:00Z"}, {"since": "yesterday"}


@pytest.mark.parametrize("odd", [None, *NOBODY])
def test_a_lock_that_names_nobody_holds_nobody_back(home, odd):
    home.parent.mkdir(parents=True)
    lock = Lock.of(home)
    holder = {"owner": "Ada", "host": socket.gethostname(), "pid": 1, "since": "2025-01-01T00:00:00Z", "token": "x"}
    lock.path.write_text("{torn" if odd is None else json.dumps(holder | odd))
    assert lock.take() is None
    assert lock.mine


def test_a_lock_removed_under_the_program_can_be_taken_again(home):
    lock = Lock.of(home)
    lock.take()
    lock.path.unlink()
    assert not lock.mine
    assert lock.take() is None
    assert lock.mine


def test_living_and_ended_processes_are_told_apart(ended):
    assert process_lives(os.getpid())
    assert process_lives(1), "a process of another user lives too"
    assert not process_lives(ended)

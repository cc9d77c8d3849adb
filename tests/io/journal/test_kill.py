"""Killed at any moment, also while it saves, the program loses at most the stroke in progress."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.journal import find_journal, mask_digest
from napari_spinalq.io.journal.replay import Replay
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.sidecar import read_record
from tests.io.journal.painter import paint

ROUNDS, ROUNDS_ON_ONE = 50, 10
LONGEST_S = 0.2
"""Once it has begun, the program is killed within this time (s): it draws a stroke in about 1 ms and saves in 20."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has another way of ending programs"),
]


@pytest.fixture
def scan(tmp_path) -> Path:
    """Return an image file, its axes not in work order."""
    path = tmp_path / "sub-01_T2w.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((32, 40, 24), np.int16), np.diag([-1.0, 1, 2, 1])), path)
    return path


@pytest.fixture(scope="module")
def processes():
    """Return what starts processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.io.journal.painter"])
    return context


def _killed(processes, files, seed, wait_s):
    """Let the painter draw, kill it, and return what it told."""
    ours, theirs = processes.Pipe(duplex=False)
    painter = processes.Process(target=paint, args=(theirs, *files, seed))
    painter.start()
    theirs.close()
    told = [ours.recv()]
    time.sleep(wait_s)
    painter.kill()
    painter.join()
    assert painter.exitcode == -signal.SIGKILL
    while True:
        try:
            told.append(ours.recv())
        except (EOFError, OSError):
            return told


def test_fifty_kills_lose_nothing_that_was_acknowledged(processes, scan, tmp_path):
    rng, while_saving, acknowledged = random.Random(20261122), 0, 0
    for number in range(ROUNDS):
        if number % ROUNDS_ON_ONE == 0:
            place, before = tmp_path / str(number), ""
        files = scan, place / "sub-01.edits.jsonl", place / "sub-01_mask.nii.gz"
        told = _killed(processes, files, number, rng.uniform(0.0, LONGEST_S))
        _check_journal(files[1], told)
        before = _check_saved(files[2], scan, told, before)
        while_saving += told[-1][0] == "saving"
        acknowledged += sum(kind in ("wrote", "saved") for kind, _, _ in told)
    print(f"{acknowledged} deeds acknowledged, {while_saving} of {ROUNDS} kills while saving")
    assert while_saving >= ROUNDS // 10
    assert acknowledged > 10 * ROUNDS


def _check_journal(home, told):
    """Whatever was told as written is in the journal, and replayed so far it gives the mask that was on the screen."""
    text, _ = find_journal(home)
    expected = {number: digest for kind, number, digest in told if kind in ("wrote", "saved")}
    lines = text.lines if text else ()
    assert len(lines) >= max(expected, default=0)
    assert len(lines) <= max([told[0][1], *expected]) + 1, "one was in progress"
    known = Replay()
    for line in lines:
        known.take(line)
        if line.number in expected:
            assert mask_digest(next(iter(known.state.masks.values()), None)) == expected[line.number]


def _check_saved(saved, scan, told, before):
    """The saved mask is readable and, with its sidecar, either the old or the new one; return its digest."""
    known = [digest for kind, _, digest in told if kind == "saved"]
    possible = [known[-1] if known else before]
    if told[-1][0] == "saving":
        possible.append(told[-1][2])
    here = ""
    if saved.exists():
        grid = load_scan(scan).grid
        here = mask_digest(to_work_order(np.asarray(load_mask(saved, like=grid).data), grid)[0])
        read_record(saved)
    assert here in possible
    return here

"""A real napari, killed in the middle of a stroke: the next window brings back all strokes that were finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_spinalq.io.journal import mask_digest
from tests.gui.conftest import SUBJECT
from tests.gui.crashing import SLICES
from tests.gui.test_history import mask, said, undo

pytestmark = [
    pytest.mark.gui,
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has another way of ending programs"),
]


def test_all_but_the_stroke_in_progress_comes_back(hand, exam_folder, truth, tmp_path, answers):
    source = truth / f"{SUBJECT}_T2w_label-cord_mask.nii.gz"
    root = Path(__file__).parents[2]
    environment = os.environ | {"NAPARI_CONFIG": str(tmp_path / "napari.yaml"), "PYTHONPATH": str(root)}
    with (tmp_path / "errors").open("w") as errors:
        napari = subprocess.Popen(
            [sys.executable, "-m", "tests.gui.crashing", exam_folder, source],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            cwd=root,
        )
        told = list[str]()
        for line in napari.stdout:  # whatever napari itself prints is passed over
            told += [line.split(maxsplit=1)[1].strip()] if line.startswith(("mask ", "end ")) else []
            if line.startswith("end "):
                break
        napari.kill()
        assert napari.wait() == -signal.SIGKILL, (tmp_path / "errors").read_text()
        napari.stdout.close()
    assert told[-1] == "in a stroke", (tmp_path / "errors").read_text()
    hand.desk.open_paths([exam_folder])
    hand.wait()
    hand.wait()
    assert answers["asked"] == ["recover"], "its lock is known to be stale"
    assert f"{len(SLICES) + 1} edits of 20" in said(hand)
    assert "brought back" in said(hand)
    assert mask_digest(mask(hand)) == told[len(SLICES) - 1]
    assert np.flatnonzero(hand.desk.session.current.edited_slices()).tolist() == list(SLICES)
    undo(hand)
    assert mask_digest(mask(hand)) == told[len(SLICES) - 2]

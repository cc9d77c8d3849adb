"""How long it takes from the start of Python to the first picture of a 320 x 320 x 200 exam, beside napari's own start.

Run ``sh .ci/with-display python benchmarks/opening.py``; without a display nothing is measured. Each start is a process
of its own. Napari's own start ends when the empty window was drawn, ours when the slice of the scan was drawn.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np

TARGET_S = 3.0
SHAPE = (320, 320, 200)
"""Left-right, front-back, head-foot."""

RUNS = 5
PLAIN = """
import time, sys
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
canvas = viewer.window._qt_viewer.canvas
canvas.native.grabFramebuffer() if hasattr(canvas.native, "grabFramebuffer") else canvas.native.grab()
QApplication.processEvents()
print(time.time())
"""
OURS = """
import time, sys
import napari
from qtpy.QtWidgets import QApplication
from napari_spinalq.gui.app import add_dock
viewer = napari.Viewer()
dock = add_dock(viewer, sys.argv[1])
while dock.desk.session.current is None or dock.desk.runner.busy:
    QApplication.processEvents()
    time.sleep(0.005)
canvas = viewer.window._qt_viewer.canvas
canvas.native.grabFramebuffer() if hasattr(canvas.native, "grabFramebuffer") else canvas.native.grab()
QApplication.processEvents()
print(time.time())
"""


def main() -> None:
    """Print the two starts and what lies between them."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: nothing measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        exam = _large_exam(Path(folder))
        plain = [_seconds(PLAIN) for _ in range(RUNS + 1)][1:]  # the first start fills the disk cache
        ours = [_seconds(OURS, str(exam)) for _ in range(RUNS + 1)][1:]
    beyond = statistics.median(ours) - statistics.median(plain)
    print(f"{'figure, s':<44}{'median':>9}{'worst':>9}{'target':>9}")
    print(f"{'napari alone, to the empty window':<44}{statistics.median(plain):>9.2f}{max(plain):>9.2f}")
    print(f"{'exam of 320 x 320 x 200, to its picture':<44}{statistics.median(ours):>9.2f}{max(ours):>9.2f}")
    print(f"{'beyond napari':<44}{beyond:>9.2f}{max(ours) - min(plain):>9.2f}{TARGET_S:>9.2f}")


def _seconds(program: str, *arguments: str) -> float:
    started = time.time()
    done = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1]) - started


def _large_exam(folder: Path) -> Path:
    """Write a compressed scan of noise and a bright rod: reading it takes what a real one takes, or longer."""
    rng = np.random.default_rng(1)
    values = rng.normal(300, 60, SHAPE).astype(np.int16)
    values[150:170, 150:170] += 400
    place = folder / "sub-big" / "anat"
    place.mkdir(parents=True)
    nib.save(nib.Nifti1Image(values, np.diag([0.8, 0.8, 1.0, 1.0])), place / "sub-big_T2w.nii.gz")
    return folder / "sub-big"


if __name__ == "__main__":
    main()

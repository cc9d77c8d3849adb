"""What the end of a stroke costs the main thread in napari, 320 x 320 x 200 voxels: lock, difference, line, history.

Run ``sh .ci/with-display python benchmarks/journal_viewer.py``; without a display nothing is measured.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from journal import SHAPE, cord, stroke, tell

STROKES = 200
POLL_S = 0.01
TARGET_MS = 8.0


def main() -> None:
    """Print the figures of strokes in napari, of undo, and of opening with a journal."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: nothing measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(folder: Path) -> None:
    """Draw strokes on a large scan in a folder, and tell what each costs."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_spinalq.geometry import WORK_AXES, reorient_array
    from napari_spinalq.gui import layers
    from napari_spinalq.gui.dock import SpinalCordDock
    from napari_spinalq.gui.drawing.edits import Edit

    scan = folder / "sub-01" / "anat" / "sub-01_T2w.nii.gz"
    scan.parent.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 400, SHAPE).astype(np.int16)
    nib.save(nib.Nifti1Image(noise, np.diag([-0.5, 0.5, 1.0, 1.0])), scan)
    viewer = napari.Viewer()
    desk = SpinalCordDock(viewer).desk
    desk.open_paths([scan.parents[1]])
    while desk.runner.busy:
        QApplication.processEvents()
        time.sleep(POLL_S)
    work, rng = desk.session.current, np.random.default_rng(7)
    grid = work.scan.grid
    stored = reorient_array(cord(), grid.reoriented(WORK_AXES), grid.axis_codes)[0]
    desk.session.set_mask(work, layers.add_mask(viewer, stored, work.scan, work.image), None)
    while not desk.measurer.settled:
        QApplication.processEvents()
        time.sleep(POLL_S)
    drawn, undone = [], []
    for _ in range(STROKES):
        stroke(work.mask.data, rng)
        start = time.perf_counter()
        desk.edits.made.emit(Edit(work, "cord", "brush"))
        drawn.append(1e3 * (time.perf_counter() - start))
    for _ in range(20):
        start = time.perf_counter()
        desk.historian.undo()
        undone.append(1e3 * (time.perf_counter() - start))
    tell("end of a stroke, in napari: median", float(np.median(drawn)), "ms", TARGET_MS)
    tell("end of a stroke, in napari: 95th percentile", float(np.percentile(drawn, 95)), "ms", TARGET_MS)
    tell("undo of a stroke, view included: median", float(np.median(undone)), "ms", 50)
    desk.session.mark_saved()
    viewer.close()


if __name__ == "__main__":
    main()

"""How long a reader waits in a quality-control round: from the key to the picture, cases of 320 x 320 x 200 voxels.

Run ``sh .ci/with-display python benchmarks/worklist.py [CASES]``; without a display nothing is measured.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.quality.worklist.cases import find_cases
from napari_spinalq.quality.worklist.rating_file import STATE_VARIABLE
from napari_spinalq.quality.worklist.reading import read_case

TARGET_SECONDS = 1.0
BIG = (200, 320, 320)
CASES = 6
LOOKING_SECONDS = 4.0
"""A reader who only glances at a case still takes about this long."""

SUBJECT = "sub-healthy01"
POLL_MS = 5


def main() -> None:
    """Print a row a way of working."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: nothing measured")
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    with tempfile.TemporaryDirectory() as folder:
        os.environ[STATE_VARIABLE] = str(Path(folder) / "state")
        results = _large_cases(Path(folder) / "study", count)
        start = time.perf_counter()
        reading = read_case(find_cases(results).cases[0])
        print(f"reading and checking one case {time.perf_counter() - start:.2f} s, {reading.size_bytes / 1e6:.0f} MB")
        for title, ahead in (("next two cases read ahead", 2), ("nothing read ahead", 0)):
            seconds, worked, held = _round(results, ahead)
            (results / "ratings.tsv").unlink()
            print(
                f"{title:27} {np.median(seconds):6.2f} s   worst {max(seconds):.2f} s   n = {len(seconds)}"
                f"   target < {TARGET_SECONDS:g} s   (the window's own thread worked {np.median(worked):.2f} s)"
                f"   kept in memory {held / 1e6:.0f} MB"
            )
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _round(results: Path, ahead: int) -> tuple[list[float], list[float], int]:
    """Rate all cases.

    Returns
    -------
    seconds, worked : list of float
        Time from each key to the picture of the next case, and how much of it the main thread was at work: on a busy
        machine the rest is waiting for a processor.
    held : int
        Most memory in use for cases that are kept ready, bytes.
    """
    import napari
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    from napari_spinalq.gui.dock import SpinalCordDock
    from napari_spinalq.gui.worklist import controller as module

    module.AHEAD = ahead
    viewer = napari.Viewer()
    viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
    dock = SpinalCordDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    dock.show_page("QC")
    worklist = dock.desk.worklist
    worklist.open_folder(results)
    _settle(lambda: worklist.round is not None and not worklist.busy and dock.desk.measurer.settled)
    seconds, worked, held = [], [], 0
    for _ in range(len(worklist.round.found.cases) - 1):
        _look(LOOKING_SECONDS)
        before = worklist.case
        start, work = time.perf_counter(), time.thread_time()
        QTest.keyClick(viewer.window._qt_window, Qt.Key.Key_1)
        if worklist.view.reading.summary.case == before:  # not ready yet: wait until it is on the desk
            _settle(lambda before=before: worklist.view.reading.summary.case != before)
        drawn, working = _next_draw(viewer)
        seconds.append(drawn - start)
        worked.append(working - work)
        held = max(held, worklist.reader._shelf.size_bytes)
    viewer.close()
    return seconds, worked, held


def _next_draw(viewer: Any) -> tuple[float, float]:
    """Wait for the next drawing of the canvas; return when it was done and how long the main thread had worked, s."""
    done: list[tuple[float, float]] = []
    scene = viewer.window._qt_viewer.canvas._scene_canvas

    def note(_event: object) -> None:
        done.append((time.perf_counter(), time.thread_time()))

    scene.events.draw.connect(note, position="last")
    scene.update()
    _settle(lambda: bool(done))
    scene.events.draw.disconnect(note)
    return done[0]


def _settle(done: Callable[[], bool]) -> None:
    """Let Qt's own loop run, as in use: one that polls would hold up the working threads."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if done() else None)
    timer.start(POLL_MS)
    loop.exec()


def _look(seconds: float) -> None:
    end = time.monotonic() + seconds
    _settle(lambda: time.monotonic() > end)


def _large_cases(folder: Path, count: int) -> Path:
    """Write digital T2w scans, mirrored at their borders to the full size, with their true masks."""
    name = f"{SUBJECT}_T2w"
    scan = load_scan(sample_folder() / SUBJECT / "anat" / f"{name}.nii.gz").in_work_order()
    truth = sample_folder() / "derivatives" / "truth" / SUBJECT / "anat" / f"{name}_label-cord_mask.nii.gz"
    mask = load_mask(truth).in_work_order()
    missing = [max(0, want - have) for want, have in zip(BIG, scan.data.shape, strict=True)]
    pad = [(one // 2, one - one // 2) for one in missing]
    crop = tuple(slice(0, edge) for edge in BIG)
    affine = scan.grid.cropped(tuple(-before for before, _ in pad), BIG).affine
    image = np.pad(scan.data, pad, mode="reflect")[crop].astype(np.int16)
    cord = np.pad(mask.data, pad)[crop].astype(np.uint8)
    folder.mkdir()
    for number in range(count):
        rng = np.random.default_rng(number)
        noisy = image + rng.integers(0, 4, size=BIG, dtype=np.int16)
        for data, ending in ((noisy, "T2w"), (cord, "T2w_seg")):
            made = nib.Nifti1Image(data, affine)
            made.header.set_xyzt_units("mm")
            nib.save(made, folder / f"case{number}_{ending}.nii.gz")
    return folder


if __name__ == "__main__":
    main()

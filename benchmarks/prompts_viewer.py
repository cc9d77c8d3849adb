"""How long it takes in napari from the button of a prompt to the new mask in its layer, on 320 x 320 x 200 voxels.

Run ``sh .ci/with-display python benchmarks/prompts_viewer.py``; without a display nothing is measured.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from draws.large import large_scan

TARGET_SECONDS = 1.0
REPEATS = 5
POLL_MS = 20


def main() -> None:
    """Print a row a prompt."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: nothing measured")
        return
    import napari
    from qtpy.QtCore import QEventLoop, QTimer

    from napari_spinalq.gui.dock import SpinalCordDock

    def settle(done: Callable[[], bool]) -> None:
        """Let Qt's own loop run, as in use: one that polls would hold up the working thread."""
        loop, timer = QEventLoop(), QTimer()
        timer.timeout.connect(lambda: loop.quit() if done() else None)
        timer.start(POLL_MS)
        loop.exec()

    viewer = napari.Viewer()
    dock = SpinalCordDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    desk, panel = dock.desk, dock.segment_panel
    with tempfile.TemporaryDirectory() as folder:
        desk.open_paths([large_scan(Path(folder))])
        settle(lambda: not desk.runner.busy)
        panel.segment.click()
        settle(lambda: not desk.runner.busy and desk.measurer.settled)
    mask = desk.session.current.mask
    place = np.argwhere(np.asarray(mask.data)[100] > 0).mean(axis=0).astype(int)
    for name, act in (("follow edits", panel.follow.click), ("scribble, one stroke", lambda: _stroke(desk, place))):
        seconds = []
        for repeat in range(REPEATS):
            mask.data_setitem(tuple(np.array([v]) for v in (60 + repeat, place[0] + 8, place[1])), 1)
            settle(lambda: desk.measurer.settled)
            start = time.perf_counter()
            act()
            settle(lambda: not desk.runner.busy)
            seconds.append(time.perf_counter() - start)
        print(f"{name:24}{np.median(seconds):7.2f} s   worst {max(seconds):.2f} s   target < {TARGET_SECONDS:g} s")
    desk.session.mark_saved()
    viewer.close()


def _stroke(desk: Any, place: np.ndarray) -> None:
    """Paint one voxel more beside the cord, as the brush does, and let it go."""
    desk.prompter.scribble("in")
    layer = desk.prompter.scribbles
    x = int(place[1]) + int((np.asarray(layer.data) > 0).sum()) % 5
    layer.data_setitem(tuple(np.array([value]) for value in (100, int(place[0]) + 6, x)), 1)


if __name__ == "__main__":
    main()

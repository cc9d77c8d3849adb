"""How long one step of the brush holds up the window, on 320 x 320 x 200 voxels, beside napari's own brush.

Run ``sh .ci/with-display python benchmarks/brush.py``; without a display nothing is measured. A step is what a move of
the mouse costs the main thread: the brush swept on, the voxels written and handed to the picture, the touched slices
measured again. "Until drawn" adds the drawing, which under a virtual display the processor does itself.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from draws.large import BIG, large_scan

TARGET_MS = 15.0
STEPS = 60
STEP_VOXELS = 1.5
PAUSE_S = 0.03
"""Between two moves: longer than napari holds them back (5 ms) and than the rows of the table wait (16 ms)."""


def main() -> None:
    """Print a row for each plane and brush."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: nothing measured")
        return
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_spinalq.gui import layers
    from napari_spinalq.gui.display import Plane
    from napari_spinalq.gui.dock import SpinalCordDock

    viewer = napari.Viewer()
    dock = SpinalCordDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    desk = dock.desk

    def settle() -> None:
        end = time.monotonic() + 0.1
        while time.monotonic() < end or desk.runner.busy or not desk.measurer.settled:
            QApplication.processEvents()

    with tempfile.TemporaryDirectory() as folder:
        desk.open_paths([large_scan(Path(folder))])
        settle()
    work = desk.session.current
    rows, columns = np.ogrid[: BIG[1], : BIG[2]]
    mask = np.zeros(BIG, np.uint8)
    mask[:, ((rows - 160) / 8) ** 2 + ((columns - 160) / 12) ** 2 < 1] = 1
    layer = layers.add_mask(viewer, np.zeros(work.scan.grid.shape, np.uint8), work.scan, work.image)
    layer.data = mask
    desk.session.set_mask(work, layer, None)
    settle()
    print(f"one step of a stroke on {BIG[2]} x {BIG[1]} x {BIG[0]} voxels, median / 95th percentile, ms")
    for plane in (Plane.AXIAL, Plane.SAGITTAL):
        desk.show_plane(plane)
        for size_mm, ball, edge in ((2.0, False, False), (8.0, False, False), (8.0, False, True), (8.0, True, False)):
            desk.tools.set_size(size_mm)
            desk.tools.set_kind("ball", ball)
            desk.tools.set_kind("edge_aware", edge)
            desk.tools.use("paint")
            settle()
            step, whole = _stroke(viewer, layer, plane, settle)
            name = f"{plane.value.lower()}, {size_mm:g} mm {'ball' if ball else 'disc'}{', edges' if edge else ''}"
            print(f"{name:32}{_two(step)}   target < {TARGET_MS:g}   until drawn:{_two(whole)}")
    desk.show_plane(Plane.AXIAL)
    print(f"{'napari paint(), same listeners':32}{_two(_napari_stroke(layer, settle))}")
    desk.session.mark_saved()
    viewer.close()


def _two(spent: list[float]) -> str:
    return f"{np.median(spent):7.1f} /{np.percentile(spent, 95):6.1f}"


def _stroke(viewer: Any, layer: Any, plane: Any, settle: Any) -> tuple[list[float], list[float]]:
    """Drag the brush over the canvas by mouse events; return what each step took, and until all was drawn, ms."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    canvas = viewer.window._qt_viewer.canvas
    native, left, none = canvas.native, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    step = STEP_VOXELS * viewer.scene.camera.zoom * float(min(layer.scale))
    start = np.array([native.width() / 2 - step * STEPS / 2, native.height() / 2])
    if str(plane) == "Sagittal":
        start = np.array([native.width() / 2, native.height() / 2 - step * STEPS / 2])
    way = np.array([0.0, step]) if str(plane) == "Sagittal" else np.array([step, 0.0])

    def send(kind: Any, place: Any, button: Any, held: Any) -> None:
        point = QPointF(*place)
        where = QPointF(native.mapToGlobal(point.toPoint()))
        QApplication.sendEvent(native, QMouseEvent(kind, point, where, button, held, Qt.KeyboardModifier.NoModifier))

    send(QEvent.Type.MouseButtonPress, start, left, left)
    steps, whole = [], []
    for index in range(STEPS):
        begin = time.perf_counter()
        send(QEvent.Type.MouseMove, start + (index + 1) * way, none, left)
        steps.append(1000 * (time.perf_counter() - begin))
        QApplication.processEvents()
        whole.append(1000 * (time.perf_counter() - begin))
        rest = time.monotonic() + PAUSE_S
        while time.monotonic() < rest:
            QApplication.processEvents()
    send(QEvent.Type.MouseButtonRelease, start + STEPS * way, left, none)
    settle()
    return steps, whole


def _napari_stroke(layer: Any, settle: Any) -> list[float]:
    """Return what napari's own paint takes for a step of the same length, its call alone, ms."""
    spent = []
    for index in range(STEPS):
        begin = time.perf_counter()
        layer.paint((100, 120, 120 + index * STEP_VOXELS), 1)
        spent.append(1000 * (time.perf_counter() - begin))
        settle()
    return spent


if __name__ == "__main__":
    main()

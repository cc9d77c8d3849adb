"""How long after a move of the mouse the numbers and the profile show what it painted, on 320 x 320 x 200 voxels.

Real mouse events go to napari's canvas, the brush of a labels layer in hand. Beside it stands what napari itself needs
for the same moves on the same layer, without this plugin. Run ``sh .ci/with-display python benchmarks/live.py``;
without a display nothing is measured.
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
import pandas as pd

from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.vertebrae import disc_number

TARGET_MS = 50.0
BIG = (200, 320, 320)
STROKES, MOVES = 12, 20
BRUSH_VOXELS = 3
PATIENCE_S = 120.0
PAUSE_MS = 25
"""Between moves: a hand that paints with care; each move is timed from its own event."""

SUBJECT = "sub-healthy01"


def main() -> None:
    """Print the percentiles of each way."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: nothing measured")
        return
    if hasattr(os, "getloadavg"):
        print(
            f"{os.getloadavg()[0]:.1f} processes share {os.cpu_count()} processors: the targets are for a quiet machine"
        )
    print(f"{'ms from event, over ' + str(STROKES * MOVES) + ' moves':<48}{'p50':>8}{'p95':>8}{'target p95':>12}")
    with tempfile.TemporaryDirectory() as folder:
        path, mask = _large_exam(Path(folder))
        _tell("napari alone: canvas drawn", _plain(path, mask))
        for name, spent in _with_plugin(path, mask).items():
            _tell(name, spent, TARGET_MS)


def _plain(path: Path, mask: np.ndarray) -> list[float]:
    """Time napari's own brush on the same layers in a viewer of its own."""
    import napari

    viewer = napari.Viewer()
    viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
    scan = load_scan(path).in_work_order()
    viewer.add_image(np.asarray(scan.data), scale=scan.grid.spacing)
    layer = viewer.add_labels(mask.copy(), scale=scan.grid.spacing)
    layer.brush_size, layer.mode = BRUSH_VOXELS, "paint"
    seen = _Seen()
    viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(lambda _: seen.now("drawn"), position="last")
    spent = _paint(viewer, mask, seen, ("drawn",))["drawn"]
    viewer.close()
    return spent


def _with_plugin(path: Path, mask: np.ndarray) -> dict[str, list[float]]:
    """Time rows and profile with the dock and the dock along the cord."""
    import napari

    from napari_spinalq.gui import layers
    from napari_spinalq.gui.along.dock import NAME, AlongDock
    from napari_spinalq.gui.dock import SpinalCordDock
    from napari_spinalq.gui.panels.along_plot import AlongPlot

    viewer, seen = napari.Viewer(), _Seen()
    viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
    dock = SpinalCordDock(viewer)
    viewer.window.add_dock_widget(dock, area="right", tabify=False)
    along = AlongDock(viewer)
    viewer.window.add_dock_widget(along, name=NAME, area="bottom")
    desk = dock.desk
    desk.open_paths([path])
    _settle(lambda: not desk.runner.busy)
    work = desk.session.current
    layer = layers.add_mask(viewer, np.moveaxis(mask, (0, 1, 2), (2, 1, 0)), work.scan, work.image)
    desk.session.set_mask(work, layer, None)
    desk.session.set_labelling(Labelling(_discs(), confirmed=True))
    _settle(lambda: desk.measurer.settled and along.profile is not None)
    desk.tools.use_in_cross_section("paint")
    layer.brush_size = BRUSH_VOXELS
    own = _watch(desk, along, AlongPlot, seen)
    spent = _paint(viewer, mask, seen, ("rows", "profile"))
    _settle(lambda: desk.measurer.settled)
    desk.session.mark_saved()
    viewer.close()
    return {
        "with the plugin: numbers of the table told": spent["rows"],
        "with the plugin: profile drawn": spent["profile"],
        "processor time of the plugin's own work": own,
    }


class _Seen:
    """When each thing happened last, s."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def now(self, name: str) -> None:
        self.at[name] = time.perf_counter()


def _watch(desk: Any, along: Any, plot_class: type, seen: _Seen) -> list[float]:
    """Note when rows are told and when the plot is painted after the profile took them.

    The list that is returned fills with the processor time of each measuring, telling and painting of the plot, ms:
    unlike the times from the event it does not depend on what else the machine does.
    """
    from superqt.utils import qthrottled

    from napari_spinalq.gui.measuring import FRAME_MS

    desk.measurer.rows_changed.connect(lambda _: seen.now("rows"))
    painted, shown, measure = plot_class.paintEvent, along.plot.profile.show_course, desk.measurer._measure_changes
    fresh: list[float] = []
    own: list[float] = []

    def show(course: Any) -> None:
        shown(course)
        fresh.append(time.thread_time())

    def measured(*args: Any) -> None:
        started = time.thread_time()
        measure(*args)
        if fresh:
            fresh[:] = [1000.0 * (time.thread_time() - started)]

    def paint(self: Any, event: Any) -> None:
        started = time.thread_time()
        painted(self, event)
        if fresh:
            own.append(fresh.pop() + 1000.0 * (time.thread_time() - started))
            fresh.clear()
            seen.now("profile")

    along.plot.profile.show_course = show
    plot_class.paintEvent = paint
    desk.measurer._measure_touched = qthrottled(measured, timeout=FRAME_MS)
    return own


def _paint(viewer: Any, mask: np.ndarray, seen: _Seen, names: tuple[str, ...]) -> dict[str, list[float]]:
    """Paint beside the cord, a stroke a slice, and return the times from each move to what is waited for, ms."""
    from qtpy.QtCore import QEvent

    spent: dict[str, list[float]] = {name: [] for name in names}
    for stroke in range(STROKES):
        index = 60 + 6 * stroke
        row, column = np.argwhere(mask[index]).mean(axis=0)
        voxels = [(index, row + 6, column - MOVES / 2 + move) for move in range(MOVES + 1)]
        pixels = _look_at(viewer, mask.shape, voxels)
        _send(viewer, QEvent.Type.MouseMove, pixels[0], held=False)
        _send(viewer, QEvent.Type.MouseButtonPress, pixels[0], held=True)
        _wait_ms(4 * PAUSE_MS)
        for pixel in pixels[1:]:
            started = time.perf_counter()
            _send(viewer, QEvent.Type.MouseMove, pixel, held=True)
            _settle(lambda t=started: all(seen.at.get(name, 0.0) > t for name in names))
            for name in names:
                spent[name].append(1000.0 * (seen.at[name] - started))
            _wait_ms(PAUSE_MS)
        _send(viewer, QEvent.Type.MouseButtonRelease, pixels[-1], held=False)
        _wait_ms(4 * PAUSE_MS)
    return spent


def _look_at(viewer: Any, shape: tuple[int, ...], voxels: list[tuple[float, ...]]) -> list[Any]:
    """Go to the slice of some voxels and return the canvas pixels on which they lie."""
    from qtpy.QtCore import QPoint

    image = viewer.layers[0]
    world = np.asarray(voxels) * image.scale[-3:] + image.translate[-3:]
    viewer.dims.set_point((0, 1, 2), tuple(world[len(world) // 2]))
    viewer.scene.camera.center = (0.0, *world[len(world) // 2][1:])
    viewer.scene.camera.zoom = 8.0
    _wait_ms(150)
    canvas, camera = viewer.window._qt_viewer.canvas.native, viewer.scene.camera
    _, up, across = (str(word) for word in camera.orientation)
    signs = (-1 if up == "up" else 1, -1 if across == "left" else 1)
    _, cy, cx = camera.center
    return [
        QPoint(
            round(canvas.width() / 2 + signs[1] * (x - cx) * camera.zoom),
            round(canvas.height() / 2 + signs[0] * (y - cy) * camera.zoom),
        )
        for _, y, x in world
    ]


def _send(viewer: Any, kind: Any, pixel: Any, *, held: bool) -> None:
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    native = viewer.window._qt_viewer.canvas.native
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    place = (QPointF(pixel), QPointF(native.mapToGlobal(pixel)))
    event = QMouseEvent(kind, *place, button, left if held else none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(native, event)


def _settle(done: Callable[[], bool]) -> None:
    """Process events until something is so."""
    from qtpy.QtCore import QEventLoop
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + PATIENCE_S
    while not done():
        if time.perf_counter() > end:
            raise TimeoutError("what was waited for did not happen")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 2)


def _wait_ms(milliseconds: float) -> None:
    end = time.perf_counter() + milliseconds / 1000.0
    _settle(lambda: time.perf_counter() > end)


def _tell(name: str, spent: list[float], target: float | None = None) -> None:
    middle, high = np.percentile(spent, [50, 95])
    print(f"{name:<48}{middle:>8.1f}{high:>8.1f}{'' if target is None else format(target, '.0f'):>12}")


def _discs() -> tuple[Disc, ...]:
    table = pd.read_csv(_truth() / f"{SUBJECT}_discs.tsv", sep="\t")
    return tuple(
        Disc(disc_number(row["disc"]), (row["x_mm"], row["y_mm"], row["z_mm"]), Origin.DETECTED)
        for _, row in table.iterrows()
    )


def _truth() -> Path:
    return sample_folder() / "derivatives" / "truth" / SUBJECT / "anat"


def _large_exam(folder: Path) -> tuple[Path, np.ndarray]:
    """Write the digital T2w scan, mirrored at its borders to the full size; return its path and its true mask."""
    scan = load_scan(sample_folder() / SUBJECT / "anat" / f"{SUBJECT}_T2w.nii.gz").in_work_order()
    truth = load_mask(_truth() / f"{SUBJECT}_T2w_label-cord_mask.nii.gz").in_work_order()
    missing = [max(0, want - have) for want, have in zip(BIG, scan.data.shape, strict=True)]
    pad = [(count // 2, count - count // 2) for count in missing]
    box = tuple(slice(0, size) for size in BIG)
    data = np.pad(np.asarray(scan.data), pad, mode="reflect")[box].astype(np.float32)
    mask = np.pad((np.asarray(truth.data) > 0).astype(np.uint8), pad)[box]
    grid = scan.grid.cropped(tuple(-before for before, _ in pad), BIG)
    path = folder / "sub-large_T2w.nii"
    ras = Grid(BIG[::-1], grid.affine[:, [2, 1, 0, 3]])
    nib.save(nib.Nifti1Image(data.transpose(2, 1, 0), ras.affine), path)
    return path, np.ascontiguousarray(mask)


if __name__ == "__main__":
    main()

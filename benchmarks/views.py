"""How long the views take on 320 x 320 x 200 voxels: one pane, all panes, the 3-D picture, windows and comparing.

Run ``sh .ci/with-display python benchmarks/views.py``; without a display only what needs none is measured.
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

from napari_spinalq.geometry import Grid
from napari_spinalq.views.paint import Overlay, grey_picture, paint_over
from napari_spinalq.views.stage import Part, Stage, composed, turned
from napari_spinalq.views.surface import surface_of
from napari_spinalq.views.window import presets

SHAPE = (200, 320, 320)
SPACING_MM = (1.0, 0.7, 0.7)
PANE_TARGET_MS, ALL_TARGET_MS = 10.0, 50.0
REPEATS = 40


def main() -> None:
    """Print a row a figure, its target beside it."""
    image, mask, grid = _neck()
    _pure(image, mask, grid)
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: panes not measured")
        return
    _panes(image, mask, grid)


def _neck() -> tuple[np.ndarray, np.ndarray, Grid]:
    """Return noise with a cord of 9 mm that sways, in work order."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = (*SPACING_MM, 1.0)
    z, y, x = np.indices(SHAPE)
    mask = np.hypot(y - 160 - 12 * np.sin(z / 40), x - 160) * SPACING_MM[1] <= 4.5
    image = np.random.default_rng(0).normal(300, 40, SHAPE).astype(np.float32) + 200 * mask
    return image, mask.astype(np.uint8), Grid(SHAPE, affine)


def _pure(image: np.ndarray, mask: np.ndarray, grid: Grid) -> None:
    for name, axis in (("axial", 0), ("coronal", 1), ("sagittal", 2)):
        middle = SHAPE[axis] // 2

        def cut(axis: int = axis, middle: int = middle) -> None:
            overlay = Overlay(mask.take(middle, axis=axis), "#E69F00", 0.45)
            paint_over(grey_picture(image.take(middle, axis=axis), 200, 600), [overlay])

        _tell(f"cut and colour, {name}", cut, PANE_TARGET_MS)
    surface = surface_of(mask, grid)
    _tell("surface of the cord (worker)", lambda: surface_of(mask, grid), None, repeats=3)
    parts = [Part(surface, "#E69F00")]
    centre = surface.points_mm.mean(axis=0)
    _tell(
        "3-D picture, 300 x 300",
        lambda: composed(parts, Stage(turned(30, 10), centre, 1.4, (300, 300))),
        PANE_TARGET_MS,
    )
    _tell("presets of window and level", lambda: presets(image, grid, mask), None, repeats=3)


def _panes(image: np.ndarray, mask: np.ndarray, grid: Grid) -> None:
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_spinalq.gui import layers
    from napari_spinalq.gui.app import add_dock
    from napari_spinalq.gui.convert import from_display
    from napari_spinalq.gui.display import Plane, position, stand_at
    from napari_spinalq.gui.views.dock import ViewsDock

    viewer = napari.Viewer()
    viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sub-big_T2w.nii.gz"
        nib.save(nib.Nifti1Image(image, grid.affine), path)
        desk = add_dock(viewer, [path]).desk
        _until(lambda: desk.session.current is not None and not desk.runner.busy)
    work = desk.session.current
    desk.session.set_mask(
        work, layers.add_mask(viewer, from_display(mask, work.scan.grid), work.scan, work.image), None
    )
    _until(lambda: desk.measurer.settled)
    views = viewer.window._qt_window.findChildren(ViewsDock)[0]
    views.use_layout("grid")
    desk.show_plane(Plane.AXIAL)
    _until(lambda: bool(views.volume.scene.parts))
    _until(lambda: desk.surfaces.idle)
    start, count, stroke = position(viewer), iter(range(10**9)), iter(range(10**9))
    panes = [*views.panes.values(), views.volume]

    def draw() -> None:
        views.refresh()
        for pane in panes:
            _paint(pane)

    def move() -> None:
        stand_at(viewer, start + np.array([1.0, 0.7, 0.7]) * (next(count) % 20))
        draw()

    def paint() -> None:
        voxel = tuple(np.array([value]) for value in viewer.dims.current_step[-3:])
        work.mask.data_setitem(voxel, next(stroke) % 2)
        draw()

    for plane, pane in views.panes.items():
        _tell(f"pane, {plane.lower()}", lambda pane=pane, plane=plane: _draw_one(views, plane, pane), PANE_TARGET_MS)
    _tell("pane, 3-D", lambda: _paint(views.volume), PANE_TARGET_MS)
    _tell("all four panes", draw, ALL_TARGET_MS)
    _tell("crosshair moves: napari's slices and all panes", move, ALL_TARGET_MS)
    _tell("crosshair moves: napari's slices alone", lambda: stand_at(viewer, start + next(count) % 20), None)
    _tell("a stroke's move: voxels and all panes", paint, ALL_TARGET_MS)
    QApplication.processEvents()
    desk.session.mark_saved()
    viewer.close()


def _draw_one(views: Any, plane: Any, pane: Any) -> None:
    pane.show_content(views._pictures.content(plane, views.desk.lenses.of(plane)))
    _paint(pane)


def _paint(pane: Any) -> None:
    """Draw a pane into memory: what a screen adds depends on its graphics card, and a virtual one has none."""
    from qtpy.QtGui import QImage

    pane.render(QImage(pane.size(), QImage.Format.Format_RGB32))


def _until(done: Callable[[], bool]) -> None:
    from qtpy.QtWidgets import QApplication

    while not done():
        QApplication.processEvents()
        time.sleep(0.01)


def _tell(name: str, work: Callable[[], object], target_ms: float | None, repeats: int = REPEATS) -> None:
    """Print median and 95th percentile of the time that a piece of work takes, ms."""
    taken = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    target = "" if target_ms is None else f"   target < {target_ms:g}"
    print(f"{name:48}{np.median(taken[2:]):8.2f} ms   95 %: {np.percentile(taken[2:], 95):7.2f} ms{target}")


if __name__ == "__main__":
    main()

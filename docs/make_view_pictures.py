"""Make the pictures of ``docs/views.md`` from the real app on the sample exam.

Run it under a display of at least the size asked for (by default that of a small laptop)::

    xvfb-run -a -s "-screen 0 1366x768x24" .venv/bin/python docs/make_view_pictures.py [WIDTH HEIGHT FOLDER]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
from napari._qt import qt_main_window
from napari.settings import get_settings
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_spinalq.contrast import Contrast
from napari_spinalq.gui.app import add_dock
from napari_spinalq.gui.desk import Desk
from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.views.arrangement import COLUMN, GRID
from napari_spinalq.gui.views.comparing import Mode
from napari_spinalq.gui.views.dock import ViewsDock

IMAGES = Path(__file__).parent / "images"
SIZE = (1366, 768)
PATIENCE_S = 180
SETTLED_S = 1.5


def main(size: tuple[int, int] = SIZE, folder: Path = IMAGES) -> None:
    """Go through layouts and comparisons as a reader would, and keep a picture of each."""
    folder.mkdir(parents=True, exist_ok=True)
    qt_main_window.SHOW_QT_WARNING = False
    get_settings().application.save_window_geometry = False
    get_settings().appearance.theme = "dark"
    viewer = napari.Viewer(title="napari-spinalq")
    viewer.window._qt_window.setGeometry(0, 0, *size)
    dock = add_dock(viewer)
    desk, views = dock.desk, viewer.window._qt_window.findChildren(ViewsDock)[0]
    _wait(desk)
    for structure in ("cord", "canal", "gm"):
        desk.session.choose_structure(structure)
        desk.segment()
        _wait(desk)
    desk.session.choose_structure("cord")
    desk.labeller.find()
    _wait(desk)
    desk.measurer.go_to_level(4)
    views.use_layout(COLUMN)
    _keep(viewer, folder, "views_column")
    views.use_layout(GRID)
    get_settings().appearance.theme = "light"
    desk.show_plane(Plane.AXIAL)
    _keep(viewer, folder, "views_grid")
    get_settings().appearance.theme = "dark"
    _compare(desk)
    _keep(viewer, folder, "views_curtain")
    desk.comparer.use(Mode.SIDE)
    _keep(viewer, folder, "views_side")
    desk.session.mark_saved()
    viewer.close()


def _compare(desk: Desk) -> None:
    """Compare with the T2* scan of the exam."""
    desk.comparer.open(next(file.path for file in desk.session.exam.files if file.contrast is Contrast.T2STAR))
    _wait(desk)
    desk.comparer.use(Mode.CURTAIN)


def _wait(desk: Desk) -> None:
    _spin(lambda: desk.session.current is not None and not desk.runner.busy and desk.measurer.settled)


def _spin(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the app did not finish its work")
        QApplication.processEvents()
        time.sleep(0.01)


def _keep(viewer: napari.Viewer, folder: Path, name: str) -> None:
    ready = time.monotonic() + SETTLED_S
    _spin(lambda: time.monotonic() > ready)
    picture = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
    path = folder / f"{name}.png"
    picture.save(path, optimize=True)
    print(f"{path} {picture.size[0]} x {picture.size[1]}, canvas {viewer.window._qt_viewer.canvas.native.width()} wide")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        main((int(sys.argv[1]), int(sys.argv[2])), Path(sys.argv[3]))
    else:
        main()

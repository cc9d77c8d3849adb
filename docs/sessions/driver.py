"""A window on a sample exam and a hand for its mouse and keys: what the scripted sessions share."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari._qt import qt_main_window
from napari.settings import get_settings
from PIL import Image
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QCursor, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_spinalq.gui.app import add_dock
from napari_spinalq.io.samples import sample_folder

PATIENCE_S = 120
COLOURS = 256
"""Of a picture that is kept: a grey scan and few colours need no more, and the file is half as large."""

STEPS = 12
"""Moves of the mouse between two points of a stroke."""


class Session:
    """One window on a copy of a sample scan.

    Parameters
    ----------
    pictures : Path
        Folder for the pictures.
    subject : str
        Of the sample exams.
    pattern : str
        Which of its files are opened.
    size : tuple of int
        Width and height of the window, pixels.
    theme : str
        ``"dark"`` or ``"light"``.
    folder : Path, optional
        Where the copy of the exam lies; one that is there already is opened as it is and not dropped in the end.
    """

    def __init__(
        self,
        pictures: Path,
        subject: str = "healthy01",
        pattern: str = "anat/*_T2w.*",
        size: tuple[int, int] = (1366, 768),
        theme: str = "dark",
        folder: Path | None = None,
    ) -> None:
        qt_main_window.SHOW_QT_WARNING = False
        get_settings().application.save_window_geometry = False
        get_settings().appearance.theme = theme
        pictures.mkdir(parents=True, exist_ok=True)
        self._pictures, self._own_folder = pictures, folder is None
        self._folder = folder or Path(tempfile.mkdtemp())
        self.subject = f"sub-{subject}"
        exam = self._folder / self.subject
        for path in () if exam.exists() else (sample_folder() / self.subject).glob(pattern):
            (exam / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, exam / path.parent.name)
        self.viewer = napari.Viewer(title="napari-spinalq")
        self.window = self.viewer.window._qt_window
        self.window.setGeometry(0, 0, *size)
        self.dock = add_dock(self.viewer, exam)
        self.desk = self.dock.desk
        self.wait()

    def close(self) -> None:
        """Close the window and drop the copy of the exam that was made for it."""
        self.desk.session.mark_saved()
        self.viewer.close()
        if self._own_folder:
            shutil.rmtree(self._folder)

    def wait(self) -> None:
        """Wait until nothing is running and all numbers are complete."""
        self.rest(0.1)
        desk = self.desk
        self._spin(lambda: desk.session.current is not None and not desk.runner.busy and desk.measurer.settled)

    def rest(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        self._spin(lambda: time.monotonic() > end)

    def press(self, button: QWidget) -> None:
        """Click on a button."""
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        self.rest(0.2)

    def key(self, key: Any, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key while the image has the focus."""
        QTest.keyClick(self.viewer.window._qt_viewer.canvas.native, key, modifiers)
        self.rest(0.2)

    def drag(
        self, worlds: Sequence[np.ndarray], button: Any = Qt.MouseButton.LeftButton, *, release: bool = True
    ) -> None:
        """Press at the first point (displayed world z, y, x), move past the others, release at the last (or hold)."""
        corners = np.array([self._pixel(world) for world in worlds])
        way = [corners[0]]
        for start, end in pairwise(corners):
            way += [start + share * (end - start) for share in np.linspace(0, 1, STEPS)[1:]]
        none = Qt.MouseButton.NoButton
        self._mouse(QEvent.Type.MouseMove, way[0], none, none)
        self._mouse(QEvent.Type.MouseButtonPress, way[0], button, button)
        for place in way[1:]:
            self._mouse(QEvent.Type.MouseMove, place, none, button)
            self.rest(0.02)
        if release:
            self._mouse(QEvent.Type.MouseButtonRelease, way[-1], button, none)
        self.rest(0.1)

    def click_in_plot(self, plot: QWidget, box: Any, x: float, y: float) -> None:
        """Click on a place of a plot, in the units of its axes."""
        place = plot.mapFromScene(box.mapViewToScene(QPointF(x, y)))
        QTest.mouseMove(plot.viewport(), place)
        QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
        self.rest(0.2)

    def hover(self, world: np.ndarray) -> None:
        """Put the mouse over a point."""
        native, place = self.viewer.window._qt_viewer.canvas.native, QPointF(*self._pixel(world))
        QCursor.setPos(native.mapToGlobal(place.toPoint()))
        self._mouse(QEvent.Type.MouseMove, self._pixel(world), Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)
        self.rest(0.2)

    def picture(self, name: str) -> None:
        """Keep a picture of the window."""
        self.rest(1.5)  # the marks of changed cells fade, and the canvas is drawn
        path = self._pictures / f"{name}.png"
        Image.fromarray(self.viewer.screenshot(canvas_only=False, flash=False)).convert("RGB").quantize(
            COLOURS, Image.Quantize.FASTOCTREE
        ).save(path, optimize=True)
        print(f"picture {path}")

    def _pixel(self, world: np.ndarray) -> np.ndarray:
        """Return the pixel (x, y) of a displayed world point."""
        canvas, camera, dims = self.viewer.window._qt_viewer.canvas.native, self.viewer.scene.camera, self.viewer.dims
        vertical, horizontal = (float(world[axis - (dims.ndim - 3)]) for axis in dims.displayed)
        _, cy, cx = camera.center
        # superior and anterior are up, the patient's right is on the left
        return np.array(
            [
                canvas.width() / 2 - (horizontal - cx) * camera.zoom,
                canvas.height() / 2 - (vertical - cy) * camera.zoom,
            ]
        )

    def _mouse(self, kind: Any, place: np.ndarray, button: Any, held: Any) -> None:
        native, point = self.viewer.window._qt_viewer.canvas.native, QPointF(*place)
        where = QPointF(native.mapToGlobal(point.toPoint()))
        QApplication.sendEvent(native, QMouseEvent(kind, point, where, button, held, Qt.KeyboardModifier.NoModifier))
        QApplication.processEvents()

    def _spin(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the app did not finish its work")
            QApplication.processEvents()
            time.sleep(0.005)

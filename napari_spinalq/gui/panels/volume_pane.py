"""A pane that shows the masks in 3-D, turned by the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_spinalq.gui.panels import pane_marks as marks
from napari_spinalq.gui.panels.plane_pane import NOTCH, SMALLEST, ZOOM_PER_NOTCH
from napari_spinalq.views.stage import Part, Stage, composed, picked, turned

DEGREES_PER_PIXEL = 0.6
STEEPEST_DEG = 89.0
CLICK_PIXELS = 4
FITTED = 0.85
"""Part of the pane that the surfaces fill at first."""

HINT = "Segment the cord: it is shown here in 3-D."
TIP = (
    "Drag: turn. Click: the crosshair goes to that place.\n"
    "Wheel: zoom; right or middle drag: pan. Double click: 3-D in the main view."
)


@dataclass(frozen=True, eq=False)
class Scene:
    """What is shown in 3-D; all places are RAS mm.

    Attributes
    ----------
    parts : sequence of Part
        Surfaces, the inner ones first.
    point_mm : array, shape (3,), optional
        The crosshair; None: not drawn.
    names : sequence of (str, array, bool)
        The discs, and whether the place of each is a guess.
    """

    parts: Sequence[Part] = ()
    point_mm: NDArray[np.float64] | None = None
    names: Sequence[tuple[str, NDArray[np.float64], bool]] = field(default_factory=tuple)


class VolumePane(QWidget):
    """Signals: ``pointed`` (RAS mm, shape (3,)) on a click on a surface, ``opened`` on a double click."""

    pointed = Signal(object)
    opened = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.azimuth_deg, self.elevation_deg = 25.0, 10.0
        self._zoom, self._shift = 1.0, np.zeros(2)
        self._button = Qt.MouseButton.NoButton
        self._began, self._last = QPointF(), QPointF()
        self.setMinimumSize(SMALLEST, SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip(TIP)

    def show_scene(self, scene: Scene) -> None:
        """Show surfaces, crosshair and discs."""
        self.scene = scene
        self.update()

    def stage(self) -> Stage:
        """Return where the scene is seen from."""
        corners = np.concatenate([part.surface.points_mm[:: max(1, len(part.surface.points_mm) // 500)]
                                  for part in self.scene.parts])  # fmt: skip
        low, high = corners.min(axis=0), corners.max(axis=0)
        axes = turned(self.azimuth_deg, self.elevation_deg)
        tall, wide = max(1.0, high[2] - low[2]), max(1.0, float(np.linalg.norm((high - low)[:2])))
        scale = FITTED * min(self.height() / tall, self.width() / wide) * self._zoom
        centre = (low + high) / 2 - self._shift @ axes[:2] / scale
        return Stage(axes, centre, scale, (self.height(), self.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the surfaces, then what stands on them."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if not self.scene.parts:
            marks.draw_hint(painter, self.rect(), HINT)
            return
        stage = self.stage()
        pixels = np.ascontiguousarray(composed(self.scene.parts, stage))
        rows, columns, _ = pixels.shape
        painter.drawImage(0, 0, QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = [(name, _spot(stage, place), guess) for name, place, guess in self.scene.names]
        marks.draw_names(painter, QRectF(self.rect()), names)
        if self.scene.point_mm is not None:
            self._draw_point(painter, stage)
        self._draw_sides(painter, stage)
        marks.draw_captions(painter, QRectF(self.rect()), "3-D", "", "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold."""
        self._button = event.button()
        self._began = self._last = QPointF(event.pos())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn or pan."""
        spot = QPointF(event.pos())
        right, down = spot.x() - self._last.x(), spot.y() - self._last.y()
        self._last = spot
        if self._button == Qt.MouseButton.LeftButton:
            self.azimuth_deg -= right * DEGREES_PER_PIXEL
            elevation = self.elevation_deg + down * DEGREES_PER_PIXEL
            self.elevation_deg = float(np.clip(elevation, -STEEPEST_DEG, STEEPEST_DEG))
        elif self._button != Qt.MouseButton.NoButton:
            self._shift += (right, -down)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A press and release in one place is a click."""
        clicked = (QPointF(event.pos()) - self._began).manhattanLength() <= CLICK_PIXELS
        if clicked and self._button == Qt.MouseButton.LeftButton and self.scene.parts:
            found = picked(self.scene.parts, self.stage(), event.pos().y(), event.pos().x())
            if found is not None:
                self.pointed.emit(found)
        self._button = Qt.MouseButton.NoButton

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show 3-D in the main view."""
        self.opened.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self._zoom = float(np.clip(self._zoom * ZOOM_PER_NOTCH ** (event.angleDelta().y() / NOTCH), 0.2, 20.0))
        event.accept()
        self.update()

    def _draw_point(self, painter: QPainter, stage: Stage) -> None:
        spot = _spot(stage, self.scene.point_mm)
        painter.setPen(QPen(marks.INK, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(spot, 5.0, 5.0)
        for right, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawLine(spot + QPointF(5 * right, 5 * down), spot + QPointF(11 * right, 11 * down))

    def _draw_sides(self, painter: QPainter, stage: Stage) -> None:
        """Name the directions of the body at the lower right, those that are not seen end-on."""
        middle = QPointF(self.width() - 34, self.height() - 34)
        painter.setPen(marks.INK)
        for letter, direction in (("R", (1, 0, 0)), ("A", (0, 1, 0)), ("S", (0, 0, 1))):
            right, up = stage.axes[:2] @ np.array(direction, dtype=float)
            if np.hypot(right, up) < 0.2:
                continue
            painter.drawLine(middle, middle + QPointF(18 * right, -18 * up))
            at = middle + QPointF(26 * right, -26 * up)
            painter.drawText(QRectF(at.x() - 8, at.y() - 8, 16, 16), Qt.AlignmentFlag.AlignCenter, letter)


def _spot(stage: Stage, place_mm: NDArray[np.float64]) -> QPointF:
    row, column, _ = stage.project(place_mm)
    return QPointF(float(column), float(row))

"""A second view beside napari's own: the plane across it, drawn by Qt alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_spinalq.gui.colours import DISC_COLOUR
from napari_spinalq.gui.crossview import CrossView

LINE, LETTER = QColor("#F0E442"), QColor("#F0E442")
"""Okabe-Ito yellow, as the letters of the main view."""

SMALLEST = 110
"""Pixels: beside the controls of a labels layer a screen of 768 lines leaves no more; it grows where there is room."""

DOT = 3.0
NAME_HEIGHT = 12.0
HINT = "The plane across the main view opens here."
Named = tuple[str, NDArray[np.float64]]


class SecondView(QWidget):
    """Shows a plane with lines where the main view stands.

    Signals
    -------
    pointed : array
        Displayed world point (z, y, x) on which the user clicked or to which the mouse was dragged.
    scrolled : int
        Steps to go through the slices of the main view.
    """

    pointed = Signal(object)
    scrolled = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._view: CrossView | None = None
        self._point = np.zeros(3)
        self._discs: Sequence[Named] = ()
        self.setMinimumSize(SMALLEST, SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Click or drag: the main view goes there. Wheel: slice by slice.")
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def view(self) -> CrossView | None:
        """What is shown; None while there is no scan."""
        return self._view

    def show_view(self, view: CrossView | None, point: NDArray[np.float64], discs: Sequence[Named] = ()) -> None:
        """Show a plane, lines through ``point`` (z, y, x) and named discs (z, y, x)."""
        self._view, self._point, self._discs = view, np.asarray(point, dtype=float), discs
        self.update()

    def place(self) -> QRectF:
        """Return where on the widget the picture lies: as large as fits, in true proportion."""
        height, width = self._view.size_mm
        zoom = min(self.width() / width, self.height() / height)
        size = (width * zoom, height * zoom)
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw picture, lines, discs and letters."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._view is None:
            painter.setPen(Qt.GlobalColor.gray)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, HINT)
            return
        rows, columns, _ = self._view.pixels.shape
        image = QImage(self._view.pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        place = self.place()
        painter.drawImage(place, image)
        self._draw_lines(painter, place)
        self._draw_discs(painter, place)
        self._draw_letters(painter)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the mouse points."""
        self._point_at(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the dragged mouse."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._point_at(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go through the slices of the main view."""
        self.scrolled.emit(1 if event.angleDelta().y() > 0 else -1)
        event.accept()

    def _point_at(self, event: QMouseEvent) -> None:
        if self._view is None:
            return
        spot, place = event.pos(), self.place()
        fraction = np.array([(spot.y() - place.top()) / place.height(), (spot.x() - place.left()) / place.width()])
        self.pointed.emit(self._view.world(np.clip(fraction, 0.0, 1.0), self._point))

    def _at(self, place: QRectF, world: NDArray[np.float64]) -> QPointF:
        down, right = self._view.fraction(world)
        return QPointF(place.left() + right * place.width(), place.top() + down * place.height())

    def _draw_lines(self, painter: QPainter, place: QRectF) -> None:
        spot = self._at(place, self._point)
        pen = QPen(LINE)
        pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.drawLine(QPointF(place.left(), spot.y()), QPointF(place.right(), spot.y()))
        painter.drawLine(QPointF(spot.x(), place.top()), QPointF(spot.x(), place.bottom()))

    def _draw_discs(self, painter: QPainter, place: QRectF) -> None:
        painter.setFont(QFont(self.font().family(), 7))
        written = -NAME_HEIGHT
        for name, world in self._discs:
            spot = self._at(place, world)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(DISC_COLOUR))
            painter.drawEllipse(spot, DOT, DOT)
            if spot.y() - written >= NAME_HEIGHT:  # a small view has room for some of the names
                painter.setPen(Qt.GlobalColor.white)
                painter.drawText(QRectF(spot.x() - 60, spot.y() - 8, 54, 16), Qt.AlignmentFlag.AlignRight, name)
                written = spot.y()

    def _draw_letters(self, painter: QPainter) -> None:
        painter.setFont(QFont(self.font().family(), 10))
        painter.setPen(LETTER)
        inside = QRectF(self.rect()).adjusted(4, 2, -4, -2)
        middle, flag = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag
        where = (flag.AlignLeft | middle, flag.AlignRight | middle, flag.AlignTop, flag.AlignBottom)
        for letter, side in zip(self._view.letters, where, strict=True):
            across = side if side & (flag.AlignLeft | flag.AlignRight) else side | flag.AlignHCenter
            painter.drawText(inside, across, letter)

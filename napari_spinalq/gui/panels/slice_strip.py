"""A thin strip with a column for each slice of the cord: untouched, checked or edited, superior on the left."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_spinalq.gui.drawing.slices import SliceState, Status

HEIGHT, MARK = 20, 6
"""Pixels: of the strip, and of the triangle at its top that marks the slice on display."""

COLOURS = {Status.UNTOUCHED: "#8A8A8A", Status.CHECKED: "#009E73", Status.EDITED: "#E69F00"}
"""Grey, Okabe-Ito green and orange; heights tell them apart too."""

SHARES = {Status.UNTOUCHED: 0.25, Status.CHECKED: 0.6, Status.EDITED: 1.0}
"""Height of a column by what became of the slice: the strip can be read without its colours."""


class SliceStrip(QWidget):
    """Shows the account of the slices. Signal: ``slice_wanted`` (int), when one is clicked."""

    slice_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._state: SliceState | None = None
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Slices: untouched, checked, edited")

    def sizeHint(self) -> QSize:
        """Return a width that the layout may shrink."""
        return QSize(120, HEIGHT)

    def show_state(self, state: SliceState | None) -> None:
        """Show the account; None for none."""
        self._state = state
        self.update()

    def slices(self) -> list[int]:
        """Return the slices that are shown, from left (superior) to right."""
        if self._state is None or not self._state.held.any():
            return []
        held = np.flatnonzero(self._state.held)
        return list(range(int(held[-1]), int(held[0]) - 1, -1))

    def slice_at(self, x: float) -> int | None:
        """Return the slice whose column holds a place (pixels from the left)."""
        shown = self.slices()
        return shown[min(max(int(x * len(shown) / max(self.width(), 1)), 0), len(shown) - 1)] if shown else None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the columns, and a mark above the slice that is shown."""
        state, shown = self._state, self.slices()
        if state is None or not shown:
            return
        painter = QPainter(self)
        width = self.width() / len(shown)
        for place, index in enumerate(shown):
            status = Status(int(state.status[index]))
            tall = SHARES[status] * (HEIGHT - MARK)
            painter.fillRect(QRectF(place * width, HEIGHT - tall, width + 0.5, tall), QColor(COLOURS[status]))
        if state.index in shown:
            middle = (shown.index(state.index) + 0.5) * width
            corners = [QPointF(middle - MARK, 0), QPointF(middle + MARK, 0), QPointF(middle, MARK)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().windowText().color())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawPolygon(QPolygonF(corners))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell which slice was clicked."""
        self._tell(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go along with the mouse while its button is down."""
        self._tell(event)

    def event(self, event: QEvent) -> bool:
        """Name the slice under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._state is not None:
            index = self.slice_at(event.pos().x())
            if index is not None:
                words = Status(int(self._state.status[index])).words
                QToolTip.showText(event.globalPos(), f"Slice {index}: {words}", self)
                return True
        return super().event(event)

    def _tell(self, event: QMouseEvent) -> None:
        index = self.slice_at(event.pos().x())
        if index is not None:
            self.slice_wanted.emit(index)

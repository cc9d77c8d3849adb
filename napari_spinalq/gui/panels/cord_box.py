"""The area of a plot along the cord: wheel zooms along it, middle or right button pans, the left button points."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtWidgets import QGraphicsSceneMouseEvent

PAN_BUTTONS = (Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton)


class CordBox(pg.ViewBox):
    """A view box whose horizontal axis is the way along the cord; the vertical one is set by its owner.

    Signals
    -------
    pressed, dragged : QPointF
        Where the left button went down, and where it moved while down, in the coordinates of the plot.
    released
        It came up.
    doubled : QPointF
        Where it was clicked twice.
    """

    pressed = Signal(QPointF)
    dragged = Signal(QPointF)
    released = Signal()
    doubled = Signal(QPointF)

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(x=True, y=False)
        self._pan_from: QPointF | None = None

    def mousePressEvent(self, event: QGraphicsSceneMouseEvent) -> None:
        """Take the button, so that pyqtgraph makes no drag of its own of it."""
        event.accept()
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit(self.mapSceneToView(event.scenePos()))
        elif event.button() in PAN_BUTTONS:
            self._pan_from = self.mapSceneToView(event.scenePos())

    def mouseDoubleClickEvent(self, event: QGraphicsSceneMouseEvent) -> None:
        """Tell of the second press of a double click, which comes in place of a press."""
        event.accept()
        self.doubled.emit(self.mapSceneToView(event.scenePos()))

    def mouseMoveEvent(self, event: QGraphicsSceneMouseEvent) -> None:
        """Point, or pan so that what was under the mouse stays under it."""
        place = self.mapSceneToView(event.scenePos())
        if self._pan_from is not None:
            self.translateBy(x=self._pan_from.x() - place.x())
        elif event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(place)

    def mouseReleaseEvent(self, event: QGraphicsSceneMouseEvent) -> None:
        """End pointing or panning."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.released.emit()
        else:
            self._pan_from = None

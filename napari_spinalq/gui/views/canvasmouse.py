"""Drags on napari's canvas that belong to the views, taken before napari's tools see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Points
from qtpy.QtCore import QEvent, QObject, QPointF, Qt
from qtpy.QtGui import QMouseEvent

from napari_spinalq.gui.display import stand_at, world_at
from napari_spinalq.gui.views.windowing import Windower

if TYPE_CHECKING:
    from napari import Viewer

_PRESS, _MOVE = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove
_RELEASE, _DOUBLE = QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick


class CanvasMouse(QObject):
    """Window and level by Shift+right drag (or any left drag while that is switched on); Shift+left: the crosshair."""

    def __init__(self, viewer: Viewer, windower: Windower) -> None:
        super().__init__()
        self._viewer, self._windower = viewer, windower
        self._drag = ""
        self._from = QPointF()
        self._canvas = viewer.window._qt_viewer.canvas.native  # napari hands mouse events on only after its own tools
        self._canvas.installEventFilter(self)

    def stop(self) -> None:
        """Take no more events: the window closes."""
        self._canvas.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the drags that are meant for the views; all other events pass."""
        kind = event.type()
        if kind not in (_PRESS, _MOVE, _RELEASE, _DOUBLE) or not isinstance(event, QMouseEvent):
            return False
        if kind in (_PRESS, _DOUBLE):
            return self._begin(event, kind == _DOUBLE)
        if not self._drag:
            return False
        if kind == _RELEASE:
            self._drag = ""
        else:
            self._follow(event)
        return True

    def _begin(self, event: QMouseEvent, twice: bool) -> bool:
        self._drag = self._meaning(event)
        self._from = QPointF(event.pos())
        if self._drag == "window" and twice:
            self._windower.reset()
        elif self._drag == "window":
            self._windower.begin()
        elif self._drag:
            self._follow(event)
        return bool(self._drag)

    def _meaning(self, event: QMouseEvent) -> str:
        if self._viewer.dims.ndim < 3:
            return ""
        left = event.button() == Qt.MouseButton.LeftButton
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if (left and self._windower.windowing) or (shifted and event.button() == Qt.MouseButton.RightButton):
            return "window"
        on_points = isinstance(self._viewer.layers.selection.active, Points)  # there Shift adds to the selection
        return "point" if left and shifted and not on_points and self._viewer.dims.ndisplay == 2 else ""

    def _follow(self, event: QMouseEvent) -> None:
        spot = event.pos()
        if self._drag == "window":
            self._windower.drag(spot.x() - self._from.x(), self._from.y() - spot.y())
        else:
            stand_at(self._viewer, world_at(self._viewer, spot.y(), spot.x()))

"""Asking before a window with unsaved edits closes."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget


class CloseGuard(QObject):
    """Stands at a window's door: ``may_close`` decides, ``closed`` is told once the window goes.

    An event filter sees every way of closing (button, menu, shortcut, session end) before napari does.
    """

    def __init__(self, window: QWidget, may_close: Callable[[], bool], closed: Callable[[], None]) -> None:
        super().__init__(window)
        self._window = window
        self._may_close: Callable[[], bool] | None = may_close
        self._closed: Callable[[], None] | None = closed
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Refuse the close event if the user wants to stay."""
        if self._may_close is None or watched is not self._window or event.type() != QEvent.Type.Close:
            return False
        if not self._may_close():
            event.ignore()
            return True
        self._window.removeEventFilter(self)
        self._closed()
        # Qt keeps this guard as long as the window; what it guarded shall not be kept with it.
        self._may_close = self._closed = None
        return False

"""Keys of a reading round, at hand wherever the focus is in the window, and only while its page is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

TEXT_FIELDS = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)
PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


class RoundKeys(QObject):
    """Takes plain keys before anything else in the window does, so that none reaches napari's own shortcuts.

    A filter on the application sees a key before the widget that has the focus. It is installed only while it is on.
    Keys typed into text fields, with Ctrl, Alt or Shift, or while a dialog or a menu is open are left alone.

    Parameters
    ----------
    page : QWidget
        The page; its window is the one in which keys are taken.
    actions : mapping of int to callable
        What each key does (``Qt.Key``).
    """

    def __init__(self, page: QWidget, actions: Mapping[Qt.Key, Callable[[], object]]) -> None:
        super().__init__(page)
        self._page, self._actions = page, {int(key): action for key, action in actions.items()}

    def set_on(self, on: bool) -> None:
        """Take keys, or leave them to others."""
        application = QApplication.instance()
        application.removeEventFilter(self)
        if on:
            application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Act on a key of the round and keep it from everyone else."""
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return False
        if not self._is_ours(watched, event):
            return False
        event.accept()  # an accepted override tells Qt that the key is no shortcut of a menu
        if kind == QEvent.Type.KeyPress and (not event.isAutoRepeat() or event.key() in REPEATING):
            self._actions[event.key()]()
        return True

    def _is_ours(self, watched: QObject, event: QKeyEvent) -> bool:
        return (
            event.key() in self._actions
            and event.modifiers() in PLAIN
            and isinstance(watched, QWidget)
            and self._in_window(watched)
            and QApplication.activeModalWidget() is None
            and QApplication.activePopupWidget() is None
            and not _is_text_field(watched)
        )

    def _in_window(self, widget: QWidget) -> bool:
        """Tell whether a widget belongs to the window of the page or to a dock that floats above it."""
        ours = self._page.window()
        return widget.window() is ours or widget.window().parentWidget() is ours


REPEATING = frozenset(int(key) for key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_F))
"""Keys that may be held down; a rating needs a press of its own."""


def _is_text_field(widget: QWidget) -> bool:
    field = widget if widget.focusProxy() is None else widget.focusProxy()
    editable = isinstance(field, QComboBox) and field.isEditable()
    return editable or any(isinstance(one, TEXT_FIELDS) and not _read_only(one) for one in (widget, field))


def _read_only(field: QWidget) -> bool:
    return bool(getattr(field, "isReadOnly", lambda: False)())

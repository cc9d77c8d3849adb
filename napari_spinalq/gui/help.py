"""The list of keys in the window: ``?`` or F1 opens and closes it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QDialog, QLineEdit, QShortcut, QTextBrowser, QVBoxLayout, QWidget

from napari_spinalq.gui.shortcuts import Shortcut, grouped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZE = (1220, 600)
"""Pixels: all keys without scrolling, on a screen of 1366 x 768."""

COLUMNS = 3
KEY_WIDTH = 108
HEADING_LINES = 2


class KeysDialog(QDialog):
    """All keys by group, with a field to search them. Esc, ``?`` or F1 closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys of the Spinal Cord dock")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: brush, slice, undo …")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._show)
        self.list = QTextBrowser()
        self.list.setFrameShape(QTextBrowser.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        self.resize(*SIZE)
        self._show("")
        self.list.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with the keys that opened it."""
        if event.key() in (Qt.Key.Key_Question, Qt.Key.Key_F1):
            self.close()
            return
        super().keyPressEvent(event)

    def _show(self, search: str) -> None:
        self.list.setHtml(as_html(grouped(search=search)))


class Help(QObject):
    """Opens and closes the list of keys of one window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: KeysDialog | None = None
        # napari's key handling knows no "?"; Qt's own does, with or without Shift as the keyboard has it
        for keys in ("?", "Shift+?"):
            key = QShortcut(QKeySequence(keys), window)
            key.activated.connect(self.toggle)
            key.activatedAmbiguously.connect(self.toggle)  # where both fit, Qt tells one of them so

    def toggle(self) -> None:
        """Show the list, or close it."""
        if self.dialog is None:
            self.dialog = KeysDialog(self._window)
        if self.dialog.isVisible():
            self.dialog.close()
        else:
            self.dialog.show()
            self.dialog.raise_()


def as_html(groups: Mapping[str, Sequence[Shortcut]]) -> str:
    """Return the list in columns of about the same length."""
    if not groups:
        return "<p>No key does that.</p>"
    parts = [(HEADING_LINES + len(own), _group(name, own)) for name, own in groups.items()]
    whole, columns, used = sum(lines for lines, _ in parts), [""] * COLUMNS, 0
    for lines, text in parts:
        columns[min(int(COLUMNS * (used + lines / 2) / whole), COLUMNS - 1)] += text
        used += lines
    cells = "".join(f'<td width="{100 // COLUMNS}%">{column}</td>' for column in columns)
    return f'<table width="100%"><tr>{cells}</tr></table>'


def _group(name: str, own: Sequence[Shortcut]) -> str:
    rows = "".join(
        f'<tr><td width="{KEY_WIDTH}"><b>{escape(one.shown)}</b></td><td>{escape(one.words)}</td></tr>' for one in own
    )
    return f'<p style="margin: 6px 0 1px 0"><u>{escape(name)}</u></p><table cellspacing="0">{rows}</table>'

"""A line for a comment, with the common reasons one key away."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QLineEdit, QVBoxLayout

from napari_spinalq.gui.panels.parts import GAP

COLUMNS = 2


class CommentBox(QFrame):
    """Takes a comment. In an empty line a digit stands for a common reason, which can then be gone on from.

    Signals
    -------
    given : str
        The comment, on Enter.
    closed
        On Enter and on Esc.
    """

    given = Signal(str)
    closed = Signal()

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__()
        self.line = _Line(reasons)
        self.line.setPlaceholderText("A digit, or your words; Enter keeps, Esc drops")
        column, grid = QVBoxLayout(self), QGridLayout()
        column.setContentsMargins(6, 2, 6, 2)
        column.setSpacing(GAP)
        column.addWidget(self.line)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(0)
        for place, reason in enumerate(reasons):
            grid.addWidget(QLabel(f"<b>{place + 1}</b>&nbsp; {reason}"), place // COLUMNS, place % COLUMNS)
        column.addLayout(grid)
        self.line.returnPressed.connect(self._give)
        self.line.left.connect(self._close)
        self.hide()

    def open(self, text: str) -> None:
        """Begin to write, from what was said before."""
        self.line.setText(text)
        self.line.selectAll()
        self.show()
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _give(self) -> None:
        self.given.emit(self.line.text())
        self._close()

    def _close(self) -> None:
        self.line.clearFocus()
        self.hide()
        self.closed.emit()


class _Line(QLineEdit):
    """A line in which a first digit is a reason, and which Esc leaves."""

    left = Signal()

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__()
        self._reasons = {str(place + 1): reason for place, reason in enumerate(reasons)}

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take digits and Esc for what they mean here."""
        untouched = not self.text() or self.selectedText() == self.text()
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif untouched and event.text() in self._reasons:
            self.setText(self._reasons[event.text()])
        else:
            super().keyPressEvent(event)

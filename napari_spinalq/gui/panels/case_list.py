"""The list of the worklist: each case in two lines, name and rating above, suspicion and worst flag below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPalette
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_spinalq.gui.panels.parts import SIGNS, STATE_COLOURS, draw_text
from napari_spinalq.gui.worklist.rows import CaseRow

PADDING, BAR_WIDTH, BAR_HEIGHT, NUMBER_WIDTH = 5, 44, 8, 34
"""Pixels. The number stands beside its bar, so that no length has to be judged by eye."""

BAR_COLOUR = QColor(STATE_COLOURS["bad"])
Index = QModelIndex | QPersistentModelIndex


class CaseListModel(QAbstractListModel):
    """Rows as they are told."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[CaseRow] = []

    def row(self, index: int) -> CaseRow:
        """Return one row."""
        return self._rows[index]

    def set_rows(self, rows: Sequence[CaseRow]) -> None:
        """Show these rows; the place in the list is kept where only words changed."""
        if len(rows) == len(self._rows):
            self._rows = list(rows)
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def place_of(self, case: Any) -> int:
        """Return the row of a case; -1 if it has none."""
        return next((place for place, row in enumerate(self._rows) if row.case is not None and row.case == case), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the row as a sentence (for screen readers), its explanation, or the row itself."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return ", ".join(part for part in (row.title, row.rating, suspicion_text(row), row.words) if part)
            case Qt.ItemDataRole.ToolTipRole:
                return row.tip
            case Qt.ItemDataRole.UserRole:
                return row
        return None


class CaseDelegate(QStyledItemDelegate):
    """Paints a row in the colours of the theme."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return room for two lines of text."""
        return QSize(200, 2 * option.fontMetrics.height() + 2 * PADDING)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one case."""
        row, selected = index.data(Qt.ItemDataRole.UserRole), bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        if selected:
            painter.fillRect(option.rect, option.palette.brush(QPalette.ColorRole.Highlight))
        inner = option.rect.adjusted(PADDING, PADDING - 1, -PADDING, 1 - PADDING)
        upper = QRect(inner.left(), inner.top(), inner.width(), inner.height() // 2)
        lower = upper.translated(0, inner.height() // 2)
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        colour = option.palette.color(role)
        painter.setPen(colour if row.case is not None else _faded(colour))
        self._first_line(painter, upper, row, option.font)
        painter.setFont(option.font)
        if row.suspicion is not None:
            _bar(painter, lower, row.suspicion, colour)
        _text(painter, lower.adjusted(BAR_WIDTH + NUMBER_WIDTH + PADDING, 0, 0, 0), row.words)
        painter.restore()

    def _first_line(self, painter: QPainter, line: QRect, row: CaseRow, font: QFont) -> None:
        """Paint the rating on the right and the name in what is left."""
        painter.setFont(font)
        said = f"{SIGNS[row.kind]} {row.rating}".strip()
        width = min(painter.fontMetrics().horizontalAdvance(said), line.width() * 2 // 3)
        _text(painter, line.adjusted(line.width() - width, 0, 0, 0), said)
        bold = QFont(font)
        bold.setBold(row.case is not None)
        painter.setFont(bold)
        _text(painter, line.adjusted(0, 0, -width - 2 * PADDING, 0), row.title)


def suspicion_text(row: CaseRow) -> str:
    """Return the suspicion as a number; nothing while it is not known."""
    return "" if row.suspicion is None else f"{row.suspicion:.2f}"


def _bar(painter: QPainter, line: QRect, suspicion: float, colour: QColor) -> None:
    frame = QRect(line.left(), line.center().y() - BAR_HEIGHT // 2, BAR_WIDTH, BAR_HEIGHT)
    painter.fillRect(QRect(frame.left(), frame.top(), round(BAR_WIDTH * suspicion), BAR_HEIGHT), BAR_COLOUR)
    painter.drawRect(frame)
    number = QRect(frame.right() + PADDING, line.top(), NUMBER_WIDTH, line.height())
    _text(painter, number, f"{suspicion:.2f}")


def _text(painter: QPainter, place: QRect, text: str) -> None:
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    draw_text(painter, QRectF(place), shown, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


def _faded(colour: QColor) -> QColor:
    faded = QColor(colour)
    faded.setAlphaF(0.6)
    return faded

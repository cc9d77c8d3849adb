"""The table of levels as a Qt model: it shows rows that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, QTimer
from qtpy.QtGui import QColor

HIGHLIGHT_MS = 900
"""How long a changed cell stays marked: long enough to catch the eye, gone before the next stroke."""

HIGHLIGHT = QColor(230, 159, 0, 110)
"""Okabe-Ito orange, half clear: the number stays legible on light and dark themes."""

MISSING = "–"
Index = QModelIndex | QPersistentModelIndex
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column: key of its value, heading, explanation, digits (None for text), unit if not in the heading."""

    key: str
    title: str
    explanation: str
    digits: int | None = None
    unit: str = ""


class LevelTableModel(QAbstractTableModel):
    """Rows of a table, one per level, identified by the value under ``identity``."""

    def __init__(self, columns: Sequence[Column], identity: str) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self._identity = identity
        self._rows: list[Row] = []
        self._changed: set[tuple[Any, str]] = set()
        self._fade = QTimer(self, singleShot=True, interval=HIGHLIGHT_MS)
        self._fade.timeout.connect(self._forget_changes)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the rows stay until others come."""
        if tuple(columns) != self.columns:
            self.beginResetModel()
            self.columns, self._changed = tuple(columns), set()
            self.endResetModel()

    def rows(self) -> tuple[Row, ...]:
        """Return the rows in their own order."""
        return tuple(self._rows)

    def row(self, index: int) -> Row:
        """Return one row."""
        return self._rows[index]

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows. Cells that changed in a row that stays are marked for a moment."""
        same = [row[self._identity] for row in rows] == [row[self._identity] for row in self._rows]
        if not same:
            self.beginResetModel()
            self._rows, self._changed = list(rows), set()
            self.endResetModel()
            return
        for number, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
            self._replace(number, old, new)

    def _replace(self, number: int, old: Row, new: Row) -> None:
        changed = [
            place for place, column in enumerate(self.columns) if self._text(old, column) != self._text(new, column)
        ]
        self._rows[number] = new
        if changed:
            self._changed.update((new[self._identity], self.columns[place].key) for place in changed)
            self._fade.start()
        for place in changed:  # cell by cell: for a range of cells Qt draws the whole table, which takes several ms
            self.dataChanged.emit(self.index(number, place), self.index(number, place))

    def _forget_changes(self) -> None:
        self._changed.clear()
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(self.columns) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows, sorts by (UserRole), explains, or how it is set."""
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column)
            case Qt.ItemDataRole.UserRole:
                return row.get(f"{column.key}_sort", row.get(column.key))
            case Qt.ItemDataRole.ToolTipRole:
                return row.get(f"{column.key}_tip") or column.explanation
            case Qt.ItemDataRole.TextAlignmentRole:
                return self._alignment(column)
            case Qt.ItemDataRole.BackgroundRole:
                return HIGHLIGHT if (row[self._identity], column.key) in self._changed else None
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a column's heading or explanation."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title
            case Qt.ItemDataRole.ToolTipRole:
                return column.explanation
            case Qt.ItemDataRole.TextAlignmentRole:
                return self._alignment(column)
        return None

    def as_text(self) -> str:
        """Return the table for the clipboard: headings and rows, tab-separated."""
        lines = ["\t".join(_heading(column) for column in self.columns)]
        lines += ["\t".join(self._text(row, column) for column in self.columns) for row in self._rows]
        return "\n".join(lines) + "\n"

    @staticmethod
    def _text(row: Row, column: Column) -> str:
        value = row.get(column.key)
        if value is None or value != value:  # NaN is the only number that differs from itself
            return MISSING
        if column.digits is None:
            return str(value)
        return f"{round(value, column.digits) + 0.0:.{column.digits}f}"  # adding zero makes -0.0 a plain 0.0

    @staticmethod
    def _alignment(column: Column) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignLeft if column.digits is None else Qt.AlignmentFlag.AlignRight
        return side | Qt.AlignmentFlag.AlignVCenter


def _heading(column: Column) -> str:
    """Return the heading in one line, with its unit."""
    title = column.title.replace("\n", " ")
    return f"{title} ({column.unit})" if column.unit else title


def sortable(model: LevelTableModel) -> QSortFilterProxyModel:
    """Return a proxy that sorts by the numbers, not by their text."""
    proxy = QSortFilterProxyModel()
    proxy.setSourceModel(model)
    proxy.setSortRole(Qt.ItemDataRole.UserRole)
    return proxy

"""The table of tracts: which rows are shown, and which tract is outlined."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView

from napari_spinalq.gui.panels.measure_panel import TIGHT
from napari_spinalq.gui.table_model import Column, LevelTableModel, Row, sortable

ROW_HEIGHT, LEAST_ROWS = 20, 5
NAME_WIDTH, LEVEL_WIDTH, LEAST_WIDTH = 90, 38, 36
WIDEST = "999.9"
"""The widest number that a cell is sure to show: white matter has hundreds of voxels at a level."""

CELL_MARGIN = 8


class TractTable(QTableView):
    """Shows a row per tract and level.

    Signals
    -------
    chosen : object
        Identity of the row that was clicked or reached by keyboard; None when the row that was chosen is clicked again.
    """

    chosen = Signal(object)

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.rows = LevelTableModel(columns, "id")
        self._sorted = sortable(self.rows)
        self._outlined: object = None
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.setStyleSheet(TIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(ROW_HEIGHT * LEAST_ROWS)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.horizontalHeader().setHighlightSections(False)
        self.clicked.connect(self._toggle)
        self._fit_columns()

    def show_rows(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show these rows; the one whose tract is outlined stays chosen."""
        if tuple(columns) != self.rows.columns:
            self.rows.set_columns(columns)
            self._fit_columns()
        self.rows.set_rows(rows)
        self.show_outlined(self._outlined)

    def show_outlined(self, identity: object) -> None:
        """Mark the row whose tract is outlined; None: no row."""
        self._outlined = identity
        place = next((place for place, row in enumerate(self.rows.rows()) if row["id"] == identity), None)
        if place is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
            return
        index = self._sorted.mapFromSource(self.rows.index(place, 0))
        if self.currentIndex().row() != index.row() or not self.selectionModel().hasSelection():
            self.selectRow(index.row())

    def _fit_columns(self) -> None:
        """Give names the room that they need; numbers share the rest, and scroll where there are many."""
        header = self.horizontalHeader()
        header.setMinimumSectionSize(LEAST_WIDTH)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for place, width in ((0, NAME_WIDTH), (1, LEVEL_WIDTH)):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(place, width)
        last = len(self.rows.columns) - 1
        if last < 3:  # no map yet: nothing shares the room that is left
            return
        header.setSectionResizeMode(last, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(last, self.fontMetrics().horizontalAdvance(WIDEST) + CELL_MARGIN)

    def _toggle(self, index: QModelIndex | QPersistentModelIndex) -> None:
        identity = self._identity(index)
        self.chosen.emit(None if identity == self._outlined else identity)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the row that a key reached; Enter does what a click does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._toggle(self.currentIndex())
            return
        super().keyPressEvent(event)
        reached = self.currentIndex()
        if reached.isValid() and self._identity(reached) != self._outlined:
            self.chosen.emit(self._identity(reached))

    def _identity(self, index: QModelIndex | QPersistentModelIndex) -> object:
        return self.rows.row(self._sorted.mapToSource(index).row())["id"]

"""Step 4: the table of levels."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from napari_spinalq.gui.panels.parts import StateLine, Step, button, row
from napari_spinalq.gui.rows import COLUMNS
from napari_spinalq.gui.table_model import LevelTableModel, Row, sortable

ROW_HEIGHT = 21
AREA = "area_mm2"
MOST_TOUCHED = 3
"""A stroke changes its level and, by the borders between them, its neighbours; what changes more is no stroke."""
LEVEL_WIDTH, FLAG_WIDTH = 38, 18
TIGHT = "QTableView, QHeaderView { font-size: 12px; } QHeaderView::section { padding: 2px 1px; font-weight: normal; }"
VISIBLE_ROWS = 8


class ChangeDelegate(QStyledItemDelegate):
    """Lets the mark of a changed cell be seen in the selected row too: that is the level being painted."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Draw a marked cell as if it were not selected."""
        super().initStyleOption(option, index)
        if index.data(Qt.ItemDataRole.BackgroundRole) is not None:
            option.state &= ~QStyle.StateFlag.State_Selected


class MeasurePanel(Step):
    """Shows a row per level and tells which one the user points at.

    Signals
    -------
    level_chosen : int
        Number of the level whose row was clicked or reached by keyboard.
    copy_wanted, export_wanted, save_wanted
        Copy the table, write it to a file, save the whole work.
    """

    level_chosen = Signal(int)
    copy_wanted = Signal()
    export_wanted = Signal()
    save_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(4, "Measure")
        self.model = LevelTableModel(COLUMNS["cord"], "number")
        self._sorted = sortable(self.model)
        self.table = self._make_table()
        self.save = button(
            "Save", "Save masks, levels, discs and measures as BIDS derivatives (F9)", self.save_wanted.emit
        )
        self.export = button("Export…", "Write the measures per level as CSV or TSV", self.export_wanted.emit)
        self.copy = button("Copy", "Copy the table to the clipboard", self.copy_wanted.emit)
        self.state = StateLine()
        self.body.addWidget(self.table)
        self.body.addWidget(self.state)
        self.body.addLayout(row(self.save, self.export, self.copy, stretch=0))

    def show_possible(self, measured: bool) -> None:
        """Enable what needs a measured mask."""
        for widget in (self.save, self.export, self.copy):
            widget.setEnabled(measured)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show a row per level; the one that is being painted comes into view."""
        painted = _painted(self.model.rows(), rows)
        self.model.set_rows(rows)
        if painted is not None:
            self.table.scrollTo(self._sorted.mapFromSource(self.model.index(painted, 0)))

    def show_structure(self, structure: str) -> None:
        """Show the columns of a structure."""
        self.model.set_columns(COLUMNS[structure])
        self._fit_columns(self.table)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._sorted)
        table.setItemDelegate(ChangeDelegate(table))
        table.setSortingEnabled(True)
        table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideNone)
        table.setAlternatingRowColors(False)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        table.setStyleSheet(TIGHT)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(FLAG_WIDTH)
        header.setHighlightSections(False)
        self._fit_columns(table)
        table.setMinimumHeight(ROW_HEIGHT * VISIBLE_ROWS // 2)
        table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        table.setToolTip("Click on a row: all views go to that level. Click on a heading to sort.")
        table.clicked.connect(self._tell_level)
        table.activated.connect(self._tell_level)
        table.selectionModel().currentRowChanged.connect(self._tell_level)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._show_menu)
        return table

    def _fit_columns(self, table: QTableView) -> None:
        """Give names and warning signs the room that they need, and the rest to the numbers."""
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for place, width in ((0, LEVEL_WIDTH), (self.model.columnCount() - 1, FLAG_WIDTH)):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Fixed)
            table.setColumnWidth(place, width)

    def _tell_level(self, index: QModelIndex | QPersistentModelIndex) -> None:
        if index.isValid():
            self.level_chosen.emit(int(self.model.row(self._sorted.mapToSource(index).row())["number"]))

    def _show_menu(self, place: object) -> None:
        menu = QMenu(self.table)
        menu.addAction("Copy table", self.copy_wanted.emit)
        menu.addAction("Export…", self.export_wanted.emit)
        menu.popup(self.table.viewport().mapToGlobal(place))


def _painted(before: Sequence[Row], after: Sequence[Row]) -> int | None:
    """Return the place of the row whose area changed most, if few changed; None otherwise."""
    if [row["number"] for row in before] != [row["number"] for row in after]:
        return None
    areas = [(old.get(AREA), new.get(AREA)) for old, new in zip(before, after, strict=True)]
    changed = {place: abs(b - a) for place, (a, b) in enumerate(areas) if None not in (a, b) and abs(b - a) > 0}
    return max(changed, key=changed.__getitem__) if 0 < len(changed) <= MOST_TOUCHED else None

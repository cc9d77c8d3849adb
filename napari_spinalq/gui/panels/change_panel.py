"""What edits did to each level, as a small table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QLabel, QSizePolicy, QTableView, QVBoxLayout

from napari_spinalq.gui.panels.measure_panel import TIGHT
from napari_spinalq.gui.panels.parts import StateLine
from napari_spinalq.gui.table_model import Column, LevelTableModel, Row

HEIGHT = 118
"""Pixels: the page of tools has no more to spare on a screen of 768 lines."""

HEADER_HEIGHT, MOST_ROWS = 23, 3
"""Pixels, and levels that are seen without scrolling: the table of measures below needs the rest of the room."""

UNCHANGED = "="
SAME = "No level differs from the automatic mask."
ROW_HEIGHT, LEVEL_WIDTH, SIGN_WIDTH, CHANGE_WIDTH = 19, 40, 22, 110

COLUMNS = (
    Column("level", "Level", "Vertebral level"),
    Column("dice", "Dice", "Overlap with the last automatic mask: 1 = equal", 3),
    Column("before", "Before", "Mean area of the last automatic mask, mm²", 1),
    Column("after", "After", "Mean area now, mm²", 1),
    Column("change", "Change, mm²", "Area now less area before"),
    Column("sign", "", "≈ within rescan noise, ▲ ▼ larger than rescan noise, ? noise not known"),
)


class ChangePanel(QFrame):
    """Shows a row per level that changed and one sentence on whether more polishing pays.

    Signals
    -------
    level_chosen : int
        Number of the level whose row was clicked.
    """

    level_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("spinalqStep")
        self.setMaximumHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.model = LevelTableModel(COLUMNS, "number")
        self.table = level_table(self.model, self.level_chosen.emit)
        self.note, self.same, self.hint = QLabel(), QLabel(SAME), StateLine()
        self.note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 3)
        layout.setSpacing(2)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.note)
        layout.addWidget(self.same)
        layout.addWidget(self.hint)
        self.show_rows([])
        self.show_note("")

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show the levels that changed; the first that changed just now comes into view."""
        changed = [row for row in rows if row["sign"] != UNCHANGED]
        before = {row["number"]: row["change"] for row in self.model.rows()}
        self.model.set_rows(changed)
        self.table.setVisible(bool(changed))
        self.table.setFixedHeight(HEADER_HEIGHT + ROW_HEIGHT * min(len(changed), MOST_ROWS))
        self.same.setVisible(bool(rows) and not changed)
        for place, row in enumerate(changed):
            if before.get(row["number"]) != row["change"]:
                self.table.scrollTo(self.model.index(place, 0))
                break

    def show_note(self, text: str) -> None:
        """Say why there is nothing to show."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def show_hint(self, text: str) -> None:
        """Say that further polishing changes nothing measurable."""
        self.hint.tell("good" if text else "plain", text)


def level_table(model: LevelTableModel, choose: Callable[[int], object]) -> QTableView:
    """Return a small table of levels; ``choose`` is told the number of the level whose row is clicked."""
    table = QTableView()
    table.setModel(model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.setStyleSheet(TIGHT)
    table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    header = table.horizontalHeader()
    header.setMinimumSectionSize(SIGN_WIDTH)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    for place, width in ((0, LEVEL_WIDTH), (4, CHANGE_WIDTH), (5, SIGN_WIDTH)):
        header.setSectionResizeMode(place, QHeaderView.ResizeMode.Fixed)
        table.setColumnWidth(place, width)
    table.clicked.connect(lambda index: choose(int(model.row(index.row())["number"])))
    return table

"""The page of the raters: a second read, what two reads agree on, and settling where they do not."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_spinalq.gui.panels.agreement_plot import AgreementPlot
from napari_spinalq.gui.panels.change_panel import COLUMNS, level_table
from napari_spinalq.gui.panels.parts import GAP, StateLine, Step, button, row
from napari_spinalq.gui.panels.settle_panel import SettlePanel
from napari_spinalq.gui.table_model import Column, LevelTableModel, Row

TITLES = {
    "before": ("First", "Mean area of the first read, mm²"),
    "after": ("Second", "Mean area of the second, mm²"),
    "change": ("Difference", "Area of the second read less that of the first, mm²"),
}
TABLE_HEIGHT = 96
"""Pixels: a heading and four levels; more scroll."""


class RatersPanel(QWidget):
    """Asks for a second read, a comparison and decisions, and shows what came of them.

    Signals
    -------
    read_wanted : str, str
        Begin a second read: name of the reader, and what to begin with.
    blind_wanted : str, str, bool
        Open scans as second reads of this person from now on, or no longer.
    leave_wanted
        Save the second read and go back to the first.
    compare_wanted : str
        Compare the first read with that of this person.
    level_chosen : int
        Number of the level whose row was clicked.
    """

    read_wanted = Signal(str, str)
    blind_wanted = Signal(str, str, bool)
    leave_wanted = Signal()
    compare_wanted = Signal(str)
    level_chosen = Signal(int)

    def __init__(self, starts: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._make_read_step(starts))
        column.addWidget(self._make_compare_step(), 1)
        self.show_comparison(False)

    def _make_read_step(self, starts: Sequence[tuple[str, str]]) -> Step:
        step = Step(1, "Second read")
        self._read_step = step
        self.name, self.start = QLineEdit(), QComboBox()
        self.name.setPlaceholderText("Name or initials")
        self.name.setToolTip("Letters and digits; the file of the read carries it")
        for title, value in starts:
            self.start.addItem(title, value)
        self.start.setToolTip("What the read begins with. The first reader's mask is never shown.")
        self.read = button(
            "Second read (blind)",
            "Draw this scan once more without seeing the first mask; it is saved as a file of its own",
            lambda: self.read_wanted.emit(self.name.text(), self.start.currentData()),
        )
        self.leave = button("Save and go back", "Save this read and show the first one again", self.leave_wanted.emit)
        self.blind = QCheckBox("Read every scan that I open blind")
        self.blind.setToolTip(
            "First masks of scans are not shown when they are opened: each begins as your second read"
        )
        self.blind.clicked.connect(lambda on: self.blind_wanted.emit(self.name.text(), self.start.currentData(), on))
        self.state = StateLine()
        step.body.addLayout(row(self.name, self.start, stretch=0))
        step.body.addLayout(row(self.read, self.leave, stretch=0))
        step.body.addWidget(self.blind)
        step.body.addWidget(self.state)
        return step

    def _make_compare_step(self) -> Step:
        step = Step(2, "Compare and settle")
        self.reads = QComboBox()
        self.reads.setToolTip("Second reads of this scan, open or saved")
        self.compare = button(
            "Compare",
            "Compare the first read with this one: neither is changed",
            lambda: self.compare_wanted.emit(self.reads.currentText()),
        )
        self.hint = QLabel("The first read of this scan is compared with a second one.")
        self.hint.setWordWrap(True)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        columns = [Column(one.key, *TITLES.get(one.key, (one.title, one.explanation)), one.digits) for one in COLUMNS]
        self.model = LevelTableModel(columns, "number")
        self.table = level_table(self.model, self.level_chosen.emit)
        self.table.setFixedHeight(TABLE_HEIGHT)
        self.plot, self.settle = AgreementPlot(), SettlePanel()
        step.body.addLayout(row(self.reads, self.compare, stretch=0))
        for widget in (self.hint, self.summary, self.table, self.plot, self.settle):
            step.body.addWidget(widget)
        step.body.addStretch(1)
        step.body.setSpacing(GAP)
        return step

    def show_reader(self, reader: str, *, blind: bool, scan: bool) -> None:
        """Show who reads, and what can be done."""
        self.read.setEnabled(scan and not reader)
        self.leave.setEnabled(bool(reader))
        self.blind.setChecked(blind)
        self.state.tell(
            "warn", f"{reader} reads; the first mask is out of sight. F9 saves this read." if reader else ""
        )

    def show_reads(self, raters: Sequence[str], *, comparable: bool) -> None:
        """Show whose reads there are."""
        known = self.reads.currentText()
        self.reads.clear()
        self.reads.addItems(list(raters))
        if known in raters:
            self.reads.setCurrentText(known)
        self.compare.setEnabled(comparable and bool(raters))

    def show_comparison(self, shown: bool) -> None:
        """Show figures and decisions, or neither."""
        self.hint.setVisible(not shown)
        self.blind.setVisible(not shown)
        for widget in (self.summary, self.table, self.plot, self.settle):
            widget.setVisible(shown)

    def show_figures(self, words: str, rows: Sequence[Row]) -> None:
        """Show what two reads agree on, as a whole and per level."""
        self.summary.setText(words)
        self.model.set_rows(rows)
        self.table.setVisible(bool(rows) and not self.hint.isVisibleTo(self))

"""Deciding about one disagreement after the other."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_spinalq.gui.layers import DIFFERENCE_COLOURS
from napari_spinalq.gui.panels.parts import GAP, button, patch, row
from napari_spinalq.quality.readers.overlap import FIRST_ONLY, SECOND_ONLY


class SettlePanel(QWidget):
    """Shows the disagreement in view and asks what shall be taken there.

    Signals
    -------
    decided : str, str
        What is taken (``"first"``, ``"second"``, ``"union"``, ``"intersection"``, ``"painted"``) and how far it goes.
    next_wanted, save_wanted, close_wanted
        Go to the largest disagreement that is left; save the consensus; end the comparison.
    """

    decided = Signal(str, str)
    next_wanted = Signal()
    save_wanted = Signal()
    close_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.place = QLabel()
        self.place.setWordWrap(True)
        self.scope = QComboBox()
        self.scope.setToolTip("How far a decision goes")
        self.first = self._choice("First", "first", "Take the first read here", FIRST_ONLY)
        self.second = self._choice("Second", "second", "Take the second read here", SECOND_ONLY)
        self.union = self._choice("Either", "union", "Take what either read holds (union)")
        self.common = self._choice("Both", "intersection", "Take what both reads hold (intersection)")
        self.painted = self._choice("As painted", "painted", "Paint on the consensus, then press this: it is right now")
        self.next = button("Next", "Go to the largest disagreement that is left (Shift+F12)", self.next_wanted.emit)
        self.save = button(
            "Save consensus",
            "Save the settled mask, and what came from whom; while any is left it says so",
            self.save_wanted.emit,
        )
        self.close_it = button("End", "End the comparison; both reads stay as they are", self.close_wanted.emit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.place)
        column.addLayout(row(QLabel("Take, for"), self.scope, self.next, stretch=1))
        column.addLayout(row(self.first, self.second, self.union, self.common, self.painted))
        column.addLayout(row(self.save, self.close_it, stretch=0))

    def offer_scopes(self, titles: Sequence[str]) -> None:
        """Offer how far a decision can go."""
        self.scope.clear()
        self.scope.addItems(list(titles))

    def show_place(self, words: str, *, any_left: bool, in_view: bool) -> None:
        """Say which disagreement is in view and how many are left."""
        self.place.setText(words)
        self.next.setEnabled(any_left)
        for choice in (self.first, self.second, self.union, self.common, self.painted):
            choice.setEnabled(in_view)

    def _choice(self, title: str, choice: str, tip: str, colour: int | None = None) -> QPushButton:
        made = button(title, tip, lambda: self.decided.emit(choice, self.scope.currentText()))
        if colour is not None:
            made.setIcon(patch(DIFFERENCE_COLOURS[colour]))
        return made

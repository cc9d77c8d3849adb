"""Step 3: discs and the names of the levels."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLabel

from napari_spinalq.gui.panels.parts import StateLine, Step, button, row
from napari_spinalq.levels.discs import FIRST_CLICK
from napari_spinalq.vertebrae import FIRST_DISC, LAST_DISC, disc_name


class LevelsPanel(Step):
    """Asks for discs; shows whether their names can be relied on.

    Signals
    -------
    find_wanted
        Look for the discs in the image.
    hint_wanted : int
        Wait for a click on the disc of this number, and name all from it; 0 stops waiting.
    add_wanted : bool
        Add discs one by one with clicks; or stop.
    rename_wanted : int
        The selected disc is this one.
    confirm_wanted
        The names on screen are right.
    """

    find_wanted = Signal()
    hint_wanted = Signal(int)
    add_wanted = Signal(bool)
    rename_wanted = Signal(int)
    confirm_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(3, "Levels")
        self.find = button("Find discs", "Find and name the discs (F8)", self.find_wanted.emit)
        self.hint = button("Click on", "Press, then click on that disc: all others are named from it", toggles=True)
        self.hint_disc = _disc_choice("The disc you will click on")
        self.hint.clicked.connect(self._tell_hint)
        self.hint_disc.activated.connect(self._tell_hint)
        self.add = button("Add", "Add missing discs: each click is named by its place", toggles=True)
        self.add.clicked.connect(self.add_wanted.emit)
        self.selected = QLabel("Selected disc:")
        self.name = _disc_choice("Rename the selected disc; the others follow in order")
        self.name.activated.connect(lambda: self.rename_wanted.emit(self.name.currentData()))
        self.confirm = button("Names are right", "You have checked the names on the image", self.confirm_wanted.emit)
        self.state = StateLine()
        self.body.addLayout(row(self.find, self.hint, self.hint_disc, self.add, stretch=0))
        self.body.addLayout(row(self.selected, self.name, self.confirm, stretch=0))
        self.body.addWidget(self.state)
        self.show_selected(None)

    def show_possible(self, *, scan: bool, mask: bool) -> None:
        """Enable what can be done with a scan, and with a mask."""
        self.add.setEnabled(scan)
        for widget in (self.find, self.hint, self.hint_disc):
            widget.setEnabled(mask)

    def show_state(self, count: int, confirmed: bool, clicked: Sequence[str], flags: Sequence[str]) -> None:
        """Show whether the names are confirmed, by which discs, and what there is to check."""
        self.state.setToolTip("\n".join(flags))
        self.confirm.setVisible(count > 0 and not confirmed)
        if not count:
            self.state.tell("plain", "")
        elif confirmed:
            names = ", ".join([*clicked[:2], "…"][: len(clicked)])
            self.state.tell("good", f"Levels confirmed{f' ({names} by hand)' if names else ''}")
        else:
            self.state.tell("warn", "Levels unconfirmed: click on one disc to confirm them")

    def show_selected(self, number: int | None) -> None:
        """Show the name of the selected disc, or that none is selected."""
        for widget in (self.name, self.selected):
            widget.setEnabled(number is not None)
        self.name.setCurrentIndex(-1 if number is None else self.name.findData(number))

    def show_waiting(self, waiting: bool) -> None:
        """Show whether a click on a named disc is awaited."""
        self.hint.setChecked(waiting)

    def show_adding(self, adding: bool) -> None:
        """Show whether clicks add discs."""
        self.add.setChecked(adding)

    def _tell_hint(self) -> None:
        self.hint_wanted.emit(self.hint_disc.currentData() if self.hint.isChecked() else 0)


def _disc_choice(tip: str) -> QComboBox:
    choice = QComboBox()
    for number in range(FIRST_DISC, LAST_DISC + 1):
        choice.addItem(disc_name(number), number)
    choice.setCurrentIndex(choice.findData(FIRST_CLICK))
    choice.setToolTip(tip)
    return choice

"""Step 2: the masks of cord, grey matter and canal."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from napari_spinalq.gui.panels.parts import StateLine, Step, button, row

STRUCTURES = {
    "cord": ("Cord", "Segment cord", "Find the cord and draw its mask"),
    "gm": ("Grey matter", "Segment GM", "Draw the grey matter within the cord, where the scan shows it"),
    "canal": ("Canal", "Segment canal", "Draw the canal: cord and CSF up to the outer wall of the CSF"),
}
"""What can be taken in hand: how it is called, the button that segments it, and what that does."""


class SegmentPanel(Step):
    """Asks for a segmentation, and for the tools to mend it.

    Signals
    -------
    segment_wanted
        Segment without a hint.
    click_wanted : bool
        Wait for a click on the cord, and segment from there; or stop waiting.
    tool_wanted : str
        ``"paint"``, ``"erase"`` or ``"move"`` on the mask.
    structure_wanted : str
        Take ``"cord"``, ``"gm"`` or ``"canal"`` in hand.
    """

    segment_wanted = Signal()
    click_wanted = Signal(bool)
    tool_wanted = Signal(str)
    structure_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__(2, "Segment")
        self.structure = _structure_choice()
        self.structure.activated.connect(lambda: self.structure_wanted.emit(self.structure.currentData()))
        self.add_to_heading(self.structure)
        self._in_hand = "cord"
        self.segment = button("Segment cord", "", self.segment_wanted.emit)
        self.click = button(
            "From a click", "Where the cord was not found: press, then click on the cord in the image", toggles=True
        )
        self.click.clicked.connect(self.click_wanted.emit)
        self.paint = button("Paint", "Add to the mask with the brush", toggles=True)
        self.erase = button("Erase", "Take away from the mask with the brush", toggles=True)
        self.paint.clicked.connect(lambda on: self.tool_wanted.emit("paint" if on else "move"))
        self.erase.clicked.connect(lambda on: self.tool_wanted.emit("erase" if on else "move"))
        self.state = StateLine()
        self.body.addLayout(row(self.segment, self.click, self.paint, self.erase, stretch=0))
        self.body.addWidget(self.state)
        self.show_structure("cord")

    def show_structure(self, name: str) -> None:
        """Show which structure is in hand."""
        self._in_hand = name
        self.structure.setCurrentIndex(self.structure.findData(name))
        _, deed, tip = STRUCTURES[name]
        self.segment.setText(deed)
        self.segment.setToolTip(f"{tip} (F7)")

    def show_waiting(self, waiting: bool) -> None:
        """Show whether a click on the cord is awaited."""
        self.click.setChecked(waiting)

    def show_tool(self, tool: str) -> None:
        """Show which tool is in the hand."""
        self.paint.setChecked(tool == "paint")
        self.erase.setChecked(tool == "erase")

    def show_possible(self, *, scan: bool, mask: bool, cord: bool | None = None) -> None:
        """Enable what can be done with a scan, with a mask of the structure in hand, and with a cord."""
        self.structure.setEnabled(bool(cord))
        self.segment.setEnabled(scan)
        self.click.setEnabled(scan and self._in_hand == "cord")
        for widget in (self.paint, self.erase):
            widget.setEnabled(mask)

    def show_flags(self, flags: Sequence[str]) -> None:
        """Show what the segmentation warns of: the first in full, all of them in the tooltip."""
        more = f"  (+{len(flags) - 1} more)" if len(flags) > 1 else ""
        self.state.tell("warn", f"{flags[0]}{more}" if flags else "")
        self.state.setToolTip("\n".join(flags))


def _structure_choice() -> QComboBox:
    choice = QComboBox()
    for name, (title, _, _) in STRUCTURES.items():
        choice.addItem(title, name)
    choice.setToolTip("What is segmented, painted and shown in the table; the others stay as outlines")
    return choice

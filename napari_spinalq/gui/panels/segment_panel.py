"""Step 2: the masks of cord, grey matter and canal."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QPushButton

from napari_spinalq.gui.layers import SCRIBBLE_COLOURS, SCRIBBLE_IN, SCRIBBLE_OUT
from napari_spinalq.gui.panels.parts import StateLine, Step, button, patch, row

STRUCTURES = {
    "cord": ("Cord", "Segment cord", "Find the cord and draw its mask"),
    "gm": ("Grey matter", "Segment GM", "Draw the grey matter within the cord, where the scan shows it"),
    "canal": ("Canal", "Segment canal", "Draw the canal: cord and CSF up to the outer wall of the CSF"),
}
"""What can be taken in hand: how it is called, the button that segments it, and what that does."""

REVIEW_LISTED = 12
"""Slices that are named in a tooltip: one line of them."""


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
    points_wanted : bool
        Wait for clicks along the cord, or stop waiting.
    scribble_wanted : str
        ``"in"``, ``"out"``, or an empty string to put the brush down.
    follow_wanted
        Draw the other slices in the way of the edited ones.
    review_wanted
        Go to the next slice to be looked at first.
    structure_wanted : str
        Take ``"cord"``, ``"gm"`` or ``"canal"`` in hand.
    """

    segment_wanted = Signal()
    click_wanted = Signal(bool)
    tool_wanted = Signal(str)
    points_wanted = Signal(bool)
    scribble_wanted = Signal(str)
    follow_wanted = Signal()
    structure_wanted = Signal(str)
    review_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(2, "Segment")
        self.structure = structure_choice()
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
        self.points = button(
            "Points", "Click along the cord: each click segments again past all of them (Shift+F7)", toggles=True
        )
        self.points.clicked.connect(self.points_wanted.emit)
        self.scribble_in = self._scribble_button(
            "in", "Is cord", "Scribble in yellow over cord that is left out; the mask follows each stroke (F10)"
        )
        self.scribble_out = self._scribble_button(
            "out", "Not cord", "Scribble in blue over what is no cord; the mask follows each stroke (F11)"
        )
        self.follow = button(
            "Follow edits",
            "Slices that you edited stay as they are; all others are drawn anew in the same way (Ctrl+F7)",
            self.follow_wanted.emit,
        )
        self.review = button("Look first", "", self.review_wanted.emit)
        self.review.setVisible(False)
        self.state = StateLine()
        self.body.addLayout(row(self.segment, self.click, self.paint, self.erase, stretch=0))
        self.body.addLayout(row(self.points, self.scribble_in, self.scribble_out, self.follow, stretch=3))
        self.body.addLayout(row(self.state, self.review, stretch=0))
        self.show_structure("cord")

    def show_structure(self, name: str) -> None:
        """Show which structure is in hand."""
        self._in_hand = name
        self.structure.setCurrentIndex(self.structure.findData(name))
        _, deed, tip = STRUCTURES[name]
        self.segment.setText(deed)
        self.segment.setToolTip(f"{tip} (F7)")

    def _scribble_button(self, kind: str, text: str, tip: str) -> QPushButton:
        made = button(text, tip, toggles=True)
        made.setIcon(patch(SCRIBBLE_COLOURS[{"in": SCRIBBLE_IN, "out": SCRIBBLE_OUT}[kind]]))
        made.clicked.connect(lambda on: self.scribble_wanted.emit(kind if on else ""))
        return made

    def show_points(self, waiting: bool) -> None:
        """Show whether clicks along the cord are awaited."""
        self.points.setChecked(waiting)

    def show_scribble(self, kind: str) -> None:
        """Show which scribbling brush is in the hand."""
        self.scribble_in.setChecked(kind == "in")
        self.scribble_out.setChecked(kind == "out")

    def show_waiting(self, waiting: bool) -> None:
        """Show whether a click on the cord is awaited."""
        self.click.setChecked(waiting)

    def show_tool(self, tool: str) -> None:
        """Show which tool is in the hand."""
        self.paint.setChecked(tool == "paint")
        self.erase.setChecked(tool == "erase")

    def show_possible(self, *, scan: bool, mask: bool, cord: bool | None = None) -> None:
        """Enable what can be done with a scan, with a mask of the structure in hand, and with a cord."""
        cord_in_hand = self._in_hand == "cord"
        self.structure.setEnabled(bool(cord))
        self.segment.setEnabled(scan)
        for widget in (self.click, self.points, self.scribble_in, self.scribble_out):
            widget.setEnabled(scan and cord_in_hand)
        self.follow.setEnabled(mask and cord_in_hand)
        for widget in (self.paint, self.erase):
            widget.setEnabled(mask)

    def show_review(self, slices: Sequence[tuple[int, float]]) -> None:
        """Show how many slices are to be looked at first, and which (number and confidence, worst first)."""
        self.review.setVisible(bool(slices))
        self.review.setText(f"Look first ({len(slices)})")
        listed = ", ".join(f"{number} ({sure:.0%})" for number, sure in slices[:REVIEW_LISTED])
        more = f" and {len(slices) - REVIEW_LISTED} more" if len(slices) > REVIEW_LISTED else ""
        self.review.setToolTip(
            f"Go to the next slice whose outline is likely to be wrong (F12).\nSlices, worst first: {listed}{more}"
        )

    def show_flags(self, flags: Sequence[str]) -> None:
        """Show what the segmentation warns of: the first in full, all of them in the tooltip."""
        more = f"  (+{len(flags) - 1} more)" if len(flags) > 1 else ""
        self.state.tell("warn", f"{flags[0]}{more}" if flags else "")
        self.state.setToolTip("\n".join(flags))


def structure_choice() -> QComboBox:
    """Return the choice of the structure in hand."""
    choice = QComboBox()
    for name, (title, _, _) in STRUCTURES.items():
        choice.addItem(title, name)
    choice.setToolTip("What is segmented, painted and shown in the table; the others stay as outlines")
    return choice

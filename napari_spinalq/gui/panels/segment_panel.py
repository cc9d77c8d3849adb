"""Step 2: the cord mask."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal

from napari_spinalq.gui.panels.parts import StateLine, Step, button, row


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
    """

    segment_wanted = Signal()
    click_wanted = Signal(bool)
    tool_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__(2, "Segment")
        self.segment = button("Segment cord", "Find the cord and draw its mask (F7)", self.segment_wanted.emit)
        self.click = button(
            "From a click", "Where the cord was not found: press, then click on the cord in the image", toggles=True
        )
        self.click.clicked.connect(self.click_wanted.emit)
        self.paint = button("Paint", "Add to the cord mask with the brush", toggles=True)
        self.erase = button("Erase", "Take away from the cord mask with the brush", toggles=True)
        self.paint.clicked.connect(lambda on: self.tool_wanted.emit("paint" if on else "move"))
        self.erase.clicked.connect(lambda on: self.tool_wanted.emit("erase" if on else "move"))
        self.state = StateLine()
        self.body.addLayout(row(self.segment, self.click, self.paint, self.erase, stretch=0))
        self.body.addWidget(self.state)

    def show_waiting(self, waiting: bool) -> None:
        """Show whether a click on the cord is awaited."""
        self.click.setChecked(waiting)

    def show_tool(self, tool: str) -> None:
        """Show which tool is in the hand."""
        self.paint.setChecked(tool == "paint")
        self.erase.setChecked(tool == "erase")

    def show_possible(self, *, scan: bool, mask: bool) -> None:
        """Enable what can be done with a scan, and with a mask."""
        for widget in (self.segment, self.click):
            widget.setEnabled(scan)
        for widget in (self.paint, self.erase):
            widget.setEnabled(mask)

    def show_flags(self, flags: Sequence[str]) -> None:
        """Show what the segmentation warns of: the first in full, all of them in the tooltip."""
        more = f"  (+{len(flags) - 1} more)" if len(flags) > 1 else ""
        self.state.tell("warn", f"{flags[0]}{more}" if flags else "")
        self.state.setToolTip("\n".join(flags))

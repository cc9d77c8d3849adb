"""The controls above the panes: layout, window, what is drawn, and what is compared."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_spinalq.gui.panels.parts import button, row
from napari_spinalq.gui.views.arrangement import COLUMN, GRID, ONE
from napari_spinalq.gui.views.comparing import Mode

LAYOUTS = {ONE: "One pane", COLUMN: "Column", GRID: "2 x 2"}
"""Key in the preferences and title."""

_NOTHING, _FILE = "Compare with…", "Open a file…"


class ViewsBar(QWidget):
    """Says what the user wants of the views.

    Signals
    -------
    layout_wanted, preset_wanted : str
        Key of a layout; name of a window.
    windowing_wanted, link_wanted, workbench_wanted : bool
        Whether a left drag changes the window; whether all views share a zoom; whether napari's lists are hidden.
    crosshair_wanted, overlay_wanted
        Show or hide the crosshair; the masks.
    scan_wanted : int
        Index of the scan of the exam to compare with.
    file_wanted, end_wanted
        Choose a file to compare with; compare no longer.
    mode_wanted : Mode
        How to compare.
    blink_wanted : bool
        Whether both take turns by themselves.
    """

    layout_wanted = Signal(str)
    preset_wanted = Signal(str)
    windowing_wanted = Signal(bool)
    link_wanted = Signal(bool)
    workbench_wanted = Signal(bool)
    crosshair_wanted = Signal()
    overlay_wanted = Signal()
    scan_wanted = Signal(int)
    file_wanted = Signal()
    end_wanted = Signal()
    mode_wanted = Signal(object)
    blink_wanted = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.layouts = _combo("How many panes, and where")
        for key, title in LAYOUTS.items():
            self.layouts.addItem(title, key)
        self.layouts.activated.connect(lambda: self.layout_wanted.emit(self.layouts.currentData()))
        self.presets = _combo("Window of the scan: percentiles of its values in and around the cord (Shift+W: next)")
        self.presets.activated.connect(lambda: self.preset_wanted.emit(self.presets.currentText()))
        self.window = _toggle("W/L", "Left drag changes window and level (else Shift+right drag); double click resets")
        self.window.clicked.connect(self.windowing_wanted.emit)
        self.crosshair = _toggle("✛", "Show the crosshair in all views (Shift+X)")
        self.crosshair.clicked.connect(lambda: self.crosshair_wanted.emit())
        self.overlay = _toggle("Masks", "Show the masks in all views (H)")
        self.overlay.clicked.connect(lambda: self.overlay_wanted.emit())
        self.link = _toggle("Link", "All views share magnification and centre")
        self.link.clicked.connect(self.link_wanted.emit)
        self.workbench = _toggle(
            "Wide", "Workbench: hide napari's layer list and controls, so that the image has room (Shift+H)"
        )
        self.workbench.clicked.connect(self.workbench_wanted.emit)
        self._compare_row()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        top = row(self.layouts, self.presets, self.workbench, stretch=0)
        top.setStretch(1, 1)
        column.addLayout(top)
        column.addLayout(row(self.window, self.crosshair, self.overlay, self.link))
        column.addLayout(row(self.others, stretch=0))
        column.addWidget(self._ways)
        column.addWidget(self.note)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_layout(self, key: str) -> None:
        """Show which layout is used."""
        self.layouts.setCurrentIndex(list(LAYOUTS).index(key))

    def show_presets(self, names: Sequence[str], current: str) -> None:
        """Show the windows of the scan and the one in use; empty after a drag by hand."""
        shown = [self.presets.itemText(index) for index in range(self.presets.count())]
        if shown != list(names):
            self.presets.clear()
            self.presets.addItems(list(names))
        self.presets.setCurrentIndex(list(names).index(current) if current in names else -1)
        self.presets.setPlaceholderText("By hand")

    def show_toggles(self, *, windowing: bool, crosshair: bool, masks: bool, linked: bool, workbench: bool) -> None:
        """Show what is switched on."""
        for widget, wanted in (
            (self.window, windowing),
            (self.crosshair, crosshair),
            (self.overlay, masks),
            (self.link, linked),
            (self.workbench, workbench),
        ):
            widget.setChecked(wanted)

    def show_others(self, titles: Sequence[str]) -> None:
        """Show the scans that can be compared with; an empty title is the scan at hand and is left out."""
        self.others.clear()
        self.others.addItem(_NOTHING, None)
        for index, title in enumerate(titles):
            if title:
                self.others.addItem(title, index)
        self.others.addItem(_FILE, _FILE)

    def show_compared(self, name: str, mode: Mode, note: str, blinking: bool) -> None:
        """Show what is compared with (empty: nothing), how, and what to know about it."""
        self._ways.setVisible(bool(name))
        self.note.setVisible(bool(note))
        self.note.setText(note)
        self.others.setItemText(0, f"{name}" if name else _NOTHING)
        self.others.setCurrentIndex(0)
        self.modes.setCurrentIndex(list(Mode).index(mode))
        self.blink.setChecked(blinking)

    def _compare_row(self) -> None:
        self.others = _combo("Another scan of the exam, or a file: a scan of another visit, a mask of another reader")
        self.others.activated.connect(self._other_chosen)
        self.modes = _combo("How to compare")
        for mode in Mode:
            self.modes.addItem(mode.value, mode)
        self.modes.activated.connect(lambda: self.mode_wanted.emit(self.modes.currentData()))
        self.blink = button("Blink", "Both take turns, twice a second (Shift+B: one turn)", toggles=True)
        self.blink.clicked.connect(self.blink_wanted.emit)
        self.end = button("End", "Compare no longer", self.end_wanted.emit)
        self._ways, self.note = QWidget(), QLabel()
        self._ways.setLayout(row(self.modes, self.blink, self.end, stretch=0))
        self.note.setWordWrap(True)
        self._ways.setVisible(False)
        self.note.setVisible(False)
        self.show_others([])

    def _other_chosen(self) -> None:
        chosen = self.others.currentData()
        if chosen == _FILE:
            self.others.setCurrentIndex(0)
            self.file_wanted.emit()
        elif chosen is not None:
            self.scan_wanted.emit(int(chosen))


def _toggle(text: str, tip: str) -> QWidget:
    made = button(text, tip, toggles=True)
    made.setStyleSheet("padding: 3px 4px;")
    return made


def _combo(tip: str) -> QComboBox:
    made = QComboBox()
    made.setToolTip(tip)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    made.setMinimumWidth(70)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return made

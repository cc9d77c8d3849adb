"""The page "Correct": the tools in small buttons, and what became of the slices."""

from __future__ import annotations

import math
from collections.abc import Callable

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from napari_spinalq.gui.drawing.brush import LARGEST_MM, SMALLEST_MM, BrushSettings
from napari_spinalq.gui.drawing.slices import SliceState
from napari_spinalq.gui.panels.parts import GAP, button, row
from napari_spinalq.gui.panels.segment_panel import structure_choice
from napari_spinalq.gui.panels.slice_strip import SliceStrip
from napari_spinalq.gui.shortcuts import GROW_STEP_MM, SMOOTH_LENGTH_MM

SLIDER_STEPS = 100
TIGHT = "QPushButton { padding: 3px 4px; } QLabel { padding: 0px; }"

_TOOLS = {
    "paint": ("Brush", "Paint with the brush (D). The right button erases; hold Space to move the view"),
    "erase": ("Eraser", "Take away with the brush (D)"),
    "fill": ("Fill", "Click into a closed outline to fill it in this plane"),
    "polygon": ("Polygon", "Click corner after corner, double click closes and fills; X first takes away"),
}
_SCOPES = {"slice": "this slice", "level": "this level", "whole": "the whole"}
_KINDS = {
    "ball": ("3-D", "A ball that paints through neighbouring slices too (Shift+D)"),
    "edge_aware": ("Edge", "The brush stops where the image changes (Shift+M)"),
    "inside_only": ("Inside", "Paint only inside the {around} (Shift+P)"),
}


class ToolsPanel(QFrame):
    """Says which tool is wanted and shows how things stand.

    Signals
    -------
    tool_wanted : str
        A tool, or ``"move"`` to put it down.
    size_wanted : float
        Diameter of the brush, mm.
    kind_wanted : str, bool
        ``"ball"``, ``"edge_aware"`` or ``"inside_only"`` on or off.
    structure_wanted, scope_wanted : str
        What is taken in hand, and where tools without a pointer act.
    fill_wanted, largest_wanted, between_wanted, accept_wanted, next_wanted
        Fill holes, keep the largest body, draw between edited slices, accept the slice, go to the next one.
    resize_wanted, smooth_wanted : float
        Grow (mm, negative: shrink), smooth along the cord (mm).
    copy_wanted : int
        Copy the slice above (1) or below (-1).
    mirror_wanted : str
        Which side is mirrored onto the other.
    scribble_wanted : str
        ``"in"`` or ``"out"``; follow_wanted: the others follow the edited slices.
    slice_wanted : int
        A slice was clicked in the strip.
    add_disc_wanted, shift_discs_wanted, gaps_wanted
        Add discs by clicks (bool), shift all names (int), fill gaps between discs.
    """

    tool_wanted = Signal(str)
    size_wanted = Signal(float)
    kind_wanted = Signal(str, bool)
    structure_wanted = Signal(str)
    scope_wanted = Signal(str)
    fill_wanted = Signal()
    largest_wanted = Signal()
    between_wanted = Signal()
    resize_wanted = Signal(float)
    smooth_wanted = Signal(float)
    copy_wanted = Signal(int)
    mirror_wanted = Signal(str)
    scribble_wanted = Signal(str)
    follow_wanted = Signal()
    accept_wanted = Signal()
    next_wanted = Signal()
    help_wanted = Signal()
    slice_wanted = Signal(int)
    add_disc_wanted = Signal(bool)
    shift_discs_wanted = Signal(int)
    gaps_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("spinalqStep")
        self.setStyleSheet(TIGHT)
        self._needs_mask: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(6, 4, 6, 4)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(GAP)
        self._grid.setColumnStretch(1, 1)
        self._add_tools()
        self._add_brush()
        self._add_outline()
        self._add_slices_between()
        self._add_again()
        self._add_discs()
        self._add_account()
        self.show_brush(BrushSettings())
        self.show_around("")
        self.show_slice(None)

    def _line(self, title: str, *widgets: QWidget, stretch: int | None = None) -> None:
        """Add a line: its title on the left, widgets beside it."""
        place = self._grid.rowCount()
        label = QLabel(title)
        label.setEnabled(False)
        self._grid.addWidget(label, place, 0)
        self._grid.addLayout(row(*widgets, stretch=stretch), place, 1)

    def _button(self, text: str, tip: str, action: Callable[[], object] | None = None, **kind: bool) -> QPushButton:
        """Return a button that leaves the keyboard to the image, and needs a mask."""
        made = button(text, tip, action, **kind)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._needs_mask.append(made)
        return made

    def _add_tools(self) -> None:
        self.structure = structure_choice()
        self.structure.activated.connect(lambda: self.structure_wanted.emit(self.structure.currentData()))
        self.tools = {name: self._button(text, tip, toggles=True) for name, (text, tip) in _TOOLS.items()}
        for name, widget in self.tools.items():
            widget.clicked.connect(lambda on, name=name: self.tool_wanted.emit(name if on else "move"))
        self.keys = button("?", "All keys (?)", self.help_wanted.emit)
        self.keys.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.keys.setMaximumWidth(26)
        self._line("Tool", *self.tools.values(), self.keys, stretch=0)

    def _add_brush(self) -> None:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setToolTip("Diameter of the brush in mm (, and . on the keyboard)")
        self.slider.valueChanged.connect(lambda step: self.size_wanted.emit(_size_of(step)))
        self.size_text = QLabel()
        self.size_text.setMinimumWidth(44)
        self.kinds = {name: self._button(text, tip, toggles=True) for name, (text, tip) in _KINDS.items()}
        for name, widget in self.kinds.items():
            widget.clicked.connect(lambda on, name=name: self.kind_wanted.emit(name, on))
        self._line("Brush", self.slider, self.size_text, *self.kinds.values(), stretch=0)

    def _add_outline(self) -> None:
        self.scope = QComboBox()
        for name, words in _SCOPES.items():
            self.scope.addItem(words, name)
        self.scope.setToolTip("Where the tools of the next two lines act (R)")
        self.scope.activated.connect(lambda: self.scope_wanted.emit(self.scope.currentData()))
        self.smooth = self._button("Smooth", f"Smooth along {SMOOTH_LENGTH_MM:g} mm of the cord (Shift+S)")
        self.smooth.clicked.connect(lambda: self.smooth_wanted.emit(SMOOTH_LENGTH_MM))
        self._line("On", self.structure, self.scope, self.smooth, stretch=0)
        self.shrink = self._button("Shrink", "Shrink the outline by this many mm (Shift+N)")
        self.grow = self._button("Grow", "Grow the outline by this many mm (W)")
        self.by_mm = _millimetres(0.05, 3.0, 0.05, GROW_STEP_MM, "How far the outline moves; parts of a voxel count")
        self.shrink.clicked.connect(lambda: self.resize_wanted.emit(-self.by_mm.value()))
        self.grow.clicked.connect(lambda: self.resize_wanted.emit(self.by_mm.value()))
        self.fill_holes = self._button("Fill holes", "Fill what the outline encloses (Shift+F)", self.fill_wanted.emit)
        self._line("Outline", self.shrink, self.by_mm, self.grow, self.fill_holes, stretch=1)

    def _add_slices_between(self) -> None:
        self.above = self._button(
            "Copy ↑", "Copy the slice above into this one (Shift+PgUp)", lambda: self.copy_wanted.emit(1)
        )
        self.below = self._button(
            "Copy ↓", "Copy the slice below into this one (Shift+PgDn)", lambda: self.copy_wanted.emit(-1)
        )
        self.between = self._button(
            "Interpolate", "Draw the slices between those you edited (Shift+J)", self.between_wanted.emit
        )
        self._line("Slices", self.above, self.below, self.between, stretch=2)
        self.to_right = self._button("L → R", "", lambda: self.mirror_wanted.emit("left"))
        self.to_right.setToolTip("Grey matter: mirror the patient's left half onto the right (Shift+L)")
        self.to_left = self._button("R → L", "", lambda: self.mirror_wanted.emit("right"))
        self.to_left.setToolTip("Grey matter: mirror the patient's right half onto the left (Shift+R)")
        self.largest = self._button(
            "Keep largest", "Remove all but the largest body of the whole mask (Shift+K)", self.largest_wanted.emit
        )
        self._line("Mirror", self.to_right, self.to_left, self.largest, stretch=2)

    def _add_again(self) -> None:
        self.scribble_in = self._button("Is cord", "Scribble over cord that is left out (F10)", toggles=True)
        self.scribble_out = self._button("Not cord", "Scribble over what is no cord (F11)", toggles=True)
        for kind, widget in (("in", self.scribble_in), ("out", self.scribble_out)):
            widget.clicked.connect(lambda on, kind=kind: self.scribble_wanted.emit(kind if on else ""))
        self.follow = self._button(
            "Follow edits",
            "Slices that you edited or accepted stay; all others are drawn anew (Ctrl+F7)",
            self.follow_wanted.emit,
        )
        self._line("Redraw", self.scribble_in, self.scribble_out, self.follow, stretch=2)

    def _add_discs(self) -> None:
        self.add_disc = self._button("Add", "Click on missing discs: named by their place (Ctrl+F8)", toggles=True)
        self.add_disc.clicked.connect(self.add_disc_wanted.emit)
        self.names_up = self._button("Names ↑", "", lambda: self.shift_discs_wanted.emit(-1))
        self.names_up.setToolTip("Every disc takes the name of the one above: C3-C4 becomes C2-C3 (Ctrl+PgUp)")
        self.names_down = self._button("Names ↓", "", lambda: self.shift_discs_wanted.emit(1))
        self.names_down.setToolTip("Every disc takes the name of the one below: C2-C3 becomes C3-C4 (Ctrl+PgDn)")
        self.gaps = self._button(
            "Fill gaps", "Interpolate discs missing between others (Shift+F8)", self.gaps_wanted.emit
        )
        self._line("Discs", self.add_disc, self.names_up, self.names_down, self.gaps, stretch=3)

    def _add_account(self) -> None:
        self.accept = self._button(
            "Accept", "This slice is right as it is; go to the next one not looked at (G)", self.accept_wanted.emit
        )
        self.onward = self._button("Next", "Go to the next slice that nobody looked at (N)", self.next_wanted.emit)
        self.strip = SliceStrip()
        self.strip.slice_wanted.connect(self.slice_wanted.emit)
        self._line("Review", self.strip, self.accept, self.onward, stretch=0)
        self.account = QLabel()
        self.account.setTextFormat(Qt.TextFormat.PlainText)
        self.account.setWordWrap(True)
        self.account.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._grid.addWidget(self.account, self._grid.rowCount(), 0, 1, 2)
        self._grid.setRowStretch(self._grid.rowCount(), 1)

    def show_tool(self, tool: str) -> None:
        """Show which tool is in the hand."""
        for name, widget in self.tools.items():
            widget.setChecked(name == tool)

    def show_brush(self, brush: BrushSettings) -> None:
        """Show how the brush is set."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(_step_of(brush.diameter_mm))
        self.size_text.setText(f"{brush.diameter_mm:.1f} mm")
        for name, widget in self.kinds.items():
            widget.setChecked(bool(getattr(brush, name)))

    def show_around(self, name: str) -> None:
        """Show whether painting can be held inside another structure, by its name (empty: none)."""
        self.kinds["inside_only"].setEnabled(bool(name))
        tip = _KINDS["inside_only"][1].format(around=name)
        self.kinds["inside_only"].setToolTip(tip if name else "Nothing is drawn around this structure")

    def show_structure(self, name: str) -> None:
        """Show which structure is in hand."""
        self.structure.setCurrentIndex(self.structure.findData(name))
        for widget in (self.to_left, self.to_right):
            widget.setEnabled(name == "gm")

    def show_scope(self, scope: str) -> None:
        """Show where tools without a pointer act."""
        self.scope.setCurrentIndex(self.scope.findData(scope))

    def show_scribble(self, kind: str) -> None:
        """Show which scribbling brush is in the hand."""
        self.scribble_in.setChecked(kind == "in")
        self.scribble_out.setChecked(kind == "out")

    def show_adding(self, on: bool) -> None:
        """Show whether clicks add discs."""
        self.add_disc.setChecked(on)

    def show_slice(self, state: SliceState | None) -> None:
        """Show what became of the slices, and where the reader stands."""
        self.strip.show_state(state)
        self.account.setText("No mask yet: segment the cord on the page Exam." if state is None else state.sentence())

    def show_possible(self, *, scan: bool, mask: bool, cord: bool, discs: int, structure: str) -> None:
        """Enable what can be done with a scan, the mask in hand, a cord and some discs."""
        for widget in self._needs_mask:
            widget.setEnabled(mask)
        self.structure.setEnabled(cord)
        self.scope.setEnabled(mask)
        for widget in (self.scribble_in, self.scribble_out, self.follow):
            widget.setEnabled(cord and structure == "cord")
        for widget in (self.accept, self.onward):
            widget.setEnabled(cord)
        self.add_disc.setEnabled(scan)
        for widget in (self.names_up, self.names_down):
            widget.setEnabled(discs > 0)
        self.gaps.setEnabled(cord and discs > 1)
        self.show_structure(structure)
        for widget in (self.to_left, self.to_right):
            widget.setEnabled(mask and structure == "gm")


def _millimetres(low: float, high: float, step: float, value: float, tip: str) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setRange(low, high)
    made.setSingleStep(step)
    made.setValue(value)
    made.setSuffix(" mm")
    made.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)  # wheel and arrow keys turn it; they cut the words
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return made


def _size_of(step: int) -> float:
    """Return the diameter at a step of the slider, mm: equal steps multiply it alike."""
    size = SMALLEST_MM * (LARGEST_MM / SMALLEST_MM) ** (step / SLIDER_STEPS)
    return round(size, 1)


def _step_of(diameter_mm: float) -> int:
    return round(SLIDER_STEPS * math.log(diameter_mm / SMALLEST_MM) / math.log(LARGEST_MM / SMALLEST_MM))

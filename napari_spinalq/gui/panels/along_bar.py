"""The controls above strip and profile: what is plotted, which plane, and the brush on the strip."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_spinalq.gui.panels.along_theme import Palette
from napari_spinalq.gui.panels.parts import button, row

DEEPEST_MM = 15.0
BRUSH_MM = (0.5, 20.0)
MEASURE_LETTERS, WIDEST_MEASURE = 7, 230
SPIN_PIXELS = 62
"""Beside the controls of napari and the main dock a laptop's screen leaves some 620 pixels for all of them."""


class AlongBar(QWidget):
    """Says what the user wants.

    Signals
    -------
    metric_wanted : str
        Attribute of the measures.
    means_wanted : bool
        Whether to show the means of levels.
    plane_wanted : str
        ``"Sagittal"`` or ``"Coronal"``.
    depth_wanted : float
        Distance of the strip from the cord's centre, mm.
    tool_wanted : str
        ``"paint"``, ``"erase"`` or empty.
    brush_wanted : float, bool
        Diameter (mm), and whether it is a ball.
    """

    metric_wanted = Signal(str)
    means_wanted = Signal(bool)
    plane_wanted = Signal(str)
    depth_wanted = Signal(float)
    tool_wanted = Signal(str)
    brush_wanted = Signal(float, bool)

    def __init__(self, diameter_mm: float) -> None:
        super().__init__()
        self.measure = QComboBox()
        self.measure.setToolTip("Measure that is plotted along the cord, of the structure in hand")
        self.measure.activated.connect(lambda _: self.metric_wanted.emit(self.measure.currentData()))
        self.means = button("Means", "Show the mean of each level as a step", self._want_means, toggles=True)
        self.sagittal = button("Sag", "Strip: along the cord and front to back", lambda: self._want("Sagittal"))
        self.coronal = button("Cor", "Strip: along the cord and side to side", lambda: self._want("Coronal"))
        self.shift = _spin(-DEEPEST_MM, DEEPEST_MM, 0.5, 0.0)
        self.shift.valueChanged.connect(self.depth_wanted)
        self.paint = button("Paint", "Paint on the strip into the voxels of the scan", lambda: self._tool("paint"))
        self.erase = button("Erase", "Erase on the strip from the voxels of the scan", lambda: self._tool("erase"))
        self.diameter = _spin(*BRUSH_MM, 0.5, diameter_mm)
        self.diameter.setToolTip("Diameter of the brush on the strip")
        self.diameter.setSuffix(" mm")
        self.ball = button("3-D", "A ball: reaches as far across the strip as within it", toggles=True)
        self.words, self._legend = QLabel(), ""
        self._connect_brush()
        self._arrange()

    def _connect_brush(self) -> None:
        for toggle in (self.sagittal, self.coronal, self.paint, self.erase):
            toggle.setCheckable(True)
        self.diameter.valueChanged.connect(self._want_brush)
        self.ball.clicked.connect(self._want_brush)

    def _arrange(self) -> None:
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.measure.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.measure.setMinimumContentsLength(MEASURE_LETTERS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 0)
        layout.setSpacing(1)
        self.measure.setMaximumWidth(WIDEST_MEASURE)
        plot = (self.measure, self.means, self.sagittal, self.coronal, self.shift)
        layout.addLayout(row(*plot, QWidget(), stretch=len(plot)))
        # The words stand beside the brush: with napari's own lists open, all controls in one line would not fit.
        layout.addLayout(row(self.paint, self.erase, self.diameter, self.ball, self.words, stretch=4))

    def show_metrics(self, metrics: Sequence[tuple[str, str]], chosen: str) -> None:
        """Offer measures, by attribute and title."""
        if [self.measure.itemData(index) for index in range(self.measure.count())] != [name for name, _ in metrics]:
            self.measure.clear()
            for name, title in metrics:
                self.measure.addItem(title, name)
        self.measure.setCurrentIndex(self.measure.findData(chosen))

    def show_plane(self, plane: str, deeper: str) -> None:
        """Show which plane the strip is, and towards what its depth grows."""
        self.sagittal.setChecked(plane == "Sagittal")
        self.coronal.setChecked(plane == "Coronal")
        self.shift.setSuffix(f" mm {deeper}")
        self.shift.setToolTip(f"Distance of the strip from the cord's centre; positive: {deeper}")

    def show_tool(self, tool: str) -> None:
        """Show which tool is on."""
        self.paint.setChecked(tool == "paint")
        self.erase.setChecked(tool == "erase")

    def show_possible(self, *, paint: bool) -> None:
        """Let only be done what can be done."""
        for control in (self.paint, self.erase, self.diameter, self.ball):
            control.setEnabled(paint)

    def show_legend(self, palette: Palette) -> None:
        """Explain the marks while there is nothing to read."""
        marks = (
            ("■", palette.edited, "edited"),
            ("▽", palette.doubtful, "low confidence"),
            ("◇", palette.spike, "spike"),
        )
        self._legend = "&nbsp;&nbsp; ".join(
            f'<span style="color:{colour}">{sign}</span> {word}' for sign, colour, word in marks
        )
        self.show_reading("")

    def show_reading(self, text: str) -> None:
        """Tell what is under the mouse; empty: the legend again."""
        self.words.setText(text or self._legend)

    def _want(self, plane: str) -> None:
        self.show_plane(plane, "")
        self.plane_wanted.emit(plane)

    def _want_means(self) -> None:
        self.means_wanted.emit(self.means.isChecked())

    def _tool(self, name: str) -> None:
        on = self.paint.isChecked() if name == "paint" else self.erase.isChecked()
        self.tool_wanted.emit(name if on else "")

    def _want_brush(self) -> None:
        self.brush_wanted.emit(self.diameter.value(), self.ball.isChecked())


def _spin(low: float, high: float, step: float, value: float) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setRange(low, high)
    made.setSingleStep(step)
    made.setDecimals(1)
    made.setValue(value)
    made.setKeyboardTracking(False)
    made.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    made.setFixedWidth(SPIN_PIXELS)
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return made

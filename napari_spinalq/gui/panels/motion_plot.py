"""Motion of the cord within a diffusion series, volume by volume."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, Signal
from qtpy.QtGui import QFont

from napari_spinalq.gui.panels.along_theme import Palette

FONT_POINTS = 8
AXIS_WIDTH = 42
OUTLIER_SIZE = 12
LEAST_MM = 0.5
"""Half the range of shifts (mm) that is shown at least: a cord that lay still must not look restless."""

HEADROOM = 0.12
"""Of the range: the signs of outliers above the curves."""


class MotionPlot(pg.GraphicsLayoutWidget):
    """Shifts towards anterior and right (mean over slices), and below them the framewise displacement.

    Signals
    -------
    volume_chosen : int
        Volume (from 0) at which the plot was clicked.
    """

    volume_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setAntialiasing(True)
        self.ci.layout.setContentsMargins(0, 0, 4, 0)
        self.ci.layout.setSpacing(0)
        self.shifts = self.addPlot(row=0, col=0, enableMenu=False)
        self.displacement = self.addPlot(row=1, col=0, enableMenu=False)
        self.displacement.setXLink(self.shifts)
        self._anterior, self._right = pg.PlotDataItem(symbol="o"), pg.PlotDataItem(symbol="s")
        self._moved = pg.PlotDataItem()
        self.outliers = pg.ScatterPlotItem(symbol="x", size=OUTLIER_SIZE)
        for item in (self._anterior, self._right):
            self.shifts.addItem(item)
        for item in (self._moved, self.outliers):
            self.displacement.addItem(item)
        self.shifts.getAxis("bottom").setStyle(showValues=False)
        for plot in (self.shifts, self.displacement):
            self._set_up(plot)
        self.n_volumes = 0
        self.scene().sigMouseClicked.connect(self._tell_volume)

    def use_palette(self, palette: Palette) -> None:
        """Take the colours of the window."""
        self.setBackground(palette.background)
        for plot in (self.shifts, self.displacement):
            for name in ("left", "bottom"):
                plot.getAxis(name).setPen(palette.text)
                plot.getAxis(name).setTextPen(palette.text)
        self.shifts.setLabel("left", "shift, mm", color=palette.text, size=f"{FONT_POINTS}pt")
        self.displacement.setLabel("left", "FD, mm", color=palette.text, size=f"{FONT_POINTS}pt")
        self.displacement.setLabel("bottom", "volume", color=palette.text, size=f"{FONT_POINTS}pt")
        for item, colour in ((self._anterior, palette.edited), (self._right, palette.doubtful)):
            item.setPen(pg.mkPen(colour, width=1.5))
            item.setSymbolPen(colour)
            item.setSymbolBrush(colour)
            item.setSymbolSize(4)
        self._moved.setPen(pg.mkPen(palette.line, width=1.5))
        self.outliers.setPen(pg.mkPen(palette.spike, width=2))

    def show_motion(
        self, shifts_mm: NDArray[np.float64], displacement_mm: NDArray[np.float64], outliers: NDArray[np.bool_]
    ) -> None:
        """Show shifts towards anterior and right (n_volumes, 2), displacement and outliers (both n_volumes)."""
        volumes = np.arange(len(shifts_mm))
        self.n_volumes = len(volumes)
        self._anterior.setData(volumes, shifts_mm[:, 0])
        self._right.setData(volumes, shifts_mm[:, 1])
        self._moved.setData(volumes, displacement_mm)
        self.outliers.setData(volumes[outliers], displacement_mm[outliers])
        self.shifts.setXRange(-0.5, max(0.5, len(volumes) - 0.5), padding=0)
        self.shifts.setYRange(*_range(shifts_mm, -LEAST_MM), padding=HEADROOM)
        self.displacement.setYRange(*_range(displacement_mm, 0.0), padding=HEADROOM)

    def _set_up(self, plot: pg.PlotItem) -> None:
        font = QFont(self.font())
        font.setPointSize(FONT_POINTS)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.getAxis("left").setWidth(AXIS_WIDTH)
        for name in ("left", "bottom"):
            plot.getAxis(name).setTickFont(font)
            plot.getAxis(name).enableAutoSIPrefix(False)
        plot.getAxis("bottom").setStyle(tickTextOffset=2)

    def _tell_volume(self, event: object) -> None:
        place: QPointF = event.scenePos()  # pyqtgraph's own class of events
        for plot in (self.shifts, self.displacement):
            if plot.vb.sceneBoundingRect().contains(place):
                volume = round(plot.vb.mapSceneToView(place).x())
                if 0 <= volume < self.n_volumes:
                    self.volume_chosen.emit(volume)


def _range(values_mm: NDArray[np.float64], low: float) -> tuple[float, float]:
    """Return the range that is shown: from ``low`` to :data:`LEAST_MM`, wider where values leave it."""
    known = values_mm[np.isfinite(values_mm)]
    return min(low, *known.tolist(), 0.0), max(LEAST_MM, *known.tolist(), 0.0)

"""A Bland-Altman plot small enough for the dock."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QFont, QPalette
from qtpy.QtWidgets import QSizePolicy

from napari_spinalq.gui.panels.parts import STATE_COLOURS

HEIGHT = 150
FONT_POINTS = 8
LABEL_HEIGHT, LABEL_WIDTH = 34, 44
"""Pixels that the axes take with their words: left to itself, pyqtgraph cuts them off in a plot this small."""

POINT_COLOUR = "#56B4E9"
"""Okabe-Ito sky blue: seen on dark and on light."""


class AgreementPlot(pg.PlotWidget):
    """Difference of two reads against their mean, a point per slice, with bias (solid) and limits (dashed)."""

    def __init__(self) -> None:
        super().__init__(background=None)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMenuEnabled(False)
        self.setMouseEnabled(False, False)
        self.hideButtons()
        self.points = pg.ScatterPlotItem(size=5, pen=None, brush=POINT_COLOUR)
        self.addItem(self.points)
        self.lines = [pg.InfiniteLine(angle=0) for _ in range(3)]
        for line in self.lines:
            self.addItem(line)
        small = QFont(self.font())
        small.setPointSize(FONT_POINTS)
        for side, words in (("bottom", "mean area of both, mm²"), ("left", "second − first")):
            self.getAxis(side).setTickFont(small)
            self.setLabel(side, words, **{"font-size": f"{FONT_POINTS}pt"})
        self.getAxis("bottom").setHeight(LABEL_HEIGHT)
        self.getAxis("left").setWidth(LABEL_WIDTH)
        self._follow_theme()

    def show_pairs(self, first: ArrayLike, second: ArrayLike, levels: tuple[float, float, float] | None) -> None:
        """Show pairs of areas (mm2), and the lower limit, the bias and the upper limit."""
        one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
        self.points.setData((one + other) / 2, other - one)
        for line, level in zip(self.lines, levels or (0.0, 0.0, 0.0), strict=True):
            line.setValue(level)
            line.setVisible(levels is not None)
        seen = np.concatenate([other - one, levels or []])
        if len(seen):
            self.setYRange(float(seen.min()), float(seen.max()), padding=0.1)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and hasattr(self, "lines"):
            self._follow_theme()

    def _follow_theme(self) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        for side in ("bottom", "left"):
            axis = self.getAxis(side)
            axis.setPen(ink)
            axis.setTextPen(ink)
        styles = (Qt.PenStyle.DashLine, Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine)
        for line, style in zip(self.lines, styles, strict=True):
            line.setPen(pg.mkPen(STATE_COLOURS["warn"], width=1.5, style=style))

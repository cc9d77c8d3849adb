"""The directions of a diffusion scheme on a disc, as seen from above the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtGui import QFont

from napari_spinalq.gui.panels.along_theme import Palette

SYMBOLS = ("o", "s", "t", "d", "+")
"""Of the shells in growing order: told apart by shape and colour; with more shells they come again."""

SIZE = 8
RIM = 1.18
"""Where the letters stand; the disc has radius 1."""

FONT_POINTS = 8
LETTERS = {"A": (0.0, 1.0), "P": (0.0, -1.0), "R": (1.0, 0.0), "L": (-1.0, 0.0)}
"""Where each side of the patient lies: towards right, towards anterior."""


class GradientPlot(pg.PlotWidget):
    """Anterior is up, and the patient's right lies on the side on which the images show it."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setAntialiasing(True)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        for name in ("left", "bottom"):
            self.hideAxis(name)
        self.plotItem.vb.setAspectLocked(True)
        self.plotItem.vb.setRange(xRange=(-RIM, RIM), yRange=(-RIM, RIM), padding=0.06)
        around = np.linspace(0, 2 * np.pi, 181)
        self._rim = pg.PlotCurveItem(np.cos(around), np.sin(around))
        self.addItem(self._rim)
        self._letters = {letter: pg.TextItem(letter, anchor=(0.5, 0.5)) for letter in LETTERS}
        font = QFont(self.font())
        font.setPointSize(FONT_POINTS)
        for letter, (right, anterior) in LETTERS.items():
            self._letters[letter].setFont(font)
            self._letters[letter].setPos(RIM * right, RIM * anterior)
            self.addItem(self._letters[letter])
        self.shells: list[pg.ScatterPlotItem] = []
        self._colours: tuple[str, ...] = ()

    def use_palette(self, palette: Palette) -> None:
        """Take the colours of the window."""
        self.setBackground(palette.background)
        self._rim.setPen(pg.mkPen(palette.text, width=1))
        for letter in self._letters.values():
            letter.setColor(palette.text)
        self._colours = (palette.edited, palette.spike, palette.band, palette.doubtful, palette.line)
        self._colour()

    def use_convention(self, *, right_on_left: bool) -> None:
        """Put the patient's right on the left, or on the right."""
        self.plotItem.vb.invertX(right_on_left)

    def show_shells(self, shells: Sequence[NDArray[np.float64]]) -> None:
        """Show the directions of each shell, shape (n, 2): towards right and towards anterior on the unit disc."""
        for item in self.shells:
            self.removeItem(item)
        self.shells = []
        for number, points in enumerate(shells):
            item = pg.ScatterPlotItem(symbol=SYMBOLS[number % len(SYMBOLS)], size=SIZE)
            item.setData(points[:, 0], points[:, 1])
            self.shells.append(item)
            self.addItem(item)
        self._colour()

    def colour_of(self, number: int) -> str:
        """Return the colour of a shell, for the words beside the plot."""
        return self._colours[number % len(self._colours)] if self._colours else "#000000"

    def _colour(self) -> None:
        for number, item in enumerate(self.shells):
            item.setPen(pg.mkPen(self.colour_of(number), width=1.5))
            item.setBrush(None)

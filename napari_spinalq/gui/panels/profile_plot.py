"""A measure along the cord: the line, the healthy range behind it, and marks on slices to know about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor

from napari_spinalq.gui.panels.along_theme import Palette
from napari_spinalq.gui.panels.cord_box import CordBox
from napari_spinalq.gui.panels.strip_plot import AXIS_WIDTH, LINE_COLOUR

MARKS = {"edited": ("s", 6), "doubtful": ("t", 9), "spike": ("d", 15)}
"""Symbol and size (pixels) of each mark: told apart by shape, not by colour alone."""

BAND_OPACITY = 55
HEADROOM = 0.3
"""Of the range on display: added where values leave it, as a new axis costs more time than a new line."""

MARGIN = 0.08
"""Of the range of values, above and below."""


@dataclass(frozen=True, eq=False)
class Course:
    """What is drawn; arrays run from superior to inferior.

    Attributes
    ----------
    along_mm, values : (n,) arrays
        The measure along the cord; NaN makes a gap.
    marks : mapping of str to (n,) array of bool
        By the keys of ``MARKS``.
    """

    along_mm: NDArray[np.float64]
    values: NDArray[np.float64]
    marks: dict[str, NDArray[np.bool_]] = field(default_factory=dict)


class ProfilePlot(pg.PlotItem):
    """``box`` is its :class:`CordBox`; x is shared with the strip, mm."""

    def __init__(self) -> None:
        self.box = CordBox()
        super().__init__(viewBox=self.box, enableMenu=False)
        self.hideButtons()
        edges = [pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)]
        self._band_edges, self._band = edges, pg.FillBetweenItem(*edges)
        self._means, self._line = pg.PlotCurveItem(connect="finite"), pg.PlotCurveItem(connect="finite")
        self._marks = {name: pg.ScatterPlotItem(symbol=symbol, size=size) for name, (symbol, size) in MARKS.items()}
        self._hovered = pg.ScatterPlotItem(symbol="o", size=9)
        self._along = pg.InfiniteLine(angle=90)
        self._discs: list[pg.InfiniteLine] = []
        self._palette: Palette | None = None
        for item in (self._band, self._along, self._means, self._line, *self._marks.values(), self._hovered):
            self.addItem(item, ignoreBounds=True)
        self.getAxis("left").setWidth(AXIS_WIDTH)
        self.getAxis("left").setStyle(tickTextOffset=2)
        self.getAxis("bottom").setStyle(tickTextOffset=2)
        self.getAxis("bottom").label.document().setDocumentMargin(0)  # else its words need 8 pixels more
        self.getAxis("bottom").setHeight(28)
        self.show_band(None)

    def use_palette(self, palette: Palette) -> None:
        """Take the colours of the window."""
        self._palette = palette
        for name in ("left", "bottom"):
            self.getAxis(name).setPen(palette.text)
            self.getAxis(name).setTextPen(palette.text)
        self._line.setPen(pg.mkPen(palette.line, width=1.5))
        self._means.setPen(pg.mkPen(palette.line, width=1, style=Qt.PenStyle.DashLine))
        self._along.setPen(pg.mkPen(_against(palette), style=Qt.PenStyle.DotLine))
        self._hovered.setBrush(pg.mkBrush(None))
        self._hovered.setPen(pg.mkPen(palette.text, width=1.5))
        band = QColor(palette.band)
        band.setAlpha(BAND_OPACITY)
        self._band.setBrush(band)
        for name, mark in self._marks.items():
            colour = getattr(palette, name)
            mark.setPen(pg.mkPen(colour, width=2 if name == "spike" else 1.5))
            mark.setBrush(pg.mkBrush(colour if name == "edited" else None))
        for line in self._discs:
            line.setPen(self._disc_pen())

    def show_course(self, course: Course) -> None:
        """Show a measure along the cord; the axes stay as they are."""
        self._line.setData(course.along_mm, course.values)
        for name, item in self._marks.items():
            chosen = course.marks.get(name, np.zeros(len(course.values), dtype=bool)) & np.isfinite(course.values)
            item.setData(course.along_mm[chosen], course.values[chosen])

    def show_band(self, corners: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None) -> None:
        """Show the healthy range by places (mm), lower and upper ends; None: hide it."""
        self._band.setVisible(corners is not None)
        if corners is not None:
            along, *ends = corners
            for edge, values in zip(self._band_edges, ends, strict=True):
                edge.setData(along, values)

    def show_means(self, steps: Iterable[tuple[float, float, float]]) -> None:
        """Show the mean of each level as a step: from, to (mm), value."""
        points = [(x, mean) for begin, end, mean in steps for x in (begin, end, np.nan)]
        places = np.array(points, dtype=float).reshape(-1, 2)
        self._means.setData(places[:, 0], places[:, 1])

    def show_discs(self, places_mm: Iterable[float]) -> None:
        """Show faint lines where discs project."""
        for line in self._discs:
            self.removeItem(line)
        self._discs = [pg.InfiniteLine(pos=place, angle=90, pen=self._disc_pen()) for place in places_mm]
        for line in self._discs:
            line.setZValue(-1)
            self.addItem(line, ignoreBounds=True)

    def show_place(self, along_mm: float) -> None:
        """Move the line to where the main view stands."""
        self._along.setValue(along_mm)

    def show_hovered(self, along_mm: float | None, value: float = np.nan) -> None:
        """Ring the slice under the mouse; None: no ring."""
        shown = along_mm is not None and np.isfinite(value)
        self._hovered.setData([along_mm] if shown else [], [value] if shown else [])

    def fit(self, low: float, high: float) -> None:
        """Show values from low to high."""
        margin = MARGIN * max(high - low, 1e-6)
        self.box.setYRange(low - margin, high + margin, padding=0)

    def make_room(self, low: float, high: float) -> None:
        """Widen the range where values left it, by more than they need: a stroke that goes on moves the axis rarely."""
        bottom, top = self.box.viewRange()[1]
        room = HEADROOM * (top - bottom)
        if low < bottom or high > top:
            self.box.setYRange(low - room if low < bottom else bottom, high + room if high > top else top, padding=0)

    def _disc_pen(self) -> pg.QtGui.QPen:
        colour = QColor(self._palette.text if self._palette else LINE_COLOUR)
        colour.setAlpha(70)
        return pg.mkPen(colour, width=1)


def _against(palette: Palette) -> str:
    """Return the colour of the position line: yellow, or on a light window one that can be seen there."""
    return LINE_COLOUR if QColor(palette.background).lightness() < 128 else "#7A6A00"

"""The straightened cord, lying: superior on the left, anterior (or the patient's right) up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QFont, QPainter
from qtpy.QtWidgets import QGraphicsEllipseItem

from napari_spinalq.gui.colours import DISC_COLOUR
from napari_spinalq.gui.panels.along_theme import Palette
from napari_spinalq.gui.panels.cord_box import CordBox

LINE_COLOUR = "#F0E442"
"""Okabe-Ito yellow, as the lines of the other views."""

SMALLEST_HALF_MM, LARGEST_HALF_MM = 9.0, 19.0
"""How much is shown to either side of the cord's centre, mm: at least the canal; at most what was sampled."""

NAME_PIXELS = 46
"""Room that the name of a disc such as T11-T12 takes; where discs stand closer, only their lines are drawn."""

NAME_POINTS = 8
AXIS_WIDTH = 46
"""Of the left axis, pixels, the same above and below, so that both plots share their places along the cord."""


class SmoothImage(pg.ImageItem):
    """An image drawn with interpolation: a strip is magnified several times."""

    def paint(self, painter: QPainter, *args: object) -> None:
        """Draw it."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        super().paint(painter, *args)


class StripPlot(pg.PlotItem):
    """Image, masks, discs, brush and the line where the main view stands.

    ``box`` is its :class:`CordBox`; y is the offset from the cord's centre, mm.
    """

    def __init__(self) -> None:
        self.box = CordBox()
        super().__init__(viewBox=self.box, enableMenu=False)
        self.hideButtons()
        self._image, self._masks = SmoothImage(), pg.ImageItem()
        self._along = pg.InfiniteLine(angle=90, pen=pg.mkPen(LINE_COLOUR, style=Qt.PenStyle.DotLine))
        self._across = pg.InfiniteLine(angle=0, pen=pg.mkPen(LINE_COLOUR, style=Qt.PenStyle.DotLine))
        self._brush = QGraphicsEllipseItem()
        self._brush.setPen(pg.mkPen("#FFFFFF", width=1))
        for item in (self._image, self._masks, self._along, self._across, self._brush):
            self.addItem(item, ignoreBounds=True)
        self._brush.setVisible(False)
        self._discs: list[pg.InfiniteLine] = []
        self._letters = ("", "")
        self.box.setBackgroundColor("#000000")
        self.getAxis("left").setWidth(AXIS_WIDTH)
        self.getAxis("left").setStyle(tickLength=0)
        self.getAxis("bottom").setStyle(tickLength=0, tickTextOffset=1)
        self.getAxis("bottom").setHeight(17)
        self.box.sigXRangeChanged.connect(self._fit)
        self.box.sigResized.connect(self._fit)

    def use_palette(self, palette: Palette) -> None:
        """Take the colours of the window; the picture itself stays on black."""
        for name in ("left", "bottom"):
            self.getAxis(name).setPen(palette.background)
            self.getAxis(name).setTextPen(palette.text)

    def show_picture(self, grey: NDArray[np.uint8] | None, place: QRectF) -> None:
        """Show grey values, shape (x, y), in a rectangle of the plot; None: nothing."""
        self._image.clear()
        if grey is not None:
            self._image.setImage(grey, levels=(0, 255), autoLevels=False)
            self._image.setRect(place)

    def show_masks(self, pixels: NDArray[np.uint8] | None, place: QRectF) -> None:
        """Show red, green, blue and opacity, shape (x, y, 4), in a rectangle of the plot; None: nothing."""
        if pixels is None:
            self._masks.clear()
            return
        self._masks.setImage(pixels, autoLevels=False)
        self._masks.setRect(place)

    def show_letters(self, top: str, bottom: str) -> None:
        """Say what is up and what is down."""
        self._letters = (top, bottom)
        self._fit()

    def show_levels(self, discs_mm: Mapping[str, float], names_mm: Mapping[str, float]) -> None:
        """Show discs as named lines, and names of levels under their middles."""
        for line in self._discs:
            self.removeItem(line)
        self._discs = [_disc_line(name, place) for name, place in discs_mm.items()]
        for line in self._discs:
            self.addItem(line, ignoreBounds=True)
        self.getAxis("bottom").setTicks([[(place, name) for name, place in names_mm.items()]])
        self._fit()

    def show_place(self, along_mm: float, offset_mm: float) -> None:
        """Move the lines to where the main view stands."""
        self._along.setValue(along_mm)
        self._across.setValue(offset_mm)

    def show_brush(self, diameter_mm: float | None, place: QPointF | None = None) -> None:
        """Show the rim of the brush around a place; None: no brush."""
        self._brush.setVisible(diameter_mm is not None and place is not None)
        if diameter_mm is not None and place is not None:
            half = diameter_mm / 2
            self._brush.setRect(QRectF(place.x() - half, place.y() - half, diameter_mm, diameter_mm))

    def _fit(self) -> None:
        """Show as much across as keeps true proportion with the way along, within what is worth seeing."""
        width, height = self.box.width(), self.box.height()
        if width < 2 or height < 2:
            return
        span = float(np.diff(self.box.viewRange()[0])[0])
        half = float(np.clip(span / width * height / 2, SMALLEST_HALF_MM, LARGEST_HALF_MM))
        self.box.setYRange(-half, half, padding=0)
        top, bottom = self._letters
        self.getAxis("left").setTicks([[(0.8 * half, top), (-0.8 * half, bottom)]])
        places = sorted(line.value() for line in self._discs)
        roomy = len(places) < 2 or float(np.min(np.diff(places))) / span * width >= NAME_PIXELS
        for line in self._discs:
            line.label.setVisible(roomy)


def _disc_line(name: str, place_mm: float) -> pg.InfiniteLine:
    centred = [(0.5, 0.5), (0.5, 0.5)]
    options = {"position": 0.88, "color": "#FFFFFF", "fill": (0, 0, 0, 150), "movable": False, "anchors": centred}
    line = pg.InfiniteLine(pos=place_mm, angle=90, label=name, labelOpts=options)
    line.label.setFont(QFont(line.label.textItem.font().family(), NAME_POINTS))
    line.setPen(pg.mkPen(DISC_COLOUR, width=1, style=Qt.PenStyle.DashLine))
    return line

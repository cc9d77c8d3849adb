"""Strip and profile, one above the other, with one axis along the cord."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, QPointF, QRectF, Signal
from qtpy.QtGui import QFont

from napari_spinalq.gui.panels.along_theme import Palette
from napari_spinalq.gui.panels.profile_plot import ProfilePlot
from napari_spinalq.gui.panels.strip_plot import StripPlot

SMALLEST_HEIGHT = 190
FONT_POINTS = 8
LABEL_NUDGE = 5
"""Pixels by which pyqtgraph puts the label of an axis below the axis: without them its words are cut."""

SHORTEST_VIEW_MM = 8.0
"""The wheel zooms in no further: a few slices."""


class AlongPlot(pg.GraphicsLayoutWidget):
    """Both plots.

    Signals
    -------
    strip_pressed, strip_dragged : QPointF
        Left button on the strip: mm along the cord, mm from its centre.
    profile_pointed : QPointF
        Left button, pressed or dragged, on the profile: mm along the cord, value.
    released
        The left button came up again.
    hovered : QPointF or None, bool
        Where the mouse is, and whether that is on the strip.
    strip_doubled : QPointF
        The second press of a double click on the strip.
    whole_wanted
        A double click on the profile: show the whole cord.
    """

    strip_pressed = Signal(QPointF)
    strip_dragged = Signal(QPointF)
    profile_pointed = Signal(QPointF)
    released = Signal()
    hovered = Signal(object, bool)
    strip_doubled = Signal(QPointF)
    whole_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(SMALLEST_HEIGHT)
        self._band_colour = self._text_colour = ""
        self.setAntialiasing(True)
        self.strip, self.profile = StripPlot(), ProfilePlot()
        self.ci.layout.setContentsMargins(2, 2, 6, LABEL_NUDGE)
        self.ci.layout.setSpacing(0)
        self.addItem(self.strip, row=0, col=0)
        self.addItem(self.profile, row=1, col=0)
        self.ci.layout.setRowStretchFactor(0, 10)
        self.ci.layout.setRowStretchFactor(1, 13)
        self.strip.setXLink(self.profile)
        font = QFont(self.font())
        font.setPointSize(FONT_POINTS)
        for plot in (self.strip, self.profile):
            for name in ("left", "bottom"):
                plot.getAxis(name).setTickFont(font)
        self.strip.box.pressed.connect(self.strip_pressed)
        self.strip.box.dragged.connect(self.strip_dragged)
        self.strip.box.doubled.connect(self.strip_doubled)
        self.profile.box.doubled.connect(self.whole_wanted)
        self.profile.box.pressed.connect(self.profile_pointed)
        self.profile.box.dragged.connect(self.profile_pointed)
        for box in (self.strip.box, self.profile.box):
            box.released.connect(self.released)
        self.scene().sigMouseMoved.connect(self._tell_hover)

    def use_palette(self, palette: Palette) -> None:
        """Take the colours of the window."""
        self._band_colour, self._text_colour = palette.band, palette.text
        self.setBackground(palette.background)
        self.strip.use_palette(palette)
        self.profile.use_palette(palette)

    def set_range(self, first_mm: float, last_mm: float) -> None:
        """Show this stretch of cord, and let nobody pan away from it."""
        self.set_limits(first_mm, last_mm)
        self.profile.setXRange(first_mm, last_mm, padding=0)

    def set_limits(self, first_mm: float, last_mm: float) -> None:
        """Keep the stretch on display and let nobody pan away from the cord."""
        width = last_mm - first_mm
        for box in (self.strip.box, self.profile.box):
            box.setLimits(xMin=first_mm, xMax=last_mm, minXRange=min(SHORTEST_VIEW_MM, width), maxXRange=width)

    def name_axis(self, counted: str, range_words: str, *, shown: bool) -> None:
        """Say what the axis along the cord counts, and what the healthy range is (``shown``) or why there is none."""
        patch = f'<span style="color:{self._band_colour}">■</span> ' if shown else ""
        text = " &nbsp;&nbsp;&nbsp; ".join(part for part in (counted, f"{patch}{range_words}") if part)
        axis = self.profile.getAxis("bottom")
        axis.setLabel(text, color=self._text_colour, **{"font-size": f"{FONT_POINTS}pt"})
        axis.resizeEvent()  # pyqtgraph centres a label only when the axis is resized

    def millimetres(self, pixels: float) -> float:
        """Return what so many pixels are along the cord, mm."""
        return float(np.diff(self.profile.box.viewRange()[0])[0]) / max(1.0, self.profile.box.width()) * pixels

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that the mouse is gone."""
        super().leaveEvent(event)
        self.hovered.emit(None, False)

    def _tell_hover(self, scene_place: QPointF) -> None:
        for plot, on_strip in ((self.strip, True), (self.profile, False)):
            if QRectF(plot.box.sceneBoundingRect()).contains(scene_place):
                self.hovered.emit(plot.box.mapSceneToView(scene_place), on_strip)
                return
        self.hovered.emit(None, False)

"""A pane that shows one plane of a scan, drawn by Qt alone: picture, crosshair, letters, scale bar and captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_spinalq.gui.panels import pane_marks as marks
from napari_spinalq.gui.views.crossview import CrossView
from napari_spinalq.gui.views.lens import Lens

SMALLEST = 110
"""Pixels: three panes above each other must fit a screen of 768 lines."""

NOTCH = 120
"""What Qt calls one step of a wheel; finer wheels and touch pads send parts of it."""

ZOOM_PER_NOTCH = 1.2
CURTAIN_CATCH = 6.0
"""A press this near (pixels) to the curtain's line takes hold of it."""

HINT = "Open an exam: its planes are shown here."
TIP = (
    "Click or drag: the crosshair goes there in all views.\nWheel: slice by slice; Ctrl+wheel: zoom.\n"
    "Right or middle drag: pan. Shift+right drag: window and level.\nDouble click: show this plane in the main view."
)
Named = tuple[str, NDArray[np.float64], bool]
"""A name, its place (displayed world z, y, x), and whether the place is a guess."""


@dataclass(frozen=True, eq=False)
class Content:
    """What a pane shows.

    Attributes
    ----------
    view : CrossView, optional
        The plane; None while there is no scan.
    point : array, shape (3,)
        Displayed world point (z, y, x) of the crosshair.
    names : sequence of Named
        Named points (discs) in the plane.
    caption, remark, banner : str
        Plane, slice and level (top left); window and level (bottom left); what is compared (top, on a bar).
    crosshair : bool
        Whether the lines are drawn.
    curtain : float, optional
        Where the line between two compared pictures is, as a part of the width of the picture.
    lens : Lens
        Which part is shown.
    """

    view: CrossView | None = None
    point: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    names: Sequence[Named] = ()
    caption: str = ""
    remark: str = ""
    banner: str = ""
    crosshair: bool = True
    curtain: float | None = None
    lens: Lens = field(default_factory=Lens)


class PlanePane(QWidget):
    """Shows a plane and tells what the mouse wants.

    Signals
    -------
    pointed : array
        Displayed world point (z, y, x) on which the user clicked or to which the mouse was dragged.
    scrolled : int
        Slices to go on.
    zoomed : float, array
        Times to magnify, and the world point that stays in place.
    panned : array
        World mm (z, y, x) by which the centre of the view moves.
    window_began, window_dragged, window_reset
        A drag for window and level: its begin, pixels (right, up) since then, and a double click instead.
    curtain_moved : float
        As a part of the width of the picture.
    opened
        Double click: this plane is wanted in the main view.
    resized
        The pane has another size.
    """

    pointed = Signal(object)
    scrolled = Signal(int)
    zoomed = Signal(float, object)
    panned = Signal(object)
    window_began = Signal()
    window_dragged = Signal(float, float)
    window_reset = Signal()
    curtain_moved = Signal(float)
    opened = Signal()
    resized = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.content = Content()
        self.windowing = False
        self._drag: str = ""
        self._from = QPointF()
        self._turned = 0
        self.setMinimumSize(SMALLEST, SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip(TIP)
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def view(self) -> CrossView | None:
        """The plane that is shown; None while there is no scan."""
        return self.content.view

    @property
    def dragging(self) -> bool:
        """Whether a mouse button is held on the pane."""
        return bool(self._drag)

    def show_content(self, content: Content) -> None:
        """Show a plane and all that is drawn on it."""
        self.content = content
        self.update()

    def lens(self) -> Lens:
        """Return the lens with centre and magnification as they are shown now."""
        lens, view = self.content.lens, self.content.view
        centre = np.array(self.content.point) if lens.centre is None else np.array(lens.centre)
        if lens.centre is None:
            centre[list(view.axes)] = view.middle
        return Lens(centre, lens.scale(self.height(), self.width(), view.size_mm))

    def place(self) -> QRectF:
        """Return where the picture lies on the widget, in true proportion; it may be larger than the widget."""
        view, lens = self.content.view, self.lens()
        height, width = view.size_mm / lens.mm_per_pixel
        down, right = view.fraction(lens.centre)
        return QRectF(self.width() / 2 - right * width, self.height() / 2 - down * height, width, height)

    def spot(self, world: NDArray[np.float64]) -> QPointF:
        """Return where a world point (z, y, x) lies on the widget."""
        place = self.place()
        down, right = self.content.view.fraction(world)
        return QPointF(place.left() + right * place.width(), place.top() + down * place.height())

    def world_at(self, spot: QPointF) -> NDArray[np.float64]:
        """Return the world point of a place on the widget, in the plane of the crosshair."""
        place = self.place()
        fraction = np.array([(spot.y() - place.top()) / place.height(), (spot.x() - place.left()) / place.width()])
        return self.content.view.world(np.clip(fraction, 0.0, 1.0), self.content.point)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture and what stands on it."""
        painter, content = QPainter(self), self.content
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if content.view is None:
            marks.draw_hint(painter, self.rect(), HINT)
            return
        rows, columns, _ = content.view.pixels.shape
        place = self.place()
        painter.drawImage(
            place, QImage(content.view.pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        )
        if content.curtain is not None:
            marks.draw_curtain(painter, place, content.curtain)
        if content.crosshair:
            marks.draw_crosshair(painter, place, self.spot(content.point))
        inside = QRectF(self.rect())
        names = [(name, self.spot(world), guess) for name, world, guess in content.names]
        marks.draw_names(painter, inside, names)
        below = inside.adjusted(0, marks.BANNER_HEIGHT if content.banner else 0, 0, 0)
        marks.draw_letters(painter, below, content.view.letters, content.caption, content.remark)
        marks.draw_scale_bar(painter, inside, self.lens().mm_per_pixel)
        marks.draw_captions(painter, inside, content.caption, content.remark, content.banner)

    def resizeEvent(self, event: object) -> None:
        """Tell of another size."""
        self.resized.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin what the button means."""
        if self.content.view is None:
            return
        self._drag, self._from = self._meaning(event), QPointF(event.pos())
        if self._drag == "window":
            self.window_began.emit()
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the dragged mouse."""
        self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag."""
        self._drag = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Put the window back, or show this plane in the main view."""
        if self.content.view is None:
            return
        if self._meaning(event) == "window":
            self.window_reset.emit()
        elif event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go through the slices; with Ctrl, zoom about the mouse."""
        event.accept()
        if self.content.view is None:
            return
        turned = event.angleDelta().y()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoomed.emit(ZOOM_PER_NOTCH ** (turned / NOTCH), self.world_at(QPointF(event.position())))
            return
        self._turned += turned
        steps = int(self._turned / NOTCH)
        self._turned -= steps * NOTCH
        if steps:
            self.scrolled.emit(steps)

    def _meaning(self, event: QMouseEvent) -> str:
        left = event.button() == Qt.MouseButton.LeftButton
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if (left and self.windowing) or (event.button() == Qt.MouseButton.RightButton and shifted):
            return "window"
        if left and self._on_curtain(event):
            return "curtain"
        return "point" if left else "pan"

    def _on_curtain(self, event: QMouseEvent) -> bool:
        place, part = self.place(), self.content.curtain
        return part is not None and abs(event.pos().x() - place.left() - part * place.width()) <= CURTAIN_CATCH

    def _follow(self, event: QMouseEvent) -> None:
        spot = QPointF(event.pos())
        if self.content.view is None or not self._drag:
            return
        if self._drag == "point":
            self.pointed.emit(self.world_at(spot))
        elif self._drag == "curtain":
            self.curtain_moved.emit(float((spot.x() - self.place().left()) / self.place().width()))
        elif self._drag == "window":
            self.window_dragged.emit(spot.x() - self._from.x(), self._from.y() - spot.y())
        else:
            self._pan(spot)

    def _pan(self, spot: QPointF) -> None:
        view, shift = self.content.view, np.zeros(3)
        moved = np.array([spot.y() - self._from.y(), spot.x() - self._from.x()])
        shift[list(view.axes)] = -moved * view.directions * self.lens().mm_per_pixel
        self._from = spot
        if shift.any():
            self.panned.emit(shift)

"""The small pictures of a case, with slice numbers and sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_spinalq.gui.panels.parts import draw_text
from napari_spinalq.quality.worklist.thumbnails import Mosaic

GAP = 4
"""Pixels between strip and mosaic."""

INK, SHADOW = QColor("white"), QColor(0, 0, 0, 200)
"""Of the marks: white on black is read on any grey."""


class CasePicture(QWidget):
    """Shows the strip along the cord and the axial details beside it, as large as they fit.

    Signals
    -------
    slice_wanted : int
        A detail was clicked on.
    """

    slice_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._mosaic: Mosaic | None = None
        self._images: tuple[QImage, QImage] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(90)

    def show_pictures(self, mosaic: Mosaic | None, strip: NDArray[np.uint8] | None) -> None:
        """Show the pictures of a case, or none."""
        self._mosaic = mosaic
        self._images = None if mosaic is None or strip is None else (_image(strip), _image(mosaic.picture))
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        """Tell the layout that the pictures keep their proportions."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height that the pictures take in a width."""
        if self._images is None:
            return 216
        size = self._natural()
        return round(size.height() * min(1.0, width / size.width()))

    def sizeHint(self) -> QSize:
        """Return the size of the pictures in a dock."""
        return QSize(360, self.heightForWidth(360))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ask for the slice of the detail under the mouse."""
        place = event.position() if hasattr(event, "position") else QPointF(event.pos())
        for index, tile, _ in self._tiles():
            if tile.contains(place):
                self.slice_wanted.emit(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pictures, the slice numbers and the sides of the patient."""
        if self._images is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        strip, mosaic = self._places()
        painter.drawImage(strip, self._images[0])
        painter.drawImage(mosaic, self._images[1])
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        for index, tile, flagged in self._tiles():
            _mark(painter, tile, f"⚠ {index}" if flagged else str(index), Qt.AlignmentFlag.AlignLeft)
        first = next((tile for _, tile, _ in self._tiles()), None)
        if first is not None:
            for letter, side in (("R", Qt.AlignmentFlag.AlignLeft), ("L", Qt.AlignmentFlag.AlignRight)):
                _mark(painter, first, letter, side | Qt.AlignmentFlag.AlignVCenter)
        for letter, side in (("A", Qt.AlignmentFlag.AlignLeft), ("P", Qt.AlignmentFlag.AlignRight)):
            _mark(painter, strip, letter, side | Qt.AlignmentFlag.AlignVCenter)
        painter.end()

    def _natural(self) -> QSize:
        strip, mosaic = self._images
        return QSize(strip.width() + GAP + mosaic.width(), max(strip.height(), mosaic.height()))

    def _places(self) -> tuple[QRectF, QRectF]:
        size, (strip, mosaic) = self._natural(), self._images
        scale = min(self.width() / size.width(), self.height() / size.height())
        left = (self.width() - size.width() * scale) / 2
        first = QRectF(left, 0, strip.width() * scale, strip.height() * scale)
        return first, QRectF(first.right() + GAP * scale, 0, mosaic.width() * scale, mosaic.height() * scale)

    def _tiles(self) -> list[tuple[int, QRectF, bool]]:
        """Return slice, place and whether it is flagged, for every detail."""
        if self._images is None:
            return []
        whole, made = self._places()[1], self._mosaic
        side = whole.width() / made.columns
        first = QRectF(whole.left(), whole.top(), side, side)
        return [
            (index, first.translated(n % made.columns * side, n // made.columns * side), flagged)
            for n, (index, flagged) in enumerate(zip(made.slices, made.flagged, strict=True))
        ]


def _image(picture: NDArray[np.uint8]) -> QImage:
    height, width, _ = picture.shape
    return QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _mark(painter: QPainter, place: QRectF, text: str, side: Qt.AlignmentFlag) -> None:
    inner = place.adjusted(4, 3, -4, -3)
    painter.setPen(SHADOW)
    draw_text(painter, inner.translated(1, 1), text, side)
    painter.setPen(INK)
    draw_text(painter, inner, text, side)

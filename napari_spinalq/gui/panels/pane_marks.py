"""What is drawn on the panes besides the picture: lines, letters, names, scale bar and captions."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from napari_spinalq.gui.colours import DISC_COLOUR, GUESS_COLOUR, OTHER_COLOUR

INK = QColor("#F0E442")
"""Okabe-Ito yellow, as the letters of the main view."""

BACKING = QColor(0, 0, 0, 140)
SMALL, LETTER = 8, 10
DOT = 3.0
NAME_HEIGHT = 12.0
EDGE_HEIGHT = 24.0
"""Pixels at the upper and lower edge that letters and captions have for themselves."""

GAP = 8.0
"""Pixels around the crosshair's centre that its lines leave free: what is pointed at stays visible."""

HANDLE_PART = 0.8
"""Where on the height of a pane the curtain has its handle: off the middle, where the cord is."""

BANNER_HEIGHT = 16.0
BAR_LENGTHS_MM = (1, 2, 5, 10, 20, 50, 100)
BAR_PART = 0.3
"""The scale bar takes at most this part of the width of a pane."""


def draw_hint(painter: QPainter, area: QRect, words: str) -> None:
    """Write a sentence in the middle of an empty pane."""
    painter.setPen(Qt.GlobalColor.gray)
    painter.drawText(area.adjusted(8, 8, -8, -8), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)


def draw_crosshair(painter: QPainter, place: QRectF, spot: QPointF) -> None:
    """Draw the lines of the crosshair across the picture, free around where they would meet."""
    pen = QPen(INK)
    pen.setStyle(Qt.PenStyle.DotLine)
    painter.setPen(pen)
    for begin, end in ((place.left(), spot.x() - GAP), (spot.x() + GAP, place.right())):
        painter.drawLine(QPointF(begin, spot.y()), QPointF(end, spot.y()))
    for begin, end in ((place.top(), spot.y() - GAP), (spot.y() + GAP, place.bottom())):
        painter.drawLine(QPointF(spot.x(), begin), QPointF(spot.x(), end))


def draw_curtain(painter: QPainter, place: QRectF, part: float) -> None:
    """Draw the line between two compared pictures, with a handle."""
    x = place.left() + part * place.width()
    painter.setPen(QPen(QColor(OTHER_COLOUR), 2))
    painter.drawLine(QPointF(x, place.top()), QPointF(x, place.bottom()))
    painter.setBrush(QColor(OTHER_COLOUR))
    painter.drawEllipse(QPointF(x, HANDLE_PART * painter.viewport().height()), 5.0, 5.0)


def draw_names(painter: QPainter, area: QRectF, names: Sequence[tuple[str, QPointF, bool]]) -> None:
    """Draw named points, guessed ones as rings; a small pane has room for some names, its edges for none."""
    painter.setFont(_font(painter, 7))
    written = -NAME_HEIGHT
    top, bottom = area.top() + EDGE_HEIGHT, area.bottom() - EDGE_HEIGHT
    for name, spot, guessed in names:
        painter.setPen(QPen(QColor(GUESS_COLOUR), 1.5) if guessed else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if guessed else QColor(DISC_COLOUR))
        painter.drawEllipse(spot, DOT, DOT)
        if abs(spot.y() - written) >= NAME_HEIGHT and top <= spot.y() <= bottom:
            painter.setPen(Qt.GlobalColor.white)
            painter.drawText(QRectF(spot.x() - 60, spot.y() - 8, 54, 16), Qt.AlignmentFlag.AlignRight, name)
            written = spot.y()


def draw_letters(
    painter: QPainter, area: QRectF, letters: tuple[str, str, str, str], caption: str = "", remark: str = ""
) -> None:
    """Write the sides of the patient on the left, right, upper and lower edge, clear of the words on the left there."""
    above, below = (_right_of(painter, area, words) for words in (caption, remark))
    painter.setFont(_font(painter, LETTER))
    painter.setPen(INK)
    inside = area.adjusted(4, 2, -4, -2)
    middle, across = inside.center(), QFontMetricsF(painter.font())
    size = QRectF(0, 0, across.horizontalAdvance("M") + 2, across.height())
    half = size.width() / 2
    spots = (
        QPointF(inside.left() + half, middle.y()),
        QPointF(inside.right() - half, middle.y()),
        QPointF(max(middle.x(), above + half), inside.top() + size.height() / 2),
        QPointF(max(middle.x(), below + half), inside.bottom() - size.height() / 2),
    )
    for letter, spot in zip(letters, spots, strict=True):
        size.moveCenter(spot)
        painter.fillRect(size, BACKING)
        painter.drawText(size, Qt.AlignmentFlag.AlignCenter, letter)


def draw_scale_bar(painter: QPainter, area: QRectF, mm_per_pixel: float) -> None:
    """Draw a bar of a round number of mm at the lower right."""
    room = BAR_PART * area.width() * mm_per_pixel
    length = max((length for length in BAR_LENGTHS_MM if length <= room), default=BAR_LENGTHS_MM[0])
    right, bottom = area.right() - 6, area.bottom() - 6
    painter.setPen(QPen(Qt.GlobalColor.white, 2))
    painter.drawLine(QPointF(right - length / mm_per_pixel, bottom), QPointF(right, bottom))
    _write(painter, QRectF(right - 60, bottom - 18, 60, 15), Qt.AlignmentFlag.AlignRight, f"{length} mm")


def draw_captions(painter: QPainter, area: QRectF, caption: str, remark: str, banner: str) -> None:
    """Write the caption at the upper left, the remark at the lower left, and the banner on a bar above all."""
    top = area.top() + 2
    if banner:
        bar = QRectF(area.left(), area.top(), area.width(), BANNER_HEIGHT)
        painter.fillRect(bar, QColor(OTHER_COLOUR))
        painter.setFont(_font(painter, SMALL))
        painter.setPen(Qt.GlobalColor.black)
        words = QFontMetricsF(painter.font()).elidedText(banner, Qt.TextElideMode.ElideMiddle, bar.width() - 8)
        painter.drawText(bar.adjusted(4, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, words)
        top += BANNER_HEIGHT
    _write(painter, QRectF(area.left() + 4, top, area.width() - 8, 15), Qt.AlignmentFlag.AlignLeft, caption)
    _write(
        painter, QRectF(area.left() + 4, area.bottom() - 18, area.width() - 8, 15), Qt.AlignmentFlag.AlignLeft, remark
    )


def _write(painter: QPainter, area: QRectF, side: Qt.AlignmentFlag, words: str) -> None:
    """Write white words on a dark backing: they stay legible on bright tissue."""
    if not words:
        return
    painter.setFont(_font(painter, SMALL))
    width = QFontMetricsF(painter.font()).horizontalAdvance(words) + 4
    left = area.right() - width if side == Qt.AlignmentFlag.AlignRight else area.left()
    painter.fillRect(QRectF(left, area.top(), width, area.height()), BACKING)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(QRectF(left + 2, area.top(), width, area.height()), Qt.AlignmentFlag.AlignVCenter, words)


def _right_of(painter: QPainter, area: QRectF, words: str) -> float:
    """Return where words at the left edge end, with a gap; the edge itself without words."""
    if not words:
        return area.left()
    return area.left() + 4 + QFontMetricsF(_font(painter, SMALL)).horizontalAdvance(words) + 4 + GAP / 2


def _font(painter: QPainter, points: int) -> QFont:
    return QFont(painter.font().family(), points)

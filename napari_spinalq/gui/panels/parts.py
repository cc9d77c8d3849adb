"""Small pieces that the panels share."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap, QTextOption
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

GAP = 4
"""Space between controls, pixels: the whole dock must fit a screen of 768 lines."""

PATCH_PIXELS = 10

STATE_COLOURS = {"good": "#009E73", "warn": "#E69F00", "bad": "#D55E00"}
"""Okabe-Ito green, orange and vermilion. A sign and words always say the same as the colour."""

SIGNS = {"good": "✓", "warn": "⚠", "bad": "✕", "plain": ""}


class Step(QFrame):
    """A numbered step of the work: a heading with room for a remark, and a body."""

    def __init__(self, number: int, title: str) -> None:
        super().__init__()
        self.setObjectName("spinalqStep")
        heading = QLabel(f"<b>{number}&nbsp;&nbsp;{title}</b>")
        self._remark = QLabel()
        self._remark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(6, 3, 6, 4)
        self.body.setSpacing(GAP)
        self._heading = row(heading, self._remark, stretch=1)
        self.body.addLayout(self._heading)

    def add_to_heading(self, widget: QWidget) -> None:
        """Put a small control on the right of the heading."""
        self._heading.addWidget(widget)

    def set_remark(self, text: str) -> None:
        """Say something short on the right of the heading."""
        self._remark.setText(text)


class StateLine(QLabel):
    """One line that tells a state by sign, words and colour."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setVisible(False)

    def tell(self, kind: str, text: str) -> None:
        """Show ``text`` as ``good``, ``warn``, ``bad`` or ``plain``; hide the line if there is nothing to say."""
        self.setText(f"{SIGNS[kind]} {text}".strip())
        colour = STATE_COLOURS.get(kind)
        # A bar in the colour, not coloured words: the words keep the theme's contrast.
        self.setStyleSheet(f"border-left: 4px solid {colour}; padding-left: 5px;" if colour else "")
        self.setVisible(bool(text))


def button(text: str, tip: str, action: Callable[[], object] | None = None, *, toggles: bool = False) -> QPushButton:
    """Return a button with its explanation."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setCheckable(toggles)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    if action is not None:
        made.clicked.connect(lambda: action())
    return made


def patch(colour: str) -> QIcon:
    """Return a small square of a colour, as the icon of the button that paints in it."""
    pixels = QPixmap(PATCH_PIXELS, PATCH_PIXELS)
    pixels.fill(QColor(colour))
    return QIcon(pixels)


def row(*widgets: QWidget, stretch: int | None = None) -> QHBoxLayout:
    """Return a row of widgets; the one at index ``stretch`` takes the room that is left."""
    line = QHBoxLayout()
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(GAP)
    for index, widget in enumerate(widgets):
        line.addWidget(widget, 1 if index == stretch else 0)
    return line


def page(*panels: QWidget) -> QWidget:
    """Return panels one below the other."""
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    for panel in panels:
        column.addWidget(panel)
    return made


def draw_text(painter: QPainter, place: QRectF, text: str, side: Qt.AlignmentFlag) -> None:
    """Draw one line of text, aligned as ``side`` says; all Qt bindings take it in this form."""
    option = QTextOption(side)
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    painter.drawText(place, text, option)

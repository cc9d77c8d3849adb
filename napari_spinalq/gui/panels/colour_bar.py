"""Which colour stands for which value of the map that lies on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from napari_spinalq.gui.panels.parts import row

BAR_PIXELS = (60, 10)


@dataclass(frozen=True)
class Scale:
    """Values at the ends of a colour bar, in words, and the colours (``"#RRGGBB"``) from the low end to the high."""

    low: str
    high: str
    colours: tuple[str, ...]


class ColourBar(QWidget):
    """A bar from the lowest colour to the highest between two values; hidden while there is no scale."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.bar, self.high = QLabel(), QFrame(), QLabel()
        self.bar.setFixedHeight(BAR_PIXELS[1])
        self.bar.setMinimumWidth(BAR_PIXELS[0])
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setLayout(row(self.low, self.bar, self.high, stretch=1))
        self.setVisible(False)

    def show_scale(self, scale: Scale | None) -> None:
        """Show a scale, or nothing."""
        self.setVisible(scale is not None)
        if scale is not None:
            self.low.setText(scale.low)
            self.high.setText(scale.high)
            self.bar.setStyleSheet(f"background: {_gradient(scale.colours)};")


def _gradient(colours: Sequence[str]) -> str:
    stops = ", ".join(f"stop:{place / (len(colours) - 1):.3f} {colour}" for place, colour in enumerate(colours))
    return f"qlineargradient(x1:0, y1:0, x2:1, y2:0, {stops})"

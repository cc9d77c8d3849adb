"""What is to be known of a diffusion series: how the cord moved, and which directions were measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_spinalq.gui.panels.along_theme import Palette
from napari_spinalq.gui.panels.gradient_plot import SYMBOLS, GradientPlot
from napari_spinalq.gui.panels.motion_plot import MotionPlot
from napari_spinalq.gui.panels.parts import GAP, StateLine

SIGNS = {"o": "●", "s": "■", "t": "▼", "d": "◆", "+": "✚"}
"""What stands for each symbol of the plot in words."""


class MotionPage(QWidget):
    """Plot and words on motion.

    Signals
    -------
    volume_chosen : int
        Volume at which the plot was clicked.
    """

    volume_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.plot, self.words, self.legend = MotionPlot(), StateLine(), QLabel()
        self.plot.setToolTip("Click: show that volume of the series, if it is the scan at hand")
        self.plot.volume_chosen.connect(self.volume_chosen)
        _stack(self, self.legend, self.plot, self.words, stretch=1)

    def use_palette(self, palette: Palette) -> None:
        """Take the colours of the window."""
        self.plot.use_palette(palette)
        self.legend.setText(
            f'<span style="color:{palette.edited}">●</span> towards anterior &nbsp; '
            f'<span style="color:{palette.doubtful}">■</span> towards right &nbsp; '
            f'<span style="color:{palette.spike}">✕</span> outlier'
        )

    def show_motion(
        self,
        shifts_mm: NDArray[np.float64],
        displacement_mm: NDArray[np.float64],
        outliers: NDArray[np.bool_],
        said: tuple[str, str],
    ) -> None:
        """Show motion as :meth:`MotionPlot.show_motion` does, and kind and words of what it comes to."""
        self.plot.show_motion(shifts_mm, displacement_mm, outliers)
        self.words.tell(*said)


class GradientsPage(QWidget):
    """Plot and words on directions."""

    def __init__(self) -> None:
        super().__init__()
        self.plot, self.words, self.legend = GradientPlot(), StateLine(), QLabel()
        self.legend.setWordWrap(True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self._titles: tuple[str, ...] = ()
        _stack(self, self.legend, self.plot, self.words, stretch=1)

    def use_palette(self, palette: Palette) -> None:
        """Take the colours of the window."""
        self.plot.use_palette(palette)
        self._show_legend()

    def show_scheme(self, shells: Sequence[tuple[str, NDArray[np.float64]]], said: tuple[str, str]) -> None:
        """Show title and directions on the disc of each shell, and kind and words of what the check found."""
        self._titles = tuple(title for title, _ in shells)
        self.plot.show_shells([points for _, points in shells])
        self._show_legend()
        self.words.tell(*said)

    def _show_legend(self) -> None:
        parts = (
            f'<span style="color:{self.plot.colour_of(number)}">{SIGNS[SYMBOLS[number % len(SYMBOLS)]]}</span> {title}'
            for number, title in enumerate(self._titles)
        )
        self.legend.setText(" &nbsp; ".join(parts))


def _stack(page: QWidget, *widgets: QWidget, stretch: int) -> None:
    """Put widgets below each other; the one at index ``stretch`` takes the room that is left."""
    column = QVBoxLayout(page)
    column.setContentsMargins(0, GAP, 0, 0)
    column.setSpacing(GAP)
    for place, widget in enumerate(widgets):
        column.addWidget(widget, 1 if place == stretch else 0)

"""The foot of the dock: what to do next, how far the work is, and what this is not for."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_spinalq.gui.panels.parts import GAP, StateLine, button, row

NOT_FOR_DIAGNOSIS = "Research use only: not for diagnosis"


class StatusBar(QWidget):
    """One line of words; during long work a bar and a button to cancel. Signal: ``cancel_wanted``."""

    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.line = StateLine()
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(True)
        self.cancel = button("Cancel", "Stop this work (Esc)", self.cancel_wanted.emit)
        self._busy = QWidget()
        self._busy.setLayout(row(self.bar, self.cancel, stretch=0))
        self._busy.setVisible(False)
        footer = QLabel(NOT_FOR_DIAGNOSIS)
        footer.setEnabled(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 2)
        layout.setSpacing(GAP)
        for widget in (self._busy, self.line, footer):
            layout.addWidget(widget)

    @property
    def busy(self) -> bool:
        """Whether the bar of long work is shown."""
        return not self._busy.isHidden()

    def tell(self, kind: str, text: str) -> None:
        """Say ``text`` as ``good``, ``warn``, ``bad`` or ``plain``."""
        self.line.tell(kind, text)

    def start(self, title: str) -> None:
        """Show that long work began."""
        self.cancel.setEnabled(True)
        self.advance(0.0, title)
        self._busy.setVisible(True)

    def advance(self, fraction: float, phrase: str) -> None:
        """Show how far the work is."""
        self.bar.setValue(round(100 * fraction))
        self.tell("plain", phrase)

    def stop(self) -> None:
        """Show that the work ended."""
        self._busy.setVisible(False)

"""Which plane is shown, where it is zoomed to, and which side lies on the left."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QComboBox, QSizePolicy, QWidget

from napari_spinalq.gui.display import Convention, Plane
from napari_spinalq.gui.panels.parts import button, row

_KEYS = {Plane.AXIAL: "F2", Plane.SAGITTAL: "F3", Plane.CORONAL: "F4", Plane.VOLUME: "F5"}
_WORDS = {
    Convention.RADIOLOGICAL: ("R | L", "Radiological: the patient's right is on the left of the screen"),
    Convention.NEUROLOGICAL: ("L | R", "Neurological: the patient's left is on the left of the screen"),
}


class ViewBar(QWidget):
    """Signals: ``plane_wanted`` (Plane), ``cord_wanted`` (close in on the cord), ``convention_wanted``."""

    plane_wanted = Signal(object)
    cord_wanted = Signal()
    convention_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.planes = {plane: self._plane_button(plane) for plane in Plane}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        for widget in self.planes.values():
            self._group.addButton(widget)
        self.cord = button("Cord", "Close in on the cord (F6)", self.cord_wanted.emit)
        self.convention = QComboBox()
        for convention, (words, tip) in _WORDS.items():
            self.convention.addItem(words, convention)
            self.convention.setItemData(self.convention.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.convention.setToolTip("Which side of the patient lies on the left of the screen")
        self.convention.activated.connect(lambda: self.convention_wanted.emit(self.convention.currentData()))
        self.setLayout(row(*self.planes.values(), self.cord, self.convention))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_plane(self, plane: Plane | None) -> None:
        """Show which plane is on display."""
        self._group.setExclusive(False)
        for each, widget in self.planes.items():
            widget.setChecked(each is plane)
        self._group.setExclusive(True)

    def show_convention(self, convention: Convention) -> None:
        """Show the display convention."""
        self.convention.setCurrentIndex(list(Convention).index(convention))

    def _plane_button(self, plane: Plane) -> QWidget:
        made = button(plane.value, f"{plane.value} view ({_KEYS[plane]})", toggles=True)
        made.clicked.connect(lambda: self.plane_wanted.emit(plane))
        return made

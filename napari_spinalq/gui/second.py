"""Keeps the second view in step with the main one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_spinalq.gui import settings
from napari_spinalq.gui.colours import STRUCTURE_COLOURS
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.crossview import CrossView, cross_view, other_plane
from napari_spinalq.gui.desk import desk_of
from napari_spinalq.gui.display import Plane, current_plane, go_to, position
from napari_spinalq.gui.links import Link
from napari_spinalq.gui.measuring import FRAME_MS
from napari_spinalq.gui.panels.second_view import Named, SecondView

if TYPE_CHECKING:
    import napari

NAME = "Second view"


class SecondViewDock(QWidget):
    """The dock of the second view: sagittal beside an axial main view, else axial; a click moves the main view."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.desk = desk_of(viewer)
        self.view = SecondView()
        self.view.pointed.connect(self._go)
        self.view.scrolled.connect(self._scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(self.view)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(FRAME_MS)
        self._later.timeout.connect(self.refresh)
        self.desk.attach(self, self._links())
        self.refresh()

    def refresh(self) -> None:
        """Draw the plane across the one on display, at the point where the main view stands."""
        work, viewer = self.desk.session.current, self.desk.viewer
        if work is None or viewer.dims.ndim < 3:
            self.view.show_view(None, np.zeros(3))
            return
        point = position(viewer)
        self.view.show_view(self._cut(point), point, self._discs())

    def _cut(self, point: np.ndarray) -> CrossView:
        work, viewer = self.desk.session.current, self.desk.viewer
        data = work.image.data
        if data.ndim == 4:
            data = data[min(int(viewer.dims.current_step[0]), len(data) - 1)]
        structure = self.desk.session.structure
        layer = work.layer_of(structure) or work.mask
        colour = STRUCTURE_COLOURS["cord" if layer is work.mask else structure]
        plane, window = other_plane(current_plane(viewer)), tuple(work.image.contrast_limits)
        mask = None if layer is None else layer.data
        return cross_view(data, mask, work.scan.grid, point, plane, settings.convention(), window, colour)

    def _discs(self) -> list[Named]:
        """Return the named discs where they can be seen: beside an axial main view."""
        if other_plane(current_plane(self.desk.viewer)) is Plane.AXIAL:
            return []
        grid = self.desk.session.current.scan.grid
        discs = self.desk.session.labelling.discs
        return [(disc.name, mm_to_world(disc.position_mm, grid)) for disc in discs if grid.contains(disc.position_mm)]

    def _links(self) -> list[Link]:
        desk, viewer = self.desk, self.desk.viewer
        signals = (
            desk.session.scan_changed,
            desk.session.mask_changed,
            desk.session.discs_changed,
            desk.session.structure_changed,
            desk.measurer.rows_changed,
            viewer.dims.events.current_step,
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
            viewer.scene.camera.events.orientation,
        )
        return [(signal, self._refresh_later) for signal in signals]

    def _refresh_later(self) -> None:
        """Draw once for all that happens within a frame."""
        if not self._later.isActive():
            self._later.start()

    def _go(self, world: np.ndarray) -> None:
        go_to(self.desk.viewer, world)

    def _scroll(self, steps: int) -> None:
        dims = self.desk.viewer.dims
        axis = dims.not_displayed[-1] if dims.not_displayed else 0
        dims.set_current_step(axis, dims.current_step[axis] + steps)

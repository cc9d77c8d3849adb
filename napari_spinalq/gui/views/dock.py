"""The dock of the views: linked panes beside napari's canvas, in step with it and with the brush."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QGridLayout, QVBoxLayout, QWidget

from napari_spinalq.gui import settings
from napari_spinalq.gui.convert import mm_to_world, world_to_mm
from napari_spinalq.gui.desk import desk_of
from napari_spinalq.gui.display import Plane, current_plane, position, stand_at
from napari_spinalq.gui.layers import is_guess
from napari_spinalq.gui.links import Link
from napari_spinalq.gui.measuring import FRAME_MS
from napari_spinalq.gui.panels.plane_pane import PlanePane
from napari_spinalq.gui.panels.views_bar import ViewsBar
from napari_spinalq.gui.panels.volume_pane import Scene, VolumePane
from napari_spinalq.gui.views.arrangement import BESIDE, COLUMN, OTHER, PLANES, Places, arrangement, asked_width
from napari_spinalq.gui.views.comparing import Mode
from napari_spinalq.gui.views.control import ViewsControl
from napari_spinalq.gui.views.crossview import ACROSS
from napari_spinalq.gui.views.lens import Lens
from napari_spinalq.gui.views.pictures import Pictures

if TYPE_CHECKING:
    import napari

NAME = "Views"
HEIGHT = 560
"""Pixels that the dock asks for; it takes what it is given."""


class ViewsDock(QWidget):
    """Panes with the planes and the 3-D view. A click or drag in one moves the crosshair in all."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.desk = desk_of(viewer)
        self.bar = ViewsBar()
        self.panes = {plane: PlanePane() for plane in PLANES}
        self.others = {plane: PlanePane() for plane in BESIDE}
        self.volume = VolumePane()
        self.layout_key = settings.layout(COLUMN)
        self._pictures = Pictures(self.desk)
        self._grid = QGridLayout()
        self._places: Places = {}
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(FRAME_MS)
        self._later.timeout.connect(self.refresh)
        self._fit = QTimer(self)  # the window gives docks their width once it knows their contents
        self._fit.setSingleShot(True)
        self._fit.timeout.connect(self._ask_for_width)
        self._build()
        self._connect_panes()
        self._control = ViewsControl(self.bar, self.desk, self)
        self.bar.layout_wanted.connect(self.use_layout)
        self.desk.attach(self, [*self._links(), *self._control.links()])
        self.refresh()

    def sizeHint(self) -> QSize:
        """Return the size that the layout asks for."""
        return QSize(asked_width(self.layout_key, self.desk.window.width(), side=self._side()), HEIGHT)

    def showEvent(self, event: object) -> None:
        """Ask for room when the dock is opened, and catch up on what happened meanwhile."""
        self._fit.start()
        self._refresh_later()

    def refresh(self) -> None:
        """Draw all panes that are shown, where the crosshair stands."""
        self._arrange()
        lenses, viewer = self.desk.lenses, self.desk.viewer
        point = position(viewer) if viewer.dims.ndim >= 3 else np.zeros(3)
        for plane in self._shown(self.panes):
            pane = self.panes[plane]
            lenses.keep_in_view(plane, pane, point)
            pane.windowing = self.desk.windower.windowing
            pane.show_content(self._pictures.content(plane, lenses.of(plane)))
        for plane in self._shown(self.others, OTHER):
            lens = self.panes[plane].lens() if self.panes[plane].view is not None else Lens()
            self.others[plane].show_content(self._pictures.other_content(plane, lens))
        if self.desk.surfaces.wanted:
            self.volume.show_scene(self._scene())
        self._control.show_state(self.layout_key)

    def use_layout(self, key: str) -> None:
        """Show one pane, three in a column, or two by two; it is remembered."""
        self.layout_key = key
        settings.remember_layout(key)
        self.refresh()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 6, 2, 2)
        layout.setSpacing(2)
        layout.addWidget(self.bar)
        self._grid.setSpacing(2)
        layout.addLayout(self._grid, 1)
        for pane in self._all().values():
            pane.setParent(self)
            pane.hide()

    def _all(self) -> dict[str, QWidget]:
        own: dict[str, QWidget] = {str(plane): pane for plane, pane in self.panes.items()}
        other = {f"{OTHER}{plane}": pane for plane, pane in self.others.items()}
        return own | other | {str(Plane.VOLUME): self.volume}

    def _side(self) -> bool:
        return self.desk.comparer.other is not None and self.desk.comparer.mode is Mode.SIDE

    def _arrange(self) -> None:
        """Put the panes of the layout in their places."""
        places = arrangement(self.layout_key, current_plane(self.desk.viewer), side=self._side())
        if places == self._places:
            return
        panes, other_size = self._all(), len(places) != len(self._places)
        for key in self._places:
            self._grid.removeWidget(panes[key])
            panes[key].setVisible(key in places)
        for key, (line, column) in places.items():
            self._grid.addWidget(panes[key], line, column)
            panes[key].show()
        for line in range(3):
            self._grid.setRowStretch(line, int(any(place[0] == line for place in places.values())))
        for column in range(2):
            self._grid.setColumnStretch(column, int(any(place[1] == column for place in places.values())))
        self._places = places
        self.desk.surfaces.want(str(Plane.VOLUME) in places)
        if other_size:
            self._fit.start()

    def _ask_for_width(self) -> None:
        """Give the dock the width that the layout asks for; the user may change it afterwards."""
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget) and not dock.isFloating():
            self.desk.window.resizeDocks([dock], [self.sizeHint().width()], Qt.Orientation.Horizontal)

    def _shown(self, panes: dict[Plane, PlanePane], way: str = "") -> list[Plane]:
        return [plane for plane in panes if f"{way}{plane}" in self._places]

    def _scene(self) -> Scene:
        work = self.desk.session.current
        if work is None:
            return Scene()
        discs = self.desk.session.labelling.discs
        names = [(disc.name, np.array(disc.position_mm), is_guess(disc)) for disc in discs]
        point = world_to_mm(position(self.desk.viewer), work.scan.grid) if self.desk.crosshair.shown else None
        return Scene(self.desk.surfaces.parts(), point, names)

    def _connect_panes(self) -> None:
        desk = self.desk
        for plane, pane in self.panes.items():
            pane.pointed.connect(partial(stand_at, desk.viewer))
            pane.scrolled.connect(partial(self._scroll, plane))
            pane.zoomed.connect(partial(desk.lenses.zoom, plane, pane))
            pane.panned.connect(partial(desk.lenses.pan, plane, pane))
            pane.opened.connect(partial(desk.show_plane, plane))
        for plane, pane in self.others.items():
            pane.pointed.connect(self._point_from_other)
            pane.scrolled.connect(partial(self._scroll, plane))
            pane.zoomed.connect(partial(self._zoom_from_other, plane))
            pane.panned.connect(partial(self._pan_from_other, plane))
        for pane in self.panes.values():
            pane.window_began.connect(desk.windower.begin)
            pane.window_dragged.connect(desk.windower.drag)
            pane.window_reset.connect(desk.windower.reset)
            pane.curtain_moved.connect(desk.comparer.move_curtain)
            pane.resized.connect(self._refresh_later)
        self.volume.pointed.connect(self._point_from_volume)
        self.volume.opened.connect(partial(desk.show_plane, Plane.VOLUME))

    def _links(self) -> list[Link]:
        desk, viewer = self.desk, self.desk.viewer
        camera = viewer.scene.camera.events
        signals = (
            desk.session.scan_changed,
            desk.session.mask_changed,
            desk.session.discs_changed,
            desk.measurer.rows_changed,
            desk.looks.changed,
            desk.lenses.changed,
            desk.windower.changed,
            desk.windower.windowing_changed,
            desk.crosshair.shown_changed,
            desk.comparer.changed,
            desk.surfaces.changed,
            desk.workbench.changed,
            viewer.dims.events.current_step,
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
            camera.orientation,
        )
        return [(signal, self._refresh_later) for signal in signals]

    def _refresh_later(self) -> None:
        """Draw once for all that happens within a frame, and nothing while nobody sees it."""
        if self.isVisible() and not self._later.isActive():
            self._later.start()

    def _scroll(self, plane: Plane, steps: int) -> None:
        dims = self.desk.viewer.dims
        axis = dims.ndim - 3 + ACROSS[plane]
        dims.set_current_step(axis, dims.current_step[axis] + steps)

    def _point_from_other(self, world: np.ndarray) -> None:
        """Go to the place at hand that corresponds to one of the other scan."""
        comparer, work = self.desk.comparer, self.desk.session.current
        if comparer.other is None or work is None:
            return
        here = world
        if comparer.other.image is not None:
            here = comparer.other.place_here(world, work.scan.grid, comparer.course())
        stand_at(self.desk.viewer, here)

    def _zoom_from_other(self, plane: Plane, factor: float, anchor: np.ndarray) -> None:
        pane = self.panes[plane]
        shift = anchor - self.others[plane].lens().centre
        self.desk.lenses.zoom(plane, pane, factor, pane.lens().centre + shift)

    def _pan_from_other(self, plane: Plane, shift: np.ndarray) -> None:
        self.desk.lenses.pan(plane, self.panes[plane], shift)

    def _point_from_volume(self, point_mm: np.ndarray) -> None:
        work = self.desk.session.current
        if work is not None:
            stand_at(self.desk.viewer, mm_to_world(point_mm, work.scan.grid))

"""The lens of every plane: each on its own, or all of them and the main view as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_spinalq.gui.display import CORD_VIEW_MM, Plane, position
from napari_spinalq.gui.views.crossview import AXES_OF
from napari_spinalq.gui.views.lens import Lens

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_spinalq.gui.panels.plane_pane import PlanePane


class Lenses:
    """Keeps how far the panes are zoomed. ``changed`` is told when any of them is.

    While linked, all panes share mm per pixel and centre, and napari's canvas follows and leads like one of them.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._lenses: dict[Plane, Lens] = {}
        self._shared: Lens | None = None
        self._busy = False

    @property
    def linked(self) -> bool:
        """Whether all views share one lens."""
        return self._shared is not None

    def of(self, plane: Plane) -> Lens:
        """Return the lens of a plane: until someone zooms, an axial one closes in on the cord, others show all."""
        if self._shared is not None:
            return self._shared
        return self._lenses.get(plane) or self._own(plane)

    def forget(self) -> None:
        """Show each plane as if nobody had zoomed: another scan is at hand."""
        self._lenses.clear()
        if self.linked:
            self.link(True)
        self.changed.emit()

    def link(self, wanted: bool) -> None:
        """Let all views share the magnification of the main view, about the crosshair; or each have its own again."""
        self._lenses.clear()
        self._shared = None
        if wanted:
            self._shared = Lens(position(self._viewer), 1.0 / self._viewer.scene.camera.zoom)
        self.changed.emit()

    def zoom(self, plane: Plane, pane: PlanePane, factor: float, anchor: NDArray[np.float64]) -> None:
        """Magnify a pane about a world point."""
        self._set(plane, self._chosen(plane, pane).zoomed(factor, anchor))

    def pan(self, plane: Plane, pane: PlanePane, shift: NDArray[np.float64]) -> None:
        """Move the centre of a pane by world mm."""
        self._set(plane, self._chosen(plane, pane).moved(shift))

    def keep_in_view(self, plane: Plane, pane: PlanePane, point: NDArray[np.float64]) -> bool:
        """Centre a pane on the crosshair if that has left it; tell whether it moved."""
        if pane.view is None or pane.dragging or pane.view.axes != AXES_OF[plane]:
            return False
        if pane.rect().contains(pane.spot(point).toPoint()):
            return False
        lens = self.of(plane)
        if lens.centre is None and lens.mm_per_pixel is None:
            return False
        moved = Lens(np.array(point), lens.mm_per_pixel, lens.field_mm)
        if self._shared is not None:
            self._shared = moved
        else:
            self._lenses[plane] = moved
        return True

    def follow_camera(self) -> None:
        """Take the magnification and centre of napari's canvas over, while linked."""
        viewer = self._viewer
        if self._shared is None or self._busy or viewer.dims.ndisplay != 2 or viewer.dims.ndim < 3:
            return
        centre = np.array(self._shared.centre)
        centre[[axis - (viewer.dims.ndim - 3) for axis in viewer.dims.displayed]] = viewer.scene.camera.center[-2:]
        self._shared = Lens(centre, 1.0 / viewer.scene.camera.zoom)
        self.changed.emit()

    def _chosen(self, plane: Plane, pane: PlanePane) -> Lens:
        """Return the lens of a plane with centre and magnification; a pane may lag behind by a frame."""
        lens = self.of(plane)
        return pane.lens() if lens.centre is None or lens.mm_per_pixel is None else lens

    def _own(self, plane: Plane) -> Lens:
        if plane is not Plane.AXIAL:
            return Lens()
        lens = Lens(position(self._viewer), field_mm=CORD_VIEW_MM)
        self._lenses[plane] = lens
        return lens

    def _set(self, plane: Plane, lens: Lens) -> None:
        if self._shared is None:
            self._lenses[plane] = lens
        else:
            self._shared = lens
            self._lead_camera(lens)
        self.changed.emit()

    def _lead_camera(self, lens: Lens) -> None:
        viewer = self._viewer
        if viewer.dims.ndisplay != 2:
            return
        self._busy = True
        try:
            shown = [axis - (viewer.dims.ndim - 3) for axis in viewer.dims.displayed]
            viewer.scene.camera.center = (0.0, *(float(value) for value in lens.centre[shown]))
            viewer.scene.camera.zoom = 1.0 / lens.mm_per_pixel
        finally:
            self._busy = False

"""The crosshair on napari's canvas: two thin lines where the slices cross, and the mouse that moves them."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from vispy.scene.visuals import Line

from napari_spinalq.gui.display import position, stand_at
from napari_spinalq.gui.picking import CLICK_PIXELS, Picker

if TYPE_CHECKING:
    from napari import Viewer

COLOUR = (0.94, 0.89, 0.26, 0.6)
"""Okabe-Ito yellow, as the letters; see-through, so that what lies under a line can still be judged."""

GAP_PIXELS = 12.0
"""Pixels around the centre that stay free: the lines must not hide what they point at."""

REACH_MM = 1000.0
"""The lines end this far (mm) from the centre: beyond any scan."""

ON_TOP = 10**6


class Crosshair:
    """Draws the crosshair and lets a plain click on the canvas move it.

    It is a drawing of the scene, not a layer: it cannot be selected, painted on or saved. ``shown_changed`` carries
    whether it is shown.
    """

    shown_changed = Signal(bool)

    def __init__(self, viewer: Viewer, picker: Picker) -> None:
        self._viewer, self._picker = viewer, picker
        self._shown = True
        # napari has no crosshair and no public way to draw one on its canvas; the scene is vispy's.
        scene = viewer.window._qt_viewer.canvas.view.scene
        self._lines = Line(
            pos=np.zeros((2, 3), np.float32), color=COLOUR, connect="segments", method="gl", parent=scene
        )
        self._lines.order = ON_TOP
        self._lines.set_gl_state("translucent", depth_test=False)
        viewer.mouse_drag_callbacks.append(self._mouse)
        for emitter in self._emitters():
            emitter.connect(self._update)
        self._update()

    @property
    def shown(self) -> bool:
        """Whether the crosshair is switched on, here and on the panes."""
        return self._shown

    def toggle(self) -> None:
        """Show the crosshair or hide it, in all views."""
        self._shown = not self._shown
        self._update()
        self.shown_changed.emit(self._shown)

    def stop(self) -> None:
        """Draw no more: the window closes."""
        for emitter in self._emitters():
            emitter.disconnect(self._update)
        self._lines.parent = None

    def segments(self) -> np.ndarray:
        """Return the ends of the lines, shape (n, 3): displayed world (z, y, x) of the displayed axes, 0 elsewhere."""
        dims = self._viewer.dims
        point, gap = position(self._viewer), GAP_PIXELS / self._viewer.scene.camera.zoom
        shown = [axis - (dims.ndim - 3) for axis in dims.displayed]
        centre = np.zeros(3)
        centre[3 - len(shown) :] = point[shown]
        ends = []
        for axis in range(3 - len(shown), 3):
            for begin, end in ((-REACH_MM, -gap), (gap, REACH_MM)):
                for away in (begin, end):
                    ends.append(centre + away * np.eye(3)[axis])
        return np.array(ends)

    def _emitters(self) -> tuple[Any, ...]:
        dims, camera, layers = self._viewer.dims.events, self._viewer.scene.camera.events, self._viewer.layers.events
        return dims.current_step, dims.order, dims.ndisplay, dims.ndim, camera.zoom, layers.inserted, layers.removed

    def _update(self, event: Any = None) -> None:
        self._lines.visible = self._shown and self._viewer.dims.ndim >= 3 and len(self._viewer.layers) > 0
        if self._lines.visible:
            self._lines.set_data(pos=self.segments()[:, ::-1].astype(np.float32))  # vispy counts x, y, z

    def _mouse(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Move the crosshair on a click that no tool takes."""
        start, free = np.asarray(event.pos, dtype=float), self._free()
        yield
        while event.type == "mouse_move":
            yield
        moved = np.linalg.norm(np.asarray(event.pos, dtype=float) - start)
        if free and moved <= CLICK_PIXELS and self._viewer.dims.ndim >= 3:
            stand_at(self._viewer, np.asarray(event.position, dtype=float)[-3:])

    def _free(self) -> bool:
        active = self._viewer.layers.selection.active
        resting = active is None or str(active.mode) == "pan_zoom"
        return resting and not self._picker.waiting and self._viewer.dims.ndisplay == 2

"""A ring around the pointer for brushes so small that napari would show a cross instead of its circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.components.overlays import BrushCircleOverlay

if TYPE_CHECKING:
    from napari.components import ViewerModel

NAPARI_FROM_PIXELS = 8
"""Napari draws the circle of a brush from this diameter on (screen pixels)."""

KEY = "spinalq_brush"


class BrushRing:
    """Shows the true size of a small brush at the zoom of the moment."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer, self._diameter_mm = viewer, 0.0
        self.overlay = BrushCircleOverlay(visible=False)
        viewer.canvas.overlays[KEY] = self.overlay
        viewer.scene.camera.events.zoom.connect(self._update)

    def show(self, diameter_mm: float) -> None:
        """Show a brush of this size (mm); 0 for none."""
        self._diameter_mm = diameter_mm
        self._update()

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._viewer.scene.camera.events.zoom.disconnect(self._update)

    def _update(self) -> None:
        pixels = round(self._diameter_mm * self._viewer.scene.camera.zoom)
        self.overlay.visible = 0 < pixels < NAPARI_FROM_PIXELS
        if pixels > 0:
            self.overlay.size = max(2, pixels)

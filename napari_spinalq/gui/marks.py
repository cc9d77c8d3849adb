"""The letters R, L, A, P, S and I on the edges of the canvas: always true to what is displayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.components._viewer_constants import CanvasPosition
from napari.components.overlays import TextOverlay

from napari_spinalq.gui.convert import layer_grid
from napari_spinalq.gui.display import edge_letters

if TYPE_CHECKING:
    from napari.components import ViewerModel

FONT_SIZE = 15
BOX = (0.0, 0.0, 0.0, 0.55)
INK = (0.94, 0.89, 0.26, 1.0)
"""Okabe-Ito yellow: legible on grey values and apart from the colours of masks for every kind of colour vision."""

_EDGES = {
    "left": CanvasPosition.MIDDLE_LEFT,
    "right": CanvasPosition.MIDDLE_RIGHT,
    "top": CanvasPosition.TOP_CENTER,
    "bottom": CanvasPosition.BOTTOM_CENTER,
}


class OrientationMarks:
    """Keeps one letter on each edge of a viewer's canvas, for as long as one of our layers is open.

    The letters are read off the displayed axes and the camera, never off the button that was pressed.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._overlays = {edge: _overlay(position) for edge, position in _EDGES.items()}
        for edge, overlay in self._overlays.items():
            viewer.canvas.overlays[f"spinalq_{edge}"] = overlay
        for emitter in (
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
            viewer.dims.events.ndim,
            viewer.scene.camera.events.orientation,
            viewer.layers.events.inserted,
            viewer.layers.events.removed,
        ):
            emitter.connect(self._update)
        self._update()

    def letters(self) -> dict[str, str]:
        """Return the letters that are visible now, by edge."""
        return {edge: overlay.text for edge, overlay in self._overlays.items() if overlay.visible}

    def _update(self) -> None:
        ours = any(layer_grid(layer) is not None for layer in self._viewer.layers)
        letters = edge_letters(self._viewer) if ours else {}
        for edge, overlay in self._overlays.items():
            overlay.text = letters.get(edge, "")
            overlay.visible = edge in letters


def _overlay(position: CanvasPosition) -> TextOverlay:
    return TextOverlay(position=position, font_size=FONT_SIZE, color=INK, box=True, box_color=BOX)

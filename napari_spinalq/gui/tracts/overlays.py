"""Maps, directions and outlines of tracts as layers over the scan at hand. They are shown, never edited or saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Layer, Shapes
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.gui.convert import AXES
from napari_spinalq.gui.layers import remove
from napari_spinalq.gui.panels.colour_bar import Scale
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.tracts.colours import HALO, HALO_WIDTH, OUTLINE_MM, OUTLINED_MM, colour_of, contoured
from napari_spinalq.gui.tracts.rows import digits_of, unit_of
from napari_spinalq.gui.tracts.shown import ShownMaps
from napari_spinalq.results import MapsResult, QuantityMap
from napari_spinalq.views.window import AUTO, CSF, presets

if TYPE_CHECKING:
    from napari.components import ViewerModel

IMAGE, DIRECTIONS, CONTOURS = "image", "directions", "contours"
OUTLINED = "outlined"

MAP_OPACITY = 0.6
COLOURMAP = "viridis"
"""Perceptually uniform, and told apart with every kind of colour vision."""

FA_LIMITS = (0.0, 1.0)
SCALE_STOPS = 9
"""Colours of the bar of a map, evenly spaced: what lies between them cannot be told from a straight line."""

LIMITS_PERCENTILES = (2.0, 98.0)
"""Of a map within the cord: without the rim, whose voxels are shared with the CSF."""


class Overlays:
    """Keeps the layers of the maps at hand.

    ``changed`` tells that one came, went or is coloured otherwise; ``outline_removed`` that the user took the outline
    of a tract out of the list of layers.
    """

    changed = Signal()
    outline_removed = Signal()

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session
        self._shown: ShownMaps | None = None
        self._layers: dict[str, Layer] = {}
        self._wanted: set[str] = {CONTOURS}
        self._structure: str | None = None
        self._everything = False
        self._opacity = MAP_OPACITY
        self._busy = False
        viewer.layers.events.removed.connect(self._removed)

    @property
    def drawn(self) -> tuple[str, ...]:
        """Keys of what is on the image."""
        return tuple(self._layers)

    @property
    def opacity(self) -> float:
        """Of maps and directions, 0..1."""
        return self._opacity

    def offered(self) -> Mapping[str, str]:
        """Return what can be drawn: key and title."""
        if self._shown is None:
            return {}
        result = self._shown.result
        titles = {CONTOURS: "Contours"} if self._shown.outlines else {}
        titles[IMAGE] = "DWI" if result.series is not None else "Image"
        titles |= {one.name: one.title for one in result.maps}
        return titles | ({DIRECTIONS: "Directions"} if result.series is not None else {})

    def layer(self, key: str) -> Layer | None:
        """Return the layer of something that is drawn."""
        return self._layers.get(key)

    def scale(self) -> Scale | None:
        """Return what the colours of the topmost map mean; None while none is drawn."""
        drawn = [] if self._shown is None else [one for one in self._shown.result.maps if one.name in self._layers]
        if not drawn:
            return None
        top = max(drawn, key=lambda one: self._viewer.layers.index(self._layers[one.name]))
        layer = self._layers[top.name]
        low, high = layer.contrast_limits
        digits, unit = digits_of(top.name, high), unit_of(top.unit)
        colours = tuple(_hex(colour) for colour in layer.colormap.map(np.linspace(0.0, 1.0, SCALE_STOPS)))
        return Scale(f"{top.title} {low:.{digits}f}", f"{high:.{digits}f} {unit}".strip(), colours)

    def show_maps(self, shown: ShownMaps | None) -> None:
        """Draw another acquisition, or the same in another frame: what was ticked stays ticked."""
        if shown is self._shown:
            return
        self._clear()
        self._shown = shown
        self._draw()

    def toggle(self, key: str, on: bool) -> None:
        """Draw something, or no longer."""
        (self._wanted.add if on else self._wanted.discard)(key)
        self._draw()

    def toggle_contours(self) -> None:
        """Draw the contours of tracts, or no longer."""
        self.toggle(CONTOURS, CONTOURS not in self._layers)

    def show_everything(self, on: bool) -> None:
        """Draw the contours of all tracts, or of the main ones."""
        if on != self._everything:
            self._everything = on
            self._drop(CONTOURS)
            self._draw()

    def outline(self, structure: str | None) -> None:
        """Draw one structure with a thick line; None: none."""
        if structure != self._structure:
            self._structure = structure
            self._drop(OUTLINED)
            self._draw()

    def set_opacity(self, opacity: float) -> None:
        """See more or less of the image through maps."""
        self._opacity = opacity
        for key, layer in self._layers.items():
            if key not in (IMAGE, CONTOURS, OUTLINED):
                layer.opacity = opacity

    def contoured(self) -> tuple[str, ...]:
        """Return the structures whose contours are drawn."""
        if self._shown is None or self._shown.result.tracts is None:
            return ()
        return contoured(self._shown.result.tracts, everything=self._everything)

    def stop(self) -> None:
        """Listen to the layers no more: the window closes."""
        self._viewer.layers.events.removed.disconnect(self._removed)

    def _draw(self) -> None:
        """Bring the layers in line with what is wanted."""
        wanted = [key for key in self.offered() if key in self._wanted]
        if self._structure is not None and self._shown is not None and self._structure in self._shown.outlines:
            wanted.append(OUTLINED)
        for key in [key for key in self._layers if key not in wanted]:
            self._drop(key)
        active = self._viewer.layers.selection.active
        for key in wanted:
            if key not in self._layers:
                self._insert(key, self._make(key))
        if active is not None and active in self._viewer.layers:  # whoever paints goes on painting on the mask
            self._viewer.layers.selection.active = active
        self.changed.emit()

    def _make(self, key: str) -> Layer:
        result = self._shown.result
        if key == CONTOURS:
            return self._lines(self.contoured(), OUTLINE_MM, f"{result.name} tracts")
        if key == OUTLINED:
            return self._lines((self._structure,), OUTLINED_MM, f"{result.name} outlined tract")
        if key == IMAGE:
            image = self._shown.array(result.scan.data)
            return Image(image, name=f"{result.name} image", contrast_limits=_window(result), **self._place())
        if key == DIRECTIONS:
            return self._directions()
        return self._map(next(one for one in result.maps if one.name == key))

    def _map(self, one: QuantityMap) -> Image:
        result = self._shown.result
        inside = one.data[(result.mask > 0) & np.isfinite(one.data)]
        limits = FA_LIMITS if one.name == "fa" else _limits(inside)
        layer = Image(
            self._shown.array(one.data),
            name=f"{result.name} {one.title}" + (f" ({unit_of(one.unit)})" if one.unit else ""),
            colormap=COLOURMAP,
            contrast_limits=limits,
            opacity=self._opacity,
            **self._place(),
        )
        for restyled in (layer.events.contrast_limits, layer.events.colormap):
            restyled.connect(lambda: self.changed.emit())
        return layer

    def _directions(self) -> Image:
        # Imported here: the module of the tensor brings dipy along, which is not needed to open a window.
        from napari_spinalq.diffusion.tensor import direction_colours

        colours = self._shown.array(direction_colours(self._shown.result.series.fit)) / np.float32(255)
        # Their length is FA. Where it is low the image shines through; on black this is the colour map as published.
        fa = np.linalg.norm(colours, axis=-1, keepdims=True)
        full = np.divide(colours, fa, out=np.zeros_like(colours), where=fa > 0)
        seen = np.concatenate([full, np.minimum(fa, 1.0)], axis=-1)
        name = f"{self._shown.result.name} directions: red right-left, green front-back, blue along the body"
        return Image(seen.astype(np.float32), rgb=True, name=name, opacity=self._opacity, **self._place())

    def _lines(self, structures: tuple[str, ...], width_mm: float, name: str) -> Shapes:
        lines = [(line, colour_of(key)) for key in structures for line in self._shown.outlines.get(key, ())]
        width = width_mm / float(self._shown.grid.spacing[2])  # shapes count their widths in voxels
        layer = Shapes(
            [line for line, _ in (*lines, *lines)],
            ndim=3,
            shape_type="path",
            edge_color=[HALO] * len(lines) + [colour for _, colour in lines] or HALO,
            face_color="transparent",
            edge_width=[HALO_WIDTH * width] * len(lines) + [width] * len(lines) or width,
            name=name,
            **self._place(),
        )
        layer.editable = False
        return layer

    def _place(self) -> dict[str, Any]:
        scale, translate = self._shown.placement
        return {"scale": scale, "translate": translate, "units": ("mm",) * 3, "axis_labels": AXES}

    def _insert(self, key: str, layer: Layer) -> None:
        """Put images just above the scan, below its masks; lines lie on top of all, the outlined tract on these."""
        work = self._session.current
        layers = self._viewer.layers
        place = len(layers)
        if key not in (CONTOURS, OUTLINED) and work is not None and work.image in layers:
            below = [work.image, *(own for name, own in self._layers.items() if name not in (CONTOURS, OUTLINED))]
            below = below[:1] if key == IMAGE else below
            place = 1 + max(layers.index(one) for one in below if one in layers)
        elif key == CONTOURS and self._layers.get(OUTLINED) in layers:
            place = layers.index(self._layers[OUTLINED])
        self._busy = True
        try:
            layers.insert(place, layer)
        finally:
            self._busy = False
        self._layers[key] = layer

    def _clear(self) -> None:
        for key in list(self._layers):
            self._drop(key)

    def _drop(self, key: str) -> None:
        layer = self._layers.pop(key, None)
        self._busy = True
        try:
            remove(self._viewer, layer)
        finally:
            self._busy = False

    def _removed(self, event: Any) -> None:
        """Note that the user took one of these layers away."""
        for key in [key for key, layer in self._layers.items() if layer is event.value]:
            if not self._busy:
                del self._layers[key]
                self._wanted.discard(key)
                if key == OUTLINED:
                    self._structure = None
                    self.outline_removed.emit()
                self.changed.emit()


def _window(result: MapsResult) -> tuple[float, float]:
    """Return the values shown black and white: those around the cord, on the whole of a neck it would be all white."""
    found = presets(np.nan_to_num(result.scan.data), result.scan.grid, result.mask)
    window = found.get(CSF, found[AUTO])
    return window.low, window.high


def _hex(colour: NDArray) -> str:
    """Return a colour (red, green, blue, and opacity, which is left out) as ``"#RRGGBB"``."""
    return "#" + "".join(f"{round(255 * float(part)):02X}" for part in colour[:3])


def _limits(values: NDArray) -> tuple[float, float]:
    """Return the values that are shown darkest and brightest."""
    if not len(values):
        return 0.0, 1.0
    low, high = np.percentile(values, LIMITS_PERCENTILES)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)

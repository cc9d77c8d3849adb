"""The brush under the mouse: it takes the place of napari's own on every mask, whichever button took it up."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod, WeakSet

import numpy as np
from napari.layers import Labels
from napari.layers.labels._labels_mouse_bindings import draw
from numpy.typing import NDArray

from napari_spinalq.editing.brush import Brush
from napari_spinalq.editing.planes import Planes
from napari_spinalq.editing.region import flooded, polygon
from napari_spinalq.errors import InputError
from napari_spinalq.gui.drawing.brush import WITHIN, BrushSettings
from napari_spinalq.gui.drawing.edits import MaskEditor
from napari_spinalq.gui.drawing.stroke import Stroke
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork

if TYPE_CHECKING:
    from napari.components import ViewerModel

LEFT, RIGHT = 1, 2
DRAWING_MODES = ("paint", "erase", "fill")
"""Modes of a labels layer in which napari's own mouse callback draws, and ours does instead."""

FLAT_ONLY = "Painting works in the axial, sagittal and coronal planes, not in 3-D."
NOT_INSIDE = "Everything there lies outside of the {name}: nothing was painted (Shift+P lets you paint everywhere)."
HIDDEN = "The masks are hidden: press H to show them, then paint."


class Painter:
    """Listens to the mouse on the masks of the scan at hand.

    Napari's modes stay what they are (its buttons, keys, cursor and Space to pan keep working); only what a press does
    is replaced, so that there is one brush, with its size in mm.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        edits: MaskEditor,
        settings: Callable[[], BrushSettings],
        refuse: Callable[[str], None],
    ) -> None:
        self._viewer, self._session, self._edits = viewer, session, edits
        self._settings, self._refuse = settings, refuse
        self._hooked: WeakSet[Labels] = WeakSet()
        self._stroke: tuple[Stroke, Labels] | None = None
        self._hooks = {name: _held(getattr(self, f"_{name}")) for name in ("drag", "dab")}
        session.mask_changed.connect(self._hook_masks)
        session.mask_changed.connect(self._break_off)
        session.scan_changed.connect(self._break_off)

    def stop(self) -> None:
        """Let go of the masks: the window closes."""
        self._break_off()
        self._session.mask_changed.disconnect(self._hook_masks)
        self._session.mask_changed.disconnect(self._break_off)
        self._session.scan_changed.disconnect(self._break_off)
        for layer in self._hooked:
            layer.events.mode.disconnect(self._follow_mode)
            _swap(layer.mouse_drag_callbacks, (self._hooks["drag"],), None)
        self._hooked.clear()

    def _hook_masks(self) -> None:
        work = self._session.current
        for layer in work.masks().values() if work else ():
            if layer not in self._hooked:
                self._hooked.add(layer)
                layer.events.mode.connect(self._follow_mode)
                layer.mouse_double_click_callbacks.append(self._hooks["dab"])
                # napari's polygon, once closed, asks its layer to paint it: there our own takes over
                layer.paint_polygon = partial(_held(self._paint_polygon), layer)  # type: ignore[method-assign]

    def _follow_mode(self, event: Any) -> None:
        """Put our mouse callback in the place of the one that napari just hung up, or take it away."""
        layer = event.source
        ours = self._hooks["drag"] if str(layer.mode) in DRAWING_MODES else None
        _swap(layer.mouse_drag_callbacks, (draw, self._hooks["drag"]), ours)
        stroke = layer._overlays.get(
            "brush_stroke"
        )  # in paint mode it makes the right button, which erases here, its own
        if stroke is not None:
            stroke.enabled = False

    def _drag(self, layer: Labels, event: Any) -> Generator[None, None, None]:
        """Paint from press to release."""
        if event.button not in (LEFT, RIGHT):
            return
        stroke = self._begin(layer, event)
        if stroke is None:
            return
        self._stroke = own = (stroke, layer)
        self._sweep(stroke, layer, event)
        yield
        while event.type == "mouse_move" and self._stroke is own:
            self._sweep(stroke, layer, event)
            event.handled = True  # the camera would zoom with the right button
            yield
        if self._stroke is own:
            self._sweep(stroke, layer, event)
            self._break_off()

    def _break_off(self) -> None:
        """End the stroke that goes on: by the hand, or as its mask is taken away, whose mouse then tells no release."""
        own, self._stroke = self._stroke, None
        if own is not None:
            self._end(*own)

    def _sweep(self, stroke: Stroke, layer: Labels, event: Any) -> None:
        try:
            stroke.to(_voxel(layer, event))
        except InputError as error:
            self._refuse(str(error))

    def _dab(self, layer: Labels, event: Any) -> None:
        """Paint a dab: Qt tells the second of two quick presses as a double click only."""
        if str(layer.mode) not in DRAWING_MODES:
            return
        stroke = self._begin(layer, event)
        if stroke is not None:
            self._sweep(stroke, layer, event)
            self._end(stroke, layer)

    def _end(self, stroke: Stroke, layer: Labels) -> None:
        stroke.end()
        found = self._mask_of(layer)
        if found is not None and stroke.all_outside and stroke.adds:
            self._refuse(NOT_INSIDE.format(name=WITHIN[found[1]]))

    def _begin(self, layer: Labels, event: Any) -> Stroke | None:
        """Return a stroke that begins with this press; None if it was a fill, or nothing can be painted."""
        found, settings = self._mask_of(layer), self._settings()
        if found is None or self._session.held_back():
            return None
        work, structure = found
        across = self._across()
        if across is None or not layer.visible:
            self._refuse(FLAT_ONLY if across is None else HIDDEN)
            return None
        value = self._value(layer, event)
        if str(layer.mode) == "fill":
            self._fill(work, structure, _voxel(layer, event), value, across)
            return None
        image = _volume(work, self._viewer) if settings.edge_aware else None
        brush = Brush(settings.diameter_mm, settings.ball, value, settings.edge_aware)
        return Stroke(
            self._edits, work, structure, brush, across=across, image=image, within=self._within(work, structure)
        )

    def _fill(self, work: ScanWork, structure: str, voxel: NDArray, value: int, across: int) -> None:
        """Fill the region of one value that was clicked on, in the displayed plane."""
        mask = work.layer_of(structure).data

        def planes() -> Planes:
            return self._kept_inside(work, structure, flooded(mask, voxel, value, across=across), value)

        self._change(work, structure, planes, "fill")

    def _paint_polygon(self, layer: Labels, points: Any, new_label: int) -> None:
        """Paint a closed polygon of napari's tool (its corners are half a voxel off the voxels' centres)."""
        found, across = self._mask_of(layer), self._across()
        if found is None or across is None:
            return
        work, structure = found
        corners = np.asarray(points, dtype=float)
        index, flat = int(np.floor(corners[0, across] + 0.5)), np.delete(corners, across, axis=1) - 0.5
        value, within = min(int(new_label), 1), self._within(work, structure)
        self._change(
            work,
            structure,
            lambda: polygon(layer.data, flat, index, value, across=across, within=within),
            "polygon",
        )

    def _change(self, work: ScanWork, structure: str, planes: Callable[[], Planes], tool: str) -> None:
        try:
            self._edits.change(work, structure, planes(), tool)
        except InputError as error:
            self._refuse(str(error))

    def _kept_inside(self, work: ScanWork, structure: str, planes: Planes, value: int) -> Planes:
        within = self._within(work, structure)
        if within is None or not value:
            return planes
        data = work.layer_of(structure).data
        return {index: np.where(within[index] > 0, plane, data[index]) for index, plane in planes.items()}

    def _mask_of(self, layer: Labels) -> tuple[ScanWork, str] | None:
        work = self._session.current
        names = [name for name, one in work.masks().items() if one is layer] if work else []
        return (work, names[0]) if work is not None and names else None

    def _within(self, work: ScanWork, structure: str) -> NDArray | None:
        around = work.layer_of(WITHIN[structure]) if structure in WITHIN else None
        return None if around is None or not self._settings().inside_only else around.data

    def _across(self) -> int | None:
        """Return the axis (0 z, 1 y, 2 x) that is not displayed; None in 3-D."""
        dims = self._viewer.dims
        shown = {axis - (dims.ndim - 3) for axis in dims.displayed}
        missing = {0, 1, 2} - shown
        return missing.pop() if dims.ndisplay == 2 and len(missing) == 1 else None

    def _value(self, layer: Labels, event: Any) -> int:
        """Return what a press paints: the right button turns the brush round."""
        if str(layer.mode) == "erase":
            return 0
        turned = event.button == RIGHT
        return int((layer.selected_label != 0) != turned)


def _voxel(layer: Labels, event: Any) -> NDArray[np.float64]:
    """Return where the pointer is, fractional voxels z, y, x."""
    return np.asarray(layer.world_to_data(event.position), dtype=float)[-3:]


def _volume(work: ScanWork, viewer: ViewerModel) -> NDArray:
    """Return the volume of the scan that is on display, z, y, x."""
    data = work.image.data
    return data[int(viewer.dims.current_step[0])] if data.ndim == 4 else data


def _swap(callbacks: list[Any], old: tuple[Any, ...], new: Any) -> None:
    """Take callbacks out of a list, and put another one in (None: none)."""
    for callback in old:
        while callback in callbacks:
            callbacks.remove(callback)
    if new is not None:
        callbacks.append(new)


def _held(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls a method as long as its object lives: a layer must not keep the window alive."""
    weak = WeakMethod(method)

    def call(*args: Any) -> Any:
        alive = weak()
        return None if alive is None else alive(*args)

    return call

"""The tools for correcting a mask: which one is in the hand, how the brush is set, and where other tools act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from psygnal import Signal

from napari_spinalq.gui.display import Plane, current_plane
from napari_spinalq.gui.drawing.brush import (
    LARGEST_MM,
    NAPARI_MODES,
    SMALLEST_MM,
    TOOLS,
    WITHIN,
    BrushSettings,
    next_size,
)
from napari_spinalq.gui.drawing.edits import MaskEditor
from napari_spinalq.gui.drawing.painting import Painter
from napari_spinalq.gui.drawing.ring import BrushRing
from napari_spinalq.gui.picking import Picker
from napari_spinalq.gui.segmenting import Segmenter
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.structures import NAMES
from napari_spinalq.gui.work import ScanWork

if TYPE_CHECKING:
    from napari.components import ViewerModel

OPACITY_STEP = 0.1
STRUCTURE_ORDER = ("cord", "gm", "canal")


class Scope(StrEnum):
    """Where a tool that needs no pointer acts."""

    SLICE = "slice"
    LEVEL = "level"
    WHOLE = "whole"


class Tools:
    """Keeps the tool in the hand and the brush; panels and keys say what is wanted, and are told what is.

    Signals
    -------
    tool_changed : str
        ``"paint"``, ``"erase"``, ``"fill"``, ``"polygon"`` or ``"move"`` (none).
    brush_changed : BrushSettings
        Size or kind of the brush.
    scope_changed : str
        Where the other tools act.
    told : str, str
        Kind and sentence for the user.
    """

    tool_changed = Signal(str)
    brush_changed = Signal(object)
    scope_changed = Signal(str)
    told = Signal(str, str)

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        edits: MaskEditor,
        picker: Picker,
        segmenter: Segmenter,
        refuse: Callable[[str], None],
    ) -> None:
        self._viewer, self._session, self._picker, self._segmenter = viewer, session, picker, segmenter
        self.brush, self.scope = BrushSettings(), Scope.SLICE
        self._sizing = False
        self.painter = Painter(viewer, session, edits, lambda: self.brush, refuse)
        self.ring = BrushRing(viewer)
        viewer.layers.selection.events.active.connect(self._tell_tool)
        session.mask_changed.connect(self._follow_masks)
        session.structure_changed.connect(self._follow_masks)

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.mask_changed.disconnect(self._follow_masks)
        self._session.structure_changed.disconnect(self._follow_masks)
        self._viewer.layers.selection.events.active.disconnect(self._tell_tool)
        self.painter.stop()
        self.ring.stop()

    @property
    def tool(self) -> str:
        """The tool in the hand."""
        mask = self.mask()
        active = mask is not None and self._viewer.layers.selection.active is mask
        tools = {mode: tool for tool, mode in NAPARI_MODES.items()}
        return tools.get(str(mask.mode), "move") if active else "move"

    def mask(self) -> Labels | None:
        """Return the mask in hand, which the tools act on."""
        work = self._session.current
        return None if work is None else work.layer_of(self._session.structure)

    def use(self, tool: str) -> None:
        """Take a tool, or put it down (``move``); in 3-D, where nothing can be painted, the cross section is shown."""
        mask = self.mask()
        if mask is None:
            return
        if tool != "move" and self._session.held_back():
            self._tell_tool()
            return
        self._picker.stop()
        self._viewer.layers.selection.active = mask
        mask.selected_label = 1
        if tool != "move":
            mask.visible = True
        mask.mode = NAPARI_MODES[tool]
        if tool != "move" and current_plane(self._viewer) in (Plane.VOLUME, None):
            self._segmenter.close_in(Plane.AXIAL)

    def use_in_cross_section(self, tool: str) -> None:
        """Take a tool and show the cross section of the cord, unless it is shown."""
        self.use(tool)
        if self.mask() is not None and tool != "move" and current_plane(self._viewer) is not Plane.AXIAL:
            self._segmenter.close_in(Plane.AXIAL)

    def next_tool(self, step: int) -> None:
        """Take the tool after (1) or before (-1) the one in the hand."""
        self.use(TOOLS[(TOOLS.index(self.tool) + step) % len(TOOLS)])

    def swap_brush_and_eraser(self) -> None:
        """Take the eraser if the brush is in the hand, else the brush."""
        self.use("erase" if self.tool == "paint" else "paint")

    def set_size(self, diameter_mm: float) -> None:
        """Set the diameter of the brush, true mm, within its limits."""
        self._set_brush(diameter_mm=float(min(max(diameter_mm, SMALLEST_MM), LARGEST_MM)))

    def step_size(self, step: int) -> None:
        """Make the brush one step larger (1) or smaller (-1)."""
        self.set_size(next_size(self.brush.diameter_mm, step))
        self.told.emit("plain", f"Brush {self.brush.diameter_mm:g} mm")

    def set_kind(self, name: str, on: bool) -> None:
        """Turn ``ball``, ``edge_aware`` or ``inside_only`` on or off."""
        self._set_brush(**{name: on})

    def toggle(self, name: str) -> None:
        """Turn ``ball``, ``edge_aware`` or ``inside_only`` on or off, and say so."""
        on = not getattr(self.brush, name)
        self._set_brush(**{name: on})
        words = {"ball": "3-D brush", "edge_aware": "Edge-aware brush", "inside_only": "Paint only inside"}
        self.told.emit("plain", f"{words[name]}: {'on' if on else 'off'}")

    def around(self) -> str:
        """Return which drawn structure can hold painting of the one in hand in; empty if none can."""
        work, name = self._session.current, WITHIN.get(self._session.structure, "")
        return name if work is not None and name and work.layer_of(name) is not None else ""

    def set_scope(self, scope: str) -> None:
        """Let the other tools act on this ``slice``, this ``level`` or the ``whole`` mask."""
        self.scope = Scope(scope)
        self.scope_changed.emit(str(self.scope))

    def next_scope(self) -> None:
        """Go on from slice to level to whole, and round."""
        scopes = list(Scope)
        self.set_scope(scopes[(scopes.index(self.scope) + 1) % len(scopes)])
        self.told.emit("plain", f"Tools act on: {'this ' if self.scope is not Scope.WHOLE else ''}{self.scope}")

    def next_structure(self) -> None:
        """Take the next structure in hand that is drawn."""
        work = self._session.current
        if work is None:
            return
        names = [name for name in STRUCTURE_ORDER if work.layer_of(name) is not None]
        if names:
            here = names.index(self._session.structure) if self._session.structure in names else -1
            self._session.choose_structure(names[(here + 1) % len(names)])
            self.told.emit("plain", f"In hand: {NAMES[self._session.structure]}")

    def step_opacity(self, step: int) -> None:
        """Make the mask in hand more (1) or less (-1) opaque."""
        mask = self.mask()
        if mask is not None:
            mask.opacity = float(np.clip(round(mask.opacity + step * OPACITY_STEP, 2), OPACITY_STEP, 1.0))
            self.told.emit("plain", f"Opacity {mask.opacity:.0%}")

    def _masks(self) -> list[Labels]:
        work: ScanWork | None = self._session.current
        return list(work.masks().values()) if work is not None else []

    def _set_brush(self, **changes: Any) -> None:
        changed = replace(self.brush, **changes)
        if changed != self.brush:
            self.brush = changed
            self._show_size()
            self.brush_changed.emit(changed)

    def _follow_masks(self) -> None:
        for layer in self._masks():  # napari keeps a listener once, however often it is connected
            layer.events.mode.connect(self._follow_mode)
            layer.events.brush_size.connect(self._take_size)
        self._show_size()
        self._tell_tool()

    def _follow_mode(self) -> None:
        self._show_size()
        self._tell_tool()

    def _show_size(self) -> None:
        """Let napari's cursor and its slider show the brush: the cursor in true mm, the slider in whole voxels."""
        self._sizing = True
        try:
            for layer in self._masks():
                layer.brush_size = max(1, round(self.brush.diameter_mm / self._voxel_mm(layer)))
                layer.cursor_size = self.brush.diameter_mm
        finally:
            self._sizing = False
        self.ring.show(self.brush.diameter_mm if self.tool in ("paint", "erase") else 0.0)

    def _take_size(self, event: Any) -> None:
        """Take up a size from napari's own slider or keys, which count in voxels."""
        if not self._sizing:
            self.set_size(event.source.brush_size * self._voxel_mm(event.source))

    def _voxel_mm(self, layer: Labels) -> float:
        """Return the smallest side of a voxel in the displayed plane, by which napari draws its cursor, mm."""
        shown = [axis - self._viewer.dims.ndim for axis in self._viewer.dims.displayed]
        return float(min(abs(layer.scale[axis]) for axis in shown))

    def _tell_tool(self) -> None:
        tool = self.tool
        self.ring.show(self.brush.diameter_mm if tool in ("paint", "erase") else 0.0)
        self.tool_changed.emit(tool)

"""The shortcuts of the dock, at hand wherever the focus is in napari's window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakMethod

from qtpy.QtCore import QTimer

from napari_spinalq.gui.shortcuts import SHORTCUTS

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels

    from napari_spinalq.gui.desk import Desk


def bind_keys(viewer: Viewer, desk_of: Callable[[Viewer], Desk]) -> None:
    """Bind the shortcuts. The desk is looked up when a key is pressed: napari's keymap would keep it for ever."""
    for shortcut in SHORTCUTS:
        if shortcut.action is not None:
            viewer.bind_key(shortcut.key, _press(shortcut.action, desk_of), overwrite=True)


def stop_on_escape(layer: Labels, stop: Callable[[], object]) -> None:
    """Let Esc stop things while this layer is active: a labels layer keeps the key to itself, to drop a polygon."""
    held = WeakMethod(stop)  # the layer must not keep the window alive

    def escape(labels: Labels) -> None:
        if str(labels.mode) == "polygon":
            labels.mode = "pan_zoom"
        alive = held()
        if alive is not None:
            QTimer.singleShot(0, alive)

    layer.bind_key("Escape", escape, overwrite=True)


def _press(action: Callable[[Desk], object], desk_of: Callable[[Viewer], Desk]) -> Callable[[Viewer], None]:
    """Return what a key does; it acts after napari is done with the key event."""

    def spinal_cord_shortcut(viewer: Viewer) -> None:
        QTimer.singleShot(0, partial(action, desk_of(viewer)))

    return spinal_cord_shortcut

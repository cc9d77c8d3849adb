"""The shortcuts of the dock, at hand wherever the focus is in napari's window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakMethod

from qtpy.QtCore import QTimer

from napari_spinalq.gui.display import Plane

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels

    from napari_spinalq.gui.desk import Desk

KEYS: dict[str, Callable[[Desk], object]] = {
    "F2": lambda desk: desk.show_plane(Plane.AXIAL),
    "F3": lambda desk: desk.show_plane(Plane.SAGITTAL),
    "F4": lambda desk: desk.show_plane(Plane.CORONAL),
    "F5": lambda desk: desk.show_plane(Plane.VOLUME),
    "F6": lambda desk: desk.segmenter.close_in(),
    "F7": lambda desk: desk.segment(),
    "Shift-F7": lambda desk: desk.prompter.wait_for_points(True),
    "Control-F7": lambda desk: desk.prompter.follow(),
    "F10": lambda desk: desk.prompter.toggle_scribble("in"),
    "F11": lambda desk: desk.prompter.toggle_scribble("out"),
    "F8": lambda desk: desk.labeller.find(),
    "F9": lambda desk: desk.save(),
    "F12": lambda desk: desk.reviewer.go_on(),
    "Shift-X": lambda desk: desk.crosshair.toggle(),
    "Shift-O": lambda desk: desk.looks.toggle_masks(),
    "Shift-W": lambda desk: desk.windower.next(),
    "Shift-B": lambda desk: desk.comparer.blink(),
    "Shift-L": lambda desk: desk.workbench.toggle(),
    "Escape": lambda desk: desk.stop(),
}
"""What each key does. Napari takes no shortcuts from a manifest."""


def bind_keys(viewer: Viewer, desk_of: Callable[[Viewer], Desk]) -> None:
    """Bind the shortcuts. The desk is looked up when a key is pressed: napari's keymap would keep it for ever."""
    for key, action in KEYS.items():
        viewer.bind_key(key, _press(action, desk_of), overwrite=True)


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

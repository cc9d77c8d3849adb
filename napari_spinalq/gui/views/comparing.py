"""Comparing the scan at hand with another scan or mask: blink, curtain, checkerboard, side by side."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.gui.colours import OTHER_COLOUR
from napari_spinalq.gui.convert import AXES, placement
from napari_spinalq.gui.layers import remove
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.views.other import Other, course_of, open_other, read_other
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.gui.workers import Runner
from napari_spinalq.views.align import Course
from napari_spinalq.views.paint import rgb

if TYPE_CHECKING:
    from napari.components import ViewerModel

BLINK_HZ = 2.0
"""Both pictures are shown this often a second: slow enough to see each, fast enough to see what jumps."""

OTHER_OPACITY = 0.5

BLIND = "Masks cannot be compared during a blind second read: save it and go back to the first read, then compare."


class Mode(StrEnum):
    """How two pictures are compared."""

    BLINK = "Blink"
    CURTAIN = "Curtain"
    CHECKERBOARD = "Checkerboard"
    SIDE = "Side by side"


class Comparer:
    """Holds what is compared with. It stays outside of the session: no tool reaches it and nothing of it is saved.

    Signals
    -------
    changed
        Another thing to compare with, another mode, or the other picture's turn.
    told : str, str
        Kind and sentence for the user.
    """

    changed = Signal()
    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel, session: Session, runner: Runner) -> None:
        self._viewer, self._session, self._runner = viewer, session, runner
        self.other: Other | None = None
        self.mode = Mode.CURTAIN
        self.curtain = 0.5
        self.showing_other = False
        self._layer: Image | None = None
        self._hidden: list[Any] = []
        self._turns = QTimer()
        self._turns.setInterval(round(500 / BLINK_HZ))
        self._turns.timeout.connect(self.blink)
        session.scan_changed.connect(self.clear)
        viewer.layers.events.removed.connect(self._removed)

    @property
    def blinking(self) -> bool:
        """Whether both pictures take turns by themselves."""
        return self._turns.isActive()

    def open(self, path: Path) -> None:
        """Compare with a scan or a mask; its file is only read."""
        work = self._session.current
        if work is None:
            return
        known = self._session.work_of(path)
        if known is not None:
            if known.scan is not work.scan:
                course = course_of(known.centerline, self._session.labelling)
                self._take(work, open_other(known.scan, known.mask_on_file_grid(), course, work.scan.grid))
            return
        own = self._session.exam is not None and path in [file.path for file in self._session.exam.files]
        started = self._runner.run(
            f"Reading {path.name}",
            lambda progress: read_other(path, work.scan.grid, same_exam=own, progress=progress),
            lambda other: self._take(work, other),
        )
        if not started:
            self.told.emit("warn", "Something else is running; compare when it is done, or stop it with Esc.")

    def clear(self) -> None:
        """Compare no longer."""
        self._stop_turns()
        layer, self._layer, had = self._layer, None, self.other is not None
        self.other = None
        remove(self._viewer, layer)
        if had:
            self.changed.emit()

    def use(self, mode: Mode) -> None:
        """Compare in another way."""
        self._stop_turns()
        self.mode = mode
        self.changed.emit()

    def move_curtain(self, part: float) -> None:
        """Draw the curtain to a part of the width of the picture."""
        self.curtain = float(np.clip(part, 0.0, 1.0))
        self.changed.emit()

    def blink(self) -> None:
        """Show the other picture instead of the one at hand, or the one at hand again, in all views."""
        if self.other is None:
            self.told.emit("plain", "Choose what to compare with first: Compare, in the views.")
            return
        self._show_other(not self.showing_other)
        self.changed.emit()

    def blink_on(self, wanted: bool) -> None:
        """Let both pictures take turns by themselves, or stop at the one at hand."""
        if wanted and self.other is not None:
            self._turns.start()
        else:
            self._stop_turns()
        self.changed.emit()

    def course(self) -> Course | None:
        """Return the cord and discs of the scan at hand, where both are known."""
        work = self._session.current
        return None if work is None else course_of(work.centerline, self._session.labelling)

    def stop(self) -> None:
        """Compare no longer and listen no more: the window closes."""
        self._turns.stop()
        self._session.scan_changed.disconnect(self.clear)
        self._viewer.layers.events.removed.disconnect(self._removed)

    def _take(self, work: ScanWork, other: Other) -> None:
        if work is not self._session.current:
            return
        if work.blind and other.image is None:
            self.told.emit("warn", BLIND)
            return
        other = replace(other, mask=None, mask_here=None) if work.blind else other
        self.clear()
        self.other = other
        self._add_layer(work, other)
        note = f"; it was resampled onto this scan ({other.difference})" if other.difference else ""
        self.told.emit("warn" if note else "good", f"{other.label}{note}.")
        self.changed.emit()

    def _add_layer(self, work: ScanWork, other: Other) -> None:
        """Put what blinks on the canvas in a hidden image layer, which cannot be painted on."""
        scale, translate = placement(work.scan.grid)
        settings: dict[str, Any] = {
            "name": other.label,
            "scale": scale,
            "translate": translate,
            "units": ("mm",) * 3,
            "axis_labels": AXES,
            "visible": False,
            "projection_mode": "none",
        }
        if other.image_here is not None:
            settings |= {"contrast_limits": (other.window.low, other.window.high), "interpolation2d": "linear"}
        else:
            clear_to_colour = Colormap([[0, 0, 0, 0], [*(rgb(OTHER_COLOUR) / 255), 1]], name="compared mask")
            settings |= {"colormap": clear_to_colour, "contrast_limits": (0, 1), "opacity": OTHER_OPACITY}
            settings |= {"interpolation2d": "nearest", "blending": "translucent"}
        active = self._viewer.layers.selection.active
        data = other.mask_here if other.image_here is None else other.image_here
        self._layer = self._viewer.add_image(data, **settings)
        self._viewer.layers.move(self._viewer.layers.index(self._layer), self._viewer.layers.index(work.image) + 1)
        self._viewer.layers.selection.active = active

    def _show_other(self, wanted: bool) -> None:
        """Show the hidden layer; a mask that is compared takes the place of the one in hand meanwhile."""
        self.showing_other = wanted
        if self._layer is not None:
            self._layer.visible = wanted
        for layer in self._hidden:
            layer.visible = True
        self._hidden = []
        work = self._session.current
        if wanted and work is not None and self.other.image_here is None:
            own = work.layer_of(self._session.structure)
            self._hidden = [own] if own is not None and own.visible else []
            for layer in self._hidden:
                layer.visible = False

    def _stop_turns(self) -> None:
        self._turns.stop()
        self._show_other(False)

    def _removed(self, event: Any) -> None:
        if event.value is self._layer and self._layer is not None:
            self.clear()

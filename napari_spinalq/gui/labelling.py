"""From the buttons of step 3 to named discs on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.gui.convert import mm_to_world, world_to_mm
from napari_spinalq.gui.discs import DiscEditor
from napari_spinalq.gui.display import Plane, current_plane, go_to, show_plane
from napari_spinalq.gui.picking import Picker
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.workers import Runner
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.pipeline import find_levels
from napari_spinalq.vertebrae import disc_name

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Labeller:
    """Finds discs on the scan at hand, or names them from a click."""

    told = Signal(str, str)
    waiting = Signal(bool)
    adding = Signal(bool)

    def __init__(
        self, viewer: ViewerModel, session: Session, runner: Runner, picker: Picker, editor: DiscEditor
    ) -> None:
        self._viewer, self._session, self._runner = viewer, session, runner
        self._picker, self._editor = picker, editor
        self._adding = False
        self._known: frozenset[str] = frozenset()
        session.discs_changed.connect(self._name_added)

    def find(self, click: Disc | None = None) -> None:
        """Look for the discs. All are named from ``click``, or from the confirmed discs that someone placed before."""
        work = self._session.current
        if self._session.held_back():
            return
        if work is None or work.centerline is None:
            self.told.emit("warn", "Segment the cord first: discs are looked for along it.")
            return
        known = self._session.clicked_discs() if self._session.labelling.confirmed else ()
        clicks = (click,) if click else known

        def task(progress: Any) -> Labelling:
            return find_levels(work.scan, work.centerline, clicks, progress)

        self._runner.run("Finding the discs", task, self._take)

    def wait_for_click(self, number: int) -> None:
        """Name all discs from the next click, which is on the disc of this number; 0 stops waiting."""
        if not number:
            self._picker.stop()
            return
        self._picker.wait(lambda world: self._clicked(number, world), lambda: self.waiting.emit(False))
        self.show_sagittal()
        self.waiting.emit(True)
        self.told.emit("plain", f"Click on the {disc_name(number)} disc in the image. Esc stops waiting.")

    def add_by_click(self, on: bool) -> None:
        """Let each click on the image add a disc, or let the discs be dragged again."""
        if self._session.current is None or (on and self._session.held_back()):
            self.adding.emit(False)
            return
        self._picker.stop()
        layer = self._editor.ensure_layer()
        self._viewer.layers.selection.active = layer
        layer.mode = "add" if on else "select"
        self._adding = on
        self._known = frozenset(disc.name for disc in self._session.labelling.discs)
        self.adding.emit(on)
        if on:
            self.show_sagittal()
            self.told.emit("plain", f"Click on the discs that are missing: each is named by its place.{self._next()}")

    def toggle_adding(self) -> None:
        """Let clicks add discs, or stop."""
        self.add_by_click(not self._adding)

    def show_sagittal(self) -> None:
        """Show the sagittal plane through the cord, where discs are seen; a sagittal view stays as it is."""
        work = self._session.current
        if work is None or current_plane(self._viewer) is Plane.SAGITTAL:
            return
        show_plane(self._viewer, Plane.SAGITTAL)
        if work.centerline is not None:
            middle = mm_to_world(work.centerline.position(work.centerline.length_mm / 2), work.scan.grid)
            z = float(self._viewer.dims.point[-3])
            go_to(self._viewer, (z, middle[1], middle[2]))
            self._viewer.fit_to_view()

    def take_discs_in_hand(self) -> None:
        """Let the discs be selected and dragged."""
        layer = self._editor.layer
        if layer is not None:
            self._viewer.layers.selection.active = layer
            layer.mode = "select"

    def _name_added(self) -> None:
        """Say which disc a click added, and which comes next."""
        names = [disc.name for disc in self._session.labelling.discs]
        added = [name for name in names if name not in self._known]
        self._known = frozenset(names)
        if self._adding and added:
            words = f"Added {', '.join(added)}.{self._next()}"
            QTimer.singleShot(0, lambda: self.told.emit("good", words))  # after the dock has said the next step

    def _next(self) -> str:
        name = self._editor.next_name()
        return f" Below the others comes {name}." if name else ""

    def _clicked(self, number: int, world: np.ndarray) -> None:
        place = world_to_mm(world, self._session.current.scan.grid)
        self.find(Disc(number, tuple(float(value) for value in place), Origin.CLICKED))

    def _take(self, labelling: Labelling) -> None:
        if self._session.held_back():  # since the work began
            return
        self._session.set_labelling(labelling)
        self.take_discs_in_hand()

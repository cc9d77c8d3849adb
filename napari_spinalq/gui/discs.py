"""The points of the discs under the hand: drag, add, remove; names are kept in order, or the change is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.errors import InputError
from napari_spinalq.gui.layers import add_discs, disc_places, gather_discs, show_discs
from napari_spinalq.levels.detect import UNCONFIRMED
from napari_spinalq.levels.discs import (
    Disc,
    Labelling,
    Origin,
    by_number,
    check_discs,
    next_disc_number,
    with_gaps_filled,
)
from napari_spinalq.vertebrae import disc_name

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_spinalq.gui.session import Session

NO_DISCS = "There is no disc yet: find the discs (F8), or click on one."
NO_GAPS = "Gaps are filled along the cord, between two discs or more: segment the cord and name two discs first."

MOVED_MM = 1e-3
"""A point counts as dragged when it lies farther than this from its disc: napari keeps points as float32."""


class DiscEditor:
    """Keeps the points layer and the session's discs one and the same.

    A change by hand is first checked; if no spine can look like that, the points go back and ``refused`` says why.
    """

    refused = Signal(str)
    told = Signal(str, str)
    selected = Signal(object)

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer = viewer
        self._session = session
        self._syncing = False
        self.layer: Points | None = None
        self._shown: tuple[Disc, ...] = ()
        self._return = QTimer()
        self._return.setSingleShot(True)
        self._return.setInterval(0)
        self._return.timeout.connect(self.show)
        session.discs_changed.connect(self.show)
        session.scan_changed.connect(self.show)
        viewer.layers.events.removed.connect(self._layer_removed)

    def ensure_layer(self) -> Points:
        """Return the points layer; make it if there is none."""
        if self.layer is None:
            self.layer = add_discs(self._viewer)
            self.layer.events.data.connect(self._edited)
            self.layer.selected_data.events.items_changed.connect(self._selection_changed)
            self.show()
        return self.layer

    def stop(self) -> None:
        """Listen to the layers no more: the window closes."""
        self._return.stop()
        self._viewer.layers.events.removed.disconnect(self._layer_removed)

    def show(self) -> None:
        """Show those of the session's discs that lie in the scan at hand, in its world."""
        work, discs = self._session.current, self._session.labelling.discs
        if work is None or (self.layer is None and not discs):
            return
        layer, grid = self.ensure_layer(), work.scan.grid
        self._shown = tuple(disc for disc in discs if grid.contains(disc.position_mm))
        self._syncing = True
        try:
            show_discs(layer, self._shown, grid)
            layer.editable = not self._session.read_only  # napari lets new points be edited
            self._viewer.layers.move(self._viewer.layers.index(layer), len(self._viewer.layers))
        finally:
            self._syncing = False
        gather_discs(self._viewer, grid)
        self._name_next()
        self.selected.emit(None)

    def selected_disc(self) -> Disc | None:
        """Return the one selected disc, if exactly one is."""
        if self.layer is None or len(self.layer.selected_data) != 1:
            return None
        index = next(iter(self.layer.selected_data))
        return self._shown[index] if index < len(self._shown) else None

    def rename(self, disc: Disc, number: int) -> None:
        """Give a disc another name; the others follow, since names run in order."""
        shift = number - disc.number

        def renamed(discs: Sequence[Disc]) -> tuple[Disc, ...]:
            return tuple(replace(one, number=one.number + shift) for one in discs)

        self._change(renamed, confirmed=True)
        self._select(number)

    def shift(self, step: int) -> None:
        """Give every disc the name of the one below (1) or above (-1) it in the spine."""
        if not self._session.labelling.discs:
            self.told.emit("plain", NO_DISCS)
            return

        def shifted(discs: Sequence[Disc]) -> tuple[Disc, ...]:
            return tuple(replace(one, number=one.number + step) for one in discs)

        if self._change(shifted, confirmed=True):
            names = [disc.name for disc in self._session.labelling.discs]
            self.told.emit("good", f"Discs renamed: {names[0]} to {names[-1]}")

    def fill_gaps(self) -> None:
        """Add the discs that are missing between others, placed by the usual heights of vertebrae, and flag them."""
        work, old = self._session.current, self._session.labelling
        if work is None or work.centerline is None or len(old.discs) < 2:
            self.told.emit("plain", NO_GAPS)
            return
        filled = with_gaps_filled(old, work.centerline)
        added = [disc.name for disc in filled.discs if disc.number not in old.numbers]
        if not added:
            self.told.emit("plain", "No disc is missing between the others.")
        elif self._may_change():
            self._session.set_labelling(filled)
            self.told.emit("warn", f"Interpolated {', '.join(added)}: check the place")

    def next_name(self) -> str:
        """Return the name that the next disc gets below all others; empty if none is left."""
        try:
            return disc_name(next_disc_number(self._session.labelling.discs))
        except InputError:
            return ""

    def confirm(self) -> None:
        """Take the names as right: someone looked at them."""
        self._change(tuple, confirmed=True)

    def _edited(self, event: Any) -> None:
        """Take up a finished change of the points, once napari has finished its own part of it."""
        if not self._syncing and str(event.action) in ("added", "changed", "removed"):
            QTimer.singleShot(0, self._take_points)

    def _take_points(self) -> None:
        if self.layer is None or self._session.current is None:
            return
        places, shown = disc_places(self.layer), self._shown
        if len(places) > len(shown):
            self._change(lambda known: _with_new(known, places[len(shown) :]), confirmed=True)
        elif len(places) < len(shown):
            gone = {disc.name for disc in shown} - set(self.layer.features["disc"])
            self._change(lambda known: tuple(disc for disc in known if disc.name not in gone))
        else:
            moved = {disc.number: _moved(disc, place) for disc, place in zip(shown, places, strict=True)}
            self._change(lambda known: tuple(moved.get(disc.number, disc) for disc in known))

    def _change(self, edit: Callable[[Sequence[Disc]], tuple[Disc, ...]], *, confirmed: bool | None = None) -> bool:
        """Apply an edit of the discs, or put the points back and say why not; tell whether it was applied."""
        if not self._may_change():
            return False
        work, old = self._session.current, self._session.labelling
        try:
            discs = edit(old.discs)
            check_discs(discs, work.centerline if work else None)
        except InputError as error:
            self.show()
            self.refused.emit(str(error))
            return False
        sure = old.confirmed if confirmed is None else confirmed
        flags = tuple(flag for flag in old.flags if not (sure and flag == UNCONFIRMED))
        self._session.set_labelling(replace(old, discs=by_number(discs), confirmed=sure and bool(discs), flags=flags))
        return True

    def _may_change(self) -> bool:
        """Tell whether discs may be changed; if not, put the points back and say why."""
        reason = self._session.read_only
        if reason:
            self.show()
            self.refused.emit(reason)
        return not reason

    def _select(self, number: int) -> None:
        numbers = [disc.number for disc in self._shown]
        if self.layer is not None and number in numbers:
            self.layer.selected_data = {numbers.index(number)}

    def _name_next(self) -> None:
        """Let napari's own controls show the name that the next point will get."""
        self.layer.feature_defaults["disc"] = self.next_name()

    def _selection_changed(self) -> None:
        if not self._syncing:
            self.selected.emit(self.selected_disc())

    def _layer_removed(self, event: Any) -> None:
        """Take a removed layer for discs that are given up; those that may only be looked at come back."""
        if event.value is not self.layer:
            return
        self.layer = None
        if self._session.held_back():
            self._return.start()
        else:
            self._session.set_labelling(Labelling((), confirmed=False))


def _with_new(discs: Sequence[Disc], places: np.ndarray) -> tuple[Disc, ...]:
    """Add discs at these places (RAS mm), each named by its place among the others."""
    named = tuple(discs)
    for place in places:
        position = tuple(float(value) for value in place)
        named = by_number((*named, Disc(next_disc_number(named, position), position, Origin.CLICKED)))
    return named


def _moved(disc: Disc, place: np.ndarray) -> Disc:
    """Return the disc at the place of its point (RAS mm): itself unless someone dragged it."""
    if np.linalg.norm(place - disc.position_mm) <= MOVED_MM:
        return disc
    return Disc(disc.number, tuple(place.tolist()), Origin.CLICKED)

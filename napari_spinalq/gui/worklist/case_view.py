"""A case of the worklist on the desk: shown to be looked at, opened to be edited, and taken to its slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import Plane, current_plane, go_to, show_plane, zoom_on_cord
from napari_spinalq.gui.opening import Opener
from napari_spinalq.gui.saving import Saver
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.quality.worklist.reading import Reading

if TYPE_CHECKING:
    from napari.components import ViewerModel

ONLY_LOOKING = "This case is shown to be rated; press e on the QC page to edit it."


class CaseView:
    """Puts readings on the desk. While they are only looked at, no stroke changes them."""

    def __init__(
        self, viewer: ViewerModel, session: Session, opener: Opener, saver: Saver, may_leave: Callable[[], bool]
    ) -> None:
        self._viewer, self._session, self._may_leave = viewer, session, may_leave
        self._opener, self._saver = opener, saver
        self._work: ScanWork | None = None
        self.reading: Reading | None = None

    def shows(self, reading: Reading | None) -> bool:
        """Tell whether this reading is what lies on the desk."""
        return reading is not None and self.reading is reading and self._work is self._session.current

    def leave(self) -> bool:
        """Tell whether what lies on the desk may be put away; unsaved edits are offered to be saved."""
        if not self._may_leave():
            return False
        self._session.mark_saved()  # saved, or given up
        return True

    def show(self, reading: Reading) -> bool:
        """Put a reading on the desk, to be looked at; False if unsaved edits held the user back."""
        if not self.leave():
            return False
        self.unlock()
        self._opener.put(reading.exam, reading.result.scan, reading.saved_work())
        self._saver.folder = reading.folder
        self.reading, self._work = reading, self._session.current
        if reading.summary.places:
            go_to(self._viewer, self._world(reading.summary.places[0]))
        self.lock()
        return True

    def show_nothing(self) -> None:
        """Clear the desk, as for a case that cannot be read; unsaved edits stay if the user wants it."""
        if self.leave():
            self.unlock()
            self._opener.put_away()
            self.reading = self._work = None

    def let_edit(self) -> None:
        """Let the case be edited; from now on it is no more what was read."""
        self.unlock()
        self.reading = None

    def lock(self) -> None:
        """Let the case only be looked at, unless it was edited or someone else holds it."""
        if self._work is None or self._work is not self._session.current or self._session.unsaved:
            return
        if not self._session.read_only:
            self._session.set_read_only(ONLY_LOOKING)
        self._let_edit(False)

    def unlock(self) -> None:
        """Let the case be edited again, if it was only we who held it."""
        if self._session.read_only == ONLY_LOOKING:
            self._session.set_read_only("")
            self._let_edit(True)

    def show_slice(self, index: int) -> None:
        """Show an axial slice of the case, the cord in the middle."""
        if self.shows(self.reading):
            if current_plane(self._viewer) is not Plane.AXIAL:
                show_plane(self._viewer, Plane.AXIAL)
            zoom_on_cord(self._viewer, self._world(index))

    def _world(self, index: int) -> NDArray[np.float64]:
        return mm_to_world(self.reading.place_mm(index), self.reading.result.scan.grid)

    def _let_edit(self, may: bool) -> None:
        for layer in self._work.masks().values() if self._work else ():
            layer.editable = may

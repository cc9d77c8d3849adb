"""Leads the reader to the slices that the automatic outline is least sure of, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_spinalq.cord.confidence import recorded_confidence
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.display import Plane, show_plane
from napari_spinalq.gui.measuring import Measurer
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Reviewer:
    """Knows which slices of the scan at hand to look at first. A slice that was edited or accepted leaves.

    Signals
    -------
    changed : tuple of (slice, probability)
        The slices to be looked at first, worst first.
    told : str, str
        Kind and sentence for the user.
    """

    changed = Signal(tuple)
    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel, session: Session, measurer: Measurer) -> None:
        self._viewer, self._session, self._measurer = viewer, session, measurer
        self._seen: dict[int, set[int]] = {}
        session.mask_changed.connect(self._tell)
        session.remarks_changed.connect(self._tell)
        session.checked_changed.connect(self._tell)
        measurer.measured.connect(self._tell)

    def slices(self) -> tuple[tuple[int, float], ...]:
        """Return number and confidence of the slices of low confidence that nobody edited or accepted, worst first."""
        work = self._session.current
        if work is None or work.mask is None:
            return ()
        confidence = recorded_confidence(work.record(), work.scan.grid.reoriented(WORK_AXES).shape[0])
        if confidence is None:
            return ()
        left = (int(index) for index in confidence.worst_first() if index not in work.checked)
        return tuple((index, float(confidence.probability[index])) for index in left)

    def go_on(self) -> None:
        """Go to the worst slice that was not looked at yet; after the last one, begin again."""
        found = self.slices()
        work = self._session.current
        if work is None or not found:
            self.told.emit("plain", "No slice of low confidence is left to look at.")
            return
        seen = self._seen.setdefault(id(work), set())
        if all(index in seen for index, _ in found):
            seen.clear()
        place, (index, probability) = next((n, one) for n, one in enumerate(found, 1) if one[0] not in seen)
        seen.add(index)
        show_plane(self._viewer, Plane.AXIAL)
        self._measurer.go_to_slice(index)
        self.told.emit(
            "warn", f"Slice {index}: confidence {probability:.0%} ({place} of {len(found)} to look at first)"
        )

    def _tell(self) -> None:
        self._forget_closed(self._session.works)
        self.changed.emit(self.slices())

    def _forget_closed(self, works: Sequence[ScanWork]) -> None:
        still = {id(work) for work in works}
        self._seen = {key: seen for key, seen in self._seen.items() if key in still}

"""Work that was saved earlier, back on the scan it was made on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_spinalq.exam import ExamFile
from napari_spinalq.gui import layers
from napari_spinalq.gui.saving import Saver
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork, StructureWork
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.reopen import SavedWork, holds_work, saved_work
from napari_spinalq.scan import Scan

if TYPE_CHECKING:
    from napari.components import ViewerModel

OTHER_DISCS = "the discs saved with this scan differ from those in hand, which are kept; save to use them here too."
MASK_IN_HAND = "this scan has a mask by now, which is kept."


class Reopener:
    """Puts saved masks and discs on the table, and says so. It never writes.

    The discs of an exam serve all its scans, so the first scan that comes with discs gives them: an exam is opened on
    the scan that shows discs best among those with saved work. Discs saved with a later scan do not replace them.
    """

    told = Signal(str, str)
    discs_back = Signal()

    def __init__(self, viewer: ViewerModel, session: Session, saver: Saver) -> None:
        self._viewer, self._session, self._saver = viewer, session, saver

    def among(self, files: Sequence[ExamFile]) -> Sequence[ExamFile]:
        """Return those scans of the exam in hand that have saved work; all of them if none has."""
        exam, folder = self._session.exam, self._saver.home()
        return [file for file in files if holds_work(file.path.name, exam, folder)] or files

    def search(self) -> Callable[[Scan], SavedWork | None]:
        """Return what reads the saved work of a scan of the exam in hand; it may run in another thread."""
        exam, folder = self._session.exam, self._saver.home()

        def read(scan: Scan) -> SavedWork | None:
            if scan.source is not None:
                _ = scan.source.sha256  # every edit will name it: read now, not under the first stroke
            return saved_work(scan, exam, folder)

        return read

    def put(self, work: ScanWork, saved: SavedWork | None) -> None:
        """Put the saved work of a scan on the table, without taking the place of what lies there.

        A scan that is not at hand any more gets none: it is looked for again when that scan is chosen.
        """
        if work is not self._session.current:
            return
        work.looked_for = True
        if saved is not None:
            self._take(work, saved)

    def _take(self, work: ScanWork, saved: SavedWork) -> None:
        if work.mask is not None and saved.mask is not None:
            saved = replace(saved, mask=None, refusals=(*saved.refusals, MASK_IN_HAND))
        if self._other_discs(saved.labelling):
            saved = replace(saved, labelling=None, refusals=(*saved.refusals, OTHER_DISCS))
            self._session.mark_unsaved()
        self._show(work, saved)
        self.told.emit("warn" if saved.doubtful else "good", saved.summary())

    def _other_discs(self, found: Labelling | None) -> bool:
        known = self._session.labelling
        return bool(found and known.discs) and (found.discs, found.confirmed) != (known.discs, known.confirmed)

    def _show(self, work: ScanWork, saved: SavedWork) -> None:
        if saved.mask is not None:
            mask = layers.add_mask(self._viewer, saved.mask, work.scan, work.image)
            self._session.bring_back(work, mask, saved, self._drawn(work, saved))
        if saved.labelling is not None and not self._session.labelling.discs:
            self._session.bring_back_discs(saved.labelling)
            self.discs_back.emit()

    def _drawn(self, work: ScanWork, saved: SavedWork) -> dict[str, StructureWork]:
        """Put saved grey matter and canal on the image."""
        found = {}
        for one in saved.drawn:
            layer = None
            if one.mask is not None:
                layer = layers.add_mask(self._viewer, one.mask, work.scan, work.image, one.name)
            edited = one.parameters.get("edited_by_hand") is True
            found[one.name] = StructureWork(layer, one.flags, dict(one.parameters), edited)
        return found

"""Everything that is done to masks, discs and checked slices goes to the journal of the exam when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.derivatives import journal_path
from napari_spinalq.gui.drawing.edits import Edit, MaskEditor
from napari_spinalq.gui.journal.locking import Keeper
from napari_spinalq.gui.journal.shadows import STRUCTURES, Change, Shadows
from napari_spinalq.gui.saving import Saver
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.io.journal import ImageRef, Journal, JournalText, Place, Step, aside_path, away_path, image_ref
from napari_spinalq.io.journal.replay import MaskKey
from napari_spinalq.levels.stored import labelling_as_json, labelling_digest

RETRY_MS = 10_000
"""While the journal cannot be written beside the results, this place is tried again so often (ms)."""

HISTORY_TOOLS = ("undo", "redo")
KEPT_ASIDE = "What lay in the place of the journal of edits is kept as {path}."
BACK = "The journal of edits is back beside the results."


class Recorder:
    """Hears of every change and writes it to the journal, which begins with the first one.

    Signals
    -------
    noted : Step
        An edit was written.
    first : ScanWork
        Something changed on this scan and there is no journal in hand: whoever reads them shall do so now.
    told : str, str
        Kind and sentence for the user.
    """

    noted = Signal(object)
    first = Signal(object)
    told = Signal(str, str)

    def __init__(self, session: Session, saver: Saver, edits: MaskEditor, keeper: Keeper) -> None:
        self._session, self._saver, self._keeper = session, saver, keeper
        self.journal: Journal | None = None
        self.shadows = Shadows()
        self._discs: dict[str, Any] = {}
        self._discs_untold = self._quiet = self._given_up = self._stopped = False
        self._trouble = ""
        self._aside = 0
        self._retry = QTimer()
        self._retry.setInterval(RETRY_MS)
        self._retry.timeout.connect(self.retry)
        edits.made.connect(self._edited)
        session.exam_changed.connect(self._begin_exam)
        session.brought_back.connect(self._take_ground)
        session.mask_changed.connect(self._masks_changed)
        session.discs_changed.connect(self._discs_changed)
        session.checked_changed.connect(self.note_checked)
        saver.saved.connect(self._note_saved)

    def path(self) -> Path:
        """Return where the journal of the exam in hand belongs."""
        return journal_path(self._session.exam, self._saver.home())

    def adopt(self, text: JournalText | None) -> Journal:
        """Go on from a journal that was read, or begin one that keeps aside whatever lies in its place."""
        self.journal = Journal.at(self.path(), text)
        if text is not None:
            self._discs = dict(text.replay.state.discs)
        return self.journal

    def keep_aside(self) -> Path | None:
        """Give the journal that lies in the place of this exam another name; return it, None if that cannot be done."""
        kept = None
        for path in (away_path(self.path()), self.path()):
            try:
                if path.exists():
                    kept = path.rename(aside_path(path))
            except OSError:
                return None
        return kept

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Change masks and discs without taking it for a deed: the journal knows of it already."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def catch_up(self) -> None:
        """Write whatever changed without anyone having told."""
        if self._quiet or self._stopped:
            return
        for work in self._session.works:
            for name in STRUCTURES:
                self._note(work, name)
        self._note_discs()

    def note_checked(self, work: ScanWork, before: Iterable[int], after: Iterable[int]) -> None:
        """Write which slices of a scan count as checked and unchanged, before and after."""
        ref = ref_of(work)
        if ref is None or self._quiet or self._stopped:
            return
        if self.journal is None:
            self.first.emit(work)
        self._written(self.get_ready().note_checked(ref, sorted(before), sorted(after)))

    def discard(self) -> None:
        """Give up what is not saved, once the exam is put away; an edit before that means that it was not."""
        self._given_up = self.journal is not None and self.journal.begun

    def retry(self) -> bool:
        """Try again to write beside the results; True if all is there."""
        if self.journal is None:
            return True
        home = self.journal.store.retry()
        self._tell_trouble()
        return home

    def close(self) -> None:
        """Put the journal away and give the lock back."""
        self._retry.stop()
        if self.journal is not None:
            if self._given_up and not self._session.read_only:
                self.journal.discard()
            self.journal.store.close()
        self.journal, self._given_up = None, False
        self._keeper.release()

    def stop(self) -> None:
        """Hear of nothing more: the window closes."""
        self.close()
        self._stopped = True

    def take_discs_known(self) -> None:
        """Take the discs as what the journal says of them."""
        self._discs, self._discs_untold = labelling_as_json(self._session.labelling), False

    def _begin_exam(self) -> None:
        """Another exam has a journal of its own; scans that are added to the one in hand go on in its journal."""
        if self._session.works:
            return
        self.close()
        self.shadows = Shadows()
        self._trouble, self._aside = "", 0
        self.take_discs_known()

    def _take_ground(self, work: ScanWork | None) -> None:
        """Take what came from files: a scan's masks, or (None) the discs."""
        if self._quiet:
            return
        if work is None:
            self.take_discs_known()
            self._discs_untold = True
        elif (ref := ref_of(work)) is not None and not self.shadows.knows_all_of(ref):
            self.shadows.take_ground(work, ref)

    def _edited(self, edit: Edit) -> None:
        if not self._quiet and not self._stopped and edit.tool not in HISTORY_TOOLS:
            self._note(edit.work, edit.structure, edit.tool, edit.slices)

    def _note(self, work: ScanWork, name: str, tool: str = "", slices: Iterable[int] | None = None) -> None:
        """Write how a mask changed, if it did."""
        ref = ref_of(work)
        change = None if ref is None else self.shadows.change(work, ref, name, slices)
        if ref is None or change is None:
            return
        if self.journal is None:
            self.first.emit(work)
            change = self.shadows.change(work, ref, name)
            if change is None:
                return
        journal = self.get_ready()
        for structure, delta, how in self.shadows.untold(ref):
            journal.note_ground(ref, structure, delta, how)
        step = journal.note_mask(
            ref,
            name,
            tool or _tool_of(change),
            change.delta,
            slices=change.slices,
            was=change.was,
            now=change.now,
            automatic=change.automatic,
        )
        self.shadows.take(work, ref, name, change.slices)
        self._written(step)

    def _masks_changed(self) -> None:
        """Write what is there at once, and what is gone later: a viewer that closes drops its layers first of all."""
        if self._quiet or self._stopped:
            return
        for work in self._session.works:
            for name in work.masks():
                self._note(work, name)
        QTimer.singleShot(0, self.catch_up)

    def _discs_changed(self) -> None:
        if self._quiet or self._stopped:
            return
        if self._session.labelling.discs:
            self._note_discs()
        else:
            QTimer.singleShot(0, self.catch_up)

    def _note_discs(self) -> None:
        """Write how the discs changed, if they did; without a scan on the table they were put away, not removed."""
        if not self._session.works:
            return
        after = labelling_as_json(self._session.labelling)
        if after == self._discs or (not after["discs"] and not self._discs.get("discs")):
            return
        if self.journal is None and self._session.current is not None:
            self.first.emit(self._session.current)
        journal, before = self.get_ready(), self._discs
        self._discs = after
        self._written(journal.note_discs(before, after))

    def get_ready(self) -> Journal:
        """Return the journal; before the first line the lock is taken and what came from files is told."""
        journal = self.journal or self.adopt(None)
        self._given_up = False
        if not self._keeper.hold(self.path()):
            journal.store.leave_home()
        if self._discs_untold:
            journal.note_ground_discs(self._discs)
            self._discs_untold = False
        return journal

    def _written(self, step: Step) -> None:
        self._tell_trouble()
        self.noted.emit(step)

    def note_reads_saved(self) -> None:
        """Write that the second reads and the consensus lie in their files now."""
        if self.journal is not None and self.journal.begun:
            self.journal.note_saved(self._masks(lambda work: bool(work.rater)), None)
            self._tell_trouble()

    def _note_saved(self) -> None:
        """Write that the first reads and the discs lie in their files now, and follow them to their folder."""
        if self.journal is None:
            return
        home, self._given_up = self.path(), False
        self._keeper.hold(home)
        self.journal.store.move(home, away_path(home))
        if self.journal.begun:
            discs = labelling_digest(labelling_as_json(self._session.labelling))
            self.journal.note_saved(self._masks(lambda work: not work.rater), discs)
        self._tell_trouble()

    def _masks(self, wanted: Callable[[ScanWork], bool]) -> dict[MaskKey, NDArray[np.uint8] | None]:
        """Return the masks of the works that are wanted, as far as the journal knows them."""
        return {
            (ref, name): None if (layer := work.layer_of(name)) is None else np.asarray(layer.data)
            for work in self._session.works
            if wanted(work) and (ref := ref_of(work)) is not None and self.shadows.knows_all_of(ref)
            for name in STRUCTURES
        }

    def _tell_trouble(self) -> None:
        """Tell what the disk refuses, once, and when it is over."""
        store = self.journal.store
        for path in store.kept_aside[self._aside :]:
            self.told.emit("warn", KEPT_ASIDE.format(path=path.name))
        self._aside = len(store.kept_aside)
        if store.trouble != self._trouble:
            self._trouble = store.trouble
            self.told.emit("bad" if store.trouble else "good", store.trouble or BACK)
        if store.place is Place.HOME or self._session.read_only:
            self._retry.stop()
        elif not self._retry.isActive():
            self._retry.start()


def ref_of(work: ScanWork) -> ImageRef | None:
    """Tell which image a scan is; None for one without a file, whose work cannot be saved either."""
    return None if work.scan.source is None else image_ref(work.scan, work.rater)


def _tool_of(change: Change) -> str:
    """Name what changed a mask as a whole, for which no tool spoke up."""
    if not change.now:
        return "removal"
    if change.automatic is None:
        return "edit"
    return "mask from a file" if "mask" in change.automatic.parameters else "segmentation"

"""Second reads: the same scan drawn by another person who does not see the first mask, saved under their name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.errors import InputError
from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import from_display
from napari_spinalq.gui.saving import Saver
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import CORD, ScanWork
from napari_spinalq.quality.readers.packed import PackedMask, packed
from napari_spinalq.quality.readers.reads import CONSENSUS, Read, load_read, rater_label, reads_of, save_read
from napari_spinalq.scan import Scan

if TYPE_CHECKING:
    from napari.components import ViewerModel

SAVE_FIRST = "There are edits that are not saved; save them (F9), then begin."
BROUGHT_BACK = "Your read of this scan was brought back from the journal of edits."
NO_SCAN = "Open a scan first."
EMPTY_START = "No automatic mask is kept for this scan, so the read begins empty: press Segment cord, or paint."
AUTOMATIC, NOTHING, EARLIER = "the automatic mask", "nothing", "an earlier read of the same person"
"""What a second read can begin with."""


class Raters:
    """Begins, keeps and saves second reads. The first read's mask is out of sight meanwhile and is never written.

    Signals
    -------
    changed
        Who reads what changed.
    told : str, str
        Kind and sentence for the user.
    """

    changed = Signal()
    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel, session: Session, saver: Saver) -> None:
        self._viewer, self._session, self._saver = viewer, session, saver
        self._saved: dict[tuple[int, str], PackedMask] = {}
        self._about: dict[int, Mapping[str, Any]] = {}
        self._blind: tuple[str, str] | None = None
        self.recall: Callable[[Scan, str], NDArray | None] = _nothing_kept
        """Asked for the unsaved cord mask (work order) of a read that ended with the program."""
        self.discs_at_begin = session.labelling
        """The discs when the read at hand began: they belong to the exam and are saved with the first read."""
        session.scan_changed.connect(self._follow)
        session.mask_changed.connect(self._follow)

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.scan_changed.disconnect(self._follow)
        self._session.mask_changed.disconnect(self._follow)

    @property
    def reader(self) -> str:
        """Whose second read is at hand; empty while it is the first read or a consensus."""
        work = self._session.current
        return "" if work is None or work.rater == CONSENSUS else work.rater

    @property
    def blind(self) -> bool:
        """Whether every scan that is opened with a mask goes straight to a second read."""
        return self._blind is not None

    def read_on(self, name: str, start: str, on: bool) -> None:
        """Open every scan with a mask as a second read of this person from now on, or show first reads again."""
        self._blind = (rater_label(name), start) if on else None
        self.changed.emit()
        self._follow()

    def begin(self, name: str, start: str = AUTOMATIC) -> None:
        """Take the scan at hand as a second read, or go on with one that was begun.

        Parameters
        ----------
        name : str
            Of who reads.
        start : str
            ``AUTOMATIC`` or ``NOTHING``; a read that this person saved earlier is loaded instead.

        Raises
        ------
        InputError
            If there is no scan, the name cannot be used, or edits are not saved.
        """
        first, rater = self.first(), rater_label(name)
        if self._session.unsaved:
            raise InputError(SAVE_FIRST)
        work = self._session.work_of(first.scan.source.path, rater) if first.scan.source else None
        if work is None:
            self._begin(first, rater, start)
        else:
            self.discs_at_begin = self._session.labelling
            self._session.take(work)
        self.changed.emit()

    def first(self) -> ScanWork:
        """Return the first read of the scan at hand.

        Raises
        ------
        InputError
            If no scan is open.
        """
        work = self._session.current
        if work is None or self._session.exam is None:
            raise InputError(NO_SCAN)
        found = self._session.work_of(work.scan.source.path) if work.rater and work.scan.source else work
        return work if found is None else found

    def add_read(
        self, first: ScanWork, rater: str, mask: NDArray[np.uint8], about: Mapping[str, Any], *, saved: bool = True
    ) -> ScanWork:
        """Put a mask (axis order of the file) on the table as another read of a scan, and take it in hand.

        One that is not ``saved`` counts as edited since.
        """
        work = ScanWork(first.scan, layers.twin(first.image), looked_for=True, rater=rater)
        self.discs_at_begin = self._session.labelling
        self._session.take(work)
        self._about[id(work)] = about
        layer = layers.add_mask(self._viewer, mask, work.scan, work.image)
        layer.name = f"{layer.name} · {rater}"
        course = first.centerline if mask.any() else None
        self._session.set_mask(work, layer, course, parameters=dict(about), ground=True)
        if saved:
            self._note_saved(work)
            self._session.mark_saved()
        return work

    def leave(self) -> None:
        """Go back to the first read; the second stays in memory and on disk. Reading blind ends with that."""
        self._blind = None
        self._session.take(self.first())
        self.changed.emit()

    def drop(self) -> None:
        """Go back to the first read and forget what was not saved of the second: the user has agreed."""
        self._blind = None
        work = self._session.current
        if work is not None and work.rater:
            self._session.drop_read(work, self.first())
            self._session.mark_saved()
        self.changed.emit()

    def unsaved(self) -> list[ScanWork]:
        """Return the second reads that differ from what was saved of them; a consensus is saved by itself."""
        return [
            work
            for work in self._session.works
            if work.rater and work.rater != CONSENSUS and any(self._differs(work, name) for name in work.masks())
        ]

    def targets(self, folder: Path) -> list[Path]:
        """Return the files in a folder that saving the second reads would replace."""
        known = {read.path for work in self.unsaved() for read in self._files(work, folder)}
        return sorted(known)

    def save(self, folder: Path, *, overwrite: bool = False) -> list[Path]:
        """Save every second read that changed beside the first one, which is not touched.

        Raises
        ------
        InputError
            As :func:`~napari_spinalq.quality.readers.reads.save_read`.
        """
        written = []
        for work in self.unsaved():
            masks = {name: from_display(layer.data, work.scan.grid) for name, layer in work.masks().items()}
            about = {**self._about.get(id(work), {}), **work.record(), "blind": True}
            exam = self._session.exam
            written += save_read(masks, work.scan, exam, folder, work.rater, about, overwrite=overwrite)
            self._note_saved(work)
        return written

    def reads(self) -> list[str]:
        """Return who read the scan at hand beside the first reader: in memory or saved."""
        try:
            first = self.first()
        except InputError:
            return []
        path = first.scan.source.path if first.scan.source else None
        open_now = [
            work.rater
            for work in self._session.works
            if work.rater and work.scan.source and work.scan.source.path == path
        ]
        saved = [read.rater for read in self._saved_reads(first) if read.rater]
        return [rater for rater in dict.fromkeys([*open_now, *saved]) if rater != CONSENSUS]

    def mask_of(self, rater: str) -> NDArray[np.uint8]:
        """Return the cord mask of a reader (empty: the first) of the scan at hand, in the axis order of the file.

        Raises
        ------
        InputError
            If there is none.
        """
        first = self.first()
        work = first if not rater else self._session.work_of(first.scan.source.path, rater)
        if work is not None and work.mask is not None:
            return work.mask_on_file_grid()
        for read in self._saved_reads(first):
            if read.rater == rater:
                return load_read(read.path, first.scan)
        raise InputError(f"There is no mask of {rater or 'the first reader'} for this scan; read and save it first.")

    def _begin(self, first: ScanWork, rater: str, start: str) -> None:
        saved = next((read for read in self._saved_reads(first) if read.rater == rater), None)
        kept = first.automatic.get(CORD)
        mask = np.zeros(first.scan.grid.shape, np.uint8)
        unsaved = self.recall(first.scan, rater)
        if unsaved is not None:
            mask, start = from_display(unsaved, first.scan.grid), EARLIER
            self.told.emit("good", BROUGHT_BACK)
        elif saved is not None:
            mask, start = load_read(saved.path, first.scan), EARLIER
            self.told.emit("good", f"Your read of this scan was loaded ({saved.path.name}).")
        elif start == AUTOMATIC and kept is not None:
            mask = from_display(kept.unpacked(), first.scan.grid)
        elif start == AUTOMATIC:
            start = NOTHING
            self.told.emit("plain", EMPTY_START)
        self.add_read(first, rater, mask, {"began_with": start}, saved=unsaved is None)

    def _follow(self) -> None:
        """Hide a first read at once where scans are to be read blind; tell that another work is at hand."""
        self._forget_closed()
        work = self._session.current
        if self._blind and work is not None and not work.rater and work.mask is not None:
            try:
                self.begin(*self._blind)
            except InputError as error:
                self.told.emit("bad", str(error))
        self.changed.emit()

    def _saved_reads(self, work: ScanWork) -> tuple[Read, ...]:
        return reads_of(work.scan, self._session.exam, self._saver.home())

    def _files(self, work: ScanWork, folder: Path) -> list[Read]:
        found = [read for name in work.masks() for read in reads_of(work.scan, self._session.exam, folder, name)]
        return [read for read in found if read.rater == work.rater]

    def _forget_closed(self) -> None:
        still = {id(work) for work in self._session.works}
        self._saved = {key: mask for key, mask in self._saved.items() if key[0] in still}
        self._about = {key: about for key, about in self._about.items() if key in still}

    def _note_saved(self, work: ScanWork) -> None:
        for name, layer in work.masks().items():
            self._saved[id(work), name] = packed(layer.data)

    def _differs(self, work: ScanWork, name: str) -> bool:
        return self._saved.get((id(work), name)) != packed(work.layer_of(name).data)


def _nothing_kept(scan: Scan, rater: str) -> None:
    """Stand in where no journal is kept."""

"""What is open: the exam, the scan at hand, its masks and centerline, the discs, and what is not saved yet.

The session knows no widget. It tells by signals what changed; panels and controllers listen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.segment import CordSegmentation
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.gui.versions import MaskVersions
from napari_spinalq.gui.work import CORD, ScanWork, StructureWork
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.reopen import SavedWork
from napari_spinalq.results import CHECKED_SLICES, EDITED_SLICES
from napari_spinalq.scan import place_of


class Session:
    """One exam on the table. Discs belong to the exam (RAS mm): labelled on one scan, they serve all its scans.

    When masks come from files, ``brought_back`` (with their scan) comes before ``mask_changed``; when discs do, it
    comes (with None) before ``discs_changed``. ``refused`` carries why nothing may be changed.
    """

    exam_changed = Signal()
    scan_changed = Signal()
    mask_changed = Signal()
    remarks_changed = Signal()
    discs_changed = Signal()
    structure_changed = Signal()
    saved_changed = Signal(bool)
    read_only_changed = Signal(str)
    brought_back = Signal(object)
    refused = Signal(str)
    checked_changed = Signal(object, frozenset, frozenset)

    def __init__(self) -> None:
        self.exam: Exam | None = None
        self.works: list[ScanWork] = []
        self.labelling = Labelling((), confirmed=False)
        self._current: ScanWork | None = None
        self._structure = CORD
        self._unsaved = False
        self._read_only = ""

    @property
    def first_reads(self) -> list[ScanWork]:
        """The scans with the masks of the exam itself, without those of second readers."""
        return [work for work in self.works if not work.rater]

    @property
    def current(self) -> ScanWork | None:
        """The scan at hand."""
        return self._current

    @property
    def structure(self) -> str:
        """The structure in hand: what is segmented, painted on and shown in the table."""
        return self._structure

    @property
    def read_only(self) -> str:
        """Why masks and discs may only be looked at, as a sentence; empty if they may be changed."""
        return self._read_only

    def set_read_only(self, reason: str) -> None:
        """Let masks and discs only be looked at, for this reason, or (empty) be changed again."""
        if reason != self._read_only:
            self._read_only = reason
            self.read_only_changed.emit(reason)

    def held_back(self) -> bool:
        """Tell whether nothing may be changed, and let the user know why."""
        if self._read_only:
            self.refused.emit(self._read_only)
        return bool(self._read_only)

    def choose_structure(self, name: str) -> None:
        """Take ``"cord"``, ``"gm"`` or ``"canal"`` in hand."""
        if name != self._structure:
            self._structure = name
            self.structure_changed.emit()

    @property
    def unsaved(self) -> bool:
        """Whether there is a mask or a disc that changed since the last save."""
        anything = bool(self.labelling.discs) or any(work.masks() for work in self.works)
        return self._unsaved and anything

    def open_exam(self, exam: Exam) -> None:
        """Put another exam on the table; the work on the last one is dropped."""
        self.exam = exam
        self.works.clear()
        self._current = None
        self.labelling = Labelling((), confirmed=False)
        self.choose_structure(CORD)
        self.mark_saved()
        self.exam_changed.emit()
        self.scan_changed.emit()
        self.mask_changed.emit()
        self.discs_changed.emit()

    def add_files(self, files: Sequence[ExamFile]) -> None:
        """Add scans to the exam that is open."""
        exam = self.exam or Exam("unknown", "", ())
        known = {file.path for file in exam.files}
        new = tuple(file for file in files if file.path not in known)
        self.exam = Exam(exam.subject, exam.session, exam.files + new)
        self.exam_changed.emit()

    def work_of(self, path: Path, rater: str = "") -> ScanWork | None:
        """Return the work on the scan of a file (by default the first read), if it is open."""
        sources = ((work, work.scan.source) for work in self.works if work.rater == rater)
        return next((work for work, source in sources if source and source.path == place_of(path)), None)

    def drop_read(self, work: ScanWork, instead: ScanWork) -> None:
        """Put a second read away for good, and take another work in its place."""
        self.take(instead)
        self.works.remove(work)

    def take(self, work: ScanWork) -> None:
        """Make this the scan at hand."""
        if work not in self.works:
            self.works.append(work)
        for other in self.works:
            if other is not work:
                other.prepared = None
        self._current = work
        if work.mask is None:
            self.choose_structure(CORD)
        self.scan_changed.emit()
        self.mask_changed.emit()

    def drop_layer(self, layer: Any) -> None:
        """Forget the scan, or the mask, whose layer the user removed from the viewer."""
        for work in self.works:
            if work.mask is layer:
                self.set_mask(work, None, None)
            for name in [name for name, one in work.drawn.items() if one.layer is layer and layer is not None]:
                self.forget_structure(work, name)
        self.works = [work for work in self.works if work.image is not layer]
        if self._current is not None and self._current.image is layer:
            self._current = None
            self.scan_changed.emit()
            self.mask_changed.emit()

    def set_mask(
        self,
        work: ScanWork,
        mask: Labels | None,
        centerline: Centerline | None,
        flags: Sequence[str] = (),
        parameters: dict[str, Any] | None = None,
        *,
        ground: bool = False,
    ) -> None:
        """Give a scan a new mask as a whole; one that was there before (``ground``) is nothing to undo."""
        work.mask, work.centerline = mask, centerline
        work.flags, work.parameters = tuple(flags), dict(parameters or {})
        work.versions, work.edited_before, work.edits_unknown = MaskVersions(), frozenset(), False
        if mask is not None:
            work.versions.remember(np.asarray(mask.data), work.parameters)
            self.mark_unsaved()
        work.keep_automatic(CORD)
        self._drop_checks(work)
        if ground:
            self.brought_back.emit(work)
        self.mask_changed.emit()

    def set_structure(self, work: ScanWork, name: str, drawn: StructureWork) -> None:
        """Give a scan new grey matter or a new canal as a whole, or note that it was looked for in vain."""
        work.drawn[name] = drawn
        work.keep_automatic(name)
        self.mark_unsaved()
        self.mask_changed.emit()

    def forget_structure(self, work: ScanWork, name: str) -> None:
        """Drop grey matter or the canal of a scan."""
        del work.drawn[name]
        work.automatic.pop(name, None)
        self.mark_unsaved()
        self.mask_changed.emit()

    def bring_back(
        self, work: ScanWork, mask: Labels, saved: SavedWork, drawn: Mapping[str, StructureWork] | None = None
    ) -> None:
        """Give a scan the masks that were saved for it: nothing is left to save for that."""
        work.drawn = dict(drawn or {})
        work.mask, work.centerline = mask, saved.centerline
        work.flags, work.parameters = saved.flags, dict(saved.parameters)
        work.versions = MaskVersions()
        work.versions.remember(np.asarray(mask.data), work.parameters)
        slices = saved.parameters.get(EDITED_SLICES)
        work.edits_unknown = saved.edited and not isinstance(slices, list)
        work.edited_before = frozenset(slices) if isinstance(slices, list) else frozenset()
        checked = saved.parameters.get(CHECKED_SLICES)
        work.checked = frozenset(checked) if isinstance(checked, list) else frozenset()
        self.brought_back.emit(work)
        work.automatic = {}
        for name in [*([] if saved.edited else [CORD]), *(name for name, one in work.drawn.items() if not one.edited)]:
            work.keep_automatic(name)
        self.mask_changed.emit()

    def mend_mask(self, work: ScanWork, found: CordSegmentation, drawn: NDArray[np.bool_]) -> None:
        """Note that these slices of a mask, still the same layer, were drawn anew."""
        work.centerline, work.flags, work.parameters = found.centerline, found.flags, dict(found.parameters)
        work.versions.remember(np.asarray(work.mask.data), work.parameters, drawn)
        work.keep_automatic(CORD, drawn)
        self.mark_unsaved()
        self.remarks_changed.emit()

    def bring_back_discs(self, labelling: Labelling) -> None:
        """Give the exam the discs that were saved for it: nothing is left to save for that."""
        self.labelling = labelling
        self.brought_back.emit(None)
        self.discs_changed.emit()

    def mask_painted(self, name: str = CORD) -> None:
        """Note that a mask of the scan at hand changed."""
        work = self._current
        if work is not None and name in work.drawn:
            work.drawn[name].edited = True
        self.mark_unsaved()

    def set_checked(self, work: ScanWork, checked: Iterable[int]) -> None:
        """Note which slices of a scan a person looked at and left as they are (numbered from inferior)."""
        before, after = work.checked, frozenset(int(index) for index in checked)
        if before != after:
            work.checked = after
            self.mark_unsaved()
            self.checked_changed.emit(work, before, after)

    def _drop_checks(self, work: ScanWork) -> None:
        """Forget what was checked: the mask is another one as a whole."""
        before, work.checked = work.checked, frozenset()
        if before:
            self.checked_changed.emit(work, before, work.checked)

    def set_labelling(self, labelling: Labelling) -> None:
        """Give the exam these discs."""
        if labelling != self.labelling:
            self.labelling = labelling
            self.mark_unsaved()
        self.discs_changed.emit()

    def clicked_discs(self) -> tuple[Disc, ...]:
        """Return the discs that a person placed."""
        return tuple(disc for disc in self.labelling.discs if disc.origin == "clicked")

    def mark_unsaved(self) -> None:
        """Note that something changed since the last save."""
        self._set_unsaved(True)

    def mark_saved(self) -> None:
        """Note that all is on disk."""
        self._set_unsaved(False)

    def _set_unsaved(self, unsaved: bool) -> None:
        if unsaved != self._unsaved:
            self._unsaved = unsaved
            self.saved_changed.emit(unsaved)

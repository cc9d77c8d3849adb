"""When an exam is opened: its journal goes on where it ended, and edits that were not saved can come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_spinalq.errors import InputError
from napari_spinalq.gui import dialogs
from napari_spinalq.gui.journal.locking import Keeper
from napari_spinalq.gui.journal.recording import Recorder, ref_of
from napari_spinalq.gui.journal.restoring import Restorer
from napari_spinalq.gui.journal.shadows import STRUCTURES, Ground
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.versions import MaskVersions
from napari_spinalq.gui.work import CORD, ScanWork, StructureWork
from napari_spinalq.io.journal import (
    GroundLine,
    ImageRef,
    JournalText,
    Step,
    automatic_masks,
    between,
    changed_slices,
    find_journal,
    image_ref,
    mask_digest,
)
from napari_spinalq.levels.stored import labelling_as_json, labelling_digest, labelling_from_json
from napari_spinalq.scan import Scan

if TYPE_CHECKING:
    from napari.components import ViewerModel

OTHER_IMAGE = "The journal of edits of this exam is not used: {why}. It is kept aside when something is drawn."
OTHER_MASK = (
    "The saved masks or discs are not those of which the journal of edits tells: undo begins anew, and the journal is "
    "kept aside when something is drawn."
)
OTHER_MASK_TOO = "What is saved was changed by another program since."
OTHER_LATER = "{name}: the saved mask was changed by another program; undo brings back the one of the journal."
BACK = "{what} brought back; save to keep {them} with the results."
ASIDE = "The edits that were not saved are kept in {path}."


class Recoverer:
    """Compares what was loaded with what the journal says, scan by scan.

    Signals
    -------
    told : str, str
        Kind and sentence for the user.
    """

    told = Signal(str, str)

    def __init__(
        self, viewer: ViewerModel, window: QWidget, session: Session, recorder: Recorder, keeper: Keeper
    ) -> None:
        self._window, self._session, self._recorder, self._keeper = window, session, recorder, keeper
        self._restorer = Restorer(viewer, session)
        self._text: JournalText | None = None
        self._looked = False
        self._works: dict[ImageRef, ScanWork] = {}
        self._done: set[ImageRef] = set()
        self._back: tuple[Step, ...] = ()
        session.exam_changed.connect(self._forget)

    def take(self, work: ScanWork) -> None:
        """Go on from the journal with a scan whose saved work, if any, was loaded."""
        ref = ref_of(work)
        if ref is None or self._session.exam is None:
            return
        former = self._works.get(ref)
        self._works[ref] = work
        if former is not None and former is not work and self._recorder.shadows.knows_all_of(ref):
            self._put_back(work, ref)
            return
        if not self._looked:
            self._looked = True
            self._keeper.look(self._recorder.path())
            self._open(work, ref)
        if self._text is not None and not self._session.read_only and ref not in self._done:
            self._done.add(ref)
            self._continue(work, ref)
            self._tell_back()

    def recall(self, scan: Scan, rater: str) -> NDArray[np.uint8] | None:
        """Return the cord mask (work order) of a second read as the journal knew it when the exam was opened.

        It is handed out once: from then on the read at hand is what counts.
        """
        if self._text is None or scan.source is None:
            return None
        ref = image_ref(scan, rater)
        mask = self._text.replay.state.masks.pop((ref, CORD), None)
        if mask is not None:
            self._recorder.shadows.take_state(ref, {CORD: mask})
        return mask

    def automatic(self, work: ScanWork, name: str) -> NDArray[np.uint8] | None:
        """Return the last automatic mask (work order) of a structure that the journal knows; None if it knows none."""
        ref = ref_of(work)
        if self._text is None or ref is None:
            return None
        found = None
        for how, mask in automatic_masks(self._text.lines, ref, name):
            if how.slices is None or found is None:
                found = mask.copy()
            else:
                found[list(how.slices)] = mask[list(how.slices)]
        return found

    def _forget(self) -> None:
        if not self._session.works:
            self._text, self._looked = None, False
            self._done.clear()
            self._works.clear()

    def _put_back(self, work: ScanWork, ref: ImageRef) -> None:
        """Put on the table what was drawn on a scan before its image was removed from the viewer."""
        shadows, journal = self._recorder.shadows, self._recorder.journal
        with self._recorder.unheard():
            for name in STRUCTURES:
                self._restorer.put(work, name, shadows.masks.get((ref, name)))
                if journal is not None:
                    self._restorer.tell_making(work, ref, name, journal.history, shadows)
            shadows.note_making(work, ref)
            self._session.mask_changed.emit()
        self._session.mark_unsaved()

    def _open(self, work: ScanWork, ref: ImageRef) -> None:
        """Read the journal, and ask about edits that were not saved."""
        try:
            text, remarks = find_journal(self._recorder.path())
        except InputError as error:
            self.told.emit("warn", str(error))
            return
        for remark in remarks:
            self.told.emit("warn", remark)
        if text is None or self._session.read_only:
            return
        # Second reads wait until their reader begins again: see recall.
        unsaved = [step for step in text.replay.history.unsaved() if not (step.image and step.image.reader)]
        why = text.replay.refusal(ref)
        if why:
            if unsaved:  # else all of it was refused already, with the masks
                self.told.emit("warn", OTHER_IMAGE.format(why=why))
            return
        matches = self._matches(work, ref, text) and self._discs_match(text)
        if not matches and not unsaved:
            self.told.emit("warn", OTHER_MASK)
        elif not unsaved or self._ask(unsaved, matches=matches):
            self._text = text
            self._recorder.adopt(text)
            self._back = tuple(unsaved)
            self._bring_discs(text)

    def _ask(self, unsaved: Sequence[Step], *, matches: bool) -> bool:
        what = count(unsaved)
        question = f"{what} {'was' if len(unsaved) == 1 else 'were'} not saved."
        if dialogs.ask_recover(self._window, question if matches else f"{question} {OTHER_MASK_TOO}"):
            return True
        aside = self._recorder.keep_aside()
        self.told.emit("plain", ASIDE.format(path=aside) if aside else "The edits stay in their journal.")
        return False

    def _matches(self, work: ScanWork, ref: ImageRef, text: JournalText) -> bool:
        """Whether each mask is as the journal says that it was saved, or as it is at the end of the journal.

        The latter is so where the program ended while it saved.
        """
        known = text.replay
        if self._brought_by_hand(work, ref):
            return True
        for name in STRUCTURES:
            layer, key = work.layer_of(name), (ref, name)
            here = "" if layer is None else mask_digest(np.asarray(layer.data))
            if here not in (known.saved.get(key, ""), mask_digest(known.state.masks.get(key))):
                return False
        return True

    def _brought_by_hand(self, work: ScanWork, ref: ImageRef) -> bool:
        """Whether the masks on display are not those that were saved: someone dropped one, or drew it just now."""
        return bool(work.masks()) and ref not in self._recorder.shadows.grounds

    def _discs_match(self, text: JournalText) -> bool:
        here = labelling_digest(labelling_as_json(self._session.labelling))
        known = text.replay
        return not here or here in (labelling_digest(known.saved_discs), labelling_digest(known.state.discs))

    def _tell_back(self) -> None:
        """Say, once, what was brought back."""
        back, self._back = self._back, ()
        if back:
            self.told.emit("good", BACK.format(what=count(back), them="it" if len(back) == 1 else "them"))

    def _bring_discs(self, text: JournalText) -> None:
        labelling = labelling_from_json(text.replay.state.discs)
        if labelling != self._session.labelling:
            with self._recorder.unheard():
                self._session.bring_back_discs(labelling)
        self._recorder.take_discs_known()

    def _continue(self, work: ScanWork, ref: ImageRef) -> None:
        """Let the masks of a scan be those at the end of the journal."""
        known = self._text.replay
        if ref not in known.images():
            return
        if self._brought_by_hand(work, ref):
            masks = {name: mask for (image, name), mask in known.state.masks.items() if image == ref}
            self._recorder.shadows.take_state(ref, masks)
            self._recorder.catch_up()
            return
        if not self._matches(work, ref, self._text) and work is not self._session.works[0]:
            self._note_other(work, ref)
            return
        changed = False
        with self._recorder.unheard():
            for name in STRUCTURES:
                mask, layer = known.state.masks.pop((ref, name), None), work.layer_of(name)
                if mask_digest(mask) != ("" if layer is None else mask_digest(np.asarray(layer.data))):
                    self._restorer.put(work, name, mask)
                    changed = True
            self._session.set_checked(work, known.state.checked.get(ref, work.checked))
            self._remember(work, ref)
            if changed:
                self._tell_making(work, ref)
                self._session.mask_changed.emit()
        if any(step.image in (ref, None) for step in known.history.unsaved()):
            self._session.mark_unsaved()

    def _remember(self, work: ScanWork, ref: ImageRef) -> None:
        """Know again which slices no hand drew, also of those results that undo may bring back."""
        shadows, lines = self._recorder.shadows, self._text.lines
        known = MaskVersions()
        for how, mask in automatic_masks(lines, ref, CORD):
            drawn = None if how.slices is None else np.isin(np.arange(len(mask)), how.slices)
            known.remember(mask, how.parameters, drawn)
        grounds = [line for line in lines if isinstance(line, GroundLine) and line.image == ref]
        if len(known):
            shadows.versions[ref] = known
            shadows.grounds[ref] = _ground_of(grounds)
        shadows.take_known(work, ref)

    def _tell_making(self, work: ScanWork, ref: ImageRef) -> None:
        for name in STRUCTURES:
            self._restorer.tell_making(work, ref, name, self._text.replay.history, self._recorder.shadows)
        self._recorder.shadows.note_making(work, ref)

    def _note_other(self, work: ScanWork, ref: ImageRef) -> None:
        """Write the masks that another program saved as an edit, so that undo leads back to those of the journal."""
        journal = self._recorder.journal
        for name in STRUCTURES:
            before, layer = self._text.replay.state.masks.pop((ref, name), None), work.layer_of(name)
            now = None if layer is None else np.asarray(layer.data)
            if mask_digest(before) == mask_digest(now):
                continue
            blank = np.zeros(ref.order.work_shape, np.uint8)
            slices = changed_slices(blank if before is None else before, blank if now is None else now)
            self._recorder.get_ready()
            journal.note_mask(
                ref,
                name,
                "change by another program",
                between(before, now, ref.order),
                slices=slices,
                was=before is not None,
                now=now is not None,
            )
        masks = {(ref, name): None if (one := work.layer_of(name)) is None else one.data for name in STRUCTURES}
        journal.note_saved(masks, None)
        self._recorder.shadows.take_known(work, ref)
        self.told.emit("warn", OTHER_LATER.format(name=ref.name))


def count(steps: Sequence[Step]) -> str:
    """Say how many edits these are, of when (local time) and by whom."""
    last = max(step.line.time for step in steps)
    authors = " and ".join(sorted({step.line.author for step in steps}))
    return f"{len(steps)} edit{'s' * (len(steps) > 1)} of {last.astimezone():%Y-%m-%d %H:%M} by {authors}"


def _ground_of(lines: Sequence[GroundLine]) -> Ground:
    """Return what the journal says of the masks as they came from their files."""
    hows = {line.structure: line.automatic for line in lines}
    cord = hows.get(CORD)
    flags, parameters = (cord.flags, dict(cord.parameters)) if cord else ((), {})
    drawn = {
        name: StructureWork(None, how.flags, dict(how.parameters)) if how else StructureWork(None, edited=True)
        for name, how in hows.items()
        if name != CORD
    }
    return Ground(flags, parameters, edits_unknown=CORD in hows and cord is None, drawn=drawn)

"""Undo and redo across tools, structures, scans and discs of an exam, also after it was saved and opened again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakMethod

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import go_to
from napari_spinalq.gui.drawing.edits import Edit, MaskEditor
from napari_spinalq.gui.journal.recording import Recorder, ref_of
from napari_spinalq.gui.journal.restoring import Restorer
from napari_spinalq.gui.opening import Opener
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.structures import NAMES
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.io.journal import CheckedLine, DiscsLine, ImageRef, MaskLine, Move, Step
from napari_spinalq.levels.stored import labelling_from_json

if TYPE_CHECKING:
    from napari.components import ViewerModel

NOTHING_TO_UNDO = "Nothing is left to undo."
NOTHING_TO_REDO = "Nothing is left to redo."
OTHER_READ = "The last edit is one of the second read of {reader}; begin that read to go on."
END_OF_READ = "Nothing of this read is left to undo or redo; edits of other reads are left alone."
OTHER_FILE = "The next step was made on another state of {name}; it cannot be {done} here."


class Historian:
    """Takes back what was done, step by step, and shows where.

    Signals
    -------
    moved : Step, bool
        A step was undone, or (True) made again.
    told : str, str
        Kind and sentence for the user.
    """

    moved = Signal(object, bool)
    told = Signal(str, str)

    def __init__(
        self, viewer: ViewerModel, session: Session, edits: MaskEditor, recorder: Recorder, opener: Opener
    ) -> None:
        self._viewer, self._session, self._edits = viewer, session, edits
        self._recorder, self._opener = recorder, opener
        self._restorer = Restorer(viewer, session)
        self._level_of: Callable[[int], str] = lambda _index: ""
        self._waiting: Callable[[], None] | None = None
        session.mask_changed.connect(self._own_layers)

    def name_levels(self, level_of: Callable[[int], str]) -> None:
        """Let slices be told with the name of their level, which this returns (empty if there is none)."""
        self._level_of = level_of

    def undo(self) -> None:
        """Take back the last step that stands."""
        self._go(forward=False)

    def redo(self) -> None:
        """Make the step again that was undone last."""
        self._go(forward=True)

    def go_on(self) -> None:
        """Do what waited for a scan to be opened."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting()

    def _go(self, *, forward: bool) -> None:
        if self._session.held_back():
            return
        self._recorder.catch_up()
        journal = self._recorder.journal
        step = None if journal is None else (journal.history.redoable if forward else journal.history.undoable)
        if journal is None or step is None:
            self.told.emit("plain", NOTHING_TO_REDO if forward else NOTHING_TO_UNDO)
            return
        if self._breaks_blindness(step) or not self._face(step, forward=forward):
            return
        self._recorder.get_ready()
        move = journal.redo() if forward else journal.undo()
        with self._recorder.unheard():
            self._apply(move)
        self.moved.emit(step, forward)
        self._show(step)
        self.told.emit("plain", f"{'Redone' if forward else 'Undone'}: {self._words(step)}")

    def _breaks_blindness(self, step: Step) -> bool:
        """Whether a step belongs to the read of someone else, which a second reader must not see."""
        work = self._session.current
        apart = bool(work is not None and work.rater and step.image is not None and step.image.reader != work.rater)
        if apart:
            self.told.emit("plain", END_OF_READ)
        return apart

    def _face(self, step: Step, *, forward: bool) -> bool:
        """Take the scan in hand on which a step was made; False if it has to be opened first, or cannot be."""
        if step.image is None or ref_of_current(self._session) == step.image:
            return True
        files = self._session.exam.files if self._session.exam else ()
        index = next((place for place, file in enumerate(files) if file.path.name == step.image.name), None)
        work = None if index is None else self._session.work_of(files[index].path, step.image.reader)
        if index is None or (work is not None and ref_of(work) != step.image):
            done = "redone" if forward else "undone"
            self.told.emit("warn", OTHER_FILE.format(name=step.image.name, done=done))
            return False
        if step.image.reader:
            if work is None:
                self.told.emit("warn", OTHER_READ.format(reader=step.image.reader))
                return False
            self._session.take(work)
            return True
        if work is None:
            self._waiting = self.redo if forward else self.undo
        self._opener.choose(index)
        return work is not None

    def _apply(self, move: Move) -> None:
        line = move.step.line
        if isinstance(line, DiscsLine):
            self._session.set_labelling(labelling_from_json(line.after if move.forward else line.before))
            self._recorder.take_discs_known()
            return
        work = next(one for one in self._session.works if ref_of(one) == line.image)
        if isinstance(line, CheckedLine):
            self._session.set_checked(work, line.after if move.forward else line.before)
            self._session.mark_unsaved()
        else:
            self._change_mask(work, line, move)

    def _change_mask(self, work: ScanWork, line: MaskLine, move: Move) -> None:
        ref, name, shadows = line.image, line.structure, self._recorder.shadows
        delta = move.step.delta if move.forward else move.step.delta.undone()
        there = line.now if move.forward else line.was
        self._restorer.change(work, ref, name, delta, there=there)
        shadows.take(work, ref, name, line.slices)
        self._session.mask_painted(name)
        self._restorer.tell_making(work, ref, name, self._recorder.journal.history, shadows)
        shadows.note_making(work, ref)
        if line.was != line.now:
            self._session.mask_changed.emit()
        elif line.automatic is not None:
            self._session.remarks_changed.emit()
        self._edits.made.emit(Edit(work, name, "redo" if move.forward else "undo", frozenset(line.slices)))

    def _show(self, step: Step) -> None:
        """Go to where something changed, unless that is on display."""
        work = self._session.current
        if work is None or self._viewer.dims.ndisplay == 3:
            return
        if isinstance(step.line, DiscsLine):
            changed = set(labelling_from_json(step.line.before).discs) ^ set(labelling_from_json(step.line.after).discs)
            if changed:
                go_to(self._viewer, mm_to_world(next(iter(changed)).position_mm, work.scan.grid))
        elif isinstance(step.line, MaskLine) and not step.delta.empty:
            self._show_voxels(step, step.line.image)

    def _show_voxels(self, step: Step, ref: ImageRef) -> None:
        places = np.stack(ref.order.places(step.delta.voxels()[0]), axis=1)
        extra = self._viewer.dims.ndim - 3
        hidden = [axis - extra for axis in range(extra, extra + 3) if axis not in self._viewer.dims.displayed]
        here = np.asarray(self._viewer.dims.current_step[extra:])
        if (places[:, hidden] == here[hidden]).all(axis=1).any():
            return
        slices, counts = np.unique(places[:, 0], return_counts=True)
        centre = places[places[:, 0] == slices[counts.argmax()]].mean(axis=0)
        image = self._session.current.image
        go_to(self._viewer, np.asarray(image.scale[-3:]) * centre + np.asarray(image.translate[-3:]))

    def _words(self, step: Step) -> str:
        """Say what a step was: tool, structure if not the cord, slices and level."""
        line = step.line
        if isinstance(line, DiscsLine):
            return line.tool
        slices = line.slices if isinstance(line, MaskLine) else tuple(sorted(set(line.before) ^ set(line.after)))
        what = f"{line.tool} of the {NAMES[line.structure]}" if _tells(line) else line.tool
        if not slices:
            return what
        place = f"slice {slices[0]}" if len(slices) == 1 else f"{len(slices)} slices, {slices[0]} to {slices[-1]}"
        level = self._level_of(slices[len(slices) // 2])
        return f"{what} on {place}{', ' + level if level else ''}"

    def _own_layers(self) -> None:
        """Let undo and redo of our masks go by the journal, whoever asks: napari's own knows nothing of it."""
        work = self._session.current
        for layer in work.masks().values() if work else ():
            for key, method in KEYS_OF_LAYERS.items():
                own = _held_weakly(getattr(self, method))
                layer.bind_key(key, lambda _layer, deed=own: QTimer.singleShot(0, deed), overwrite=True)
                setattr(layer, method, own)


KEYS_OF_LAYERS = {"Control-Z": "undo", "Control-Shift-Z": "redo", "Control-Y": "redo"}
"""A labels layer has undo and redo of its own on the first two, before the window's keys are asked."""


def ref_of_current(session: Session) -> ImageRef | None:
    """Tell which image is in hand."""
    return None if session.current is None else ref_of(session.current)


def _tells(line: MaskLine | CheckedLine) -> bool:
    return isinstance(line, MaskLine) and (line.structure != "cord" or line.automatic is not None)


def _held_weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls a method as long as its owner lives: a layer must not keep the window alive."""
    held = WeakMethod(method)

    def call() -> None:
        alive = held()
        if alive is not None:
            alive()

    return call

"""Segmenting again from what a person shows: points along the cord, scribbles in and out of it, edited slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.cord.prepared import Prepared
from napari_spinalq.cord.prompts import Point, Prompts
from napari_spinalq.cord.segment import CordSegmentation, resegment
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import from_display, to_display, world_to_mm
from napari_spinalq.gui.display import Plane, current_plane
from napari_spinalq.gui.drawing.edits import MaskEditor
from napari_spinalq.gui.keys import stop_on_escape
from napari_spinalq.gui.picking import Picker
from napari_spinalq.gui.segmenting import Confirm, Segmenter, prepared_for
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import CORD, ScanWork
from napari_spinalq.gui.workers import Runner
from napari_spinalq.io.journal import Step
from napari_spinalq.progress import Progress, portion

if TYPE_CHECKING:
    from napari.components import ViewerModel

IN, OUT = layers.SCRIBBLE_IN, layers.SCRIBBLE_OUT
LABELS = {"in": IN, "out": OUT}

CLICK_ALONG = "Click on the cord, in as many places as it takes (any plane). Esc ends."
PAINT_IN = "Paint over what is cord but is left out. Ctrl+Z takes the stroke back, Esc ends."
PAINT_OUT = "Paint over what is not cord but is in the mask. Ctrl+Z takes the stroke back, Esc ends."
TOOL = "segmentation from prompts"
MEND_FIRST = "Mend one slice or more with the brush first, or accept one (G); the others then follow."
ALL_EDITED = "All scribbles lie in slices that you edited or accepted, which stay as they are; use the brush there."


class Prompter:
    """Turns clicks, scribbles and edited slices into a new outline of all other slices.

    Every result keeps the edited slices and is one step of undo. The scribbles that led to it go and come back with it.
    """

    told = Signal(str, str)
    waiting = Signal(bool)
    scribbling = Signal(str)
    undo_wanted = Signal()
    redo_wanted = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        runner: Runner,
        picker: Picker,
        segmenter: Segmenter,
        edits: MaskEditor,
        ask: Confirm,
    ) -> None:
        self._viewer, self._session, self._runner = viewer, session, runner
        self._picker, self._segmenter, self._edits, self._ask = picker, segmenter, edits, ask
        self._points: list[Point] = []
        self.scribbles: Labels | None = None
        self._new_strokes = 0
        self._strokes_of: dict[int, int] = {}
        self._taking_strokes = self._loose_strokes = 0
        self._again = self._taking = False
        session.mask_changed.connect(self._start_anew)
        viewer.layers.events.removed.connect(self._forget_removed)
        viewer.layers.selection.events.active.connect(self._tell_tool)
        runner.stopped.connect(self._run_again)

    def wait_for_points(self, on: bool) -> None:
        """Take click after click on the cord, or stop waiting for them; each is followed at once."""
        if not on:
            self._picker.stop()
            return
        if self._session.held_back():
            self.waiting.emit(False)
            return
        self._points.clear()
        self._wait()
        self.told.emit("plain", CLICK_ALONG)

    def scribble(self, kind: str) -> None:
        """Take the brush to paint ``in`` or ``out``, or put it down (an empty string)."""
        work = self._session.current
        if work is None or not kind:
            self._put_down()
            return
        if self._session.held_back():
            self._tell_tool()
            return
        self._picker.stop()
        if self.scribbles is None:
            self.scribbles = layers.add_scribbles(self._viewer, work.scan)
            self.scribbles.events.paint.connect(self._stroke_ended)
            self.scribbles.events.mode.connect(self._tell_tool)
            self.scribbles.events.selected_label.connect(self._tell_tool)
            stop_on_escape(self.scribbles, self.stop)
            self._own_undo(self.scribbles)
        self._viewer.layers.selection.active = self.scribbles
        self.scribbles.selected_label = LABELS[kind]
        self.scribbles.mode = "paint"
        if current_plane(self._viewer) is not Plane.AXIAL:
            self._segmenter.close_in(Plane.AXIAL)
        self._tell_tool()
        self.told.emit("plain", PAINT_IN if kind == "in" else PAINT_OUT)

    def toggle_scribble(self, kind: str) -> None:
        """Take the brush for this kind, or put it down if it is in the hand."""
        self.scribble("" if self._tool() == kind else kind)

    def follow(self) -> None:
        """Draw all other slices anew in the way of the edited ones."""
        work = self._session.current
        if self._session.held_back():
            return
        if work is None or work.mask is None or not work.settled_slices().any():
            self.told.emit("plain", MEND_FIRST)
            return
        self._run()

    def undo(self) -> None:
        """Take back the last stroke if it did nothing to the mask, else the last step whatever it was."""
        if self.scribbles is not None and (self._loose_strokes or self._new_strokes):
            Labels.undo(self.scribbles)
            self._loose_strokes, self._new_strokes = max(self._loose_strokes - 1, 0), 0
        else:
            self.undo_wanted.emit()

    def pair(self, step: Step) -> None:
        """Remember which strokes led to a step, when it is written."""
        if self._taking_strokes:
            self._strokes_of[step.number] = self._taking_strokes
            self._taking_strokes = 0

    def follow_history(self, step: Step, forward: bool) -> None:
        """Take back, or bring back, the strokes that led to a step."""
        for _ in range(self._strokes_of.get(step.number, 0) if self.scribbles is not None else 0):
            (Labels.redo if forward else Labels.undo)(self.scribbles)

    def stop(self) -> None:
        """Put the scribbling brush down."""
        if self._tool():
            self._put_down()

    def close(self) -> None:
        """Listen no more: the window closes."""
        self._session.mask_changed.disconnect(self._start_anew)
        self._viewer.layers.events.removed.disconnect(self._forget_removed)
        self._viewer.layers.selection.events.active.disconnect(self._tell_tool)

    def _wait(self) -> None:
        self._picker.wait(self._clicked, lambda: self.waiting.emit(False))
        self._activate_mask()
        self.waiting.emit(True)

    def _clicked(self, world: np.ndarray) -> None:
        x, y, z = (float(value) for value in world_to_mm(world, self._session.current.scan.grid))
        self._points.append((x, y, z))
        self._wait()
        self._run()

    def _stroke_ended(self) -> None:
        self._new_strokes += 1
        self._run()

    def _run(self) -> None:
        """Segment again from all that was shown; while other work runs, after it."""
        work = self._session.current
        if work is None or self._session.held_back() or (work.edits_unknown and not self._may_replace()):
            return
        if self._runner.busy:
            self._again = True
            return
        prompts = self._prompts(work)
        if prompts.empty:
            self.told.emit("warn", ALL_EDITED)
            return
        strokes, self._new_strokes = self._new_strokes, 0

        def task(progress: Progress) -> tuple[Prepared, CordSegmentation]:
            prepared = prepared_for(work, portion(progress, 0.0, 0.5))
            rest = portion(progress, 0.5, 1.0)
            return prepared, resegment(work.scan, prompts, prepared=prepared, progress=rest)

        self._runner.run("Segmenting again", task, lambda done: self._take(work, strokes, *done))

    def _prompts(self, work: ScanWork) -> Prompts:
        edited = np.zeros(work.scan.grid.reoriented(WORK_AXES).shape[0], bool)
        if work.mask is not None:
            edited = work.settled_slices()
        fixed = work.mask_on_file_grid() if edited.any() else None
        inside, outside = (self._painted(work, label, edited) for label in (IN, OUT))
        return Prompts(tuple(self._points), inside, outside, fixed, edited if fixed is not None else None)

    def _painted(self, work: ScanWork, label: int, edited: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Return what is painted in slices that nobody edited, on the grid of the file; None if nothing."""
        if self.scribbles is None:
            return None
        painted = np.asarray(self.scribbles.data) == label
        painted[edited] = False
        return from_display(painted, work.scan.grid) if painted.any() else None

    def _take(self, work: ScanWork, strokes: int, prepared: Prepared, found: CordSegmentation) -> None:
        if work is not self._session.current or self._session.held_back():  # since the work began
            return
        work.prepared = prepared
        drawn = to_display(found.mask, work.scan.grid)
        if work.mask is None:
            mask = layers.add_mask(self._viewer, found.mask, work.scan, work.image)
            self._taking, self._taking_strokes = True, strokes
            self._session.set_mask(work, mask, found.centerline, found.flags, found.parameters)
            self._taking, self._taking_strokes = False, 0
            return
        edited = work.settled_slices()
        changed = np.asarray(work.mask.data) != drawn
        changed[edited] = False
        slices = np.flatnonzero(changed.any(axis=(1, 2))).tolist()
        drawn[edited] = work.mask.data[edited]
        self._edits.show(work, CORD, {index: drawn[index] for index in slices})
        self._session.mend_mask(work, found, ~edited)
        self._taking_strokes = strokes
        self._edits.finish(work, CORD, TOOL)
        self._loose_strokes += self._taking_strokes
        self._taking_strokes = 0

    def _run_again(self, _cancelled: bool) -> None:
        if self._again:
            self._again = False
            self._run()

    def _may_replace(self) -> bool:
        """Ask once whether slices may be drawn anew of which it is not known who drew them."""
        work = self._session.current
        agreed = self._ask(
            "Draw slices anew?",
            "This mask was edited before it was saved, and it is not recorded in which slices. All slices but those "
            "that you edit from now on are drawn anew.",
        )
        work.edits_unknown = not agreed
        return agreed

    def _start_anew(self) -> None:
        """Forget what was shown: there is another scan, or another mask as a whole."""
        if self._taking:
            return
        self._points.clear()
        self._strokes_of.clear()
        self._new_strokes, self._loose_strokes, self._again = 0, 0, False
        layers.remove(self._viewer, self.scribbles)

    def _forget_removed(self, event: Any) -> None:
        if event.value is self.scribbles:
            self.scribbles = None
            self._tell_tool()

    def _put_down(self) -> None:
        if self.scribbles is not None:
            self.scribbles.mode = "pan_zoom"
        self._activate_mask()
        self._tell_tool()

    def _own_undo(self, scribbles: Labels) -> None:
        """Let undo of the scribbles go by the history of the exam: napari's own knows of no mask."""
        scribbles.bind_key("Control-Z", lambda _layer: self.undo(), overwrite=True)
        for key in ("Control-Shift-Z", "Control-Y"):
            scribbles.bind_key(key, lambda _layer: self.redo_wanted.emit(), overwrite=True)

    def _activate_mask(self) -> None:
        """Select the mask: it is what changes."""
        work = self._session.current
        if work is not None and work.mask is not None:
            self._viewer.layers.selection.active = work.mask

    def _tool(self) -> str:
        """Return ``in`` or ``out`` if that brush is in the hand, else an empty string."""
        layer = self.scribbles
        if layer is None or self._viewer.layers.selection.active is not layer or str(layer.mode) != "paint":
            return ""
        return next((kind for kind, label in LABELS.items() if label == layer.selected_label), "")

    def _tell_tool(self) -> None:
        self.scribbling.emit(self._tool())

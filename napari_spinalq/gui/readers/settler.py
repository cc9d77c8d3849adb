"""Two reads of the scan at hand beside each other: figures, where they differ, and a consensus that settles it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from psygnal import Signal

from napari_spinalq.errors import InputError
from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import from_display, placement, to_display
from napari_spinalq.gui.display import Plane, current_plane, show_plane, zoom_on_cord
from napari_spinalq.gui.drawing.edits import Edit, MaskEditor
from napari_spinalq.gui.readers.raters import SAVE_FIRST, Raters
from napari_spinalq.gui.readers.settling import Reads, Settling
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import CORD, ScanWork
from napari_spinalq.gui.workers import Runner
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress
from napari_spinalq.quality.readers.adjudication import Adjudication, Choice, Patch
from napari_spinalq.quality.readers.comparison import Comparison, compare_masks
from napari_spinalq.quality.readers.overlap import difference_map
from napari_spinalq.quality.readers.reads import CONSENSUS, save_read

if TYPE_CHECKING:
    from napari.components import ViewerModel

NOT_COMPARING = "Compare two reads first."


class Scope(StrEnum):
    """What a decision is about."""

    PATCH = "this patch"
    SLICE = "this slice"
    REST = "all that are left"


class Settler:
    """Compares the first read with another, leads through the disagreements and keeps the consensus.

    Signals
    -------
    changed
        Another comparison, another patch in view, or a decision.
    told : str, str
        Kind and sentence for the user.
    """

    changed = Signal()
    told = Signal(str, str)

    def __init__(
        self, viewer: ViewerModel, session: Session, runner: Runner, raters: Raters, edits: MaskEditor
    ) -> None:
        self._viewer, self._session, self._runner = viewer, session, runner
        self._raters, self._edits = raters, edits
        self._begun: list[Settling] = []
        self._now: Settling | None = None
        self._difference: Labels | None = None
        session.scan_changed.connect(self._follow)
        edits.made.connect(self._note_edit)

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.scan_changed.disconnect(self._follow)
        self._edits.made.disconnect(self._note_edit)

    @property
    def comparison(self) -> Comparison | None:
        """What was compared; None while nothing is."""
        return None if self._now is None else self._now.reads.comparison

    @property
    def rater(self) -> str:
        """Whose read is compared with the first."""
        return "" if self._now is None else self._now.reads.rater

    @property
    def patch(self) -> Patch | None:
        """The disagreement in view."""
        now = self._now
        return None if now is None or now.at is None else now.decisions.patches[now.at]

    @property
    def decided(self) -> Choice | None:
        """What was decided about the disagreement in view."""
        now = self._now
        return None if now is None or now.at is None else now.decisions.choice(now.at)

    @property
    def left(self) -> tuple[int, int]:
        """Number of patches on which nobody decided, and of all patches."""
        return (0, 0) if self._now is None else self._now.left

    def compare(self, rater: str) -> None:
        """Compare the first read of the scan at hand with another.

        Raises
        ------
        InputError
            If a read is missing, or edits are not saved.
        """
        if self._session.unsaved:
            raise InputError(SAVE_FIRST)
        first, one, other = self._raters.first(), self._raters.mask_of(""), self._raters.mask_of(rater)
        scan, labelling = first.scan, self._session.labelling
        begun = [one for one in self._known() if one.reads.rater == rater and one.work.scan is scan]
        if begun and begun[0].same_reads(one, other):
            self._show(begun[0])
            return

        def task(progress: Progress) -> Reads:
            progress(0.0, "Measuring the first read")
            levels = measure_scan(scan, one, labelling).slice_levels if labelling.discs else None
            progress(0.5, "Comparing")
            return Reads(one, other, rater, compare_masks(one, other, scan.grid, levels))

        self._runner.run("Comparing two reads", task, lambda found: self._take(first, found))

    def go_on(self) -> None:
        """Go to the largest disagreement after the one in view on which nobody decided."""
        now = self._now
        if now is None:
            self.told.emit("plain", NOT_COMPARING)
            return
        left = now.decisions.left
        if not left:
            self.told.emit("good", "Every disagreement is decided; save the consensus.")
            self.changed.emit()
            return
        later = [number for number in left if now.at is None or number > now.at]
        now.at = later[0] if later else left[0]
        self._look(now)
        self.changed.emit()

    def decide(self, choice: Choice, scope: Scope = Scope.PATCH) -> None:
        """Settle the disagreement in view, those of its slice, or all that are left."""
        now = self._now
        if now is None or now.at is None:
            self.told.emit("plain", NOT_COMPARING)
            return
        if self._session.read_only:
            self.told.emit("warn", self._session.read_only)
            return
        numbers = self._numbers(now, scope)
        planes = now.decisions.decide(numbers, choice, np.asarray(now.work.mask.data))
        self._edits.change(now.work, CORD, planes, f"adjudicate: {choice.value}")
        now.saved = False
        self._session.mark_unsaved()
        self._fade(now, numbers)
        self.go_on()

    def unsaved(self) -> list[ScanWork]:
        """Return the consensus masks to be saved: that at hand, and those that changed since they were saved."""
        return [one.work for one in self._known() if one is self._now or not one.saved]

    def save(self, folder: Path, *, overwrite: bool = False) -> list[Path]:
        """Save the consensus with a record of what came from whom; one that is not finished says so.

        Raises
        ------
        InputError
            As :func:`~napari_spinalq.quality.readers.reads.save_read`.
        """
        wanted = self.unsaved()
        written = []
        for one in self._known():
            if any(one.work is work for work in wanted):
                scan, exam = one.work.scan, self._session.exam
                mask = from_display(np.asarray(one.work.mask.data), scan.grid)
                about, flags = one.record(), one.flags()
                written += save_read(
                    {CORD: mask}, scan, exam, folder, CONSENSUS, about, flags=flags, overwrite=overwrite
                )
                one.saved = True
        return written

    def close(self) -> None:
        """End the comparison at hand and go back to the first read."""
        now = self._now
        self._pause()
        if now is not None:
            self._begun.remove(now)
            self._raters.drop()
        self.changed.emit()

    def _take(self, first: ScanWork, found: Reads) -> None:
        self._pause()
        for old in [one for one in self._known() if one.work.scan is first.scan]:
            self._session.drop_read(old.work, first)
        work = self._raters.add_read(first, CONSENSUS, found.first, {"began_with": "the first read"})
        one, other = (to_display(mask, work.scan.grid) for mask in (found.first, found.second))
        begun = Settling(work, found, Adjudication(one, other))
        self._begun = [*self._known(), begun]
        self._show(begun)

    def _show(self, one: Settling) -> None:
        """Take a consensus in hand, with the layer that shows where the reads differ."""
        self._pause()
        self._session.take(one.work)
        self._now = one
        masks = (to_display(mask, one.work.scan.grid) for mask in (one.reads.first, one.reads.second))
        self._difference = layers.add_difference(self._viewer, difference_map(*masks), one.work.scan.grid)
        total = range(len(one.decisions.patches))
        self._fade(one, [number for number in total if number not in one.decisions.left])
        self._viewer.layers.selection.active = layers.style_consensus(one.work.mask)
        if one.decisions.patches:
            self.go_on()
        else:
            self.told.emit("good", "The two reads are equal.")
        self.changed.emit()

    @staticmethod
    def _numbers(now: Settling, scope: Scope) -> Sequence[int]:
        if scope is Scope.REST:
            return now.decisions.left
        return (now.at,) if scope is Scope.PATCH else now.decisions.of_slice(now.decisions.patches[now.at].slice)

    def _fade(self, now: Settling, numbers: Sequence[int]) -> None:
        """Show no longer that masks differ where it is decided."""
        for number in numbers:
            patch = now.decisions.patches[number]
            rows, columns = patch.first_only.shape
            shown = self._difference.data[patch.slice, patch.top : patch.top + rows, patch.left : patch.left + columns]
            shown[patch.first_only | patch.second_only] = 0
        self._difference.refresh()

    def _look(self, now: Settling) -> None:
        """Bring the patch into view, in the axial plane."""
        scale, translate = placement(now.work.scan.grid)
        if current_plane(self._viewer) is not Plane.AXIAL:
            show_plane(self._viewer, Plane.AXIAL)
        zoom_on_cord(self._viewer, np.array([self.patch.slice, *self.patch.centre]) * scale + translate)

    def _known(self) -> list[Settling]:
        """Return what was begun on scans that are still open."""
        return [one for one in self._begun if any(one.work is work for work in self._session.works)]

    def _follow(self) -> None:
        """Set the comparison aside when another scan, or another read, is taken in hand; Compare brings it back."""
        if self._now is not None and self._session.current is not self._now.work:
            self._pause()
            self.changed.emit()

    def _note_edit(self, edit: Edit) -> None:
        for one in self._begun:
            if one.work is edit.work:
                one.saved = False

    def _pause(self) -> None:
        layers.remove(self._viewer, self._difference)
        self._now = self._difference = None

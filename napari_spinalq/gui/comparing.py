"""Two reads of the scan at hand beside each other: figures, where they differ, and a consensus that settles it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.errors import InputError
from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import from_display, placement, to_display
from napari_spinalq.gui.display import Plane, current_plane, show_plane, zoom_on_cord
from napari_spinalq.gui.edits import MaskEditor
from napari_spinalq.gui.raters import SAVE_FIRST, Raters
from napari_spinalq.gui.session import CORD, ScanWork, Session
from napari_spinalq.gui.workers import Runner
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress
from napari_spinalq.quality.adjudication import Adjudication, Choice, Patch, origins_in_words
from napari_spinalq.quality.comparison import Comparison, compare_masks
from napari_spinalq.quality.overlap import difference_map
from napari_spinalq.quality.reads import CONSENSUS, save_read

if TYPE_CHECKING:
    from napari.components import ViewerModel

NOT_COMPARING = "Compare two reads first."


class Scope(StrEnum):
    """What a decision is about."""

    PATCH = "this patch"
    SLICE = "this slice"
    REST = "all that are left"


@dataclass(frozen=True)
class _Reads:
    """Two masks in the axis order of the file, and what was found about them."""

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    rater: str
    comparison: Comparison


class Comparer:
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
        self._reads: _Reads | None = None
        self._work: ScanWork | None = None
        self._difference: Labels | None = None
        self._decisions: Adjudication | None = None
        self._at: int | None = None
        session.scan_changed.connect(self._follow)

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.scan_changed.disconnect(self._follow)

    @property
    def comparison(self) -> Comparison | None:
        """What was compared; None while nothing is."""
        return None if self._reads is None else self._reads.comparison

    @property
    def rater(self) -> str:
        """Whose read is compared with the first."""
        return "" if self._reads is None else self._reads.rater

    @property
    def patch(self) -> Patch | None:
        """The disagreement in view."""
        return None if self._decisions is None or self._at is None else self._decisions.patches[self._at]

    @property
    def decided(self) -> Choice | None:
        """What was decided about the disagreement in view."""
        return None if self._decisions is None or self._at is None else self._decisions.choice(self._at)

    @property
    def left(self) -> tuple[int, int]:
        """Number of patches on which nobody decided, and of all patches."""
        return (0, 0) if self._decisions is None else (len(self._decisions.left), len(self._decisions.patches))

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

        def task(progress: Progress) -> _Reads:
            progress(0.0, "Measuring the first read")
            levels = measure_scan(scan, one, labelling).slice_levels if labelling.discs else None
            progress(0.5, "Comparing")
            return _Reads(one, other, rater, compare_masks(one, other, scan.grid, levels))

        self._runner.run("Comparing two reads", task, lambda found: self._take(first, found))

    def go_on(self) -> None:
        """Go to the largest disagreement after the one in view on which nobody decided."""
        if self._decisions is None:
            self.told.emit("plain", NOT_COMPARING)
            return
        left = self._decisions.left
        if not left:
            self.told.emit("good", "Every disagreement is decided; save the consensus.")
            self.changed.emit()
            return
        later = [number for number in left if self._at is None or number > self._at]
        self._at = later[0] if later else left[0]
        self._look()
        self.changed.emit()

    def decide(self, choice: Choice, scope: Scope = Scope.PATCH) -> None:
        """Settle the disagreement in view, those of its slice, or all that are left."""
        if self._decisions is None or self._work is None or self._at is None:
            self.told.emit("plain", NOT_COMPARING)
            return
        if self._session.read_only:
            self.told.emit("warn", self._session.read_only)
            return
        numbers = self._numbers(scope)
        planes = self._decisions.decide(numbers, choice, np.asarray(self._work.mask.data))
        self._edits.change(self._work, CORD, planes, f"adjudicate: {choice.value}")
        self._session.mark_unsaved()
        self._fade(numbers)
        self.go_on()

    def save(self, folder: Path, *, overwrite: bool = False) -> list[Path]:
        """Save the consensus with a record of what came from whom.

        Raises
        ------
        InputError
            If a disagreement is left, or as :func:`~napari_spinalq.quality.reads.save_read`.
        """
        if self._decisions is None or self._work is None or self._reads is None:
            raise InputError(NOT_COMPARING)
        left, total = self.left
        if left:
            raise InputError(
                f"{left} of {total} disagreements are not decided yet; decide them, or take one way for all left."
            )
        mask = from_display(np.asarray(self._work.mask.data), self._work.scan.grid)
        about = {
            "readers": {"first": "the first read", "second": self._reads.rater},
            "slices": origins_in_words(self._decisions.origins(self._work.mask.data)),
            "slices_not_listed": "both readers agree",
        }
        exam = self._session.exam
        written = save_read({CORD: mask}, self._work.scan, exam, folder, CONSENSUS, about, overwrite=overwrite)
        self._session.mark_saved()
        return written

    def close(self) -> None:
        """End the comparison and go back to the first read."""
        work = self._work
        self._forget()
        if work is not None and work in self._works():
            self._raters.drop()
        self.changed.emit()

    def _take(self, first: ScanWork, found: _Reads) -> None:
        self._forget()
        for old in [work for work in self._works() if work.rater == CONSENSUS]:
            self._session.drop_read(old, first)
        self._reads = found
        work = self._raters.add_read(first, CONSENSUS, found.first, {"began_with": "the first read"})
        grid = work.scan.grid
        one, other = (to_display(mask, grid) for mask in (found.first, found.second))
        self._work, self._decisions = work, Adjudication(one, other)
        self._difference = layers.add_difference(self._viewer, difference_map(one, other), grid)
        self._viewer.layers.selection.active = layers.style_consensus(work.mask)
        if self._decisions.patches:
            self.go_on()
        else:
            self.told.emit("good", "The two reads are equal.")
        self.changed.emit()

    def _numbers(self, scope: Scope) -> Sequence[int]:
        if scope is Scope.REST:
            return self._decisions.left
        return (self._at,) if scope is Scope.PATCH else self._decisions.of_slice(self.patch.slice)

    def _fade(self, numbers: Sequence[int]) -> None:
        """Show no longer that masks differ where it is decided."""
        for number in numbers:
            patch = self._decisions.patches[number]
            rows, columns = patch.first_only.shape
            shown = self._difference.data[patch.slice, patch.top : patch.top + rows, patch.left : patch.left + columns]
            shown[patch.first_only | patch.second_only] = 0
        self._difference.refresh()

    def _look(self) -> None:
        """Bring the patch into view, in the axial plane."""
        scale, translate = placement(self._work.scan.grid)
        if current_plane(self._viewer) is not Plane.AXIAL:
            show_plane(self._viewer, Plane.AXIAL)
        zoom_on_cord(self._viewer, np.array([self.patch.slice, *self.patch.centre]) * scale + translate)

    def _works(self) -> list[ScanWork]:
        return [work for work in self._session.works if work.rater]

    def _follow(self) -> None:
        """End the comparison when another scan, or another read, is taken in hand."""
        if self._work is not None and self._session.current is not self._work:
            self._forget()
            self.changed.emit()

    def _forget(self) -> None:
        layers.remove(self._viewer, self._difference)
        self._reads = self._work = self._difference = self._decisions = self._at = None

"""What became of every slice (untouched, checked unchanged, edited), and the way from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from superqt.utils import qthrottled

from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.drawing.edits import MaskEditor
from napari_spinalq.gui.measuring import Measurer
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.metrics import review
from napari_spinalq.vertebrae import level_name

if TYPE_CHECKING:
    from napari.components import ViewerModel

NO_MASK = "Segment the cord first: slices are accepted once there is a mask."
EMPTY_SLICE = "Slice {index} holds no cord, so there is nothing to accept."
ALL_SEEN = "Every slice of the cord is checked or edited."

WORDS_MS = 100
"""While the brush moves, the line of words changes this often at most: it can hardly be read faster."""


class Status(IntEnum):
    """What a person did with a slice; the numbers are those of the metric ``review`` in tables per slice."""

    UNTOUCHED = review.UNTOUCHED
    CHECKED = review.CHECKED
    EDITED = review.EDITED

    @property
    def words(self) -> str:
        """What is shown."""
        return ("untouched", "checked", "edited")[self]


@dataclass(frozen=True, eq=False)
class SliceState:
    """Where the reader stands.

    Attributes
    ----------
    index : int
        The axial slice that is shown, numbered from inferior.
    level : str
        Its vertebral level; empty if unknown.
    area_mm2 : float, optional
        Area of the cord in it.
    status : array of int, shape (n_slices,)
        ``Status`` of every slice of the scan.
    held : array of bool, shape (n_slices,)
        Slices that hold the cord.
    """

    index: int
    level: str
    area_mm2: float | None
    status: NDArray[np.int_]
    held: NDArray[np.bool_]

    def sentence(self) -> str:
        """Return slice, level, status, area and how far the review is, in two lines."""
        level = f" {self.level}" if self.level else ""
        area = "" if self.area_mm2 is None else f" {self.area_mm2:.1f} mm²"
        counts = {status: int((self.status[self.held] == status).sum()) for status in Status}
        return (
            f"Slice {self.index}{level}{area}: {Status(int(self.status[self.index])).words}\n"
            f"{counts[Status.EDITED]} edited, {counts[Status.CHECKED]} checked of {int(self.held.sum())}"
        )


class SliceReview:
    """Keeps the account of the slices of the scan at hand.

    Signals
    -------
    changed : SliceState or None
        The reader went on, or a slice got another status; None without a mask.
    told : str, str
        Kind and sentence for the user.
    """

    changed = Signal(object)
    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel, session: Session, edits: MaskEditor, measurer: Measurer) -> None:
        self._viewer, self._session, self._measurer = viewer, session, measurer
        self._status: NDArray[np.int_] | None = None
        self._counted: ScanWork | None = None
        session.mask_changed.connect(self._count_anew)
        session.remarks_changed.connect(self._count_anew)
        session.checked_changed.connect(self._count_anew)
        edits.made.connect(self._count_anew)
        measurer.measured.connect(self._count_anew)
        self._tell_now_and_then = qthrottled(self._tell, timeout=WORDS_MS)
        measurer.rows_changed.connect(self._follow_brush)
        viewer.dims.events.point.connect(self._tell)

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.mask_changed.disconnect(self._count_anew)
        self._measurer.measured.disconnect(self._count_anew)
        self._measurer.rows_changed.disconnect(self._follow_brush)
        self._viewer.dims.events.point.disconnect(self._tell)

    def state(self) -> SliceState | None:
        """Return where the reader stands; None without a mask."""
        work, here = self._session.current, self.here()
        if work is None or work.mask is None or here is None or self._status is None or work is not self._counted:
            return None  # also while another scan is being put on display
        held, area = self._measured(work, here)
        return SliceState(here, self._level(here), area, self._status, held)

    def here(self) -> int | None:
        """Return the axial slice that is shown, numbered from inferior; None without a scan."""
        work = self._session.current
        if work is None:
            return None
        count = work.scan.grid.reoriented(WORK_AXES).shape[0]
        index = round(float(work.image.world_to_data(self._viewer.dims.point)[-3]))
        return min(max(index, 0), count - 1)

    def accept(self) -> None:
        """Note that the slice that is shown is right as it is, and go to the next one that nobody looked at."""
        work, here = self._session.current, self.here()
        if work is None or work.mask is None or here is None:
            self.told.emit("plain", NO_MASK)
            return
        if not work.mask.data[here].any():
            self.told.emit("plain", EMPTY_SLICE.format(index=here))
            return
        if self._session.read_only:
            self.told.emit("bad", self._session.read_only)
            return
        if self._status is not None and self._status[here] != Status.EDITED:
            self._session.set_checked(work, work.checked | {here})
        self.next_untouched()

    def take_back(self) -> None:
        """Let the slice that is shown count as not checked."""
        work, here = self._session.current, self.here()
        if work is not None and here is not None and not self._session.held_back():
            self._session.set_checked(work, work.checked - {here})

    def next_untouched(self) -> None:
        """Go down to the next slice that nobody checked or edited; after the lowest, begin at the top."""
        work, here = self._session.current, self.here()
        if work is None or work.mask is None or here is None or self._status is None:
            self.told.emit("plain", NO_MASK)
            return
        left = np.flatnonzero(self._measured(work, here)[0] & (self._status == Status.UNTOUCHED))
        if not len(left):
            self.told.emit("good", ALL_SEEN)
            return
        below = left[left < here]
        self.go_to(int(below[-1] if len(below) else left[-1]))

    def step(self, count: int) -> None:
        """Go this many slices up (positive) or down; the place within the slice stays."""
        here = self.here()
        if here is not None:
            self.go_to(here + count)

    def step_level(self, count: int) -> None:
        """Go to the middle of the next level above (1) or below (-1)."""
        levels, here = self._measurer.levels(), self.here()
        if levels is None or here is None or not len(levels.level):
            self.told.emit("plain", "Find the discs first: levels lie between them.")
            return
        named = {int(level): own for level, own in zip(levels.level, levels.slices, strict=True)}
        middles = {level: float(np.mean(own)) for level, own in named.items() if here not in own}
        beyond = {level: z for level, z in middles.items() if (z > here) == (count > 0)}
        if beyond:
            self._measurer.go_to_level(min(beyond, key=lambda level: abs(beyond[level] - here)))

    def go_to(self, index: int) -> None:
        """Show an axial slice; the place within it stays."""
        work = self._session.current
        if work is None:
            return
        count = work.scan.grid.reoriented(WORK_AXES).shape[0]
        target = work.image.data_to_world([0] * (work.image.ndim - 3) + [min(max(index, 0), count - 1), 0, 0])[-3]
        self._viewer.dims.set_point(self._viewer.dims.ndim - 3, float(target))

    def _count_anew(self) -> None:
        """Look again at which slices are edited: it takes a digest of the mask, so not at every step of the brush."""
        work = self._counted = self._session.current
        if work is None or work.mask is None:
            self._status = None
        else:
            self._status = np.where(work.edited_slices(), int(Status.EDITED), int(Status.UNTOUCHED))
            seen = [index for index in work.checked if index < len(self._status)]
            self._status[seen] = np.maximum(self._status[seen], int(Status.CHECKED))
        self._tell()

    def _follow_brush(self) -> None:
        self._tell_now_and_then()

    def _tell(self) -> None:
        self.changed.emit(self.state())

    def _measured(self, work: ScanWork, index: int) -> tuple[NDArray[np.bool_], float | None]:
        """Return which slices hold the cord, and its area in one of them, mm2 (None: no cord there)."""
        live = self._measurer.live
        if live is None:
            return np.asarray(work.mask.data).any(axis=(1, 2)), None
        shapes = live.cord.shapes
        held = np.zeros(shapes.slice_count, dtype=bool)
        held[shapes.slice_index] = True
        place = np.flatnonzero(shapes.slice_index == index)
        return held, float(shapes.area_mm2[place[0]]) if len(place) else None

    def _level(self, index: int) -> str:
        levels = self._measurer.levels()
        if levels is None:
            return ""
        named = zip(levels.level, levels.slices, strict=True)
        return next((level_name(int(level)) for level, own in named if index in own), "")

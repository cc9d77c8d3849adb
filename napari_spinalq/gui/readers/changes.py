"""What edits did to each level: the mask in hand against the last automatic one, whenever the brush rests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.gui.links import Link
from napari_spinalq.gui.measuring import Measurer
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.table_model import Row
from napari_spinalq.gui.work import CORD, ScanWork
from napari_spinalq.metrics.live import LiveShapes
from napari_spinalq.metrics.live_structures import LiveStructures
from napari_spinalq.metrics.profile import profile_of
from napari_spinalq.quality.readers.change import EditHistory, LevelChange, Verdict, level_changes, signed
from napari_spinalq.quality.readers.overlap import slice_overlap

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk
    from napari_spinalq.gui.panels.change_panel import ChangePanel

NOTHING_TO_COMPARE = "No automatic mask to compare with: this mask was edited before it was saved."
NO_LEVELS = "Name the levels to see what edits change."

SIGNS = {Verdict.UNCHANGED: "=", Verdict.WITHIN: "≈", Verdict.UNKNOWN: "?"}
"""How a verdict is shown in a narrow column; a change beyond noise shows its direction."""


class Changes:
    """Compares the structure in hand with its last automatic mask.

    Signals
    -------
    rows_changed : list of Row
        A row per level, see :func:`change_rows`.
    note_changed : str
        Why there are no rows; empty if there are.
    hint_changed : str
        That further polishing of the level touched last changes nothing measurable; empty while it may.
    """

    rows_changed = Signal(list)
    note_changed = Signal(str)
    hint_changed = Signal(str)

    def __init__(self, session: Session, measurer: Measurer) -> None:
        self._session, self._measurer = session, measurer
        self.recall: Callable[[ScanWork, str], NDArray | None] = _forgotten
        """Asked for the automatic mask (work order) of a structure whose saved mask was edited."""
        self._before: _Before | None = None
        self._history = EditHistory()
        self._hint = ""
        measurer.measured.connect(self.tell)
        session.mask_changed.connect(self.tell)
        session.structure_changed.connect(self.tell)

    def stop(self) -> None:
        """Compare no more: the window closes."""
        self._measurer.measured.disconnect(self.tell)
        self._session.mask_changed.disconnect(self.tell)
        self._session.structure_changed.disconnect(self.tell)

    def changes(self) -> tuple[LevelChange, ...]:
        """Return what edits did to each level of the structure in hand; nothing without an automatic mask or levels."""
        work, name, live = self._session.current, self._session.structure, self._measurer.live
        layer = None if work is None else work.layer_of(name)
        levels, after = self._measurer.slice_levels(), None if live is None else live.shapes(name)
        if layer is None or levels is None or after is None or after.levels is None:
            return ()
        before = self._followed(work, name, live, levels)
        if before is None:
            return ()
        overlap = slice_overlap(before.mask, layer.data)
        return level_changes(before.shapes.levels, after.levels, overlap, structure=name)

    def tell(self) -> None:
        """Compare anew and tell rows, hint and what is missing."""
        changes = self.changes()
        touched = self._history.note(changes)
        if touched:
            uneven = self._uneven_levels()
            self._hint = next(filter(None, (self._history.hint(one) for one in touched if one.level not in uneven)), "")
        self.rows_changed.emit(change_rows(changes))
        self.note_changed.emit("" if changes else self._missing())
        self.hint_changed.emit(self._hint if changes else "")

    def _uneven_levels(self) -> frozenset[int]:
        """Return the levels with spikes: a mean over a level hides what a few of its slices hold."""
        live = self._measurer.live
        levels = None if live is None else live.cord.levels
        if live is None or levels is None:
            return frozenset()
        spiky = np.flatnonzero(profile_of(live.cord.shapes, "area_mm2", live.cord.work_grid).spikes).tolist()
        named = zip(levels.level.tolist(), levels.slices, strict=True)
        return frozenset(level for level, slices in named if set(slices) & set(spiky))

    def _missing(self) -> str:
        work, live = self._session.current, self._measurer.live
        if work is None or live is None or work.layer_of(self._session.structure) is None:
            return ""
        return NO_LEVELS if self._measurer.slice_levels() is None else NOTHING_TO_COMPARE

    def _followed(self, work: ScanWork, name: str, live: LiveStructures, levels: NDArray[np.int_]) -> _Before | None:
        """Return the automatic mask with its measures; they are made once and follow levels and cord."""
        kept = work.automatic.get(name)
        key = (live, name, kept)
        if self._before is None or not all(a is b for a, b in zip(self._before.key, key, strict=True)):
            mask = self.recall(work, name) if kept is None else kept.unpacked()
            self._before, self._history, self._hint = _Before(key, mask, name, live, levels), EditHistory(), ""
        if self._before.shapes is None:
            return None
        self._before.shapes.set_levels(levels)
        return self._before


class _Before:
    """The mask before edits, with its measures; no measures where it is not known."""

    def __init__(
        self, key: tuple[object, ...], mask: NDArray | None, name: str, live: LiveStructures, levels: NDArray[np.int_]
    ) -> None:
        self.key, self.mask = key, mask
        self.shapes: LiveShapes | None = None
        if mask is not None:
            cord = None if name == CORD else live.cord
            self.shapes = LiveShapes(mask, live.cord.work_grid, levels, structure=name, cord=cord)


def change_rows(changes: Sequence[LevelChange]) -> list[Row]:
    """Return a row of the table per level: Dice, areas, change and its sign, with the words behind it."""
    return [
        {
            "number": one.level,
            "level": one.name,
            "dice": one.dice,
            "before": one.area_before_mm2,
            "after": one.area_after_mm2,
            "change": _change(one),
            "change_sort": one.area_change_mm2,
            "sign": _sign(one),
            "sign_tip": _explanation(one),
            "change_tip": _explanation(one),
        }
        for one in changes
    ]


def connect_changes(desk: Desk, changes: Changes, panel: ChangePanel) -> list[Link]:
    """Connect a panel's wishes, and return what to attach to the desk so that it follows the changes."""
    panel.level_chosen.connect(desk.measurer.go_to_level)
    return [
        (changes.rows_changed, panel.show_rows),
        (changes.note_changed, panel.show_note),
        (changes.hint_changed, panel.show_hint),
    ]


def _change(one: LevelChange) -> str:
    if one.area_change_mm2 != one.area_change_mm2:  # NaN: the mask reaches the level before or after only
        return "lost" if one.area_before_mm2 == one.area_before_mm2 else "new"
    if one.verdict is Verdict.UNCHANGED:
        return "–"
    percent = one.area_change_percent
    return f"{signed(one.area_change_mm2)} ({signed(percent, 0 if abs(percent) >= 10 else 1)} %)"


def _sign(one: LevelChange) -> str:
    if one.verdict is Verdict.BEYOND:
        return "▼" if one.area_change_mm2 < 0 or one.area_after_mm2 != one.area_after_mm2 else "▲"
    return SIGNS[one.verdict]


def _explanation(one: LevelChange) -> str:
    noise = one.noise
    if noise is None:
        return f"{one.verdict}: there are no repeat scans of this structure"
    limit = f"{noise.smallest_detectable_change:.1f} mm²"
    return f"{one.verdict}: two scans of one person differ by up to {limit} ({noise.words})"


def _forgotten(work: ScanWork, name: str) -> None:
    """Know no automatic mask but the one that is kept."""

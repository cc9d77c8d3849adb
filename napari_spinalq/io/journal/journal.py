"""The journal of an exam: every edit is written when it is made, and can be undone, redone and replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.io.journal.delta import Delta, mask_digest
from napari_spinalq.io.journal.history import History, Move, Step
from napari_spinalq.io.journal.lines import (
    Automatic,
    CheckedLine,
    DiscardedLine,
    DiscsLine,
    GroundDiscsLine,
    GroundLine,
    ImageRef,
    Line,
    MaskLine,
    RedoLine,
    SavedLine,
    SavedMask,
    UndoLine,
    encoded,
)
from napari_spinalq.io.journal.places import away_path
from napari_spinalq.io.journal.reading import JournalText, newer, read_journal
from napari_spinalq.io.journal.replay import MaskKey
from napari_spinalq.io.journal.store import JournalStore
from napari_spinalq.io.sidecar import default_author

TORN = "The last edit in {path} was cut off when it was written; what is left of it is kept beside it."
BRANCH = "Other edits of this exam, which could not be written beside the results, are kept in {path}."


class Journal:
    """Writes what is done to an exam, line by line, and knows what can be undone.

    Each method returns once its line is with the kernel (or kept elsewhere, see :class:`JournalStore`).

    Parameters
    ----------
    store : JournalStore
        Where the lines go.
    text : JournalText, optional
        What was read before, which is gone on from.
    author : str
        Who edits; by default as in :class:`~napari_spinalq.io.sidecar.Provenance`.
    """

    def __init__(self, store: JournalStore, text: JournalText | None = None, author: str = "") -> None:
        self.store = store
        self.author = author or default_author()
        self.history = text.replay.history if text else History()
        self._number = len(text.lines) if text else 0

    @classmethod
    def at(cls, home: Path, text: JournalText | None = None, author: str = "") -> Journal:
        """Return a journal at a place, to go on from what was read; nothing is written before the first edit."""
        return cls(JournalStore(home, away_path(home), text.content if text else b""), text, author)

    @property
    def begun(self) -> bool:
        """Whether it holds any line."""
        return self._number > 0

    def note_mask(
        self,
        image: ImageRef,
        structure: str,
        tool: str,
        delta: Delta,
        *,
        slices: Sequence[int],
        was: bool = True,
        now: bool = True,
        automatic: Automatic | None = None,
    ) -> Step:
        """Write a change of a mask; ``was`` and ``now`` tell whether there was a mask before, and is one after."""
        return self._step(
            MaskLine(
                tool=tool,
                image=image,
                structure=structure,
                slices=tuple(slices),
                was=was,
                now=now,
                changes=delta.as_json(),
                automatic=automatic,
                **self._head(),
            )
        )

    def note_discs(self, before: Mapping[str, Any], after: Mapping[str, Any], tool: str = "discs") -> Step:
        """Write a change of the discs."""
        return self._step(DiscsLine(tool=tool, before=dict(before), after=dict(after), **self._head()))

    def note_checked(self, image: ImageRef, before: Sequence[int], after: Sequence[int]) -> Step:
        """Write that slices were accepted unchanged, or are no longer."""
        return self._step(CheckedLine(image=image, before=tuple(before), after=tuple(after), **self._head()))

    def note_ground(self, image: ImageRef, structure: str, delta: Delta, automatic: Automatic | None = None) -> None:
        """Write a mask as it came from its file, as the delta from an empty one."""
        changes = delta.as_json()
        self._take(GroundLine(image=image, structure=structure, changes=changes, automatic=automatic, **self._head()))

    def note_ground_discs(self, discs: Mapping[str, Any]) -> None:
        """Write the discs as they came from their file."""
        self._take(GroundDiscsLine(discs=dict(discs), **self._head()))

    def note_saved(self, masks: Mapping[MaskKey, NDArray[np.uint8] | None], discs: str | None) -> None:
        """Write that these masks, as they are now, lie in their files; and so do the discs, if they have a digest."""
        saved = tuple(
            SavedMask(image=image, structure=structure, digest=mask_digest(mask))
            for (image, structure), mask in masks.items()
        )
        self._take(SavedLine(masks=saved, discs=discs, **self._head()))
        self.store.flush()

    def undo(self) -> Move | None:
        """Write that the last step that stands is taken back; return the move, or None if there is none."""
        step = self.history.undoable
        return self._take(UndoLine(step=step.number, **self._head()))[0] if step else None

    def redo(self) -> Move | None:
        """Write that the step undone last is made again; return the move, or None if there is none."""
        step = self.history.redoable
        return self._take(RedoLine(step=step.number, **self._head()))[0] if step else None

    def discard(self) -> list[Move]:
        """Write that what is not saved is given up; return the moves that lead back to what was saved."""
        return self._take(DiscardedLine(**self._head()))

    def _head(self) -> dict[str, Any]:
        return {"number": self._number + 1, "author": self.author}

    def _step(self, line: MaskLine | DiscsLine | CheckedLine) -> Step:
        return self._take(line)[0].step

    def _take(self, line: Line) -> list[Move]:
        moves = self.history.take(line)
        self._number = line.number
        self.store.append(encoded(line))
        return moves


def find_journal(home: Path) -> tuple[JournalText | None, list[str]]:
    """Read the journal of an exam, wherever its latest lines lie; nothing is written.

    Parameters
    ----------
    home : Path
        The journal beside the results.

    Returns
    -------
    text : JournalText or None
        None if there is none.
    remarks : list of str
        What the user should know, a sentence each.

    Raises
    ------
    InputError
        If there is one that cannot be used.
    """
    away = away_path(home)
    chosen, other = newer(read_journal(home), read_journal(away))
    remarks = []
    if chosen is not None and chosen.tail:
        remarks.append(TORN.format(path=chosen.path))
    if other is not None:
        remarks.append(BRANCH.format(path=other.path))
    return chosen, remarks

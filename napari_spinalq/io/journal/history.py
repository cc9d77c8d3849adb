"""The order of edits: what can be undone and redone, and what is not saved.

Edits form a tree. Undo goes to the parent; a new edit after an undo begins a branch, and the former one stays in the
journal as history that redo no longer reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from napari_spinalq.errors import InputError
from napari_spinalq.io.journal.delta import Delta
from napari_spinalq.io.journal.lines import (
    CheckedLine,
    DiscardedLine,
    DiscsLine,
    ImageRef,
    Line,
    MaskLine,
    RedoLine,
    SavedLine,
    StepLine,
    UndoLine,
)

START = 0
"""The position before the first edit."""


@dataclass(frozen=True, eq=False)
class Step:
    """An edit that can be undone.

    Attributes
    ----------
    line : MaskLine, DiscsLine or CheckedLine
        What the journal says of it.
    delta : Delta
        The voxels of a mask that it changed; empty for other edits.
    """

    line: StepLine
    delta: Delta

    @classmethod
    def of(cls, line: StepLine) -> Step:
        """Read the step of a line.

        Raises
        ------
        InputError
            If its runs leave the image.
        """
        if isinstance(line, MaskLine):
            delta = Delta.from_json(line.changes, line.image.n_voxels)
            # Arrays are a quarter of the size of lists of numbers, and the history keeps all steps.
            return cls(line.model_copy(update={"changes": []}), delta)
        return cls(line, Delta(()))

    @property
    def number(self) -> int:
        """Its running number in the journal."""
        return self.line.number

    @property
    def image(self) -> ImageRef | None:
        """The image on which it was made; None for discs, which serve all images of an exam."""
        return None if isinstance(self.line, DiscsLine) else self.line.image


@dataclass(frozen=True, eq=False)
class Move:
    """A step to be made (``forward``) or taken back."""

    step: Step
    forward: bool


class History:
    """Which edits stand, as the lines of a journal tell it one after the other."""

    def __init__(self) -> None:
        self.position = START
        self._steps: dict[int, Step] = {}
        self._parents: dict[int, int] = {}
        self._redo: list[int] = []
        self._saved: dict[ImageRef | None, int] = {}
        self._root = START

    def take(self, line: Line) -> list[Move]:
        """Take the next line; return what has to be done to masks and discs for it.

        Raises
        ------
        InputError
            If it undoes or redoes what it cannot.
        """
        match line:
            case MaskLine() | DiscsLine() | CheckedLine():
                return [self._add(Step.of(line))]
            case UndoLine():
                return [self._undo(line.step)]
            case RedoLine():
                return [self._redone(line.step)]
            case SavedLine():
                self._note_saved(line)
            case DiscardedLine():
                return self._discard(line.number)
        return []

    @property
    def undoable(self) -> Step | None:
        """The step that undo takes back."""
        return self._steps.get(self.position) if self.position != self._root else None

    @property
    def redoable(self) -> Step | None:
        """The step that redo makes again."""
        return self._steps[self._redo[-1]] if self._redo else None

    def standing(self) -> tuple[Step, ...]:
        """Return the steps that stand, the first one first."""
        return tuple(self._steps[number] for number in reversed(list(self._chain(self.position))))

    def unsaved(self) -> tuple[Step, ...]:
        """Return the steps made, and those undone, since their image (or the discs) was saved, in running order."""
        return tuple(sorted((move.step for move in self._back_to_saved()), key=lambda step: step.number))

    def _add(self, step: Step) -> Move:
        self._steps[step.number], self._parents[step.number] = step, self.position
        self.position = step.number
        self._redo.clear()
        return Move(step, forward=True)

    def _undo(self, number: int) -> Move:
        if self.position != number or self.undoable is None:
            raise InputError(f"The journal undoes edit {number}, which is not the last one; it is damaged there.")
        step = self._steps[number]
        self.position = self._parents[number]
        self._redo.append(number)
        return Move(step, forward=False)

    def _redone(self, number: int) -> Move:
        if not self._redo or self._redo[-1] != number:
            raise InputError(f"The journal redoes edit {number}, which was not undone last; it is damaged there.")
        self.position = self._redo.pop()
        return Move(self._steps[number], forward=True)

    def _note_saved(self, line: SavedLine) -> None:
        discs = [] if line.discs is None else [None]
        self._saved |= dict.fromkeys([*discs, *(one.image for one in line.masks)], self.position)

    def _discard(self, number: int) -> list[Move]:
        moves = self._back_to_saved()
        self.position = self._root = number
        self._redo.clear()
        self._saved = dict.fromkeys(self._keys(), number)
        return moves

    def _keys(self) -> set[ImageRef | None]:
        return {step.image for step in self._steps.values()} | {None}

    def _back_to_saved(self) -> list[Move]:
        """Return the moves from here to what was saved: each image, and the discs, on its own way."""
        moves = []
        for key in self._keys():
            target = self._saved.get(key, self._root)
            moves += [move for move in self._way(target) if move.step.image == key]
        return moves

    def _way(self, target: int) -> list[Move]:
        """Return the moves from the position to another one: back to where the branches part, then forward."""
        here, there = list(self._chain(self.position)), list(self._chain(target))
        common = set(here) & set(there)
        back = [Move(self._steps[number], forward=False) for number in here if number not in common]
        forth = [Move(self._steps[number], forward=True) for number in reversed(there) if number not in common]
        return back + forth

    def _chain(self, number: int) -> Iterator[int]:
        """Yield a position and those before it, the latest first."""
        while number != self._root:
            yield number
            number = self._parents[number]

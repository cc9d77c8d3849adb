"""From the lines of a journal to masks, discs and checked slices, and who did what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.io.journal.delta import Delta, mask_digest
from napari_spinalq.io.journal.history import History, Move, Step
from napari_spinalq.io.journal.lines import (
    Automatic,
    CheckedLine,
    DiscsLine,
    GroundDiscsLine,
    GroundLine,
    ImageRef,
    Line,
    MaskLine,
    SavedLine,
    other_image,
)

MaskKey = tuple[ImageRef, str]
"""An image and ``"cord"``, ``"gm"`` or ``"canal"``."""


@dataclass
class State:
    """Masks, discs and checked slices at one time.

    Attributes
    ----------
    masks : dict of (ImageRef, str) to array of uint8, shape (z, y, x)
        What is drawn, in work order; a mask that is not there has no entry.
    discs : dict
        The labelling, as the caller wrote it; empty if there is none.
    checked : dict of ImageRef to frozenset of int
        Slices accepted unchanged.
    """

    masks: dict[MaskKey, NDArray[np.uint8]] = field(default_factory=dict)
    discs: dict[str, Any] = field(default_factory=dict)
    checked: dict[ImageRef, frozenset[int]] = field(default_factory=dict)

    def move(self, move: Move) -> None:
        """Make a step or take it back."""
        line, forward = move.step.line, move.forward
        match line:
            case MaskLine():
                there = line.now if forward else line.was
                delta = move.step.delta if forward else move.step.delta.undone()
                self._change((line.image, line.structure), delta, there=there)
            case DiscsLine():
                self.discs = line.after if forward else line.before
            case CheckedLine():
                self.checked[line.image] = frozenset(line.after if forward else line.before)

    def put(self, line: GroundLine | GroundDiscsLine) -> None:
        """Put on the table what came from a file."""
        if isinstance(line, GroundDiscsLine):
            self.discs = line.discs
        else:
            delta = Delta.from_json(line.changes, line.image.n_voxels)
            self._change((line.image, line.structure), delta, there=True)

    def _change(self, key: MaskKey, delta: Delta, *, there: bool) -> None:
        if not there:
            self.masks.pop(key, None)
            return
        if key not in self.masks:
            self.masks[key] = np.zeros(key[0].order.work_shape, np.uint8)
        delta.write_to(self.masks[key], key[0].order)


@dataclass(frozen=True)
class Deed:
    """Who did what, when: one edit that stands.

    Attributes
    ----------
    author, tool : str
        Who, and with what.
    time : datetime
        When, with its time zone.
    image, structure : str
        File name of the image and which of its masks; empty for discs.
    slices : tuple of int
        The axial slices that changed, from inferior, from 0.
    automatic : bool
        Whether a program drew it.
    """

    author: str
    time: datetime
    tool: str
    image: str
    structure: str
    slices: tuple[int, ...]
    automatic: bool


@dataclass
class Replay:
    """What the lines of a journal come to.

    Attributes
    ----------
    state : State
        As it was when the last line was written.
    history : History
        What can be undone and redone from there.
    saved : dict of (ImageRef, str) to str
        Digest of each mask as its file should hold it; a mask that was never saved has no entry.
    saved_discs : dict
        The discs as their file should hold them; empty if never saved.
    """

    state: State = field(default_factory=State)
    history: History = field(default_factory=History)
    saved: dict[MaskKey, str] = field(default_factory=dict)
    saved_discs: dict[str, Any] = field(default_factory=dict)

    def take(self, line: Line) -> list[Move]:
        """Take the next line; return the moves that it made.

        Raises
        ------
        InputError
            If it does not follow from those before it.
        """
        moves = self.history.take(line)
        for move in moves:
            self.state.move(move)
        if isinstance(line, (GroundLine, GroundDiscsLine)):
            self._ground(line)
        elif isinstance(line, SavedLine):
            self.saved |= {(one.image, one.structure): one.digest for one in line.masks}
            self.saved_discs = self.state.discs if line.discs is not None else self.saved_discs
        return moves

    def _ground(self, line: GroundLine | GroundDiscsLine) -> None:
        self.state.put(line)
        if isinstance(line, GroundDiscsLine):
            self.saved_discs = line.discs
        else:
            key = line.image, line.structure
            self.saved[key] = mask_digest(self.state.masks[key])

    def images(self) -> set[ImageRef]:
        """Return the images that the journal knows."""
        return {image for image, _ in (*self.state.masks, *self.saved)} | {
            step.image for step in self.history.standing() if step.image is not None
        }

    def refusal(self, image: ImageRef) -> str:
        """Say why the journal does not belong to an image of a name it knows; an empty string if it does."""
        return next((why for known in self.images() if (why := other_image(known, image))), "")


def replay(lines: Iterable[Line]) -> Replay:
    """Return what the lines of a journal come to: masks, discs, and what can be undone and redone.

    Raises
    ------
    InputError
        If a line does not follow from those before it.
    """
    found = Replay()
    for line in lines:
        found.take(line)
    return found


def provenance(steps: Iterable[Step]) -> tuple[Deed, ...]:
    """Tell who did what, when, with which tool and in which slices."""
    return tuple(_deed(step) for step in steps)


def automatic_masks(
    lines: Iterable[Line], image: ImageRef, structure: str
) -> Iterator[tuple[Automatic, NDArray[np.uint8]]]:
    """Yield each mask (z, y, x) of an image that a program drew, oldest first, as it was then and how it was made.

    The array is that of the replay: it is only valid until the next one is asked for.
    """
    known = Replay()
    for line in lines:
        known.take(line)
        if isinstance(line, (MaskLine, GroundLine)) and (line.image, line.structure) == (image, structure):
            mask = known.state.masks.get((image, structure))
            if line.automatic is not None and mask is not None:
                yield line.automatic, mask


@dataclass(frozen=True)
class Making:
    """How a mask came to be what it is.

    Attributes
    ----------
    automatic : Automatic, optional
        The last thing that a program drew of it, among the edits that stand.
    whole : bool
        Whether a program drew it as a whole since its ground.
    edited : bool
        Whether someone drew on it after that.
    """

    automatic: Automatic | None = None
    whole: bool = False
    edited: bool = False


def making(steps: Iterable[Step], image: ImageRef, structure: str) -> Making:
    """Tell from the edits that stand, in their order, how a mask came to be what it is."""
    found = Making()
    for line in (step.line for step in steps):
        if not isinstance(line, MaskLine) or (line.image, line.structure) != (image, structure):
            continue
        how = line.automatic
        if how is None:
            found = replace(found, edited=True)
        elif how.slices is None:
            found = Making(how, whole=True)
        else:
            found = replace(found, automatic=how)
    return found


def _deed(step: Step) -> Deed:
    line = step.line
    image = step.image.name if step.image else ""
    slices: tuple[int, ...] = ()
    if isinstance(line, MaskLine):
        slices = line.slices
    elif isinstance(line, CheckedLine):
        slices = tuple(sorted(set(line.before) ^ set(line.after)))
    structure = line.structure if isinstance(line, MaskLine) else ""
    automatic = isinstance(line, MaskLine) and line.automatic is not None
    return Deed(line.author, line.time, line.tool, image, structure, slices, automatic)

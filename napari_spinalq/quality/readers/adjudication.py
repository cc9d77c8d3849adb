"""Where two masks disagree, and one mask that settles it patch by patch, with a record of what came from whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.metrics.section import EIGHT_NEIGHBOURS
from napari_spinalq.quality.readers.overlap import insides

_IN_PLANE = np.zeros((3, 3, 3), dtype=int)
_IN_PLANE[1] = EIGHT_NEIGHBOURS


class Choice(StrEnum):
    """What a patch, or a slice, of the consensus is made of; ``MIXED`` and ``UNDECIDED`` are said of slices only."""

    FIRST = "first"
    SECOND = "second"
    UNION = "union"
    INTERSECTION = "intersection"
    PAINTED = "painted"
    MIXED = "mixed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class Patch:
    """Touching pixels of one slice that exactly one of two masks holds.

    Attributes
    ----------
    slice : int
        Number in work order, from inferior.
    top, left : int
        Row and column (y, x) of the first pixel of its box.
    first_only, second_only : 2-D arrays of bool
        Its pixels in the box: held by the first mask alone, by the second alone.
    """

    slice: int
    top: int
    left: int
    first_only: NDArray[np.bool_]
    second_only: NDArray[np.bool_]

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return int(self.first_only.sum() + self.second_only.sum())

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column (y, x; voxels) of its centre."""
        row, column = ndimage.center_of_mass(self.first_only | self.second_only)
        return self.top + float(row), self.left + float(column)

    def put(self, plane: NDArray, choice: Choice) -> None:
        """Write a choice into a plane (y, x) of the consensus; painting leaves it as it is."""
        if choice is Choice.PAINTED:
            return
        inside = {
            Choice.FIRST: self.first_only,
            Choice.SECOND: self.second_only,
            Choice.UNION: self.first_only | self.second_only,
            Choice.INTERSECTION: np.zeros_like(self.first_only),
        }[choice]
        rows, columns = self.first_only.shape
        part = plane[self.top : self.top + rows, self.left : self.left + columns]
        part[self.first_only | self.second_only] = inside[self.first_only | self.second_only]


def patches_of(first: ArrayLike, second: ArrayLike) -> tuple[Patch, ...]:
    """Return the patches on which two masks (z, y, x; work order) differ, the largest first.

    Raises
    ------
    GridMismatchError
        If the shapes differ.
    """
    one, other = insides(first, second)
    labels, _ = ndimage.label(one != other, _IN_PLANE)
    found = []
    for number, (z, y, x) in enumerate(ndimage.find_objects(labels), start=1):
        own = labels[z.start, y, x] == number
        held = own & one[z.start, y, x]
        found.append(Patch(int(z.start), int(y.start), int(x.start), held, own & ~held))
    return tuple(sorted(found, key=lambda patch: (-patch.pixels, patch.slice)))


class Adjudication:
    """What is decided about two masks that disagree.

    The consensus begins as the first mask; every decision changes its own patch and nothing else.

    Parameters
    ----------
    first, second : array, shape (z, y, x)
        Masks in work order.
    """

    def __init__(self, first: ArrayLike, second: ArrayLike) -> None:
        self.first = (np.asarray(first) > 0).astype(np.uint8)
        self.patches = patches_of(first, second)
        self._choices: dict[int, Choice] = {}

    @property
    def left(self) -> tuple[int, ...]:
        """Numbers of the patches on which nobody decided, the largest first."""
        return tuple(number for number in range(len(self.patches)) if number not in self._choices)

    def choice(self, number: int) -> Choice:
        """Return what was decided about a patch."""
        return self._choices.get(number, Choice.UNDECIDED)

    def of_slice(self, index: int) -> tuple[int, ...]:
        """Return the numbers of the patches of a slice."""
        return tuple(number for number, patch in enumerate(self.patches) if patch.slice == index)

    def decide(self, numbers: Iterable[int], choice: Choice, consensus: NDArray) -> dict[int, NDArray]:
        """Decide about patches, and return the planes of the consensus that follow.

        Parameters
        ----------
        numbers : iterable of int
            Of patches.
        choice : Choice
            First, second, union, intersection, or painted: what the consensus holds there by now is right.
        consensus : array, shape (z, y, x)
            As it is; it is not written to.

        Returns
        -------
        dict of int to array, shape (y, x)
            New planes by slice.
        """
        planes: dict[int, NDArray] = {}
        for number in numbers:
            patch = self.patches[number]
            plane = planes.setdefault(patch.slice, np.array(consensus[patch.slice]))
            patch.put(plane, choice)
            self._choices[number] = choice
        return planes

    def origins(self, consensus: ArrayLike) -> dict[int, Choice]:
        """Return what each slice is made of that differs between the masks, or from them.

        A slice of one choice has that; of several, ``MIXED``; one that does not look like its decisions was painted
        on. As long as a patch is left, the slice is ``UNDECIDED``.
        """
        end, expected = np.asarray(consensus) > 0, self.first.copy()
        by_slice: dict[int, set[Choice]] = {}
        for number, patch in enumerate(self.patches):
            choice = self.choice(number)
            by_slice.setdefault(patch.slice, set()).add(choice)
            if choice is not Choice.UNDECIDED:
                patch.put(expected[patch.slice], choice)
        painted = np.flatnonzero((end != (expected > 0)).any(axis=(1, 2))).tolist()
        found = {index: _joint(choices) for index, choices in by_slice.items()}
        return found | {index: Choice.PAINTED for index in painted if found.get(index) is not Choice.UNDECIDED}


def _joint(choices: set[Choice]) -> Choice:
    if Choice.UNDECIDED in choices:
        return Choice.UNDECIDED
    return choices.pop() if len(choices) == 1 else Choice.MIXED


def origins_in_words(found: Mapping[int, Choice]) -> dict[str, str]:
    """Return slice numbers by what they are made of, for a sidecar.

    Examples
    --------
    >>> origins_in_words({3: Choice.FIRST, 4: Choice.FIRST, 9: Choice.PAINTED})
    {'first': '3:4', 'painted': '9'}
    """
    by_choice = {choice: [index for index, own in found.items() if own is choice] for choice in Choice}
    return {choice.value: slice_ranges(slices) for choice, slices in by_choice.items() if slices}

"""Where two masks disagree, and one mask that settles it, slice by slice, with a record of what came from whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.metrics.ranges import slice_ranges
from napari_spinalq.metrics.section import EIGHT_NEIGHBOURS
from napari_spinalq.quality.overlap import slice_overlap


class Choice(StrEnum):
    """What a slice of the consensus is made of."""

    FIRST = "first"
    SECOND = "second"
    UNION = "union"
    INTERSECTION = "intersection"
    PAINTED = "painted"


OFFERED = (Choice.FIRST, Choice.SECOND, Choice.UNION, Choice.INTERSECTION)
"""What can be taken as it is; painting is the fifth way."""


@dataclass(frozen=True)
class Disagreement:
    """A slice in which two masks differ.

    Attributes
    ----------
    slice : int
        Number in work order, from inferior.
    first_only, second_only : int
        Voxels that only one of the masks holds.
    place : tuple of 2 float
        Row and column (y, x; voxels) of the centre of the largest patch on which they differ.
    """

    slice: int
    first_only: int
    second_only: int
    place: tuple[float, float]

    @property
    def voxels(self) -> int:
        """Voxels that exactly one of the masks holds."""
        return self.first_only + self.second_only


def disagreements(first: ArrayLike, second: ArrayLike) -> tuple[Disagreement, ...]:
    """Return the slices in which two masks (z, y, x; work order) differ, the largest disagreement first."""
    one, other = np.asarray(first) > 0, np.asarray(second) > 0
    overlap = slice_overlap(one, other)
    found = [
        Disagreement(
            index,
            int(overlap.first_only[index]),
            int(overlap.second_only[index]),
            _largest_patch(one[index] != other[index]),
        )
        for index in np.flatnonzero(overlap.differing).tolist()
    ]
    return tuple(sorted(found, key=lambda one: (-one.voxels, one.slice)))


def _largest_patch(plane: NDArray[np.bool_]) -> tuple[float, float]:
    labels, _ = ndimage.label(plane, EIGHT_NEIGHBOURS)
    largest = int(np.bincount(labels.ravel())[1:].argmax()) + 1
    row, column = ndimage.center_of_mass(labels == largest)
    return float(row), float(column)


def patch_at(first: ArrayLike, second: ArrayLike, place: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the patch of a slice, shape (y, x), on which two planes differ and that lies nearest to a pixel.

    Nowhere True where the planes are equal.
    """
    differs = (np.asarray(first) > 0) != (np.asarray(second) > 0)
    if not differs.any():
        return differs
    labels, _ = ndimage.label(differs, EIGHT_NEIGHBOURS)
    pixels = np.argwhere(differs)
    nearest = pixels[np.square(pixels - np.asarray(place)).sum(axis=1).argmin()]
    return labels == labels[tuple(nearest)]


def taken(first: ArrayLike, second: ArrayLike, choice: Choice) -> NDArray[np.uint8]:
    """Return what a choice makes of two masks or planes of one shape, 0 and 1."""
    one, other = np.asarray(first) > 0, np.asarray(second) > 0
    made = {
        Choice.FIRST: one,
        Choice.SECOND: other,
        Choice.UNION: one | other,
        Choice.INTERSECTION: one & other,
    }
    return made[choice].astype(np.uint8)


def origins(
    consensus: ArrayLike, first: ArrayLike, second: ArrayLike, decided: Mapping[int, Choice]
) -> dict[int, Choice]:
    """Return what each slice of disagreement (and each that was changed anyway) is made of in the end.

    Parameters
    ----------
    consensus, first, second : array, shape (z, y, x)
        Masks in work order.
    decided : mapping of int to Choice
        What was taken where. A slice that does not look like it any more, and is like no other choice, was painted.

    Returns
    -------
    dict of int to Choice
        Slices that nobody decided on and that still hold the first reader's outline are missing.
    """
    end, one, other = (np.asarray(mask) > 0 for mask in (consensus, first, second))
    changed = (end != one).any(axis=(1, 2)) | (one != other).any(axis=(1, 2))
    found = {}
    for index in np.flatnonzero(changed).tolist():
        wanted = decided.get(index)
        fitting = [way for way in OFFERED if np.array_equal(end[index], taken(one[index], other[index], way))]
        if wanted is not None and (wanted in fitting or wanted is Choice.PAINTED):
            found[index] = wanted
        elif not fitting:
            found[index] = Choice.PAINTED
        elif Choice.FIRST not in fitting:
            found[index] = fitting[0]
    return found


def origins_in_words(found: Mapping[int, Choice]) -> dict[str, str]:
    """Return slice numbers by what they are made of, for a sidecar.

    Examples
    --------
    >>> origins_in_words({3: Choice.FIRST, 4: Choice.FIRST, 9: Choice.PAINTED})
    {'first': '3:4', 'painted': '9'}
    """
    by_choice = {choice: [index for index, own in found.items() if own is choice] for choice in Choice}
    return {choice.value: slice_ranges(slices) for choice, slices in by_choice.items() if slices}

"""How two masks of one scan lie on each other: voxels of either alone and of both, slice by slice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import GridMismatchError

FIRST_ONLY, SECOND_ONLY, BOTH = 1, 2, 3
"""Values of a difference map; 0 is neither."""


@dataclass(frozen=True, eq=False)
class SliceOverlap:
    """Voxels of two masks in each axial slice of work order.

    Attributes
    ----------
    first, second : (n_slices,) arrays of int
        Voxels of each mask.
    both : (n_slices,) array of int
        Voxels that both hold.
    """

    first: NDArray[np.int_]
    second: NDArray[np.int_]
    both: NDArray[np.int_]

    @property
    def first_only(self) -> NDArray[np.int_]:
        """Voxels that only the first holds, by slice."""
        return self.first - self.both

    @property
    def second_only(self) -> NDArray[np.int_]:
        """Voxels that only the second holds, by slice."""
        return self.second - self.both

    @property
    def differing(self) -> NDArray[np.int_]:
        """Voxels that exactly one of them holds, by slice."""
        return self.first_only + self.second_only

    def dice(self, slices: Iterable[int] | None = None) -> float:
        """Return the Dice coefficient, 2 both / (first + second), over these slices (all by default).

        1 for equal masks, 0 without a common voxel; NaN where both are empty, as nothing was compared. Dice LR,
        Ecology 1945;26:297-302, doi 10.2307/1932409.
        """
        chosen = slice(None) if slices is None else np.fromiter(slices, dtype=int)
        total = int(self.first[chosen].sum() + self.second[chosen].sum())
        return 2.0 * int(self.both[chosen].sum()) / total if total else float("nan")


def slice_overlap(first: ArrayLike, second: ArrayLike) -> SliceOverlap:
    """Count the voxels of two masks, and those that they share.

    Parameters
    ----------
    first, second : array, shape (z, y, x)
        Masks in work order; every value above 0 is inside.

    Raises
    ------
    GridMismatchError
        If the shapes differ.
    """
    one, other = insides(first, second)
    counts = [np.count_nonzero(mask, axis=(1, 2)) for mask in (one, other, one & other)]
    return SliceOverlap(*counts)


def difference_map(first: ArrayLike, second: ArrayLike) -> NDArray[np.uint8]:
    """Return where two masks differ: 1 only the first, 2 only the second, 3 both, 0 neither; any shape."""
    one, other = insides(first, second)
    return one.astype(np.uint8) * np.uint8(FIRST_ONLY) + other.astype(np.uint8) * np.uint8(SECOND_ONLY)


def insides(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the inside of two masks of one scan; every value above 0 is inside.

    Raises
    ------
    GridMismatchError
        If the shapes differ.
    """
    one, other = np.asarray(first) > 0, np.asarray(second) > 0
    if one.shape != other.shape:
        raise GridMismatchError(f"One mask has shape {one.shape}, the other {other.shape}; compare masks of one scan.")
    return one, other

"""Which voxels of a mask changed, from which value to which, as runs in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b

import numpy as np
from nibabel import orientations
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES

Places = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]
Change = tuple[int, int, list[int]]
"""Old value, new value, and runs of voxels: how many are passed over, how many change, and so on."""

DIGEST_BYTES = 16
"""128 bits: two masks of one digest do not occur by chance."""


@dataclass(frozen=True)
class FileOrder:
    """Where the voxels of an image lie in its file, and where in work order (z, y, x).

    Attributes
    ----------
    shape : tuple of 3 int
        Voxels along each axis of the file.
    axes : str
        The anatomical direction in which each axis of the file grows, such as ``"LAS"``.
    """

    shape: tuple[int, int, int]
    axes: str

    @property
    def _transform(self) -> tuple[tuple[int, int], ...]:
        return _to_work(self.axes)

    @cached_property
    def work_shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        shape = [0, 0, 0]
        for count, (axis, _) in zip(self.shape, self._transform, strict=True):
            shape[axis] = count
        return shape[0], shape[1], shape[2]

    def flat(self, places: Places) -> NDArray[np.int64]:
        """Return the numbers that voxels (z, y, x) have in the file, counted from 0, its first axis fastest."""
        number = np.zeros(len(places[0]), dtype=np.int64)
        stride = 1
        for count, (axis, sense) in zip(self.shape, self._transform, strict=True):
            index = places[axis]
            number += stride * (index if sense > 0 else count - 1 - index)
            stride *= count
        return number

    def places(self, flat: NDArray[np.int64]) -> Places:
        """Return z, y, x of the voxels with these numbers in the file: the inverse of :meth:`flat`."""
        found: list[NDArray[np.intp]] = [np.zeros(0, np.intp)] * 3
        indices = np.unravel_index(flat, self.shape, order="F")
        for index, count, (axis, sense) in zip(indices, self.shape, self._transform, strict=True):
            found[axis] = index if sense > 0 else count - 1 - index
        return found[0], found[1], found[2]


@dataclass(frozen=True, eq=False)
class Delta:
    """Changed voxels of a mask.

    Attributes
    ----------
    changes : tuple of (old, new, starts, lengths)
        For each pair of values: the runs of voxels that went from the one to the other, by the number of their first
        voxel in the file and their length (arrays of int64, rising).
    """

    changes: tuple[tuple[int, int, NDArray[np.int64], NDArray[np.int64]], ...]

    @classmethod
    def of(cls, flat: NDArray[np.int64], old: NDArray[np.uint8], new: NDArray[np.uint8]) -> Delta:
        """Return the delta of voxels, each named once by its number in the file, and their values before and after."""
        order = np.argsort(flat, kind="stable")
        flat, old, new = flat[order], old[order], new[order]
        pairs = sorted(set(zip(old.tolist(), new.tolist(), strict=True)))
        return cls(tuple((a, b, *_runs(flat[(old == a) & (new == b)])) for a, b in pairs if a != b))

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return not self.changes

    def undone(self) -> Delta:
        """Return the delta that takes this one back."""
        return Delta(tuple((new, old, starts, lengths) for old, new, starts, lengths in self.changes))

    def voxels(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the numbers of the changed voxels in the file, and their new values."""
        parts = [_expanded(starts, lengths) for _, _, starts, lengths in self.changes]
        values = [np.full(len(part), new, np.uint8) for part, (_, new, _, _) in zip(parts, self.changes, strict=True)]
        if not parts:
            return np.zeros(0, np.int64), np.zeros(0, np.uint8)
        return np.concatenate(parts), np.concatenate(values)

    def write_to(self, mask: NDArray[np.uint8], order: FileOrder) -> Places:
        """Give the changed voxels of a mask (z, y, x) their new values; return which they are."""
        flat, values = self.voxels()
        places = order.places(flat)
        mask[places] = values
        return places

    def as_json(self) -> list[Change]:
        """Return plain numbers, as they stand in the journal."""
        return [(old, new, _gaps(starts, lengths)) for old, new, starts, lengths in self.changes]

    @classmethod
    def from_json(cls, changes: Iterable[Change], n_voxels: int) -> Delta:
        """Read what :meth:`as_json` gave.

        Raises
        ------
        InputError
            If the runs leave the image, which holds ``n_voxels`` voxels.
        """
        return cls(tuple((old, new, *_from_gaps(gaps, n_voxels)) for old, new, gaps in changes))


def between(before: NDArray[np.uint8] | None, after: NDArray[np.uint8] | None, order: FileOrder) -> Delta:
    """Return what changed from one mask (z, y, x) to the next; None stands for no mask, all 0."""
    if before is None and after is None:
        return Delta(())
    old = np.zeros(order.work_shape, np.uint8) if before is None else before
    new = np.zeros(order.work_shape, np.uint8) if after is None else after
    return between_slices(old, new, changed_slices(old, new), order)


def between_slices(
    before: NDArray[np.uint8], after: NDArray[np.uint8], slices: Sequence[int], order: FileOrder
) -> Delta:
    """Return what changed in these axial slices of a mask (z, y, x); other slices are not looked at."""
    index = np.asarray(sorted(slices), dtype=np.intp)
    if not len(index):
        return Delta(())
    old, new = before[index], after[index]
    z, y, x = np.nonzero(old != new)
    return Delta.of(order.flat((index[z], y, x)), old[z, y, x], new[z, y, x])


def changed_slices(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[int, ...]:
    """Return the axial slices in which two masks (z, y, x) differ.

    Eight voxels are compared at a time where the slices allow it: the whole of a large mask is looked at after each
    stroke of a tool that does not say where it painted.
    """
    old, new = (np.ascontiguousarray(mask, dtype=np.uint8).reshape(len(mask), -1) for mask in (before, after))
    if old.shape[1] % 8 == 0:
        old, new = old.view(np.uint64), new.view(np.uint64)
    return tuple(np.flatnonzero((old != new).any(axis=1)).tolist())


def mask_digest(mask: NDArray[np.uint8] | None) -> str:
    """Return a digest of the voxels of a mask (z, y, x), hexadecimal; empty for no mask."""
    if mask is None:
        return ""
    return blake2b(np.ascontiguousarray(mask, dtype=np.uint8).data, digest_size=DIGEST_BYTES).hexdigest()


@cache
def _to_work(axes: str) -> tuple[tuple[int, int], ...]:
    """Return for each axis of a file which axis of the work order it is, and 1 or -1 for its sense."""
    start, end = (orientations.axcodes2ornt(tuple(codes)) for codes in (axes, WORK_AXES))
    return tuple((int(axis), int(sense)) for axis, sense in orientations.ornt_transform(start, end))


def _runs(flat: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first number and length of each run of consecutive numbers."""
    first = np.flatnonzero(np.diff(flat, prepend=-2) != 1)
    return flat[first], np.diff(first, append=len(flat)).astype(np.int64)


def _expanded(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1] if len(ends) else 0)


def _gaps(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[int]:
    ends = np.concatenate([[0], (starts + lengths)[:-1]])
    return np.stack([starts - ends, lengths], axis=1).ravel().tolist()


def _from_gaps(gaps: Sequence[int], n_voxels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    numbers = np.asarray(gaps, dtype=np.int64)
    if len(numbers) % 2 or (numbers < 0).any() or (numbers[1::2] < 1).any() or numbers.sum() > n_voxels:
        raise InputError(f"The runs of a stroke do not fit an image of {n_voxels} voxels; the journal is damaged.")
    ends, lengths = np.cumsum(numbers)[1::2], numbers[1::2].copy()
    return ends - lengths, lengths

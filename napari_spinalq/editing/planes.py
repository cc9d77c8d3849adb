"""What every tool takes and gives: a mask in work order, and whole new planes of the slices that change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError

Planes = dict[int, NDArray[np.uint8]]
"""Axial slice (index in work order, from inferior) -> its whole new plane (y, x); only slices that change."""

INSIDE = 1
"""The value that marks the structure; other labels are left alone unless a tool paints over them."""

AXIS_NAMES = ("axial slice", "coronal plane", "sagittal plane")
"""What an index along each axis of a work-order array counts."""

Window = tuple[slice, slice, slice]
"""A box of voxels."""


class Canvas:
    """Collects strokes on a mask without copying it: only planes that change are copied.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        Work order; never written.
    value : int
        What is painted, 0 to erase.
    within : array, shape of ``mask``, optional
        Painting (not erasing) is restricted to voxels that are not 0 here.

    Raises
    ------
    InputError
        If the mask is not 3-D, the value is no label, or ``within`` has another shape.
    """

    def __init__(self, mask: NDArray, value: int, within: NDArray | None = None) -> None:
        check_mask(mask)
        if not 0 <= value <= 255 or int(value) != value:
            raise InputError(f"A brush paints a whole number from 0 to 255, not {value}.")
        if within is not None:
            check_limit(mask, within)
        self._mask, self._value = mask, int(value)
        self._within = within if value else None
        self.planes: Planes = {}

    def put(self, window: Window, hit: NDArray[np.bool_]) -> None:
        """Paint the voxels of a box that are hit."""
        change = hit & (self._mask[window] != self._value)
        if self._within is not None:
            change &= self._within[window] != 0
        for offset in np.flatnonzero(change.any(axis=(1, 2))).tolist():
            index = window[0].start + offset
            if index not in self.planes:
                self.planes[index] = np.array(self._mask[index], dtype=np.uint8)
            self.planes[index][window[1], window[2]][change[offset]] = self._value


def check_mask(mask: NDArray) -> None:
    """Refuse an array that is no mask in work order."""
    if mask.ndim != 3:
        raise InputError(f"A mask to edit needs three axes (z, y, x), not {mask.ndim}.")


def check_limit(mask: NDArray, within: NDArray) -> None:
    """Refuse a limit that does not lie on the mask."""
    if within.shape != mask.shape:
        raise InputError(
            f"The mask that limits painting has shape {within.shape} but the painted one {mask.shape}; "
            "take both from one scan."
        )


def check_spacing(spacing_mm: ArrayLike) -> NDArray[np.float64]:
    """Return voxel sizes (z, y, x) as an array; refuse any that are not positive."""
    spacing = np.asarray(spacing_mm, dtype=float)
    if spacing.shape != (3,) or not np.isfinite(spacing).all() or spacing.min() <= 0:
        raise InputError(f"The voxel size must be three positive lengths in mm, not {spacing.tolist()}.")
    return spacing


def check_across(across: int) -> None:
    """Refuse an axis that no array in work order has."""
    if across not in (0, 1, 2):
        raise InputError(f"The displayed plane lies across axis 0, 1 or 2 (z, y, x), not {across}.")


def check_index(mask: NDArray, index: int, across: int = 0) -> None:
    """Refuse a plane that the mask does not have."""
    if not 0 <= index < mask.shape[across]:
        raise InputError(
            f"There is no {AXIS_NAMES[across]} {index}; the scan has those from 0 to {mask.shape[across] - 1}."
        )


def held_slices(mask: NDArray, slices: Iterable[int] | None = None) -> list[int]:
    """Return the axial slices that hold the structure, ascending: all, or those asked for.

    Raises
    ------
    InputError
        If a slice does not exist or holds nothing, or none holds anything.
    """
    check_mask(mask)
    if slices is None:
        held = [int(index) for index in np.flatnonzero((mask == INSIDE).any(axis=(1, 2)))]
        if not held:
            raise InputError("The mask is empty; draw or segment the structure first.")
        return held
    chosen = sorted({int(index) for index in slices})
    if not chosen:
        raise InputError("No slice was chosen; name at least one.")
    for index in chosen:
        check_index(mask, index)
        if not (mask[index] == INSIDE).any():
            raise InputError(f"Slice {index} of the mask is empty; draw the structure there or choose another slice.")
    return chosen


def with_inside(plane: NDArray, inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a plane in which the structure is ``inside``, and other labels stay where it is not."""
    new = np.where(plane == INSIDE, 0, plane).astype(np.uint8)
    new[inside] = INSIDE
    return new


def changed_only(mask: NDArray, planes: Mapping[int, NDArray[np.uint8]]) -> Planes:
    """Leave out planes that equal those of the mask."""
    return {index: plane for index, plane in planes.items() if not np.array_equal(plane, mask[index])}


def restricted(mask: NDArray, planes: Mapping[int, NDArray[np.uint8]], within: NDArray) -> Planes:
    """Take back what a tool added outside of a limit, such as grey matter outside of the cord.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        The mask that the tool was given.
    planes : Planes
        What the tool gave.
    within : array, shape of ``mask``
        0 outside of the limit. What the tool removed stays removed there too.

    Returns
    -------
    Planes
        Slices that still change.

    Raises
    ------
    InputError
        If the limit has another shape.
    """
    check_limit(mask, within)
    kept = {}
    for index, plane in planes.items():
        added = (plane == INSIDE) & (mask[index] != INSIDE) & (within[index] == 0)
        kept[index] = np.where(added, mask[index], plane).astype(np.uint8)
    return changed_only(mask, kept)


def bounding_window(inside: NDArray[np.bool_], margin: Sequence[int] | int = 0) -> tuple[slice, ...]:
    """Return the box that holds what is inside, wider by ``margin`` voxels a side where the array goes on.

    Parameters
    ----------
    inside : array of bool
        Not empty.
    margin : int, or one for each axis
        Voxels.
    """
    margins = np.broadcast_to(np.asarray(margin, dtype=int), (inside.ndim,))
    box = []
    for axis, (size, wider) in enumerate(zip(inside.shape, margins.tolist(), strict=True)):
        others = tuple(other for other in range(inside.ndim) if other != axis)
        held = np.flatnonzero(inside.any(axis=others))
        box.append(slice(max(0, int(held[0]) - wider), min(size, int(held[-1]) + 1 + wider)))
    return tuple(box)


def window_between(low: ArrayLike, high: ArrayLike, shape: Sequence[int]) -> Window:
    """Return the box from voxel ``low`` up to, not including, ``high``, cut to an array; empty if it lies outside."""
    starts = np.clip(low, 0, shape)
    stops = np.clip(high, starts, shape)
    z, y, x = (slice(a, b) for a, b in zip(starts.tolist(), stops.tolist(), strict=True))
    return z, y, x

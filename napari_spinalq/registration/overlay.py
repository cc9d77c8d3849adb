"""What a report shows of a registration: slices of the target around the cord, with the outlines of both cords."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from napari_spinalq.geometry import box_around, to_work_order
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.field import SliceFrame
from napari_spinalq.registration.points import carried_onto
from napari_spinalq.registration.quality import INSIDE, slice_dice
from napari_spinalq.registration.registration import Registration
from napari_spinalq.scan import Scan

MARGIN_MM = 8.0
"""What is shown around the cord, mm: the canal and some bone."""

Lines = tuple[NDArray[np.float64], ...]
"""Closed lines of (row, column) places in a picture, fractional pixels, each of shape (n, 2)."""


@dataclass(frozen=True, eq=False)
class OverlaySlice:
    """One slice of the target around its cord.

    Attributes
    ----------
    index : int
        Work-order slice, from inferior.
    image : (rows, columns) array of float32
        Row 0 is posterior and column 0 the patient's left: draw it with the origin at the lower edge and columns
        reversed to see it as radiologists do.
    pixel_mm : tuple of 2 float
        Height and width of a pixel, mm.
    target_lines : Lines
        Outline of the target's own cord mask.
    before_lines, after_lines : Lines
        Outline of the source's cord by scanner position alone, and as it was carried.
    dice : float
        Overlap after registration; NaN where one cord is missing.
    """

    index: int
    image: NDArray[np.float32]
    pixel_mm: tuple[float, float]
    target_lines: Lines
    before_lines: Lines
    after_lines: Lines
    dice: float


def overlay_slices(
    registration: Registration, source_mask: NDArray, target: Scan, target_mask: NDArray, *, count: int = 6
) -> tuple[OverlaySlice, ...]:
    """Return pictures of slices spread evenly over those that hold both cords, the worst one among them.

    Parameters
    ----------
    registration : Registration
        From source to target.
    source_mask, target_mask : arrays on the grids of source and target
        The cords.
    target : Scan
        The image; the mean over its volumes is shown.
    count : int
        Pictures at most, 1 or more.
    """
    image, work = to_work_order(np.asarray(target.mean_volume().data, dtype=np.float32), target.grid)
    fixed = to_work_order(np.asarray(target_mask, dtype=np.float32), target.grid)[0]
    after = np.nan_to_num(to_work_order(carry(registration, source_mask), target.grid)[0])
    before = np.nan_to_num(carried_onto(SliceFrame(work), None, registration.source, source_mask))
    margin = [int(np.ceil(MARGIN_MM / step)) for step in work.spacing[1:]]
    _, rows, columns = box_around((fixed >= INSIDE) | (after >= INSIDE), (0, *margin))
    carried = (after >= INSIDE).any(axis=(1, 2))
    dice = np.where(carried, slice_dice(after, fixed), np.nan)
    row_mm, column_mm = work.spacing[1:]
    return tuple(
        OverlaySlice(
            int(index),
            image[index, rows, columns],
            (row_mm, column_mm),
            _lines(fixed[index, rows, columns]),
            _lines(before[index, rows, columns]),
            _lines(after[index, rows, columns]),
            float(dice[index]),
        )
        for index in _chosen(np.asarray((fixed >= INSIDE).any(axis=(1, 2))), dice, count)
    )


def _chosen(held: NDArray[np.bool_], dice: NDArray[np.float64], count: int) -> NDArray[np.int_]:
    """Return slices spread evenly over those that hold both cords (else the target's), the worst one among them."""
    both = held & np.isfinite(dice)
    slices = np.flatnonzero(both if both.any() else held)
    if len(slices) <= count:
        return slices
    even = slices[np.linspace(0, len(slices) - 1, count + 2).round().astype(int)[1:-1]]
    if both.any():
        worst = slices[dice[slices].argmin()]
        even[np.abs(even - worst).argmin()] = worst
    return np.unique(even)


def _lines(plane: NDArray) -> Lines:
    return tuple(line - 1 for line in find_contours(np.pad(plane, 1), INSIDE))

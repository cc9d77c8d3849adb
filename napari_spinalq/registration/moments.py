"""Centre, size and shape of the cord in each axial slice, from a soft mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.registration.field import SliceFrame

WHOLE = 0.75
"""A slice shows the cord where its mask reaches this value: less is the end of a mask, cut off within the slice."""

MIN_AREA_MM2 = 10.0
"""Less than this (mm2) is no cross-section of a cord: the conus ends there."""


@dataclass(frozen=True, eq=False)
class Sections:
    """The cord in each axial slice.

    Attributes
    ----------
    shown : (slices,) array of bool
        Whether a slice holds a whole section; the rest is NaN elsewhere.
    area_mm2 : (slices,) array
        Area.
    centre_mm : (slices, 2) array
        Centroid, mm to anterior and right as in :class:`SliceFrame`.
    moments_mm2 : (slices, 2, 2) array
        Second central moments over the area, mm2; first axis anterior, second right.
    """

    shown: NDArray[np.bool_]
    area_mm2: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    moments_mm2: NDArray[np.float64]


def main_sections(mask_work: NDArray) -> NDArray[np.float32]:
    """Return a soft mask in work order with the heaviest piece of each slice only: stray voxels are no cord.

    NaN becomes 0. Pixels that touch at a side or a corner make one piece.
    """
    values = np.nan_to_num(np.asarray(mask_work, dtype=np.float32))
    for index, plane in enumerate(values):
        pieces, count = ndimage.label(plane > 0, structure=np.ones((3, 3)))
        if count > 1:
            weights = ndimage.sum_labels(plane, pieces, np.arange(1, count + 1))
            values[index] = np.where(pieces == 1 + np.argmax(weights), plane, 0)
    return values


def sections_of(mask_work: NDArray, frame: SliceFrame) -> Sections:
    """Measure a soft mask in work order, 0..1; NaN counts as 0."""
    values = np.nan_to_num(np.asarray(mask_work, dtype=float))
    _, row_mm, column_mm = frame.grid.spacing
    rows, columns = np.arange(values.shape[1]) * row_mm, np.arange(values.shape[2]) * column_mm
    weight = values.sum(axis=(1, 2))
    area = weight * row_mm * column_mm
    shown = (values.max(axis=(1, 2)) >= WHOLE) & (area >= MIN_AREA_MM2)
    total = np.where(shown, weight, np.nan)
    by_row, by_column = values.sum(axis=2), values.sum(axis=1)
    centre = np.stack([by_row @ rows, by_column @ columns], axis=1) / total[:, None]
    mixed = np.einsum("zyx,y,x->z", values, rows, columns) / total - centre.prod(axis=1)
    squares = np.stack([by_row @ rows**2, by_column @ columns**2], axis=1) / total[:, None] - centre**2
    moments = np.stack([squares[:, :1], mixed[:, None], mixed[:, None], squares[:, 1:]], axis=1).reshape(-1, 2, 2)
    return Sections(shown, np.where(shown, area, np.nan), centre, moments)

"""Where the cord leads and what parts its halves: the frame in which other structures are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.metrics.measures import Midline, rl_turn

if TYPE_CHECKING:
    from napari_spinalq.geometry import Grid
    from napari_spinalq.metrics.shape import SliceShapes


def tangents_of_cord(cord: SliceShapes, slice_index: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return the direction of the cord in some slices, shape (n, 3): unit vectors (right, anterior, normal).

    It is read back from the angles of the cord, so that areas of cord, grey and white matter shrink by one factor. A
    slice without cord takes it from its neighbours, linearly; beyond the ends from the last slice.

    Parameters
    ----------
    cord : SliceShapes
        Of the cord, on the same grid.
    slice_index : (n,) array of int
        Slices.
    """
    slopes = np.stack([-np.tan(np.radians(cord.angle_ap_deg)), np.tan(np.radians(cord.angle_rl_deg))])
    right, anterior = (np.interp(slice_index, cord.slice_index, slope) for slope in slopes)
    along = np.column_stack([right, anterior, np.ones(len(slice_index))])
    return along / np.linalg.norm(along, axis=1, keepdims=True)


def midlines_of_cord(cord: SliceShapes, work_grid: Grid) -> dict[int, Midline]:
    """Return the AP line of the cord in each of its slices: what parts left from right within it.

    Parameters
    ----------
    cord : SliceShapes
        Of the cord.
    work_grid : Grid
        Its grid in work order.
    """
    places = work_grid.mm_to_voxel(cord.centroid_mm)[:, 1:]
    tilts = rl_turn(-np.radians(cord.orientation_deg))
    return {
        int(index): Midline(float(row), float(column), float(tilt))
        for index, (row, column), tilt in zip(cord.slice_index, places, tilts, strict=True)
    }

"""A displacement within slices as places in RAS, and what is carried by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid, box_around
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.field import Field, SliceFrame
from napari_spinalq.registration.registration import Registration

SLAB_POINTS = 1_000_000
"""Source voxels whose places are computed at a time: bounds the memory to some 150 MB."""


def points_there(field: Field | None, frame: SliceFrame) -> NDArray[np.float32]:
    """Return where the voxels of the target lie in the source, RAS mm, shape of its work grid + (3,).

    Without a field they are where they are.
    """
    places = frame.centres()
    return frame.points_mm(places if field is None else field.moved(places)).astype(np.float32)


def points_back(inverse: Field, frame: SliceFrame, source: Grid) -> NDArray[np.float32]:
    """Return where the voxels of the source lie in the target, RAS mm, shape ``source.shape + (3,)``."""
    found = np.empty((*source.shape, 3), dtype=np.float32)
    rows = max(1, SLAB_POINTS // (source.shape[1] * source.shape[2]))
    for start in range(0, source.shape[0], rows):
        index = np.moveaxis(np.indices((len(found[start : start + rows]), *source.shape[1:])), 0, -1)
        index[..., 0] += start
        places = frame.places(source.voxel_to_mm(index))
        found[start : start + rows] = frame.points_mm(inverse.moved(places))
    return found


def carried_onto(frame: SliceFrame, field: Field | None, source: Grid, data: NDArray) -> NDArray[np.float32]:
    """Return a mask or image of the source on the work grid of the target; by position alone without a field."""
    nothing = np.empty((0, 0, 0, 3), dtype=np.float32)
    there = Registration(source, frame.grid, points_there(field, frame), nothing, float("nan"), float("nan"))
    return carry(there, data)


def carried_near(
    points_mm: NDArray[np.float32], grid: Grid, source: Grid, data: NDArray, near: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return an image of the source on a target grid in the box around some voxels only; NaN elsewhere.

    Parameters
    ----------
    points_mm : array, shape ``grid.shape + (3,)``
        Where the voxels of the target lie in the source, RAS mm.
    grid, source : Grid
        Of target and source.
    data : array, shape ``source.shape``
        Values on the source.
    near : array of bool, shape ``grid.shape``
        Voxels that are wanted.
    """
    box = box_around(near, (1, 1, 1))
    part = points_mm[box]
    window = grid.cropped(tuple(side.start for side in box), part.shape[:3])
    nothing = np.empty((0, 0, 0, 3), dtype=np.float32)
    found = np.full(grid.shape, np.nan, dtype=np.float32)
    found[box] = carry(Registration(source, window, part, nothing, float("nan"), float("nan")), data)
    return found

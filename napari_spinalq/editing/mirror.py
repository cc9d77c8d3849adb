"""Replacing the grey matter of one side by the mirror image of the other, about the cord's own midline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.editing.outline import pixel_places
from napari_spinalq.editing.planes import INSIDE, Planes, bounding_window, changed_only, held_slices, with_inside
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.metrics.cord_frame import midlines_of_cord
from napari_spinalq.metrics.measures import Midline
from napari_spinalq.metrics.plane import slice_plane
from napari_spinalq.metrics.shape import slice_shapes

ON_LINE_MM = 1e-6
"""Pixels this near to the midline lie on it and stay as they are, mm."""


def mirrored(
    mask: NDArray,
    work_grid: Grid,
    cord_mask: NDArray,
    side: Literal["left", "right"],
    slices: Iterable[int] | None = None,
) -> Planes:
    """Replace one side of the grey matter by the mirror image of the other.

    The mirror is the AP line of the cord in each slice, the one by which measures part left from right: through its
    centroid, along the principal axis nearer to anterior. What falls outside of the cord is left out.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        Grey matter in work order.
    work_grid : Grid
        Its grid, axes S, A, R.
    cord_mask : array of uint8, shape of ``mask``
        The cord, 1 inside.
    side : {"left", "right"}
        The patient's side that is kept and mirrored onto the other.
    slices : iterable of int, optional
        Axial slices; by default all that hold grey matter.

    Returns
    -------
    Planes
        Slices that change.

    Raises
    ------
    InputError
        If the arrays do not fit the grid, a slice holds no cord, or no grey matter on the kept side.
    """
    if side not in ("left", "right"):
        raise InputError(f"Grey matter has a left and a right side, not {side!r}.")
    if work_grid.axis_codes != WORK_AXES or mask.shape != work_grid.shape or cord_mask.shape != mask.shape:
        raise InputError("Grey matter and cord must lie on one grid in work order; take both from one scan.")
    chosen = held_slices(mask, slices)
    cord = cord_mask == INSIDE
    missing = [index for index in chosen if not cord[index].any()]
    if missing:
        raise InputError(f"Slice {missing[0]} holds grey matter but no cord, so no midline; draw the cord there.")
    lines = midlines_of_cord(slice_shapes(cord.astype(np.uint8), work_grid), work_grid)
    found = {}
    for index in chosen:
        if index not in lines:
            raise InputError(f"The cord in slice {index} is a stray piece, so it has no midline; mend the cord there.")
        found[index] = _mirrored_slice(mask[index], cord[index], work_grid, lines[index], side, index)
    return changed_only(mask, found)


def _mirrored_slice(
    plane: NDArray, cord: NDArray[np.bool_], work_grid: Grid, line: Midline, side: str, index: int
) -> NDArray[np.uint8]:
    inside = plane == INSIDE
    box = bounding_window(inside | cord, 1)
    to_mm = slice_plane(work_grid).pixel_matrix
    rightward = np.array([np.cos(line.tilt), np.sin(line.tilt)])  # (right, anterior) mm, across the midline
    places = pixel_places(box)
    from_line = (places - np.array([line.row, line.column])) @ to_mm.T @ rightward
    kept = from_line >= -ON_LINE_MM if side == "right" else from_line <= ON_LINE_MM
    if not (inside[box] & kept).any():
        raise InputError(
            f"Slice {index} holds no grey matter on the patient's {side} to mirror; draw it or leave the slice out."
        )
    reflected = places - 2 * from_line[..., None] * (np.linalg.inv(to_mm) @ rightward)
    # The nearest pixel keeps areas on average; interpolating and cutting at half would wear thin horns down.
    image = ndimage.map_coordinates(inside.astype(np.uint8), np.moveaxis(reflected, -1, 0), order=0, mode="constant")
    inside[box] = np.where(kept, inside[box], (image == 1) & cord[box])
    return with_inside(plane, inside)

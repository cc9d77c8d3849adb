"""Growing and shrinking a binary mask by less than a voxel.

A shell of thickness t around an outline of length P has the area P t (+ pi t^2 for a convex shape; Steiner's formula).
Pixels are either in or out, so a shell thinner than a pixel can only be had as the right number of pixels: as many as
have the area of the shell, those nearest to the outline. The area then follows t at any thickness, to a pixel in each
slice and without bias over slices.

References
----------
Schneider 2013, Convex Bodies: the Brunn-Minkowski Theory, doi:10.1017/CBO9781139003858 (Steiner's formula, ch. 4).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.editing.outline import Outline, deepest_first, pixel_places
from napari_spinalq.editing.planes import (
    INSIDE,
    Planes,
    bounding_window,
    changed_only,
    check_spacing,
    held_slices,
    with_inside,
)
from napari_spinalq.errors import InputError

FINE_PARTS = 6
"""A pixel is divided into this many parts a side, each of which counts by a ramp across the outline, to find the area
within a moved outline: a shell of 0.1 mm is then known within 4 %, most of which is the outline's own waviness."""

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
"""A shell of 3.4 pixels is 3 pixels in some slices and 4 in others: it is rounded up where its fraction passes that of
the slice's number times this (plus a half), so that the mean over slices is right. The golden ratio spreads the
thresholds evenly over any run of slices."""


def resized(mask: NDArray, spacing_mm: ArrayLike, by_mm: float, slices: Iterable[int] | None = None) -> Planes:
    """Grow (positive) or shrink (negative) the structure within the axial plane, by parts of a pixel too.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    spacing_mm : (3,) array
        Voxel size along z, y, x, mm.
    by_mm : float
        How far the outline moves outwards, mm.
    slices : iterable of int, optional
        Axial slices; by default all that hold the structure.

    Returns
    -------
    Planes
        Slices that change; one whose shell is a part of a pixel may stay as it is.

    Raises
    ------
    InputError
        If the distance is 0 or no number, a chosen slice is empty, or a slice would vanish; nothing is shrunk then.
    """
    pixel_mm = check_spacing(spacing_mm)[1:]
    if not np.isfinite(by_mm) or by_mm == 0:
        raise InputError(f"The outline must move by a distance other than 0 mm, not {by_mm}.")
    found = {
        index: _resized_slice(mask[index], pixel_mm, by_mm, float(np.mod(0.5 + index * GOLDEN, 1.0)))
        for index in held_slices(mask, slices)
    }
    lost = [index for index, plane in found.items() if not (plane == INSIDE).any()]
    if lost:
        raise InputError(
            f"Shrinking by {-by_mm:g} mm would leave nothing in slice {lost[0]}; shrink by less or leave it out."
        )
    return changed_only(mask, found)


def _resized_slice(plane: NDArray, pixel_mm: NDArray[np.float64], by_mm: float, rounding: float) -> NDArray[np.uint8]:
    """Return the new plane; one without structure if the moved outline encloses nothing."""
    inside = plane == INSIDE
    box = bounding_window(inside, (np.ceil(max(by_mm, 0.0) / pixel_mm).astype(int) + 2).tolist())
    places = pixel_places(box)
    depth = Outline.of(plane, pixel_mm).depth_mm(places)
    enclosed, moved = (_enclosed_pixels(depth, pixel_mm, by) for by in (0.0, by_mm))
    if not moved:
        return with_inside(plane, np.zeros_like(inside))
    # Grown are outer pixels from the deepest outwards, shrunk are inner ones from the shallowest inwards.
    order = deepest_first(depth, places)[:: 1 if by_mm > 0 else -1]
    now = inside[box].ravel()
    free = order[now[order] == (by_mm < 0)]
    now[free[: int(abs(moved - enclosed) + rounding)]] = by_mm > 0
    inside[box] = now.reshape(depth.shape)
    return with_inside(plane, inside)


def _enclosed_pixels(depth_mm: NDArray[np.float64], pixel_mm: NDArray[np.float64], by_mm: float) -> float:
    """Return the area within the outline moved outwards by some mm, in pixels."""
    fine = ndimage.zoom(depth_mm, FINE_PARTS, order=1, mode="nearest", grid_mode=True)
    part_mm = np.sqrt(pixel_mm.prod()) / FINE_PARTS
    return float(np.clip(0.5 + (fine + by_mm) / part_mm, 0.0, 1.0).sum()) / FINE_PARTS**2

"""Tools on regions: fill holes, flood, polygon, keep the largest component."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.draw import polygon as polygon_voxels

from napari_spinalq.editing.planes import (
    INSIDE,
    Canvas,
    Planes,
    bounding_window,
    changed_only,
    check_across,
    check_index,
    check_mask,
    held_slices,
    with_inside,
)
from napari_spinalq.editing.stroke import check_path, nearest_voxel
from napari_spinalq.errors import InputError

_ABOVE = np.zeros((3, 3), dtype=bool)
_ABOVE[1, 1] = True

HANGS_TOGETHER = np.stack([_ABOVE, np.ones((3, 3), dtype=bool), _ABOVE])
"""Voxels touch within a slice through edges and corners, and from slice to slice straight above each other: the rule by
which measures tell the structure from strays."""


def holes_filled(mask: NDArray, slices: Iterable[int] | None = None) -> Planes:
    """Fill what the structure encloses within a slice.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    slices : iterable of int, optional
        Axial slices; by default all that hold the structure.

    Returns
    -------
    Planes
        Slices that had holes. A hole is open if it reaches the outside through a face of a pixel, not a corner alone.

    Raises
    ------
    InputError
        If a slice does not exist or holds nothing.
    """
    found = {}
    for index in held_slices(mask, slices):
        inside = mask[index] == INSIDE
        box = bounding_window(inside)
        inside[box] = ndimage.binary_fill_holes(inside[box])
        found[index] = with_inside(mask[index], inside)
    return changed_only(mask, found)


def flooded(mask: NDArray, seed_voxel: ArrayLike, value: int, *, across: int = 0) -> Planes:
    """Fill the region of one label around a voxel, within the displayed plane.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    seed_voxel : (3,) array
        Voxel z, y, x (fractional ones are rounded).
    value : int
        New label of the region: its pixels that touch the seed through faces and have its label.
    across : int
        Axis across the displayed plane: 0 axial, 1 coronal, 2 sagittal.

    Raises
    ------
    InputError
        If the seed lies outside of the scan, or an unpainted region reaches the edge of the image: the outline around
        it is open.
    """
    check_mask(mask)
    check_across(across)
    seed = nearest_voxel(check_path(seed_voxel)[0])
    for axis, at in enumerate(seed.tolist()):
        check_index(mask, at, axis)
    index = int(seed[across])
    plane = np.take(mask, index, axis=across)
    labels = ndimage.label(plane == mask[tuple(seed)])[0]
    region = labels == labels[tuple(np.delete(seed, across))]
    if mask[tuple(seed)] == 0 and _reaches_edge(region):
        raise InputError("The outline around this place is open to the edge of the image; close it before you fill it.")
    return _plane_painted(mask, region, index, value, across, None)


def _reaches_edge(region: NDArray[np.bool_]) -> bool:
    return bool(region[[0, -1]].any() or region[:, [0, -1]].any())


def polygon(
    mask: NDArray,
    corners: ArrayLike,
    index: int,
    value: int,
    *,
    across: int = 0,
    within: NDArray | None = None,
) -> Planes:
    """Fill a polygon in the displayed plane: voxels whose centre lies inside.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    corners : (n, 2) array
        Fractional voxels along the two axes of the plane, in the order z, y, x (without ``across``); the last corner
        joins the first. Where outlines cross, the even-odd rule holds.
    index : int
        Which plane along ``across``.
    value : int
        Label to paint, 0 to erase.
    across : int
        Axis across the plane: 0 axial, 1 coronal, 2 sagittal.
    within : array, shape of ``mask``, optional
        Painting (not erasing) is restricted to voxels that are not 0 here.

    Raises
    ------
    InputError
        If there are fewer than three corners or the plane does not exist.
    """
    check_mask(mask)
    check_across(across)
    check_index(mask, index, across)
    places = np.asarray(corners, dtype=float)
    if places.ndim != 2 or places.shape[1] != 2 or len(places) < 3 or not np.isfinite(places).all():
        raise InputError("A polygon needs three or more corners in the displayed plane; click on more places.")
    region = np.zeros(np.delete(mask.shape, across), dtype=bool)
    region[polygon_voxels(places[:, 0], places[:, 1], region.shape)] = True
    return _plane_painted(mask, region, index, value, across, within)


def _plane_painted(
    mask: NDArray, region: NDArray[np.bool_], index: int, value: int, across: int, within: NDArray | None
) -> Planes:
    canvas = Canvas(mask, value, within)
    box = [slice(0, size) for size in mask.shape]
    box[across] = slice(index, index + 1)
    canvas.put((box[0], box[1], box[2]), np.expand_dims(region, across))
    return canvas.planes


def largest_component(mask: NDArray) -> Planes:
    """Remove all but the largest body (by voxels) that hangs together in 3-D.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order. See ``HANGS_TOGETHER`` for what touches.

    Raises
    ------
    InputError
        If the mask is empty.
    """
    held_slices(mask)
    inside = mask == INSIDE
    box = bounding_window(inside)
    labels, count = ndimage.label(inside[box], HANGS_TOGETHER)
    if count == 1:
        return {}
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    stray = inside[box] & (labels != int(sizes.argmax()))
    canvas = Canvas(mask, 0)
    canvas.put((box[0], box[1], box[2]), stray)
    return canvas.planes

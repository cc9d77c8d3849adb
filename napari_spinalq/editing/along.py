"""Tools along the cord: interpolate between slices, copy a slice, smooth the outline from slice to slice.

A slice's outline is held as signed distances from it, relative to its own centre. Interpolating or averaging those
distances gives the shape between (shape-based interpolation), and the centre is treated apart, so that a cord that
runs obliquely or bends is neither thinned nor cut. The shape is filled from its depth outwards until it has the area
that lies between those of its sources, so that no tool here makes a structure smaller, however thin its horns are.

References
----------
Raya and Udupa 1990, IEEE Trans Med Imaging 9:32, doi:10.1109/42.52980 (shape-based interpolation by distances).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.cord.smoothing import smooth_curve
from napari_spinalq.editing.outline import Outline, deepest_first, pixel_places
from napari_spinalq.editing.planes import (
    INSIDE,
    Planes,
    changed_only,
    check_index,
    check_mask,
    check_spacing,
    held_slices,
    with_inside,
)
from napari_spinalq.errors import InputError

GAIN_HALF = np.sqrt(2 * np.log(2)) / (2 * np.pi)
"""Standard deviation of a Gaussian over the wavelength that it halves: its gain is exp(-(2 pi s / L)^2 / 2)."""

MARGIN_PIXELS = 2
"""Pixels beyond the farthest outline in which a shape is worked out."""


def copied(mask: NDArray, index: int, source: int) -> Planes:
    """Replace a slice by a copy of another.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    index, source : int
        Axial slices: to be replaced, and to be copied.

    Raises
    ------
    InputError
        If one does not exist, both are the same, or the source is empty.
    """
    check_mask(mask)
    check_index(mask, index)
    check_index(mask, source)
    if index == source:
        raise InputError(f"Slice {index} cannot be copied onto itself; choose another source.")
    if not (mask[source] == INSIDE).any():
        raise InputError(f"Slice {source} of the mask is empty, so there is nothing to copy; choose another source.")
    return changed_only(mask, {index: with_inside(mask[index], mask[source] == INSIDE)})


def interpolated(mask: NDArray, spacing_mm: ArrayLike, keys: Sequence[int]) -> Planes:
    """Draw the slices between key slices anew.

    Between two neighbouring keys the centre moves on a straight line, and the signed distances from the outline,
    relative to the centre, change in proportion. Key slices stay as they are; what was drawn between is replaced.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    spacing_mm : (3,) array
        Voxel size along z, y, x, mm.
    keys : sequence of int
        Two or more axial slices that hold the structure.

    Raises
    ------
    InputError
        If a key does not exist or is empty, or no slice lies between keys.
    """
    check_mask(mask)
    pixel_mm = check_spacing(spacing_mm)[1:]
    if len(set(keys)) < 2:
        raise InputError("Interpolating needs two key slices or more; mend at least two slices first.")
    chosen = held_slices(mask, keys)
    outlines = {index: Outline.of(mask[index], pixel_mm) for index in chosen}
    found = {}
    for lower, upper in pairwise(chosen):
        for index in range(lower + 1, upper):
            share = (index - lower) / (upper - lower)
            inside = _between(outlines[lower], outlines[upper], share, mask.shape[1:])
            found[index] = with_inside(mask[index], inside)
    if not found:
        raise InputError("There is no slice between the key slices; choose keys that lie apart.")
    return changed_only(mask, found)


def _between(below: Outline, above: Outline, share: float, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    centre = (1 - share) * below.centre + share * above.centre
    reach = np.maximum(below.reach_pixels, above.reach_pixels) + MARGIN_PIXELS
    box = _box(centre, reach, shape)
    steps = pixel_places(box) - centre
    depth = (1 - share) * below.depth_mm(below.centre + steps) + share * above.depth_mm(above.centre + steps)
    return _filled(depth, box, _mean_pixels(np.array([1 - share, share]), [below, above]), shape)


def _mean_pixels(weights: NDArray[np.float64], outlines: Sequence[Outline]) -> int:
    """Return the number of pixels of a shape between others: its lengths, the root of its area, are their mean."""
    return round(float(weights @ np.sqrt([outline.pixels for outline in outlines])) ** 2)


def _filled(
    depth: NDArray[np.float64], box: tuple[slice, ...], pixels: int, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return a slice in which so many pixels of a box, the deepest, are inside."""
    filled = np.zeros(depth.size, dtype=bool)
    filled[deepest_first(depth, pixel_places(box))[:pixels]] = True
    inside = np.zeros(shape, dtype=bool)
    inside[box] = filled.reshape(depth.shape)
    return inside


def smoothed(mask: NDArray, spacing_mm: ArrayLike, length_mm: float, slices: Iterable[int] | None = None) -> Planes:
    """Smooth the outline from slice to slice, following the cord.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    spacing_mm : (3,) array
        Voxel size along z, y, x, mm.
    length_mm : float
        Waves of this length along z, of the outline and of its centre, keep half of their amplitude; longer ones more.
    slices : iterable of int, optional
        Axial slices to change; by default all that hold the structure. Their neighbours count in any case.

    Notes
    -----
    Outlines are averaged relative to the centre of each slice, with Gaussian weights; the centres are smoothed by a
    spline that leaves an even bend untouched (:func:`~napari_spinalq.cord.smoothing.smooth_curve`). The curvature of
    the neck is therefore not smoothed away and does not thin the mask.

    Raises
    ------
    InputError
        If the length is under twice the distance of slices (nothing shorter can be seen, nor smoothed), fewer than
        three slices hold the structure, or a chosen slice is empty.
    """
    spacing = check_spacing(spacing_mm)
    if not np.isfinite(length_mm) or length_mm < 2 * spacing[0]:
        raise InputError(
            f"Smoothing over {length_mm:g} mm does nothing to slices {spacing[0]:g} mm apart; "
            f"use {2 * spacing[0]:g} mm or more."
        )
    held = held_slices(mask)
    if len(held) < 3:
        raise InputError("Smoothing along the cord needs three or more slices that hold the structure; draw more.")
    chosen = held if slices is None else held_slices(mask, slices)
    heights = np.array(held) * spacing[0]
    outlines = [Outline.of(mask[index], spacing[1:]) for index in held]
    centres = smooth_curve(heights, np.stack([o.centre for o in outlines]), length_mm)(heights)
    reach = np.max([o.reach_pixels for o in outlines], axis=0) + MARGIN_PIXELS
    weights = _gaussian(heights, length_mm)
    depths = _mean_depths(outlines, weights, reach)
    found = {}
    for index in chosen:
        place = held.index(index)
        pixels = _mean_pixels(weights[place], outlines)
        inside = _drawn(depths[place], centres[place], reach, pixels, mask.shape[1:])
        found[index] = with_inside(mask[index], inside)
    return changed_only(mask, found)


def _gaussian(heights_mm: NDArray[np.float64], length_mm: float) -> NDArray[np.float64]:
    """Return the weight of each slice in each slice, shape (n, n); rows sum to 1."""
    apart = (heights_mm[:, None] - heights_mm) / (GAIN_HALF * length_mm)
    weights = np.exp(-(apart**2) / 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _mean_depths(
    outlines: Sequence[Outline], weights: NDArray[np.float64], reach: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Return mean distances around the centre of each slice, shape (n, 2 reach_y + 1, 2 reach_x + 1), mm."""
    steps = pixel_places(tuple(slice(-by, by + 1) for by in reach.tolist()))
    own = np.stack([outline.depth_mm(outline.centre + steps) for outline in outlines])
    return np.tensordot(weights, own, axes=1)


def _drawn(
    depth: NDArray[np.float64],
    centre: NDArray[np.float64],
    reach: NDArray[np.int_],
    pixels: int,
    shape: tuple[int, ...],
) -> NDArray[np.bool_]:
    box = _box(centre, reach, shape)
    local = np.moveaxis(pixel_places(box) - centre + reach, -1, 0)
    return _filled(ndimage.map_coordinates(depth, local, order=1, mode="nearest"), box, pixels, shape)


def _box(centre: NDArray[np.float64], reach: NDArray[np.int_], shape: tuple[int, ...]) -> tuple[slice, ...]:
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, shape).astype(int)
    return tuple(slice(a, max(a, b)) for a, b in zip(low.tolist(), high.tolist(), strict=True))

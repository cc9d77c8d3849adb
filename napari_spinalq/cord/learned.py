"""The cord as the networks see it: the centre, the outline, and how sure they are, in every slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord import polar
from napari_spinalq.cord.network import Location, SoftMaps, soft_maps
from napari_spinalq.cord.outline_shape import mean_outline
from napari_spinalq.geometry import Grid

SAME_PLACE_MM = 3.0
"""The fine network is not asked again where the path moved by less (mm): it bears a cord 4 mm off the middle."""

FRACTION_STEP_MM = 0.1
"""Step in which rays are searched for the half level, mm: a fifth of the finest pixel."""

MIN_PART = 0.3
"""Voxels with less cord than this join no outline: parts of other organs stay apart."""

MIN_AREA_MM2 = 10.0
"""Less cord than this is none, mm2: a healthy conus passes it in its last millimetres."""

MIN_SEEN_CORE = 0.3
"""An outline without a compact core of cord is an outline of something else: noise, roots, the edge of a canal."""

LOOK_AGAIN_MM = 35.0
"""So far from a slab with cord (mm) another one is looked at again in line with it: two slices of 17 mm."""

DOUBT = 0.1
"""A core that is this much short of 1, or an area that differs by this share from that in the mirror image, halves the
certainty of an outline: on scans like those of the training both are within 0.02."""

MAX_AWAY_MM = 4.0
"""In a slab in which a person pointed at the cord, an outline whose centre is farther off is something else's."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What the networks see in each slice, from inferior to superior.

    Attributes
    ----------
    centres_mm : (n_slices, 2) array
        y and x of the cord's centre from the first pixel in work order, mm.
    radii_mm : (n_slices, n_angles) array
        Radius on each ray at which half of the volume is cord, mm. Where nothing was seen, that of the next slice.
    core : (n_slices,) array
        Largest share of cord in a small square, 0..1: low in brain, cauda equina and empty canal.
    presence : (n_slices,) array
        Heat of the locator, 0..1: low in noise and where no canal is.
    certainty : (n_slices,) array
        How far each outline can be relied on, 0..1: low where its core or its mirror image speak against it.
    """

    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    core: NDArray[np.float64]
    presence: NDArray[np.float64]
    certainty: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SlabSight:
    """What the fine network sees in each slab: as :class:`Sight`, with radii of 0 where it sees no cord.

    ``path_mm`` (n_slabs, 2) is where it looked, ``spread`` (n_slabs,) half the difference between the areas in the
    picture and in its mirror image, as a share of the area.
    """

    path_mm: NDArray[np.float64]
    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    core: NDArray[np.float64]
    spread: NDArray[np.float64]


def look_along(
    slabs: NDArray[np.float32], grid: Grid, path_mm: NDArray[np.float64], known: SlabSight | None = None
) -> SlabSight:
    """Ask the fine network about every slab along a path.

    Parameters
    ----------
    slabs : (n_slabs, n_y, n_x) array
        In work order.
    grid : Grid
        Of the scan in work order; only its in-plane spacing is read.
    path_mm : (n_slabs, 2) array
        y and x of the cord's centre, mm.
    known : SlabSight, optional
        What was seen of the same slabs before: only where the path moved is anything looked at again.
    """
    moved = np.ones(len(slabs), bool)
    if known is not None:
        moved = np.hypot(*(path_mm - known.path_mm).T) > SAME_PLACE_MM
        if not moved.any():
            return known
    maps = soft_maps(slabs, Grid(slabs.shape, grid.affine), path_mm, slices=moved)
    seen = _seen(maps, path_mm, grid.spacing[1:])
    if known is None:
        return seen
    parts = {name: values.copy() for name, values in vars(known).items()}
    for name, values in vars(seen).items():
        parts[name][moved] = values[moved]
    return SlabSight(**parts)


def look_again(slabs: NDArray[np.float32], grid: Grid, seen: SlabSight, slab_mm: NDArray[np.float64]) -> SlabSight:
    """Ask the fine network again where it saw no cord, in line with the slabs nearby in which it did.

    In few thick slabs the locator's path may leap to another organ at little cost; what goes on from slab to slab does
    not. Only what shows cord there is taken over.

    Parameters
    ----------
    slabs, grid : as in :func:`look_along`
    seen : SlabSight
        From :func:`look_along`.
    slab_mm : (n_slabs,) array
        Height of the slabs, mm.
    """
    whole = _whole(seen)
    if whole.all() or not whole.any():
        return seen
    in_line = _interpolated(seen.centres_mm[whole], slab_mm[whole], slab_mm)
    near = np.abs(slab_mm[:, None] - slab_mm[whole]).min(axis=1) <= LOOK_AGAIN_MM
    again = look_along(slabs, grid, np.where((~whole & near)[:, None], in_line, seen.path_mm), seen)
    better = (~whole & _whole(again))[:, None]
    parts = {name: (values, getattr(again, name)) for name, values in vars(seen).items()}
    return SlabSight(
        **{name: np.where(better if old.ndim > 1 else better[:, 0], new, old) for name, (old, new) in parts.items()}
    )


def _whole(seen: SlabSight) -> NDArray[np.bool_]:
    """Return the slabs in which there is an outline around a compact core, shape (n_slabs,)."""
    return (seen.radii_mm.min(axis=1) > 0) & (seen.core >= MIN_SEEN_CORE)


def sight_of(
    seen: SlabSight,
    slab_mm: NDArray[np.float64],
    location: Location,
    slice_mm: NDArray[np.float64],
    held: NDArray[np.bool_] | None = None,
) -> Sight:
    """Carry what was seen in slabs to slices.

    Parameters
    ----------
    seen : SlabSight
        From :func:`look_along`.
    slab_mm, slice_mm : (n_slabs,), (n_slices,) arrays
        Height of slabs and slices above the first slice, mm.
    location : Location
        The locator's path through the slices. Where no slab shows any cord the mean cord is expected on it.
    held : (n_slabs,) array of bool, optional
        Slabs in which a person said where the path runs.
    """
    whole = _whole(seen)
    if held is not None:
        whole &= ~held | (np.hypot(*(seen.centres_mm - seen.path_mm).T) <= MAX_AWAY_MM)
    if not whole.any():
        nothing = np.zeros(len(slice_mm))
        return Sight(location.path_mm, mean_outline(len(slice_mm)), nothing, location.presence, nothing)
    # Where nothing was seen the locator's path, which obeys what a person pointed at, is the better centre.
    centres = _interpolated(np.where(whole[:, None], seen.centres_mm, seen.path_mm), slab_mm, slice_mm)
    certainty = 1.0 / (1.0 + ((1.0 - seen.core + seen.spread) / DOUBT) ** 2)
    shapes = _interpolated(np.column_stack([seen.radii_mm, certainty])[whole], slab_mm[whole], slice_mm)
    core = np.interp(slice_mm, slab_mm, np.where(whole, seen.core, 0.0))
    return Sight(centres, shapes[:, :-1], core, location.presence, shapes[:, -1])


def half_level(fraction: NDArray[np.float32], spacing_mm: tuple[float, ...]) -> tuple[NDArray, NDArray]:
    """Return the centre (y, x, mm) of the cord in a slice of fractions, and the radius of its half level on each ray.

    Parameters
    ----------
    fraction : (n_y, n_x) array
        Share of each pixel that is cord.
    spacing_mm : tuple of 2 float
        Distance of rows and columns, mm.

    Returns
    -------
    centre_mm : (2,) array
    radii_mm : (n_angles,) array
        All 0 where there is less than ``MIN_AREA_MM2`` of cord.
    """
    weight = _largest_part(fraction)
    if weight.sum() * np.prod(spacing_mm) < MIN_AREA_MM2:
        return np.zeros(2), np.zeros(polar.ANGLES)
    centre = np.array(ndimage.center_of_mass(weight))
    reach = np.arange(0.0, polar.REACH_MM, FRACTION_STEP_MM)
    y = centre[0] + np.outer(np.sin(polar.RAY_ANGLES), reach) / spacing_mm[0]
    x = centre[1] + np.outer(np.cos(polar.RAY_ANGLES), reach) / spacing_mm[1]
    rays = ndimage.map_coordinates(weight, [y, x], order=1)
    first = np.argmax(rays < 0.5, axis=1)
    last = np.maximum(first - 1, 0)
    inner, outer = (np.take_along_axis(rays, index[:, None], axis=1)[:, 0] for index in (last, first))
    part = (inner - 0.5) / np.maximum(inner - outer, 1e-6)
    radii = np.where(first > 0, reach[last] + FRACTION_STEP_MM * np.clip(part, 0, 1), 0.0)
    return centre * np.asarray(spacing_mm), radii


def _largest_part(fraction: NDArray[np.float32]) -> NDArray[np.float32]:
    parts, count = ndimage.label(fraction > MIN_PART)
    if not count:
        return np.zeros_like(fraction)
    largest = 1 + int(np.argmax(ndimage.sum_labels(fraction, parts, np.arange(1, count + 1))))
    # What lies between the parts stays: it carries the half level of the largest to below a pixel.
    return np.where((parts == largest) | (parts == 0), fraction, 0.0)


def _seen(maps: SoftMaps, path_mm: NDArray[np.float64], spacing_mm: tuple[float, ...]) -> SlabSight:
    found = [half_level(fraction, spacing_mm) for fraction in maps.cord]
    radii = np.stack([outline for _, outline in found])
    centres = np.stack([centre for centre, _ in found])
    whole = (radii.min(axis=1) > 0)[:, None]
    centres, radii = np.where(whole, centres, path_mm), np.where(whole, radii, 0.0)
    spread = maps.area_spread_mm2[:, 0] / np.maximum(polar.areas_mm2(radii), MIN_AREA_MM2)
    return SlabSight(path_mm, centres, radii, maps.core, spread)


def _interpolated(
    columns: NDArray[np.float64], known_mm: NDArray[np.float64], wanted_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([np.interp(wanted_mm, known_mm, column) for column in columns.T], axis=1)

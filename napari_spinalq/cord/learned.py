"""The cord as the networks see it: the centre, the outline, and how sure they are, in every slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord import polar
from napari_spinalq.cord.network import SLAB_MM, SoftMaps, locate, soft_maps
from napari_spinalq.cord.stack import slab_means
from napari_spinalq.errors import CordNotFoundError
from napari_spinalq.geometry import Grid

FRACTION_STEP_MM = 0.1
"""Step in which rays are searched for the half level, mm: a fifth of the finest pixel."""

MIN_PART = 0.3
"""Voxels with less cord than this join no outline: parts of other organs stay apart."""

MIN_AREA_MM2 = 10.0
"""Less cord than this is none, mm2: a healthy conus passes it in its last millimetres."""


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
    spread : (n_slices,) array
        Half the difference between the areas in the picture and in its mirror image, as a share of the area.
    """

    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    core: NDArray[np.float64]
    presence: NDArray[np.float64]
    spread: NDArray[np.float64]


def look(values: NDArray[np.float32], grid: Grid, *, at: tuple[float, float, float] | None = None) -> Sight:
    """Find the cord in every slice by the networks alone.

    Parameters
    ----------
    values : (n_slices, n_y, n_x) array
        A scan in work order.
    grid : Grid
        Its grid.
    at : tuple of 3 float, optional
        A point on the cord, RAS mm.

    Raises
    ------
    CordNotFoundError
        If they see it in no slice.
    """
    location = locate(values, grid, at=at)
    slabs, slab_mm = slab_means(values, grid.spacing[0], SLAB_MM)
    slice_mm = np.arange(len(values)) * grid.spacing[0]
    path_mm = _interpolated(location.path_mm, slice_mm, slab_mm)
    maps = soft_maps(slabs, _slab_grid(slabs, grid), path_mm)
    centres, radii = _outlines(maps, path_mm, grid.spacing[1:])
    seen = radii.min(axis=1) > 0
    if not seen.any():
        raise CordNotFoundError("No slice of this scan looks like cord.")
    area = np.maximum(polar.areas_mm2(radii), MIN_AREA_MM2)
    columns = np.column_stack([centres, radii, maps.area_spread_mm2[:, 0] / area])
    at_slices = _interpolated(columns[seen], slab_mm[seen], slice_mm)
    core = np.interp(slice_mm, slab_mm, np.where(seen, maps.core, 0.0))
    return Sight(at_slices[:, :2], at_slices[:, 2:-1], core, location.presence, at_slices[:, -1])


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


def _outlines(
    maps: SoftMaps, path_mm: NDArray[np.float64], spacing_mm: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centre and half level of every slab; where nothing was seen, the path and radii of 0."""
    found = [half_level(fraction, spacing_mm) for fraction in maps.cord]
    radii = np.stack([outline for _, outline in found])
    centres = np.stack([centre for centre, _ in found])
    whole = radii.min(axis=1) > 0
    return np.where(whole[:, None], centres, path_mm), np.where(whole[:, None], radii, 0.0)


def _interpolated(
    columns: NDArray[np.float64], known_mm: NDArray[np.float64], wanted_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([np.interp(wanted_mm, known_mm, column) for column in columns.T], axis=1)


def _slab_grid(slabs: NDArray[np.float32], grid: Grid) -> Grid:
    """Return a grid of as many slices as there are slabs; only its in-plane spacing is read."""
    return Grid(slabs.shape, grid.affine)

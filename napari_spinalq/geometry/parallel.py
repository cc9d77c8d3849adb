"""A grid turned parallel to another one: what lies on it can be shown in the frame of that other one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.geometry.grid import WORK_AXES, Grid

PARALLEL_DEG = 0.05
"""Axes that differ by less (degrees) count as parallel: over the 200 mm of a neck scan that is under 0.2 mm."""

EDGE_TOLERANCE = 1e-6
"""Share of a voxel by which rounding may make a box seem larger than it is."""


def angle_between_deg(grid: Grid, other: Grid) -> float:
    """Return the largest angle (degrees) between axes of two grids that have the same anatomical name."""
    axes, others = (_directions(one.reoriented(WORK_AXES)) for one in (grid, other))
    cosines = np.clip(np.sum(axes * others, axis=0), -1.0, 1.0)
    return float(np.degrees(np.arccos(cosines)).max())


def parallel_grid(grid: Grid, like: Grid) -> Grid:
    """Return a grid in work order with the voxel size of ``grid`` whose axes run along those of ``like``.

    Parameters
    ----------
    grid : Grid
        Whose field of view is covered, outer voxel edges included.
    like : Grid
        Whose axes it takes.

    Returns
    -------
    Grid
        ``grid`` itself, in work order, where the two are parallel to :data:`PARALLEL_DEG`: then nothing has to be
        interpolated.
    """
    work = grid.reoriented(WORK_AXES)
    if angle_between_deg(grid, like) <= PARALLEL_DEG:
        return work
    axes, spacing = _directions(like.reoriented(WORK_AXES)), np.asarray(work.spacing)
    edges = np.array(list(np.ndindex(2, 2, 2))) * np.asarray(work.shape) - 0.5
    along = work.voxel_to_mm(edges) @ np.linalg.inv(axes).T
    low, high = along.min(axis=0), along.max(axis=0)
    shape = np.ceil((high - low) / spacing - EDGE_TOLERANCE).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = axes @ ((low + high - (shape - 1) * spacing) / 2)
    return Grid(tuple(int(n) for n in shape), affine)  # type: ignore[arg-type]


def places_in_slices(grid: Grid, target: Grid) -> NDArray[np.float64]:
    """Return where the voxels of ``target`` lie in ``grid`` (both in work order), each moved into its nearest slice.

    Slices of a cord protocol are several times thicker than their pixels: mixing two of them would show a cord twice.

    Returns
    -------
    array, shape ``(3, *target.shape)``
        Voxel coordinates (z, y, x), z whole.
    """
    index = np.moveaxis(np.indices(target.shape), 0, -1)
    places = np.moveaxis(grid.mm_to_voxel(target.voxel_to_mm(index)), -1, 0).copy()
    places[0] = np.round(places[0])
    return places


def sample_at(data: NDArray, places: NDArray[np.float64], fill: float) -> NDArray[np.float32]:
    """Interpolate an array linearly at places from :func:`places_in_slices`; ``fill`` outside of it."""
    values = np.asarray(data, dtype=np.float32)
    return ndimage.map_coordinates(values, places, order=1, mode="constant", cval=fill)


def _directions(grid: Grid) -> np.ndarray:
    """Return the unit vectors of the axes as columns, RAS."""
    return grid.affine[:3, :3] / np.asarray(grid.spacing)

"""A grid turned parallel to another one: what lies on it can be shown in the frame of that other one."""

from __future__ import annotations

import numpy as np

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


def _directions(grid: Grid) -> np.ndarray:
    """Return the unit vectors of the axes as columns, RAS."""
    return grid.affine[:3, :3] / np.asarray(grid.spacing)

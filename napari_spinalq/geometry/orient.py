"""Permuting and flipping arrays between axis orders; values are never interpolated here."""

from __future__ import annotations

import numpy as np
from nibabel import orientations
from numpy.typing import NDArray

from napari_spinalq.geometry.grid import WORK_AXES, Grid


def reorient_array(data: NDArray, grid: Grid, codes: str) -> tuple[NDArray, Grid]:
    """Permute and flip the first three axes of an array to ``codes``.

    Parameters
    ----------
    data : array, shape ``grid.shape`` or ``grid.shape + (n,)``
        Voxel values on ``grid``.
    grid : Grid
        Grid of ``data``.
    codes : str
        Wanted axis codes, such as ``"SAR"``.

    Returns
    -------
    data, grid
        The reordered values as a C-contiguous copy, and their grid. Going back to ``grid.axis_codes`` gives the
        input again, value for value.

    Examples
    --------
    >>> grid = Grid((2, 1, 1), np.diag([-1, 1, 1, 1]))
    >>> reorient_array(np.array([1, 2]).reshape(2, 1, 1), grid, "RAS")[0].ravel().tolist()
    [2, 1]
    """
    moved = orientations.apply_orientation(data, grid.orientation_transform(codes))
    return np.ascontiguousarray(moved), grid.reoriented(codes)


def to_work_order(data: NDArray, grid: Grid) -> tuple[NDArray, Grid]:
    """Reorder an array to z, y, x, with indices that grow to Superior, Anterior and Right."""
    return reorient_array(data, grid, WORK_AXES)


def work_view(data: NDArray, grid: Grid) -> NDArray:
    """Return a view of an array on ``grid`` in z, y, x order: what is written to it is written to the array."""
    return orientations.apply_orientation(data, grid.orientation_transform(WORK_AXES))


def in_work_layout(data: NDArray, grid: Grid) -> NDArray:
    """Return the same array, in the same axis order, laid out in memory as its work order wants it.

    Every later :func:`to_work_order` of it is then a view instead of a copy. Only the first three axes are laid out.

    Parameters
    ----------
    data : array, shape ``grid.shape`` or ``grid.shape + (n,)``
        Voxel values on ``grid``.
    grid : Grid
        Grid of ``data``.
    """
    work, work_grid = to_work_order(data, grid)
    return orientations.apply_orientation(work, work_grid.orientation_transform(grid.axis_codes))

"""Axial slices as the outline sees them: values by slice, anterior mm and right mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid


@dataclass(frozen=True, eq=False)
class AxialStack:
    """Values of axial slices with in-plane positions in mm from the centre of the first pixel.

    Attributes
    ----------
    values : (n_slices, n_y, n_x) array of float32
        Slices from inferior to superior; y grows to anterior, x to the patient's right.
    spacing_mm : tuple of 3 float
        Distance between slices, rows and columns, mm.
    slice_mm : (n_slices,) array
        Position of each slice along the stack, mm from the first slice of the scan.
    """

    values: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    slice_mm: NDArray[np.float64]


def axial_stack(values: NDArray, grid: Grid) -> AxialStack:
    """Wrap a 3-D array in work order, with extreme values drawn in.

    Parameters
    ----------
    values : array, shape ``grid.shape``
        Voxel values, axes S, A, R.
    grid : Grid
        Its grid, axis codes ``"SAR"``.

    Returns
    -------
    AxialStack
        Values scaled so that the 1st and 99.9th percentile of the scan map to 0 and 1 and clipped to -1..2: a few hot
        voxels then change nothing, and a scan, its multiple and its shifted copy give the same numbers.
    """
    low, high = _robust_range(values)
    scaled = (np.asarray(values, dtype=np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-30))
    np.clip(scaled, -1.0, 2.0, out=scaled)
    slice_mm = np.arange(grid.shape[0], dtype=np.float64) * grid.spacing[0]
    return AxialStack(scaled, grid.spacing, slice_mm)


def slab_means(
    values: NDArray[np.float32], slice_distance_mm: float, slab_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Average thin slices to slabs.

    Parameters
    ----------
    values : (n_slices, n_y, n_x) array
        Axial slices.
    slice_distance_mm, slab_mm : float
        Distance between slices and wanted thickness, mm; slices thicker than two thirds of it stay as they are.

    Returns
    -------
    slabs : (n_slabs, n_y, n_x) array
        The last one takes the remaining slices.
    centres_mm : (n_slabs,) array
        Middle of each slab, mm from the middle of the first slice.
    """
    group = max(1, round(slab_mm / slice_distance_mm))
    starts = np.arange(0, max(len(values) - group + 1, 1), group)
    stops = np.r_[starts[1:], len(values)]
    slabs = np.stack([values[a:b].mean(axis=0) for a, b in zip(starts, stops, strict=True)])
    return slabs, (starts + stops - 1) / 2 * slice_distance_mm


def _robust_range(values: NDArray) -> tuple[float, float]:
    step = max(1, values.size // 2_000_000)
    low, high = np.percentile(np.asarray(values).ravel()[::step], [1.0, 99.9])
    return float(low), float(high)

"""Pieces of the image around the cord, moved with its course, so that slices can be laid over each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.quality.flags.evidence import Evidence


def patches(
    evidence: Evidence, centres: NDArray[np.float64], half_mm: tuple[float, float], step_mm: float
) -> NDArray[np.float32]:
    """Read the image of each slice that holds the cord around its middle.

    Parameters
    ----------
    evidence : Evidence
        Image and mask.
    centres : (n, 2) array
        Row and column of the middle in each of these slices.
    half_mm : tuple of 2 float
        Half the height and half the width of a patch, mm.
    step_mm : float
        Distance of samples, mm.

    Returns
    -------
    (n, n_rows, n_columns) array
        Linearly interpolated; beyond the image its outermost voxels are repeated.
    """
    return _read(evidence.image, evidence, centres, half_mm, step_mm)


def mask_patches(
    evidence: Evidence, centres: NDArray[np.float64], half_mm: tuple[float, float], step_mm: float
) -> NDArray[np.float32]:
    """Read the mask in the same way: 0..1."""
    return _read(evidence.main, evidence, centres, half_mm, step_mm)


def _read(
    volume: NDArray, evidence: Evidence, centres: NDArray[np.float64], half_mm: tuple[float, float], step_mm: float
) -> NDArray[np.float32]:
    _, row_mm, column_mm = evidence.spacing_mm
    rows, columns = (np.arange(-round(half / step_mm), round(half / step_mm) + 1) * step_mm for half in half_mm)
    grid = np.meshgrid(rows / row_mm, columns / column_mm, indexing="ij")
    found = np.empty((len(centres), len(rows), len(columns)), np.float32)
    for place, (index, (row, column)) in enumerate(zip(evidence.filled, centres, strict=True)):
        plane = volume[index].astype(np.float32)
        found[place] = ndimage.map_coordinates(plane, [row + grid[0], column + grid[1]], order=1, mode="nearest")
    return found

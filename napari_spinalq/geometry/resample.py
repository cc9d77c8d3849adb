"""Interpolating values from one grid onto another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.geometry.grid import Grid


def resample_array(
    data: NDArray, grid: Grid, target: Grid, *, order: int = 1, fill: float | None = None
) -> NDArray[np.float32]:
    """Interpolate a 3-D array onto another grid by true RAS position.

    Parameters
    ----------
    data : array, shape ``grid.shape``
        Values on ``grid``.
    grid, target : Grid
        Grids of the input and of the output.
    order : int
        Spline order: 0 for labels, 1 for soft masks, 3 for images.
    fill : float, optional
        Value outside the input; by default the nearest edge value.

    Returns
    -------
    array of float32, shape ``target.shape``
        Nothing is smoothed first: for a coarser target smooth the input to the target's voxel size.
    """
    matrix = np.linalg.inv(grid.affine) @ target.affine
    mode = "nearest" if fill is None else "constant"
    return ndimage.affine_transform(
        np.asarray(data, dtype=np.float32),
        matrix[:3, :3],
        matrix[:3, 3],
        output_shape=target.shape,
        order=order,
        mode=mode,
        cval=0.0 if fill is None else fill,
    )

"""Smoothing what was measured slice by slice along the stack, and continuing it where nothing was measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.smoothing import smooth_curve


def smoothed_along(
    heights_mm: NDArray[np.float64],
    values: NDArray[np.float64],
    known: NDArray[np.bool_],
    length_mm: float,
) -> NDArray[np.float64]:
    """Return values for every slice, smooth along the stack.

    Parameters
    ----------
    heights_mm : (slices,) array
        Position of each slice, ascending, mm.
    values : (slices, ...) array
        What was measured.
    known : (slices,) array of bool
        Where it was measured; at least one.
    length_mm : float
        Wavelength that keeps half of its height, mm.

    Returns
    -------
    array, shape of ``values``
        Beyond the first and last known slice their value goes on.
    """
    table = values[known].reshape(int(known.sum()), -1)
    if len(table) == 1:
        return np.repeat(values[known], len(values), axis=0)
    inside = heights_mm[known]
    curve = smooth_curve(inside, table, length_mm)
    return np.asarray(curve(np.clip(heights_mm, inside[0], inside[-1]))).reshape(values.shape)

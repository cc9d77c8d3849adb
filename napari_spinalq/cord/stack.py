"""Axial slices as the cord finder sees them: values by slice, anterior mm and right mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.geometry import Grid

SEARCH_STEP_MM = 1.0
"""Pixel of the search grid, mm: a cord of 8-14 mm spans enough pixels, and finer detail does not help to find it."""

SLAB_MM = 3.0
"""Thin slices are averaged to about this thickness for the search, mm: a cord tilted 20 degrees blurs by 1 mm only."""

COHERENCE_LAG_MM = 2.0
"""Distance of the pixels compared, mm: a quarter of a cord, and beyond what interpolation and blur join."""

COHERENCE_REACH_MM = 12.0
"""Half width of the window compared, mm: the canal."""


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


def search_stack(stack: AxialStack) -> AxialStack:
    """Return slabs of about ``SLAB_MM`` on ``SEARCH_STEP_MM`` pixels, smoothed to that size first."""
    slabs, slab_mm = _slabs(stack)
    for axis, spacing in zip((1, 2), stack.spacing_mm[1:], strict=True):
        slabs = _resampled(slabs, axis, spacing)
    thickness = float(np.median(np.diff(slab_mm))) if len(slab_mm) > 1 else stack.spacing_mm[0]
    return AxialStack(slabs, (thickness, SEARCH_STEP_MM, SEARCH_STEP_MM), slab_mm)


def coherence(slabs: AxialStack, places_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of pixels ``COHERENCE_LAG_MM`` apart in a window around a place of each slab.

    Parameters
    ----------
    slabs : AxialStack
        From :func:`search_stack`.
    places_mm : (n_slabs, 2) array
        y and x, mm.

    Returns
    -------
    (n_slabs,) array
        0 for pure noise; a cord and its canal are wider than the lag, so a scan that shows them has far more.
    """
    reach, lag = round(COHERENCE_REACH_MM / SEARCH_STEP_MM), round(COHERENCE_LAG_MM / SEARCH_STEP_MM)
    result = np.zeros(len(places_mm))
    for index, (y, x) in enumerate(np.round(places_mm / SEARCH_STEP_MM).astype(int)):
        window = slabs.values[index, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        window = window - window.mean()
        variance = float((window**2).mean())
        if variance > 0 and min(window.shape) > lag:
            pairs = (window[lag:] * window[:-lag]).mean() + (window[:, lag:] * window[:, :-lag]).mean()
            result[index] = 0.5 * float(pairs) / variance
    return result


def _robust_range(values: NDArray) -> tuple[float, float]:
    step = max(1, values.size // 2_000_000)
    low, high = np.percentile(np.asarray(values).ravel()[::step], [1.0, 99.9])
    return float(low), float(high)


def _slabs(stack: AxialStack) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    n = stack.values.shape[0]
    group = max(1, round(SLAB_MM / stack.spacing_mm[0]))
    starts = np.arange(0, max(n - group + 1, 1), group)
    stops = np.r_[starts[1:], n]  # the last slab takes the remaining slices
    means = [stack.values[a:b].mean(axis=0) for a, b in zip(starts, stops, strict=True)]
    centres = [stack.slice_mm[a:b].mean() for a, b in zip(starts, stops, strict=True)]
    return np.stack(means), np.asarray(centres)


def _resampled(values: NDArray[np.float32], axis: int, spacing: float) -> NDArray[np.float32]:
    """Interpolate one in-plane axis to ``SEARCH_STEP_MM``; the first pixel centre stays where it is."""
    if spacing < SEARCH_STEP_MM:
        # A box of the coarse pixel has this standard deviation more than one of the fine pixel.
        sigma = np.sqrt((SEARCH_STEP_MM**2 - spacing**2) / 12.0) / spacing
        values = ndimage.gaussian_filter1d(values, sigma, axis=axis, mode="nearest")
    count = int((values.shape[axis] - 1) * spacing / SEARCH_STEP_MM + 1e-6) + 1
    at = np.arange(count) * SEARCH_STEP_MM / spacing
    lower = np.minimum(at.astype(int), max(values.shape[axis] - 2, 0))
    upper = np.minimum(lower + 1, values.shape[axis] - 1)
    weight = (at - lower).astype(np.float32)[(...,) + (None,) * (2 - axis)]
    return values.take(lower, axis) * (1 - weight) + values.take(upper, axis) * weight

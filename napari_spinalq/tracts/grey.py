"""How an atlas is bent in each slice of a scan so that its grey matter meets the measured one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.grey_matter import ALONG_CORD_MM, ALONG_CORD_SHARE
from napari_spinalq.progress import Progress, silent
from napari_spinalq.tracts.atlas import MAP_AXIS, MAP_STEP, map_points
from napari_spinalq.tracts.bend import MODES, fit_bend
from napari_spinalq.tracts.frame import CordFrame
from napari_spinalq.tracts.raster import Window, read_shares

LEAST_GREY = 0.02
"""A slice whose measured grey matter covers less of the cord than this was left out when it was drawn: it tells
nothing. Healthy cords hold 0.15 and more."""


def bends_to(
    measured: NDArray[np.float32],
    grey_maps: Mapping[int, NDArray[np.float32]],
    frame: CordFrame,
    spacing_mm: tuple[float, float, float],
    progress: Progress = silent,
) -> tuple[dict[int, NDArray[np.float64]], tuple[int, ...]]:
    """Fit a bend in every slice, then again with what its neighbours let expect; one without grey matter takes that.

    Parameters
    ----------
    measured : (n_slices, n_y, n_x) array
        Share of grey matter, work order.
    grey_maps : mapping of int to (n, n) array
        Expected grey matter of each row of the frame.
    frame : CordFrame
        Coordinates of the cord.
    spacing_mm : tuple of 3 float
        Voxel sides, mm.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    weights : dict of int to (MODES,) array
        Mode weights of each row.
    empty : tuple of int
        Rows without measured grey matter.
    """
    pairs = {}
    for row, own in grey_maps.items():
        progress(0.5 * row / len(frame.slices), "comparing grey matter")
        window = Window.around(frame, row, measured.shape[1:], spacing_mm, 0.0)
        drawn = np.zeros(measured.shape[1:], np.float32)
        drawn[window.box] = read_shares(own[None], frame, row, window)[0]
        expected, seen = (_in_cord(plane, frame, row, spacing_mm) for plane in (drawn, measured[frame.slices[row]]))
        if seen.sum() * MAP_STEP**2 / np.pi >= LEAST_GREY:
            pairs[row] = (expected, seen, spacing_mm[1] * spacing_mm[2] / frame.sample_mm2(row, MAP_STEP))
    first = {row: fit_bend(*pair) for row, pair in pairs.items()}
    final = {}
    for row in grey_maps:
        progress(0.5 + 0.5 * row / len(frame.slices), "bending the atlas to the grey matter")
        prior = _neighbourhood(row, first, np.asarray(frame.slices * spacing_mm[0], dtype=float))
        final[row] = fit_bend(*pairs[row], prior) if row in pairs else prior
    return final, tuple(row for row in grey_maps if row not in pairs)


def _in_cord(
    plane: NDArray[np.float32], frame: CordFrame, row: int, spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Return a slice at the samples of a map, 0 outside the cord, shape (n, n)."""
    x_mm, y_mm = frame.places_mm(row, *map_points())
    values = ndimage.map_coordinates(plane, [y_mm / spacing_mm[1], x_mm / spacing_mm[2]], order=1, mode="nearest")
    return np.asarray(values * (np.hypot(MAP_AXIS[:, None], MAP_AXIS) <= 1.0), dtype=float)


def _neighbourhood(
    row: int, weights: Mapping[int, NDArray[np.float64]], places_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mode weights that neighbouring slices let expect in one."""
    if not weights:
        return np.zeros(MODES)
    near = np.exp(-((places_mm[list(weights)] - places_mm[row]) ** 2) / (2 * ALONG_CORD_MM**2))
    if near.sum() < np.exp(-4.5):  # none within three standard deviations
        return np.zeros(MODES)
    return ALONG_CORD_SHARE * np.asarray(near @ np.stack(list(weights.values()))) / near.sum()

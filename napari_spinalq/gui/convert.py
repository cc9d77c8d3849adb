"""The boundary between scans (RAS mm, any axis order) and napari layers (z, y, x).

A layer holds its array in work order (indices grow to Superior, Anterior, Right) and is placed with ``scale`` and
``translate`` alone. For a scan along the anatomical axes the displayed world is RAS mm read backwards: (z, y, x) =
(S, A, R). An oblique scan is shown without its rotation, about its true centre; every number still comes from the true
affine, which travels in ``layer.metadata``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.geometry import WORK_AXES, Grid, reorient_array
from napari_spinalq.scan import Scan
from napari_spinalq.views.window import auto_window

GRID_KEY = "spinalq_grid"
"""Key of a layer's metadata that holds the Grid of its file."""

SCAN_KEY = "spinalq_scan"
"""Key of an image layer's metadata that holds its Scan."""

AXES = ("z", "y", "x")
VOLUME_AXIS = "volume"

LayerData = tuple[NDArray, dict[str, Any], str]


def placement(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``scale`` and ``translate`` (both z, y, x, mm) of a layer for an array in work order.

    The centre of the volume lies at its true RAS position; a rotation is not displayed.
    """
    work = grid.reoriented(WORK_AXES)
    scale = np.asarray(work.spacing)
    middle = (np.asarray(work.shape) - 1) / 2.0
    return scale, work.voxel_to_mm(middle)[::-1] - scale * middle


def mm_to_world(points_mm: ArrayLike, grid: Grid) -> NDArray[np.float64]:
    """Map true RAS mm, shape (..., 3), to the displayed world (z, y, x) of a scan on ``grid``."""
    scale, translate = placement(grid)
    return grid.reoriented(WORK_AXES).mm_to_voxel(points_mm) * scale + translate


def world_to_mm(points: ArrayLike, grid: Grid) -> NDArray[np.float64]:
    """Map displayed world (z, y, x), shape (..., 3), to true RAS mm: the inverse of :func:`mm_to_world`."""
    scale, translate = placement(grid)
    return grid.reoriented(WORK_AXES).voxel_to_mm((np.asarray(points, dtype=float) - translate) / scale)


def to_display(data: NDArray, grid: Grid) -> NDArray:
    """Reorder an array on ``grid`` for a layer: z, y, x, with the volumes of a 4-D scan first."""
    work, _ = reorient_array(data, grid, WORK_AXES)
    return np.ascontiguousarray(np.moveaxis(work, -1, 0)) if work.ndim == 4 else work


def from_display(data: NDArray, grid: Grid) -> NDArray:
    """Give an array of a layer back in the axis order of ``grid``: the inverse of :func:`to_display`."""
    work = np.moveaxis(data, 0, -1) if data.ndim == 4 else data
    return reorient_array(work, grid.reoriented(WORK_AXES), grid.axis_codes)[0]


def image_layer(scan: Scan) -> LayerData:
    """Return the layer of a scan: data, settings for ``add_image`` and ``"image"``."""
    data = to_display(scan.data, scan.grid)
    settings = _place(scan.grid, data.ndim) | {
        "name": scan.name,
        "colormap": "gray",
        "contrast_limits": contrast_limits(data),
        "interpolation2d": "linear",
        # One slice at a time: the depth in which planes gather discs must not blur the image.
        "projection_mode": "none",
        "metadata": {GRID_KEY: scan.grid, SCAN_KEY: scan},
    }
    return data, settings, "image"


def labels_layer(data: NDArray, grid: Grid, name: str, settings: Mapping[str, Any] | None = None) -> LayerData:
    """Return the layer of a mask or label map on ``grid``: data, settings for ``add_labels`` and ``"labels"``."""
    work = to_display(data, grid).astype(np.uint8)
    return work, _place(grid, 3) | {"name": name, "metadata": {GRID_KEY: grid}} | dict(settings or {}), "labels"


def contrast_limits(data: NDArray) -> tuple[float, float]:
    """Return the grey window in which a scan is shown first; never an empty one."""
    window = auto_window(data)
    return window.low, window.high


def layer_grid(layer: Any) -> Grid | None:
    """Return the Grid of the file behind a layer, or None for a layer that is not ours."""
    grid = layer.metadata.get(GRID_KEY)
    return grid if isinstance(grid, Grid) else None


def layer_scan(layer: Any) -> Scan | None:
    """Return the Scan behind an image layer, or None for a layer that is not ours."""
    scan = layer.metadata.get(SCAN_KEY)
    return scan if isinstance(scan, Scan) else None


def _place(grid: Grid, ndim: int) -> dict[str, Any]:
    scale, translate = placement(grid)
    extra = ndim - 3
    return {
        "scale": (1.0,) * extra + tuple(scale.tolist()),
        "translate": (0.0,) * extra + tuple(translate.tolist()),
        "units": ("pixel",) * extra + ("mm",) * 3,
        "axis_labels": (VOLUME_AXIS,) * extra + AXES,
    }

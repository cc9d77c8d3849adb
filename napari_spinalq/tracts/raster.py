"""True partial volumes: every voxel of a slice is read at many points, in the plane and along the leaning cord."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.tracts.atlas import sample_maps
from napari_spinalq.tracts.frame import CordFrame

SAMPLE_STEP_MM, MAX_SAMPLES = 0.15, 7
"""Each voxel is read at points no farther apart than this (mm) along each axis of the slice, and at no more than this
many; through the slice at as many heights as its lean moves the cord by that step."""


@dataclass(frozen=True, eq=False)
class Window:
    """Voxels of a slice in which the cord and the CSF around it lie.

    Attributes
    ----------
    box : tuple of 2 slice
        Rows and columns.
    x_mm, y_mm : (n_y, n_x) arrays
        Centres of its voxels, mm from the centre of the slice's first pixel.
    offsets : (n, 3) array
        Points of a voxel: x and y in mm from its centre, height in slices.
    """

    box: tuple[slice, slice]
    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def around(
        cls,
        frame: CordFrame,
        row: int,
        shape: tuple[int, ...],
        spacing_mm: tuple[float, float, float],
        margin_mm: float,
    ) -> Window:
        """Return the window of a row of the frame, ``margin_mm`` wider than the cord on each side."""
        reach = frame.reach_mm(row) + margin_mm
        centre = frame.centres_mm[row]
        spans = [
            slice(max(0, int(np.floor((middle - half) / side))), min(size, int(np.ceil((middle + half) / side)) + 1))
            for middle, half, side, size in zip(centre[::-1], reach[::-1], spacing_mm[1:], shape, strict=True)
        ]
        y, x = np.meshgrid(
            *(np.arange(span.start, span.stop) * side for span, side in zip(spans, spacing_mm[1:], strict=True)),
            indexing="ij",
        )
        return cls((spans[0], spans[1]), x, y, _sample_offsets(spacing_mm, frame.lean_mm(row)))


def _sample_offsets(spacing_mm: tuple[float, float, float], lean_mm: float) -> NDArray[np.float64]:
    """Return even points of a voxel: x and y in mm, height in slices; shape (n, 3), by height."""
    height, y, x = (
        (np.arange(count) + 0.5) / count - 0.5
        for count in (
            int(np.clip(np.ceil(length / SAMPLE_STEP_MM), 1, MAX_SAMPLES)) for length in (lean_mm, *spacing_mm[1:])
        )
    )
    points = np.array(list(product(height, y, x)))
    return points[:, ::-1] * [spacing_mm[2], spacing_mm[1], 1.0]


def read_shares(maps: NDArray[np.float32], frame: CordFrame, row: int, window: Window) -> NDArray[np.float32]:
    """Return the mean share of each part over the points of every voxel, shape (n_parts, n_y, n_x)."""
    total = np.zeros((len(maps), *window.x_mm.shape), np.float32)
    for right, anterior, height in window.offsets:
        x, y = frame.normalised(row, window.x_mm + right, window.y_mm + anterior, float(height))
        inside = np.hypot(x, y) <= 1.0
        total[:, inside] += sample_maps(maps, x[inside], y[inside])
    total /= len(window.offsets)
    return total

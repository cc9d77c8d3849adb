"""A measure along the cord: one value a slice, and which of them depart from their neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.shape import SliceShapes
from napari_spinalq.metrics.spikes import spikes


@dataclass(frozen=True, eq=False)
class Profile:
    """A measure of every slice of a scan; arrays of length n_slices in work order.

    Attributes
    ----------
    attribute : str
        Of :class:`~napari_spinalq.metrics.shape.SliceShapes`.
    values : array
        NaN in slices without the structure.
    spikes : array of bool
        Slices that depart from the course of their neighbours.
    """

    attribute: str
    values: NDArray[np.float64]
    spikes: NDArray[np.bool_]


def profile_of(shapes: SliceShapes, attribute: str, work_grid: Grid) -> Profile:
    """Return a measure along the cord.

    Parameters
    ----------
    shapes : SliceShapes
        Measures of the slices that hold the structure.
    attribute : str
        One of its measures for which :mod:`napari_spinalq.metrics.spikes` knows what a spike is.
    work_grid : Grid
        Of the mask, in work order.
    """
    values = np.full(shapes.slice_count, np.nan)
    values[shapes.slice_index] = getattr(shapes, attribute)
    step_mm, *pixel_mm = work_grid.spacing
    return Profile(attribute, values, spikes(values, attribute, step_mm, float(np.sqrt(np.prod(pixel_mm)))))


def level_means(levels: LevelShapes | None, attribute: str) -> dict[int, float]:
    """Return the mean of a measure over the slices of each level; empty without levels."""
    if levels is None:
        return {}
    return dict(zip(levels.level.tolist(), levels.mean[attribute].tolist(), strict=True))

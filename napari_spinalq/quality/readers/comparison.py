"""Two reads of one scan, compared: per level, over slices, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.metrics.levels import per_level
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.quality.readers.agreement import LimitsOfAgreement, limits_of_agreement
from napari_spinalq.quality.readers.change import LevelChange, level_changes
from napari_spinalq.quality.readers.overlap import SliceOverlap, slice_overlap


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two masks of one scan.

    Attributes
    ----------
    overlap : SliceOverlap
        Voxels per slice.
    levels : tuple of LevelChange
        Per level, the first read as before and the second as after; empty without levels.
    slices : (n,) array of int
        Slices that both masks hold.
    first_mm2, second_mm2 : (n,) arrays
        Areas there.
    limits : LimitsOfAgreement, optional
        Of these areas, second less first; None for too few slices. Neighbouring slices are not independent, so its
        intervals are too narrow: bias and limits describe this scan only.
    """

    overlap: SliceOverlap
    levels: tuple[LevelChange, ...]
    slices: NDArray[np.int_]
    first_mm2: NDArray[np.float64]
    second_mm2: NDArray[np.float64]
    limits: LimitsOfAgreement | None


def compare_masks(
    first: NDArray, second: NDArray, grid: Grid, slice_levels: NDArray[np.int_] | None, *, structure: str = "cord"
) -> Comparison:
    """Compare two masks of one scan.

    Parameters
    ----------
    first, second : array, shape ``grid.shape``
        In the axis order of the file.
    grid : Grid
        Of the scan.
    slice_levels : (n_slices,) array of int, optional
        Vertebral level of each axial slice, 0 = none: the same for both, so that like is compared with like.
    structure : str
        As in :func:`~napari_spinalq.metrics.shape.slice_shapes`.

    Raises
    ------
    InputError
        If a mask is empty, or as :func:`~napari_spinalq.metrics.shape.slice_shapes`.
    """
    shapes = [slice_shapes(mask, grid, structure=structure) for mask in (first, second)]
    overlap = slice_overlap(*(to_work_order(mask, grid)[0] for mask in (first, second)))
    levels: tuple[LevelChange, ...] = ()
    if slice_levels is not None:
        one, other = (per_level(shape, slice_levels) for shape in shapes)
        levels = level_changes(one, other, overlap, structure=structure)
    common, left, right = np.intersect1d(shapes[0].slice_index, shapes[1].slice_index, return_indices=True)
    areas = shapes[0].area_mm2[left], shapes[1].area_mm2[right]
    return Comparison(overlap, levels, common, *areas, _limits(*areas))


def _limits(first: NDArray[np.float64], second: NDArray[np.float64]) -> LimitsOfAgreement | None:
    try:
        return limits_of_agreement(first, second)
    except InputError:  # too few slices in common: there is no figure, and the reader is told so
        return None

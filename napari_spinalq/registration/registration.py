"""A registration as a value: how points and images go from one scan to another, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid


@dataclass(frozen=True, eq=False)
class Registration:
    """Where each voxel of a target scan lies in a source scan, and the way back.

    Attributes
    ----------
    source, target : Grid
        Grids of the two scans.
    source_points_mm : array, shape ``target.shape + (3,)``
        For the centre of each target voxel its place in the source, RAS mm.
    target_points_mm : array, shape ``source.shape + (3,)``
        For the centre of each source voxel its place in the target, RAS mm.
    dice_before, dice_after : float
        Overlap of both cords on the target by position alone, and after registration; NaN where one is not known.
    flags : tuple of str
        What a reader must know.
    similarity_before, similarity_after : float
        Share of the target's variance around its cord that the source's grey values explain, 0..1; the images play no
        part in the fit, so this checks the masks. NaN where it is not known.
    """

    source: Grid
    target: Grid
    source_points_mm: NDArray[np.float32]
    target_points_mm: NDArray[np.float32]
    dice_before: float
    dice_after: float
    flags: tuple[str, ...] = ()
    similarity_before: float = float("nan")
    similarity_after: float = float("nan")


def by_position(source: Grid, target: Grid) -> Registration:
    """Return the registration of two scans by scanner position alone: every place stays where it is."""
    there, back = (grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)) for grid in (target, source))
    unknown = float("nan")
    return Registration(source, target, there.astype(np.float32), back.astype(np.float32), unknown, unknown)

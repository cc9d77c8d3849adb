"""Vertebral levels of one scan on the cord of another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.levels.levelmap import level_extents, levels_at
from napari_spinalq.registration.registration import Registration


def carry_levels(
    registration: Registration, labelling: Labelling, centerline: Centerline, target_mask: NDArray
) -> NDArray[np.uint8]:
    """Return the vertebral level of each voxel of the target's cord, by its place along the cord of the source.

    Unlike a level map carried with order 0, this knows the level of every voxel of the target's mask, also where the
    source's mask ends.

    Parameters
    ----------
    registration : Registration
        From the source, on which the discs were named, to the target.
    labelling : Labelling
        Named discs, RAS mm of the source; none gives no level.
    centerline : Centerline
        Of the source's cord, RAS mm.
    target_mask : array, shape ``registration.target.shape``
        Cord on the target, binary or soft; every voxel above 0 gets its level.

    Returns
    -------
    array of uint8, shape ``registration.target.shape``
        0 outside the mask and beyond the outermost levels.
    """
    levels = np.zeros(registration.target.shape, dtype=np.uint8)
    inside = np.asarray(target_mask) > 0
    if labelling.discs and inside.any():
        arcs_mm = centerline.nearest_arc(registration.source_points_mm[inside].astype(np.float64))
        levels[inside] = levels_at(arcs_mm, level_extents(labelling, centerline))
    return levels

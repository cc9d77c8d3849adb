"""Which tract lies at a place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_spinalq.tracts.maps import Tract, TractMaps, TractTissue

LEAST_SHARE = 0.1
"""Of a voxel; where the cord has less, the place counts as outside of it: a rim of interpolation is no tract."""


def tract_at(tracts: TractMaps, voxel: Sequence[int]) -> tuple[Tract, float] | None:
    """Return the tract with the largest share of a voxel, and that share (0..1).

    Parameters
    ----------
    tracts : TractMaps
        Fractions in the axis order of a file.
    voxel : sequence of 3 int
        Index in that order.

    Returns
    -------
    tuple of (Tract, float), optional
        None outside of the grid, and where the cord has less than :data:`LEAST_SHARE` of the voxel.
    """
    shape = tracts.fractions.shape[1:]
    if not all(0 <= index < size for index, size in zip(voxel, shape, strict=True)):
        return None
    i, j, k = voxel
    shares = tracts.fractions[:, i, j, k]
    cord = np.where([tract.tissue is TractTissue.CSF for tract in tracts.tracts], 0.0, shares)
    if cord.sum() < LEAST_SHARE:
        return None
    most = int(cord.argmax())
    return tracts.tracts[most], float(cord[most])

"""How well fibres of neighbouring voxels go on into each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from napari_spinalq.geometry import Grid

STEP_MM = 5.0
"""How far a fibre is followed (mm): the thickness of an axial slice, enough to leave the cord when it runs askew."""


def fibre_continuity(
    fibres: NDArray[np.float64],
    steps: NDArray[np.float64],
    weights: NDArray[np.float64],
    core: NDArray[np.bool_],
    grid: Grid,
) -> float:
    """Follow each fibre to the slices above and below, and tell how much it finds there of its own kind.

    Where fibre i arrives, the dyadic tensor of the fibres there, sum w v v', is interpolated, and v_i' (sum w v v') v_i
    is taken: 0 outside of the cord, w where the fibre goes on in its own direction. The index of Schilling et al. 2019
    (doi:10.1016/j.mri.2019.01.018) counts such pairs.

    Parameters
    ----------
    fibres : (v, 3) array
        Unit vectors, RAS, of the voxels of ``core``.
    steps : (v, 3) array
        Unit vectors to follow, RAS: the fibres themselves, or as they would be for another gradient table. A common
        turn of all fibres does not change how alike they are, only where they lead.
    weights : (v,) array
        FA of each.
    core : array of bool, shape ``grid.shape``
        Where the fibres are.
    grid : Grid
        Of the core.

    Returns
    -------
    float
        0..1: weighted by FA, both ways; ends of the stack are left out.
    """
    axis = next(index for index, code in enumerate(grid.axis_codes) if code in "SI")
    slices = max(1, round(STEP_MM / grid.spacing[axis]))
    places = np.argwhere(core).astype(float)
    moves = steps @ np.linalg.inv(grid.affine[:3, :3]).T
    along = moves[:, axis : axis + 1]
    moves = slices * moves / np.where(np.abs(along) > 1e-6, along, 1e-6)  # a fibre within the slice leaves the cord
    dyadics = np.zeros((3, 3, *core.shape))
    dyadics[:, :, core] = np.einsum("vi,vj,v->ijv", fibres, fibres, weights)
    found = total = 0.0
    for way in (1, -1):
        arrive = places + way * moves
        inside = (arrive[:, axis] > -0.5) & (arrive[:, axis] < core.shape[axis] - 0.5)
        there = [[map_coordinates(part, arrive[inside].T, order=1) for part in row] for row in dyadics]
        found += float(np.einsum("vi,ijv,vj,v->", fibres[inside], np.array(there), fibres[inside], weights[inside]))
        total += float((weights[inside] ** 2).sum())
    return min(1.0, found / total) if total > 0 else 0.0

"""The diffusion scheme of a series as a value: b-values, and directions in RAS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid

B0_THRESHOLD = 50.0
"""A volume weighted by no more than this (s/mm2) counts as unweighted: many scanners cannot play out b = 0."""


@dataclass(frozen=True, eq=False)
class GradientTable:
    """A diffusion scheme.

    Attributes
    ----------
    b_values : (n,) array
        s/mm2.
    directions : (n, 3) array
        Unit vectors in RAS (zero where b = 0).
    b0_threshold : float
        Volumes weighted by no more than this count as unweighted, s/mm2.
    """

    b_values: NDArray[np.float64]
    directions: NDArray[np.float64]
    b0_threshold: float = B0_THRESHOLD

    def __len__(self) -> int:
        return len(self.b_values)

    @property
    def unweighted(self) -> NDArray[np.bool_]:
        """Which volumes count as unweighted (b0), shape (n,)."""
        return self.b_values <= self.b0_threshold


def fsl_directions(directions: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Express RAS directions (n, 3) as an FSL ``bvecs`` file does.

    Components are along the array axes, and the first is negated where the affine has a positive determinant
    (neurological storage), as the FSL FDT documentation defines.

    Examples
    --------
    >>> fsl_directions(np.array([[1.0, 0.0, 0.0]]), Grid((2, 2, 2), np.eye(4))).tolist()
    [[-1.0, 0.0, 0.0]]
    """
    return directions @ _fsl_frame(grid) + 0.0  # turns -0.0 into 0.0


def ras_directions(fsl: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Express directions (n, 3) of an FSL ``bvecs`` file in RAS; the inverse of :func:`fsl_directions`."""
    return fsl @ np.linalg.inv(_fsl_frame(grid)) + 0.0


def _fsl_frame(grid: Grid) -> NDArray[np.float64]:
    """Return the axes of an FSL ``bvecs`` file as columns in RAS."""
    axes = grid.affine[:3, :3] / np.asarray(grid.spacing)
    return axes * [-1.0, 1.0, 1.0] if np.linalg.det(axes) > 0 else axes

"""The plane of axial slices in millimetres: directions, pixel size and distance between slices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid


@dataclass(frozen=True, eq=False)
class SlicePlane:
    """Directions and sizes that all slices of a work-order grid share.

    The RL axis runs along the rows of pixels, the slice normal is perpendicular to the plane of pixels, and the AP
    axis is perpendicular to both. On an oblique grid none of them is a world axis.

    Attributes
    ----------
    right, anterior, normal : (3,) arrays
        Unit vectors in RAS; ``normal`` points to superior.
    pixel_matrix : (2, 2) array
        Maps (row, column) steps to (right, anterior) mm.
    slice_step_mm : float
        Distance between neighbouring slice planes, mm (along the normal, so shear does not lengthen it).
    """

    right: NDArray[np.float64]
    anterior: NDArray[np.float64]
    normal: NDArray[np.float64]
    pixel_matrix: NDArray[np.float64]
    slice_step_mm: float

    @cached_property
    def pixel_area_mm2(self) -> float:
        """Area of a pixel, mm2."""
        return float(abs(np.linalg.det(self.pixel_matrix)))

    @cached_property
    def axes(self) -> NDArray[np.float64]:
        """``right``, ``anterior`` and ``normal`` as rows, shape (3, 3)."""
        return np.stack([self.right, self.anterior, self.normal])


def slice_plane(work_grid: Grid) -> SlicePlane:
    """Return the plane of the axial slices of a grid in work order (z, y, x).

    Examples
    --------
    >>> plane = slice_plane(Grid((9, 4, 4), np.array([[0, 0, 0.5, 0], [0, 0.5, 0, 0], [5, 0, 0, 0], [0, 0, 0, 1.0]])))
    >>> plane.pixel_area_mm2, plane.slice_step_mm, plane.normal.tolist()
    (0.25, 5.0, [0.0, 0.0, 1.0])
    """
    step, row, column = work_grid.affine[:3, :3].T
    right = column / np.linalg.norm(column)
    normal = np.cross(right, row)
    normal /= np.linalg.norm(normal)
    anterior = np.cross(normal, right)
    in_plane = np.stack([right, anterior])
    return SlicePlane(right, anterior, normal, in_plane @ np.stack([row, column], axis=1), float(abs(step @ normal)))

"""The slices of an acquisition: which axis they are stacked along, and how their planes lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid, reorient_array

THICK_RATIO = 1.1
"""Slices are stacked along the axis whose spacing is the largest, if it exceeds the others by a tenth: a slice is
thicker than its pixels. Where no axis stands out, slices are taken as axial."""

STACKS = {"S": "SAR", "A": "ASR", "R": "RSA"}
"""Axis along which slices are stacked -> axes of slices, rows and columns, each growing to the direction it names."""

NAMES = {"S": "superior", "A": "anterior", "R": "right"}


@dataclass(frozen=True, eq=False)
class SliceFrame:
    """The slices of an acquisition.

    Attributes
    ----------
    grid : Grid
        In the order slices, rows, columns; indices grow to superior, anterior and right.
    """

    grid: Grid

    @property
    def codes(self) -> str:
        """Axis codes of slices, rows and columns, such as ``"SAR"`` for axial slices."""
        return self.grid.axis_codes

    @property
    def slice_axis(self) -> str:
        """Direction in which slices are numbered: ``"superior"``, ``"anterior"`` or ``"right"``."""
        return NAMES[self.codes[0]]

    @property
    def plane_axes(self) -> tuple[str, str]:
        """Directions in which rows and columns are numbered, such as ``("anterior", "right")``."""
        return NAMES[self.codes[1]], NAMES[self.codes[2]]

    @property
    def pixel_mm(self) -> NDArray[np.float64]:
        """Distance of rows and of columns, mm, shape (2,)."""
        return np.asarray(self.grid.spacing[1:])

    @cached_property
    def slice_mm(self) -> NDArray[np.float64]:
        """Place of each slice along the stack, mm from the first, shape (n_slices,)."""
        return np.asarray(np.arange(self.grid.shape[0]) * self.grid.spacing[0], dtype=np.float64)

    @cached_property
    def turn_axis(self) -> NDArray[np.float64]:
        """Unit vector in RAS about which a turn from columns to rows is right-handed: superior for axial slices."""
        rows, columns = (self.grid.affine[:3, 1:3] / self.pixel_mm).T
        axis = np.cross(columns, rows)
        return np.asarray(axis / np.linalg.norm(axis), dtype=np.float64)

    def stacked(self, data: NDArray, grid: Grid) -> NDArray:
        """Return an array of the file (its grid given) as slices, rows, columns (and volumes)."""
        return reorient_array(data, grid, self.codes)[0]

    def unstacked(self, data: NDArray, grid: Grid) -> NDArray:
        """Return an array of slices, rows, columns (and volumes) in the axis order of ``grid``; undoes ``stacked``."""
        return reorient_array(data, self.grid, grid.axis_codes)[0]


def slice_frame(grid: Grid) -> SliceFrame:
    """Find the slices of an acquisition from its voxel size.

    Examples
    --------
    >>> slice_frame(Grid((40, 40, 10), np.diag([-1.0, 1.0, 5.0, 1.0]))).plane_axes
    ('anterior', 'right')
    >>> slice_frame(Grid((12, 128, 128), np.diag([3.0, 1.0, 1.0, 1.0]))).plane_axes
    ('superior', 'anterior')
    """
    spacing = np.asarray(grid.reoriented("SAR").spacing)
    thick, next_to = np.sort(spacing)[[-1, -2]]
    axis = "SAR"[int(np.argmax(spacing))] if thick > THICK_RATIO * next_to else "S"
    return SliceFrame(grid.reoriented(STACKS[axis]))

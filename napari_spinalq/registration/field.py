"""In-plane displacements as lattices, one for each axial slice of a target, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.geometry import Grid

INVERSE_STEPS = 30
"""Fixed-point steps of the inverse: with a displacement that changes by 0.5 mm per mm the error halves at each."""

INVERSE_TOLERANCE_MM = 1e-3
"""The inverse is found when no point moves farther in a step, mm."""


@dataclass(frozen=True, eq=False)
class SliceFrame:
    """Places by axial slice of a scan: fractional slice from inferior, then mm to anterior and to the right.

    The mm count from the centre of the first pixel of a slice, along its own rows and columns, so that a place keeps
    its slice whatever happens within the plane.

    Attributes
    ----------
    grid : Grid
        In work order, axis codes ``"SAR"``.
    """

    grid: Grid

    @property
    def slices(self) -> int:
        """Number of slices."""
        return self.grid.shape[0]

    @property
    def heights_mm(self) -> NDArray[np.float64]:
        """Position of each slice along the stack, mm from the first."""
        return np.arange(self.slices, dtype=np.float64) * self.grid.spacing[0]

    def places(self, points_mm: NDArray) -> NDArray[np.float64]:
        """Return the places, shape (..., 3), of RAS points (mm)."""
        return self.grid.mm_to_voxel(points_mm) * self._units

    def points_mm(self, places: NDArray) -> NDArray[np.float64]:
        """Return the RAS points (mm), shape (..., 3), of places."""
        return self.grid.voxel_to_mm(places / self._units)

    def centres(self) -> NDArray[np.float64]:
        """Return the places of all voxel centres, shape (slices, rows, columns, 3)."""
        return np.moveaxis(np.indices(self.grid.shape), 0, -1) * self._units

    @property
    def _units(self) -> NDArray[np.float64]:
        return np.array([1.0, *self.grid.spacing[1:]])


@dataclass(frozen=True, eq=False)
class Field:
    """Displacement within each axial slice, known on a lattice.

    Attributes
    ----------
    values_mm : (slices, rows, columns, 2) array
        Displacement to anterior and to the right, mm.
    corner_mm : (2,) array
        Place of the first lattice point, mm to anterior and right.
    step_mm : float
        Distance of lattice points, mm.
    """

    values_mm: NDArray[np.float64]
    corner_mm: NDArray[np.float64]
    step_mm: float

    def at(self, places: NDArray) -> NDArray[np.float64]:
        """Return the displacement at places (..., 3): linear between lattice points and slices, shape (..., 2), mm.

        Beyond the lattice it is that of the border; above and below the stack that of the outermost slice.
        """
        flat = places.reshape(-1, 3)
        index = np.stack([flat[:, 0], *((flat[:, 1:] - self.corner_mm) / self.step_mm).T])
        found = [ndimage.map_coordinates(self.values_mm[..., axis], index, order=1, mode="nearest") for axis in (0, 1)]
        return np.stack(found, axis=-1).reshape(*places.shape[:-1], 2)

    def moved(self, places: NDArray) -> NDArray[np.float64]:
        """Return places (..., 3) after the displacement; each keeps its slice."""
        result = np.array(places, dtype=float)
        result[..., 1:] += self.at(places)
        return result

    def inverse(self) -> Field:
        """Return the displacement that leads back, on the same lattice.

        The fixed-point iteration of Chen et al. 2008, Med Phys 35:81, doi:10.1118/1.2816107: it converges where the
        displacement changes by less than 1 mm per mm.
        """
        lattice = self.lattice()
        back = np.zeros_like(self.values_mm)
        for _ in range(INVERSE_STEPS):
            places = lattice.copy()
            places[..., 1:] += back
            step = -self.at(places) - back
            back += step
            if np.abs(step).max() < INVERSE_TOLERANCE_MM:
                break
        return Field(back, self.corner_mm, self.step_mm)

    def lattice(self) -> NDArray[np.float64]:
        """Return the places of all lattice points, shape (slices, rows, columns, 3)."""
        index = np.moveaxis(np.indices(self.values_mm.shape[:3]), 0, -1).astype(float)
        index[..., 1:] = index[..., 1:] * self.step_mm + self.corner_mm
        return index

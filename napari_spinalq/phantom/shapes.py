"""Simple bodies of known area on any grid, by sub-voxel integration: answers for tests of measures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.sampling import Sampling, average_over_voxels


@dataclass(frozen=True)
class EllipticCylinder:
    """A straight elliptic cylinder without ends.

    Attributes
    ----------
    diameter_rl_mm, diameter_ap_mm : float
        Axes of the cross-section perpendicular to the cylinder, mm.
    centre_mm : tuple of 3 float
        A point of its axis, RAS mm.
    tilt_ap_deg, tilt_rl_deg : float
        Lean of the axis, on its way to superior, towards anterior and towards right, degrees.
    turn_deg : float
        Turn of the cross-section about the axis, right towards anterior, degrees.
    """

    diameter_rl_mm: float
    diameter_ap_mm: float
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tilt_ap_deg: float = 0.0
    tilt_rl_deg: float = 0.0
    turn_deg: float = 0.0

    def __post_init__(self) -> None:
        if min(self.diameter_rl_mm, self.diameter_ap_mm) <= 0:
            raise InputError("An elliptic cylinder needs two positive diameters in mm.")

    @property
    def area_mm2(self) -> float:
        """Area perpendicular to the axis: pi a b, mm2.

        Examples
        --------
        >>> round(EllipticCylinder(12.0, 8.0).area_mm2, 3)
        75.398
        """
        return np.pi * self.diameter_rl_mm * self.diameter_ap_mm / 4

    @cached_property
    def axis(self) -> NDArray[np.float64]:
        """Unit vector along the cylinder towards superior, RAS."""
        lean = np.tan(np.radians([self.tilt_rl_deg, self.tilt_ap_deg]))
        vector = np.array([lean[0], lean[1], 1.0])
        return vector / np.linalg.norm(vector)

    @cached_property
    def cross_axes(self) -> NDArray[np.float64]:
        """Unit vectors along the right-left and anterior-posterior diameter, shape (2, 3), RAS."""
        right = np.array([1.0, 0.0, 0.0]) - self.axis[0] * self.axis
        right /= np.linalg.norm(right)
        anterior = np.cross(self.axis, right)
        cosine, sine = np.cos(np.radians(self.turn_deg)), np.sin(np.radians(self.turn_deg))
        return np.stack([cosine * right + sine * anterior, cosine * anterior - sine * right])

    def contains(self, points_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return 1 for RAS points (n, 3) inside, else 0."""
        across = (points_mm - np.asarray(self.centre_mm)) @ self.cross_axes.T
        halves = np.array([self.diameter_rl_mm, self.diameter_ap_mm]) / 2
        return (((across / halves) ** 2).sum(axis=1) <= 1).astype(np.uint8)

    def soft_mask(self, grid: Grid, samples_per_mm: float = 8.0) -> NDArray[np.float64]:
        """Return the share of each voxel's volume that lies inside, shape ``grid.shape``, 0..1."""
        step = 1.0 / samples_per_mm
        return average_over_voxels(
            self.contains, grid, np.array([[0.0], [1.0]]), Sampling(cell_mm=1.0, coarse_mm=step, fine_mm=step)
        )[0]


def simple_cylinder(
    grid: Grid,
    diameter_rl_mm: float = 12.0,
    diameter_ap_mm: float = 8.0,
    *,
    centre_mm: tuple[float, float, float] | None = None,
    tilt_ap_deg: float = 0.0,
    tilt_rl_deg: float = 0.0,
    turn_deg: float = 0.0,
) -> tuple[NDArray[np.float64], EllipticCylinder]:
    """Return the soft mask of a tilted elliptic cylinder through a grid, and the cylinder with its exact area.

    Parameters
    ----------
    grid : Grid
        Any spacing and orientation.
    diameter_rl_mm, diameter_ap_mm : float
        Axes of the cross-section, mm.
    centre_mm : tuple of 3 float, optional
        A point of the axis, RAS mm; by default the middle of the grid.
    tilt_ap_deg, tilt_rl_deg, turn_deg : float
        As in :class:`EllipticCylinder`.
    """
    if centre_mm is None:
        middle = grid.voxel_to_mm((np.asarray(grid.shape) - 1) / 2)
        centre_mm = (float(middle[0]), float(middle[1]), float(middle[2]))
    cylinder = EllipticCylinder(diameter_rl_mm, diameter_ap_mm, centre_mm, tilt_ap_deg, tilt_rl_deg, turn_deg)
    return cylinder.soft_mask(grid), cylinder

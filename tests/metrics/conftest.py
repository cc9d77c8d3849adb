"""Cords with a closed form: elliptic cylinders around a known curve, cut by the slices of a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from napari_spinalq.geometry import Grid

AREA_MM2 = np.pi * 6.5 * 4.0
"""Of the ellipse that the phantoms carry: RL semi-axis 6.5 mm, AP semi-axis 4 mm."""


def box_grid(spacing=(1.0, 0.5, 0.5), extent_mm=(40.0, 24.0, 24.0), rotation=None):
    """Return a work-order grid (z, y, x) around the RAS origin, turned by ``rotation`` about it.

    It is off the origin by a part of a voxel: outlines that pass through rows of voxel centres would be a special case.
    """
    shape = tuple(round(size / step) for size, step in zip(extent_mm, spacing, strict=True))
    axes = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=float) * spacing
    axes = axes if rotation is None else rotation @ axes
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = -axes @ ((np.array(shape) - 1) / 2 + [0.1, 0.17, 0.29])
    return Grid(shape, affine)


def turn(axis, degrees):
    """Return the rotation by ``degrees`` about a RAS axis (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    radians = np.radians(degrees)
    return np.eye(3) + np.sin(radians) * cross + (1 - np.cos(radians)) * cross @ cross


@dataclass(frozen=True)
class Cylinder:
    """A straight cylinder through the RAS origin.

    ``frame`` holds as columns the RL axis, the AP axis and the direction of the cylinder.
    """

    frame: np.ndarray
    radius_rl_mm: float = 6.5
    radius_ap_mm: float = 4.0

    def inside(self, points_mm):
        """Tell which RAS mm points lie inside."""
        across, along, _ = np.moveaxis(points_mm @ self.frame, -1, 0)
        return (across / self.radius_rl_mm) ** 2 + (along / self.radius_ap_mm) ** 2 <= 1


def sample(inside: Callable, grid: Grid, parts: int = 1) -> np.ndarray:
    """Return the part of each voxel's slice plane inside a body: its centre alone, or ``parts``^2 points in plane."""
    offsets = (np.arange(parts) + 0.5) / parts - 0.5
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1).astype(float)
    total = np.zeros(grid.shape)
    for down in offsets:
        for right in offsets:
            total += inside(grid.voxel_to_mm(index + np.array([0.0, down, right])))
    return total / parts**2


@pytest.fixture(scope="session")
def phantom():
    """Return the tools that make phantoms."""

    class Tools:
        area_mm2 = AREA_MM2
        grid = staticmethod(box_grid)
        turn = staticmethod(turn)
        cylinder = Cylinder
        sample = staticmethod(sample)

        @staticmethod
        def upright(spacing=(1.0, 0.5, 0.5), parts=1):
            """Return mask and grid of a cylinder along the slice normal."""
            grid = box_grid(spacing)
            return sample(Cylinder(np.eye(3)).inside, grid, parts), grid

    return Tools

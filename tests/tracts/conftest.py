"""A cord whose outline is known in closed form, on any grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid


@dataclass(frozen=True)
class Ellipse:
    """A cord of elliptic cross-section (in axial planes) that leans evenly; RAS mm."""

    half_x: float = 6.0
    half_y: float = 3.7
    lean_x: float = 0.0
    lean_y: float = 0.0
    turn_deg: float = 0.0

    def place(self, points_mm: NDArray) -> tuple[NDArray, NDArray]:
        """Return normalised coordinates of RAS points."""
        x = points_mm[..., 0] - self.lean_x * points_mm[..., 2]
        y = points_mm[..., 1] - self.lean_y * points_mm[..., 2]
        cosine, sine = np.cos(np.radians(self.turn_deg)), np.sin(np.radians(self.turn_deg))
        return (cosine * x + sine * y) / self.half_x, (cosine * y - sine * x) / self.half_y

    def share(self, grid: Grid, inside=lambda x, y: np.hypot(x, y) <= 1, parts: int = 5) -> NDArray:
        """Return the share of each voxel in a region of normalised coordinates (by default the cord)."""
        steps = (np.arange(parts) + 0.5) / parts - 0.5
        index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1).astype(float)
        total = np.zeros(grid.shape)
        for offset in np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3):
            total += inside(*self.place(grid.voxel_to_mm(index + offset)))
        return (total / parts**3).astype(np.float32)


def centred_grid(codes: str = "LAS", shape=(28, 22, 5), spacing=(0.7, 0.7, 5.0), turn_deg: float = 0.0) -> Grid:
    """Return a grid about the origin; ``shape`` and ``spacing`` as R, A, S, then turned to other axes."""
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine).reoriented(codes)


@pytest.fixture
def grid() -> Grid:
    return centred_grid()


def centroid_mm(share: NDArray, grid: Grid) -> NDArray:
    """Return the mean place of a share in RAS mm."""
    index = np.argwhere(share > 0)
    return np.average(grid.voxel_to_mm(index), axis=0, weights=share[tuple(index.T)])


def overlap(first: NDArray, second: NDArray) -> float:
    """Return the Dice overlap of two soft maps: twice the common share over the sum of shares."""
    return float(2 * np.minimum(first, second).sum() / (first.sum() + second.sum()))

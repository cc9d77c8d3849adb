"""Surfaces of masks, in true RAS mm: what the 3-D pane shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from napari_spinalq.geometry import Grid, resample_array

SMOOTHING_MM = 0.8
"""The mask is blurred by this much (mm) before its surface is taken, or stairs hide the shape; it is for looks only:
nothing is measured on it."""

SURFACE_STEP_MM = 0.8
"""The surface is sampled about this finely (mm): a fifth of the cord's smaller radius."""

MARGIN_VOXELS = 2
HALF = 0.5
"""The surface lies where a blurred mask of 0 and 1 has fallen to this."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Points on the boundary of a mask.

    Attributes
    ----------
    points_mm : array, shape (n, 3)
        RAS mm.
    normals : array, shape (n, 3)
        Unit vectors out of the mask, RAS.
    """

    points_mm: NDArray[np.float32]
    normals: NDArray[np.float32]


def surface_of(mask: NDArray, grid: Grid) -> Surface | None:
    """Return the surface of a mask, by marching cubes on the blurred mask; None if the mask is empty.

    Parameters
    ----------
    mask : array, shape ``grid.shape``
        Not 0 inside.
    grid : Grid
        Grid of the mask, in any axis order.

    Notes
    -----
    Lewiner T, et al. Efficient implementation of marching cubes' cases with topological guarantees. J Graph Tools 2003,
    doi:10.1080/10867651.2003.10487582, as in scikit-image. The blurred mask is first resampled to cubes of
    :data:`SURFACE_STEP_MM`, so that the points lie equally close on thick slices.
    """
    inside = np.asarray(mask) != 0
    if not inside.any():
        return None
    near, near_grid = _surroundings(inside, grid)
    cubes = near_grid.with_spacing((SURFACE_STEP_MM,) * 3)
    soft = resample_array(_blurred(near, near_grid), near_grid, cubes, fill=0.0)
    if soft.max() <= HALF:  # a speck smaller than the blur
        soft = resample_array(near, near_grid, cubes, order=0, fill=0.0)
    if soft.max() <= HALF:
        return None
    vertices, faces, *_ = measure.marching_cubes(soft, HALF)
    points = cubes.voxel_to_mm(vertices)
    return Surface(points.astype(np.float32), _outward(points, faces, soft, vertices, cubes))


def _surroundings(inside: NDArray[np.bool_], grid: Grid) -> tuple[NDArray[np.float32], Grid]:
    """Return the box of a mask with two empty voxels around it, which close the surface."""
    box = ndimage.find_objects(inside.astype(np.uint8))[0]
    near = np.pad(inside[box], MARGIN_VOXELS).astype(np.float32)
    return near, grid.cropped(tuple(span.start - MARGIN_VOXELS for span in box), near.shape)


def _blurred(near: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    return ndimage.gaussian_filter(near, SMOOTHING_MM / np.asarray(grid.spacing), mode="constant")


def _outward(points: NDArray, faces: NDArray, soft: NDArray, vertices: NDArray, grid: Grid) -> NDArray[np.float32]:
    """Return unit normals at the points: area-weighted from the faces, turned to where the mask fades."""
    corners = points[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals: NDArray[np.float64] = np.stack(
        [np.bincount(faces.ravel(), np.repeat(across[:, axis], 3), minlength=len(points)) for axis in range(3)], axis=1
    )
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    ahead = normals @ np.linalg.inv(grid.affine[:3, :3]).T / 2 * SURFACE_STEP_MM
    before, after = (ndimage.map_coordinates(soft, (vertices + sign * ahead).T, order=1) for sign in (-1, 1))
    # All faces of a marching-cubes surface wind the same way, so one sign serves all of it.
    sign = 1.0 if np.sum(before - after) >= 0 else -1.0
    return (sign * normals).astype(np.float32)

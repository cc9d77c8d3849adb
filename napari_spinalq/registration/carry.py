"""Carrying masks, labels and images from one scan to another through a registration."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid, box_around
from napari_spinalq.registration.registration import Registration

CHUNK_POINTS = 400_000
"""Points that are interpolated at a time: bounds the memory to some 50 MB."""

ROUNDING_VOXELS = 1e-3
"""A voxel that is larger than the source's by less than this share is not averaged: float32 places round so."""


def carry(registration: Registration, data: NDArray, *, order: int = 1) -> NDArray:
    """Carry values of the source scan onto the grid of the target.

    Parameters
    ----------
    registration : Registration
        From the source to the target.
    data : array, shape ``registration.source.shape``
        Image, soft mask or labels, in the axis order of the source's file.
    order : int
        0 for labels: the label at the centre of each target voxel, never a mixture. 1 for soft masks, images and maps:
        linear, averaged over the extent of the target's voxel wherever that is larger than the source's, as a scanner
        averages over a thick slice; the area of a soft mask is then kept.

    Returns
    -------
    array, shape ``registration.target.shape``
        Order 1: float32, NaN where the source does not reach. Order 0: the type of ``data``; where the source does
        not reach 0 for whole numbers, NaN for others.

    Raises
    ------
    GridMismatchError
        If ``data`` does not have the shape of the source.
    InputError
        If ``order`` is neither 0 nor 1.
    """
    return _sampled(data, registration.source, registration.source_points_mm, registration.target, order)


def carry_back(registration: Registration, data: NDArray, *, order: int = 1) -> NDArray:
    """Carry values of the target scan onto the grid of the source; as :func:`carry`, with both exchanged."""
    return _sampled(data, registration.target, registration.target_points_mm, registration.source, order)


def _sampled(data: NDArray, grid: Grid, points_mm: NDArray, onto: Grid, order: int) -> NDArray:
    values = np.asarray(data)
    if values.shape != grid.shape:
        raise GridMismatchError(
            f"What is carried has shape {values.shape} but the scan it lies on {grid.shape}; use that scan's own grid."
        )
    if order == 0:
        return _nearest(values, grid, points_mm)
    if order != 1:
        raise InputError(f"Values are carried with order 0 (labels) or 1 (soft masks and images), not {order}.")
    return _averaged(values.astype(np.float32), grid, points_mm, onto)


def _nearest(values: NDArray, grid: Grid, points_mm: NDArray) -> NDArray:
    index = np.rint(grid.mm_to_voxel(points_mm)).astype(np.int64)
    inside = ((index >= 0) & (index < values.shape)).all(axis=-1)
    outside = np.nan if np.issubdtype(values.dtype, np.floating) else 0
    found = np.full(points_mm.shape[:3], outside, dtype=values.dtype)
    found[inside] = values[tuple(index[inside].T)]
    return found


def _averaged(values: NDArray[np.float32], grid: Grid, points_mm: NDArray, onto: Grid) -> NDArray[np.float32]:
    voxels = grid.mm_to_voxel(points_mm)
    steps = [_step(voxels, axis, grid, onto) for axis in range(3)]
    offsets = _offsets(grid, onto)
    last = np.array(values.shape) - 0.5
    found = np.full(voxels.shape[:3], np.nan, dtype=np.float32)
    inside = ((voxels >= -0.5) & (voxels <= last)).all(axis=-1)
    filled = inside & _within_reach(voxels, values, grid, onto)
    found[inside] = 0.0
    places = np.argwhere(filled)
    for start in range(0, len(places), max(1, CHUNK_POINTS // len(offsets))):
        part = tuple(places[start : start + max(1, CHUNK_POINTS // len(offsets))].T)
        moves = np.stack([step[part] for step in steps])
        samples = voxels[part] + np.einsum("oa,anc->onc", offsets, moves)
        found[part] = _mean_inside(values, samples, last)
    return found


def _mean_inside(
    values: NDArray[np.float32], samples: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean over those samples, shape (n_samples, n, 3), that lie within the source; NaN for none."""
    taken = ndimage.map_coordinates(values, np.moveaxis(samples, -1, 0), order=1, mode="nearest")
    weight = ((samples >= -0.5) & (samples <= last)).all(axis=-1)
    count = weight.sum(axis=0)
    return np.where(count > 0, (taken * weight).sum(axis=0) / np.maximum(count, 1), np.nan)


def _step(voxels: NDArray[np.float64], axis: int, grid: Grid, onto: Grid) -> NDArray[np.float64]:
    """Return how far one goes in voxels of the source per voxel of the target along an axis, shape (..., 3)."""
    if voxels.shape[axis] > 1:
        return np.gradient(voxels, axis=axis)
    straight = np.linalg.solve(grid.affine[:3, :3], onto.affine[:3, axis])
    return np.broadcast_to(straight, voxels.shape)


def _offsets(grid: Grid, onto: Grid) -> NDArray[np.float64]:
    """Return where a target voxel is sampled, shape (n, 3), in shares of it: no farther apart than source voxels."""
    steps = np.abs(np.linalg.solve(grid.affine[:3, :3], onto.affine[:3, :3])).max(axis=0)
    counts = np.maximum(1, np.ceil(steps - ROUNDING_VOXELS)).astype(int)
    return np.array(list(product(*((np.arange(count) + 0.5) / count - 0.5 for count in counts))))


def _within_reach(voxels: NDArray[np.float64], values: NDArray[np.float32], grid: Grid, onto: Grid) -> NDArray:
    """Tell which target voxels can touch anything but zeros: most of a mask's grid is empty."""
    reach = np.abs(np.linalg.solve(grid.affine[:3, :3], onto.affine[:3, :3])).sum(axis=1)
    box = box_around(values != 0, np.ceil(reach).astype(int) + 1)
    near = np.ones(voxels.shape[:3], dtype=bool)
    for axis, part in enumerate(box):
        near &= (voxels[..., axis] >= part.start - 0.5) & (voxels[..., axis] <= part.stop - 0.5)
    return near

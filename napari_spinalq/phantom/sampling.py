"""Partial volume by real integration: an analytic anatomy is sampled inside each voxel where it varies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.geometry import Grid
from napari_spinalq.progress import Progress, silent

LabelAt = Callable[[NDArray[np.float64]], NDArray[np.uint8]]
"""Maps RAS points (n, 3), mm, to labels (n,)."""

BATCH_POINTS = 250_000
"""Points asked at a time: bounds the memory to some 100 MB."""

MIN_SAMPLES = 4
"""Fewest samples in a cell that holds a border."""

KRONECKER_BASE = 1.2207440846057596
"""Positive root of g^4 = g + 1."""


@dataclass(frozen=True)
class Sampling:
    """How densely a voxel is sampled.

    Attributes
    ----------
    cell_mm : float
        A voxel is first cut into cells no longer than this, so that a thick slice never hides what varies within it.
    coarse_mm, fine_mm : float
        Mean distance of samples in a cell that holds a border: anywhere, and next to a label of ``fine_from`` on.
    fine_from : int
        Lowest label whose borders are sampled finely.
    """

    cell_mm: float = 1.0
    coarse_mm: float = 0.45
    fine_mm: float = 0.16
    fine_from: int = 0


def average_over_voxels(
    label_at: LabelAt,
    grid: Grid,
    weights: NDArray[np.float64],
    sampling: Sampling | None = None,
    progress: Progress = silent,
) -> NDArray[np.float64]:
    """Integrate label-wise values over the volume of each voxel.

    Parameters
    ----------
    label_at : callable
        The anatomy: RAS points (n, 3) to labels (n,).
    grid : Grid
        Voxels to integrate over.
    weights : (n_labels, m) array
        The m values of each label; a row of indicators gives volume fractions.
    sampling : Sampling, optional
        Density of samples.
    progress : callable
        Told the fraction done.

    Returns
    -------
    array, shape (m,) + grid.shape
        Mean of each value over each voxel. Cells whose 26 neighbours all share their label at the centre are taken as
        uniform, the others are sampled at evenly spread places (:func:`spread_offsets`).
    """
    sampling = sampling or Sampling()
    parts = np.maximum(1, np.ceil(np.asarray(grid.spacing) / sampling.cell_mm - 1e-9)).astype(int)
    cells = grid.with_spacing(tuple(np.asarray(grid.spacing) / parts))
    labels = _labels_with_margin(label_at, cells, progress)
    low, high = (f(labels, 3)[1:-1, 1:-1, 1:-1] for f in (ndimage.minimum_filter, ndimage.maximum_filter))
    values = weights[labels[1:-1, 1:-1, 1:-1]]
    mixed = low != high
    fine = mixed & (high >= sampling.fine_from)
    for where, step, start in ((mixed & ~fine, sampling.coarse_mm, 0.4), (fine, sampling.fine_mm, 0.7)):
        _refine(label_at, cells, weights, np.argwhere(where), step, values)
        progress(start + 0.3, "integrating the anatomy over voxels")
    blocks = values.reshape(*np.stack([grid.shape, parts], axis=1).ravel(), -1).mean(axis=(1, 3, 5))
    return np.moveaxis(blocks, -1, 0)


def index_rows(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the indices of all elements of an array, shape (n, n_axes), the last axis fastest.

    Examples
    --------
    >>> index_rows((1, 2)).tolist()
    [[0, 0], [0, 1]]
    """
    return np.indices(shape).reshape(len(shape), -1).T.copy()


def spread_offsets(count: int) -> NDArray[np.float64]:
    """Return places spread evenly over a unit cube about zero, shape (count, 3).

    A Kronecker sequence (Niederreiter 1992, doi:10.1137/1.9781611970081) with steps 1/g, 1/g^2, 1/g^3 where
    g^4 = g + 1. A regular sub-grid of as many points has few distinct positions along each axis and errs most where a
    border runs along the voxels, as the sides of a cord do; here every coordinate is distinct.
    """
    steps = KRONECKER_BASE ** -np.arange(1.0, 4.0)
    offsets = (np.arange(1, count + 1)[:, None] * steps) % 1.0
    return offsets - offsets.mean(axis=0)


def _labels_with_margin(label_at: LabelAt, cells: Grid, progress: Progress) -> NDArray[np.uint8]:
    """Return the labels at the centres of all cells and of one layer of cells around them."""
    wide = cells.cropped((-1, -1, -1), tuple(n + 2 for n in cells.shape))  # type: ignore[arg-type]
    found = np.empty(wide.shape, dtype=np.uint8)
    rows = max(1, BATCH_POINTS // (wide.shape[1] * wide.shape[2]))
    for start in range(0, wide.shape[0], rows):
        block = found[start : start + rows]
        index = index_rows(block.shape)
        index[:, 0] += start
        block[...] = label_at(wide.voxel_to_mm(index)).reshape(block.shape)
        progress(0.4 * (start + len(block)) / len(found), "drawing the anatomy")
    return found


def _refine(
    label_at: LabelAt,
    cells: Grid,
    weights: NDArray[np.float64],
    index: NDArray[np.int64],
    step_mm: float,
    values: NDArray[np.float64],
) -> None:
    """Replace the values of some cells by the mean over samples about ``step_mm`` apart."""
    count = max(MIN_SAMPLES, round(cells.voxel_volume_mm3 / step_mm**3))
    offsets = spread_offsets(count)
    per_batch = max(1, BATCH_POINTS // len(offsets))
    for start in range(0, len(index), per_batch):
        part = index[start : start + per_batch]
        points = cells.voxel_to_mm((part[:, None, :] + offsets).reshape(-1, 3))
        counted = weights[label_at(points)].reshape(len(part), len(offsets), -1)
        values[tuple(part.T)] = counted.mean(axis=1)

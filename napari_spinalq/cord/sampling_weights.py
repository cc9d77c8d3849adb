"""Linear resampling of regular axes as sparse matrices: anti-aliased where the step grows, exact where it matches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def coarse_weights(count: int, spacing_mm: float, step_mm: float) -> csr_array:
    """Return the matrix that resamples an axis over its whole length.

    Parameters
    ----------
    count : int
        Number of samples.
    spacing_mm, step_mm : float
        Distance of samples before and after, mm; the first sample stays where it is.

    Returns
    -------
    sparse (n_out, count) array
        Rows that sum to 1: triangles of half width ``max(spacing_mm, step_mm)``, which is linear interpolation towards
        finer steps and an average towards coarser ones.

    Examples
    --------
    >>> coarse_weights(3, 1.0, 0.5).toarray()[1].tolist()
    [0.5, 0.5, 0.0]
    """
    n_out = int((count - 1) * spacing_mm / step_mm + 1e-6) + 1
    distance = np.abs(np.arange(n_out)[:, None] * step_mm - np.arange(count) * spacing_mm)
    weights = np.maximum(0.0, 1.0 - distance / max(spacing_mm, step_mm))
    return csr_array((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


def linear_weights(at: NDArray[np.floating], count: int) -> csr_array:
    """Return the matrix that reads an axis of ``count`` samples at indices ``at``; beyond its ends they repeat.

    Examples
    --------
    >>> linear_weights(np.array([-1.0, 0.25]), 2).toarray().tolist()
    [[1.0, 0.0], [0.75, 0.25]]
    """
    at = np.clip(at, 0, count - 1)
    lower = np.floor(at).astype(np.int32)
    upper = np.minimum(lower + 1, count - 1)
    weight = (at - lower).astype(np.float32)
    row = np.tile(np.arange(len(at), dtype=np.int32), 2)
    pairs = np.r_[1 - weight, weight], (row, np.r_[lower, upper])
    return csr_array(pairs, shape=(len(at), count))


def resampled(image: NDArray[np.float32], rows: csr_array, columns: csr_array) -> NDArray[np.float32]:
    """Resample both axes of a picture (h, w) by the matrices of its rows and of its columns."""
    return (columns @ (rows @ image).T).T

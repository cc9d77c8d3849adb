"""Volumes that stand out: slices whose signal is lost, and sudden movements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.gradients import GradientTable

DEVIATIONS = 3.5
"""Robust standard deviations (1.4826 x MAD) beyond which a value stands out: the cut-off of Iglewicz and Hoaglin 1993,
How to Detect and Handle Outliers."""

NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution as a multiple of its median absolute deviation."""

LOST_SHARE = 0.25
"""Less signal lost than this share is not called a dropout, however steady the rest of the series is."""

SUDDEN_MM = 1.0
"""A movement since the volume before that is smaller than this (mm) does not make a volume stand out."""

REWEIGHTINGS = 10
"""Rounds of reweighted least squares; the weights settle after five or so."""

SPARE_VOLUMES = 3
"""A signal is predicted from the directions only where this many more volumes than unknowns are there."""


def find_outliers(
    motion: Motion, images: NDArray[np.float32], gradients: GradientTable, weights: NDArray[np.float64]
) -> Motion:
    """Say which volumes of a corrected series stand out, and why.

    A slice lost signal when its weighted mean around the cord lies far below what the other volumes predict for its
    b-value and direction. A volume stands out when it holds any such slice, or when it moved suddenly.

    Parameters
    ----------
    motion : Motion
        Of the series.
    images : (n_slices, n_volumes, rows, columns) array
        Corrected.
    gradients : GradientTable
        Of the series.
    weights : (n_slices, rows, columns) array
        Window around the cord.

    Returns
    -------
    Motion
        With ``outliers``, ``dropouts`` and ``reasons``.
    """
    dropouts = signal_dropouts(slice_signals(images, weights), gradients)
    sudden = sudden_moves(motion.displacement_mm)
    lost: NDArray[np.bool_] = np.asarray(dropouts.any(axis=1))
    reasons = tuple(
        _reason(dropouts[volume] if lost[volume] else None, motion.displacement_mm[volume] if sudden[volume] else None)
        for volume in range(len(dropouts))
    )
    return replace(motion, outliers=lost | sudden, dropouts=dropouts, reasons=reasons)


def slice_signals(images: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted mean of each slice, shape (n_volumes, n_slices); NaN in slices without weight."""
    narrow = weights**4  # half the width of the window: the cord and little around it
    total = narrow.sum(axis=(1, 2))
    sums = np.einsum("zvij,zij->vz", images, narrow)
    return np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)


def signal_dropouts(signals: NDArray[np.float64], gradients: GradientTable) -> NDArray[np.bool_]:
    """Tell which slices lost signal.

    The logarithm of the signal of a slice is fitted as ln S0 - b g' D g over all volumes (six unknowns of D; with few
    volumes a mean diffusivity alone, or each kind of volume against its median) with Tukey's biweight, so that lost
    slices do not spoil the prediction.

    Parameters
    ----------
    signals : (n_volumes, n_slices) array
        Mean signal of each slice.
    gradients : GradientTable
        Of the volumes.

    Returns
    -------
    (n_volumes, n_slices) array of bool
    """
    known = np.isfinite(signals).all(axis=0) & (np.nan_to_num(signals).max(axis=0) > 0)
    found = np.zeros(signals.shape, dtype=bool)
    design = _design(gradients)
    for z in np.flatnonzero(known):
        floor = 1e-3 * np.median(signals[:, z]) + 1e-12
        logarithm = np.log(np.maximum(signals[:, z], floor))
        residual, scale = _robust_residual(design, logarithm)
        found[:, z] = (residual < -DEVIATIONS * scale) & (residual < np.log(1 - LOST_SHARE))
    return found


def sudden_moves(displacement_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which volumes moved far more since the volume before than is usual in the series."""
    later = displacement_mm[1:]
    middle = float(np.median(later))
    spread = NORMAL_MAD * float(np.median(np.abs(later - middle)))
    return np.r_[False, (later > middle + DEVIATIONS * spread) & (later > SUDDEN_MM)]


def _design(gradients: GradientTable) -> NDArray[np.float64]:
    """Return what the logarithm of the signal depends on, shape (n_volumes, k)."""
    b, (x, y, z) = gradients.b_values * 1e-3, gradients.directions.T
    constant = np.ones_like(b)
    products = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z], axis=1)
    tensor = np.column_stack([constant, -b[:, None] * products])
    if len(b) >= tensor.shape[1] + SPARE_VOLUMES and np.linalg.matrix_rank(tensor) == tensor.shape[1]:
        return tensor
    return np.column_stack([constant, -b])


def _robust_residual(design: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Fit with Tukey's biweight; return residuals and their robust standard deviation."""
    weights = np.ones(len(values))
    residual, scale = values - values.mean(), 0.0
    for _ in range(REWEIGHTINGS):
        root = np.sqrt(weights)
        factors = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0]
        residual = values - design @ factors
        scale = NORMAL_MAD * float(np.median(np.abs(residual))) + 1e-9
        weights = np.clip(1 - (residual / (4.685 * scale)) ** 2, 0.0, None) ** 2 + 1e-9
    return residual, scale


def _reason(dropouts: NDArray[np.bool_] | None, moved_mm: float | None) -> str:
    parts = []
    if dropouts is not None:
        slices = ", ".join(str(z) for z in np.flatnonzero(dropouts))
        parts.append(f"signal lost in slice {slices}")
    if moved_mm is not None:
        parts.append(f"moved {moved_mm:.1f} mm since the volume before")
    return "; ".join(parts)

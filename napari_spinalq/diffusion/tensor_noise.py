"""Noise of a diffusion series, from its repeats and from what a fit leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gradients import GradientTable

MAD_TO_SD = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution (Rousseeuw and Croux 1993, J Am Stat
Assoc, doi:10.1080/01621459.1993.10476408)."""

TENSOR_PARAMETERS = 7
"""Six tensor elements and the signal without weighting."""

FEWEST_REPEATS = 3
"""With fewer unweighted volumes a standard deviation says too little."""


def residual_noise_sd(signals: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Estimate the noise of a series from the residuals of a robust tensor fit.

    In each voxel 1.4826 sqrt(n / (n - 7)) times the median absolute deviation of the residuals (Chang et al. 2012, Magn
    Reson Med, doi:10.1002/mrm.24173, with the factor that makes it a standard deviation), then the median over voxels:
    one number for the cord. With one signal in twenty an outlier it is right to 5 %, where the residuals
    of weighted least squares give nearly twice the noise. The background is not used:
    parallel imaging and filters make its noise another one. Nor are the repeats without weighting, which are few and
    move with the pulse of the CSF.

    Parameters
    ----------
    signals, predicted : (v, n) arrays
        Measured and fitted, n > 7.
    """
    residuals = signals - predicted
    n = signals.shape[1]
    deviation = np.median(np.abs(residuals - np.median(residuals, axis=1, keepdims=True)), axis=1)
    return float(MAD_TO_SD * np.sqrt(n / (n - TENSOR_PARAMETERS)) * np.median(deviation))


def temporal_snr(signals: NDArray[np.float64], gradients: GradientTable) -> NDArray[np.float64]:
    """Return mean over standard deviation of the unweighted volumes, of the weighted ones where fewer than three exist.

    Weighted volumes differ by direction too, so that theirs is a lower bound; inf where a signal never changes, NaN
    with a single volume.

    Parameters
    ----------
    signals : (v, n) array
        Measured.
    gradients : GradientTable
        The scheme of the n volumes.
    """
    use = gradients.unweighted if gradients.unweighted.sum() >= FEWEST_REPEATS else ~gradients.unweighted
    repeats = signals[:, use]
    if repeats.shape[1] < 2:
        return np.full(len(signals), np.nan)
    mean, spread = repeats.mean(axis=1), repeats.std(axis=1, ddof=1)
    return np.divide(mean, spread, out=np.full(len(mean), np.inf), where=spread > 0)

"""One tensor for the signals of a tract, for many tracts and draws at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

from napari_spinalq.diffusion.tensor_noise import TENSOR_PARAMETERS, residual_noise_sd
from napari_spinalq.gradients import GradientTable

DIFFUSION_UNITS = {"fa": "", "md": "1e-3 mm2/s", "ad": "1e-3 mm2/s", "rd": "1e-3 mm2/s"}
"""Measures of a tensor and their units."""

SMALLEST_SIGNAL = 1e-3
"""Signals below this share of a tract's largest are set to it: the logarithm needs a positive number."""

LARGEST_RICIAN_RATIO = 40.0
"""From this ratio of signal to noise on the floor of a magnitude image is below 0.02 % of the signal."""


def tensor_measures(signals: NDArray[np.float64], gradients: GradientTable) -> dict[str, NDArray[np.float64]]:
    """Fit tensors by weighted least squares.

    Parameters
    ----------
    signals : array, shape (..., n_volumes)
        Signals of tracts; NaN where one is not known.
    gradients : GradientTable
        Of the volumes.

    Returns
    -------
    dict of str to array, shape (...)
        ``fa`` (0..1), ``md``, ``ad``, ``rd`` (1e-3 mm2/s); negative eigenvalues count as zero, as everywhere in this
        package. NaN where a signal is not known.

    Notes
    -----
    ln S = ln S0 - b g' D g, weighted by the squared signal that the unweighted fit predicts (Chung et al. 2006,
    NeuroImage, doi:10.1016/j.neuroimage.2006.07.001); FA as Basser and Pierpaoli 1996, J Magn Reson B,
    doi:10.1006/jmrb.1996.0086.
    """
    flat = signals.reshape(-1, signals.shape[-1])
    known = np.isfinite(flat).all(axis=1) & (flat.max(axis=1, initial=-np.inf) > 0)
    results = {}
    for name, values in _measures(_eigenvalues(_fitted(flat[known], tensor_design(gradients)))).items():
        full = np.full(len(flat), np.nan)
        full[known] = values
        results[name] = full.reshape(signals.shape[:-1])
    return results


def series_noise_sd(signals: NDArray[np.float64], gradients: GradientTable) -> float:
    """Return the noise of a series from what tensors of its voxels leave over; 0 where too few volumes are there.

    Parameters
    ----------
    signals : (n_voxels, n_volumes) array
        Of voxels in the cord, finite.
    gradients : GradientTable
        Of the volumes.
    """
    usable = signals[signals.max(axis=1, initial=0.0) > 0]
    if len(gradients) <= TENSOR_PARAMETERS or not len(usable):
        return 0.0
    design = tensor_design(gradients)
    return residual_noise_sd(usable, np.exp(_fitted(usable, design) @ design.T))


def _fitted(signals: NDArray[np.float64], design: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factors of the design for each row of signals, shape (m, 7)."""
    logarithms = np.log(np.maximum(signals, SMALLEST_SIGNAL * signals.max(axis=1, keepdims=True)))
    first = logarithms @ np.linalg.pinv(design).T
    # Weights are relative within a row, so the largest signal may stand for 1: no overflow for any unit.
    weights = np.exp(2 * (first @ design.T - logarithms.max(axis=1, keepdims=True)))
    system = np.einsum("mv,vi,vj->mij", weights, design, design, optimize=True)
    return np.linalg.solve(system, ((weights * logarithms) @ design)[..., None])[..., 0]


def tensor_design(gradients: GradientTable) -> NDArray[np.float64]:
    """Return the matrix that gives ln S from (Dxx, Dyy, Dzz, Dxy, Dxz, Dyz, ln S0), D in 1e-3 mm2/s, (n_volumes, 7)."""
    x, y, z = gradients.directions.T
    products = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z], axis=1)
    return np.column_stack([-1e-3 * gradients.b_values[:, None] * products, np.ones(len(gradients))])


def _eigenvalues(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return eigenvalues, largest first, none below zero, shape (m, 3)."""
    xx, yy, zz, xy, xz, yz = found[:, :6].T
    tensors = np.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], axis=1).reshape(-1, 3, 3)
    return np.maximum(np.linalg.eigvalsh(tensors)[:, ::-1], 0.0)


def _measures(eigenvalues: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    mean = eigenvalues.mean(axis=1)
    size = (eigenvalues**2).sum(axis=1)
    apart = ((eigenvalues - mean[:, None]) ** 2).sum(axis=1)
    anisotropy = np.sqrt(1.5 * np.divide(apart, size, out=np.zeros_like(size), where=size > 0))
    return {"fa": anisotropy, "md": mean, "ad": eigenvalues[:, 0], "rd": eigenvalues[:, 1:].mean(axis=1)}


def without_floor(signals: NDArray[np.float64], noise_sd: float) -> NDArray[np.float64]:
    """Return the true signals of mean magnitudes: the Rician floor taken off.

    The mean magnitude of a signal A in noise of sd s per channel is s sqrt(pi / 2) L(-A^2 / 2 s^2), with
    L(-u) = e^(-u / 2) ((1 + u) I0(u / 2) + u I1(u / 2)) (Gudbjartsson and Patz 1995, Magn Reson Med,
    doi:10.1002/mrm.1910340618); it grows with A and is inverted from a table. Below the mean of noise alone the signal
    is zero. Parallel imaging with sums of squares over coils raises the floor further than this.
    """
    if noise_sd <= 0:
        return signals
    ratio = np.concatenate([np.linspace(0, 4, 401), np.linspace(4, LARGEST_RICIAN_RATIO, 721)[1:]])
    half = ratio**2 / 4
    mean = np.sqrt(np.pi / 2) * ((1 + 2 * half) * ive(0, half) + 2 * half * ive(1, half))
    scaled = signals / noise_sd
    return np.where(scaled > mean[-1], signals, noise_sd * np.interp(scaled, mean, ratio))

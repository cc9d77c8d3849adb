"""What a scanner adds: smooth bias, Rician noise in magnitude images, Gaussian noise in signed ones, rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid

BIAS_LENGTH_MM = 90.0
"""Distance (mm) over which the bias field swings: surface coils of a neck array."""


def bias_field(grid: Grid, swing: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return a smooth positive factor per voxel: exp of a random quadratic, stronger near the posterior coil.

    Parameters
    ----------
    grid : Grid
        Voxels.
    swing : float
        Typical relative change over ``BIAS_LENGTH_MM``.
    random : Generator
        Draws the nine coefficients.

    Returns
    -------
    array, shape ``grid.shape``
        1 where there is no bias.
    """
    linear, quadratic = random.uniform(-0.5, 0.5, 3) - [0.0, 0.6, 0.0], random.uniform(-0.35, 0.35, 6)
    middle = grid.voxel_to_mm((np.asarray(grid.shape) - 1) / 2)
    x, y, z = ((grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)) - middle) / BIAS_LENGTH_MM).transpose(
        3, 0, 1, 2
    )
    terms = (x, y, z, x * x, y * y, z * z, x * y, y * z, x * z)
    exponent = sum(c * term for c, term in zip([*linear, *quadratic], terms, strict=True))
    return np.exp(swing * np.asarray(exponent))


def add_rician_noise(signal: NDArray, noise_sd: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the magnitude of the signal with Gaussian noise in both channels.

    Its distribution is Rician; without signal it is Rayleigh with mean sd sqrt(pi / 2) (Gudbjartsson and Patz 1995,
    Magn Reson Med, doi:10.1002/mrm.1910340618).
    """
    real = signal + noise_sd * random.standard_normal(signal.shape)
    return np.hypot(real, noise_sd * random.standard_normal(signal.shape))


def add_gaussian_noise(signal: NDArray, noise_sd: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the signal with Gaussian noise: a phase-sensitive real image keeps its sign."""
    return signal + noise_sd * random.standard_normal(signal.shape)


def to_stored_integers(signal: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round to the 16-bit whole numbers that scanners store."""
    return np.clip(np.rint(signal), -32768, 32767).astype(np.int16)

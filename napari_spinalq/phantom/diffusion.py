"""Diffusion: gradient scheme and axially symmetric tensors along the cord."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.gradients import GradientTable

B_VALUE = 800.0
"""Diffusion weighting, s/mm2: usual in the cord at 3 T."""

N_B0, N_DIRECTIONS = 5, 30


def default_scheme() -> GradientTable:
    """Return 5 volumes without weighting, then 30 directions spread over the half sphere, b = 800 s/mm2.

    The directions are a Fibonacci lattice (Gonzalez 2010, Math Geosci, doi:10.1007/s11004-009-9257-x) on the half
    sphere, which suffices because diffusion is the same both ways.
    """
    index = np.arange(N_DIRECTIONS) + 0.5
    height = index / N_DIRECTIONS
    turn = index * np.pi * (3 - np.sqrt(5.0))
    across = np.sqrt(1 - height**2)
    sphere = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)
    b_values = np.r_[np.zeros(N_B0), np.full(N_DIRECTIONS, B_VALUE)]
    return GradientTable(b_values, np.vstack([np.zeros((N_B0, 3)), sphere]))


def principal_diffusivities(fa: ArrayLike, md: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return diffusivities along and across the fibre of an axially symmetric tensor.

    With the difference d between them, the definition of FA (Basser and Pierpaoli 1996, J Magn Reson B,
    doi:10.1006/jmrb.1996.0086) becomes FA^2 = d^2 / (3 MD^2 + 2 d^2 / 3), hence
    d = MD FA sqrt(3 / (1 - 2 FA^2 / 3)); along = MD + 2 d / 3, across = MD - d / 3.

    Examples
    --------
    >>> along, across = principal_diffusivities(0.0, 1.0)
    >>> float(along), float(across)
    (1.0, 1.0)
    """
    fa, md = np.asarray(fa, dtype=float), np.asarray(md, dtype=float)
    difference = md * fa * np.sqrt(3 / (1 - 2 * fa**2 / 3))
    return md + 2 * difference / 3, md - difference / 3


def tensor_signals(
    fractions: NDArray[np.float64],
    fibres: NDArray[np.float64],
    b0: NDArray[np.float64],
    fa: NDArray[np.float64],
    md: NDArray[np.float64],
    scheme: GradientTable,
) -> NDArray[np.float64]:
    """Return the signal of each volume: tissues mix by volume, each decays with its own tensor.

    S = sum over tissues of fraction x b0 x exp(-b g' D g) (Stejskal and Tanner 1965, doi:10.1063/1.1695690).

    Parameters
    ----------
    fractions : (n_tissues,) + shape array
        Share of each tissue in each voxel.
    fibres : shape + (3,) array
        Unit vectors of the fibres, RAS.
    b0, fa, md : (n_tissues,) arrays
        Signal without weighting, anisotropy, and mean diffusivity (1e-3 mm2/s).
    scheme : GradientTable
        Volumes to simulate.

    Returns
    -------
    array, shape + (n_volumes,)
    """
    along, across = principal_diffusivities(fa, md)
    present = np.flatnonzero(fractions.reshape(len(fractions), -1).any(axis=1))
    signal = np.zeros((*fractions.shape[1:], len(scheme.b_values)))
    for volume, (b_value, direction) in enumerate(zip(scheme.b_values, scheme.directions, strict=True)):
        cosine_squared = (fibres @ direction) ** 2
        for tissue in present:
            diffusivity = across[tissue] + (along[tissue] - across[tissue]) * cosine_squared
            decay = np.exp(-b_value * 1e-3 * diffusivity)
            signal[..., volume] += fractions[tissue] * b0[tissue] * decay
    return signal

"""Diffusion: gradient schemes and axially symmetric tensors along the cord."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.gradients import GradientTable

B_VALUE = 800.0
"""Diffusion weighting, s/mm2: usual in the cord at 3 T."""

N_B0, N_DIRECTIONS = 5, 30


@dataclass(frozen=True)
class Scheme:
    """Which volumes a diffusion series holds.

    Attributes
    ----------
    n_b0 : int
        Volumes without weighting.
    shells : tuple of (float, int)
        Weighting (s/mm2) and number of directions of each shell.
    interleaved : bool
        Whether volumes without weighting are spread over the series, the first at its start; else all come first.
    """

    n_b0: int = N_B0
    shells: tuple[tuple[float, int], ...] = ((B_VALUE, N_DIRECTIONS),)
    interleaved: bool = False

    def __post_init__(self) -> None:
        if self.n_b0 < 1 or not self.shells or any(b_value <= 0 or count < 1 for b_value, count in self.shells):
            raise InputError(
                "A diffusion scheme needs a volume without weighting, and shells with b > 0 and directions."
            )

    def table(self) -> GradientTable:
        """Return b-values and RAS directions of all volumes in the order in which they are measured."""
        b_values = np.concatenate([np.full(count, b_value) for b_value, count in self.shells])
        directions = np.vstack([_half_sphere(count, shell) for shell, (_, count) in enumerate(self.shells)])
        before = np.zeros(self.n_b0, dtype=int)
        if self.interleaved:
            before = np.arange(self.n_b0) * len(b_values) // self.n_b0
        return GradientTable(np.insert(b_values, before, 0.0), np.insert(directions, before, 0.0, axis=0))


def default_scheme() -> GradientTable:
    """Return 5 volumes without weighting, then 30 directions spread over the half sphere, b = 800 s/mm2."""
    return Scheme().table()


def _half_sphere(count: int, shell: int) -> NDArray[np.float64]:
    """Return directions spread evenly over the half sphere, shape (count, 3); each shell turns them about the axis.

    A Fibonacci lattice (Gonzalez 2010, Math Geosci, doi:10.1007/s11004-009-9257-x); half a sphere suffices because
    diffusion is the same both ways.
    """
    index = np.arange(count) + 0.5
    height = index / count
    turn = index * np.pi * (3 - np.sqrt(5.0)) + shell
    across = np.sqrt(1 - height**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)


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
    signal = np.zeros((*fractions.shape[1:], len(scheme.b_values)))
    for volume, (b_value, direction) in enumerate(zip(scheme.b_values, scheme.directions, strict=True)):
        cosine_squared = (fibres @ direction) ** 2
        signal[..., volume] = weighted_signal(fractions, cosine_squared, b0, along, across, b_value)
    return signal


def weighted_signal(
    fractions: NDArray[np.float64],
    cosine_squared: NDArray[np.float64],
    b0: NDArray[np.float64],
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    b_value: float,
) -> NDArray[np.float64]:
    """Return the signal of one volume.

    Parameters
    ----------
    fractions : (n_tissues,) + shape array
        Share of each tissue in each voxel.
    cosine_squared : array of that shape
        Squared cosine of the angle between fibre and gradient direction.
    b0, along, across : (n_tissues,) arrays
        Signal without weighting, and diffusivities along and across the fibre (1e-3 mm2/s).
    b_value : float
        Weighting, s/mm2.
    """
    signal = np.zeros(fractions.shape[1:])
    for tissue in np.flatnonzero(fractions.reshape(len(fractions), -1).any(axis=1)):
        here = fractions[tissue] > 0  # a tissue fills a small part of the view, and the exponential is what costs time
        diffusivity = across[tissue] + (along[tissue] - across[tissue]) * cosine_squared[here]
        signal[here] += fractions[tissue][here] * b0[tissue] * np.exp(-b_value * 1e-3 * diffusivity)
    return signal

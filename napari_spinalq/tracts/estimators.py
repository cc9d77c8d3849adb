"""Estimates of structures from voxels: weighted average, binary, maximum likelihood, maximum a posteriori.

Every one is a weighted sum of voxel values; they differ in the weights (Levy et al. 2015, NeuroImage,
doi:10.1016/j.neuroimage.2015.06.040; De Leener et al. 2017, NeuroImage, doi:10.1016/j.neuroimage.2016.10.009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from napari_spinalq.tracts.maps import TractTissue
from napari_spinalq.tracts.noise import neighbour_correlations, residual_share, summed_variance
from napari_spinalq.tracts.unmixing import (
    PRIOR_SHARE,
    Unmixing,
    maximum_a_posteriori,
    maximum_likelihood,
    tissue_columns,
    tissue_means,
)
from napari_spinalq.tracts.values import Method
from napari_spinalq.tracts.voxels import Voxels

BINARY_SHARE = 0.5
"""The binary method takes the voxels of which a structure holds more than this."""

MIN_KNOWN_SHARE = 0.8
"""Unmixing takes voxels of which the atlas names at least this share: what the rest holds (dura, fat) is unknown."""

FEWEST_DEGREES = 10
"""With fewer degrees of freedom the noise is estimated from the tissues alone instead of all parts."""

INTERVAL = 0.975
"""Upper quantile of a 95 % interval."""

SEPARABLE_VARIANCE = 10.0
"""Neighbours that raise the variance of an unmixed value more than this are hardly told apart from it; a variance
inflation above 10 is the usual sign of collinear columns."""

OWN_SHARE = 0.5
"""Below this a value rests more on the mean of its tissue than on its own voxels."""


@dataclass(frozen=True)
class Settings:
    """How values are estimated.

    Attributes
    ----------
    method : Method
        Weights of the voxels.
    noise_sd : float, optional
        Standard deviation of the noise of a voxel, in the unit of the map; estimated where it is not given.
    prior_sd : float, optional
        How far a tract lies from the mean of its tissue, in the unit of the map; by default ``PRIOR_SHARE`` of the
        mean.
    """

    method: Method = Method.MAP
    noise_sd: float | None = None
    prior_sd: float | None = None


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates of several structures from the same voxels, one for each volume.

    Attributes
    ----------
    voxels : Voxels
        Those that were used.
    weights : (n_volumes, n_structures, n) array
        Estimate of a volume = weights @ values.
    values, standard_errors : (n_volumes, n_structures) array
        The estimates, and how far chance moves them.
    degrees : (n_structures,) array
        Degrees of freedom of the standard errors.
    residuals : (n, n_volumes) array
        What unmixing all parts leaves over, scaled to the variance of the noise.
    widening : (n_structures,) array
        How much neighbours that share noise raise the standard error, 1 = not at all.
    effective_voxels : (n_structures,) array
        Sum of the shares in the voxels that count for the structure.
    refusals, remarks : tuple of str
        Why a structure has no value, and what else a reader must know; empty where there is nothing to say.
    """

    voxels: Voxels
    weights: NDArray[np.float64]
    values: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    degrees: NDArray[np.float64]
    residuals: NDArray[np.float64]
    widening: NDArray[np.float64]
    effective_voxels: NDArray[np.float64]
    refusals: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def half_widths(self) -> NDArray[np.float64]:
        """Half the width of the 95 % interval, (n_volumes, n_structures); NaN without degrees of freedom."""
        return student_quantiles(self.degrees) * self.standard_errors


@dataclass(frozen=True, eq=False)
class Noise:
    """What is left over when all parts are unmixed.

    Attributes
    ----------
    variances : (n_volumes,) array
        Of the noise of a voxel; NaN where it cannot be told.
    degrees : float
        Degrees of freedom of the variances.
    correlations : tuple of 2 float
        Of neighbours along y and x.
    residuals : (n, n_volumes) array
        Scaled to the variance of the noise.
    """

    variances: NDArray[np.float64]
    degrees: float
    correlations: tuple[float, float]
    residuals: NDArray[np.float64]


def estimate(
    voxels: Voxels,
    tissues: tuple[TractTissue, ...],
    members: Sequence[tuple[int, ...]],
    settings: Settings = Settings(),
) -> Estimates:
    """Estimate structures from the voxels of some slices.

    Parameters
    ----------
    voxels : Voxels
        With finite values only.
    tissues : tuple of TractTissue
        Of all parts of the atlas.
    members : sequence of tuple of int
        Parts of each structure.
    settings : Settings
        Method, noise and prior.
    """
    known = voxels.shares.sum(axis=1) >= MIN_KNOWN_SHARE
    noise = _noise(voxels, known, tissues, settings.noise_sd)
    if settings.method in (Method.WA, Method.BIN):
        return _average(voxels, members, settings, noise)
    noise = replace(noise, residuals=noise.residuals[known])
    return _unmixed(voxels.kept(known), tissues, members, settings, noise)


def student_quantiles(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half the width of a 95 % interval in standard errors; NaN without degrees of freedom."""
    quantiles = stdtrit(np.maximum(degrees, 1.0), INTERVAL)
    return np.where(degrees >= 1, quantiles, np.nan)


def structure_shares(shares: NDArray[np.float64], members: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    """Return the share of each structure in each voxel, shape (n_structures, n)."""
    return np.stack([shares[:, list(parts)].sum(axis=1) for parts in members])


def _average(voxels: Voxels, members: Sequence[tuple[int, ...]], settings: Settings, noise: Noise) -> Estimates:
    """Weighted and binary average: the noise is what the voxels of a structure differ by."""
    shares = structure_shares(voxels.shares, members)
    binary = settings.method is Method.BIN
    counted = np.where(shares > BINARY_SHARE, shares, 0.0) if binary else shares
    weights = _normalised((counted > 0).astype(float) if binary else counted)
    concentration = (weights**2).sum(axis=1)
    values = (weights @ voxels.values).T
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = (voxels.values.T[:, None, :] - values[..., None]) ** 2
        variances = np.einsum("sn,vsn->vs", weights, squares) / (1 - concentration)
        degrees = 1 / concentration - 1
    if settings.noise_sd is not None:
        variances, degrees = np.full_like(variances, settings.noise_sd**2), np.full(len(members), np.inf)
    summed = summed_variance(weights, voxels.places, noise.correlations)
    nothing = ("",) * len(members)
    return Estimates(
        voxels,
        np.broadcast_to(weights, (len(values), *weights.shape)),
        values,
        np.sqrt(variances * summed),
        degrees,
        noise.residuals,
        _ratio(summed, concentration),
        counted.sum(axis=1),
        nothing,
        nothing,
    )


def _unmixed(
    known: Voxels,
    tissues: tuple[TractTissue, ...],
    members: Sequence[tuple[int, ...]],
    settings: Settings,
    noise: Noise,
) -> Estimates:
    """Maximum likelihood and maximum a posteriori: all parts at once, then structures as means of parts by volume."""
    present = np.flatnonzero(known.shares.any(axis=0))
    shares, here = known.shares[:, present], tuple(tissues[part] for part in present)
    volumes = known.shares.sum(axis=0)
    mixing = np.stack([_part_weights(parts, volumes) for parts in members])[:, present]
    unmixings = _unmixings(known.values, shares, here, settings, noise.variances)
    weights = np.stack([mixing @ one.operator for one in unmixings])
    pulled = np.stack([np.einsum("sk,kl,sl->s", mixing, one.covariance, mixing) for one in unmixings])
    summed = np.stack([summed_variance(one, known.places, noise.correlations) for one in weights])
    refusals, remarks = _separable(unmixings[0], shares, mixing, settings.method)
    return Estimates(
        known,
        weights,
        np.einsum("vsn,nv->vs", weights, known.values),
        np.sqrt(noise.variances[:, None] * summed + pulled),
        np.full(len(members), noise.degrees),
        noise.residuals,
        _ratio(summed[0], (weights[0] ** 2).sum(axis=1)),
        structure_shares(known.shares, members).sum(axis=1),
        refusals,
        remarks,
    )


def _unmixings(
    values: NDArray[np.float64],
    shares: NDArray[np.float64],
    tissues: tuple[TractTissue, ...],
    settings: Settings,
    noise_variances: NDArray[np.float64],
) -> list[Unmixing]:
    """Return the linear estimate of each volume; with a prior it depends on the means of tissues in that volume."""
    if settings.method is Method.ML:
        return [maximum_likelihood(shares)] * values.shape[1]
    means = tissue_means(shares, values, tissues)
    prior = np.abs(means) * PRIOR_SHARE if settings.prior_sd is None else np.full(means.shape, settings.prior_sd)
    return [
        maximum_a_posteriori(shares, tissues, float(variance), column**2)
        for variance, column in zip(noise_variances, prior.T, strict=True)
    ]


def _noise(voxels: Voxels, known: NDArray[np.bool_], tissues: tuple[TractTissue, ...], noise_sd: float | None) -> Noise:
    """Return the noise of each volume from what unmixing all parts leaves over, or, with few voxels, all tissues."""
    columns = voxels.shares
    fit = maximum_likelihood(columns[known])
    if fit.degrees < FEWEST_DEGREES:
        columns = voxels.shares @ tissue_columns(tissues)
        fit = maximum_likelihood(columns[known])
    residuals = voxels.values - columns @ (fit.operator @ voxels.values[known])
    if noise_sd is None and fit.degrees < 1:
        return Noise(np.full(residuals.shape[1], np.nan), 0.0, (0.0, 0.0), residuals)
    correlations = neighbour_correlations(residuals[known], voxels.places[known], columns[known], fit.operator)
    left = residual_share(columns[known], fit.operator, voxels.places[known], correlations)
    residuals = residuals * np.sqrt(known.sum() / max(left, 1.0))
    if noise_sd is not None:
        return Noise(np.full(residuals.shape[1], noise_sd**2), np.inf, correlations, residuals)
    return Noise((residuals[known] ** 2).mean(axis=0), fit.degrees, correlations, residuals)


def _separable(
    unmixing: Unmixing, shares: NDArray, mixing: NDArray, method: Method
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say which structures the voxels cannot tell apart, and which only just."""
    refusals, remarks = [], []
    inflation = _inflation(unmixing, shares, mixing)
    for row, factor in zip(mixing, inflation, strict=True):
        refusal = remark = ""
        if method is Method.ML and not np.allclose(row @ unmixing.resolution, row, atol=1e-3):
            refusal = "not told apart from its neighbours at this resolution"
        elif method is Method.ML and factor > SEPARABLE_VARIANCE:
            remark = f"hardly told apart from its neighbours: they widen the interval {np.sqrt(factor):.1f} times"
        elif method is Method.MAP and row.any() and row @ unmixing.resolution @ row / (row @ row) < OWN_SHARE:
            remark = "rests more on the mean of its tissue than on its own voxels"
        refusals.append(refusal)
        remarks.append(remark)
    return tuple(refusals), tuple(remarks)


def _inflation(unmixing: Unmixing, shares: NDArray, mixing: NDArray) -> NDArray[np.float64]:
    """Return how much the neighbours raise the variance of each structure, 1 = not at all."""
    alone = ((shares @ (mixing > 0).T) ** 2).sum(axis=0)
    return ((mixing @ unmixing.operator) ** 2).sum(axis=1) * alone


def _part_weights(parts: tuple[int, ...], volumes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of all parts in the mean of some: their volumes."""
    weights = np.zeros(len(volumes))
    weights[list(parts)] = volumes[list(parts)]
    return _normalised(weights)


def _normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights that sum to 1 along the last axis, or stay zero."""
    total = weights.sum(axis=-1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights, dtype=float), where=total > 0)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root of a ratio of variances, 1 where there is none."""
    return np.sqrt(np.divide(above, below, out=np.ones_like(below), where=below > 0))

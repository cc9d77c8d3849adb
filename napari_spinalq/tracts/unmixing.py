"""Unmixing: the value of each part of an atlas from voxels that hold several, as a linear estimate.

The value of a voxel is taken as the sum of the values of its parts, each times its share, and noise: y = X b + e.
Maximum likelihood is least squares; maximum a posteriori adds that a tract is not far from the mean of its tissue
(Levy et al. 2015, NeuroImage, doi:10.1016/j.neuroimage.2015.06.040). Both are linear in y, so that one covariance
serves for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.tracts.maps import TractTissue

PRIOR_SHARE = 0.25
"""Prior standard deviation of a tract about the mean of its tissue, as a share of that mean: tracts of healthy people
differ by some 10 % in FA and MTR, and a lesion takes a third; the prior must not forbid it."""

RANK_TOLERANCE = 1e-6
"""Singular values below this share of the largest count as zero: shares are stored as float32."""


@dataclass(frozen=True, eq=False)
class Unmixing:
    """A linear estimate of the parts.

    Attributes
    ----------
    operator : (n_parts, n) array
        Estimate of the parts = operator @ values.
    covariance : (n_parts, n_parts) array
        What the prior adds to the variance of the estimate: how far it may pull.
    resolution : (n_parts, n_parts) array
        How an estimate answers to the true values through the voxels alone: the unit matrix where each part is read
        from its own voxels.
    degrees : float
        Degrees of freedom that are left for the noise.
    """

    operator: NDArray[np.float64]
    covariance: NDArray[np.float64]
    resolution: NDArray[np.float64]
    degrees: float


def maximum_likelihood(shares: NDArray[np.float64]) -> Unmixing:
    """Return the least-squares estimate of the parts.

    Parameters
    ----------
    shares : (n, n_parts) array
        Share of each part in each voxel.

    Notes
    -----
    b = (X'X)^-1 X'y. Parts that the voxels cannot tell apart have a resolution that is not the unit matrix.
    """
    inverse = np.asarray(np.linalg.pinv(shares, rcond=RANK_TOLERANCE), dtype=np.float64)
    resolution = inverse @ shares
    return Unmixing(inverse, np.zeros_like(resolution), resolution, len(shares) - float(np.trace(resolution)))


def tissue_columns(tissues: tuple[TractTissue, ...]) -> NDArray[np.float64]:
    """Return which parts make up each tissue that is present, shape (n_parts, n_tissues)."""
    present = [tissue for tissue in TractTissue if tissue in tissues]
    rows = [[float(part is tissue) for tissue in present] for part in tissues]
    return np.array(rows).reshape(len(tissues), len(present))


def tissue_means(shares: NDArray[np.float64], values: NDArray[np.float64], tissues: tuple[TractTissue, ...]) -> NDArray:
    """Return for each part the mean of its tissue, by maximum likelihood with one part for each tissue, (n_parts,)."""
    belongs = tissue_columns(tissues)
    return belongs @ (maximum_likelihood(shares @ belongs).operator @ values)


def maximum_a_posteriori(
    shares: NDArray[np.float64],
    tissues: tuple[TractTissue, ...],
    noise_variance: float,
    prior_variances: NDArray[np.float64],
) -> Unmixing:
    """Return the estimate that holds each part near the mean of its tissue.

    Parameters
    ----------
    shares : (n, n_parts) array
        Share of each part in each voxel.
    tissues : tuple of TractTissue
        Tissue of each part.
    noise_variance : float
        Of one voxel.
    prior_variances : (n_parts,) array
        Of a part about the mean of its tissue. A part that is alone in its tissue is its mean and needs none.

    Notes
    -----
    Two steps. First the means m of the tissues, by maximum likelihood. Then, with L = noise variance / prior
    variance, b = m + (X'X + L)^-1 X'(y - X m). With b = H y the error is H e + (H X - 1) d, d being how far the parts
    lie from their tissue; its covariance s2 H H' + (H X - 1) T (H X - 1)' holds noise and what the prior pulls.
    """
    belongs = tissue_columns(tissues)
    alone = belongs[:, belongs.sum(axis=0) == 1].any(axis=1)
    means = belongs @ maximum_likelihood(shares @ belongs).operator
    # Scaled by the prior so that a prior variance of zero holds the part at the mean of its tissue.
    spread = np.sqrt(np.where(alone, 0.0, prior_variances))
    free = np.where(alone, 1.0, spread)
    ridge = np.where(alone, 0.0, noise_variance)
    scaled = shares * free
    system = scaled.T @ scaled + np.diag(ridge)
    inner = free[:, None] * (np.linalg.pinv(system, rcond=RANK_TOLERANCE**2, hermitian=True) @ scaled.T)
    resolution = inner @ shares
    operator = inner + (np.eye(len(tissues)) - resolution) @ means
    pull = (operator @ shares - np.eye(len(tissues))) * spread
    return Unmixing(operator, pull @ pull.T, resolution, len(shares) - float(np.trace(operator @ shares)))

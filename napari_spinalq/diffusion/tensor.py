"""The diffusion tensor within a mask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class FitMethod(StrEnum):
    """How the tensor is fitted."""

    WLS = "wls"
    OLS = "ols"
    RESTORE = "restore"
    ROBUST = "robust"


@dataclass(frozen=True, eq=False)
class TensorFit:
    """A tensor in every voxel of a mask; maps have the shape of the scan's grid and are NaN outside of the mask.

    Attributes
    ----------
    mask : array of bool
        Where it was fitted.
    fa : array of float32
        Fractional anisotropy, 0..1.
    md, ad, rd : array of float32
        Mean, axial and radial diffusivity, 1e-3 mm2/s.
    direction : array of float32, shape ``grid.shape + (3,)``
        Principal eigenvector, unit length, RAS, pointing to superior.
    residual : array of float32
        Root mean square difference of measured and fitted signal, as a share of the signal without weighting.
    tsnr : array of float32
        Mean over standard deviation of the unweighted volumes; of the weighted ones where fewer than three are there.
    negative_eigenvalues : int
        Voxels of the mask with a negative eigenvalue before it was set to zero.
    method : FitMethod
        How it was fitted.
    """

    mask: NDArray[np.bool_]
    fa: NDArray[np.float32]
    md: NDArray[np.float32]
    ad: NDArray[np.float32]
    rd: NDArray[np.float32]
    direction: NDArray[np.float32]
    residual: NDArray[np.float32]
    tsnr: NDArray[np.float32]
    negative_eigenvalues: int
    method: FitMethod

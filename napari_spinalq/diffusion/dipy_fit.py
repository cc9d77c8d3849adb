"""Calling dipy's tensor fits on rows of signals, in chunks and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gradients import GradientTable
from napari_spinalq.progress import Progress

CHUNK_VOXELS = 512
"""Voxels fitted at once: large enough that numpy's overhead vanishes, small enough for progress and memory."""

CLIPPED = 1e-6
"""dipy sets smaller eigenvalues to this over the largest entry of the design matrix (about 1e-9 mm2/s): in effect zero.
RESTORE sets negative ones to zero itself."""


class FitMethod(StrEnum):
    """How the tensor is fitted."""

    WLS = "wls"
    OLS = "ols"
    RESTORE = "restore"
    ROBUST = "robust"


DIPY_METHOD = {FitMethod.WLS: "WLS", FitMethod.OLS: "OLS", FitMethod.RESTORE: "RESTORE", FitMethod.ROBUST: "RWLS"}
"""Names in dipy. WLS: Chung et al. 2006, NeuroImage, doi:10.1016/j.neuroimage.2006.07.001; RESTORE: Chang et al. 2005,
Magn Reson Med, doi:10.1002/mrm.20426; robust: Collier et al. 2015, Magn Reson Med, doi:10.1002/mrm.25351."""


@dataclass(frozen=True, eq=False)
class DipyFit:
    """Tensors of some voxels as dipy gives them.

    Attributes
    ----------
    eigenvalues : (v, 3) array
        mm2/s, from large to small; negative ones set to about zero.
    eigenvectors : (v, 3, 3) array
        Columns, RAS.
    predicted : (v, n) array
        Signals of the fitted tensor.
    clipped : (v,) array of bool
        Where an eigenvalue was negative.
    """

    eigenvalues: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]
    predicted: NDArray[np.float64]
    clipped: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DipyTensor:
    """One of dipy's fits for a scheme.

    Attributes
    ----------
    gradients : GradientTable
        The scheme.
    method : FitMethod
        How to fit.
    noise_sd : float, optional
        For RESTORE, in units of the signal.
    """

    gradients: GradientTable
    method: FitMethod
    noise_sd: float | None = None
    _model: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        options = {"sigma": self.noise_sd} if self.method is FitMethod.RESTORE else {}
        model = _model_of(self.gradients, fit_method=DIPY_METHOD[self.method], return_S0_hat=True, **options)
        object.__setattr__(self, "_model", model)

    @property
    def floor(self) -> float:
        """What dipy sets smaller eigenvalues to, mm2/s."""
        return 0.0 if self.method is FitMethod.RESTORE else CLIPPED / -float(self._model.design_matrix.min())

    def fit(self, signals: NDArray[np.float64], threads: int, progress: Progress) -> DipyFit:
        """Fit rows of positive signals (v, n) chunk by chunk, telling progress from the calling thread."""
        parameters, predicted = np.empty((len(signals), 12)), np.empty_like(signals)
        starts = range(0, len(signals), CHUNK_VOXELS)
        with ThreadPoolExecutor(max_workers=threads) as pool:
            work = {pool.submit(self._fit_chunk, signals[start : start + CHUNK_VOXELS]): start for start in starts}
            try:
                for done, future in enumerate(as_completed(work), start=1):
                    chunk = slice(work[future], work[future] + CHUNK_VOXELS)
                    parameters[chunk], predicted[chunk] = future.result()
                    progress(done / len(work), "fitting the tensor")
            except BaseException:  # also when stopped by hand: chunks that wait are not begun
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        values = parameters[:, :3]
        clipped = values.min(axis=1) <= self.floor * (1 + 1e-9)  # rounding of the same quotient
        return DipyFit(values, parameters[:, 3:].reshape(-1, 3, 3), predicted, clipped)

    def _fit_chunk(self, signals: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # threads share the model: dipy writes to it only the outlier map of the last call, which is not used
        found = self._model.fit(signals)
        unweighted = np.reshape(found.S0_hat, -1)
        return found.model_params, self._model.predict(found.model_params, S0=unweighted)


def linear_md(signals: NDArray[np.float64], gradients: GradientTable) -> NDArray[np.float64]:
    """Return the mean diffusivity of an ordinary fit before negative eigenvalues are set to zero, mm2/s, shape (v,).

    It is linear in the logarithm of the signals, so that noise does not shift it where clipping would.
    """
    inverse = np.linalg.pinv(_model_of(gradients).design_matrix)
    return np.log(signals) @ inverse[[0, 2, 5]].mean(axis=0)  # dipy's order: xx, xy, yy, xz, yz, zz


def _model_of(gradients: GradientTable, **options: Any) -> Any:
    """Return dipy's model for a scheme."""
    # Imported when a tensor is fitted: it takes a quarter of a second, for which every window would wait.
    from dipy.core.gradients import gradient_table
    from dipy.reconst.dti import TensorModel

    scheme = gradient_table(gradients.b_values, bvecs=gradients.directions, b0_threshold=gradients.b0_threshold)
    return TensorModel(scheme, **options)

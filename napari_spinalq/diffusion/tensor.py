"""The diffusion tensor within a mask."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_spinalq.diffusion.dipy_fit import DipyFit, DipyTensor, FitMethod, linear_md
from napari_spinalq.diffusion.scheme_checks import (
    flags_of_cord,
    flags_of_fit,
    flags_of_scheme,
    refuse_unless_fits,
    within_max_b,
)
from napari_spinalq.diffusion.tensor_noise import residual_noise_sd, temporal_snr
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable
from napari_spinalq.progress import Progress, portion, silent

THREADS = 2
"""Threads by default: two are 1.5 times as fast as one, and more hardly faster (``benchmarks/tensor.py``)."""

USUAL_SIGNAL = 1000.0
"""Signals with a median without weighting below 1 are scaled to this one: dipy lifts any signal under 1e-4, in whatever
unit it comes. Others stay as they are, because its robust fits depend on the unit too."""

BRIGHTEST = 255
"""Full brightness of a direction colour: FA = 1 along one axis."""


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
    flags : tuple of str
        What a reader must know.
    noise_sd : float
        Noise that RESTORE tells outliers from, in units of the signal; NaN for other methods.
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
    flags: tuple[str, ...] = ()
    noise_sd: float = float("nan")


def fit_tensor(
    data: NDArray,
    gradients: GradientTable,
    mask: NDArray,
    *,
    grid: Grid,
    method: FitMethod = FitMethod.WLS,
    cord: NDArray | None = None,
    max_b: float | None = None,
    min_signal: float | None = None,
    noise_sd: float | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> TensorFit:
    """Fit the diffusion tensor in the voxels of a mask, with dipy.

    Parameters
    ----------
    data : array, shape ``grid.shape + (n,)``
        Signals.
    gradients : GradientTable
        The scheme of the n volumes.
    mask : array, shape ``grid.shape``
        Voxels above zero are fitted, but for those without a finite, positive signal (see ``TensorFit.mask``).
    grid : Grid
        Of the series.
    method : FitMethod
        WLS by default. RESTORE and the robust method leave out single outlying signals, at many times the cost.
    cord : array, shape ``grid.shape``, optional
        The cord itself, where the mask is wider: its mean diffusivity is then judged (0.3 to 2.0 x 1e-3 mm2/s).
    max_b : float, optional
        Use only volumes up to this b-value, s/mm2; all by default.
    min_signal : float, optional
        Signals below it are set to it, because the logarithm of zero is not finite; by default the smallest positive
        signal within the mask.
    noise_sd : float, optional
        For RESTORE: standard deviation of the noise, in units of the signal; by default estimated from the residuals
        of a robust fit (see :func:`~napari_spinalq.diffusion.tensor_noise.residual_noise_sd`).
    threads : int, optional
        CPU threads for WLS and OLS, 2 by default. The other methods run Python code voxel by voxel, which threads
        cannot share: they take one.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    TensorFit

    Raises
    ------
    InputError
        If shapes do not fit, the mask is empty, or no tensor can be fitted to the scheme by this method.
    """
    chosen, table = within_max_b(gradients, max_b)
    _refuse_shapes(data, gradients, mask, grid)
    refuse_unless_fits(table, needs_redundancy=method in (FitMethod.RESTORE, FitMethod.ROBUST), method=method.value)
    fitted = _fittable(data, np.asarray(mask) > 0, chosen, table)
    signals, scale = _usual_signals(np.asarray(data[fitted][:, chosen], dtype=np.float64), table, min_signal)
    noise_sd = None if noise_sd is None else noise_sd * scale
    count = (threads or THREADS) if method in (FitMethod.WLS, FitMethod.OLS) else 1
    if method is FitMethod.RESTORE and noise_sd is None:
        first = DipyTensor(table, FitMethod.ROBUST).fit(signals, count, portion(progress, 0.0, 0.4))
        noise_sd, progress = residual_noise_sd(signals, first.predicted), portion(progress, 0.4, 1.0)
    found = DipyTensor(table, method, noise_sd).fit(signals, count, progress)
    result = _maps(signals, found, table, fitted, method)
    flags = (*flags_of_scheme(gradients, table), *flags_of_fit(len(signals), result.negative_eigenvalues))
    if cord is not None:
        flags += tuple(flags_of_cord(result.md, _on_grid(1e3 * linear_md(signals, table), fitted), cord))
    return replace(result, flags=flags, noise_sd=float("nan") if noise_sd is None else noise_sd / scale)


def _usual_signals(
    signals: NDArray[np.float64], table: GradientTable, min_signal: float | None
) -> tuple[NDArray[np.float64], float]:
    """Return signals (n_voxels, n_volumes) above zero and not small to dipy, and the factor they were scaled by."""
    raised = np.maximum(signals, signals[signals > 0].min() if min_signal is None else min_signal)
    middle = float(np.median(raised[:, table.unweighted]))
    scale = USUAL_SIGNAL / middle if middle < 1 else 1.0
    return raised * scale, scale


def mask_dilated(mask: NDArray, grid: Grid, mm: float) -> NDArray[np.bool_]:
    """Return a mask grown by a distance within its axial slices: the cord with the margin a fit needs.

    Parameters
    ----------
    mask : array, shape ``grid.shape``
        Voxels above zero count as inside.
    grid : Grid
        Of the mask.
    mm : float
        Distance between voxel centres, mm. Slices without the mask stay without it.
    """
    inside = np.asarray(mask) > 0
    if not inside.any() or mm <= 0:
        return inside
    axis = int(np.argmax([code in "SI" for code in grid.axis_codes]))
    in_plane = [grid.spacing[other] for other in range(3) if other != axis]
    grown = [
        distance_transform_edt(~plane, sampling=in_plane) <= mm if plane.any() else plane
        for plane in np.moveaxis(inside, axis, 0)
    ]
    return np.moveaxis(np.stack(grown), 0, axis)


def direction_colours(fit: TensorFit) -> NDArray[np.uint8]:
    """Return the direction-encoded colour map: red left-right, green anterior-posterior, blue superior-inferior.

    Each colour is the size of that component of the principal eigenvector times FA (Pajevic and Pierpaoli 1999, Magn
    Reson Med, doi:10.1002/(SICI)1522-2594(199909)42:3<526::AID-MRM15>3.0.CO;2-J); black outside of the mask.

    Returns
    -------
    array of uint8, shape ``grid.shape + (3,)``
    """
    colours = np.abs(fit.direction) * fit.fa[..., None]
    return np.round(BRIGHTEST * np.clip(np.nan_to_num(colours), 0.0, 1.0)).astype(np.uint8)


def _maps(
    signals: NDArray[np.float64], found: DipyFit, table: GradientTable, fitted: NDArray[np.bool_], method: FitMethod
) -> TensorFit:
    """Return maps from the tensors of each voxel."""
    # Imported when a tensor is fitted: it takes a quarter of a second, for which every window would wait.
    from dipy.reconst.dti import fractional_anisotropy

    values, first = found.eigenvalues, found.eigenvectors[:, :, 0]
    baseline = signals[:, table.unweighted].mean(axis=1)
    return TensorFit(
        mask=fitted,
        fa=_on_grid(fractional_anisotropy(values), fitted),
        md=_on_grid(1e3 * values.mean(axis=1), fitted),
        ad=_on_grid(1e3 * values[:, 0], fitted),
        rd=_on_grid(1e3 * values[:, 1:].mean(axis=1), fitted),
        direction=_on_grid(np.where(first[:, 2:] < 0, -first, first), fitted),
        residual=_on_grid(np.sqrt(((signals - found.predicted) ** 2).mean(axis=1)) / baseline, fitted),
        tsnr=_on_grid(temporal_snr(signals, table), fitted),
        negative_eigenvalues=int(found.clipped.sum()),
        method=method,
    )


def _on_grid(numbers: NDArray[np.float64], fitted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a map with the numbers of the fitted voxels, NaN elsewhere."""
    full = np.full((*fitted.shape, *numbers.shape[1:]), np.nan, dtype=np.float32)
    full[fitted] = numbers
    return full


def _fittable(
    data: NDArray, mask: NDArray[np.bool_], chosen: NDArray[np.bool_], table: GradientTable
) -> NDArray[np.bool_]:
    """Return the voxels of a mask whose signals are finite, positive without weighting, and not zero throughout."""
    fitted = mask.copy()
    signals = np.asarray(data[mask][:, chosen], dtype=np.float64)
    usable = np.isfinite(signals).all(axis=1)
    usable &= np.where(usable, signals[:, table.unweighted].mean(axis=1), 0) > 0
    usable &= np.where(usable, signals[:, ~table.unweighted].max(axis=1), 0) > 0
    fitted[mask] = usable
    if not fitted.any():
        raise InputError("No voxel of the mask holds a signal to fit a tensor to; check that it lies on the cord.")
    return fitted


def _refuse_shapes(data: NDArray, gradients: GradientTable, mask: NDArray, grid: Grid) -> None:
    if data.ndim != 4 or data.shape[:3] != grid.shape or mask.shape != grid.shape:
        raise InputError(
            f"Series {data.shape} and mask {mask.shape} do not share the grid {grid.shape}; give a mask drawn on the "
            "series."
        )
    if data.shape[3] != len(gradients):
        raise InputError(
            f"The series has {data.shape[3]} volumes, the gradient table {len(gradients)}; give the files that belong "
            "together."
        )

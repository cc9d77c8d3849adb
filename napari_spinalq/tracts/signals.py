"""Diffusion, MTR and MTsat per tract from unmixed signals: signals of tissues add up in a voxel, anisotropy does not.

FA, MD, MTR, T1 and the like of a voxel that holds two tissues are not the mean of both. Its signal is, in every volume
(:mod:`~napari_spinalq.tracts.unmixing`): so each volume is unmixed into the signals of the tracts, and one tensor is
fitted to the signals of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.diffusion.scheme_checks import refuse_unless_fits, within_max_b
from napari_spinalq.diffusion.tensor import FitMethod
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable
from napari_spinalq.mt.mtsat import mtsat
from napari_spinalq.mt.parameters import MtParameters
from napari_spinalq.tracts.estimators import BINARY_SHARE, Settings
from napari_spinalq.tracts.extract import check_slice_levels, chosen_structures, cord_slices
from napari_spinalq.tracts.maps import TractMaps, TractTissue
from napari_spinalq.tracts.signal_reader import Measures, SignalReader
from napari_spinalq.tracts.tract_tensor import DIFFUSION_UNITS, series_noise_sd, tensor_measures, without_floor
from napari_spinalq.tracts.values import Method, TractValue
from napari_spinalq.tracts.voxels import Per, Voxels, gather_voxels, slice_groups

DRAWS = 300
"""Bootstrap draws of an interval: its width is then known to some 4 %."""


MTR_UNIT = {"mtr": "%"}
"""Metric and unit of a magnetisation transfer ratio."""


MTSAT_UNITS = {"mtsat": "p.u.", "t1": "s"}
"""Metrics and units of an MTsat protocol."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Where and how signals are read.

    Attributes
    ----------
    slice_levels, grid, structures, per, levels, mask
        As for :func:`~napari_spinalq.tracts.extract.extract`.
    method : Method
        How the signals of a tract are taken: ``ML`` and ``MAP`` unmix, ``WA`` and ``BIN`` average.
    draws, seed : int
        Number of bootstrap draws for the interval, and what they start from: the same seed gives the same interval.
    """

    slice_levels: ArrayLike
    grid: Grid
    structures: Sequence[str] | None = None
    per: Per = "level"
    levels: Iterable[int] | None = None
    method: Method = Method.MAP
    mask: NDArray | None = None
    draws: int = DRAWS
    seed: int = 0


def extract_diffusion(
    data: NDArray,
    gradients: GradientTable,
    tracts: TractMaps,
    reading: Reading,
    *,
    metrics: Sequence[str] = tuple(DIFFUSION_UNITS),
    max_b: float | None = None,
    noise_sd: float | None = None,
) -> tuple[TractValue, ...]:
    """Return FA, MD, AD and RD of each structure, per level, from its own unmixed signals.

    Parameters
    ----------
    data : array, shape ``grid.shape + (n_volumes,)``
        Motion-corrected series, in the axis order of its file.
    gradients : GradientTable
        Of the series.
    tracts : TractMaps
        Shares of the parts on the grid of the series.
    reading : Reading
        Where and how it is read.
    metrics : sequence of str
        Of ``fa``, ``md``, ``ad``, ``rd`` (1e-3 mm2/s).
    max_b : float, optional
        Use only volumes up to this b-value, s/mm2; all by default.
    noise_sd : float, optional
        Standard deviation of the noise in each channel of the magnitude image, in its unit: the mean signals of tracts
        are freed from the floor that it raises. By default it is estimated from what tensors of the voxels of the cord
        leave over; 0 leaves the floor.

    Returns
    -------
    tuple of TractValue
        Levels from superior, structures in the order of the atlas, then metrics. ``sd`` is the weighted standard
        deviation of the voxels' own tensor measures. The interval comes from resampling the residuals of whole voxels,
        so that errors which volumes share stay together.

    Raises
    ------
    InputError
        If the series does not fit to its gradients or its grid, or as :func:`~napari_spinalq.tracts.extract.extract`.
    """
    if data.ndim != 4 or data.shape[3] != len(gradients):
        volumes = data.shape[3] if data.ndim == 4 else 1
        raise InputError(f"The series has {volumes} volumes, its gradient table {len(gradients)}; give its own table.")
    unknown = set(metrics) - set(DIFFUSION_UNITS)
    if unknown:
        raise InputError(f"{sorted(unknown)[0]!r} is no diffusion measure; use {', '.join(DIFFUSION_UNITS)}.")
    used, scheme = within_max_b(gradients, max_b)
    refuse_unless_fits(scheme, needs_redundancy=False, method=FitMethod.WLS.value)
    voxels = _voxels(data[..., used], tracts, reading)
    if noise_sd is None:
        noise_sd = series_noise_sd(voxels.kept(_within_cord(voxels, tracts)).values, scheme)

    def measures(signals: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return tensor_measures(without_floor(signals, noise_sd), scheme)

    return _values(voxels, tracts, measures, {metric: DIFFUSION_UNITS[metric] for metric in metrics}, reading)


def extract_mtr(
    on: NDArray,
    off: NDArray,
    tracts: TractMaps,
    reading: Reading,
) -> tuple[TractValue, ...]:
    """Return the magnetisation transfer ratio of each structure, per level, from its own unmixed signals.

    A voxel of two tissues does not have the mean of their ratios: the brighter one, CSF, counts more.

    Parameters
    ----------
    on, off : array, shape ``grid.shape``
        Images with and without the pulse, registered, in the axis order of the file.
    tracts : TractMaps
        Shares of the parts on their grid.
    reading : Reading
        Where and how they are read.

    Returns
    -------
    tuple of TractValue
        Metric ``mtr``, percent: 100 (off - on) / off of the signals of the structure.

    Raises
    ------
    InputError
        If the images differ in shape, or as :func:`~napari_spinalq.tracts.extract.extract`.
    """
    if on.shape != off.shape or on.ndim != 3:
        raise InputError(f"The images with and without the pulse have the shapes {on.shape} and {off.shape}; register.")
    voxels = _voxels(np.stack([on, off], axis=-1), tracts, reading)
    return _values(voxels, tracts, _ratio, MTR_UNIT, reading)


def extract_mtsat(
    on: NDArray,
    off: NDArray,
    t1w: NDArray,
    parameters: MtParameters,
    tracts: TractMaps,
    reading: Reading,
) -> tuple[TractValue, ...]:
    """Return MTsat and T1 of each structure, per level, from its own unmixed signals.

    Parameters
    ----------
    on, off, t1w : array, shape ``grid.shape``
        Images with and without the pulse and the T1-weighted one, registered, in the axis order of the file.
    parameters : MtParameters
        Flip angles and repetition times.
    tracts : TractMaps
        Shares of the parts on their grid.
    reading : Reading
        Where and how they are read.

    Returns
    -------
    tuple of TractValue
        Metrics ``mtsat``, percent units, and ``t1``, s: :func:`~napari_spinalq.mt.mtsat.mtsat` of the signals of the
        structure.

    Raises
    ------
    InputError
        As :func:`extract_mtr`.
    """
    if not on.shape == off.shape == t1w.shape or on.ndim != 3:
        raise InputError(f"The MT images have the shapes {on.shape}, {off.shape} and {t1w.shape}; register them.")

    def measures(signals: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        found = mtsat(signals[..., 0], signals[..., 1], signals[..., 2], parameters, floor=0.0)
        return {"mtsat": found.mtsat.astype(np.float64), "t1": found.t1_s.astype(np.float64)}

    voxels = _voxels(np.stack([on, off, t1w], axis=-1), tracts, reading)
    return _values(voxels, tracts, measures, MTSAT_UNITS, reading)


def _voxels(data: NDArray, tracts: TractMaps, reading: Reading) -> Voxels:
    """Return the voxels of a stack of volumes that are to be read."""
    check_slice_levels(reading.slice_levels, reading.grid)
    return gather_voxels(data, tracts, reading.grid, reading.mask)


def _values(
    voxels: Voxels, tracts: TractMaps, measures: Measures, units: Mapping[str, str], reading: Reading
) -> tuple[TractValue, ...]:
    """Return the measures of the unmixed signals of each structure, group of slices by group."""
    keys = chosen_structures(tracts, reading.structures)
    groups = slice_groups(cord_slices(voxels, tracts), reading.slice_levels, reading.per, reading.levels)
    random = np.random.default_rng(reading.seed)
    reader = SignalReader(tracts, keys, Settings(reading.method), measures, units, reading.draws, random)
    return tuple(value for group in groups for value in reader.values(voxels.in_slices(group.slices), group))


def _ratio(signals: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the magnetisation transfer ratio of signals with and without the pulse, NaN where there is no signal."""
    on, off = signals[..., 0], signals[..., 1]
    return {"mtr": 100 * np.divide(off - on, off, out=np.full_like(off, np.nan), where=off > 0)}


def _within_cord(voxels: Voxels, tracts: TractMaps) -> NDArray[np.bool_]:
    """Tell which voxels with known signals lie mostly in the cord."""
    cord = [number for number, one in enumerate(tracts.tracts) if one.tissue is not TractTissue.CSF]
    return voxels.finite & (voxels.shares[:, cord].sum(axis=1) > BINARY_SHARE)

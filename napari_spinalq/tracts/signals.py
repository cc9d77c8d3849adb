"""Diffusion per tract from unmixed signals: signals of tissues add up in a voxel, anisotropy does not.

FA, MD and the like of a voxel that holds two tissues are not the mean of both. Its signal is, in every volume
(:mod:`~napari_spinalq.tracts.unmixing`): so each volume is unmixed into the signals of the tracts, and one tensor is
fitted to the signals of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.diffusion.scheme_checks import refuse_unless_fits, within_max_b
from napari_spinalq.diffusion.tensor import FitMethod
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable
from napari_spinalq.tracts.estimators import BINARY_SHARE, Estimates, Settings, estimate, student_quantiles
from napari_spinalq.tracts.extract import (
    Numbers,
    check_slice_levels,
    chosen_structures,
    cord_slices,
    missing_voxels,
    tract_value,
    weighted_spreads,
)
from napari_spinalq.tracts.maps import TractMaps, TractTissue
from napari_spinalq.tracts.tract_tensor import DIFFUSION_UNITS, series_noise_sd, tensor_measures, without_floor
from napari_spinalq.tracts.values import Method, TractValue
from napari_spinalq.tracts.voxels import Per, SliceGroup, Voxels, gather_voxels, slice_groups

DRAWS = 300
"""Bootstrap draws of an interval: its width is then known to some 4 %."""


def extract_diffusion(
    data: NDArray,
    gradients: GradientTable,
    tracts: TractMaps,
    *,
    slice_levels: ArrayLike,
    grid: Grid,
    structures: Sequence[str] | None = None,
    per: Per = "level",
    levels: Iterable[int] | None = None,
    method: Method = Method.MAP,
    mask: NDArray | None = None,
    metrics: Sequence[str] = tuple(DIFFUSION_UNITS),
    max_b: float | None = None,
    noise_sd: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[TractValue, ...]:
    """Return FA, MD, AD and RD of each structure, per level, from its own unmixed signals.

    Parameters
    ----------
    data : array, shape ``grid.shape + (n_volumes,)``
        Motion-corrected series, in the axis order of its file.
    gradients : GradientTable
        Of the series.
    tracts, slice_levels, grid, structures, per, levels, mask
        As for :func:`~napari_spinalq.tracts.extract.extract`.
    method : Method
        How the signals of a tract are taken: ``ML`` and ``MAP`` unmix, ``WA`` and ``BIN`` average.
    metrics : sequence of str
        Of ``fa``, ``md``, ``ad``, ``rd`` (1e-3 mm2/s).
    max_b : float, optional
        Use only volumes up to this b-value, s/mm2; all by default.
    noise_sd : float, optional
        Standard deviation of the noise in each channel of the magnitude image, in its unit: the mean signals of tracts
        are freed from the floor that it raises. By default it is estimated from what tensors of the voxels of the cord
        leave over; 0 leaves the floor.
    draws, seed : int
        Number of bootstrap draws for the interval, and what they start from: the same seed gives the same interval.

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
    check_slice_levels(slice_levels, grid)
    used, scheme = within_max_b(gradients, max_b)
    refuse_unless_fits(scheme, needs_redundancy=False, method=FitMethod.WLS.value)
    voxels = gather_voxels(data[..., used], tracts, grid, mask)
    keys = chosen_structures(tracts, structures)
    groups = slice_groups(cord_slices(voxels, tracts), slice_levels, per, levels)
    if noise_sd is None:
        noise_sd = series_noise_sd(voxels.kept(_within_cord(voxels, tracts)).values, scheme)
    random = np.random.default_rng(seed)
    reader = _Reader(scheme, tracts, keys, Settings(method), tuple(metrics), noise_sd, draws, random)
    return tuple(value for group in groups for value in reader.values(voxels.in_slices(group.slices), group))


def _within_cord(voxels: Voxels, tracts: TractMaps) -> NDArray[np.bool_]:
    """Tell which voxels with known signals lie mostly in the cord."""
    cord = [number for number, one in enumerate(tracts.tracts) if one.tissue is not TractTissue.CSF]
    return voxels.finite & (voxels.shares[:, cord].sum(axis=1) > BINARY_SHARE)


class _Reader:
    """Values of all structures in one group of slices after another."""

    def __init__(
        self,
        gradients: GradientTable,
        tracts: TractMaps,
        keys: Sequence[str],
        settings: Settings,
        metrics: tuple[str, ...],
        noise_sd: float,
        draws: int,
        random: np.random.Generator,
    ) -> None:
        self.gradients = gradients
        self.tissues = tuple(one.tissue for one in tracts.tracts)
        self.keys = keys
        self.members = [tracts.index(key) for key in keys]
        self.settings = settings
        self.metrics = metrics
        self.noise_sd = noise_sd
        self.draws = draws
        self.random = random

    def values(self, voxels: Voxels, group: SliceGroup) -> list[TractValue]:
        """Return the values of all structures in some slices."""
        lost, method = missing_voxels(voxels, self.members), self.settings.method
        finite = voxels.kept(voxels.finite)
        found = estimate(finite, self.tissues, self.members, self.settings)
        measured = self._measures(found.values.T)
        spread = self._spreads(finite)
        low, high = self._intervals(found, measured)
        values = []
        for place, key in enumerate(self.keys):
            for metric in self.metrics:
                numbers = Numbers(*(float(one[metric][place]) for one in (measured, spread, low, high)))
                values.append(
                    tract_value(key, metric, DIFFUSION_UNITS[metric], group, numbers, found, place, lost[place], method)
                )
        return values

    def _measures(self, signals: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the tensor measures of signals, shape (..., n_volumes) to (...)."""
        return tensor_measures(without_floor(signals, self.noise_sd), self.gradients)

    def _spreads(self, voxels: Voxels) -> dict[str, NDArray[np.float64]]:
        """Return the weighted standard deviation of the tensor measures of the voxels, per structure."""
        measured = self._measures(voxels.values)
        maps = replace(voxels, values=np.stack([measured[metric] for metric in self.metrics], axis=1))
        return dict(zip(self.metrics, weighted_spreads(maps.kept(maps.finite), self.members), strict=True))

    def _intervals(
        self, found: Estimates, measured: dict[str, NDArray[np.float64]]
    ) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
        """Return both ends of the 95 % intervals: Student's t times the standard deviation of the draws."""
        count = len(found.residuals)
        chosen = self.random.integers(max(count, 1), size=(self.draws, count))
        drawn = self._measures(found.values.T[None] + self._deviations(found, chosen))
        quantiles = student_quantiles(found.degrees)
        low, high = {}, {}
        for metric in self.metrics:
            half = quantiles * drawn[metric].std(axis=0)
            low[metric], high[metric] = measured[metric] - half, measured[metric] + half
        return low, high

    def _deviations(self, found: Estimates, chosen: NDArray[np.int_]) -> NDArray[np.float64]:
        """Return how far each draw moves the signals, shape (n_draws, n_structures, n_volumes)."""
        volumes = []
        for weights, residuals in zip(found.weights, found.residuals.T, strict=True):
            volumes.append(residuals[chosen] @ (weights * found.widening[:, None]).T)
        return np.stack(volumes, axis=-1)

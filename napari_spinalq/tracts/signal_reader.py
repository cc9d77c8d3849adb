"""Values of structures from their unmixed signals: what is computed from several volumes is computed per tract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.tracts.estimators import Estimates, Settings, estimate, student_quantiles
from napari_spinalq.tracts.extract import Numbers, missing_voxels, tract_value, weighted_spreads
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.values import TractValue
from napari_spinalq.tracts.voxels import SliceGroup, Voxels

Measures = Callable[[NDArray[np.float64]], Mapping[str, NDArray[np.float64]]]
"""From signals, shape (..., n_volumes), to measures by name, each shape (...)."""


@dataclass(frozen=True, eq=False)
class SignalReader:
    """Reads structures in one group of slices after another.

    Attributes
    ----------
    tracts : TractMaps
        The atlas.
    keys : tuple of str
        Structures.
    settings : Settings
        How signals are taken.
    measures : callable
        What is computed from the signals of a structure.
    units : mapping of str to str
        Units of the measures that are wanted.
    draws : int
        Bootstrap draws.
    random : Generator
        Draws them.
    """

    tracts: TractMaps
    keys: tuple[str, ...]
    settings: Settings
    measures: Measures
    units: Mapping[str, str]
    draws: int
    random: np.random.Generator

    @property
    def members(self) -> list[tuple[int, ...]]:
        """Parts of each structure."""
        return [self.tracts.index(key) for key in self.keys]

    def values(self, voxels: Voxels, group: SliceGroup) -> list[TractValue]:
        """Return the values of all structures in some slices."""
        lost = missing_voxels(voxels, self.members)
        finite = voxels.kept(voxels.finite)
        found = estimate(finite, tuple(one.tissue for one in self.tracts.tracts), self.members, self.settings)
        measured = self.measures(found.values.T)
        spread = self._spreads(finite)
        low, high = self._intervals(found, measured)
        values = []
        for place, key in enumerate(self.keys):
            for metric, unit in self.units.items():
                numbers = Numbers(*(float(one[metric][place]) for one in (measured, spread, low, high)))
                method = self.settings.method
                values.append(tract_value(key, metric, unit, group, numbers, found, place, lost[place], method))
        return values

    def _spreads(self, voxels: Voxels) -> dict[str, NDArray[np.float64]]:
        """Return the weighted standard deviation of the measures of the voxels, per structure."""
        measured = self.measures(voxels.values)
        maps = replace(voxels, values=np.stack([measured[metric] for metric in self.units], axis=1))
        return dict(zip(self.units, weighted_spreads(maps.kept(maps.finite), self.members), strict=True))

    def _intervals(
        self, found: Estimates, measured: Mapping[str, NDArray[np.float64]]
    ) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
        """Return both ends of the 95 % intervals: Student's t times the standard deviation of the draws."""
        count = len(found.residuals)
        chosen = self.random.integers(max(count, 1), size=(self.draws, count))
        drawn = self.measures(found.values.T[None] + self._deviations(found, chosen))
        quantiles = student_quantiles(found.degrees)
        low, high = {}, {}
        for metric in self.units:
            half = quantiles * drawn[metric].std(axis=0)
            low[metric], high[metric] = measured[metric] - half, measured[metric] + half
        return low, high

    def _deviations(self, found: Estimates, chosen: NDArray[np.int_]) -> NDArray[np.float64]:
        """Return how far each draw moves the signals, shape (n_draws, n_structures, n_volumes)."""
        volumes = []
        for weights, residuals in zip(found.weights, found.residuals.T, strict=True):
            volumes.append(residuals[chosen] @ (weights * found.widening[:, None]).T)
        return np.stack(volumes, axis=-1)

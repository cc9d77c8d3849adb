"""An atlas of the cord: the share of each part at every place of the cross-section, per vertebral level.

Normalised cord coordinates: x grows to the patient's right, y to anterior, the centroid of the cord is the origin and
its outline lies at radius 1 in every direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.tracts.maps import Tract, TractGroup, TractTissue

MAP_STEP = 0.025
"""Distance between samples of a map, normalised: 0.15 mm across a cord 12 mm wide, a quarter of the thinnest tract."""

MAP_EDGE = 1.1
"""Maps reach this far, so that every place in the cord lies between samples."""

MAP_AXIS = np.linspace(-MAP_EDGE, MAP_EDGE, round(2 * MAP_EDGE / MAP_STEP) + 1)
"""Where the samples of a map lie, along x and along y."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Soft maps of the parts of a cord.

    Attributes
    ----------
    name : str
        ``"builtin"``, or the name of the folder it came from.
    tracts : tuple of Tract
        Parts of the cord, and the CSF as the last.
    groups : tuple of TractGroup
        What is read as one.
    levels : tuple of int
        Vertebral levels that it knows, growing (1 = C1).
    maps : (n_levels, n_parts, n, n) array of float32
        Share of each part of the cord (all tracts but CSF) at ``MAP_AXIS`` along x (third axis) and y (fourth); over
        the parts 1 everywhere, at places outside the cord as at the nearest place of its edge.
    flags : tuple of str
        What a reader must know of it.
    """

    name: str
    tracts: tuple[Tract, ...]
    groups: tuple[TractGroup, ...]
    levels: tuple[int, ...]
    maps: NDArray[np.float32]
    flags: tuple[str, ...] = ()

    def covers(self, level: float) -> bool:
        """Tell whether a level (1 = C1; n - 0.5 to n + 0.5 is level n) lies within the atlas."""
        return self.levels[0] - 0.5 <= level <= self.levels[-1] + 0.5

    def level_maps(self, level: float) -> NDArray[np.float32]:
        """Return the maps at a level, shape (n_parts, n, n); between the middles of two levels both are mixed.

        Raises
        ------
        ValueError
            If the atlas does not cover the level.
        """
        if not self.covers(level):
            raise ValueError(f"the atlas {self.name} covers levels {self.levels[0]} to {self.levels[-1]}, not {level}")
        place = float(np.interp(level, self.levels, np.arange(len(self.levels))))
        lower, mixing = int(place), np.float32(place - int(place))
        if not mixing:
            return self.maps[lower]
        return (1 - mixing) * self.maps[lower] + mixing * self.maps[lower + 1]

    def shares(self, level: float, x: ArrayLike, y: ArrayLike) -> NDArray[np.float32]:
        """Return the share of each tract at places of the cross-section, shape (n_tracts, *x.shape).

        Parameters
        ----------
        level : float
            Vertebral level: n at the middle of level n.
        x, y : arrays of the same shape
            Normalised cord coordinates.

        Returns
        -------
        array of float32
            Over the parts of the cord 1 within radius 1; outside of it CSF alone.
        """
        right, anterior = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        inside = np.hypot(right, anterior) <= 1.0
        parts = sample_maps(self.level_maps(level), right, anterior) * inside
        return np.concatenate([parts, (~inside)[None].astype(np.float32)])

    @cached_property
    def grey(self) -> NDArray[np.bool_]:
        """Which parts of the cord are grey matter, shape (n_parts,)."""
        return np.array([one.tissue is TractTissue.GM for one in self.tracts[:-1]])


def sample_maps(maps: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """Interpolate maps linearly at normalised places (beyond them as at their border), shape (n_parts, *x.shape)."""
    last = len(MAP_AXIS) - 1
    column, row = (np.clip((place + MAP_EDGE) / MAP_STEP, 0.0, last - 1e-6) for place in (x, y))
    i, j = column.astype(int), row.astype(int)
    u, v = (column - i).astype(np.float32), (row - j).astype(np.float32)
    flat = maps.reshape(len(maps), -1)
    at = i * len(MAP_AXIS) + j
    near = (1 - v) * flat[:, at] + v * flat[:, at + 1]
    far = (1 - v) * flat[:, at + len(MAP_AXIS)] + v * flat[:, at + len(MAP_AXIS) + 1]
    return np.asarray((1 - u) * near + u * far)


def map_points() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the samples of a map, each drawn to the edge of the cord if it lies beyond, shape (n, n)."""
    x, y = np.meshgrid(MAP_AXIS, MAP_AXIS, indexing="ij")
    beyond = np.maximum(np.hypot(x, y), 1.0)
    return x / beyond, y / beyond

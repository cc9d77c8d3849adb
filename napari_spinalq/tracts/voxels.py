"""The voxels that hold a part of an atlas, as rows: their shares, places and values; and which are read together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, work_view
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.vertebrae import level_name

Per = Literal["level", "slice", "all"]
"""Whether the slices of a level are read together, each slice by itself, or all slices as one."""


@dataclass(frozen=True)
class SliceGroup:
    """Slices that are read together.

    Attributes
    ----------
    level : int
        Their vertebral level; 0 if they have none, or several.
    slices : tuple of int
        Work-order slices, from inferior.
    """

    level: int
    slices: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Voxels:
    """Voxels that hold some part of an atlas.

    Attributes
    ----------
    shares : (n, n_parts) array
        Share of each part in each voxel, 0..1.
    places : (n, 3) array of int
        Work-order indices z, y, x.
    values : (n, n_volumes) array
        What was measured there; NaN where any volume was not a finite number.
    """

    shares: NDArray[np.float64]
    places: NDArray[np.int_]
    values: NDArray[np.float64]

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Which voxels have a finite value in every volume, shape (n,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def kept(self, which: NDArray[np.bool_]) -> Voxels:
        """Return the voxels of a boolean choice, shape (n,)."""
        return replace(self, shares=self.shares[which], places=self.places[which], values=self.values[which])

    def in_slices(self, slices: Iterable[int]) -> Voxels:
        """Return the voxels of some work-order slices."""
        return self.kept(np.isin(self.places[:, 0], list(slices)))


def gather_voxels(data: NDArray, tracts: TractMaps, grid: Grid, mask: NDArray | None = None) -> Voxels:
    """Collect the voxels that hold some part of an atlas.

    Parameters
    ----------
    data : array, shape ``grid.shape`` or ``grid.shape + (n_volumes,)``
        A map or a series, in the axis order of its file.
    tracts : TractMaps
        Parts on the same grid.
    grid : Grid
        Their grid.
    mask : array, shape ``grid.shape``, optional
        Only voxels in which it is not zero are used.

    Raises
    ------
    InputError
        If the map, the atlas or the mask do not have the shape of the grid.
    """
    _check_shape(data.shape[:3], grid, "The map")
    _check_shape(tracts.fractions.shape[1:], grid, "The atlas")
    used = tracts.fractions.sum(axis=0) > 0
    if mask is not None:
        _check_shape(mask.shape, grid, "The mask")
        used &= mask != 0
    # In work order, so that what is drawn by chance does not depend on how a file is stored.
    used = work_view(used, grid)
    values = np.asarray(work_view(data, grid)[used], dtype=float).reshape(int(used.sum()), -1)
    values[~np.isfinite(values).all(axis=1)] = np.nan
    shares = np.stack([work_view(part, grid)[used] for part in tracts.fractions], axis=1)
    return Voxels(np.asarray(shares, dtype=float), np.argwhere(used), values)


def slice_groups(
    present: Iterable[int], slice_levels: ArrayLike, per: Per = "level", levels: Iterable[int] | None = None
) -> tuple[SliceGroup, ...]:
    """Return which slices are read together, levels from superior, slices from inferior.

    Parameters
    ----------
    present : iterable of int
        Work-order slices in which there is something to read.
    slice_levels : (n_slices,) array of int
        Level of each work-order slice, 0 = none.
    per : str
        ``"level"``: the slices of each level together, those without a level left out; ``"slice"``: each slice by
        itself; ``"all"``: all as one.
    levels : iterable of int, optional
        Only slices of these levels.

    Raises
    ------
    InputError
        If ``per`` is none of the three, or a wanted level has no slice.
    """
    level_of = np.asarray(slice_levels, dtype=int)
    slices = sorted({int(index) for index in present})
    if levels is not None:
        wanted = sorted({int(level) for level in levels})
        _check_levels(wanted, [int(level_of[index]) for index in slices])
        slices = [index for index in slices if level_of[index] in wanted]
    if per == "slice":
        return tuple(SliceGroup(int(level_of[index]), (index,)) for index in slices)
    if per == "all":
        return (SliceGroup(0, tuple(slices)),) if slices else ()
    if per != "level":
        raise InputError(f"{per!r} is no way to read slices together; use level, slice or all.")
    found = sorted({int(level_of[index]) for index in slices} - {0})
    return tuple(SliceGroup(one, tuple(index for index in slices if level_of[index] == one)) for one in found)


def _check_levels(wanted: list[int], found: list[int]) -> None:
    for level in wanted:
        if level not in found:
            names = ", ".join(level_name(one) for one in sorted(set(found) - {0})) or "none"
            raise InputError(f"No slice with a tract lies at {level_name(level)}; the levels here are: {names}.")


def _check_shape(shape: tuple[int, ...], grid: Grid, what: str) -> None:
    if tuple(shape) != grid.shape:
        sizes = " x ".join(map(str, shape)), " x ".join(map(str, grid.shape))
        raise InputError(f"{what} has {sizes[0]} voxels, its grid {sizes[1]}; resample it to the scan first.")

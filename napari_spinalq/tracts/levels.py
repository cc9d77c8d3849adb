"""Which level of an atlas belongs to each slice, as a number that grows smoothly down the cord."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.cord.butterfly_model import GENERIC_LEVEL
from napari_spinalq.cord.ends import slice_ranges
from napari_spinalq.errors import InputError
from napari_spinalq.tracts.atlas import Atlas
from napari_spinalq.vertebrae import level_name

NO_LEVELS = "no vertebral level is known: tracts have the shape of the mid-cervical cord"


@dataclass(frozen=True, eq=False)
class AtlasLevels:
    """Levels at which an atlas is read.

    Attributes
    ----------
    values : (n_slices,) array
        Level of each slice; n lies in the middle of level n. NaN where the atlas ends.
    flags : tuple of str
        What a reader must know.
    """

    values: NDArray[np.float64]
    flags: tuple[str, ...]


def atlas_levels(atlas: Atlas, slice_levels: ArrayLike | None, cord_slices: NDArray[np.int_], n: int) -> AtlasLevels:
    """Return the level of an atlas that belongs to each of ``n`` slices.

    Parameters
    ----------
    atlas : Atlas
        What will be read.
    slice_levels : (n,) array of int, or None
        Vertebral level of each work-order slice, from inferior; 0 = none.
    cord_slices : array of int
        Slices that hold cord: flags speak of these alone.
    n : int
        Number of slices.

    Raises
    ------
    InputError
        If the levels are not one whole number of 0 or more for each slice.
    """
    levels = _checked(slice_levels, n)
    holds = np.zeros(n, dtype=bool)
    holds[cord_slices] = True
    if not levels.any():
        return AtlasLevels(np.full(n, GENERIC_LEVEL), (NO_LEVELS,))
    flags = []
    unknown = holds & (levels == 0)
    if unknown.any():
        flags.append(f"no level in slices {slice_ranges(unknown)}: tracts there have the shape of the nearest level")
    nearest = _nearest(levels)
    covered = (nearest >= atlas.levels[0]) & (nearest <= atlas.levels[-1])
    if (holds & ~covered).any():
        ends = f"{level_name(atlas.levels[0])} to {level_name(atlas.levels[-1])}"
        flags.append(f"no tracts in slices {slice_ranges(holds & ~covered)}: the atlas covers {ends} only")
    return AtlasLevels(np.where(covered, _smooth(levels, nearest), np.nan), tuple(flags))


def _checked(slice_levels: ArrayLike | None, n: int) -> NDArray[np.int_]:
    if slice_levels is None:
        return np.zeros(n, dtype=int)
    levels = np.asarray(slice_levels)
    if levels.shape != (n,) or not np.isfinite(levels).all() or (levels < 0).any() or (levels % 1 != 0).any():
        raise InputError(
            f"The slice levels must be one whole number of 0 or more for each of the {n} axial slices, "
            f"not an array of shape {levels.shape}; label the levels on this scan's own slices."
        )
    return levels.astype(int)


def _nearest(levels: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return the level of each slice, or of the nearest that has one."""
    known = np.flatnonzero(levels)
    places = np.arange(len(levels), dtype=float)
    return levels[known[np.argmin(np.abs(known - places[:, None]), axis=1)]].astype(float)


def _smooth(levels: NDArray[np.int_], nearest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let levels change evenly between the borders that are seen; one that is seen in part stays at its middle."""
    known = np.flatnonzero(levels)
    places = np.arange(len(levels), dtype=float)
    at = np.flatnonzero(np.diff(levels[known]))
    if not len(at):
        return nearest
    borders = (known[at] + known[at + 1]) / 2
    border_levels = (levels[known[at]] + levels[known[at + 1]]) / 2
    seen_whole = (places >= borders[0]) & (places <= borders[-1])
    even = np.where(seen_whole, np.interp(places, borders, border_levels), nearest)
    return np.asarray(np.clip(even, nearest - 0.5, nearest + 0.5))

"""From named discs to the vertebral level of every slice and of every voxel of the cord.

Level n reaches from disc n above it to disc n + 1 below it. A disc bounds levels where it projects on the cord: at the
nearest place of the cord's centerline. A place exactly on a boundary belongs to the upper level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Labelling, Origin, disc_arcs_mm, interpolate_missing
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM, body_scale
from napari_spinalq.vertebrae import VERTEBRAE, level_name

END_ESTIMATED = "end estimated"
INTERPOLATED = "disc interpolated"
PARTIAL = "partly covered"


@dataclass(frozen=True)
class LevelExtent:
    """Where a level lies along the cord.

    Attributes
    ----------
    level : int
        1 (C1) to 24 (L5).
    lower_mm, upper_mm : float
        Distances along the centerline from its inferior end, mm.
    flags : tuple of str
        ``"end estimated"`` if an end was placed by typical heights, ``"disc interpolated"`` if a
        bounding disc was not seen, ``"partly covered"`` if the centerline does not cover the whole level.
    """

    level: int
    lower_mm: float
    upper_mm: float
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name, such as ``"C3"``."""
        return level_name(self.level)


def level_extents(labelling: Labelling, centerline: Centerline) -> tuple[LevelExtent, ...]:
    """Return where each level lies along the cord, from superior to inferior.

    The level above the topmost disc and the one below the lowest are given their typical height, times how tall the
    levels between the discs are against their own typical heights; their outer end is flagged as estimated.

    Raises
    ------
    InputError
        If there is no disc, or as :func:`~napari_spinalq.levels.discs.check_discs`.
    """
    if not labelling.discs:
        raise InputError("There are no discs, so no level is known; mark at least one disc, such as C2-C3.")
    discs = interpolate_missing(labelling.discs, centerline)
    arcs = disc_arcs_mm(discs, centerline).tolist()
    scale = body_scale([disc.number for disc in discs], arcs)
    extents = [_above(discs[0].number, arcs[0], scale)]
    for (upper, upper_mm), (lower, lower_mm) in pairwise(zip(discs, arcs, strict=True)):
        extents.append(LevelExtent(upper.number, lower_mm, upper_mm, _end_flags(upper.origin, lower.origin)))
    extents.append(_below(discs[-1].number, arcs[-1], scale))
    return tuple(_with_coverage(extent, centerline.length_mm) for extent in extents)


def _end_flags(*origins: Origin) -> tuple[str, ...]:
    flags = {Origin.ESTIMATED: END_ESTIMATED, Origin.INTERPOLATED: INTERPOLATED}
    return tuple(flag for origin, flag in flags.items() if origin in origins)


def _above(top_disc: int, arc_mm: float, scale: float) -> LevelExtent:
    level = top_disc - 1
    return LevelExtent(level, arc_mm, arc_mm + scale * TYPICAL_HEIGHT_MM[level], (END_ESTIMATED,))


def _below(last_disc: int, arc_mm: float, scale: float) -> LevelExtent:
    return LevelExtent(last_disc, arc_mm - scale * TYPICAL_HEIGHT_MM[last_disc], arc_mm, (END_ESTIMATED,))


def _with_coverage(extent: LevelExtent, length_mm: float) -> LevelExtent:
    if extent.lower_mm >= 0 and extent.upper_mm <= length_mm:
        return extent
    return replace(extent, flags=(*extent.flags, PARTIAL))


def levels_at(arcs_mm: NDArray[np.float64], extents: tuple[LevelExtent, ...]) -> NDArray[np.uint8]:
    """Return the level at each distance along the cord, any shape; 0 beyond the outermost levels."""
    return stretch_at(arcs_mm, [(extent.level, extent.lower_mm, extent.upper_mm) for extent in extents])


def stretch_at(arcs_mm: NDArray[np.float64], stretches: Sequence[tuple[int, float, float]]) -> NDArray[np.uint8]:
    """Return the number of the stretch of cord at each distance along it.

    Parameters
    ----------
    arcs_mm : array, any shape
        Distances along the centerline, mm.
    stretches : sequence of (number, lower_mm, upper_mm)
        From superior to inferior, each beginning where the one above it ends.

    Returns
    -------
    array of uint8, shape of ``arcs_mm``
        0 beyond the outermost stretches; a place exactly on a boundary belongs to the upper one.
    """
    upward = stretches[::-1]
    bounds = np.array([*(lower for _, lower, _ in upward), upward[-1][2]])
    numbers = np.array([0, *(number for number, _, _ in upward), 0], dtype=np.uint8)
    return numbers[np.searchsorted(bounds, arcs_mm, side="right")]


def paint_along(
    centerline: Centerline,
    mask: NDArray,
    grid: Grid,
    number_at: Callable[[NDArray[np.float64]], NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """Return a number for each voxel of a mask, by the voxel's own place along the cord.

    Parameters
    ----------
    centerline : Centerline
        Of the cord, RAS mm.
    mask : array, shape ``grid.shape``
        Binary or soft; every voxel above 0 gets its number, all others 0.
    grid : Grid
        Grid of the mask, in any axis order.
    number_at : callable
        Gives the numbers at distances along the centerline (mm).
    """
    numbers = np.zeros(grid.shape, dtype=np.uint8)
    inside = np.argwhere(np.asarray(mask) > 0)
    if len(inside):
        numbers[tuple(inside.T)] = number_at(centerline.nearest_arc(grid.voxel_to_mm(inside)))
    return numbers


def slice_arcs_mm(centerline: Centerline, work_grid: Grid) -> NDArray[np.float64]:
    """Return where the cord's centre crosses each axial slice, shape (n_slices,), mm along the centerline.

    Parameters
    ----------
    centerline : Centerline
        RAS mm.
    work_grid : Grid
        In work order (index 0 grows to superior).

    Returns
    -------
    array of float64
        NaN for slices that the centerline misses by more than half a slice.
    """
    along = work_grid.mm_to_voxel(centerline.points_mm)[:, 0]
    order = np.argsort(along, kind="stable")
    slices = np.arange(work_grid.shape[0], dtype=float)
    arcs = np.interp(slices, along[order], centerline.arc_mm[order])
    arcs[(slices < along.min() - 0.5) | (slices > along.max() + 0.5)] = np.nan
    return arcs


def slice_levels(labelling: Labelling, centerline: Centerline, work_grid: Grid) -> NDArray[np.int_]:
    """Return the vertebral level of each axial slice: that of the cord's centre in it.

    Parameters
    ----------
    labelling : Labelling
        Named discs.
    centerline : Centerline
        Of the cord, RAS mm.
    work_grid : Grid
        In work order; index 0 (I to S) is the slice.

    Returns
    -------
    array of int, shape (n_slices,)
        0 where there is no cord centre or no level.
    """
    arcs = slice_arcs_mm(centerline, work_grid)
    levels = levels_at(np.nan_to_num(arcs), level_extents(labelling, centerline)).astype(int)
    levels[np.isnan(arcs)] = 0
    return levels


def level_map(labelling: Labelling, centerline: Centerline, mask: NDArray, grid: Grid) -> NDArray[np.uint8]:
    """Return the vertebral level of each voxel of a mask, by the voxel's own place along the cord.

    In a slice oblique to the cord the levels change along a plane perpendicular to the cord, not at a slice border.

    Parameters
    ----------
    labelling : Labelling
        Named discs.
    centerline : Centerline
        Of the cord, RAS mm.
    mask : array, shape ``grid.shape``
        Of the cord, binary or soft; every voxel above 0 gets its level.
    grid : Grid
        Grid of the mask, in any axis order.

    Returns
    -------
    array of uint8, shape ``grid.shape``
        0 outside the mask and beyond the outermost levels.
    """
    return paint_along(centerline, mask, grid, lambda arcs_mm: levels_at(arcs_mm, level_extents(labelling, centerline)))


def levels_per_slice(level_map_work: NDArray) -> NDArray[np.int_]:
    """Return the level that most labelled voxels of each axial slice hold.

    Parameters
    ----------
    level_map_work : array, shape (z, y, x)
        Levels in work order, 0 = none.

    Returns
    -------
    array of int, shape (z,)
        0 for a slice without a level; of two equally frequent levels the upper one.
    """
    flat = np.asarray(level_map_work).reshape(len(level_map_work), -1).astype(int)
    counts = np.array([np.bincount(row, minlength=len(VERTEBRAE) + 1)[1:] for row in flat])
    return np.where(counts.any(axis=1), counts.argmax(axis=1) + 1, 0)

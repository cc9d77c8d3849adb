"""Segments of the cord (spinal levels) from vertebral levels: an estimate from population offsets, never a finding.

A segment is the piece of cord whose rootlets form one pair of nerves. It lies above the vertebra of its name, the more
so the lower it is, by an amount that differs between people: Cadotte et al. 2015 (AJNR Am J Neuroradiol 36, 803-810,
doi:10.3174/ajnr.A4192) found that a segment cannot be told exactly from vertebrae. Every result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.levels.levelmap import PARTIAL, LevelExtent, level_extents, paint_along, stretch_at

SEGMENTS = (
    *[f"C{n}" for n in range(1, 9)],
    *[f"T{n}" for n in range(1, 13)],
    *[f"L{n}" for n in range(1, 6)],
    *[f"S{n}" for n in range(1, 6)],
)
"""Names of the segments 1..30: C1..C8, T1..T12, L1..L5, S1..S5."""

SEGMENT_BORDERS = (
    *(1.00, 1.33, 1.78, 2.74, 3.68, 4.57, 5.45, 6.42),
    *(7.41, 8.33, 9.17, 10.07, 11.08, 12.08, 13.12, 14.13, 15.09, 16.00, 16.83, 17.55),
    *(18.17, 18.71, 19.13, 19.49, 19.83),
    *(20.08, 20.29, 20.52, 20.71, 20.89, 21.00),
)
"""Superior end of each segment, and the inferior end of S5, counted in vertebral levels: 3.68 is 68 % of the way down
level C3. Measured with ``benchmarks/spinal_levels.py`` on the PAM50 template (De Leener et al. 2018, NeuroImage 165,
170-179, doi:10.1016/j.neuroimage.2017.10.041): its spinal levels against its vertebral levels. Those spinal levels
divide the template's cord in the proportions that Frostell et al. 2016 (Front Neurol 7, 238,
doi:10.3389/fneur.2016.00238, table 3) put together from five anatomical studies. C1 begins and S5 ends where the
template's levels do."""

SEGMENTS_ESTIMATED = "spinal segments estimated from vertebral levels"
"""What every map of segments says."""

SEGMENT_SCHEME = "1..8 = C1..C8, 9..20 = T1..T12, 21..25 = L1..L5, 26..30 = S1..S5"


@dataclass(frozen=True)
class SpinalExtent:
    """Where a segment of the cord is estimated to lie.

    Attributes
    ----------
    segment : int
        1 (C1) to 30 (S5).
    lower_mm, upper_mm : float
        Distances along the centerline from its inferior end, mm.
    flags : tuple of str
        Always that it is an estimate; then what is uncertain about the vertebral levels that it rests on, and
        ``"partly covered"`` if the known levels or the centerline do not hold all of it.
    """

    segment: int
    lower_mm: float
    upper_mm: float
    flags: tuple[str, ...] = (SEGMENTS_ESTIMATED,)

    @property
    def short_name(self) -> str:
        """The name alone, such as ``"C5"``."""
        return SEGMENTS[self.segment - 1]

    @property
    def name(self) -> str:
        """The name as people see it, such as ``"C5 segment (estimate)"``."""
        return f"{self.short_name} segment (estimate)"


def spinal_extents(labelling: Labelling, centerline: Centerline) -> tuple[SpinalExtent, ...]:
    """Estimate where each segment lies along the cord, from superior to inferior.

    Within a vertebral level the place is interpolated in proportion (:data:`SEGMENT_BORDERS`). Segments are given only
    where vertebral levels are known.

    Parameters
    ----------
    labelling : Labelling
        Named discs.
    centerline : Centerline
        Of the cord, RAS mm.

    Raises
    ------
    InputError
        If there is no disc, or none of the known levels holds a segment of the cord.
    """
    levels = level_extents(labelling, centerline)
    first, last = levels[0].level, levels[-1].level + 1
    borders = np.clip(SEGMENT_BORDERS, first, last)
    arcs = _arc_of_level(borders, levels)
    extents = tuple(
        SpinalExtent(number, float(lower), float(upper), _flags(number, float(lower), float(upper), levels, centerline))
        for number, (upper, lower) in enumerate(pairwise(arcs), start=1)
        if upper > lower
    )
    if not extents:
        raise InputError("The named levels lie below the cord, so no segment can be estimated; correct the discs.")
    return extents


def _arc_of_level(places: NDArray[np.float64], levels: tuple[LevelExtent, ...]) -> NDArray[np.float64]:
    """Return the distance along the cord of places counted in vertebral levels, mm."""
    known = np.array([*(level.level for level in levels), levels[-1].level + 1], dtype=float)
    return np.interp(places, known, [*(level.upper_mm for level in levels), levels[-1].lower_mm])


def _flags(
    number: int, lower_mm: float, upper_mm: float, levels: tuple[LevelExtent, ...], centerline: Centerline
) -> tuple[str, ...]:
    under = [level for level in levels if level.lower_mm < upper_mm and level.upper_mm > lower_mm]
    doubts = [flag for level in under for flag in level.flags if flag != PARTIAL]
    whole = levels[0].level <= SEGMENT_BORDERS[number - 1] and SEGMENT_BORDERS[number] <= levels[-1].level + 1
    if not whole or lower_mm < 0 or upper_mm > centerline.length_mm:
        doubts.append(PARTIAL)
    return tuple(dict.fromkeys([SEGMENTS_ESTIMATED, *doubts]))


def segments_at(arcs_mm: NDArray[np.float64], extents: tuple[SpinalExtent, ...]) -> NDArray[np.uint8]:
    """Return the segment at each distance along the cord, any shape; 0 beyond the outermost ones."""
    return stretch_at(arcs_mm, [(extent.segment, extent.lower_mm, extent.upper_mm) for extent in extents])


def segment_map(labelling: Labelling, centerline: Centerline, mask: NDArray, grid: Grid) -> NDArray[np.uint8]:
    """Return the estimated segment of each voxel of a mask, by the voxel's own place along the cord.

    Parameters
    ----------
    labelling : Labelling
        Named discs.
    centerline : Centerline
        Of the cord, RAS mm.
    mask : array, shape ``grid.shape``
        Of the cord, binary or soft; every voxel above 0 gets its segment.
    grid : Grid
        Grid of the mask, in any axis order.

    Returns
    -------
    array of uint8, shape ``grid.shape``
        1 (C1) to 30 (S5); 0 outside the mask and where no vertebral level is known.
    """
    return paint_along(
        centerline, mask, grid, lambda arcs_mm: segments_at(arcs_mm, spinal_extents(labelling, centerline))
    )

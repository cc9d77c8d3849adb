"""Distances along the cord as people give them: millimetres from the disc C2-C3, growing to caudal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Labelling, disc_arcs_mm
from napari_spinalq.levels.levelmap import level_extents, slice_arcs_mm
from napari_spinalq.vertebrae import disc_name

ORIGIN_DISC = 3
"""C2-C3: the first true disc, the landmark that readers know best."""


@dataclass(frozen=True, eq=False)
class Course:
    """Where slices, discs and levels lie along a cord.

    Attributes
    ----------
    origin_arc_mm : float
        Distance along the centerline (from its inferior end) at which the count begins.
    origin : str
        What lies there, as a phrase.
    slices_mm : (n_slices,) array
        Place of each axial slice in work order; NaN for those that the centerline misses.
    discs_mm : mapping of str to float
        Place of each disc, by name, superior first.
    levels_mm : mapping of int to (float, float)
        Upper and lower end of each level that the scan's cord shows, superior first.
    """

    origin_arc_mm: float
    origin: str
    slices_mm: NDArray[np.float64]
    discs_mm: Mapping[str, float]
    levels_mm: Mapping[int, tuple[float, float]]

    def along_mm(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return mm from the origin (positive: caudal) of distances along the centerline, any shape."""
        return self.origin_arc_mm - np.asarray(arc_mm, dtype=float)

    def arc_mm(self, along_mm: ArrayLike) -> NDArray[np.float64]:
        """Return distances along the centerline of mm from the origin: the inverse of :meth:`along_mm`."""
        return self.origin_arc_mm - np.asarray(along_mm, dtype=float)

    def level_at(self, along_mm: float) -> int:
        """Return the level at a place; 0 beyond the outermost ones. A place on a boundary is of the upper level."""
        return next((level for level, (upper, lower) in self.levels_mm.items() if upper <= along_mm <= lower), 0)

    def slice_at(self, along_mm: float) -> int | None:
        """Return the slice nearest to a place; None beyond the outermost slices of the cord."""
        apart = np.abs(self.slices_mm - along_mm)
        if not np.isfinite(apart).any():
            return None
        nearest = int(np.nanargmin(apart))
        steps = np.abs(np.diff(self.slices_mm))
        reach = float(np.nanmax(steps)) if np.isfinite(steps).any() else np.inf
        return nearest if apart[nearest] <= reach else None


def course_of(labelling: Labelling, centerline: Centerline, work_grid: Grid) -> Course:
    """Return where slices, discs and levels lie.

    Parameters
    ----------
    labelling : Labelling
        Named discs. Where C2-C3 is not among them, gaps filled, the count begins at the superior end of the cord.
    centerline : Centerline
        Of the cord, RAS mm.
    work_grid : Grid
        Of the scan in work order.

    Raises
    ------
    InputError
        If the discs are such as no spine can have.
    """
    extents = level_extents(labelling, centerline) if labelling.discs else ()
    bounds = {extent.level: extent.upper_mm for extent in extents}
    known = ORIGIN_DISC in bounds and ORIGIN_DISC - 1 in bounds
    origin = bounds[ORIGIN_DISC] if known else centerline.length_mm
    discs = sorted(labelling.discs, key=lambda disc: disc.number)
    arcs = disc_arcs_mm(discs, centerline).tolist()
    shown = [one for one in extents if one.upper_mm > 0 and one.lower_mm < centerline.length_mm]
    return Course(
        origin,
        disc_name(ORIGIN_DISC) if known else "the upper end of the cord",
        origin - slice_arcs_mm(centerline, work_grid),
        {disc.name: origin - arc for disc, arc in zip(discs, arcs, strict=True)},
        {one.level: (origin - one.upper_mm, origin - one.lower_mm) for one in shown},
    )

"""Maps and outlines in the frame in which the scan at hand is displayed. No Qt is known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import WORK_AXES, Grid, parallel_grid, places_in_slices, sample_at, to_work_order
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.results import MapsResult
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.outlines import outlines_of

if TYPE_CHECKING:
    from napari_spinalq.diffusion.gradient_check import GradientCheck


@dataclass(frozen=True, eq=False)
class ShownMaps:
    """Maps of one acquisition, ready to be drawn over the scan at hand.

    An oblique scan is displayed without its rotation. Maps that lie askew to it are interpolated (within their slices)
    onto a grid parallel to it, for display alone; where the two are parallel no value is touched.

    Attributes
    ----------
    result : MapsResult
        What is shown.
    like : Grid
        Of the scan at hand, in whose displayed world all is placed.
    grid : Grid
        On which the arrays for display lie, in work order, parallel to ``like``.
    outlines : mapping of structure to lines
        Each (n, 3), voxels (z, y, x) of ``grid``.
    check : GradientCheck, optional
        Whether the directions of a diffusion series fit the course of the cord.
    """

    result: MapsResult
    like: Grid
    grid: Grid
    outlines: Mapping[str, Sequence[NDArray[np.float64]]]
    check: GradientCheck | None = None

    @property
    def placement(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``scale`` and ``translate`` (z, y, x, mm) of a layer on ``grid``."""
        return np.asarray(self.grid.spacing), mm_to_world(self.grid.voxel_to_mm([0, 0, 0]), self.like)

    def array(self, data: NDArray) -> NDArray[np.float32]:
        """Return a map of the result, shape ``(*scan.grid.shape)`` or with channels last, in work order on ``grid``."""
        return on_grid(data, self.result.scan.grid, self.grid)


def show_over(result: MapsResult, like: Grid, check: GradientCheck | None = None) -> ShownMaps:
    """Return the maps of an acquisition in the frame of the scan on ``like``, with the outlines of all its tracts."""
    grid = parallel_grid(result.scan.grid, like)
    return ShownMaps(result, like, grid, _outlines(result, grid), check)


def moved_over(shown: ShownMaps, like: Grid) -> ShownMaps:
    """Return the same in the frame of another scan; outlines are drawn anew only if that one is tilted otherwise."""
    grid = parallel_grid(shown.result.scan.grid, like)
    if grid.matches(shown.grid):
        return replace(shown, like=like)
    return show_over(shown.result, like, shown.check)


def on_grid(data: NDArray, own: Grid, grid: Grid) -> NDArray[np.float32]:
    """Return values on the grid of a file (channels last, if any) in work order on a grid parallel to the display."""
    work, work_grid = to_work_order(np.asarray(data, dtype=np.float32), own)
    if work_grid.matches(grid):
        return np.ascontiguousarray(work)
    places = places_in_slices(work_grid, grid)
    if work.ndim == 3:
        return sample_at(work, places, np.nan)
    return np.stack([sample_at(work[..., channel], places, 0.0) for channel in range(work.shape[3])], axis=-1)


def _outlines(result: MapsResult, grid: Grid) -> Mapping[str, Sequence[NDArray[np.float64]]]:
    tracts = result.tracts
    if tracts is None:
        return {}
    here = _on(tracts, result.scan.grid, grid)
    return outlines_of(here, [one.key for one in (*tracts.tracts, *tracts.groups)], grid)


def _on(tracts: TractMaps, own: Grid, grid: Grid) -> TractMaps:
    """Return the fractions of all tracts on the grid for display."""
    if own.reoriented(WORK_AXES).matches(grid):
        return replace(tracts, fractions=np.stack([to_work_order(one, own)[0] for one in tracts.fractions]))
    places = places_in_slices(own.reoriented(WORK_AXES), grid)
    here = [sample_at(to_work_order(one, own)[0], places, 0.0) for one in tracts.fractions]
    return replace(tracts, fractions=np.stack(here))

"""What a person tells the segmentation: points on the cord, scribbles in and out of it, slices drawn by hand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.ends import slice_ranges
from napari_spinalq.cord.path import MAX_SLOPE
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES, Grid, to_work_order

Point = tuple[float, float, float]

POINT_SPREAD_MM = 8.0
"""Points of one slice may lie this far apart (mm): two clicks beside the middle of a wide cord."""


MIN_DRAWN_MM2 = 1.5
"""A slice drawn with less than this (mm2) holds stray voxels and no cord: the tip of a conus is 2 mm wide."""


@dataclass(frozen=True, eq=False)
class Prompts:
    """Hints of a person about one scan.

    Attributes
    ----------
    points : tuple of (x, y, z)
        Points near the middle of the cord, RAS mm.
    inside, outside : array, shape ``grid.shape``, optional
        Voxels (not 0) that are cord, and voxels that are not.
    fixed : array, shape ``grid.shape``, optional
        A mask (0..1), of which some slices are right as they are drawn.
    fixed_slices : (n_slices,) array of bool, optional
        Those slices, numbered from inferior to superior; by default every slice of ``fixed`` that holds anything. A
        slice named here that is empty stays empty.
    """

    points: tuple[Point, ...] = ()
    inside: NDArray | None = None
    outside: NDArray | None = None
    fixed: NDArray | None = None
    fixed_slices: NDArray[np.bool_] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was said at all."""
        return not self.points and all(part is None for part in (self.inside, self.outside, self.fixed))


@dataclass(frozen=True, eq=False)
class WorkPrompts:
    """Prompts in work order, as few numbers as they are: scans have millions of voxels.

    Attributes
    ----------
    points : tuple of (x, y, z)
        RAS mm.
    point_slices : tuple of int
        The slice of each.
    inside, outside : (n, 3) array of int
        Scribbled voxels (slice, row, column), those of kept slices left out.
    fixed_slices : (n_slices,) array of bool
        Slices to be kept as they are drawn, the empty ones among them too.
    drawn : dict of int to (n_y, n_x) array of float32
        Those of them that hold cord, 0..1.
    """

    points: tuple[Point, ...]
    point_slices: tuple[int, ...]
    inside: NDArray[np.int_]
    outside: NDArray[np.int_]
    fixed_slices: NDArray[np.bool_]
    drawn: dict[int, NDArray[np.float32]]

    def claimed(self, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the slices to be drawn: those kept, those of which a person said that they hold cord, all between."""
        claims = {*self.point_slices, *self.inside[:, 0].tolist(), *self.drawn}
        if not claims:
            return kept
        found = [*claims, *np.flatnonzero(kept).tolist()]
        whole = np.zeros_like(kept)
        whole[min(found) : max(found) + 1] = True
        whole[self.fixed_slices] = False
        whole[list(self.drawn)] = True
        return whole

    def draw_into(self, soft: NDArray[np.float32]) -> None:
        """Write kept slices (still empty) and scribbled voxels into a soft mask in work order, as they were drawn."""
        soft[tuple(self.inside.T)], soft[tuple(self.outside.T)] = 1.0, 0.0
        for index, plane in self.drawn.items():
            rows, columns = np.nonzero(plane)
            soft[index, rows, columns] = plane[rows, columns]

    def summary(self) -> dict[str, Any]:
        """Return what was said, fit for JSON."""
        return {
            "points_mm": [[float(value) for value in point] for point in self.points],
            "inside_voxels": len(self.inside),
            "inside_slices": slice_ranges(self._chosen(self.inside)),
            "outside_voxels": len(self.outside),
            "outside_slices": slice_ranges(self._chosen(self.outside)),
            "slices_kept_as_drawn": slice_ranges(self.fixed_slices),
        }

    def _chosen(self, voxels: NDArray[np.int_]) -> NDArray[np.bool_]:
        chosen = np.zeros_like(self.fixed_slices)
        chosen[voxels[:, 0]] = True
        return chosen


def checked_prompts(prompts: Prompts, grid: Grid) -> WorkPrompts:
    """Bring prompts into work order and refuse those that cannot be followed.

    Parameters
    ----------
    prompts : Prompts
        Masks on ``grid``.
    grid : Grid
        Grid of the scan, in any axis order.

    Raises
    ------
    InputError
        If a point lies outside of the scan, points ask for a cord that no neck can hold, a mask has another shape or
        is empty, a voxel is painted in and out, a scribble contradicts a slice that is kept as drawn, or such a slice
        holds too little to be a cord.
    """
    _check_points(prompts.points, grid)
    work = grid.reoriented(WORK_AXES)
    slices = tuple(int(np.clip(round(work.mm_to_voxel(at)[0]), 0, work.shape[0] - 1)) for at in prompts.points)
    inside, outside = (_scribble(prompts, name, grid, work) for name in ("inside", "outside"))
    _check_apart(inside, outside, work)
    fixed_slices, drawn = _fixed(prompts, grid)
    _check_kept(inside, 1, fixed_slices, drawn)
    _check_kept(outside, 0, fixed_slices, drawn)
    _check_drawn(drawn, float(np.prod(work.spacing[1:])))
    inside, outside = (voxels[~fixed_slices[voxels[:, 0]]] for voxels in (inside, outside))
    return WorkPrompts(tuple(prompts.points), slices, inside, outside, fixed_slices, drawn)


def _check_points(points: tuple[Point, ...], grid: Grid) -> None:
    for point in points:
        if not np.isfinite(point).all() or not grid.contains(point):
            raise InputError(f"The point ({_words(point)}) mm lies outside of the scan; give RAS mm on the cord.")
    for one, other in combinations(points, 2):
        along, across = abs(one[2] - other[2]), float(np.hypot(one[0] - other[0], one[1] - other[1]))
        if across > POINT_SPREAD_MM + MAX_SLOPE * along:
            raise InputError(
                f"No cord runs through both ({_words(one)}) and ({_words(other)}) mm: they lie {across:.0f} mm apart "
                f"in the axial plane and {along:.0f} mm along the cord; take one of them away."
            )


def _scribble(prompts: Prompts, name: str, grid: Grid, work: Grid) -> NDArray[np.int_]:
    """Return the voxels of a scribble in work order, (n, 3)."""
    mask = getattr(prompts, name)
    if mask is None:
        return np.zeros((0, 3), int)
    _check_shape(mask, f"The scribble {name}", grid)
    voxels = np.argwhere(np.asarray(mask) != 0)
    if not len(voxels):
        raise InputError(f"The scribble {name} is empty; paint some voxels or leave it out.")
    return np.round(work.mm_to_voxel(grid.voxel_to_mm(voxels))).astype(int)


def _fixed(prompts: Prompts, grid: Grid) -> tuple[NDArray[np.bool_], dict[int, NDArray[np.float32]]]:
    count = grid.reoriented(WORK_AXES).shape[0]
    if prompts.fixed is None:
        if prompts.fixed_slices is not None:
            raise InputError("Slices to keep are named, but the mask that holds them is missing; give both.")
        return np.zeros(count, bool), {}
    _check_shape(prompts.fixed, "The mask with corrected slices", grid)
    fixed = to_work_order(np.asarray(prompts.fixed), grid)[0]
    holding = np.array([plane.any() for plane in fixed])
    chosen = holding if prompts.fixed_slices is None else np.asarray(prompts.fixed_slices, dtype=bool)
    if chosen.shape != (count,):
        raise InputError(f"Slices to keep are named for {chosen.size} slices, but the scan has {count}.")
    if not chosen.any():
        raise InputError("The mask with corrected slices is empty; draw the cord in at least one slice.")
    return chosen, {int(index): fixed[index].astype(np.float32) for index in np.flatnonzero(chosen & holding)}


def _check_drawn(drawn: dict[int, NDArray[np.float32]], pixel_mm2: float) -> None:
    """Refuse stray voxels: the slice would be kept with them as its cord, and its neighbours would follow."""
    for index, plane in drawn.items():
        area_mm2 = float(plane.sum(dtype=np.float64)) * pixel_mm2
        if area_mm2 < MIN_DRAWN_MM2:
            raise InputError(
                f"Slice {index} is drawn with {area_mm2:.1f} mm² only, which is no cord; erase it or draw the cord."
            )


def _check_apart(inside: NDArray[np.int_], outside: NDArray[np.int_], work: Grid) -> None:
    both = np.intersect1d(*(np.ravel_multi_index(tuple(voxels.T), work.shape) for voxels in (inside, outside)))
    if len(both):
        first = int(np.unravel_index(both[0], work.shape)[0])
        raise InputError(f"{len(both)} voxels are painted both in and out, first in slice {first}; erase one of them.")


def _check_kept(
    voxels: NDArray[np.int_], wanted: int, fixed_slices: NDArray[np.bool_], drawn: dict[int, NDArray[np.float32]]
) -> None:
    for index, row, column in voxels[fixed_slices[voxels[:, 0]]]:
        if (index in drawn and drawn[index][row, column] >= 0.5) != wanted:
            raise InputError(
                f"Slice {index} is kept as it is drawn, but a scribble says otherwise there; mend the drawing or erase "
                "the scribble."
            )


def _check_shape(mask: NDArray, what: str, grid: Grid) -> None:
    if np.shape(mask) != tuple(grid.shape):
        raise InputError(f"{what} has shape {np.shape(mask)} but the scan {tuple(grid.shape)}; draw it on the scan.")


def _words(point: Point) -> str:
    return ", ".join(f"{value:g}" for value in point)

"""Painting on the straightened cord: which voxels of the scan a stroke on the straight view means.

A disc in the displayed straight plane takes the voxels of the scan whose centre maps into the disc, and which that
plane cuts: the centre lies no farther from it than half of the voxel's extent across it. The voxels that a plane cuts
are its supercover (Andres 2008, Theor Comput Sci 406:8, doi:10.1016/j.tcs.2008.07.025): every point of the displayed
plane lies in one of them, so that the straight view shows no gap in the stroke.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.cord.straighten import StraightFrame, plane_axes
from napari_spinalq.editing.brush import Brush
from napari_spinalq.editing.edge import EdgeRule
from napari_spinalq.editing.planes import AXIS_NAMES, Canvas, Planes, Window, check_across, window_between
from napari_spinalq.editing.stroke import ROUNDING_MM, check_path, nearest_voxel, squared_distance, stretches
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid

LONGEST_STEP_MM = 4.0
"""Longer ways are swept in pieces of this length (mm): the box around each stays small, and the cord in it nearly
straight."""

POINTER_STEP_MM = 0.1
"""Places under the pointer are this far apart (mm): under half of the smallest voxel of any scan of the cord."""

WIDER = 1.5
"""The box is this much thicker than a voxel in its middle: elsewhere voxels lie at another angle to the cord, and on
the inner side of a bend a mm of the scan is more than a mm of z' (this much 20 mm off a cord of 60 mm radius)."""

BOX_POINTS = 5
"""Places along each side of a box in the straight view whose positions in the scan bound it."""


def straight_painted(
    mask: NDArray,
    work_grid: Grid,
    frame: StraightFrame,
    path: ArrayLike,
    brush: Brush,
    *,
    across: int,
    image: NDArray | None = None,
    within: NDArray | None = None,
    start: ArrayLike | None = None,
) -> Planes:
    """Paint on the scan by a stroke on the straightened cord.

    Parameters
    ----------
    mask : array of uint8, shape ``work_grid.shape``
        In work order.
    work_grid : Grid
        Its grid, axes S, A, R.
    frame : StraightFrame
        Where the voxels of the straight view lie.
    path : (n, 3) array
        Places that the pointer went through, fractional straight voxels z', y', x'; lines between them are swept.
    brush : Brush
        A disc lies in the displayed straight plane, its diameter in mm of the straight view. A ball is one in the
        straight view too; it counts no layers.
    across : int
        Axis across the displayed plane: 0 axial', 1 coronal', 2 sagittal'.
    image : array, shape of ``mask``, optional
        Grey values of the scan (not of the straight view); an edge-aware brush needs them.
    within : array, shape of ``mask``, optional
        Painting (not erasing) is restricted to voxels that are not 0 here.
    start : (3,) array, optional
        Where the stroke began, straight voxels, as in :func:`~napari_spinalq.editing.brush.painted`.

    Returns
    -------
    Planes
        New planes of the slices that change. Nothing changes that the straight volume does not show.

    Raises
    ------
    InputError
        If the path is empty or lies in a plane that the straight view does not have, or an array has another shape.
    """
    check_across(across)
    if mask.shape != work_grid.shape:
        raise InputError(f"The mask has shape {mask.shape} but its grid {work_grid.shape}; take both from one scan.")
    places = _shown_path(path, frame, across)
    canvas = Canvas(mask, brush.value, within)
    sweep = _Sweep(work_grid, frame, brush, across)
    rule = None
    if brush.edge_aware:
        begun = work_grid.mm_to_voxel(frame.voxel_to_mm(places[0] if start is None else check_path(start)[0]))
        rule = EdgeRule.at(image, mask.shape, begun, across)
    for first, last in _short(places, np.asarray(frame.spacing_mm)):
        window, hit, pointer = sweep.hit(first, last)
        if hit.size:
            canvas.put(window, hit if rule is None else rule.kept(window, hit, pointer))
    return canvas.planes


def _shown_path(path: ArrayLike, frame: StraightFrame, across: int) -> NDArray[np.float64]:
    """Return the places of a path, which must lie in planes that the straight view has."""
    places = check_path(path)
    size = frame.shape[across]
    for at in (places[:, across].min(), places[:, across].max()):
        if not -0.5 <= at <= size - 0.5:
            raise InputError(
                f"The straight view has no {AXIS_NAMES[across]} {at:g}; it shows those from 0 to {size - 1}."
            )
    return places


def _short(
    places: NDArray[np.float64], spacing: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the way in pieces of at most ``LONGEST_STEP_MM``."""
    pieces = []
    for first, last in stretches(places):
        count = max(1, int(np.ceil(np.linalg.norm((last - first) * spacing) / LONGEST_STEP_MM)))
        ends = first + np.linspace(0.0, 1.0, count + 1)[:, None] * (last - first)
        pieces += list(pairwise(ends))
    return pieces


class _Sweep:
    """Finds the voxels of a scan that a short line in the straight view means."""

    def __init__(self, work_grid: Grid, frame: StraightFrame, brush: Brush, across: int) -> None:
        self._grid, self._frame, self._across = work_grid, frame, across
        self._radius_mm, self._ball = brush.radius_mm, brush.ball
        self._spacing = np.asarray(frame.spacing_mm)

    def hit(
        self, first: NDArray[np.float64], last: NDArray[np.float64]
    ) -> tuple[Window, NDArray[np.bool_], NDArray[np.int_]]:
        """Return a box of the scan, which of its voxels a line means, and those under the pointer, (n, 3) within it."""
        count = int(np.ceil(np.linalg.norm((last - first) * self._spacing) / POINTER_STEP_MM)) + 1
        under = self._shown_pointer(first + np.linspace(0.0, 1.0, count)[:, None] * (last - first))
        lattice = self._lattice_mm(first, last)
        native = self._grid.mm_to_voxel(lattice).reshape(-1, 3)
        low, high = np.floor(native.min(axis=0)).astype(int), np.ceil(native.max(axis=0)).astype(int) + 1
        if len(under):
            low, high = np.minimum(low, under.min(axis=0)), np.maximum(high, under.max(axis=0) + 1)
        window = window_between(low, high, self._grid.shape)
        voxels = np.stack(np.meshgrid(*(np.arange(w.start, w.stop) for w in window), indexing="ij"), axis=-1)
        hit = np.zeros(voxels.shape[:3], bool)
        points = self._grid.voxel_to_mm(voxels)
        near = self._near_layer(points, lattice, first, last)
        hit[near] = self._meant(points[near], first, last)
        pointer = under - [box.start for box in window]
        hit[tuple(pointer.T)] = True
        return window, hit, pointer

    def _shown_pointer(self, places: NDArray[np.float64]) -> NDArray[np.int_]:
        places = places[self._shown(places)]
        voxels = nearest_voxel(self._grid.mm_to_voxel(self._frame.voxel_to_mm(places)))
        inside = ((voxels >= 0) & (voxels < np.asarray(self._grid.shape))).all(axis=1)
        return np.unique(voxels[inside], axis=0)

    def _shown(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        inside = (places >= -0.5) & (places <= np.asarray(self._frame.shape) - 0.5)
        return np.asarray(inside.all(axis=-1))

    def _lattice_mm(self, first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places (RAS mm) all over the box in the straight view that a line reaches, shape (5, 5, 5, 3)."""
        reach = np.full(3, self._radius_mm)
        if not self._ball:
            reach[self._across] = self._thickness_mm(first, last)
        reach = reach / self._spacing
        sides = np.linspace(np.minimum(first, last) - reach, np.maximum(first, last) + reach, BOX_POINTS).T
        return self._frame.voxel_to_mm(np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1))

    def _near_layer(
        self,
        points_mm: NDArray[np.float64],
        lattice_mm: NDArray[np.float64],
        first: NDArray[np.float64],
        last: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Return which points may lie in the layer: a slab that holds it, so that few need to be mapped exactly."""
        if self._ball:
            return np.ones(points_mm.shape[:-1], bool)
        surface = np.take(lattice_mm, BOX_POINTS // 2, axis=self._across)
        normal = self._normal(self._frame.first_mm + (first[0] + last[0]) / 2 * self._spacing[0])
        heights = surface @ normal
        thickness = self._thickness_mm(first, last)
        at = points_mm @ normal
        return np.asarray((at >= heights.min() - thickness) & (at <= heights.max() + thickness))

    def _thickness_mm(self, first: NDArray[np.float64], last: NDArray[np.float64]) -> float:
        middle_arc = self._frame.first_mm + (first[0] + last[0]) / 2 * self._spacing[0]
        return WIDER * float(self._half_extent_mm(middle_arc))

    def _meant(
        self, points: NDArray[np.float64], first: NDArray[np.float64], last: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return which voxel centres (RAS mm, shape (n, 3)) a line means."""
        straight = self._frame.mm_to_voxel(points)
        start, end = first * self._spacing, last * self._spacing
        at = np.moveaxis(straight * self._spacing, -1, 0)
        shown = self._shown(straight)
        limit = (self._radius_mm + ROUNDING_MM) ** 2
        if self._ball:
            return np.asarray(shown & (squared_distance(tuple(at), start, end) <= limit))
        flat = [axis for axis in range(3) if axis != self._across]
        near = squared_distance(tuple(at[flat]), start[flat], end[flat]) <= limit
        middle = (start + end) / 2
        return np.asarray(shown & near & self._in_layer(points, straight, middle))

    def _in_layer(
        self, points_mm: NDArray[np.float64], straight: NDArray[np.float64], middle_mm: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return which voxels the displayed surface through a straight place (mm) cuts.

        An axial' plane is a plane of the scan too, and the distance from it is taken there: along a bent cord it is not
        the difference of z'. The other two follow the cord, at the distance that y' or x' says.
        """
        middle_arc = self._frame.first_mm + middle_mm[0]
        centerline = self._frame.centerline
        if self._across == 0:
            away = np.abs((points_mm - centerline.position(middle_arc)) @ centerline.tangent(middle_arc))
        else:
            away = np.abs(straight[..., self._across] * self._spacing[self._across] - middle_mm[self._across])
        arcs = middle_arc if self._across == 0 else self._frame.first_mm + straight[..., 0] * self._spacing[0]
        return np.asarray(away <= self._half_extent_mm(arcs) + ROUNDING_MM)

    def _half_extent_mm(self, arcs_mm: ArrayLike) -> NDArray[np.float64]:
        """Return half of the extent of a voxel across the displayed surface at distances along the cord, mm."""
        return np.asarray(np.abs(self._normal(arcs_mm) @ self._grid.affine[:3, :3]).sum(axis=-1) / 2)

    def _normal(self, arcs_mm: ArrayLike) -> NDArray[np.float64]:
        """Return the unit vectors (RAS) across the displayed surface at distances along the cord."""
        tangent = self._frame.centerline.tangent(arcs_mm)
        return tangent if self._across == 0 else plane_axes(tangent)[self._across - 1]

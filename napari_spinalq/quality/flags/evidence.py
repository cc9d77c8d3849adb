"""What the checks look at: image and masks of a measured scan in work order, cut down to the cord and around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import WORK_AXES, Grid, box_around, work_view
from napari_spinalq.metrics.plane import SlicePlane, slice_plane
from napari_spinalq.metrics.stack import SectionStack
from napari_spinalq.reopen import INSIDE_FROM
from napari_spinalq.results import ScanResult
from napari_spinalq.vertebrae import level_name

MARGIN_MM = 15.0
"""How much is looked at around the mask, mm: the canal reaches 5 to 8 mm beyond the cord, and muscle begins there."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Image and masks around the cord, z, y, x (superior, anterior, right).

    Attributes
    ----------
    result : ScanResult
        What was measured.
    work_grid : Grid
        Of the whole scan in work order.
    box : tuple of 3 slice
        What of it is looked at: every slice from the lowest to the highest of the mask, and ``MARGIN_MM`` around it.
    image : (n_z, n_y, n_x) array of float32
        Values in the box, of a scan of several volumes their mean.
    cord : (n_z, n_y, n_x) array of bool
        The mask, strays included.
    """

    result: ScanResult
    work_grid: Grid
    box: tuple[slice, slice, slice]
    image: NDArray[np.float32]
    cord: NDArray[np.bool_]

    @property
    def first_slice(self) -> int:
        """Number of the lowest slice of the box, in work order."""
        return int(self.box[0].start)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along z, y, x, mm."""
        return self.work_grid.spacing

    @cached_property
    def plane(self) -> SlicePlane:
        """The plane of the slices."""
        return slice_plane(self.work_grid)

    @property
    def pixel_mm2(self) -> float:
        """Area of a pixel, mm2."""
        return self.plane.pixel_area_mm2

    @property
    def slice_mm(self) -> float:
        """Distance between neighbouring slices, mm."""
        return self.plane.slice_step_mm

    def structure(self, name: str) -> NDArray[np.bool_] | None:
        """Return the mask of ``"gm"`` or ``"canal"`` within the box; None if there is none."""
        found = self.result.structure(name)
        if found is None or found.mask is None:
            return None
        return np.asarray(work_view(found.mask, self.result.scan.grid)[self.box] >= INSIDE_FROM)

    @cached_property
    def stack(self) -> SectionStack:
        """The slices of the mask in pieces."""
        stack = SectionStack(self.plane)
        stack.set_slices(dict(enumerate(self.cord)))
        return stack

    @cached_property
    def main(self) -> NDArray[np.bool_]:
        """The mask without strays, shape of the box."""
        kept = np.zeros(self.cord.shape, dtype=bool)
        for index, pieces in self.stack.main_pieces().items():
            for piece in pieces:
                height, width = piece.values.shape
                kept[index, piece.top : piece.top + height, piece.left : piece.left + width] |= piece.inside
        return kept

    @cached_property
    def filled(self) -> NDArray[np.int_]:
        """Slices of the box that hold the cord, ascending."""
        return np.flatnonzero(self.main.any(axis=(1, 2)))

    def numbers(self, places: NDArray[np.int_] | list[int]) -> tuple[int, ...]:
        """Return slice numbers in work order for slices of the box."""
        return tuple(int(place) + self.first_slice for place in places)

    def level_at(self, number: int) -> str:
        """Return `` (C4)`` for a slice whose level is known, else nothing."""
        level = int(self.result.slice_levels[number])
        return f" ({level_name(level)})" if level else ""


def gather(result: ScanResult) -> Evidence:
    """Cut image and masks of a result down to the cord and its surroundings."""
    scan = result.scan
    work_grid = scan.grid.reoriented(WORK_AXES)
    mask = work_view(result.mask, scan.grid) >= INSIDE_FROM
    box = _box(mask, work_grid.spacing)
    values = work_view(scan.data, scan.grid)[box]
    if values.ndim == 4:
        values = values.mean(axis=3, dtype=np.float32)
    image = np.ascontiguousarray(values, dtype=np.float32)
    return Evidence(result, work_grid, box, image, np.ascontiguousarray(mask[box]))


def _box(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> tuple[slice, slice, slice]:
    """Return the smallest box around a mask with its margin within the slice; the whole of an empty mask."""
    rows, columns = (int(np.ceil(MARGIN_MM / pixel)) for pixel in spacing_mm[1:])
    z, y, x = box_around(mask, (0, rows, columns))
    return z, y, x

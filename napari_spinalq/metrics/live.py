"""Shape of a mask while it is edited: only slices that changed are measured again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.metrics.catalogue import TISSUES
from napari_spinalq.metrics.cord_frame import midlines_of_cord
from napari_spinalq.metrics.levels import LevelShapes, per_level
from napari_spinalq.metrics.shape import SliceShapes, new_stack, shapes_of


class LiveShapes:
    """Shapes of an array that is edited in place.

    The numbers always equal those of :func:`~napari_spinalq.metrics.shape.slice_shapes` and
    :func:`~napari_spinalq.metrics.levels.per_level` on the whole array: a slice that did not change keeps what was
    measured within it, and the steps that see all slices (strays, direction of the cord) are always done again.

    Parameters
    ----------
    array : array, shape ``work_grid.shape``
        Labels or mask in work order (z, y, x). A copy is kept, to see what changes.
    work_grid : Grid
        Grid of the array, axes S, A, R.
    slice_levels : (n_slices,) array of int, optional
        Vertebral level of every slice; 0 = none.
    label : int, optional
        The value that marks the structure; None takes the values themselves as a mask of 0..1.
    structure : str
        As in :func:`~napari_spinalq.metrics.shape.slice_shapes`.
    cord : LiveShapes, optional
        The cord of the same scan: its direction and midline are followed while it is edited too.
    angle_correction : bool
        As in :func:`~napari_spinalq.metrics.shape.slice_shapes`.

    Raises
    ------
    InputError
        If the grid is not in work order.
    GridMismatchError
        If the array has another shape than the grid.
    """

    def __init__(
        self,
        array: NDArray,
        work_grid: Grid,
        slice_levels: ArrayLike | None = None,
        *,
        label: int | None = 1,
        structure: str = "cord",
        cord: LiveShapes | None = None,
        angle_correction: bool = True,
    ) -> None:
        if work_grid.axis_codes != WORK_AXES:
            raise InputError(f"Live measures need the axes {WORK_AXES}, not {work_grid.axis_codes}; reorient first.")
        self.work_grid = work_grid
        self._label = label
        self._angle_correction = angle_correction
        self._cord = cord
        self._known_cord: SliceShapes | None = None
        self._has_midlines = structure in TISSUES
        self._stack = new_stack(structure, work_grid)
        self._seen = np.zeros(work_grid.shape, dtype=array.dtype)
        self._slice_levels: NDArray[np.int_] | None = None
        self._shapes: SliceShapes | None = None
        self._levels: LevelShapes | None = None
        self.set_levels(slice_levels)
        self.update(array)

    @property
    def shapes(self) -> SliceShapes:
        """Measures per slice as of the last update; without entries and flagged where the mask is empty."""
        self._follow_cord()
        if self._shapes is None:
            self._shapes = shapes_of(
                self._stack.kept(),
                self.work_grid,
                self._stack.plane,
                cord=self._known_cord,
                angle_correction=self._angle_correction,
            )
        return self._shapes

    @property
    def levels(self) -> LevelShapes | None:
        """Measures per vertebral level as of the last update; None without levels."""
        self._follow_cord()
        if self._levels is None and self._slice_levels is not None:
            self._levels = per_level(self.shapes, self._slice_levels)
        return self._levels

    def _follow_cord(self) -> None:
        """Take the cord's direction and midline anew if it changed since."""
        if self._cord is None:
            return
        shapes = self._cord.shapes
        if shapes is self._known_cord:
            return
        self._known_cord, self._shapes, self._levels = shapes, None, None
        if self._has_midlines:
            self._stack.set_midlines(midlines_of_cord(shapes, self.work_grid))

    def set_levels(self, slice_levels: ArrayLike | None) -> None:
        """Name the levels anew (None: no levels); the mask is not measured again."""
        levels = None if slice_levels is None else np.array(slice_levels, dtype=int)
        if levels is not None and levels.shape != self.work_grid.shape[:1]:
            raise GridMismatchError(f"Levels are given for {levels.size} slices of {self.work_grid.shape[0]}.")
        self._slice_levels, self._levels = levels, None

    def changed_slices(self, array: NDArray) -> list[int]:
        """Return the slices that differ from the last update, by comparing every voxel."""
        self._check(array)
        return [index for index, (new, old) in enumerate(zip(array, self._seen, strict=True)) if (new != old).any()]

    def update(self, array: NDArray, slices: Iterable[int] | None = None) -> list[int]:
        """Take edits in.

        Parameters
        ----------
        array : array, shape ``work_grid.shape``
            The edited array.
        slices : iterable of int, optional
            Slices that may have changed; by default all are compared with what was seen last.

        Returns
        -------
        list of int
            Slices that were measured again, ascending.
        """
        self._check(array)
        touched = self.changed_slices(array) if slices is None else sorted({int(index) for index in slices})
        if not touched:
            return []
        self._seen[touched] = array[touched]
        self._stack.set_slices({index: self._mask(index) for index in touched})
        self._shapes = self._levels = None
        return touched

    def _mask(self, index: int) -> NDArray:
        plane = self._seen[index]
        return plane if self._label is None else plane == self._label

    def _check(self, array: NDArray) -> None:
        if array.shape != self.work_grid.shape:
            raise GridMismatchError(f"The array has shape {array.shape} but its grid {self.work_grid.shape}.")

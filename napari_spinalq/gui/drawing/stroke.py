"""One stroke of the brush on one mask, from press to release."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.editing.brush import Brush, painted
from napari_spinalq.editing.stroke import nearest_voxel
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.drawing.edits import MaskEditor
from napari_spinalq.gui.work import ScanWork


class Stroke:
    """Sweeps the brush from point to point: pixels appear at once, the edit is told at the end.

    Parameters
    ----------
    edits : MaskEditor
        What writes into the mask.
    work : ScanWork
        The scan.
    structure : str
        Which of its masks.
    brush : Brush
        Size, shape and value.
    across : int
        Axis of the mask perpendicular to the displayed plane.
    image : array, shape of the mask, optional
        What an edge-aware brush looks at.
    within : array, shape of the mask, optional
        Where alone may be added.
    """

    def __init__(
        self,
        edits: MaskEditor,
        work: ScanWork,
        structure: str,
        brush: Brush,
        *,
        across: int,
        image: NDArray | None = None,
        within: NDArray | None = None,
    ) -> None:
        self._edits, self._work, self._structure, self._brush = edits, work, structure, brush
        self._across, self._image, self._within = across, image, within
        self._spacing_mm = np.asarray(work.scan.grid.reoriented(WORK_AXES).spacing)
        self._start: NDArray | None = None
        self._last: NDArray | None = None
        self._met_room = within is None

    @property
    def adds(self) -> bool:
        """Whether the brush paints; else it erases."""
        return self._brush.value != 0

    @property
    def all_outside(self) -> bool:
        """Whether no point so far lay where painting is allowed."""
        return not self._met_room

    def to(self, point: NDArray) -> None:
        """Sweep the brush on to a point, shape (3,), fractional voxels z, y, x."""
        if self._last is not None and np.array_equal(point, self._last):
            return
        path = np.array([point] if self._last is None else [self._last, point], dtype=float)
        self._start = point if self._start is None else self._start
        self._last = point
        self._met_room = self._met_room or _holds(self._within, point)
        layer = self._work.layer_of(self._structure)
        if layer is None:
            return
        planes = painted(
            layer.data,
            self._spacing_mm,
            path,
            self._brush,
            across=self._across,
            image=self._image,
            within=self._within,
            start=self._start,
        )
        self._edits.show(self._work, self._structure, planes)

    def end(self) -> None:
        """Tell the finished edit."""
        self._edits.finish(self._work, self._structure, "brush" if self._brush.value else "eraser")


def _holds(mask: NDArray | None, point: NDArray) -> bool:
    """Tell whether a point lies in a voxel of a mask."""
    voxel = nearest_voxel(point)
    inside = mask is not None and bool(np.all((voxel >= 0) & (voxel < mask.shape)))
    return inside and bool(mask[tuple(voxel)])

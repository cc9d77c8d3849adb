"""Strokes on the straightened strip, written into the voxels of the scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.strip import Strip
from napari_spinalq.editing.brush import Brush
from napari_spinalq.editing.straight import straight_painted
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.drawing.edits import MaskEditor
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork

DIAMETER_MM = 3.0
"""Of the brush at first: a third of the cord."""

TOOLS = {"paint": (1, "brush on the strip"), "erase": (0, "eraser on the strip")}
"""What each tool writes, and what it is called in the record of edits."""


class StripBrush:
    """Paints or erases the structure in hand where the mouse goes on the strip.

    Attributes
    ----------
    tool : str
        ``"paint"``, ``"erase"`` or empty.
    diameter_mm : float
        Of the brush.
    ball : bool
        Whether it reaches as far across the displayed plane as within it.
    """

    def __init__(self, session: Session, edits: MaskEditor) -> None:
        self._session, self._edits = session, edits
        self.tool, self.diameter_mm, self.ball = "", DIAMETER_MM, False
        self._stroke: tuple[ScanWork, str, Strip] | None = None
        self._last: NDArray[np.float64] | None = None

    @property
    def active(self) -> bool:
        """Whether a stroke is going on."""
        return self._stroke is not None

    def begin(self, strip: Strip, arc_mm: float, offset_mm: float) -> None:
        """Begin a stroke at a place of the strip; see :meth:`~napari_spinalq.cord.strip.Strip.voxels_at`."""
        work, structure = self._session.current, self._session.structure
        if not self.tool or work is None or work.layer_of(structure) is None or self._session.held_back():
            return
        self._stroke, self._last = (work, structure, strip), None
        self.move(arc_mm, offset_mm)

    def move(self, arc_mm: float, offset_mm: float) -> None:
        """Go on to a place of the strip on which the stroke began."""
        if self._stroke is None:
            return
        work, structure, strip = self._stroke
        place = strip.voxels_at(arc_mm, offset_mm)
        path = np.stack([place if self._last is None else self._last, place])
        self._last = place
        value, _ = TOOLS[self.tool]
        planes = straight_painted(
            np.asarray(work.layer_of(structure).data),
            work.scan.grid.reoriented(WORK_AXES),
            strip.frame,
            path,
            Brush(self.diameter_mm, ball=self.ball, value=value),
            across=strip.plane.across,
        )
        self._edits.show(work, structure, planes)

    def end(self) -> None:
        """End the stroke: it is one edit."""
        if self._stroke is None:
            return
        work, structure, _ = self._stroke
        self._stroke = None
        self._edits.finish(work, structure, TOOLS[self.tool][1])

"""The one way by which tools change a mask, and the place that tells of every finished edit, whichever tool made it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork


@dataclass(frozen=True, eq=False)
class Edit:
    """A finished change of a mask by one tool.

    Attributes
    ----------
    work : ScanWork
        The scan whose mask it is.
    structure : str
        ``"cord"``, ``"gm"`` or ``"canal"``.
    tool : str
        What a person would call it: ``"brush"``, ``"grow"``, ``"undo"``.
    slices : frozenset of int, optional
        Slices (work order) in which voxels may have changed; None: any.
    """

    work: ScanWork
    structure: str
    tool: str
    slices: frozenset[int] | None = None


class MaskEditor:
    """Writes planes into masks and tells of finished edits, its own and those of napari's tools.

    Signals
    -------
    made : Edit
        A stroke was finished or a tool has acted.
    refused : str
        Why nothing may be changed.
    """

    made = Signal(object)
    refused = Signal(str)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._busy = False
        self._shown: dict[str, set[int]] = {}
        self._strokes: dict[str, ExitStack] = {}
        session.mask_changed.connect(self._follow)

    def change(self, work: ScanWork, structure: str, planes: Mapping[int, NDArray], tool: str) -> frozenset[int]:
        """Write planes into a mask as one finished edit; return the slices that changed."""
        changed = self.show(work, structure, planes)
        self.finish(work, structure, tool)
        return changed

    def show(self, work: ScanWork, structure: str, planes: Mapping[int, NDArray]) -> frozenset[int]:
        """Write planes into a mask while a stroke goes on; :meth:`finish` ends it.

        Parameters
        ----------
        work : ScanWork
            A scan that is open.
        structure : str
            Which of its masks.
        planes : mapping of int to array, shape (y, x)
            New values of whole axial slices in work order.

        Returns
        -------
        frozenset of int
            The slices in which voxels changed.
        """
        layer = work.layer_of(structure)
        if layer is None:
            return frozenset()
        if self._session.read_only:
            self.refused.emit(self._session.read_only)
            return frozenset()
        places, values = _changes(layer.data, planes)
        if not len(values):
            return frozenset()
        if structure not in self._strokes:  # all of a stroke is one step of napari's undo
            self._strokes[structure] = ExitStack()
            self._strokes[structure].enter_context(layer.block_history())
        layer.data_setitem(places, values)
        touched = frozenset(np.unique(places[0]).tolist())
        self._shown.setdefault(structure, set()).update(touched)
        return touched

    def finish(self, work: ScanWork, structure: str, tool: str) -> None:
        """End a stroke: what was shown since the last one is one edit, if anything was."""
        touched = self._shown.pop(structure, set())
        self._busy = True
        try:
            self._strokes.pop(structure, ExitStack()).close()  # napari then tells of a painted layer: that is known
        finally:
            self._busy = False
        if touched:
            self.made.emit(Edit(work, structure, tool, frozenset(touched)))

    def _follow(self) -> None:
        work = self._session.current
        for layer in work.masks().values() if work else ():
            layer.events.paint.connect(self._painted)  # napari keeps a listener once, however often it is connected

    def _painted(self, event: Any) -> None:
        """Tell of a stroke of napari's own brush, eraser, fill or polygon."""
        work = self._session.current
        if self._busy or work is None:
            return
        for name, layer in work.masks().items():
            if layer is event.source:
                self.made.emit(Edit(work, name, _tool_of(layer)))


def _changes(data: NDArray, planes: Mapping[int, NDArray]) -> tuple[tuple[NDArray, NDArray, NDArray], NDArray]:
    """Return where (z, y, x) planes differ from the data, and their values there."""
    z, y, x, values = [], [], [], []
    for index, plane in planes.items():
        rows, columns = np.nonzero(plane != data[index])
        z.append(np.full(len(rows), index, dtype=np.intp))
        y.append(rows)
        x.append(columns)
        values.append(plane[rows, columns])
    if not values:
        empty = np.zeros(0, dtype=np.intp)
        return (empty, empty, empty), np.zeros(0, dtype=data.dtype)
    return (np.concatenate(z), np.concatenate(y), np.concatenate(x)), np.concatenate(values).astype(data.dtype)


def _tool_of(layer: Labels) -> str:
    names = {"paint": "brush", "erase": "eraser", "fill": "fill", "polygon": "polygon"}
    return names.get(str(layer.mode), "edit")

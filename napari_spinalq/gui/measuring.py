"""The numbers beside the image: live while the brush moves, complete a moment after it rests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QTimer
from superqt.utils import qthrottled

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.along.healthy import reference_at_hand
from napari_spinalq.gui.convert import from_display, mm_to_world
from napari_spinalq.gui.display import go_to
from napari_spinalq.gui.rows import rows_of, with_reference
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.table_model import Row
from napari_spinalq.gui.work import CORD, ScanWork
from napari_spinalq.gui.workers import CLOSING_WAIT_S, Job
from napari_spinalq.metrics.catalogue import STRUCTURE_TITLES
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.live_structures import LiveStructures
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress
from napari_spinalq.results import ScanResult
from napari_spinalq.vertebrae import level_name

if TYPE_CHECKING:
    from napari.components import ViewerModel

FRAME_MS = 16
"""One frame of a 60 Hz screen: numbers cannot be seen to change faster."""

REST_MS = 400
"""After this pause of the brush, levels are assigned anew from the centerline of the changed mask."""


class Measurer:
    """Measures the masks of the scan at hand and tells the rows of the table, which are those of the structure in hand.

    While the brush moves, touched slices are measured again and keep their level. When it rests, the whole is measured
    as for a file: then the centerline, and with it the border between two levels, may have moved.
    """

    rows_changed = Signal(list)
    told = Signal(str, str)
    measured = Signal()

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session
        self.live: LiveStructures | None = None
        self._layers: dict[str, Labels] = {}
        self._listeners: list[tuple[Any, Callable[..., None]]] = []
        self._painted_on: dict[str, set[int] | None] = {}
        self._result: ScanResult | None = None
        self._job: Job | None = None
        self._stale = False
        self._rest = QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._measure_whole)
        self._measure_touched = qthrottled(self._measure_changes, timeout=FRAME_MS)
        session.mask_changed.connect(self._follow_mask)
        session.discs_changed.connect(self._measure_whole)
        session.structure_changed.connect(self._tell_rows)

    @property
    def settled(self) -> bool:
        """Whether the rows are complete: the brush rests and nothing is being measured."""
        return self._job is None and not self._rest.isActive() and not self._painted_on

    def levels(self) -> LevelShapes | None:
        """Return the measures of the cord per level."""
        return None if self.live is None else self.live.cord.levels

    def slice_levels(self) -> NDArray[np.int_] | None:
        """Return the level of each slice, 0 = none, as it was measured last; None while levels are not known."""
        return self._result.slice_levels if self._result is not None and self._result.labelling.discs else None

    def flags(self) -> tuple[str, ...]:
        """Return what is doubtful about grey matter or the canal, whichever is in hand, as it was measured last."""
        name = self._session.structure
        found = None if self._result is None else self._result.structure(name)
        return () if found is None else found.flags

    def stop(self) -> None:
        """Measure no more: the window closes."""
        self._session.mask_changed.disconnect(self._follow_mask)
        self._session.discs_changed.disconnect(self._measure_whole)
        self._session.structure_changed.disconnect(self._tell_rows)
        self._follow({})
        self._rest.stop()
        if self._job is not None:
            self._job.stop_and_wait(CLOSING_WAIT_S)

    def go_to_level(self, number: int) -> None:
        """Move all views to the middle slice of a level and the centre of the cord in it."""
        levels, work = self.levels(), self._session.current
        if levels is None or work is None or number not in levels.level:
            return
        slices = levels.slices[int(np.flatnonzero(levels.level == number)[0])]
        self.go_to_slice(slices[len(slices) // 2])

    def level_name_at(self, number: int) -> str:
        """Return the name of the level of a slice (numbered from inferior, from 0); empty if it has none."""
        levels = self.levels()
        if levels is None:
            return ""
        found = (level for level, slices in zip(levels.level, levels.slices, strict=True) if number in slices)
        return next((level_name(int(level)) for level in found), "")

    def go_to_slice(self, number: int) -> None:
        """Move all views to a slice and the centre of the cord in it; numbers grow from inferior, from 0."""
        work = self._session.current
        if self.live is None or work is None:
            return
        shapes = self.live.cord.shapes
        for place in np.flatnonzero(shapes.slice_index == number):
            go_to(self._viewer, mm_to_world(shapes.centroid_mm[place], work.scan.grid))

    def _follow_mask(self) -> None:
        work = self._session.current
        self._follow(work.masks() if work else {})
        self.live = self._result = None
        if CORD in self._layers:
            self._measure_whole()
        else:
            self.rows_changed.emit([])

    def _follow(self, layers: dict[str, Labels]) -> None:
        """Listen to the edits of these layers, and to no other."""
        for emitter, listener in self._listeners:
            emitter.disconnect(listener)
        self._layers, self._painted_on = layers, {}
        self._listeners = [
            (emitter, partial(self._painted, name)) for name, layer in layers.items() for emitter in _edits(layer)
        ]
        for emitter, listener in self._listeners:
            emitter.connect(listener)

    def _painted(self, name: str, event: Any) -> None:
        """Follow the brush. ``set_data`` also comes when another slice is shown: voxels decide whether they changed."""
        slices = touched_slices(event, self._viewer)
        known = self._painted_on.get(name, set())
        self._painted_on[name] = None if slices is None or known is None else known | slices
        self._measure_touched()

    def _measure_changes(self) -> None:
        painted, self._painted_on = self._painted_on, {}
        if self.live is None:
            self._begin_with_paint(painted)
            return
        changed = [
            name
            for name, slices in painted.items()
            if name in self._layers and self.live.take(name, self._layers[name].data, slices)
        ]
        if not changed:
            return
        for name in changed:
            self._session.mask_painted(name)
        self._rest.start()
        self._tell_rows()

    def _begin_with_paint(self, painted: set[str]) -> None:
        """Measure a mask that was empty, once something is painted on it and the brush rests."""
        cord = self._layers.get(CORD)
        if self._job is None and CORD in painted and cord is not None and np.any(cord.data):
            self._session.mask_painted()
            self._rest.start()

    def _measure_whole(self) -> None:
        """Measure the masks at hand off the main thread; a request during that work is served after it."""
        work = self._session.current
        if work is None or work.mask is None:
            return
        if self._job is not None:
            self._stale = True
            return
        mask, labelling, drawn = np.array(work.mask.data), self._session.labelling, work.drawn_structures()
        told, scan = work.record(), work.scan

        def measure(_: Progress) -> ScanResult:
            on_file_grid = from_display(mask, scan.grid)  # here, as to turn a large mask takes a tenth of a second
            return measure_scan(scan, on_file_grid, labelling, parameters=told, drawn=drawn)

        self._job = Job("Measuring", measure)
        self._job.succeeded.connect(lambda result: self._take(work, result))
        self._job.refused.connect(lambda error: self._refused(work, error))
        self._job.ended.connect(self._end)
        self._job.start()

    def _take(self, work: ScanWork, result: ScanResult) -> None:
        if work is not self._session.current or work.mask is None:
            return
        work.centerline, self._result = result.centerline, result
        levels = self.slice_levels()
        if self.live is None:
            self.live = LiveStructures(work.mask.data, work.scan.grid.reoriented(WORK_AXES), levels)
        for name, layer in self._layers.items():
            self.live.take(name, layer.data)
        self.live.set_levels(levels)
        self._tell_rows()
        self.measured.emit()

    def _refused(self, work: ScanWork, error: InputError) -> None:
        if work is self._session.current:
            self.told.emit("warn", str(error))

    def _end(self) -> None:
        self._job = None
        if self._stale:
            self._stale = False
            self._measure_whole()

    def rows(self) -> list[Row]:
        """Return the rows of the table for the structure in hand, as they stand."""
        if self.live is None or self.live.cord.levels is None:
            return []
        found = {name: self.live.shapes(name) for name in STRUCTURE_TITLES}
        levels = {name: shapes.levels for name, shapes in found.items() if shapes is not None}
        rows = rows_of(self._session.structure, levels, self.flags(), self._result)
        return with_reference(rows, *reference_at_hand(self._session, "area_mm2"))

    def _tell_rows(self) -> None:
        self.rows_changed.emit(self.rows())


def touched_slices(event: Any, viewer: ViewerModel) -> set[int] | None:
    """Return the axial slices that a move of napari's brush may have changed; None: any.

    A move tells which part of the displayed plane it drew anew. Other events tell nothing (a finished stroke, undo, a
    tool that writes into several slices at once): after them all voxels are compared with what was seen last, which
    takes some milliseconds of a large scan.
    """
    layer = event.source
    if event.type != "labels_update" or viewer.dims.ndisplay != 2 or layer.n_edit_dimensions != 2:
        return None
    shown = [axis - (viewer.dims.ndim - 3) for axis in viewer.dims.displayed]
    if 0 in shown:
        first = int(event.offset[shown.index(0)])
        return set(range(first, first + event.data.shape[shown.index(0)]))
    return {round(float(layer.world_to_data(viewer.dims.point)[-3]))}


def _edits(layer: Labels) -> tuple[Any, ...]:
    """Return what a labels layer tells when voxels change: per brush move, per stroke, per undo or redo."""
    return layer.events.labels_update, layer.events.paint, layer.events.set_data

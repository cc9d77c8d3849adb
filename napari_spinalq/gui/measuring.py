"""The numbers beside the image: live while the brush moves, complete a moment after it rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from psygnal import Signal
from qtpy.QtCore import QTimer
from superqt.utils import qthrottled

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import go_to
from napari_spinalq.gui.session import ScanWork, Session
from napari_spinalq.gui.table_model import Row
from napari_spinalq.gui.workers import CLOSING_WAIT_S, Job
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.live import LiveShapes
from napari_spinalq.metrics.summary import SUMMARY_COLUMNS
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.results import ScanResult
from napari_spinalq.vertebrae import level_name

if TYPE_CHECKING:
    from napari.components import ViewerModel

FRAME_MS = 16
"""One frame of a 60 Hz screen: numbers cannot be seen to change faster."""

REST_MS = 400
"""After this pause of the brush, levels are assigned anew from the centerline of the changed mask."""

WARNING_SIGN = "⚠"


class Measurer:
    """Measures the mask at hand and tells the rows of the table.

    While the brush moves, touched slices are measured again and keep their level. When it rests, the whole is measured
    as for a file: then the centerline, and with it the border between two levels, may have moved.
    """

    rows_changed = Signal(list)
    told = Signal(str, str)
    measured = Signal()

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session
        self.live: LiveShapes | None = None
        self._layer: Labels | None = None
        self._job: Job | None = None
        self._stale = False
        self._rest = QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._measure_whole)
        self._measure_touched = qthrottled(self._measure_changes, timeout=FRAME_MS)
        session.mask_changed.connect(self._follow_mask)
        session.discs_changed.connect(self._measure_whole)

    @property
    def settled(self) -> bool:
        """Whether the rows are complete: the brush rests and nothing is being measured."""
        return self._job is None and not self._rest.isActive()

    def levels(self) -> LevelShapes | None:
        """Return the measures per level as the table shows them."""
        return None if self.live is None else self.live.levels

    def stop(self) -> None:
        """Measure no more: the window closes."""
        self._session.mask_changed.disconnect(self._follow_mask)
        self._session.discs_changed.disconnect(self._measure_whole)
        self._follow(None)
        self._rest.stop()
        if self._job is not None:
            self._job.stop_and_wait(CLOSING_WAIT_S)

    def go_to_level(self, number: int) -> None:
        """Move all views to the middle slice of a level and the centre of the cord in it."""
        levels, work = self.levels(), self._session.current
        if levels is None or work is None or number not in levels.level:
            return
        slices = levels.slices[int(np.flatnonzero(levels.level == number)[0])]
        shapes = self.live.shapes
        place = int(np.flatnonzero(shapes.slice_index == slices[len(slices) // 2])[0])
        go_to(self._viewer, mm_to_world(shapes.centroid_mm[place], work.scan.grid))

    def _follow_mask(self) -> None:
        work = self._session.current
        self._follow(work.mask if work else None)
        self.live = None
        if self._layer is None:
            self.rows_changed.emit([])
        else:
            self._measure_whole()

    def _follow(self, layer: Labels | None) -> None:
        """Listen to the edits of this layer, and to no other."""
        if self._layer is not None:
            for emitter in _edits(self._layer):
                emitter.disconnect(self._painted)
        self._layer = layer
        if layer is not None:
            for emitter in _edits(layer):
                emitter.connect(self._painted)

    def _painted(self, event: Any) -> None:
        """Follow the brush. ``set_data`` also comes when another slice is shown: voxels decide whether they changed."""
        self._measure_touched()

    def _measure_changes(self) -> None:
        if self.live is None or self._layer is None or not self.live.update(self._layer.data):
            return
        self._session.mask_painted()
        self._rest.start()
        self._tell_rows()

    def _measure_whole(self) -> None:
        """Measure the mask at hand off the main thread; a request during that work is served after it."""
        work = self._session.current
        if work is None or work.mask is None:
            return
        if self._job is not None:
            self._stale = True
            return
        mask, labelling = work.mask_on_file_grid(), self._session.labelling
        self._job = Job("Measuring", lambda _: measure_scan(work.scan, mask, labelling))
        self._job.succeeded.connect(lambda result: self._take(work, result))
        self._job.refused.connect(lambda error: self._refused(work, error))
        self._job.ended.connect(self._end)
        self._job.start()

    def _take(self, work: ScanWork, result: ScanResult) -> None:
        if work is not self._session.current or work.mask is None:
            return
        work.centerline = result.centerline
        levels = result.slice_levels if result.labelling.discs else None
        if self.live is None:
            self.live = LiveShapes(work.mask.data, work.scan.grid.reoriented(WORK_AXES), levels)
        else:
            self.live.update(work.mask.data)
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
        """Return the rows of the table as they stand."""
        levels = self.levels()
        return [] if levels is None else rows_of(levels)

    def _tell_rows(self) -> None:
        self.rows_changed.emit(self.rows())


def rows_of(levels: LevelShapes) -> list[Row]:
    """Return a row of the table per level, superior first."""
    return [_row(levels, place) for place in range(len(levels))]


def _row(levels: LevelShapes, place: int) -> Row:
    number, flags = int(levels.level[place]), levels.level_flags[place]
    numbers = {column.attribute: float(levels.mean[column.attribute][place]) for column in SUMMARY_COLUMNS}
    return numbers | {
        "number": number,
        "level": level_name(number),
        "level_sort": number,
        "slices": len(levels.slices[place]),
        "flag": WARNING_SIGN if flags else "",
        "flag_sort": len(flags),
        "flag_tip": "\n".join(flags),
    }


def _edits(layer: Labels) -> tuple[Any, ...]:
    """Return what a labels layer tells when voxels change: per brush move, per stroke, per undo or redo."""
    return layer.events.labels_update, layer.events.paint, layer.events.set_data

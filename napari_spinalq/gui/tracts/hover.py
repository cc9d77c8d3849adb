"""What lies under the mouse: the tract, its share, the value of the map and the level, in napari's status line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.gui.convert import world_to_mm
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.tracts.mapper import Mapper
from napari_spinalq.gui.tracts.rows import digits_of, unit_of
from napari_spinalq.results import MapsResult, QuantityMap
from napari_spinalq.tracts.outlines import tract_at
from napari_spinalq.vertebrae import level_name

if TYPE_CHECKING:
    from napari.components import ViewerModel

STALE = "out of date"


class TractHover:
    """Follows the mouse over the main view, on whichever scan is at hand."""

    def __init__(self, viewer: ViewerModel, session: Session, mapper: Mapper) -> None:
        self._viewer, self._session, self._mapper = viewer, session, mapper
        self.words = ""
        viewer.mouse_move_callbacks.append(self._moved)
        viewer.events.status.connect(self._keep)
        mapper.changed.connect(self._renew)

    def stop(self) -> None:
        """Follow no more: the window closes."""
        self._viewer.mouse_move_callbacks.remove(self._moved)
        self._viewer.events.status.disconnect(self._keep)
        self._mapper.changed.disconnect(self._renew)

    def _moved(self, viewer: ViewerModel, event: Any) -> None:
        before, self.words = self.words, self._at(np.asarray(event.position, dtype=float))
        if self.words or viewer.status == before:
            viewer.status = self.words

    def _keep(self, event: Any) -> None:
        """Keep the words true and in place: napari writes its own status after each move and each change of slice."""
        if event.value != self.words:
            self.words = self._at(self._cursor())
            if self.words:
                self._viewer.status = self.words

    def _renew(self) -> None:
        """Say nothing of maps that went, and what is true of those that came, where the mouse rests."""
        before = self.words
        self.words = self._at(self._cursor()) if before else ""
        if self._viewer.status == before:
            self._viewer.status = self.words

    def _cursor(self) -> NDArray[np.float64]:
        """Return where the mouse rested last, in the slice that is on display now."""
        dims = self._viewer.dims
        place = np.array(dims.point, dtype=float)
        cursor = np.asarray(self._viewer.cursor.position, dtype=float)
        if len(cursor) == len(place):
            place[list(dims.displayed)] = cursor[list(dims.displayed)]
        return place

    def _at(self, world: NDArray[np.float64]) -> str:
        result, work = self._mapper.result, self._session.current
        if result is None or work is None or work.blind or self._viewer.dims.ndisplay != 2 or len(world) < 3:
            return ""
        said = place_in_words(result, world_to_mm(world[-3:], work.scan.grid), self._map(result))
        return f"{said} · {STALE}" if said and self._mapper.stale else said

    def _map(self, result: MapsResult) -> QuantityMap | None:
        """Return the map whose value is told: the topmost that is drawn, else the first."""
        drawn = self._mapper.overlays.drawn
        seen = [one for one in result.maps if one.name in drawn]
        return seen[-1] if seen else next(iter(result.maps), None)


def place_in_words(result: MapsResult, point_mm: NDArray[np.float64], quantity: QuantityMap | None) -> str:
    """Say which tract lies at a point (RAS mm), the value of a map there, and the level; empty outside of the cord."""
    grid = result.scan.grid
    if result.tracts is None or not grid.contains(point_mm):
        return ""
    voxel = _voxel(grid, point_mm)
    found = tract_at(result.tracts, voxel)
    if found is None:
        return ""
    title, share = found
    parts = [f"{title} ({100 * share:.0f} %)"]
    if quantity is not None:
        value = float(quantity.data[voxel])
        digits = digits_of(quantity.name, value)
        number = f"{value:.{digits}f}" if np.isfinite(value) else "–"
        parts.append(f"{quantity.title} {number} {unit_of(quantity.unit)}".strip())
    level = int(result.slice_levels[_voxel(grid.reoriented(WORK_AXES), point_mm)[0]])
    return " · ".join([*parts, *([level_name(level)] if level else [])])


def _voxel(grid: Grid, point_mm: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the voxel in which a point of the volume lies; its outermost edge belongs to the last voxel."""
    nearest = np.clip(np.round(grid.mm_to_voxel(point_mm)), 0, np.asarray(grid.shape) - 1)
    return tuple(int(index) for index in nearest)

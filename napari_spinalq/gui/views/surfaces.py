"""Surfaces of the masks for the 3-D pane, made off the main thread when somebody looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.gui.colours import STRUCTURE_COLOURS
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.gui.workers import CLOSING_WAIT_S, Job
from napari_spinalq.views.stage import Part
from napari_spinalq.views.surface import Surface, surface_of

REST_MS = 300
"""After this pause of the brush the surface follows."""

INNER_FIRST = ("gm", "cord", "canal")
OPACITY_AROUND = {"gm": 1.0, "cord": 0.45, "canal": 0.25}
"""Of a structure that lies around another one which is shown."""


class Surfaces:
    """Keeps the surfaces of the masks of the scan at hand. ``changed`` is told when there are new ones."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[str, Surface] = {}
        self._seen: dict[str, NDArray] = {}
        self._job: Job | None = None
        self._stale = False
        self.wanted = False
        self._rest = QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._make)
        session.mask_changed.connect(self._forget)

    @property
    def idle(self) -> bool:
        """Whether the surfaces show the masks as they are, as far as anybody looks."""
        return self._job is None and not self._rest.isActive()

    def want(self, wanted: bool) -> None:
        """Begin or cease to make surfaces: somebody looks, or nobody does."""
        if wanted != self.wanted:
            self.wanted = wanted
            self.follow()

    def follow(self) -> None:
        """Make the surfaces anew once the masks rest, if anybody looks."""
        self._rest.start()

    def parts(self) -> list[Part]:
        """Return the surfaces of the masks that are visible, the inner ones first."""
        work = self._session.current
        masks = {} if work is None else work.masks()
        names = [name for name in INNER_FIRST if name in self._found and name in masks and masks[name].visible]
        return [
            Part(self._found[name], STRUCTURE_COLOURS[name], OPACITY_AROUND[name] if place else 1.0)
            for place, name in enumerate(names)
        ]

    def stop(self) -> None:
        """Make no more: the window closes."""
        self._rest.stop()
        self._session.mask_changed.disconnect(self._forget)
        if self._job is not None:
            self._job.stop_and_wait(CLOSING_WAIT_S)

    def _forget(self) -> None:
        """Make all anew: a mask was given or removed as a whole, perhaps with the scan."""
        self._seen = {}
        self.follow()

    def _make(self) -> None:
        work = self._session.current
        if not self.wanted or work is None:
            return
        if self._job is not None:
            self._stale = True
            return
        if self._seen_all(work):
            return
        masks = self._seen = {name: np.array(layer.data) for name, layer in work.masks().items()}
        grid = work.scan.grid.reoriented(WORK_AXES)
        self._job = Job("Drawing in 3-D", lambda _: _surfaces(masks, grid))
        self._job.succeeded.connect(lambda found: self._take(work, found))
        self._job.ended.connect(self._end)
        self._job.start()

    def _seen_all(self, work: ScanWork) -> bool:
        """Tell whether no voxel changed since: napari tells the same of an edit as of another slice on display."""
        masks = work.masks()
        return masks.keys() == self._seen.keys() and all(
            np.array_equal(layer.data, self._seen[name]) for name, layer in masks.items()
        )

    def _take(self, work: ScanWork, found: dict[str, Surface]) -> None:
        if work is self._session.current:
            self._found = found
            self.changed.emit()
        else:
            self._seen = {}

    def _end(self) -> None:
        self._job = None
        if self._stale:
            self._stale = False
            self._make()


def _surfaces(masks: dict[str, NDArray], grid: Grid) -> dict[str, Surface]:
    made = {name: surface_of(mask, grid) for name, mask in masks.items()}
    return {name: surface for name, surface in made.items() if surface is not None}

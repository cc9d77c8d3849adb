"""Waiting for one click on the image."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel

CLICK_PIXELS = 5.0
"""A press and release within this distance on screen is a click; farther, it is a drag to pan."""

PointTaken = Callable[[np.ndarray], None]


class Picker:
    """Hands the next click on the canvas, as a displayed world point (z, y, x), to whoever asked for it."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._taken: PointTaken | None = None
        self._given_up: Callable[[], None] | None = None
        viewer.mouse_drag_callbacks.append(self._mouse)

    @property
    def waiting(self) -> bool:
        """Whether someone waits for a click."""
        return self._taken is not None

    def wait(self, taken: PointTaken, given_up: Callable[[], None]) -> None:
        """Ask for the next click; an earlier request is given up. The layers' own tools are put down meanwhile."""
        self.stop()
        self._taken, self._given_up = taken, given_up
        for layer in self._viewer.layers:
            layer.mode = "pan_zoom"

    def stop(self) -> None:
        """Wait no longer."""
        given_up, self._taken, self._given_up = self._given_up, None, None
        if given_up is not None:
            given_up()

    def _mouse(self, _viewer: ViewerModel, event: Any) -> Generator[None, None, None]:
        start = np.asarray(event.pos, dtype=float)
        yield
        while event.type == "mouse_move":
            yield
        if self._taken is None or self._viewer.dims.ndisplay != 2:
            return
        if np.linalg.norm(np.asarray(event.pos, dtype=float) - start) > CLICK_PIXELS:
            return
        taken = self._taken
        self.stop()
        taken(np.asarray(event.position, dtype=float)[-3:])

"""Window and level of the scan at hand: presets read off its values, and drags of the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.components._viewer_constants import CanvasPosition
from napari.components.overlays import TextOverlay
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.session import Session
from napari_spinalq.views.window import AUTO, Window, preset_names, presets

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

READOUT_MS = 1500
"""How long the numbers stay on the canvas after the last change."""

NO_CORD = "Segment the cord first: this window is read off the values in and around it."


def words(window: Window) -> str:
    """Return width and level as they are read out.

    Examples
    --------
    >>> words(Window(100, 300))
    'W 200 L 200'
    >>> words(Window(-0.5, 0.25))
    'W 0.75 L -0.125'
    """
    return f"W {window.width:.4g} L {window.level:.4g}"


class Windower:
    """Sets the grey window of the scan at hand; masks and numbers do not change.

    Signals
    -------
    changed
        Another window, or a preset was chosen.
    windowing_changed : bool
        Whether a plain left drag changes the window.
    told : str, str
        Kind and sentence for the user.
    """

    changed = Signal()
    windowing_changed = Signal(bool)
    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session
        self.name = AUTO
        self.windowing = False
        self._begin: Window | None = None
        self._readout = TextOverlay(position=CanvasPosition.BOTTOM_LEFT, font_size=11, box=True)
        viewer.canvas.overlays["spinalq_window"] = self._readout
        self._hide = QTimer()
        self._hide.setSingleShot(True)
        self._hide.setInterval(READOUT_MS)
        self._hide.timeout.connect(self._hide_readout)
        session.scan_changed.connect(self._forget)

    def window(self) -> Window | None:
        """Return the window of the scan at hand."""
        work = self._session.current
        return None if work is None else Window(*(float(value) for value in work.image.contrast_limits))

    def names(self) -> tuple[str, ...]:
        """Return the presets for the scan at hand."""
        work = self._session.current
        return preset_names() if work is None else preset_names(work.scan.contrast)

    def use(self, name: str) -> None:
        """Take a preset."""
        if self._session.current is None:
            return
        found = self._presets()
        if name not in found:
            self.told.emit("warn", NO_CORD)
            self.changed.emit()
            return
        self.name = name
        self._set(found[name])

    def next(self) -> None:
        """Take the next preset that this scan allows."""
        if self._session.current is None:
            return
        found = self._presets()
        names = list(found)
        self.name = names[(names.index(self.name) + 1) % len(names)] if self.name in names else names[0]
        self._set(found[self.name])

    def reset(self) -> None:
        """Go back to the window with which a scan opens."""
        self.use(AUTO)

    def toggle(self, wanted: bool) -> None:
        """Let a plain left drag change the window, or no longer."""
        self.windowing = wanted
        self.windowing_changed.emit(wanted)

    def begin(self) -> None:
        """Note the window with which a drag begins."""
        self._begin = self.window()

    def drag(self, right: float, up: float) -> None:
        """Follow a drag: pixels to the right (wider) and up (higher level) since it began."""
        if self._begin is not None and (right or up):
            self.name = ""
            self._set(self._begin.dragged(right, up))

    def stop(self) -> None:
        """Show no readout any more: the window closes."""
        self._hide.stop()
        self._session.scan_changed.disconnect(self._forget)

    def _presets(self) -> dict[str, Window]:
        work = self._session.current
        mask = None if work.mask is None else np.asarray(work.mask.data)
        return presets(self._volume(), work.scan.grid.reoriented(WORK_AXES), mask, work.scan.contrast)

    def _volume(self) -> NDArray:
        """Return the 3-D image on display: of a series the volume in hand."""
        data = self._session.current.image.data
        return data if data.ndim == 3 else data[min(int(self._viewer.dims.current_step[0]), len(data) - 1)]

    def _set(self, window: Window) -> None:
        image = self._session.current.image
        low, high = image.contrast_limits_range
        image.contrast_limits_range = (min(low, window.low), max(high, window.high))
        image.contrast_limits = (window.low, window.high)
        self._readout.text = f"{self.name} {words(window)}".strip()
        self._readout.visible = True
        self._hide.start()
        self.changed.emit()

    def _hide_readout(self) -> None:
        self._readout.visible = False

    def _forget(self) -> None:
        self.name, self._begin = AUTO, None
        self.changed.emit()

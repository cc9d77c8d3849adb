"""The workbench: napari's own lists give way to the image, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_spinalq.gui import settings

if TYPE_CHECKING:
    from napari import Viewer


class Workbench:
    """Hides the layer list and the layer controls: the dock has the tools. ``changed`` carries whether they are."""

    changed = Signal(bool)

    def __init__(self, viewer: Viewer) -> None:
        self._window = viewer.window
        self.on = False

    def use(self, wanted: bool) -> None:
        """Hide napari's lists, or bring them back, and remember it."""
        self.on = wanted
        window = self._window._qt_viewer  # napari has no public handle for its own docks
        for dock in (window.dockLayerControls, window.dockLayerList):
            dock.setVisible(not wanted)
        settings.remember_workbench(wanted)
        self.changed.emit(wanted)

    def toggle(self) -> None:
        """Hide napari's lists, or bring them back."""
        self.use(not self.on)

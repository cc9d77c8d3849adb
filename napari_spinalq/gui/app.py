"""Opening napari with the dock: what ``spinalq open`` and ``make app`` do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt

from napari_spinalq.gui import settings
from napari_spinalq.gui.along.dock import NAME as ALONG_NAME
from napari_spinalq.gui.along.dock import AlongDock
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.gui.views.dock import NAME, ViewsDock

if TYPE_CHECKING:
    import napari

SAMPLE = "healthy01"
DOCK_NAME = "Spinal Cord"


def launch(exam_paths: Sequence[str | Path] | str | Path | None = None) -> None:
    """Open napari on an exam (by default the healthy sample exam) and run until its window closes."""
    import napari

    viewer = napari.Viewer(title="napari-spinalq")
    add_dock(viewer, exam_paths)
    napari.run()


def add_dock(viewer: napari.Viewer, exam_paths: Sequence[str | Path] | str | Path | None = None) -> SpinalCordDock:
    """Add the docks to a viewer (work, views, along the cord) and open an exam, by default the healthy sample."""
    dock = SpinalCordDock(viewer)
    if exam_paths is None:  # first of all: the scan is read while the other docks are built
        dock.desk.open_sample(SAMPLE)
    else:
        dock.desk.open_paths([exam_paths] if isinstance(exam_paths, (str, Path)) else list(exam_paths))
    dock.desk.workbench.use(settings.workbench())
    beside = viewer.window.add_dock_widget(ViewsDock(viewer), name=NAME, area="right", tabify=False)
    outer = viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", tabify=False)
    # Side by side: above each other both would not fit a screen of 768 lines.
    dock.desk.window.splitDockWidget(beside, outer, Qt.Orientation.Horizontal)
    viewer.window.add_dock_widget(AlongDock(viewer), name=ALONG_NAME, area="bottom", tabify=False)
    return dock

"""Opening napari with the dock: what ``spinalq open`` and ``make app`` do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.gui.second import NAME, SecondViewDock

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
    """Add the dock to a viewer and open an exam in it (by default the healthy sample exam)."""
    dock = SpinalCordDock(viewer)
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", tabify=False)
    viewer.window.add_dock_widget(SecondViewDock(viewer), name=NAME, area="left", tabify=False)
    if exam_paths is None:
        dock.desk.open_sample(SAMPLE)
    else:
        dock.desk.open_paths([exam_paths] if isinstance(exam_paths, (str, Path)) else list(exam_paths))
    return dock

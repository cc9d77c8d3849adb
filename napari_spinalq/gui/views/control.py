"""What the bar above the panes does, and what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_spinalq.gui import dialogs
from napari_spinalq.gui.links import Link
from napari_spinalq.gui.opening import describe
from napari_spinalq.gui.views.comparing import Mode
from napari_spinalq.scan import place_of

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_spinalq.gui.desk import Desk
    from napari_spinalq.gui.panels.views_bar import ViewsBar

RESAMPLED = "⚠ Resampled onto this scan: {difference}."


class ViewsControl:
    """Connects the bar to the desk."""

    def __init__(self, bar: ViewsBar, desk: Desk, parent: QWidget) -> None:
        self._bar, self._desk, self._parent = bar, desk, parent
        bar.preset_wanted.connect(desk.windower.use)
        bar.windowing_wanted.connect(desk.windower.toggle)
        bar.link_wanted.connect(desk.lenses.link)
        bar.workbench_wanted.connect(desk.workbench.use)
        bar.crosshair_wanted.connect(desk.crosshair.toggle)
        bar.overlay_wanted.connect(desk.looks.toggle_masks)
        bar.scan_wanted.connect(self._compare_with_scan)
        bar.file_wanted.connect(self._compare_with_file)
        bar.end_wanted.connect(desk.comparer.clear)
        bar.mode_wanted.connect(desk.comparer.use)
        bar.blink_wanted.connect(desk.comparer.blink_on)
        self._show_scans()
        self._show_compared()

    def links(self) -> list[Link]:
        """Return what the desk tells, and who listens."""
        desk = self._desk
        camera = desk.viewer.scene.camera.events
        return [
            (desk.session.exam_changed, self._show_scans),
            (desk.session.scan_changed, self._show_scans),
            (desk.comparer.changed, self._show_compared),
            (camera.zoom, desk.lenses.follow_camera),
            (camera.center, desk.lenses.follow_camera),
        ]

    def show_state(self, layout: str) -> None:
        """Show what is switched on."""
        desk, bar = self._desk, self._bar
        bar.show_layout(layout)
        bar.show_presets(desk.windower.names(), desk.windower.name)
        bar.show_toggles(
            windowing=desk.windower.windowing,
            crosshair=desk.crosshair.shown,
            masks=desk.looks.masks_shown,
            linked=desk.lenses.linked,
            workbench=desk.workbench.on,
        )

    def _show_scans(self) -> None:
        session = self._desk.session
        source = session.current.scan.source if session.current else None
        files = session.exam.files if session.exam else ()
        at_hand = [source is not None and place_of(file.path) == source.path for file in files]
        self._bar.show_others(["" if own else describe(file) for file, own in zip(files, at_hand, strict=True)])

    def _show_compared(self) -> None:
        comparer = self._desk.comparer
        other = comparer.other
        name = "" if other is None else other.label
        self._bar.show_compared(name, comparer.mode, self._note(), comparer.blinking)

    def _note(self) -> str:
        """Say what to know of the comparison: resampling, or by what two scans side by side are aligned."""
        comparer = self._desk.comparer
        other = comparer.other
        if other is None:
            return ""
        if comparer.mode is Mode.SIDE:
            return f"Aligned by {other.aligned_by(comparer.course())}. Each is shown on its own grid."
        return RESAMPLED.format(difference=other.difference) if other.difference else ""

    def _compare_with_scan(self, index: int) -> None:
        self._desk.comparer.open(self._desk.session.exam.files[index].path)

    def _compare_with_file(self) -> None:
        path = dialogs.choose_compared(self._parent)
        if path:
            self._desk.comparer.open(Path(path))

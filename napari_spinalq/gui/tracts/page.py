"""The page "Tracts": the panel, connected to maps and tracts of the desk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QSize
from qtpy.QtGui import QGuiApplication, QHideEvent, QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_spinalq.gui import dialogs
from napari_spinalq.gui.links import Link
from napari_spinalq.gui.panels.along_theme import palette_of
from napari_spinalq.gui.panels.tracts_panel import AT_CROSSHAIR, TractsPanel
from napari_spinalq.gui.tracts.acquisitions import exam_in_words
from napari_spinalq.gui.tracts.colours import legend_of
from napari_spinalq.gui.tracts.mapper import BUILTIN, OUT_OF_DATE
from napari_spinalq.gui.tracts.overlays import CONTOURS, MAP_OPACITY
from napari_spinalq.gui.tracts.rows import columns_of, levels_of, rows_of, units_in_words
from napari_spinalq.gui.tracts.series import gradients_in_words, motion_in_words, shells_of
from napari_spinalq.vertebrae import level_name

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk

TITLE = "Tracts"
LEAST_HEIGHT = 270
"""Pixels: as low as the lowest page of the dock."""

NO_VALUES = "no values"
WORKING = "Working: how far is said below."
NOT_YET = "Press Compute: maps and values come below."
REMARKS = "{first} ({more} more: rest the mouse here)"


class TractsPage(QWidget):
    """Passes wishes of the panel to the desk, and shows what it tells."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._mapper = desk, desk.tracts
        self.panel = TractsPanel(columns_of(None), MAP_OPACITY)
        self._folders: list[Path] = []
        self._result_shown: object = self
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self._connect_panel()
        desk.attach(self, self._links())
        self._use_theme()
        self.refresh()

    def sizeHint(self) -> QSize:
        """Ask for little: the page takes the room of the dock, and its plots must not ask it for the other pages."""
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        """Ask for the height of the lowest page of the dock."""
        return QSize(super().minimumSizeHint().width(), LEAST_HEIGHT)

    def showEvent(self, event: QShowEvent) -> None:
        """Let maps and contours be seen through the masks."""
        super().showEvent(event)
        self._desk.structures.see_through(self._mapper.result is not None)

    def hideEvent(self, event: QHideEvent) -> None:
        """Fill the mask in hand again: it is painted on."""
        super().hideEvent(event)
        self._desk.structures.see_through(False)

    def refresh(self) -> None:
        """Show where maps and tracts stand."""
        session, mapper, panel = self._desk.session, self._mapper, self.panel
        offers = [(one.title, one.key) for one in mapper.acquisitions]
        panel.show_exam(exam_in_words(session.exam), offers, mapper.acquisition.key if mapper.acquisition else "")
        atlases = [
            ("Built-in atlas", BUILTIN),
            *((f"{folder.parent.name}/{folder.name}", str(folder)) for folder in self._folders),
        ]
        panel.show_atlases(atlases, str(mapper.atlas))
        self._show_state()
        result = mapper.result
        self._desk.structures.see_through(result is not None and self.isVisible())
        if result is not self._result_shown:
            self._result_shown = result
            panel.show_levels([(level_name(level), level) for level in levels_of(result)])
            self._show_series()
        self._show_rows()

    def _connect_panel(self) -> None:
        panel, mapper = self.panel, self._mapper
        panel.acquisition_chosen.connect(mapper.choose)
        panel.file_wanted.connect(self._choose_map)
        panel.atlas_chosen.connect(self._choose_atlas)
        panel.compute_wanted.connect(mapper.compute)
        panel.row_chosen.connect(mapper.outline)
        panel.filter_changed.connect(self._filter)
        panel.copy_wanted.connect(self._copy)
        panel.shown_wanted.connect(mapper.overlays.toggle)
        panel.opacity_wanted.connect(mapper.overlays.set_opacity)
        panel.motion.volume_chosen.connect(mapper.show_volume)

    def _links(self) -> list[Link]:
        desk, mapper, viewer = self._desk, self._mapper, self._desk.viewer
        return [
            (mapper.changed, self.refresh),
            (mapper.outlined, self.panel.table.show_outlined),
            (mapper.overlays.changed, self._show_drawn),
            (desk.runner.started, self._show_state),
            (desk.runner.stopped, self._show_state),
            (viewer.dims.events.current_step, self._follow_crosshair),
            (viewer.events.theme, self._use_theme),
            (viewer.scene.camera.events.orientation, self._use_convention),
        ]

    def _show_state(self) -> None:
        mapper = self._mapper
        missing = mapper.missing() if mapper.acquisition is not None else ""
        possible = mapper.acquisition is not None and not missing and not self._desk.runner.busy
        flags = mapper.result.flags if mapper.result is not None else ()
        if mapper.stale:
            said = ("warn", OUT_OF_DATE)
        elif missing:
            said = ("plain", missing)
        elif mapper.result is None and self._desk.runner.busy:
            said = ("plain", WORKING)
        elif mapper.result is None:
            said = ("plain", NOT_YET if mapper.acquisition is not None else "")
        elif flags:
            said = ("warn", _first_of(flags))
        else:
            said = ("good", "Up to date.")
        self.panel.show_state(*said, possible=possible)
        self.panel.show_remarks(flags)

    def _filter(self) -> None:
        self._mapper.overlays.show_everything(self.panel.everything.isChecked())
        self._show_rows()

    def _show_rows(self) -> None:
        result, level = self._mapper.result, self.panel.level
        wanted = self._mapper.level_here() if level == AT_CROSSHAIR else level
        rows = rows_of(result, everything=self.panel.everything.isChecked(), level=wanted)
        self.panel.show_rows(columns_of(result), rows, units_in_words(result))
        self._show_place()
        self._show_drawn()

    def _show_place(self) -> None:
        level = self._mapper.level_here() if self.panel.level == AT_CROSSHAIR and self._mapper.result else None
        self.panel.show_place("" if level is None else level_name(level) if level else NO_VALUES)

    def _follow_crosshair(self) -> None:
        if self.panel.level == AT_CROSSHAIR:
            self._show_rows()

    def _show_drawn(self) -> None:
        overlays = self._mapper.overlays
        self.panel.offer_shown(overlays.offered())
        self.panel.show_drawn(overlays.drawn)
        self.panel.show_scale(overlays.scale())
        self.panel.show_legend(legend_of(overlays.contoured()) if CONTOURS in overlays.drawn else [])

    def _show_series(self) -> None:
        mapper, result = self._mapper, self._mapper.result
        series = None if result is None else result.series
        motion = None if series is None else series.motion
        self.panel.show_series(motion=motion is not None, gradients=series is not None)
        if series is not None:
            self.panel.gradients.show_scheme(
                shells_of(series.gradients), gradients_in_words(series.gradients, mapper.shown.check)
            )
        if motion is not None:
            shifts = np.nanmean(motion.shifts_mm, axis=1)
            self.panel.motion.show_motion(shifts, motion.displacement_mm, motion.outliers, motion_in_words(motion))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.panel.table.rows.as_text())
        self._desk.told.emit("good", "The table is on the clipboard.")

    def _choose_map(self) -> None:
        path = dialogs.choose_map(self)
        if path:
            self._mapper.add_map(Path(path))
        else:
            self.refresh()

    def _choose_atlas(self, key: str) -> None:
        folder = key or dialogs.choose_atlas_folder(self)
        if folder and folder != BUILTIN and Path(folder) not in self._folders:
            self._folders.append(Path(folder))
        if folder:
            self._mapper.use_atlas(BUILTIN if folder == BUILTIN else Path(folder))
        else:
            self.refresh()

    def _use_theme(self) -> None:
        palette = palette_of(self._desk.viewer.theme)
        self.panel.motion.use_palette(palette)
        self.panel.gradients.use_palette(palette)
        self._use_convention()

    def _use_convention(self) -> None:
        across = str(self._desk.viewer.scene.camera.orientation[2])
        self.panel.gradients.plot.use_convention(right_on_left=across == "left")


def _first_of(remarks: Sequence[str]) -> str:
    """Return the first remark as a sentence, and how many more there are."""
    first = f"{remarks[0][:1].upper()}{remarks[0][1:]}"
    return first if len(remarks) == 1 else REMARKS.format(first=first, more=len(remarks) - 1)

"""The dock along the cord: the straightened strip above, the live profile below; it holds no arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, Qt, QTimer
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QStackedLayout, QVBoxLayout, QWidget

from napari_spinalq.cord.strip import StripPlane
from napari_spinalq.gui.along.healthy import reference_at_hand
from napari_spinalq.gui.along.scene import (
    AREA,
    DEEPER,
    LETTERS,
    Scene,
    marked_slices,
    metrics_of,
    scene_of,
    slice_words,
)
from napari_spinalq.gui.along.strip_brush import DIAMETER_MM, StripBrush
from napari_spinalq.gui.convert import mm_to_world, world_to_mm
from napari_spinalq.gui.desk import desk_of
from napari_spinalq.gui.display import go_to, position
from napari_spinalq.gui.drawing.edits import Edit
from napari_spinalq.gui.links import Link, Links
from napari_spinalq.gui.measuring import FRAME_MS
from napari_spinalq.gui.panels.along_bar import AlongBar
from napari_spinalq.gui.panels.along_plot import AlongPlot
from napari_spinalq.gui.panels.along_theme import palette_of
from napari_spinalq.gui.panels.profile_plot import Course as Drawn
from napari_spinalq.gui.work import CORD
from napari_spinalq.metrics.profile import Profile, level_means, profile_of
from napari_spinalq.norms.along import Band, band_along

if TYPE_CHECKING:
    import napari

NAME = "Along the cord"
HINT = "Segment the cord: it opens here straightened, with its measures slice by slice."
LOWEST, SHARE = 250, 0.28
"""Height at first: at least so many pixels, or this share of the window; the image keeps more than half of it."""

CATCH_PIXELS = 8.0
"""A click this near to a spike means the spike."""


class AlongDock(QWidget):
    """Strip and profile of the scan at hand; a click moves all views, a brush on the strip edits the scan."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.desk = desk_of(viewer)
        self.brush = StripBrush(self.desk.session, self.desk.edits)
        self.bar, self.plot, self._hint = AlongBar(DIAMETER_MM), AlongPlot(), QLabel(HINT)
        self.scene: Scene | None = None
        self.profile: Profile | None = None
        self._plane, self._depth_mm, self._metric, self._means = StripPlane.SAGITTAL, 0.0, AREA, False
        self._band: Band | None = None
        self._marks: dict[str, np.ndarray] = {}
        self._shown_work: object = None
        self._layer_links, self._placed = Links([]), False
        self._window_size = self.desk.window.size()
        _give_corners_to_the_sides(self.desk.window)
        self._later = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._later.timeout.connect(self.rebuild)
        self._arrange()
        self._connect()
        self.desk.attach(self, self._links())
        self._use_theme()

    def _arrange(self) -> None:
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self._content = QWidget()
        column = QVBoxLayout(self._content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.plot, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._hint)
        self._stack.addWidget(self._content)

    def _connect(self) -> None:
        self.bar.metric_wanted.connect(self._choose_metric)
        self.bar.means_wanted.connect(self._show_means)
        self.bar.plane_wanted.connect(self._choose_plane)
        self.bar.depth_wanted.connect(self._choose_depth)
        self.bar.tool_wanted.connect(self._use_tool)
        self.bar.brush_wanted.connect(self._use_brush)
        self.plot.strip_pressed.connect(self._press_strip)
        self.plot.strip_dragged.connect(self._drag_strip)
        self.plot.strip_doubled.connect(self._press_strip_twice)
        self.plot.profile_pointed.connect(self._go_to_slice)
        self.plot.released.connect(self._release)
        self.plot.hovered.connect(self._hover)
        self.plot.whole_wanted.connect(self._show_whole)

    def _links(self) -> list[Link]:
        desk, viewer = self.desk, self.desk.viewer
        return [
            (desk.session.scan_changed, self._release),
            (desk.session.scan_changed, self._rebuild_later),
            (desk.session.mask_changed, self._rebuild_later),
            (desk.session.discs_changed, self._rebuild_later),
            (desk.session.structure_changed, self._rebuild_later),
            (desk.session.read_only_changed, self._rebuild_later),
            (desk.measurer.measured, self._rebuild_later),
            (desk.measurer.rows_changed, self._refresh),
            (desk.edits.made, self._note_edit),
            (viewer.dims.events.current_step, self._follow_view),
            (viewer.events.theme, self._use_theme),
        ]

    def _take_the_bottom(self) -> None:
        """Stand under the image: where napari's menu puts a dock, it is too narrow."""
        dock, window = self.parent(), self.desk.window
        if not isinstance(dock, QDockWidget) or dock.isFloating():
            return
        if window.dockWidgetArea(dock) != Qt.DockWidgetArea.BottomDockWidgetArea:
            window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
            QTimer.singleShot(0, self._give_height_back)
        window.resizeDocks([dock], [max(LOWEST, round(SHARE * window.height()))], Qt.Orientation.Vertical)

    def _give_height_back(self) -> None:
        """Undo that the window grew while this dock stood among those at the side."""
        self.desk.window.resize(self._window_size)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while the dock was hidden."""
        super().showEvent(event)
        if not self._placed:
            self._placed = True
            QTimer.singleShot(0, self._take_the_bottom)
        self._rebuild_later()

    def _rebuild_later(self) -> None:
        """Lay out once for all that happens within a frame."""
        if not self._later.isActive():
            self._later.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """End a stroke that goes on: its release is not heard any more."""
        super().hideEvent(event)
        self._release()

    def rebuild(self) -> None:
        """Lay out the strip anew: the cord, its levels or what is shown of it changed. Never within a stroke."""
        if self.brush.active or not self.isVisible():
            return
        self.scene = scene_of(self.desk.session, self._plane, self._depth_mm)
        self._stack.setCurrentWidget(self._hint if self.scene is None else self._content)
        if self.scene is None:
            self._layer_links.cut()  # of the scan before, which may come back without a scene
            self._shown_work, self.profile = None, None
            return
        self._follow_layers()
        self._marks = marked_slices(self.scene.work, self._structure())
        self._show_controls()
        self._show_strip()
        self._show_band()
        self._refresh()
        self._fit()
        self._follow_view()

    def _follow_layers(self) -> None:
        """Hear when the grey window or the look of a mask changes."""
        work = self.scene.work
        self._layer_links.cut()
        looks = [
            signal
            for layer in work.masks().values()
            for signal in (layer.events.visible, layer.events.opacity, layer.events.contour)
        ]
        self._layer_links = Links(
            [(work.image.events.contrast_limits, self._show_picture), *((look, self._show_masks) for look in looks)]
        )
        self._layer_links.cut_with(self)

    def _structure(self) -> str:
        """Return the structure in hand, or the cord until that one is drawn."""
        name = self.desk.session.structure
        live = self.desk.measurer.live
        return name if live is not None and live.shapes(name) is not None else CORD

    def _show_controls(self) -> None:
        session = self.desk.session
        metrics = metrics_of(self._structure())
        if self._metric not in metrics:
            self._metric = AREA
        self.bar.show_metrics([(one.attribute, one.title) for one in metrics], self._metric.attribute)
        self.bar.show_plane(self._plane, DEEPER[self._plane])
        drawn = self.scene.work.layer_of(session.structure) is not None
        self.bar.show_possible(paint=drawn and not session.read_only)

    def _show_strip(self) -> None:
        scene = self.scene
        first, last = scene.range_mm
        if scene.work is self._shown_work:
            self.plot.set_limits(first, last)
        else:
            self._shown_work = scene.work
            self.plot.set_range(first, last)
        self.plot.strip.show_letters(*LETTERS[self._plane])
        self.plot.strip.show_levels(scene.course.discs_mm, scene.names_mm)
        self.plot.profile.show_discs(scene.course.discs_mm.values())
        self._show_picture()

    def _show_picture(self) -> None:
        self.plot.strip.show_picture(self.scene.picture(int(self.desk.viewer.dims.current_step[0])), self.scene.place)

    def _show_masks(self) -> None:
        self.plot.strip.show_masks(self.scene.masks(), self.scene.place)

    def _show_band(self) -> None:
        reference, words = reference_at_hand(self.desk.session, self._metric.attribute)
        self._band = None if reference is None else band_along(reference, self.scene.course.levels_mm)
        if reference is not None and self._band is None:
            words = "no healthy range: the levels are not known"
        band = self._band
        self.plot.profile.show_band(None if band is None else (band.along_mm, band.lower, band.upper))
        self.plot.name_axis(f"mm from {self.scene.course.origin} →", words, shown=band is not None)

    def _refresh(self) -> None:
        """Show masks and measures as they are at this moment of a stroke."""
        live = self.desk.measurer.live
        if self.scene is None or live is None or self.scene.work is not self.desk.session.current:
            return
        if not self.isVisible():
            return
        self._show_masks()
        shapes = live.shapes(self._structure())
        self.profile = profile_of(shapes.shapes, self._metric.attribute, self.scene.work_grid)
        marks = {**self._marks, "spike": self.profile.spikes}
        self.plot.profile.show_course(
            Drawn(
                self.scene.course.slices_mm[::-1],
                self.profile.values[::-1],
                {name: chosen[::-1] for name, chosen in marks.items()},
            )
        )
        self.plot.profile.make_room(*self._extent())
        self._show_means(self._means)

    def _extent(self) -> tuple[float, float]:
        """Return the lowest and the highest value on the plot, the healthy range included."""
        values = self.profile.values[np.isfinite(self.profile.values)]
        if self._band is not None:
            values = np.concatenate([values, self._band.lower, self._band.upper])
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)

    def _fit(self) -> None:
        if self.profile is not None:
            self.plot.profile.fit(*self._extent())

    def _show_means(self, wanted: bool) -> None:
        self._means = wanted
        live = self.desk.measurer.live
        if self.scene is None or live is None:
            return
        means = level_means(live.shapes(self._structure()).levels, self._metric.attribute) if wanted else {}
        ends = self.scene.course.levels_mm
        self.plot.profile.show_means((*ends[level], mean) for level, mean in means.items() if level in ends)

    def _note_edit(self, edit: Edit) -> None:
        """Mark the slices of a finished edit at once; all is counted again when the brush rests."""
        if self.scene is not None and edit.work is self.scene.work and edit.structure == CORD and edit.slices:
            self._marks["edited"][list(edit.slices)] = True

    def _follow_view(self) -> None:
        """Move the lines to where the main view stands."""
        viewer = self.desk.viewer
        if self.scene is None or viewer.dims.ndim < 3 or not self.isVisible():
            return
        arc, offset = self.scene.strip.place_of(world_to_mm(position(viewer), self.scene.work.scan.grid))
        along = float(self.scene.course.along_mm(arc))
        self.plot.strip.show_place(along, offset)
        self.plot.profile.show_place(along)

    def _press_strip(self, place: QPointF) -> None:
        if self.brush.tool:
            self.brush.begin(self.scene.strip, *self._on_strip(place))
        else:
            self._go_on_strip(place)

    def _press_strip_twice(self, place: QPointF) -> None:
        """Go on painting where two dabs follow each other quickly; without a tool show the whole cord."""
        if self.brush.tool:
            self._press_strip(place)
        else:
            self._show_whole()

    def _drag_strip(self, place: QPointF) -> None:
        self.plot.strip.show_brush(self.brush.diameter_mm if self.brush.tool else None, place)
        if self.brush.active:
            self.brush.move(*self._on_strip(place))
        elif not self.brush.tool:
            self._go_on_strip(place)

    def _release(self) -> None:
        if self.brush.active:
            self.brush.end()
            self._rebuild_later()

    def _on_strip(self, place: QPointF) -> tuple[float, float]:
        return float(self.scene.course.arc_mm(place.x())), place.y()

    def _go_on_strip(self, place: QPointF) -> None:
        point = self.scene.strip.points_mm(*self._on_strip(place))
        go_to(self.desk.viewer, mm_to_world(point, self.scene.work.scan.grid))

    def _go_to_slice(self, place: QPointF) -> None:
        number = self._slice_near(place.x())
        if number is not None:
            self.desk.measurer.go_to_slice(number)

    def _slice_near(self, along_mm: float) -> int | None:
        """Return the slice at a place, or the spike beside it."""
        if self.profile is None:
            return None
        apart = np.where(self.profile.spikes, np.abs(self.scene.course.slices_mm - along_mm), np.inf)
        if np.nanmin(apart) <= self.plot.millimetres(CATCH_PIXELS):
            return int(np.nanargmin(apart))
        return self.scene.course.slice_at(along_mm)

    def _hover(self, place: QPointF | None, on_strip: bool) -> None:
        """Tell slice, level and value under the mouse, and show the brush."""
        self.plot.strip.show_brush(self.brush.diameter_mm if self.brush.tool and on_strip else None, place)
        number = None if place is None or self.scene is None else self._slice_near(place.x())
        if number is None or self.profile is None:
            self.bar.show_reading("")
            self.plot.profile.show_hovered(None)
            return
        along, value = float(self.scene.course.slices_mm[number]), float(self.profile.values[number])
        self.plot.profile.show_hovered(along, value)
        self.bar.show_reading(self._words(number, along, value))

    def _words(self, number: int, along_mm: float, value: float) -> str:
        noted = {**self._marks, "spike": self.profile.spikes}
        signs = [name for name, slices in noted.items() if slices[number]]
        reference, _ = reference_at_hand(self.desk.session, self._metric.attribute)
        return slice_words(number, self.scene.course.level_at(along_mm), value, self._metric, signs, reference)

    def _choose_metric(self, attribute: str) -> None:
        self._metric = next(one for one in metrics_of(self._structure()) if one.attribute == attribute)
        self.rebuild()

    def _choose_plane(self, plane: str) -> None:
        self._plane = StripPlane(plane)
        self.rebuild()

    def _choose_depth(self, depth_mm: float) -> None:
        self._depth_mm = depth_mm
        self.rebuild()

    def _use_tool(self, tool: str) -> None:
        self.brush.tool = tool
        self.bar.show_tool(tool)

    def _use_brush(self, diameter_mm: float, ball: bool) -> None:
        self.brush.diameter_mm, self.brush.ball = diameter_mm, ball

    def _show_whole(self) -> None:
        if self.scene is not None:
            self.plot.set_range(*self.scene.range_mm)

    def _use_theme(self) -> None:
        palette = palette_of(self.desk.viewer.theme)
        self.plot.use_palette(palette)
        self.bar.show_legend(palette)
        self.rebuild()


def _give_corners_to_the_sides(window: QMainWindow) -> None:
    """Let the docks at the sides reach down to the foot: they need the height, and this one needs only the middle."""
    areas, corners = Qt.DockWidgetArea, Qt.Corner
    window.setCorner(corners.BottomLeftCorner, areas.LeftDockWidgetArea)
    window.setCorner(corners.BottomRightCorner, areas.RightDockWidgetArea)

"""What each pane shows of the session: the plane, its masks, its names and captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.gui import settings
from napari_spinalq.gui.colours import OTHER_COLOUR, STRUCTURE_COLOURS
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import Plane, position
from napari_spinalq.gui.layers import is_guess
from napari_spinalq.gui.panels.plane_pane import Content, Named
from napari_spinalq.gui.views.comparing import OTHER_OPACITY, Mode
from napari_spinalq.gui.views.crossview import ACROSS, Cover, CrossView, cross_view
from napari_spinalq.gui.views.lens import Lens
from napari_spinalq.gui.views.other import Other
from napari_spinalq.gui.views.windowing import words
from napari_spinalq.vertebrae import level_name
from napari_spinalq.views.paint import checkerboard, curtain

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk

FIELD_MM = 10.0
"""Edge of a field of the checkerboard (mm): a cord is seen in two or three of them."""


class Pictures:
    """Cuts the planes of the scan at hand, and of what it is compared with, as they are to be seen now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def content(self, plane: Plane, lens: Lens) -> Content:
        """Return what a pane shows of the scan at hand; compared with another one if that is wished."""
        work, comparer = self._desk.session.current, self._desk.comparer
        if work is None or self._desk.viewer.dims.ndim < 3:
            return Content()
        point, window = position(self._desk.viewer), self._desk.windower.window()
        colours = self._colours()
        own = cross_view(
            self._image(), work.scan.grid, point, plane, settings.convention(), window, self._covers(), colours
        )
        view = self._compared(own, plane, point)
        banner = "" if view is own else comparer.other.label
        return Content(
            view,
            point,
            self._discs(plane, work.scan.grid),
            self._caption(plane, own),
            words(window),
            banner,
            self._desk.crosshair.shown,
            comparer.curtain if banner and comparer.mode is Mode.CURTAIN and not comparer.showing_other else None,
            lens,
        )

    def other_content(self, plane: Plane, lens: Lens) -> Content:
        """Return what a pane shows of the other scan, at the same place and as far zoomed as a pane of this one."""
        other, here = self._desk.comparer.other, self._desk.session.current
        if other is None or here is None:
            return Content()
        point = position(self._desk.viewer)
        course = self._desk.comparer.course()
        there = other.place_there(point, here.scan.grid, course)
        image = self._image() if other.image is None else other.image
        if other.image is None:
            there, view = point, self._with_other_mask(plane, point, image)
        else:
            covers = [] if other.mask is None else [Cover(other.mask, OTHER_COLOUR, 1.0, outline=1)]
            view = cross_view(image, other.grid, there, plane, settings.convention(), other.window, covers)
        centre = None if lens.centre is None else there + (lens.centre - point)
        along = f"aligned by {other.aligned_by(course)}"
        remark = words(other.window) if other.image is not None else ""
        caption = f"{plane} {view.number} · {along}"
        return Content(
            view, there, (), caption, remark, other.label, self._desk.crosshair.shown,
            lens=Lens(centre, lens.mm_per_pixel, lens.field_mm),
        )  # fmt: skip

    def level(self) -> str:
        """Return the name of the level at the crosshair; empty where none is known."""
        levels, work = self._desk.measurer.levels(), self._desk.session.current
        if levels is None or work is None:
            return ""
        number = self._number(Plane.AXIAL)
        found = (level for level, slices in zip(levels.level, levels.slices, strict=True) if number in slices)
        return next((level_name(int(level)) for level in found), "")

    def _number(self, plane: Plane) -> int:
        steps = self._desk.viewer.dims.current_step
        return int(steps[len(steps) - 3 + ACROSS[plane]])

    def _caption(self, plane: Plane, view: CrossView) -> str:
        return " · ".join(part for part in (f"{plane} {view.number}", self.level()) if part)

    def _image(self) -> NDArray:
        data = self._desk.session.current.image.data
        if data.ndim == 3:
            return data
        return data[min(int(self._desk.viewer.dims.current_step[0]), len(data) - 1)]

    def _colours(self) -> NDArray[np.uint8]:
        """Return the colours of the scan's layer from black to white, its gamma and visibility in them."""
        layer = self._desk.session.current.image
        if not layer.visible:
            return np.zeros((256, 3), np.uint8)
        steps = np.linspace(0.0, 1.0, 256) ** layer.gamma
        return np.round(layer.colormap.map(steps)[:, :3] * 255).astype(np.uint8)

    def _covers(self) -> list[Cover]:
        """Return the masks with the look of their layers."""
        masks = self._desk.session.current.masks()
        return [
            Cover(layer.data, STRUCTURE_COLOURS[name], float(layer.opacity), int(layer.contour))
            for name, layer in masks.items()
            if layer.visible
        ]

    def _compared(self, own: CrossView, plane: Plane, point: NDArray[np.float64]) -> CrossView:
        """Return the plane with the other picture in its place, beside it or among it."""
        comparer = self._desk.comparer
        other = comparer.other
        if other is None or (comparer.mode in (Mode.BLINK, Mode.SIDE) and not comparer.showing_other):
            return own
        second = self._other_here(other, plane, point).pixels
        if comparer.showing_other:
            return own.showing(second)
        if comparer.mode is Mode.CURTAIN:
            return own.showing(curtain(own.pixels, second, comparer.curtain))
        mm = own.size_mm / np.array(own.pixels.shape[:2])
        rows, columns = (max(1, round(FIELD_MM / size)) for size in mm)
        return own.showing(checkerboard(own.pixels, second, (rows, columns)))

    def _other_here(self, other: Other, plane: Plane, point: NDArray[np.float64]) -> CrossView:
        if other.image_here is None:
            return self._with_other_mask(plane, point, self._image())
        grid = self._desk.session.current.scan.grid
        covers = [] if other.mask_here is None else [Cover(other.mask_here, OTHER_COLOUR, 1.0, outline=1)]
        return cross_view(other.image_here, grid, point, plane, settings.convention(), other.window, covers)

    def _with_other_mask(self, plane: Plane, point: NDArray[np.float64], image: NDArray) -> CrossView:
        """Return a plane of the scan at hand with the mask that is compared, instead of its own masks."""
        work, window = self._desk.session.current, self._desk.windower.window()
        covers = [Cover(self._desk.comparer.other.mask_here, OTHER_COLOUR, OTHER_OPACITY)]
        return cross_view(image, work.scan.grid, point, plane, settings.convention(), window, covers, self._colours())

    def _discs(self, plane: Plane, grid: Grid) -> list[Named]:
        """Return the named discs where they can be seen: not in an axial plane."""
        if plane is Plane.AXIAL:
            return []
        discs = self._desk.session.labelling.discs
        return [
            (disc.name, mm_to_world(disc.position_mm, grid), is_guess(disc))
            for disc in discs
            if grid.contains(disc.position_mm)
        ]

"""From the buttons of step 2 to a mask on the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_spinalq.cord.prepared import Prepared, prepare
from napari_spinalq.cord.segment import CordSegmentation, segment_cord
from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import mm_to_world, to_display, world_to_mm
from napari_spinalq.gui.display import Plane, current_plane, go_to, show_plane, zoom_on_cord
from napari_spinalq.gui.picking import Picker
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.gui.workers import Runner
from napari_spinalq.progress import Progress, portion

if TYPE_CHECKING:
    from napari.components import ViewerModel

Confirm = Callable[[str, str], bool]
Point = tuple[float, float, float]


class Segmenter:
    """Segments the scan at hand, and finds the way to the cord."""

    told = Signal(str, str)
    waiting = Signal(bool)

    def __init__(self, viewer: ViewerModel, session: Session, runner: Runner, picker: Picker, confirm: Confirm) -> None:
        self._viewer, self._session, self._runner = viewer, session, runner
        self._picker, self._confirm = picker, confirm

    def segment(self, at: Point | None = None) -> None:
        """Segment the scan at hand, from a point in the cord (RAS mm) if one is given."""
        work = self._session.current
        if work is None or self._session.held_back() or not self._may_replace(work):
            return

        def task(progress: Progress) -> tuple[Prepared, CordSegmentation]:
            prepared = prepared_for(work, portion(progress, 0.0, 0.5))
            return prepared, segment_cord(work.scan, at=at, prepared=prepared, progress=portion(progress, 0.5, 1.0))

        self._runner.run("Segmenting the cord", task, lambda done: self._take(work, *done))

    def wait_for_click(self, on: bool) -> None:
        """Segment from the next click on the image, or stop waiting for it."""
        if not on:
            self._picker.stop()
            return
        self._picker.wait(self._clicked, lambda: self.waiting.emit(False))
        self.waiting.emit(True)
        self.told.emit("plain", "Click on the cord in the image (any plane). Esc stops waiting.")

    def close_in(self, plane: Plane | None = None) -> None:
        """Go to the cord: its cross section at the slice that is shown, near enough to paint."""
        work = self._session.current
        if work is None:
            return
        if plane is not None:
            show_plane(self._viewer, plane)
        if work.centerline is None:
            self._viewer.fit_to_view()
            return
        zoom_on_cord(self._viewer, cord_world(work, float(self._viewer.dims.point[-3])))

    def centre_on_cord(self) -> None:
        """Move the slices to the cord at the height that is shown; the view stays fitted to the image."""
        work = self._session.current
        if work is not None and work.centerline is not None:
            centre = tuple(self._viewer.scene.camera.center)
            go_to(self._viewer, cord_world(work, float(self._viewer.dims.point[-3])))
            self._viewer.scene.camera.center = centre

    def _clicked(self, world: np.ndarray) -> None:
        place = world_to_mm(world, self._session.current.scan.grid)
        self.segment(tuple(float(value) for value in place))

    def _may_replace(self, work: ScanWork) -> bool:
        return not work.edited or self._confirm(
            "Replace the mask?", "The cord mask was edited by hand. A new segmentation replaces your edits."
        )

    def _take(self, work: ScanWork, prepared: Prepared, found: CordSegmentation) -> None:
        if self._session.held_back():  # since the work began
            return
        if work is self._session.current:
            work.prepared = prepared
        if work.mask is None:
            work.mask = layers.add_mask(self._viewer, found.mask, work.scan, work.image)
        else:
            work.mask.data = to_display(found.mask, work.scan.grid)
        self._session.set_mask(work, work.mask, found.centerline, found.flags, found.parameters)
        if work is self._session.current:
            middle = found.centerline.position(found.centerline.length_mm / 2)
            go_to(self._viewer, mm_to_world(middle, work.scan.grid))
            if current_plane(self._viewer) is Plane.AXIAL:
                self.close_in()


def prepared_for(work: ScanWork, progress: Progress) -> Prepared:
    """Return what segmenting the scan of this work needs, made now unless it is at hand."""
    return prepare(work.scan, progress) if work.prepared is None else work.prepared


def cord_world(work: ScanWork, z: float) -> np.ndarray:
    """Return the displayed world point (z, y, x) where the cord crosses height ``z`` (its nearer end beyond it)."""
    points = mm_to_world(work.centerline.points_mm, work.scan.grid)
    return points[np.argmin(np.abs(points[:, 0] - z))]

"""Opening exams and scans, and noticing the scans and masks that are dropped on the viewer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from napari.layers import Image, Labels
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import cord_centerline
from napari_spinalq.derivatives import structure_of_name
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import layer_grid, layer_scan, mm_to_world
from napari_spinalq.gui.display import Plane, go_to, show_plane, use_convention
from napari_spinalq.gui.reopening import Reopener
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.settings import convention
from napari_spinalq.gui.work import CORD, ScanWork, StructureWork
from napari_spinalq.gui.workers import Runner
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.reopen import SavedWork
from napari_spinalq.scan import Scan

if TYPE_CHECKING:
    from napari.components import ViewerModel

BEST_FIRST = (Contrast.T2W, Contrast.T1W, Contrast.T2STAR, Contrast.MT, Contrast.PSIR)
"""The scan that is shown first: the one on which the cord and the discs are seen best."""

NEARLY_CUBIC = 1.5
"""Voxels less stretched than this are shown sagittal first: that view shows the whole neck at once."""

REMOVE_AFTER_MS = 50
"""What was open is taken from the viewer so long after another exam came: by then that is drawn."""

LOOKING = "Looking for saved work"


class Opener:
    """Puts exams and scans on the table. Only the scan at hand is in the viewer: its slices set the sliders.

    ``looked`` tells that a scan is shown with all that was saved for it.
    """

    looked = Signal(object)

    def __init__(self, viewer: ViewerModel, session: Session, runner: Runner, reopener: Reopener) -> None:
        self._viewer, self._session, self._runner, self._reopener = viewer, session, runner, reopener
        self._busy = False
        self._arrived: list[Any] = []
        self._left: list[Any] = []
        self._removal = QTimer()
        self._removal.setSingleShot(True)
        self._removal.setInterval(REMOVE_AFTER_MS)
        self._removal.timeout.connect(self._remove_left)
        self._return = QTimer()
        self._return.setSingleShot(True)
        self._return.setInterval(0)
        self._return.timeout.connect(self._show_current)
        viewer.layers.events.inserted.connect(self._inserted)
        viewer.layers.events.removed.connect(self._removed)
        session.scan_changed.connect(self._show_current)
        for layer in viewer.layers:
            self._note(layer)

    def open_paths(self, paths: Sequence[str | Path]) -> None:
        """Open an exam: one folder, or its scans. The scan that is shown first is one with saved work, if any has.

        Raises
        ------
        InputError
            If no exam is found there.
        """
        exam = find_exam(paths)
        self._clear()
        self._session.open_exam(exam)
        self.choose(exam.files.index(_best(self._reopener.among(exam.files))))

    def choose(self, index: int) -> None:
        """Take a scan of the exam in hand; it is read if need be."""
        file = self._session.exam.files[index]
        work = self._session.work_of(file.path)
        if work is not None:
            self._session.take(work)
            self._face(work)
            self._look_for_saved(work)
            return
        search = self._reopener.search()

        def read(progress: Any) -> tuple[Scan, SavedWork | None]:
            progress(0.0, f"Reading {file.path.name}")
            scan = load_scan(file.path, file.contrast)
            progress(0.7, LOOKING)
            return scan, search(scan)

        self._runner.run_instead(f"Reading {file.path.name}", read, self._take)

    def put(self, exam: Exam, scan: Scan, saved: SavedWork) -> None:
        """Open an exam on a scan that was read elsewhere, with the work on it.

        What was open is only hidden at first: taking layers away costs napari as much time as drawing new ones, and an
        empty viewer in between would set planes and sliders anew.
        """
        self._runner.cancel()
        self._remove_left()
        left = [layer for work in self._session.works for layer in (*work.masks().values(), work.image)]
        self._session.open_exam(exam)
        self._take((scan, saved))
        for layer in left:
            layer.visible = False
        self._left = left
        QTimer.singleShot(0, self._removal.start)  # counted from when this is done, which itself takes a while

    def put_away(self) -> None:
        """Close what is open; nothing comes in its place."""
        self._runner.cancel()
        self._clear()
        self._session.open_exam(Exam("unknown", "", ()))

    def stop(self) -> None:
        """Listen to the layers no more: the window closes."""
        self._removal.stop()
        self._return.stop()
        self._viewer.layers.events.inserted.disconnect(self._inserted)
        self._viewer.layers.events.removed.disconnect(self._removed)

    def _take(self, read: tuple[Scan, SavedWork | None]) -> None:
        scan, saved = read
        with self._undisturbed():
            image = layers.add_image(self._viewer, scan)
        work = ScanWork(scan, image)
        self._session.take(work)
        self._put(work, saved)

    def _remove_left(self) -> None:
        """Take the layers away that were hidden when another exam came, and give the new ones their plain names."""
        left, self._left = self._left, []
        self._removal.stop()
        with self._undisturbed():
            for layer in left:
                layers.remove(self._viewer, layer)
        for layer, name in layers.names_of(self._session.current) if left else ():
            layer.name = name

    def _look_for_saved(self, work: ScanWork) -> None:
        """Look for the saved work of a scan that came another way than by :meth:`choose`."""
        if not work.looked_for and work.mask is None:
            search = self._reopener.search()
            self._runner.run(LOOKING, lambda _: search(work.scan), lambda saved: self._put(work, saved))

    def _put(self, work: ScanWork, saved: SavedWork | None) -> None:
        """Put the saved work of a scan on the table, turn the view to it, and only then let questions be asked."""
        self._reopener.put(work, saved)
        if work is self._session.current:
            self._face(work)
            self.looked.emit(work)

    def _face(self, work: ScanWork) -> None:
        """Turn the view to a scan: its best plane, at the cord if that is known, else at the middle."""
        use_convention(self._viewer, convention())
        grid = work.scan.grid
        centre = grid.voxel_to_mm((np.asarray(grid.shape) - 1) / 2)
        if work.centerline is not None:
            centre = work.centerline.position(work.centerline.length_mm / 2)
        show_plane(self._viewer, _best_plane(work.scan))
        go_to(self._viewer, mm_to_world(centre, grid))
        self._viewer.fit_to_view()
        layers.gather_discs(self._viewer, grid)
        self._viewer.canvas.overlays.scale_bar.visible = True

    def _clear(self) -> None:
        self._remove_left()
        with self._undisturbed():
            for work in self._session.works:
                self._hide(work)

    def _show_current(self) -> None:
        current = self._session.current
        with self._undisturbed():
            for work in self._session.works:
                if work is not current:
                    self._hide(work)
            if current is not None:
                own = (current.image, *current.masks().values())
                for place, layer in enumerate(own):
                    if layer not in self._viewer.layers:
                        self._viewer.layers.insert(place, layer)

    def _hide(self, work: ScanWork) -> None:
        for layer in (*work.masks().values(), work.image):
            layers.remove(self._viewer, layer)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Add and remove layers without taking it for a deed of the user."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _removed(self, event: Any) -> None:
        """Drop what the user removed; a mask that may only be looked at comes back."""
        if self._busy:
            return
        masks = [layer for work in self._session.works for layer in work.masks().values()]
        if any(event.value is layer for layer in masks) and self._session.held_back():
            self._return.start()
        else:
            self._session.drop_layer(event.value)

    def _inserted(self, event: Any) -> None:
        if not self._busy:
            self._note(event.value)

    def _note(self, layer: Any) -> None:
        """Look at layers that came from elsewhere, once napari has finished adding all of them."""
        if isinstance(layer, (Image, Labels)) and layer_grid(layer) is not None:
            self._arrived.append(layer)
            if len(self._arrived) == 1:
                QTimer.singleShot(0, self._adopt)

    def _adopt(self) -> None:
        known = [part for work in self._session.works for part in (work.image, *work.masks().values())]
        arrived = [one for one in self._arrived if one in self._viewer.layers and not any(one is k for k in known)]
        self._arrived = []
        images = [layer for layer in arrived if layer_scan(layer) is not None]
        if images:
            self._adopt_images(images)
        for layer in arrived:
            if isinstance(layer, Labels):
                self._adopt_mask(layer)

    def _adopt_images(self, images: Sequence[Image]) -> None:
        files = find_exam([layer_scan(image).source.path for image in images])
        if self._session.exam is None:
            self._session.open_exam(files)
        else:
            self._session.add_files(files.files)
        works = [ScanWork(layer_scan(image), image) for image in images]
        best = min(works, key=lambda work: _rank(work.scan.contrast))
        for work in (*(one for one in works if one is not best), best):
            self._session.take(work)
        self._face(best)
        self._look_for_saved(best)

    def _adopt_mask(self, layer: Labels) -> None:
        """Take a dropped mask as that of the scan whose grid it shares, if that scan has none.

        It is what its name says (``label-GM``, ``label-canal``), else the cord.
        """
        grid, binary, name = layer_grid(layer), int(layer.data.max()) == 1, structure_of_name(layer.name)
        works = [one for one in self._session.works if one.scan.grid == grid and one.layer_of(name) is None]
        if not works or not binary or name == "wm" or self._session.held_back():
            return
        layers.style_mask(layer, name)
        parameters = {"mask": layer.name}
        if name == CORD:
            shapes = slice_shapes(np.asarray(layer.data), grid.reoriented(WORK_AXES))
            centerline = cord_centerline(shapes.centroid_mm, grid)
            self._session.set_mask(works[0], layer, centerline, parameters=parameters)
        else:
            self._session.set_structure(works[0], name, StructureWork(layer, parameters=parameters))
        self._session.take(works[0])


def describe(file: ExamFile) -> str:
    """Say in a line what a scan of an exam is: contrast, gradients if any, voxel size, name."""
    gradients = ""
    if file.contrast is Contrast.DWI:
        gradients = " with bval and bvec" if file.bval and file.bvec else " without bval/bvec"
    return f"{file.contrast.label}{gradients} · {_voxel_size(file.path)} · {file.name}"


@cache
def _voxel_size(path: Path) -> str:
    """Return the voxel size in words, from the header alone."""
    try:
        return " × ".join(f"{edge:.3g}" for edge in nib.load(path).header.get_zooms()[:3]) + " mm"
    except (nib.filebasedimages.ImageFileError, OSError, EOFError):
        return "unreadable"


def _best(files: Sequence[ExamFile]) -> ExamFile:
    return min(files, key=lambda file: _rank(file.contrast))


def _rank(contrast: Contrast) -> int:
    return BEST_FIRST.index(contrast) if contrast in BEST_FIRST else len(BEST_FIRST)


def _best_plane(scan: Scan) -> Plane:
    """Return the plane in which the scan was made: across its longest voxel edge."""
    spacing = scan.grid.reoriented(WORK_AXES).spacing
    if max(spacing) < NEARLY_CUBIC * min(spacing):
        return Plane.SAGITTAL
    return (Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL)[int(np.argmax(spacing))]

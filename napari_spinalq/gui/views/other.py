"""Another scan or mask to compare with: read, put on the grid in hand, and never edited. No Qt is known here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import WORK_AXES, Grid, resample_array
from napari_spinalq.gui.convert import mm_to_world, to_display, world_to_mm
from napari_spinalq.gui.saving import folder_beside
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.progress import Progress
from napari_spinalq.reopen import saved_work
from napari_spinalq.scan import Scan
from napari_spinalq.views.align import Course, same_place_mm, shared_discs
from napari_spinalq.views.window import Window, auto_window


@dataclass(frozen=True, eq=False)
class Other:
    """What is compared with. All arrays are in work order (z, y, x).

    Attributes
    ----------
    name : str
        Of its file.
    grid : Grid
        Grid of its file.
    image, mask : array, optional
        On its own grid; a file of a mask has no image.
    image_here, mask_here : array, optional
        The same on the grid of the scan at hand.
    difference : str
        How its grid differs from the one at hand, in words; empty if nothing was resampled.
    window : Window
        Values shown black and white.
    course : Course, optional
        Its cord and discs, where both are known.
    same_exam : bool
        Whether it was scanned in the same session, so that mm are the same place.
    """

    name: str
    grid: Grid
    image: NDArray | None
    mask: NDArray | None
    image_here: NDArray | None
    mask_here: NDArray | None
    difference: str
    window: Window
    course: Course | None = None
    same_exam: bool = False

    @property
    def label(self) -> str:
        """What is written on everything that shows it."""
        return f"compare: {self.name} (read only)"

    def aligned_by(self, here: Course | None) -> str:
        """Return ``"level"`` if both scans are labelled and were made in different sessions, else ``"mm"``."""
        usable = not self.same_exam and here is not None and self.course is not None
        return "level" if usable and shared_discs(here, self.course) else "mm"

    def place_there(self, world: NDArray[np.float64], grid: Grid, here: Course | None) -> NDArray[np.float64]:
        """Return the displayed point of the other scan that shows the same place as one of the scan on ``grid``."""
        point = world_to_mm(world, grid)
        if self.aligned_by(here) == "level":
            point = same_place_mm(point, here, self.course)
        return mm_to_world(point, self.grid)

    def place_here(self, world: NDArray[np.float64], grid: Grid, here: Course | None) -> NDArray[np.float64]:
        """Return the displayed point of the scan on ``grid`` that shows the same place as one of the other scan."""
        point = world_to_mm(world, self.grid)
        if self.aligned_by(here) == "level":
            point = same_place_mm(point, self.course, here)
        return mm_to_world(point, grid)


def read_other(path: Path, grid: Grid, *, same_exam: bool, progress: Progress) -> Other:
    """Read a scan with its saved work, or a mask, to compare with the scan on ``grid``.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    progress(0.0, f"Reading {path.name}")
    scan = load_scan(path).mean_volume()
    if is_mask(scan.data):
        return put_on(grid, scan.name, scan.grid, None, scan.data)
    progress(0.5, "Looking for its mask and discs")
    saved = saved_work(scan, find_exam([path]), folder_beside(path))
    mask = None if saved is None else saved.mask
    course = None if saved is None else course_of(saved.centerline, saved.labelling)
    progress(0.7, "Putting it on the grid of the scan at hand")
    return put_on(grid, scan.name, scan.grid, scan.data, mask, course, same_exam=same_exam)


def open_other(scan: Scan, mask: NDArray | None, course: Course | None, grid: Grid) -> Other:
    """Return a scan of the same exam that is open already, with its mask (axis order of its file) as it is now."""
    return put_on(grid, scan.name, scan.grid, scan.mean_volume().data, mask, course, same_exam=True)


def put_on(
    grid: Grid,
    name: str,
    own: Grid,
    image: NDArray | None,
    mask: NDArray | None,
    course: Course | None = None,
    *,
    same_exam: bool = False,
) -> Other:
    """Put a scan, a mask or both (axis order of their file, on ``own``) on another grid by true RAS position."""
    window = Window(0.0, 1.0) if image is None else auto_window(np.asarray(image))
    work, work_own = grid.reoriented(WORK_AXES), own.reoriented(WORK_AXES)
    shown = [None if data is None else to_display(np.asarray(data), own) for data in (image, mask)]
    same = work.matches(work_own)
    here = [
        data if same or data is None else resample_array(data, work_own, work, order=order, fill=float(data.min()))
        for data, order in zip(shown, (1, 0), strict=True)
    ]
    difference = "" if same else _difference(work_own, work)
    return Other(name, own, *shown, *here, difference, window, course, same_exam)


def _difference(own: Grid, here: Grid) -> str:
    """Say how a grid differs from the one at hand: by its voxels, which tell how much detail there is, or else how."""
    sizes = [" x ".join(f"{size:.3g}" for size in grid.spacing[::-1]) for grid in (own, here)]
    return own.difference(here) if sizes[0] == sizes[1] else f"voxels of {sizes[0]} mm against {sizes[1]} mm"


def course_of(centerline: Centerline | None, labelling: Labelling | None) -> Course | None:
    """Return the course of a labelled cord; None if its centerline or its discs are not known."""
    if centerline is None or labelling is None or not labelling.discs:
        return None
    return Course(centerline, tuple(labelling.discs))


def is_mask(data: NDArray) -> bool:
    """Tell whether an array holds nothing but 0 and 1, and both."""
    values = np.unique(np.asarray(data))
    return values.tolist() == [0, 1]

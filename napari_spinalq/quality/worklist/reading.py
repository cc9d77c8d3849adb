"""Reading a case of a worklist: what is measured and flagged, the exam it belongs to, and its small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.derivatives import NOT_DRAWN, scan_paths
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import WORK_AXES, to_work_order
from napari_spinalq.io.bids import find_exam
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.worklist.cases import ListedCase
from napari_spinalq.quality.worklist.measured import Measured, Summary, measure_case
from napari_spinalq.quality.worklist.thumbnails import Mosaic, axial_mosaic, sagittal_strip
from napari_spinalq.reopen import SavedWork, binary_mask
from napari_spinalq.results import DrawnStructure, ScanResult
from napari_spinalq.scan import place_of
from napari_spinalq.structures import DRAWN


@dataclass(frozen=True, eq=False)
class Reading(Measured):
    """A case that was read, ready to be shown.

    Attributes
    ----------
    exam : Exam
        The exam of the image: all scans of its folder.
    mosaic, strip
        The small pictures.
    """

    exam: Exam
    mosaic: Mosaic
    strip: NDArray[np.uint8]

    @cached_property
    def size_bytes(self) -> int:
        """Memory that it takes, about."""
        arrays = [self.result.scan.data, self.result.mask, self.result.levels, self.mosaic.picture, self.strip]
        arrays += [one.mask for one in self.result.structures if one.mask is not None]
        return sum(array.nbytes for array in arrays)

    @property
    def folder(self) -> Path | None:
        """The root of the derivatives in which the mask lies, if this package named it; else None.

        What is corrected is saved there. The masks of other programs are never written.
        """
        case = self.summary.case
        roots = (one for one in case.mask.parents if scan_paths(case.image.name, self.exam, one).mask == case.mask)
        return next(roots, None)

    def place_mm(self, index: int) -> NDArray[np.float64]:
        """Return a place (RAS mm) in an axial slice: where the nearest slice that holds the cord has it."""
        shapes, grid = self.result.shapes, self.result.scan.grid.reoriented(WORK_AXES)
        nearest = int(np.abs(shapes.slice_index - index).argmin())
        voxel = grid.mm_to_voxel(shapes.centroid_mm[nearest])
        return grid.voxel_to_mm([index, voxel[1], voxel[2]])

    def saved_work(self) -> SavedWork:
        """Return the masks and discs as work that was saved earlier, to go on with."""
        result, record = self.result, self.record
        parameters = {key: value for key, value in (record.parameters if record else {}).items() if key != NOT_DRAWN}
        own = tuple(flag for flag in (record.flags if record else ()) if flag not in result.flags)
        drawn = (DrawnStructure(one.name, one.mask, (), one.parameters) for one in result.structures)
        return SavedWork(
            mask=binary_mask(result.mask),
            centerline=result.centerline,
            labelling=result.labelling if result.labelling.discs else None,
            flags=own,
            parameters=parameters,
            edited=record is None or record.parameters.get("edited_by_hand") is True,
            refusals=self.remarks,
            record=record,
            drawn=tuple(one for one in drawn if one.name in DRAWN),
        )


def read_case(case: ListedCase, progress: Progress = silent) -> Reading:
    """Read a case and measure it, and draw its small pictures.

    Parameters
    ----------
    case : ListedCase
        What to read.
    progress : Progress
        Told how far the work is; may stop it.

    Raises
    ------
    InputError
        As :func:`~napari_spinalq.quality.worklist.measured.measure_case`.
    """
    found = measure_case(case, progress)
    progress(0.9, f"Drawing {case.name}")
    mosaic, strip = _pictures(found.result, found.summary)
    return Reading(
        found.summary, found.result, found.record, found.remarks, found.sources, _exam(case.image), mosaic, strip
    )


def _pictures(result: ScanResult, summary: Summary) -> tuple[Mosaic, NDArray[np.uint8]]:
    scan = result.scan.mean_volume()
    image, grid = to_work_order(scan.data, scan.grid)
    mask, _ = to_work_order(result.mask, scan.grid)
    mosaic = axial_mosaic(image, mask, grid.spacing, wanted=summary.places, doubtful=summary.doubtful_slices)
    return mosaic, sagittal_strip(image, mask, grid.spacing)


def _exam(image: Path) -> Exam:
    """Return the exam of an image: what is saved of one scan then keeps the rows of the others."""
    folder = next((parent for parent in image.parents if parent.name.startswith(("ses-", "sub-"))), None)
    try:
        exam = find_exam([folder]) if folder else find_exam([image])
    except InputError:  # the folder of a subject may hold several sessions
        return find_exam([image])
    return exam if any(place_of(file.path) == image for file in exam.files) else find_exam([image])

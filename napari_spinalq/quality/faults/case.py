"""A scan with its masks and discs, before it is measured: what faults are put into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import WORK_AXES, Grid, reorient_array, to_work_order
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.reopen import INSIDE_FROM, NO_DISCS, binary_mask
from napari_spinalq.results import DrawnStructure, ScanResult
from napari_spinalq.scan import Scan


@dataclass(frozen=True, eq=False)
class Case:
    """A scan, its masks and its discs.

    Attributes
    ----------
    scan : Scan
        The image, in the axis order of its file.
    cord : array of uint8, shape ``scan.grid.shape``
        Cord, 0 and 1.
    labelling : Labelling
        Named discs, perhaps none.
    structures : tuple of DrawnStructure
        Grey matter and canal, as far as there are any.
    parameters : mapping
        How the cord was made; where it was drawn automatically, with its confidence.
    """

    scan: Scan
    cord: NDArray[np.uint8]
    labelling: Labelling = NO_DISCS
    structures: tuple[DrawnStructure, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def measured(self) -> ScanResult:
        """Measure the case, as every mask is measured."""
        return measure_scan(self.scan, self.cord, self.labelling, parameters=self.parameters, drawn=self.structures)


def case_of(result: ScanResult) -> Case:
    """Return the case that a result was measured from; a soft mask is cut at one half."""
    drawn = tuple(
        DrawnStructure(one.name, binary_mask(one.mask))
        for one in result.structures
        if one.mask is not None and one.name != "wm"
    )
    cord = binary_mask(result.mask)
    return Case(result.scan, cord, result.labelling, drawn, dict(result.parameters))


@dataclass(frozen=True, eq=False)
class WorkCase:
    """The arrays of a case in work order (z, y, x), free to be changed.

    Attributes
    ----------
    image : (n_z, n_y, n_x) array of float32
        Values; of a scan of several volumes their mean.
    cord : (n_z, n_y, n_x) array of bool
        The cord.
    others : dict of name to array of bool
        Grey matter and canal.
    grid : Grid
        In work order.
    """

    image: NDArray[np.float32]
    cord: NDArray[np.bool_]
    others: dict[str, NDArray[np.bool_]]
    grid: Grid

    @property
    def slices(self) -> NDArray[np.int_]:
        """Slices that hold the cord, ascending."""
        return np.flatnonzero(self.cord.any(axis=(1, 2)))

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Distance of rows and of columns, mm."""
        return self.grid.spacing[1], self.grid.spacing[2]


def to_work(case: Case) -> WorkCase:
    """Return the arrays of a case in work order, as copies."""
    scan = case.scan.mean_volume().in_work_order()
    cord = to_work_order(np.asarray(case.cord), case.scan.grid)[0] > 0
    others = {
        one.name: to_work_order(np.asarray(one.mask), case.scan.grid)[0] >= INSIDE_FROM
        for one in case.structures
        if one.mask is not None
    }
    return WorkCase(np.array(scan.data, np.float32), cord, others, case.scan.grid.reoriented(WORK_AXES))


def with_masks(case: Case, work: WorkCase) -> Case:
    """Return a case with the masks of changed arrays; its image stays the very same."""
    return replace(case, cord=_back(work.cord, work, case), structures=_structures(case, work))


def with_image_and_masks(case: Case, work: WorkCase) -> Case:
    """Return a case with image, masks and grid of changed arrays; the image then has no source file."""
    codes = case.scan.grid.axis_codes
    image, grid = reorient_array(work.image, work.grid, codes)
    scan = Scan(image, grid, case.scan.contrast)
    return replace(case, scan=scan, cord=_back(work.cord, work, case), structures=_structures(case, work))


def _back(mask: NDArray[np.bool_], work: WorkCase, case: Case) -> NDArray[np.uint8]:
    return reorient_array(mask.astype(np.uint8), work.grid, case.scan.grid.axis_codes)[0]


def _structures(case: Case, work: WorkCase) -> tuple[DrawnStructure, ...]:
    return tuple(
        replace(one, mask=_back(work.others[one.name], work, case)) if one.name in work.others else one
        for one in case.structures
    )

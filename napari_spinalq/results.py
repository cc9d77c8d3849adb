"""What was found in a scan and in an exam: the values that tables, files, reports and the viewer share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.confidence import Confidence
from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.diffusion.tensor import TensorFit
from napari_spinalq.exam import Exam
from napari_spinalq.gradients import GradientTable
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.metrics.shape import SliceShapes
from napari_spinalq.metrics.uncertainty import level_half_width_mm2
from napari_spinalq.registration.registration import Registration
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.values import TractValue

CHECKED_SLICES, EDITED_SLICES = "checked_slices", "edited_slices"
"""Keys of a cord mask's parameters: which axial slices (from inferior) a person checked unchanged, and edited."""


@dataclass(frozen=True, eq=False)
class DrawnStructure:
    """Grey matter or the canal of one scan, as it was segmented, painted or read.

    Attributes
    ----------
    name : str
        ``"gm"`` or ``"canal"``.
    mask : array, shape of the scan's grid, optional
        0..1; None where it could not be drawn.
    flags : tuple of str
        What a reader must know; where there is no mask, the first says why.
    parameters : mapping
        How it was made.
    """

    name: str
    mask: NDArray | None
    flags: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class StructureResult:
    """A structure beside the cord itself, measured, or why it is not.

    Attributes
    ----------
    name : str
        ``"gm"``, ``"wm"`` or ``"canal"``.
    mask : array, shape of the scan's grid, optional
        0..1; None where it could not be measured. White matter follows from cord and grey matter and is not saved.
    shapes : SliceShapes, optional
        Measures of every slice that holds it.
    level_shapes : LevelShapes, optional
        The same per level.
    flags : tuple of str
        What a reader must know; where there is no mask, the first says why.
    parameters : mapping
        How it was made.
    """

    name: str
    mask: NDArray | None = None
    shapes: SliceShapes | None = None
    level_shapes: LevelShapes | None = None
    flags: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ScanResult:
    """The cord of one scan, measured, and what else was measured within and around it.

    Attributes
    ----------
    scan : Scan
        The image, in the axis order of its file.
    mask : array, shape ``scan.grid.shape``
        Cord: uint8 0 and 1, or float32 0..1.
    centerline : Centerline
        Fitted to the mask, RAS mm.
    labelling : Labelling
        The discs, perhaps none.
    levels : array of uint8, shape ``scan.grid.shape``
        Vertebral level of each voxel of the mask, 0 = none.
    slice_levels : array of int, shape (n_slices,)
        Level of each axial slice in work order, 0 = none.
    shapes : SliceShapes
        Measures of every slice that holds the cord.
    level_shapes : LevelShapes
        The same per level; a level whose end rests on a guess is flagged.
    parameters : mapping
        Settings that changed the result.
    flags : tuple of str
        What a reader must know about cord and levels, as short sentences.
    structures : tuple of StructureResult
        Grey matter, white matter and canal, as far as they were asked for.
    confidence : Confidence, optional
        How far each axial slice of the cord can be trusted, where it was drawn automatically.
    """

    scan: Scan
    mask: NDArray
    centerline: Centerline
    labelling: Labelling
    levels: NDArray[np.uint8]
    slice_levels: NDArray[np.int_]
    shapes: SliceShapes
    level_shapes: LevelShapes
    parameters: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    structures: tuple[StructureResult, ...] = ()
    confidence: Confidence | None = None

    @property
    def area_half_widths_mm2(self) -> dict[int, float]:
        """Half the width of the 95 % interval of the mean area by level, mm2, where it is known."""
        if self.confidence is None:
            return {}
        return level_half_width_mm2(self.level_shapes, self.shapes, self.confidence)

    @property
    def all_flags(self) -> tuple[str, ...]:
        """What a reader must know about everything that was measured, each sentence once."""
        return tuple(dict.fromkeys([*self.flags, *(flag for one in self.structures for flag in one.flags)]))

    def structure(self, name: str) -> StructureResult | None:
        """Return ``"gm"``, ``"wm"`` or ``"canal"``; None if it was not asked for."""
        return next((one for one in self.structures if one.name == name), None)


@dataclass(frozen=True, eq=False)
class QuantityMap:
    """A measured quantity in every voxel.

    Attributes
    ----------
    name : str
        In tables, such as ``"fa"``.
    title : str
        As people read it, such as ``"FA"``.
    unit : str
        Empty for a pure number.
    data : array of float32, shape of the scan's grid
        NaN where it is not known.
    """

    name: str
    title: str
    unit: str
    data: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DiffusionSeries:
    """What became of a diffusion series.

    Attributes
    ----------
    corrected : Scan
        4-D, motion corrected, on the grid of the file.
    gradients : GradientTable
        Of the corrected series.
    motion : Motion, optional
        None where it was not corrected.
    fit : TensorFit
        The tensor within the dilated cord.
    """

    corrected: Scan
    gradients: GradientTable
    motion: Motion | None
    fit: TensorFit


@dataclass(frozen=True, eq=False)
class MapsResult:
    """Maps of one acquisition (diffusion, magnetisation transfer, or any map) and their values per tract and level.

    Attributes
    ----------
    name : str
        ``"dwi"``, ``"mt"``, or the name of a map's file.
    scan : Scan
        3-D image on whose grid the maps lie: mean weighted image, image with the MT pulse, or the map.
    mask : array of uint8, shape ``scan.grid.shape``
        The cord on that grid.
    slice_levels : array of int, shape (n_slices,)
        Level of each axial slice in work order, 0 = none.
    maps : tuple of QuantityMap
        In the order in which they are read.
    tracts : TractMaps, optional
        The atlas fitted to this cord; None where there is none.
    values : tuple of TractValue
        By structure, level and metric.
    series : DiffusionSeries, optional
        For a diffusion scan.
    registration : Registration, optional
        Of the anatomical scan (source) to this one (target).
    carried : mapping of str to array of float32, shape ``scan.grid.shape``
        What the registration brought onto this grid: ``"image"``, ``"cord"`` and ``"gm"`` of the anatomical scan.
    used : tuple of str
        Names of the scans that the maps were made from.
    parameters : mapping
        Settings that changed the result.
    flags : tuple of str
        What a reader must know.
    """

    name: str
    scan: Scan
    mask: NDArray[np.uint8]
    slice_levels: NDArray[np.int_]
    maps: tuple[QuantityMap, ...]
    tracts: TractMaps | None
    values: tuple[TractValue, ...]
    series: DiffusionSeries | None = None
    registration: Registration | None = None
    carried: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    used: tuple[str, ...] = ()

    def map(self, name: str) -> QuantityMap | None:
        """Return a map by its name in tables; None if it is not there."""
        return next((one for one in self.maps if one.name == name), None)


@dataclass(frozen=True, eq=False)
class ExamResult:
    """The measured scans of one exam.

    Attributes
    ----------
    exam : Exam
        Subject, session and files.
    scans : tuple of ScanResult
        In the order in which they were measured; the first carries the discs.
    skipped : tuple of (name, reason)
        Scans that were not measured, and why.
    maps : tuple of MapsResult
        Diffusion, magnetisation transfer and other maps, with their values per tract.
    """

    exam: Exam
    scans: tuple[ScanResult, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    maps: tuple[MapsResult, ...] = ()

"""Grey matter, white matter and canal of a scan whose cord is known: drawn where it shows them, and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.backends import Backend
from napari_spinalq.cord.backends.exchange import ExternalMask
from napari_spinalq.cord.backends.segment import segment_with
from napari_spinalq.cord.backends.totalspineseg import structure_of
from napari_spinalq.cord.canal import segment_canal
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.grey_matter import PHYSICAL_EDGE, READER_EDGE, segment_grey_matter
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array, to_work_order
from napari_spinalq.metrics.catalogue import STRUCTURE_TITLES
from napari_spinalq.metrics.levels import per_level, with_level_flags
from napari_spinalq.metrics.ranges import at_slices
from napari_spinalq.metrics.shape import GAP, SliceShapes, slice_shapes
from napari_spinalq.metrics.white_matter import white_matter
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import DrawnStructure, StructureResult
from napari_spinalq.scan import Scan

DRAWN = ("gm", "canal")
"""What is drawn beside the cord; white matter follows from cord and grey matter."""

OUTSIDE = {"gm": "grey matter outside the cord", "canal": "cord outside the canal"}
"""What is said where the inner of two structures leaves the outer one. It is never cut: a person may have drawn it."""

SHARE_TOLERANCE = 0.01
"""Soft masks of two structures may differ by this share of a voxel before one counts as outside the other."""


def draw_structure(
    name: str,
    scan: Scan,
    cord_mask: NDArray,
    centerline: Centerline,
    *,
    slice_levels: NDArray[np.int_] | None = None,
    edge_offset_mm: float | None = None,
    progress: Progress = silent,
) -> DrawnStructure:
    """Segment grey matter or the canal around a known cord.

    Parameters
    ----------
    name : str
        ``"gm"`` or ``"canal"``.
    scan : Scan
        Any contrast and axis order.
    cord_mask : array, shape ``scan.grid.shape``
        The cord as it is measured and saved, 0..1.
    centerline : Centerline
        Of the cord, RAS mm.
    slice_levels : (n_slices,) array of int, optional
        Vertebral level of each axial slice, 0 = none: which shape of grey matter is expected there.
    edge_offset_mm : float, optional
        How far inside the half-maximum edge the cord was drawn; by default as readers draw. Grey matter knows only
        the physical edge (0) and that of readers; another offset is flagged.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    DrawnStructure
        Without a mask, and flagged, where the scan does not show it.
    """
    found: Any
    if name == "gm":
        edge_level = PHYSICAL_EDGE if edge_offset_mm == 0 else READER_EDGE
        found = segment_grey_matter(
            scan, cord_mask, centerline, slice_levels=slice_levels, edge_level=edge_level, progress=progress
        )
    else:
        found = segment_canal(scan, cord_mask, centerline, edge_offset_mm=edge_offset_mm or 0.0, progress=progress)
    flags = found.flags
    if name == "gm" and edge_offset_mm and found.measurable:
        flags = (*flags, f"grey matter is drawn as readers do: it has no edge offset of {edge_offset_mm:g} mm")
    return DrawnStructure(name, found.mask if found.measurable else None, flags, found.parameters)


def draw_structures(
    scan: Scan,
    cord_mask: NDArray,
    centerline: Centerline,
    *,
    slice_levels: NDArray[np.int_] | None = None,
    edge_offset_mm: float | None = None,
    progress: Progress = silent,
) -> tuple[DrawnStructure, ...]:
    """Segment grey matter and canal, as :func:`draw_structure` does each."""
    steps = {"gm": portion(progress, 0.0, 0.8), "canal": portion(progress, 0.8, 1.0)}
    return tuple(
        draw_structure(
            name,
            scan,
            cord_mask,
            centerline,
            slice_levels=slice_levels,
            edge_offset_mm=edge_offset_mm,
            progress=steps[name],
        )
        for name in DRAWN
    )


def structures_of_backend(
    backend: Backend, scan: Scan, outline: ExternalMask, progress: Progress = silent
) -> tuple[DrawnStructure, ...]:
    """Have grey matter and canal segmented by another program; what it cannot do is flagged, and done by nobody else.

    Parameters
    ----------
    backend : Backend
        Any but the built-in one.
    scan : Scan
        The image.
    outline : ExternalMask
        What the program left for the cord; a canal that it labelled in the same run is taken from there.
    progress : Progress
        Told that it runs; may stop it.
    """
    steps = {"gm": portion(progress, 0.0, 0.5), "canal": portion(progress, 0.5, 1.0)}
    return tuple(_by_backend(name, backend, scan, outline, steps[name]) for name in DRAWN)


def _by_backend(name: str, backend: Backend, scan: Scan, outline: ExternalMask, progress: Progress) -> DrawnStructure:
    if name == "canal" and outline.labels is not None:
        return DrawnStructure(name, structure_of(outline.labels, name), outline.flags, outline.parameters)
    try:
        found = segment_with(backend, scan, name, progress)
    except InputError as error:
        why = f"{STRUCTURE_TITLES[name]} not measured: {str(error).rstrip('.')}"
        return DrawnStructure(name, None, (why,), {"backend": backend.value})
    return DrawnStructure(name, found.mask, found.flags, found.parameters)


def measured_structures(
    drawn: Sequence[DrawnStructure],
    cord_mask: NDArray,
    cord: SliceShapes,
    grid: Grid,
    slice_levels: NDArray[np.int_],
    extents: Mapping[int, tuple[str, ...]],
) -> tuple[StructureResult, ...]:
    """Measure what was drawn beside the cord, in the cord's direction; with grey matter its white matter too.

    Parameters
    ----------
    drawn : sequence of DrawnStructure
        Grey matter and canal, as far as they were asked for.
    cord_mask : array, shape ``grid.shape``
        The cord, 0..1.
    cord : SliceShapes
        Its measures.
    grid : Grid
        Grid of all masks.
    slice_levels : (n_slices,) array of int
        Vertebral level of each axial slice, 0 = none.
    extents : mapping of int to tuple of str
        What is uncertain about where a level begins and ends, by level.
    """
    found: list[StructureResult] = []
    for one in drawn:
        measured = _measured(one, cord_mask, cord, grid, slice_levels, extents)
        found.append(measured)
        if one.name == "gm":
            white = _white_matter(measured, cord_mask, grid)
            found.append(_measured(white, cord_mask, cord, grid, slice_levels, extents))
    return tuple(found)


def _measured(
    drawn: DrawnStructure,
    cord_mask: NDArray,
    cord: SliceShapes,
    grid: Grid,
    slice_levels: NDArray[np.int_],
    extents: Mapping[int, tuple[str, ...]],
) -> StructureResult:
    title = STRUCTURE_TITLES[drawn.name]
    if drawn.mask is None or not drawn.mask.any():
        why = drawn.flags if drawn.mask is None else (f"{title} not measured: its mask is empty",)
        return StructureResult(drawn.name, flags=why, parameters=drawn.parameters)
    shapes = slice_shapes(drawn.mask, grid, structure=drawn.name, cord=cord)
    outside = _outside(drawn, cord_mask, grid)
    shapes = _with_slice_flag(shapes, list(outside), OUTSIDE.get(drawn.name, ""))
    # A gap is named by whoever drew it, or by the levels in which it lies; the rest is said once, with the cord.
    own = [f"{title}: {flag}" for flag in shapes.flags if flag not in cord.flags and not flag.startswith(GAP)]
    if outside:
        count = sum(outside.values())
        own.append(f"{OUTSIDE[drawn.name]}: {count} voxel{'s' * (count > 1)} ({at_slices(outside)})")
    by_level = with_level_flags(per_level(shapes, slice_levels), extents)
    flags = tuple(dict.fromkeys([*drawn.flags, *own]))
    return StructureResult(drawn.name, drawn.mask, shapes, by_level, flags, drawn.parameters)


def _white_matter(grey: StructureResult, cord_mask: NDArray, grid: Grid) -> DrawnStructure:
    """Return the white matter of a scan, or why it is not known: it stands or falls with grey matter."""
    if grey.mask is None:
        return DrawnStructure("wm", None, (f"WM not measured: {grey.flags[0]}",))
    (cord, work), (inner, _) = to_work_order(cord_mask, grid), to_work_order(grey.mask, grid)
    share = reorient_array(white_matter(cord, inner), work, grid.axis_codes)[0]
    return DrawnStructure("wm", share, (), {"method": "cord less grey matter"})


def _outside(drawn: DrawnStructure, cord_mask: NDArray, grid: Grid) -> dict[int, int]:
    """Return how many voxels of the inner structure lie outside the outer one, by slice that holds both."""
    if drawn.mask is None or drawn.name not in OUTSIDE:
        return {}
    own, cord = (to_work_order(np.asarray(mask, np.float32), grid)[0] for mask in (drawn.mask, cord_mask))
    inner, outer = (own, cord) if drawn.name == "gm" else (cord, own)
    leaves = np.asarray(inner > outer + SHARE_TOLERANCE)
    counts = leaves.sum(axis=(1, 2)) * own.any(axis=(1, 2))
    return {int(index): int(counts[index]) for index in np.flatnonzero(counts)}


def _with_slice_flag(shapes: SliceShapes, slices: Sequence[int], flag: str) -> SliceShapes:
    carriers = set(slices)
    merged = tuple(
        (*known, flag) if index in carriers else known
        for index, known in zip(shapes.slice_index.tolist(), shapes.slice_flags, strict=True)
    )
    return replace(shapes, slice_flags=merged)

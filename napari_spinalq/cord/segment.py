"""Automatic segmentation of the cord, from a scan in any axis order to a mask on its own grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord import polar
from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.cord.confidence import Confidence, confidence_of
from napari_spinalq.cord.ends import shows_cord, slice_ranges, slices_with_cord
from napari_spinalq.cord.learned import look
from napari_spinalq.cord.refine import Outlines, refine
from napari_spinalq.cord.stack import axial_stack
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.progress import Progress, silent
from napari_spinalq.scan import Scan

EDGE_OFFSET_PIXELS = 0.3
"""Readers draw the cord this part of a pixel inside the half-maximum edge: they leave out a pixel that is partly CSF
until about four fifths of it are cord. The default offset is this times the smaller in-plane pixel side."""

MIN_FIELD_MM = 16.0
"""Smallest in-plane field of view that can hold a cord and its surroundings, mm."""

MASK_LEVEL = 0.5
"""A voxel belongs to the mask if at least half of it is cord."""

HOW_TO_MEND = "point at it in one slice with --at X,Y,Z (RAS mm)"


@dataclass(frozen=True, eq=False)
class CordSegmentation:
    """The cord of a scan.

    Attributes
    ----------
    mask : array of uint8, shape and axis order of the scan's grid
        1 where at least half of the voxel is cord.
    soft : array of float32, same shape
        Fraction of each voxel inside the outline, 0..1.
    centerline : Centerline
        Through the centroids of the outlines, RAS mm.
    flags : tuple of str
        What a reader should look at, in short sentences; slices are numbered from inferior to superior, from 0.
    parameters : dict
        What was used and found, fit for JSON.
    confidence : Confidence, optional
        How far each axial slice can be trusted; none where another program drew the cord.
    """

    mask: NDArray[np.uint8]
    soft: NDArray[np.float32]
    centerline: Centerline
    flags: tuple[str, ...]
    parameters: dict[str, Any]
    confidence: Confidence | None = None


def segment_cord(
    scan: Scan,
    *,
    at: tuple[float, float, float] | None = None,
    edge_offset_mm: float | None = None,
    progress: Progress = silent,
) -> CordSegmentation:
    """Segment the spinal cord.

    Parameters
    ----------
    scan : Scan
        Any contrast and axis order; of a 4-D scan the median volume is used.
    at : tuple of 3 float, optional
        A point on the cord, RAS mm, for a scan whose cord is not found or taken for something else.
    edge_offset_mm : float, optional
        How far inside the half-maximum edge the outline is drawn, mm. 0 gives the physical edge; the default is
        ``EDGE_OFFSET_PIXELS`` of the smaller in-plane pixel side, where readers draw.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    CordSegmentation

    Raises
    ------
    CordNotFoundError
        If the scan shows no cord; the message says how to point at it.
    InputError
        If the point lies outside of the scan, the offset is not a small number, or the field of view is too small.

    Notes
    -----
    ``docs/segmentation.md`` describes the method and what it reaches on real scans.
    """
    work = one_volume(scan).in_work_order()
    offset_mm = _checked(work, at, edge_offset_mm)
    progress(0.1, "looking for the cord")
    mend = HOW_TO_MEND if at is None else "give another point on it (RAS mm) or another scan"
    try:
        sight = look(work.data, work.grid, at=at)
    except CordNotFoundError as error:
        raise CordNotFoundError(f"No cord was found in {scan.name}; {mend}.") from error
    progress(0.6, "drawing along the edges")
    outlines = refine(axial_stack(work.data, work.grid), sight.centres_mm, sight.radii_mm)
    slice_mm = work.grid.spacing[0]
    shown = shows_cord(sight, outlines.areas_mm2, outlines.edges.mean(axis=1), slice_mm) & _filled(work)
    kept = slices_with_cord(shown, outlines.areas_mm2, slice_mm)
    if not kept.any():
        raise CordNotFoundError(f"No cord was found in {scan.name}; {mend}.")
    progress(0.9, "drawing the mask")
    radii = np.where(kept[:, None], np.maximum(outlines.radii_mm - offset_mm, 0.0), 0.0)
    soft = polar.coverage(work.grid.shape, work.grid.spacing, outlines.centres_mm, radii)
    soft, _ = reorient_array(soft, work.grid, scan.grid.axis_codes)
    confidence = confidence_of(outlines, kept, float(np.sqrt(np.prod(work.grid.spacing[1:]))))
    progress(1.0, "cord segmented")
    return CordSegmentation(
        mask=(soft >= MASK_LEVEL).astype(np.uint8),
        soft=soft,
        centerline=_centerline(outlines, kept, work.grid),
        flags=_flags(kept, shown, confidence),
        parameters=_parameters(outlines, kept, offset_mm, at),
        confidence=confidence,
    )


def one_volume(scan: Scan) -> Scan:
    """Return a 3-D scan: itself, or the median over its volumes.

    The median of a diffusion scan is a diffusion-weighted volume, in which the CSF is dark and the cord bright; in
    the mean the few b = 0 volumes, several times brighter, would bring the CSF back to the level of the cord.
    """
    if scan.data.ndim == 3:
        return scan
    return replace(scan, data=np.median(scan.data, axis=3).astype(np.float32))


def _checked(work: Scan, at: tuple[float, float, float] | None, edge_offset_mm: float | None) -> float:
    """Refuse what cannot be segmented, with the reason; return the offset of the edge, mm."""
    field_mm = [n * spacing for n, spacing in zip(work.grid.shape[1:], work.grid.spacing[1:], strict=True)]
    if min(field_mm) < MIN_FIELD_MM:
        raise InputError(
            f"The axial field of view of {work.name} is {field_mm[1]:.3g} x {field_mm[0]:.3g} mm; "
            f"at least {MIN_FIELD_MM:g} mm each way is needed to see a cord and its surroundings."
        )
    if at is not None and not work.grid.contains(at):
        where = ", ".join(f"{value:g}" for value in at)
        raise InputError(f"The point ({where}) mm lies outside of the scan; give RAS mm of a point on the cord.")
    if np.ptp(work.data) == 0:
        raise CordNotFoundError(f"No cord was found in {work.name}: all its voxels are equal; give another scan.")
    offset_mm = EDGE_OFFSET_PIXELS * min(work.grid.spacing[1:]) if edge_offset_mm is None else float(edge_offset_mm)
    if not -2.0 <= offset_mm <= 2.0:
        raise InputError(f"An edge offset of {offset_mm:g} mm is not sensible; give one between -2 and 2 mm.")
    return offset_mm


def _filled(work: Scan) -> NDArray[np.bool_]:
    """Return the slices that hold an image at all: a warped or masked scan may have empty ones."""
    return np.ptp(work.data, axis=(1, 2)) > 0


def _centerline(cord: Outlines, kept: NDArray[np.bool_], grid: Grid) -> Centerline:
    slices = np.flatnonzero(kept)
    if len(slices) == 1:  # one slice: a curve of its thickness, straight through it
        slices = np.array([slices[0], slices[0]]) + np.array([-0.5, 0.5])
    centroids = polar.centroids_mm(cord.centres_mm, cord.radii_mm)[np.round(slices).astype(int).clip(0, len(kept) - 1)]
    voxels = np.column_stack([slices, centroids / np.asarray(grid.spacing[1:])])
    return fit_centerline(grid.voxel_to_mm(voxels))


def _flags(kept: NDArray[np.bool_], shown: NDArray[np.bool_], confidence: Confidence) -> tuple[str, ...]:
    flags = []
    if not kept.all():
        flags.append(f"slices {slice_ranges(~kept)} left out: no clear cord there")
    doubtful = kept & (~shown | confidence.low)
    if doubtful.any():
        flags.append(f"slices {slice_ranges(doubtful)} have low confidence: look at them first")
    return tuple(flags)


def _parameters(
    cord: Outlines, kept: NDArray[np.bool_], offset_mm: float, at: tuple[float, float, float] | None
) -> dict[str, Any]:
    return {
        "method": "synthetic-trained network, polar edge refinement",
        "edge_offset_mm": round(offset_mm, 4),
        "cord_is": "brighter" if cord.polarity > 0 else "darker",
        "edge_score": round(float(cord.edges[kept].mean()), 3),
        "slices": slice_ranges(kept),
        "at_mm": None if at is None else [float(v) for v in at],
    }

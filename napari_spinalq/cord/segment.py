"""Automatic segmentation of the cord, from a scan in any axis order to a mask on its own grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord import polar
from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.cord.confidence import Confidence, confidence_of, good_probability
from napari_spinalq.cord.constraints import Constraints, constraints_of
from napari_spinalq.cord.ends import shows_cord, slice_ranges, slices_with_cord
from napari_spinalq.cord.learned import Sight
from napari_spinalq.cord.prepared import Prepared, prepare
from napari_spinalq.cord.prompts import Prompts, WorkPrompts, checked_prompts
from napari_spinalq.cord.refine import Outlines, refine
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import WORK_AXES, Grid, work_view
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

EDGE_OFFSET_PIXELS = 0.3
"""Readers draw the cord this part of a pixel inside the half-maximum edge: they leave out a pixel that is partly CSF
until about four fifths of it are cord. The default offset is this times the smaller in-plane pixel side."""

FEW_SLICES = 4
"""With fewer slices the cord is drawn both as brighter and as darker than its surroundings, and the more credible one
is taken: one slice whose CSF is thin can read the wrong way, and few others outvote it. With more, the vote is surer
than the small lead of one over the other: the outer wall of the CSF is a clear edge of the other sign."""

CREDIBLE = 0.5
"""Mean probability of a good slice from which outlines against the vote of the slices are believed."""

MASK_LEVEL = 0.5
"""A voxel belongs to the mask if at least half of it is cord."""

HOW_TO_MEND = "point at it in one slice with --at X,Y,Z (RAS mm)"
HOW_TO_MEND_PROMPTS = "give another point on it (RAS mm), check the scribbles, or give another scan"


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
    prepared: Prepared | None = None,
    progress: Progress = silent,
) -> CordSegmentation:
    """Segment the spinal cord.

    Parameters
    ----------
    scan : Scan
        Any contrast and axis order; of a 4-D scan the mean of the middle half of its values is used.
    at : tuple of 3 float, optional
        A point on the cord, RAS mm, for a scan whose cord is not found or taken for something else.
    edge_offset_mm : float, optional
        How far inside the half-maximum edge the outline is drawn, mm. 0 gives the physical edge; the default is
        ``EDGE_OFFSET_PIXELS`` of the smaller in-plane pixel side, where readers draw.
    prepared : Prepared, optional
        As in :func:`resegment`.
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
    prompts = Prompts() if at is None else Prompts(points=(at,))
    return resegment(scan, prompts, prepared=prepared, edge_offset_mm=edge_offset_mm, progress=progress)


def resegment(
    scan: Scan,
    prompts: Prompts,
    *,
    prepared: Prepared | None = None,
    edge_offset_mm: float | None = None,
    progress: Progress = silent,
) -> CordSegmentation:
    """Segment the cord as prompts tell, in a second or less where the scan is prepared.

    Parameters
    ----------
    scan : Scan
        Any contrast and axis order; of a 4-D scan the mean of the middle half of its values is used.
    prompts : Prompts
        What a person said. Without any the result is that of :func:`segment_cord`, bit for bit.
    prepared : Prepared, optional
        From :func:`~napari_spinalq.cord.prepared.prepare`. Made anew if the scan has changed since.
    edge_offset_mm, progress
        As in :func:`segment_cord`.

    Returns
    -------
    CordSegmentation
        Slices to be kept are as they were drawn, voxel for voxel, and scribbled voxels as they were painted.

    Raises
    ------
    CordNotFoundError
        If the scan shows no cord and none is drawn.
    InputError
        As :func:`segment_cord` and :func:`~napari_spinalq.cord.prompts.checked_prompts`.
    """
    said = checked_prompts(prompts, scan.grid)
    _check_offset(edge_offset_mm)
    if prepared is None or not prepared.fits(scan):
        prepared = prepare(scan, portion(progress, 0.0, 0.6))
    grid = prepared.work_grid
    offset_mm = EDGE_OFFSET_PIXELS * min(grid.spacing[1:]) if edge_offset_mm is None else edge_offset_mm
    progress(0.6, "drawing along the edges")
    outlines, shown, kept = _outlined(prepared, prompts, said, offset_mm)
    if not kept.any() and not said.drawn:
        raise CordNotFoundError(
            f"No cord was found in {scan.name}; {HOW_TO_MEND if prompts.empty else HOW_TO_MEND_PROMPTS}."
        )
    kept = said.claimed(kept)
    progress(0.85, "drawing the mask")
    automatic = kept & ~said.fixed_slices
    soft = _drawn(outlines, automatic, offset_mm, said, scan.grid)
    confidence = confidence_of(outlines, automatic, _pixel_mm(grid), shown)
    progress(1.0, "cord segmented")
    return CordSegmentation(
        mask=(soft >= MASK_LEVEL).view(np.uint8),
        soft=soft,
        centerline=_centerline(outlines, kept, grid),
        flags=_flags(kept | said.fixed_slices, automatic & confidence.low),
        parameters=_parameters(outlines, kept, offset_mm, prompts, said) | {"confidence": confidence.record()},
        confidence=confidence,
    )


def _drawn(
    outlines: Outlines, automatic: NDArray[np.bool_], offset_mm: float, said: WorkPrompts, grid: Grid
) -> NDArray[np.float32]:
    """Return the share of each voxel in the cord: automatic slices within the outline, the others as a person drew."""
    soft = np.zeros(grid.shape, np.float32)
    view = work_view(soft, grid)
    radii = np.where(automatic[:, None], np.maximum(outlines.radii_mm - offset_mm, 0.0), 0.0)
    polar.coverage(view.shape, grid.reoriented(WORK_AXES).spacing, outlines.centres_mm, radii, out=view)
    said.draw_into(view)
    return soft


def _outlined(
    prepared: Prepared, prompts: Prompts, said: WorkPrompts, offset_mm: float
) -> tuple[Outlines, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the outlines, the slices that show cord by themselves, and the stretch of them that is the cord."""
    constraints = None if prompts.empty else constraints_of(said, prepared.work_grid, offset_mm)
    sight = prepared.sight() if constraints is None else prepared.sight(constraints.marks, constraints.barred)
    outlines = _refined(prepared, sight, constraints)
    slice_mm = prepared.stack.spacing_mm[0]
    # A warped or masked scan may have empty slices.
    filled = np.ptp(prepared.stack.values, axis=(1, 2)) > 0
    shown = shows_cord(sight, outlines.areas_mm2, slice_mm) & filled
    return outlines, shown, slices_with_cord(shown, outlines.areas_mm2, slice_mm)


def _refined(prepared: Prepared, sight: Sight, constraints: Constraints | None) -> Outlines:
    """Return the outlines along the edges; those of few slices in the polarity that makes them more credible."""
    found = refine(prepared.stack, sight, constraints)
    drawn = constraints is not None and bool(constraints.drawn.any())
    if drawn or len(sight.core) >= FEW_SLICES:
        return found
    other = refine(prepared.stack, sight, constraints, -found.polarity)
    pixel_mm, weight = _pixel_mm(prepared.work_grid), sight.core + 1e-6  # slices without cord prove nothing
    first, second = (float(np.average(good_probability(one, pixel_mm), weights=weight)) for one in (found, other))
    # Where neither is likely to be good, which is the less bad one says nothing: the vote stands.
    return other if second > max(first, CREDIBLE) else found


def _pixel_mm(work_grid: Grid) -> float:
    return float(np.sqrt(np.prod(work_grid.spacing[1:])))


def _check_offset(edge_offset_mm: float | None) -> None:
    if edge_offset_mm is not None and not -2.0 <= edge_offset_mm <= 2.0:
        raise InputError(f"An edge offset of {edge_offset_mm:g} mm is not sensible; give one between -2 and 2 mm.")


def _centerline(cord: Outlines, kept: NDArray[np.bool_], grid: Grid) -> Centerline:
    slices = np.flatnonzero(kept)
    if len(slices) == 1:  # one slice: a curve of its thickness, straight through it
        slices = np.array([slices[0], slices[0]]) + np.array([-0.5, 0.5])
    centroids = polar.centroids_mm(cord.centres_mm, cord.radii_mm)[np.round(slices).astype(int).clip(0, len(kept) - 1)]
    voxels = np.column_stack([slices, centroids / np.asarray(grid.spacing[1:])])
    return fit_centerline(grid.voxel_to_mm(voxels))


def _flags(held: NDArray[np.bool_], doubtful: NDArray[np.bool_]) -> tuple[str, ...]:
    flags = []
    if not held.all():
        flags.append(f"{_slices(~held)} left out: no clear cord there")
    if doubtful.any():
        have = "has" if doubtful.sum() == 1 else "have"
        flags.append(f"{_slices(doubtful)} {have} low confidence: look there first")
    return tuple(flags)


def _slices(chosen: NDArray[np.bool_]) -> str:
    return f"{'slice' if chosen.sum() == 1 else 'slices'} {slice_ranges(chosen)}"


def _parameters(
    cord: Outlines, kept: NDArray[np.bool_], offset_mm: float, prompts: Prompts, said: WorkPrompts
) -> dict[str, Any]:
    one_point = len(prompts.points) == 1 and replace(prompts, points=()).empty
    known = {
        "method": "network trained on synthetic images, edges followed by dynamic programming",
        "edge_offset_mm": round(offset_mm, 4),
        "cord_is": "brighter" if cord.polarity > 0 else "darker",
        "edge_score": round(float(cord.edges[kept].mean()), 3),
        "slices": slice_ranges(kept),
        "at_mm": [float(v) for v in prompts.points[0]] if one_point else None,
    }
    return known if one_point or prompts.empty else known | {"prompts": said.summary()}

"""Automatic segmentation of the cord, from a scan in any axis order to a mask on its own grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord import polar
from napari_spinalq.cord.candidate import Candidate, outline_candidate
from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.cord.constraints import Constraints, constraints_of, drawn_polarity
from napari_spinalq.cord.ends import has_evidence, slice_ranges, slices_with_cord
from napari_spinalq.cord.network import follow
from napari_spinalq.cord.prepared import Prepared, prepare
from napari_spinalq.cord.prompts import Prompts, WorkPrompts, checked_prompts
from napari_spinalq.cord.stack import AxialStack
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import Grid, work_view
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

EDGE_OFFSET_PIXELS = 0.3
"""Readers draw the cord this part of a pixel inside the half-maximum edge: they leave out a pixel that is partly CSF
until about four fifths of it are cord. The default offset is this times the smaller in-plane pixel side."""

MIN_MARGIN = 0.1
"""A lead of the better polarity smaller than this is too small to trust unseen."""

MIN_QUALITY = 0.7
"""No cord is claimed where the slices kept have less than this mean quality: real cords have 1.0 to 2.1."""

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
    """

    mask: NDArray[np.uint8]
    soft: NDArray[np.float32]
    centerline: Centerline
    flags: tuple[str, ...]
    parameters: dict[str, Any]


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
        Any contrast and axis order; of a 4-D scan the median volume is used.
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
    polarity: int | None = None,
    edge_offset_mm: float | None = None,
    progress: Progress = silent,
) -> CordSegmentation:
    """Segment the cord as prompts tell, in a second or less where the scan is prepared.

    Parameters
    ----------
    scan : Scan
        Any contrast and axis order; of a 4-D scan the median volume is used.
    prompts : Prompts
        What a person said. Without any the result is that of :func:`segment_cord`, bit for bit.
    prepared : Prepared, optional
        From :func:`~napari_spinalq.cord.prepared.prepare`. Made anew if the scan has changed since.
    polarity : int, optional
        +1 if the cord is known to be brighter than its surroundings, -1 if darker. By default drawn slices tell, and
        without any both are tried.
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
    if prepared is None or not prepared.fits(scan):
        prepared = prepare(scan, portion(progress, 0.0, 0.5))
    stack, grid = prepared.stack, prepared.work_grid
    offset_mm = _offset(edge_offset_mm, stack)
    constraints = None if prompts.empty else constraints_of(said, grid, offset_mm)
    better, margin = _better_polarity(prepared, constraints, polarity, portion(progress, 0.5, 0.85))
    kept = slices_with_cord(better, stack.spacing_mm[0])
    if not said.drawn and (not kept.any() or better.quality_per_slice[kept].mean() < MIN_QUALITY):
        mend = "give another point on it (RAS mm) or another scan" if prompts.points else HOW_TO_MEND
        raise CordNotFoundError(f"No cord was found in {scan.name}; {mend}.")
    kept = said.claimed(kept)
    progress(0.85, "drawing the mask")
    outlined = kept & ~said.fixed_slices
    radii = np.where(outlined[:, None], np.maximum(better.radii_mm - offset_mm, 0.0), 0.0)
    soft = np.zeros(scan.grid.shape, np.float32)
    view = work_view(soft, scan.grid)
    polar.coverage(grid.shape, grid.spacing, better.centres_mm, radii, out=view)
    said.draw_into(view)
    progress(1.0, "cord segmented")
    return CordSegmentation(
        mask=(soft >= MASK_LEVEL).view(np.uint8),
        soft=soft,
        centerline=_centerline(better, kept, grid),
        flags=_flags(better, kept, margin, stack, said),
        parameters=_parameters(better, kept, margin, offset_mm, prompts, said),
    )


def known_polarity(parameters: Mapping[str, Any]) -> int | None:
    """Return the polarity of a segmentation by its parameters; None if it was in doubt or is not told."""
    margin = parameters.get("polarity_margin")
    if "cord_is" not in parameters or (margin is not None and margin < MIN_MARGIN):
        return None
    return 1 if parameters["cord_is"] == "brighter" else -1


def _offset(edge_offset_mm: float | None, stack: AxialStack) -> float:
    offset_mm = EDGE_OFFSET_PIXELS * min(stack.spacing_mm[1:]) if edge_offset_mm is None else float(edge_offset_mm)
    if not -2.0 <= offset_mm <= 2.0:
        raise InputError(f"An edge offset of {offset_mm:g} mm is not sensible; give one between -2 and 2 mm.")
    return offset_mm


def _better_polarity(
    prepared: Prepared, constraints: Constraints | None, polarity: int | None, progress: Progress
) -> tuple[Candidate, float | None]:
    """Outline a bright and a dark cord; return the better one and its lead in quality (None if one was known)."""
    marks, barred = ((), ()) if constraints is None else (constraints.marks, constraints.barred)
    path_mm = follow(prepared.heat, marks, barred).path_mm
    slabs = prepared.slabs
    guide_mm = np.column_stack([np.interp(slabs.slice_mm, prepared.heat.slice_mm, column) for column in path_mm.T])
    if polarity is None and constraints is not None:
        polarity = drawn_polarity(prepared.stack, constraints)
    signs = [-1, 1] if polarity is None else [polarity]
    progress(0.1, "outlining " + " and ".join(f"a {'brighter' if sign > 0 else 'darker'} cord" for sign in signs))

    found = [
        outline_candidate(
            prepared.stack,
            slabs,
            prepared.surroundings,
            sign,
            guide_mm,
            gradients=prepared.gradients,
            constraints=constraints,
        )
        for sign in signs
    ]
    best = max(found, key=lambda candidate: candidate.quality)
    return best, None if len(found) == 1 else best.quality - min(candidate.quality for candidate in found)


def _centerline(cord: Candidate, kept: NDArray[np.bool_], grid: Grid) -> Centerline:
    slices = np.flatnonzero(kept)
    if len(slices) == 1:  # one slice: a curve of its thickness, straight through it
        slices = np.array([slices[0], slices[0]]) + np.array([-0.5, 0.5])
    centroids = polar.centroids_mm(cord.centres_mm, cord.radii_mm)[np.round(slices).astype(int).clip(0, len(kept) - 1)]
    voxels = np.column_stack([slices, centroids / np.asarray(grid.spacing[1:])])
    return fit_centerline(grid.voxel_to_mm(voxels))


def _flags(
    cord: Candidate, kept: NDArray[np.bool_], margin: float | None, stack: AxialStack, said: WorkPrompts
) -> tuple[str, ...]:
    flags = []
    if margin is not None and margin < MIN_MARGIN:
        flags.append("low margin between a bright and a dark cord: check that the right organ is outlined")
    left_out = ~kept & ~said.fixed_slices
    if left_out.any():
        flags.append(f"slices {slice_ranges(left_out)} left out: no clear cord there")
    doubtful = kept & ~has_evidence(cord, stack.spacing_mm[0]) & ~said.fixed_slices
    if doubtful.any():
        flags.append(f"slices {slice_ranges(doubtful)} are weak: check the outline")
    return tuple(flags)


def _parameters(
    cord: Candidate,
    kept: NDArray[np.bool_],
    margin: float | None,
    offset_mm: float,
    prompts: Prompts,
    said: WorkPrompts,
) -> dict[str, Any]:
    one_point = len(prompts.points) == 1 and replace(prompts, points=()).empty
    known = {
        "method": "polar dynamic programming",
        "edge_offset_mm": round(offset_mm, 4),
        "cord_is": "brighter" if cord.polarity > 0 else "darker",
        "quality": round(cord.quality, 3),
        "polarity_margin": None if margin is None else round(margin, 3),
        "slices": slice_ranges(kept),
        "at_mm": [float(v) for v in prompts.points[0]] if one_point else None,
    }
    return known if one_point or prompts.empty else known | {"prompts": said.summary()}

"""Registering an anatomical scan to another scan of the same exam by the masks of the cord."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid, reorient_array, to_work_order
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.registration.affine import aligned
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.field import SliceFrame
from napari_spinalq.registration.moments import Sections, sections_of
from napari_spinalq.registration.outline import log_radii, no_change, outline_change
from napari_spinalq.registration.points import carried_onto, points_back, points_there
from napari_spinalq.registration.quality import slice_quality
from napari_spinalq.registration.registration import Registration
from napari_spinalq.registration.similarity import around, slice_similarity
from napari_spinalq.registration.table import quality_flags, similarity_flags
from napari_spinalq.registration.warp import Warp
from napari_spinalq.scan import Scan

OUTLINE_PASSES = 2
"""Times that the outline is compared and corrected; a third changes the Dice coefficient by less than 0.001."""


def register_scans(
    source: Scan, source_mask: NDArray, target: Scan, target_mask: NDArray, *, progress: Progress = silent
) -> Registration:
    """Bring a scan onto another one of the same exam, around the cord, within each axial slice of the target.

    From scanner position (RAS mm) on, in every slice of the target: the centres of both cords are aligned, then their
    second moments, then their outlines along rays; all three smooth along the stack. Slices keep their place along the
    cord: what differs between scans of an exam is motion, and the distortion of echo-planar images within the plane.

    Parameters
    ----------
    source : Scan
        Such as the anatomical scan on which levels and structures were drawn.
    source_mask : array, shape ``source.grid.shape``
        Its cord, binary or soft 0..1.
    target : Scan
        Such as the mean diffusion weighted image.
    target_mask : array, shape ``target.grid.shape``
        Its cord.
    progress : Progress
        Told how far the work is; may stop it.

    Returns
    -------
    Registration

    Raises
    ------
    GridMismatchError
        If a mask does not have the shape of its scan.
    InputError
        If a mask is empty or not within 0..1, or the two cords share no slice.
    """
    for scan, mask in ((source, source_mask), (target, target_mask)):
        check_mask(scan, mask)
    fixed, work = to_work_order(np.asarray(target_mask, dtype=np.float32), target.grid)
    frame = SliceFrame(work)
    warp = _fitted(source.grid, source_mask, fixed, frame, portion(progress, 0.0, 0.6))
    field = warp.field(frame)
    progress(0.6, "looking for the way back")
    there = reorient_array(points_there(field, frame), work, target.grid.axis_codes)[0]
    back = points_back(field.inverse(), frame, source.grid)
    progress(0.8, "comparing both cords")
    found = Registration(source.grid, target.grid, there, back, np.nan, np.nan)
    judged = _judged(found, source, source_mask, target, target_mask)
    progress(1.0, "registered")
    return judged


def _judged(
    found: Registration, source: Scan, source_mask: NDArray, target: Scan, target_mask: NDArray
) -> Registration:
    """Return the registration with its quality in numbers and words."""
    quality = slice_quality(found, source_mask, target_mask)
    before, after = _similarities(found, source, target, target_mask)
    return replace(
        found,
        dice_before=quality.overall_before,
        dice_after=quality.overall_after,
        similarity_before=before,
        similarity_after=after,
        flags=(*quality_flags(quality, source.name), *similarity_flags(before, after)),
    )


def _similarities(found: Registration, source: Scan, target: Scan, target_mask: NDArray) -> tuple[float, float]:
    """Return how well the source explains the target around its cord, by position alone and registered."""
    image, work = to_work_order(np.asarray(target.mean_volume().data, dtype=np.float32), target.grid)
    frame = SliceFrame(work)
    near = around(to_work_order(np.asarray(target_mask), target.grid)[0], frame)
    values = source.mean_volume().data
    before = carried_onto(frame, None, source.grid, values)
    after = to_work_order(carry(found, values), target.grid)[0]
    both = [slice_similarity(one, image, near) for one in (before, after)]
    known = np.isfinite(both).all(axis=0)
    return (float(both[0][known].mean()), float(both[1][known].mean())) if known.any() else (np.nan, np.nan)


def _fitted(source: Grid, source_mask: NDArray, fixed: NDArray, frame: SliceFrame, progress: Progress) -> Warp:
    """Fit centre, stretch and outline of the source's cord to that of the target (in work order)."""
    goal = sections_of(fixed, frame)
    found = sections_of(carried_onto(frame, None, source, source_mask), frame)
    known = _shared(found, goal)
    warp = Warp(aligned(found, goal, frame.heights_mm), no_change(frame.slices))
    wanted = log_radii(fixed, frame, warp.affine.centre_mm, known)
    for step in range(OUTLINE_PASSES):
        progress((step + 1) / (OUTLINE_PASSES + 1), "comparing the outlines")
        moved = carried_onto(frame, warp.field(frame), source, source_mask)
        seen = log_radii(moved, frame, warp.affine.centre_mm, known)
        warp = Warp(warp.affine, outline_change(seen, wanted, known, frame.heights_mm, warp.outline))
    return warp


def _shared(source: Sections, target: Sections) -> NDArray[np.bool_]:
    both = source.shown & target.shown
    if not both.any():
        raise InputError(
            "The cords of the two scans share no axial slice of the target; check that both were taken in one session "
            "and that their masks show the same part of the cord."
        )
    return both


def check_mask(scan: Scan, mask: NDArray) -> None:
    """Refuse a mask that is not the cord of a scan: another shape, empty, or values outside 0..1."""
    values = np.asarray(mask)
    if values.shape != scan.grid.shape:
        raise GridMismatchError(
            f"The cord mask of {scan.name} has shape {values.shape} but the scan {scan.grid.shape}; give its own mask."
        )
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise InputError(f"The cord mask of {scan.name} holds {low:.4g} to {high:.4g}; a mask holds 0 to 1.")
    if high == 0:
        raise InputError(f"The cord mask of {scan.name} is empty; draw or segment the cord first.")

"""Registering an anatomical scan to another scan of the same exam by the masks of the cord."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid, reorient_array, to_work_order
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.registration.affine import aligned
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.field import Field, SliceFrame
from napari_spinalq.registration.moments import Sections, sections_of
from napari_spinalq.registration.outline import log_radii, no_change, outline_change
from napari_spinalq.registration.quality import overall_dice
from napari_spinalq.registration.registration import Registration
from napari_spinalq.registration.warp import Warp
from napari_spinalq.scan import Scan

OUTLINE_PASSES = 2
"""Times that the outline is compared and corrected; a third changes the Dice coefficient by less than 0.001."""

SLAB_POINTS = 1_000_000
"""Source voxels whose places are computed at a time: bounds the memory to some 150 MB."""


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
        _check(scan, mask)
    fixed, work = to_work_order(np.asarray(target_mask, dtype=np.float32), target.grid)
    frame = SliceFrame(work)
    warp = _fitted(source.grid, source_mask, fixed, frame, portion(progress, 0.0, 0.6))
    field = warp.field(frame)
    before = _carried(source.grid, source_mask, frame, None)
    after = _carried(source.grid, source_mask, frame, field)
    shared = sections_of(fixed, frame).shown & sections_of(after, frame).shown
    progress(0.7, "looking for the way back")
    back = points_back(field.inverse(), frame, source.grid)
    progress(1.0, "registered")
    return Registration(
        source.grid,
        target.grid,
        _in_file_order(points_there(field, frame), frame, target.grid),
        back,
        overall_dice(before, fixed, shared),
        overall_dice(after, fixed, shared),
    )


def points_there(field: Field | None, frame: SliceFrame) -> NDArray[np.float32]:
    """Return where the voxels of the target lie in the source, RAS mm, shape of its work grid + (3,)."""
    places = frame.centres()
    return frame.points_mm(places if field is None else field.moved(places)).astype(np.float32)


def points_back(inverse: Field, frame: SliceFrame, source: Grid) -> NDArray[np.float32]:
    """Return where the voxels of the source lie in the target, RAS mm, shape ``source.shape + (3,)``."""
    found = np.empty((*source.shape, 3), dtype=np.float32)
    rows = max(1, SLAB_POINTS // (source.shape[1] * source.shape[2]))
    for start in range(0, source.shape[0], rows):
        index = np.moveaxis(np.indices((len(found[start : start + rows]), *source.shape[1:])), 0, -1)
        index[..., 0] += start
        places = frame.places(source.voxel_to_mm(index))
        found[start : start + rows] = frame.points_mm(inverse.moved(places))
    return found


def _fitted(source: Grid, source_mask: NDArray, fixed: NDArray, frame: SliceFrame, progress: Progress) -> Warp:
    """Fit centre, stretch and outline of the source's cord to that of the target (in work order)."""
    goal = sections_of(fixed, frame)
    found = sections_of(_carried(source, source_mask, frame, None), frame)
    known = _shared(found, goal)
    warp = Warp(aligned(found, goal, frame.heights_mm), no_change(frame.slices))
    wanted = log_radii(fixed, frame, warp.affine.centre_mm, known)
    for step in range(OUTLINE_PASSES):
        progress((step + 1) / (OUTLINE_PASSES + 1), "comparing the outlines")
        moved = _carried(source, source_mask, frame, warp.field(frame))
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


def _carried(source: Grid, mask: NDArray, frame: SliceFrame, field: Field | None) -> NDArray:
    """Return a mask of the source on the work grid of the target; by position alone without a field."""
    nothing = np.empty((0, 0, 0, 3), dtype=np.float32)
    there = Registration(source, frame.grid, points_there(field, frame), nothing, float("nan"), float("nan"))
    return carry(there, mask)


def _in_file_order(points_work: NDArray[np.float32], frame: SliceFrame, grid: Grid) -> NDArray[np.float32]:
    return reorient_array(points_work, frame.grid, grid.axis_codes)[0]


def _check(scan: Scan, mask: NDArray) -> None:
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

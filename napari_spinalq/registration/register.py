"""Registering an anatomical scan to another scan of the same exam by the masks of the cord."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import reorient_array, to_work_order
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.registration.field import SliceFrame
from napari_spinalq.registration.fit import Cords, fitted_warp
from napari_spinalq.registration.points import carried_near, points_back, points_there
from napari_spinalq.registration.quality import slice_quality
from napari_spinalq.registration.registration import Registration
from napari_spinalq.registration.similarity import around, slice_similarity
from napari_spinalq.registration.table import quality_flags, similarity_flags
from napari_spinalq.scan import Scan


def register_scans(
    source: Scan,
    source_mask: NDArray,
    target: Scan,
    target_mask: NDArray,
    *,
    source_grey: NDArray | None = None,
    target_grey: NDArray | None = None,
    progress: Progress = silent,
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
    source_grey, target_grey : arrays on the grids of source and target, optional
        Grey matter of both scans, binary or soft: the turn of the cord then follows it. Outlines alone cannot tell a
        turn of the head from the shear of an echo-planar image.
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
        If a mask is empty or not within 0..1, the two cords share no slice, or grey matter is given of one scan only.
    """
    for scan, mask in ((source, source_mask), (target, target_mask)):
        check_mask(scan, mask)
    fixed, work = to_work_order(np.asarray(target_mask, dtype=np.float32), target.grid)
    frame = SliceFrame(work)
    cords = Cords(source.grid, source_mask, fixed, frame, *_grey(source, source_grey, target, target_grey))
    field = fitted_warp(cords, portion(progress, 0.0, 0.6)).field(frame)
    progress(0.6, "looking for the way back")
    there = reorient_array(points_there(field, frame), work, target.grid.axis_codes)[0]
    back = points_back(field.inverse(), frame, source.grid)
    progress(0.8, "comparing both cords")
    found = Registration(source.grid, target.grid, there, back, np.nan, np.nan)
    judged = _judged(found, source, source_mask, target, target_mask)
    progress(1.0, "registered")
    return judged


def _grey(
    source: Scan, source_grey: NDArray | None, target: Scan, target_grey: NDArray | None
) -> tuple[NDArray | None, NDArray | None]:
    """Return the grey matter of the source as it is, and that of the target in work order."""
    if source_grey is None and target_grey is None:
        return None, None
    if source_grey is None or target_grey is None:
        raise InputError("Grey matter of one scan alone says nothing about a turn; give that of both scans or of none.")
    check_mask(source, source_grey, "grey matter")
    check_mask(target, target_grey, "grey matter")
    return source_grey, to_work_order(np.asarray(target_grey, dtype=np.float32), target.grid)[0]


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
    places = points_there(None, frame), to_work_order(found.source_points_mm, target.grid)[0]
    both = [slice_similarity(carried_near(one, work, source.grid, values, near), image, near) for one in places]
    known = np.isfinite(both).all(axis=0)
    return (float(both[0][known].mean()), float(both[1][known].mean())) if known.any() else (np.nan, np.nan)


def check_mask(scan: Scan, mask: NDArray, structure: str = "cord") -> None:
    """Refuse a mask that cannot be that of a scan: another shape, empty, or values outside 0..1."""
    values = np.asarray(mask)
    name = f"The {structure} mask of {scan.name}"
    if values.shape != scan.grid.shape:
        raise GridMismatchError(f"{name} has shape {values.shape} but the scan {scan.grid.shape}; give its own mask.")
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise InputError(f"{name} holds {low:.4g} to {high:.4g}; a mask holds 0 to 1.")
    if high == 0:
        raise InputError(f"{name} is empty; draw or segment the {structure} first.")

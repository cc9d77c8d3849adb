"""Bringing one image of a pair onto the other, slice by slice around the cord, whatever their contrasts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, resample_array
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.registration.slicewise.along import Smoothed
from napari_spinalq.registration.slicewise.contrasts import match_contrasts
from napari_spinalq.registration.slicewise.frame import SliceFrame, slice_frame
from napari_spinalq.registration.slicewise.stack import SEARCH_MM
from napari_spinalq.registration.slicewise.warp import ARC_RADIUS_MM, SPLINE_ORDER, sample_places
from napari_spinalq.registration.slicewise.window import cord_window, find_centerline, slice_centres, window_box
from napari_spinalq.scan import Scan


def align_pair(
    fixed: Scan,
    moving: Scan,
    cord: NDArray | Centerline | None = None,
    *,
    rotation: bool = False,
    threads: int | None = None,
    progress: Progress = silent,
) -> tuple[Scan, Motion]:
    """Bring a scan onto another one of the same visit, such as MT on onto MT off.

    Both are put in one place by their headers; then each slice is shifted (and turned) within its plane until the cord
    and its surroundings agree, as in :func:`napari_spinalq.diffusion.correct.correct_motion`.

    Parameters
    ----------
    fixed, moving : Scan
        3-D; grids and contrasts may differ. Best is a fixed scan in which cord, CSF and the tissue around differ most.
    cord : array of shape ``fixed.grid.shape``, or Centerline, optional
        Where the cord lies in the fixed scan; found there where it is not given.
    rotation : bool
        Whether turns about the slice normal are sought, too.
    threads : int, optional
        One by default.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    aligned : Scan
        The moving scan on the grid of the fixed one, float32, interpolated once with cubic splines from its own
        voxels; NaN in places that, by its header, it does not cover.
    motion : Motion
        One volume: how the cord of the moving scan lies against that of the fixed one.

    Raises
    ------
    InputError
        If a scan is not 3-D, holds values that are not numbers, or both do not overlap; if the mask does not fit.
    """
    for scan in (fixed, moving):
        _check(scan)
    centerline = find_centerline(fixed, cord, portion(progress, 0.0, 0.4))
    frame = slice_frame(fixed.grid)
    progress(0.4, "matching slices")
    found = _find(fixed, moving, centerline, frame, rotation, threads)
    progress(0.8, "moving slices")
    data, outside = _resampled(moving, frame, fixed.grid, found.moves[0], slice_centres(centerline, frame))
    progress(1.0, "pair aligned")
    aligned = Scan(data, fixed.grid, moving.contrast, moving.source)
    return aligned, _motion(found, frame, outside)


def _check(scan: Scan) -> None:
    if scan.data.ndim != 3:
        raise InputError(f"{scan.name} holds {scan.volumes} volumes; a pair is made of two single volumes.")
    if not np.isfinite(np.asarray(scan.data)).all():
        raise InputError(f"{scan.name} holds values that are not numbers; replace them before it is aligned.")


def _find(
    fixed: Scan, moving: Scan, centerline: Centerline, frame: SliceFrame, rotation: bool, threads: int | None
) -> Smoothed:
    """Return the moves (1, n_slices, 3) of the moving scan's slices on the planes of the fixed one."""
    covered = frame.grid.voxel_to_mm(np.moveaxis(np.indices(frame.grid.shape), 0, -1))
    window = cord_window(centerline, frame)
    weights = window * moving.grid.contains(covered)
    if not weights.any():
        raise InputError(f"{moving.name} does not cover the cord of {fixed.name}; check the headers of both.")
    bare = ~weights.any(axis=(1, 2))  # slices that the moving scan does not reach: nothing is read from them in the end
    weights[bare] = window[bare]
    rows, columns = window_box(weights, frame, SEARCH_MM)
    reference = frame.stacked(np.asarray(fixed.data), fixed.grid)[:, rows, columns]
    image = resample_array(moving.data, moving.grid, frame.grid, order=SPLINE_ORDER)[:, rows, columns]
    centres = slice_centres(centerline, frame) - [rows.start, columns.start]
    return match_contrasts(
        reference, image, weights[:, rows, columns], frame, centres, rotation=rotation, threads=threads
    )


def _resampled(
    moving: Scan, frame: SliceFrame, target: Grid, moves: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float32], int]:
    """Return the moving scan where the moves say it lies, in the target's axis order, and the pixels from outside."""
    slices, shape = frame.grid.shape[0], frame.grid.shape[1:]
    here = np.moveaxis(np.indices(frame.grid.shape), 0, -1).astype(np.float64)
    places = here.copy()
    for z in range(slices):
        places[z, ..., 1:] = np.moveaxis(sample_places(moves[z], shape, frame.pixel_mm, centres[z]), 0, -1)
    voxels = moving.grid.mm_to_voxel(frame.grid.voxel_to_mm(places))
    values = ndimage.map_coordinates(
        np.asarray(moving.data, dtype=np.float32), np.moveaxis(voxels, -1, 0), order=SPLINE_ORDER, mode="nearest"
    )
    if np.asarray(moving.data).min() >= 0:
        values = np.maximum(values, 0.0)
    covered = moving.grid.contains(frame.grid.voxel_to_mm(here))
    beyond = ~moving.grid.contains(frame.grid.voxel_to_mm(places)) & covered
    return frame.unstacked(np.where(covered, values, np.nan).astype(np.float32), target), int(beyond.sum())


def _motion(found: Smoothed, frame: SliceFrame, outside: int) -> Motion:
    return Motion(
        shifts_mm=found.moves[..., :2],
        angles_deg=np.degrees(found.moves[..., 2] / ARC_RADIUS_MM),
        displacement_mm=np.zeros(1),
        outliers=np.zeros(1, dtype=bool),
        group=np.zeros(1, dtype=int),
        axes=frame.plane_axes,
        slice_axis=frame.slice_axis,
        uncertainty_mm=found.sd_mm,
        outside_voxels=np.array([outside]),
    )

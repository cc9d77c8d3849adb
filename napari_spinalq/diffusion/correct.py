"""Motion correction of a diffusion series, slice by slice around the cord.

The approach of cord pipelines (Xu et al. 2013, NeuroImage, PMC3604900; De Leener et al. 2017, NeuroImage,
doi:10.1016/j.neuroimage.2016.10.009): slices are shifted within their plane, only what lies around the cord counts,
volumes without and with weighting are matched within their kind, and neighbouring slices steady each other. Distortion
by eddy currents and susceptibility is not modelled. ``docs/motion.md`` says what is different here and what it reaches.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.diffusion.outliers import find_outliers
from napari_spinalq.diffusion.realign import find_moves
from napari_spinalq.diffusion.references import Series, contrast_of
from napari_spinalq.errors import InputError
from napari_spinalq.gradients import GradientTable
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.registration.slicewise.frame import SliceFrame, slice_frame
from napari_spinalq.registration.slicewise.stack import SEARCH_MM, move_back
from napari_spinalq.registration.slicewise.warp import ARC_RADIUS_MM, spline_coefficients
from napari_spinalq.registration.slicewise.window import cord_window, find_centerline, slice_centres, window_box
from napari_spinalq.scan import Scan

GROUP_SIZE = 1
"""Weighted volumes registered as one. One by default: from an SNR of about 6 on a volume matched alone is placed better
than within a group, between whose volumes the cord moves (docs/motion.md)."""


def correct_motion(
    scan: Scan,
    gradients: GradientTable,
    cord: NDArray | Centerline | None = None,
    *,
    rotation: bool = False,
    group_size: int = GROUP_SIZE,
    exclude_outliers: bool = False,
    threads: int | None = None,
    progress: Progress = silent,
) -> tuple[Scan, GradientTable, Motion]:
    """Bring the cord of every volume to its mean place over the series.

    Parameters
    ----------
    scan : Scan
        4-D, any axis order. Slices are taken as they were acquired: stacked along the axis of the largest spacing.
    gradients : GradientTable
        One row a volume, directions in RAS.
    cord : array of shape ``scan.grid.shape``, or Centerline, optional
        Where the cord lies: a mask, or a line in RAS mm. Found in the mean image where it is not given.
    rotation : bool
        Whether turns about the slice normal are sought and undone, too.
    group_size : int
        How many consecutive weighted volumes are averaged and registered as one.
    exclude_outliers : bool
        Whether volumes that stand out are left out of the result; they are only reported by default.
    threads : int, optional
        One by default: more do not make it faster on the series of a few seconds that are usual.
    progress : Progress
        Told where the work stands; may raise to stop it.

    Returns
    -------
    corrected : Scan
        float32, same grid and axis order; interpolated once, with cubic splines. Where nothing of the input is
        negative, nothing of the result is.
    gradients : GradientTable
        Of the corrected series: directions are turned back with the cord where ``rotation`` is sought (by the mean
        angle over slices, about the slice normal; Leemans and Jones 2009, doi:10.1002/mrm.21890), else unchanged.
    motion : Motion
        Of every volume of the input, also of those left out.

    Raises
    ------
    InputError
        If the scan is not a series, holds values that are not numbers, does not fit the gradients or the mask; or if
        the group size is not positive.
    """
    _check(scan, gradients, group_size)
    centerline = find_centerline(scan, cord, portion(progress, 0.0, 0.1))
    frame = slice_frame(scan.grid)
    images = np.ascontiguousarray(np.moveaxis(frame.stacked(scan.data, scan.grid), 3, 1), dtype=np.float32)
    group = _groups(gradients.unweighted, group_size)
    series, centres = _series(images, group, gradients, frame, centerline)
    found = find_moves(series, rotation=rotation, threads=threads, progress=portion(progress, 0.1, 0.8))
    moves = found.moves[group] - found.moves[group].mean(axis=0)
    progress(0.8, "moving slices back")
    corrected, outside = _moved_back(images, moves, frame, centres, threads)
    motion = _motion(moves, found.sd_mm[group], group, frame, outside)
    motion = find_outliers(motion, corrected, gradients, cord_window(centerline, frame))
    progress(1.0, "motion corrected")
    return _result(scan, corrected, gradients, motion, frame, rotation, exclude_outliers)


def _check(scan: Scan, gradients: GradientTable, group_size: int) -> None:
    if scan.data.ndim != 4 or scan.volumes < 2:
        raise InputError(f"{scan.name} is not a series of volumes; motion is sought between two or more.")
    if len(gradients) != scan.volumes:
        raise InputError(
            f"{scan.name} holds {scan.volumes} volumes, its gradient table {len(gradients)} rows; give the table that "
            "belongs to this scan."
        )
    if group_size < 1:
        raise InputError(f"A group holds one or more volumes, not {group_size}.")
    if not np.isfinite(np.asarray(scan.data)).all():
        raise InputError(f"{scan.name} holds values that are not numbers; replace them before motion is corrected.")


def _groups(unweighted: NDArray[np.bool_], size: int) -> NDArray[np.int_]:
    """Return the group of each volume, numbered in the order of their first volumes: unweighted volumes stand alone."""
    label = np.empty(len(unweighted), dtype=int)
    label[unweighted] = np.flatnonzero(unweighted)
    weighted = np.flatnonzero(~unweighted)
    label[weighted] = weighted[np.arange(len(weighted)) // size * size]
    return np.unique(label, return_inverse=True)[1]


def _moved_back(
    images: NDArray[np.float32],
    moves: NDArray[np.float64],
    frame: SliceFrame,
    centres: NDArray[np.float64],
    threads: int | None,
) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Return the images with their moves undone, as positive as they were, and how much came from outside."""
    corrected, outside = move_back(spline_coefficients(images), moves, frame.pixel_mm, centres, threads)
    if images.min() >= 0:
        np.maximum(corrected, 0.0, out=corrected)
    return corrected, outside


def _series(
    images: NDArray[np.float32],
    group: NDArray[np.int_],
    gradients: GradientTable,
    frame: SliceFrame,
    centerline: Centerline,
) -> tuple[Series, NDArray[np.float64]]:
    """Return what is matched, cut to the surroundings of the cord, and the pixels about which whole slices turn."""
    weights = cord_window(centerline, frame)
    if not weights.any():
        raise InputError("The cord lies outside of the diffusion scan; check the mask and both headers.")
    rows, columns = window_box(weights, frame, SEARCH_MM)
    centres = slice_centres(centerline, frame)
    members = [np.flatnonzero(group == one) for one in range(group.max() + 1)]
    cut = images[:, :, rows, columns]
    contrast = contrast_of(gradients, frame)
    series = Series(
        np.stack([cut[:, one].mean(axis=1) for one in members], axis=1),
        weights[:, rows, columns],
        centres - [rows.start, columns.start],
        frame,
        np.array([gradients.unweighted[one[0]] for one in members]),
        np.array([contrast[one].mean(axis=0) for one in members]),
    )
    return series, centres


def _motion(
    moves: NDArray[np.float64],
    sd_mm: NDArray[np.float64],
    group: NDArray[np.int_],
    frame: SliceFrame,
    outside: NDArray[np.int_],
) -> Motion:
    steps = np.linalg.norm(np.diff(moves, axis=0), axis=-1).mean(axis=1)
    return Motion(
        shifts_mm=moves[..., :2],
        angles_deg=np.degrees(moves[..., 2] / ARC_RADIUS_MM),
        displacement_mm=np.r_[0.0, steps],
        outliers=np.zeros(len(moves), dtype=bool),
        group=group,
        axes=frame.plane_axes,
        slice_axis=frame.slice_axis,
        uncertainty_mm=sd_mm,
        outside_voxels=outside.sum(axis=1),
    )


def _result(
    scan: Scan,
    corrected: NDArray[np.float32],
    gradients: GradientTable,
    motion: Motion,
    frame: SliceFrame,
    rotation: bool,
    exclude_outliers: bool,
) -> tuple[Scan, GradientTable, Motion]:
    turned = turned_back(gradients, motion.angles_deg.mean(axis=1), frame.turn_axis) if rotation else gradients
    keep = np.ones(len(gradients), dtype=bool)
    if exclude_outliers:
        keep = ~motion.outliers
        motion = replace(motion, left_out=tuple(int(volume) for volume in np.flatnonzero(motion.outliers)))
    data = frame.unstacked(np.moveaxis(corrected[:, keep], 1, 3), scan.grid)
    table = replace(turned, b_values=turned.b_values[keep], directions=turned.directions[keep])
    return replace(scan, data=data), table, motion


def turned_back(gradients: GradientTable, angles_deg: NDArray[np.float64], axis: NDArray[np.float64]) -> GradientTable:
    """Turn each direction by minus an angle (degrees, one a volume) about an axis (unit vector, RAS).

    When the cord turns with the patient, a gradient fixed to the scanner is seen from the cord turned the other way
    (Leemans and Jones 2009, doi:10.1002/mrm.21890).

    Examples
    --------
    >>> table = GradientTable(np.array([800.0]), np.array([[0.0, 1.0, 0.0]]))
    >>> turned_back(table, np.array([90.0]), np.array([0.0, 0.0, 1.0])).directions.round(6).tolist()
    [[1.0, 0.0, 0.0]]
    """
    turns = Rotation.from_rotvec(-np.radians(angles_deg)[:, None] * axis)
    writable = np.array(gradients.directions)  # scipy takes no read-only array
    return replace(gradients, directions=turns.apply(writable))

"""Where a slice is looked at: a soft window around the cord."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, box_around, to_work_order
from napari_spinalq.progress import Progress, silent
from napari_spinalq.registration.slicewise.frame import SliceFrame
from napari_spinalq.scan import Scan

WINDOW_SD_MM = 8.0
"""Standard deviation of the window, mm. Two of them on either side are 32 mm: the cord, its CSF and the wall of the
canal, which move together; the throat and the muscles of the neck, which move on their own, count little."""

EDGE_RAMP_MM = 3.0
"""Over this distance from the edge of the field of view (mm) the window falls to zero: when a slice moves, what lies
there comes from outside of the image."""

NEGLIGIBLE = 0.02
"""Pixels with a smaller weight are left out."""


def cord_window(centerline: Centerline, frame: SliceFrame, *, sd_mm: float = WINDOW_SD_MM) -> NDArray[np.float64]:
    """Return the weight of every voxel: a Gaussian of its distance to the cord, less near the edges of each slice.

    Parameters
    ----------
    centerline : Centerline
        Of the cord; beyond its ends it goes on straight.
    frame : SliceFrame
        Slices.
    sd_mm : float
        Standard deviation of the Gaussian, mm.

    Returns
    -------
    array, shape ``frame.grid.shape``
        0..1; zero where it would be under ``NEGLIGIBLE``.
    """
    places = frame.grid.voxel_to_mm(np.moveaxis(np.indices(frame.grid.shape), 0, -1))
    distance = np.linalg.norm(places - centerline.position(centerline.nearest_arc(places)), axis=-1)
    weights = np.exp(-0.5 * (distance / sd_mm) ** 2)
    for axis, step in enumerate(frame.pixel_mm, start=1):
        n = frame.grid.shape[axis]
        from_edge = np.minimum(np.arange(n), np.arange(n)[::-1]) * step
        weights *= np.expand_dims(np.clip(from_edge / EDGE_RAMP_MM, 0.0, 1.0), [k for k in range(3) if k != axis])
    return np.where(weights < NEGLIGIBLE, 0.0, weights)


def window_box(weights: NDArray[np.float64], frame: SliceFrame, margin_mm: float) -> tuple[slice, slice]:
    """Return the rows and columns in which any slice has weight, wider by a margin (mm) and two pixels."""
    margin = [int(np.ceil(margin_mm / step)) + 2 for step in frame.pixel_mm]
    rows, columns = box_around(np.asarray(weights.any(axis=0)), margin)
    return rows, columns


def slice_centres(centerline: Centerline, frame: SliceFrame) -> NDArray[np.float64]:
    """Return the row and column (fractional) about which each slice turns, shape (n_slices, 2).

    Where the cord passes through a slice; in slices along the cord the point of the middle of the cord.
    """
    points = frame.grid.mm_to_voxel(centerline.points_mm)
    if frame.slice_axis != "superior":
        return np.tile(points.mean(axis=0)[1:], (frame.grid.shape[0], 1))
    order = np.argsort(points[:, 0])
    along = np.arange(frame.grid.shape[0])
    return np.stack([np.interp(along, points[order, 0], points[order, axis]) for axis in (1, 2)], axis=1)


def find_centerline(scan: Scan, cord: NDArray | Centerline | None, progress: Progress = silent) -> Centerline:
    """Return the line of the cord: as given, through a mask on the grid of the scan, or found in its mean image.

    Raises
    ------
    InputError
        As :func:`mask_centerline` and :func:`napari_spinalq.cord.segment.segment_cord` say.
    """
    if isinstance(cord, Centerline):
        return cord
    if cord is None:
        return segment_cord(scan.mean_volume(), progress=progress).centerline
    return mask_centerline(cord, scan.grid)


def mask_centerline(mask: NDArray, grid: Grid) -> Centerline:
    """Fit a centerline to the centres of a cord mask in its axial slices.

    Raises
    ------
    InputError
        If the mask has another shape than the scan, or holds the cord in fewer than two slices.
    """
    if mask.shape != grid.shape:
        raise InputError(f"The cord mask has the shape {mask.shape}, the scan {grid.shape}; draw it on this scan.")
    work, work_grid = to_work_order(np.asarray(mask, dtype=np.float64), grid)
    amount = work.sum(axis=(1, 2))
    held = np.flatnonzero(amount > 0)
    if len(held) < 2:
        raise InputError("The cord mask holds the cord in fewer than two slices; draw it in every slice of the cord.")
    rows = (work[held].sum(axis=2) @ np.arange(work.shape[1])) / amount[held]
    columns = (work[held].sum(axis=1) @ np.arange(work.shape[2])) / amount[held]
    return fit_centerline(work_grid.voxel_to_mm(np.stack([held, rows, columns], axis=1)), weights=amount[held])

"""The straightened view: a curved planar reformat along the cord, with an exact way back.

At each distance s along the centerline a plane stands perpendicular to the tangent t(s). Its axes are the anterior
direction projected on the plane, a(s), and the patient's right, r(s) = a(s) x t(s). Anchoring every plane to anterior
keeps left and right comparable along the cord and cannot drift, as a frame carried from plane to plane could.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.scan import Scan

ANTERIOR = np.array([0.0, 1.0, 0.0])
"""The direction that every plane is turned to, RAS."""

MAX_LEAN = 0.98
"""Largest part of the tangent that may point anterior: beyond it (11 degrees from lying flat) no plane has a front."""

INVERSE_STEPS = 30
"""Most steps of the search for a point's plane. Each divides the error by at least 1 / (curvature x distance), which
is 3 for a bend of 90 mm radius and a point 30 mm off the cord: far under 0.001 mm after 30."""

SETTLED_MM = 1e-5
"""The search ends when no point moves by more than this (mm): near the cord after four steps or so."""


class Interpolation(IntEnum):
    """Spline order between voxels."""

    NEAREST = 0
    LINEAR = 1
    CUBIC = 3


@dataclass(frozen=True, eq=False)
class StraightFrame:
    """Where the voxels of a straightened volume lie.

    Attributes
    ----------
    centerline : Centerline
        The curve that becomes a straight line.
    first_mm : float
        Distance along the centerline (mm) of the lowest plane.
    shape : tuple of 3 int
        z', y', x': planes growing to superior, rows to anterior, columns to the patient's right.
    spacing_mm : tuple of 3 float
        Between voxel centres along z' (on the cord), y' and x'.
    center : tuple of 2 float
        Fractional row and column of the centerline.
    """

    centerline: Centerline
    first_mm: float
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    center: tuple[float, float]

    def arcs_mm(self) -> NDArray[np.float64]:
        """Return the distance along the centerline of each plane, shape (z',), mm."""
        return self.first_mm + self.spacing_mm[0] * np.arange(self.shape[0], dtype=np.float64)

    def voxel_to_mm(self, voxels: ArrayLike) -> NDArray[np.float64]:
        """Map straight voxel indices z', y', x', shape (..., 3), fractional ones too, to RAS mm."""
        v = np.asarray(voxels, dtype=float)
        arcs = self.first_mm + self.spacing_mm[0] * v[..., 0]
        anterior, right = plane_axes(self.centerline.tangent(arcs))
        ahead_mm = (v[..., 1] - self.center[0]) * self.spacing_mm[1]
        right_mm = (v[..., 2] - self.center[1]) * self.spacing_mm[2]
        return self.centerline.position(arcs) + ahead_mm[..., None] * anterior + right_mm[..., None] * right

    def all_points_mm(self) -> NDArray[np.float64]:
        """Return the RAS mm place of every voxel, shape (z', y', x', 3); the axes of a plane are worked out once."""
        arcs = self.arcs_mm()
        anterior, right = plane_axes(self.centerline.tangent(arcs))
        ahead_mm = (np.arange(self.shape[1]) - self.center[0]) * self.spacing_mm[1]
        right_mm = (np.arange(self.shape[2]) - self.center[1]) * self.spacing_mm[2]
        rows = self.centerline.position(arcs)[:, None, :] + ahead_mm[None, :, None] * anterior[:, None, :]
        return rows[:, :, None, :] + right_mm[None, None, :, None] * right[:, None, None, :]

    def mm_to_voxel(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Map RAS mm, shape (..., 3), to fractional straight voxel indices z', y', x'.

        Unique for points nearer to the cord than its radius of curvature; the plane nearest along the cord is taken.
        """
        points = np.asarray(points_mm, dtype=float)
        arcs = self._planes_through(points)
        anterior, right = plane_axes(self.centerline.tangent(arcs))
        offset = points - self.centerline.position(arcs)
        along = (arcs - self.first_mm) / self.spacing_mm[0]
        row = self.center[0] + (offset * anterior).sum(axis=-1) / self.spacing_mm[1]
        column = self.center[1] + (offset * right).sum(axis=-1) / self.spacing_mm[2]
        return np.stack([along, row, column], axis=-1)

    def _planes_through(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solve (p - c(s)) . t(s) = 0 for s by fixed-point steps from the nearest place of the curve."""
        arcs = self.centerline.nearest_arc(points)
        for _ in range(INVERSE_STEPS):
            ahead = ((points - self.centerline.position(arcs)) * self.centerline.tangent(arcs)).sum(axis=-1)
            arcs = arcs + ahead
            if np.abs(ahead).max(initial=0.0) < SETTLED_MM:
                break
        return arcs


@dataclass(frozen=True, eq=False)
class StraightScan:
    """A straightened image.

    Attributes
    ----------
    data : (z', y', x') array
        Values; indices grow to superior, anterior and the patient's right.
    frame : StraightFrame
        Where they lie.
    contrast : Contrast
        What they show.
    """

    data: NDArray
    frame: StraightFrame
    contrast: Contrast


def plane_axes(tangents: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the anterior and right unit vectors of planes perpendicular to ``tangents``, shape (..., 3), RAS.

    Raises
    ------
    InputError
        If a tangent points anterior or posterior, so that its plane has no front.

    Examples
    --------
    >>> anterior, right = plane_axes(np.array([0.0, 0.0, 1.0]))
    >>> anterior.tolist(), right.tolist()
    ([0.0, 1.0, 0.0], [1.0, 0.0, 0.0])
    """
    lean = tangents @ ANTERIOR
    if np.abs(lean).max(initial=0.0) > MAX_LEAN:
        raise InputError("The cord's centerline runs front to back, so it cannot be straightened; mark it again.")
    anterior = ANTERIOR - lean[..., None] * tangents
    anterior = anterior / np.linalg.norm(anterior, axis=-1, keepdims=True)
    return anterior, np.cross(anterior, tangents)


def straight_frame(
    centerline: Centerline,
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    posterior_mm: float = 20.0,
    anterior_mm: float = 20.0,
    lateral_mm: float = 20.0,
    beyond_ends_mm: tuple[float, float] = (0.0, 0.0),
) -> StraightFrame:
    """Lay out a straightened volume.

    Parameters
    ----------
    centerline : Centerline
        Of the cord, RAS mm.
    spacing_mm : tuple of 3 float
        Voxel size along z', y', x'.
    posterior_mm, anterior_mm, lateral_mm : float
        How far the volume reaches behind, before and to either side of the cord.
    beyond_ends_mm : tuple of 2 float
        How far it goes on straight below the inferior and above the superior end of the centerline; negative to stop
        short.

    Raises
    ------
    InputError
        If a spacing is not positive.
    """
    if min(spacing_mm) <= 0:
        raise InputError(f"The spacing of a straightened volume must be positive, not {spacing_mm} mm.")
    length_mm = centerline.length_mm + sum(beyond_ends_mm)
    behind, before = round(posterior_mm / spacing_mm[1]), round(anterior_mm / spacing_mm[1])
    side = round(lateral_mm / spacing_mm[2])
    planes = max(1, int(np.floor(length_mm / spacing_mm[0])) + 1)
    shape = (planes, behind + before + 1, 2 * side + 1)
    return StraightFrame(centerline, -beyond_ends_mm[0], shape, spacing_mm, (float(behind), float(side)))


def straighten_array(
    data: NDArray,
    grid: Grid,
    frame: StraightFrame,
    *,
    interpolation: Interpolation = Interpolation.LINEAR,
    fill: float = np.nan,
) -> NDArray:
    """Sample an array in a straight frame.

    Parameters
    ----------
    data : array, shape ``grid.shape``
        An image, or a mask or label map (with ``Interpolation.NEAREST``, which keeps the values and their type).
    grid : Grid
        Grid of ``data``, in any axis order.
    frame : StraightFrame
        Where to sample.
    interpolation : Interpolation
        Between voxels.
    fill : float
        Value outside the scan for images; labels get 0 there.

    Returns
    -------
    array, shape ``frame.shape``
        float32 for an image, the type of ``data`` for labels.
    """
    native = grid.mm_to_voxel(frame.all_points_mm())
    outside = ~np.all((native >= -0.5) & (native <= np.asarray(grid.shape) - 0.5), axis=-1)
    nearest = interpolation is Interpolation.NEAREST
    output = data.dtype if nearest else np.float32
    values = ndimage.map_coordinates(
        data, np.moveaxis(native, -1, 0), output=output, order=int(interpolation), mode="nearest"
    )
    values[outside] = 0 if nearest else fill
    return values


def straighten(
    scan: Scan,
    centerline: Centerline,
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    posterior_mm: float = 20.0,
    anterior_mm: float = 20.0,
    lateral_mm: float = 20.0,
    beyond_ends_mm: tuple[float, float] = (0.0, 0.0),
    interpolation: Interpolation = Interpolation.LINEAR,
    fill: float = np.nan,
) -> StraightScan:
    """Straighten a scan along the cord.

    Parameters
    ----------
    scan : Scan
        In any axis order; of a 4-D scan the mean over its volumes.
    centerline, spacing_mm, posterior_mm, anterior_mm, lateral_mm, beyond_ends_mm
        As :func:`straight_frame`.
    interpolation, fill
        As :func:`straighten_array`. Nothing is smoothed first.

    Returns
    -------
    StraightScan
        Its frame maps straight voxels to RAS mm and back.
    """
    frame = straight_frame(
        centerline,
        spacing_mm=spacing_mm,
        posterior_mm=posterior_mm,
        anterior_mm=anterior_mm,
        lateral_mm=lateral_mm,
        beyond_ends_mm=beyond_ends_mm,
    )
    volume = scan.mean_volume()
    values = straighten_array(volume.data, volume.grid, frame, interpolation=interpolation, fill=fill)
    return StraightScan(values, frame, scan.contrast)

"""One plane of the straightened cord, laid out to be looked at and painted on.

A strip is the middle layer of a straight frame (:mod:`napari_spinalq.cord.straighten`): sagittal' holds the directions
along the cord and anterior, coronal' those along the cord and to the patient's right. Where its samples lie in the
scan is worked out once, so that an image or an edited mask is sampled anew in a few milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.straighten import StraightFrame, straight_frame
from napari_spinalq.geometry import Grid

STEP_MM = 0.5
"""Distance between the samples of a strip, mm: as fine as the finest voxels of clinical scans."""

HALF_BREADTH_MM = 20.0
"""How far a strip reaches to either side of the cord's centre, mm: past the canal into the vertebrae."""

BEYOND_ENDS_MM = 15.0
"""How far it goes on straight past the ends of the cord mask, mm: about a vertebra, to paint what is missing there."""


class StripPlane(StrEnum):
    """Which plane of the straightened cord a strip shows."""

    SAGITTAL = "Sagittal"
    CORONAL = "Coronal"

    @property
    def across(self) -> int:
        """The axis of the straight frame (z', y', x') that is perpendicular to the plane."""
        return 2 if self is StripPlane.SAGITTAL else 1

    @property
    def upright(self) -> int:
        """The axis of the straight frame that stands upright on the strip."""
        return 3 - self.across


@dataclass(frozen=True, eq=False)
class Strip:
    """Where the samples of a strip lie.

    Attributes
    ----------
    frame : StraightFrame
        Of the straight volume, as thick as it is broad, whose middle layer the strip is.
    plane : StripPlane
        Which plane it is.
    grid : Grid
        Of the scan that is sampled, in any axis order.
    """

    frame: StraightFrame
    plane: StripPlane
    grid: Grid

    @property
    def shape(self) -> tuple[int, int]:
        """Number of samples along the cord (to superior) and across it (to anterior, or to the patient's right)."""
        return self.frame.shape[0], self.frame.shape[self.plane.upright]

    @property
    def layer(self) -> int:
        """Index of the displayed layer along ``plane.across`` of the frame."""
        return self.frame.shape[self.plane.across] // 2

    @cached_property
    def _native(self) -> NDArray[np.float64]:
        """Fractional voxels of the samples, shape (3, along, across)."""
        shape, center = list(self.frame.shape), list(self.frame.center)
        shape[self.plane.across] = 1
        center[self.plane.across - 1] -= self.layer
        displayed = replace(self.frame, shape=tuple(shape), center=tuple(center))  # type: ignore[arg-type]
        points = displayed.all_points_mm().reshape(*self.shape, 3)
        return np.moveaxis(self.grid.mm_to_voxel(points), -1, 0)

    @cached_property
    def _outside(self) -> NDArray[np.bool_]:
        limit = np.asarray(self.grid.shape)[:, None, None] - 0.5
        return np.any((self._native < -0.5) | (self._native > limit), axis=0)

    @cached_property
    def _nearest(self) -> NDArray[np.intp]:
        """Flat index of the voxel that each sample lies in."""
        limit = np.asarray(self.grid.shape)[:, None, None] - 1
        voxels = np.clip(np.rint(self._native), 0, limit).astype(np.intp)
        return np.ravel_multi_index(tuple(voxels), self.grid.shape)

    def image(self, data: NDArray) -> NDArray[np.float32]:
        """Sample an image on the grid, linearly between voxels; NaN outside of it, shape (along, across)."""
        values = ndimage.map_coordinates(data, self._native, output=np.float32, order=1, mode="nearest")
        values[self._outside] = np.nan
        return values

    def labels(self, data: NDArray) -> NDArray:
        """Sample labels on the grid at the nearest voxel; 0 outside of it, shape (along, across)."""
        flat = data.reshape(-1) if data.flags.c_contiguous else np.ascontiguousarray(data).reshape(-1)
        values = flat[self._nearest]
        values[self._outside] = 0
        return values

    def voxels_at(self, arc_mm: ArrayLike, offset_mm: ArrayLike) -> NDArray[np.float64]:
        """Return fractional straight voxels z', y', x' of places on the strip, shape (..., 3).

        Parameters
        ----------
        arc_mm : array
            Distance along the centerline from its inferior end, mm.
        offset_mm : array
            Distance from the cord's centre to anterior or to the patient's right, mm.
        """
        arc, offset = np.broadcast_arrays(np.asarray(arc_mm, dtype=float), np.asarray(offset_mm, dtype=float))
        upright = self.plane.upright
        voxels = np.zeros((*arc.shape, 3))
        voxels[..., 0] = (arc - self.frame.first_mm) / self.frame.spacing_mm[0]
        voxels[..., self.plane.across] = self.layer
        voxels[..., upright] = self.frame.center[upright - 1] + offset / self.frame.spacing_mm[upright]
        return voxels

    def points_mm(self, arc_mm: ArrayLike, offset_mm: ArrayLike) -> NDArray[np.float64]:
        """Return RAS mm of places on the strip, shape (..., 3); arguments as :meth:`voxels_at`."""
        return self.frame.voxel_to_mm(self.voxels_at(arc_mm, offset_mm))

    def place_of(self, point_mm: ArrayLike) -> tuple[float, float]:
        """Return distance along the centerline and upright offset (mm) of the plane's place nearest to a RAS point."""
        voxel = self.frame.mm_to_voxel(np.asarray(point_mm, dtype=float)[None])[0]
        upright = self.plane.upright
        arc = self.frame.first_mm + voxel[0] * self.frame.spacing_mm[0]
        return float(arc), float((voxel[upright] - self.frame.center[upright - 1]) * self.frame.spacing_mm[upright])


def lay_strip(
    centerline: Centerline,
    grid: Grid,
    plane: StripPlane,
    *,
    depth_mm: float = 0.0,
    step_mm: float = STEP_MM,
    half_breadth_mm: float = HALF_BREADTH_MM,
    beyond_ends_mm: float = BEYOND_ENDS_MM,
) -> Strip:
    """Lay out a strip along a cord.

    Parameters
    ----------
    centerline : Centerline
        Of the cord, RAS mm.
    grid : Grid
        Of the scan that will be sampled.
    plane : StripPlane
        Sagittal' or coronal'.
    depth_mm : float
        Distance of the plane from the cord's centre: to the patient's right (sagittal') or to anterior (coronal').
    step_mm : float
        Between samples.
    half_breadth_mm, beyond_ends_mm : float
        How far it reaches beside the cord's centre, and past both ends of the centerline.

    Raises
    ------
    InputError
        If the step is not positive.
    """
    frame = straight_frame(
        centerline,
        spacing_mm=(step_mm,) * 3,
        posterior_mm=half_breadth_mm,
        anterior_mm=half_breadth_mm,
        lateral_mm=half_breadth_mm,
        beyond_ends_mm=(beyond_ends_mm,) * 2,
    )
    row, column = frame.center
    deep = depth_mm / step_mm
    center = (row, column - deep) if plane is StripPlane.SAGITTAL else (row - deep, column)
    return Strip(replace(frame, center=center), plane, grid)

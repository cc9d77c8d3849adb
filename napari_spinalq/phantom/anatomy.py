"""The whole anatomy as one analytic function: which tissue lies at a point of the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.phantom.cord import Cord, CordDesign
from napari_spinalq.phantom.curve import SagittalCurve
from napari_spinalq.phantom.neck import paint_brainstem, paint_neck
from napari_spinalq.phantom.place import Place, paint_where
from napari_spinalq.phantom.spine import canal_front_mm, inside_sac, paint_canal, paint_spine
from napari_spinalq.phantom.tissue import Tissue

CENTERLINE_STEP_MM = 0.5
CORD_REACH_MM = 9.0
"""No point of the cord lies farther from its centerline than this, mm."""


@dataclass(frozen=True)
class Pose:
    """How the person lies in the scanner: rotations about the C4-C5 disc (degrees), then a shift (RAS mm).

    ``pitch`` turns superior towards anterior, ``roll`` superior towards right, ``yaw`` right towards anterior.
    """

    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    yaw_deg: float = 0.0
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Rotation from the frame of the anatomy to the world, shape (3, 3)."""
        angles = [self.yaw_deg, self.roll_deg, -self.pitch_deg]
        return Rotation.from_euler("ZYX", angles, degrees=True).as_matrix()


@dataclass(frozen=True)
class Anatomy:
    """One person in one pose.

    Attributes
    ----------
    cord_design : CordDesign
        Areas of cord and grey matter, size of the spine.
    curve : SagittalCurve
        Centerline before the pose is applied.
    neck_scale : float
        Factor on the thickness of the neck outside the canal.
    pose : Pose
        Position in the scanner.
    """

    cord_design: CordDesign
    curve: SagittalCurve
    neck_scale: float = 1.0
    pose: Pose = field(default_factory=Pose)

    @cached_property
    def cord(self) -> Cord:
        """The cord of the design."""
        return Cord(self.cord_design)

    def to_world(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Map points from the frame of the anatomy to RAS mm, shape (..., 3)."""
        return np.asarray(points_mm) @ self.pose.matrix.T + self.pose.shift_mm

    def curvilinear(self, points_mm: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
        """Return (arc position, distance to the right, distance to anterior) of RAS points (n, 3), mm."""
        return self.curve.curvilinear((points_mm - self.pose.shift_mm) @ self.pose.matrix)

    def tangent(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return unit tangents of the centerline in RAS, pointing to superior, shape (..., 3)."""
        return self.curve.tangent(arc_mm) @ self.pose.matrix.T

    def position(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return points of the centerline in RAS mm, shape (..., 3)."""
        return self.to_world(self.curve.position(arc_mm))

    @cached_property
    def centerline(self) -> Centerline:
        """The centerline from the lower end of T3 to the foramen magnum, RAS mm."""
        return Centerline(self.position(np.arange(self.cord.bounds_mm[-1], self.cord.top_mm, CENTERLINE_STEP_MM)))

    def disc_positions_mm(self) -> dict[int, NDArray[np.float64]]:
        """Return, for each disc by number, the middle of its posterior edge (the front wall of the canal), RAS mm."""
        scale = self.cord_design.spine_scale
        found = {}
        for disc, arc in self.cord.discs_mm.items():
            height = np.array([arc / scale])
            front = canal_front_mm(Place(height, height * 0, height * 0))[0]
            normal = np.cross(self.curve.tangent(arc), [1.0, 0.0, 0.0])
            found[disc] = self.to_world(self.curve.position(arc) + front * normal)
        return found

    def tissues(self, points_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the tissue at RAS points, shape (n, 3) to (n,)."""
        arc, right, anterior = self.curvilinear(points_mm)
        found = np.full(arc.shape, Tissue.AIR, dtype=np.uint8)
        outside = np.ones(arc.shape, dtype=bool)
        near = (np.abs(right) < CORD_REACH_MM) & (np.abs(anterior) < CORD_REACH_MM) & (arc < self.cord.top_mm)
        index = np.flatnonzero(near)
        inside = index[self.cord.inside(arc[index], right[index], anterior[index])]
        found[inside] = self.cord.tissues(arc[inside], right[inside], anterior[inside])
        outside[inside] = False
        place = Place(arc / self.cord_design.spine_scale, right, anterior)
        paint_where(self._paint_around, place, found, outside)
        return found

    def _paint_around(self, place: Place, found: NDArray[np.uint8]) -> None:
        """Paint everything but the cord, from the outside inwards."""
        sac = inside_sac(place)
        found[sac] = Tissue.CSF
        paint_where(self._paint_outside_sac, place, found, ~sac)

    def _paint_outside_sac(self, place: Place, found: NDArray[np.uint8]) -> None:
        paint_neck(Place(place.s, place.u / self.neck_scale, place.v / self.neck_scale), found)
        paint_spine(place, found)
        paint_canal(place, found)
        paint_brainstem(place, found)

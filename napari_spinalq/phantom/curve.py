"""The centerline of a phantom: a plane curve given by its inclination, and coordinates that follow it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

TABLE_STEP_MM = 0.1
"""Distance h between tabulated points of the curve (mm): reading linearly errs by curvature h^2 / 8, some 1e-5 mm."""

ARC_RANGE_MM = (-260.0, 260.0)
"""Arc positions that are tabulated (mm): more than any field of view around the neck."""

NEWTON_STEPS = 3
"""Steps to the nearest arc position; the third moves points of a neck by less than 1e-4 mm."""


@dataclass(frozen=True)
class SagittalCurve:
    """A centerline in the midsagittal plane, arc length being its parameter.

    The inclination of the tangent from superior towards anterior, at arc position s (mm, growing to superior), is
    ``a(s) = tilt - lordosis / 2 tanh((s - s_l) / w_l) + flexion / 2 (1 + tanh((s - s_f) / w_f))``; the curve is its
    integral, so s is arc length by construction and planes of constant s are perpendicular to the curve.

    Attributes
    ----------
    tilt_deg, lordosis_deg, flexion_deg : float
        Inclination in the middle, change over the cervical lordosis, and forward bend between cord and brainstem.
    flexion_at_mm : float
        Arc position of the cervicomedullary bend, mm.
    """

    tilt_deg: float
    lordosis_deg: float
    flexion_deg: float
    flexion_at_mm: float
    lordosis_width_mm: float = 35.0
    flexion_width_mm: float = 20.0

    def inclination(self, arc_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the inclination a(s) in radians, positive where the curve leans to anterior on its way up."""
        lordosis = np.tanh(arc_mm / self.lordosis_width_mm) / 2
        flexion = (1 + np.tanh((arc_mm - self.flexion_at_mm) / self.flexion_width_mm)) / 2
        return np.radians(self.tilt_deg - self.lordosis_deg * lordosis + self.flexion_deg * flexion)

    @cached_property
    def _table(self) -> NDArray[np.float64]:
        """Tabulated y(s), z(s), sine and cosine of a(s), and da/ds, shape (n, 5)."""
        arc = np.arange(ARC_RANGE_MM[0], ARC_RANGE_MM[1] + TABLE_STEP_MM / 2, TABLE_STEP_MM)
        angle = self.inclination(arc)
        middle = self.inclination(arc[:-1] + TABLE_STEP_MM / 2)
        zero = round(-ARC_RANGE_MM[0] / TABLE_STEP_MM)
        y = np.r_[0.0, np.cumsum(np.sin(middle))] * TABLE_STEP_MM
        z = np.r_[0.0, np.cumsum(np.cos(middle))] * TABLE_STEP_MM
        bend = np.gradient(angle, TABLE_STEP_MM)
        return np.stack([y - y[zero], z - z[zero], np.sin(angle), np.cos(angle), bend], axis=1)

    def _read(self, arc_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the tabulated values at arc positions, shape (5,) + shape of ``arc_mm``."""
        place = np.clip((arc_mm - ARC_RANGE_MM[0]) / TABLE_STEP_MM, 0, len(self._table) - 1.001)
        index = place.astype(np.int64)
        low = self._table[index]
        return np.moveaxis(low + (place - index)[..., None] * (self._table[index + 1] - low), -1, 0)

    def position(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return points of the curve, shape (..., 3), mm, x = 0 (right), y anterior, z superior.

        Examples
        --------
        >>> SagittalCurve(0.0, 0.0, 0.0, 70.0).position(25.0).round(6).tolist()
        [0.0, 0.0, 25.0]
        """
        arc = np.asarray(arc_mm, dtype=float)
        return np.stack([np.zeros_like(arc), *self._read(arc)[:2]], axis=-1)

    def tangent(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return unit tangents, shape (..., 3), pointing to superior."""
        arc = np.asarray(arc_mm, dtype=float)
        return np.stack([np.zeros_like(arc), *self._read(arc)[2:4]], axis=-1)

    def curvilinear(self, points_mm: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
        """Return arc position s, distance to the right u and distance to anterior v of points, each shape (n,), mm.

        s is where the plane perpendicular to the curve holds the point: Newton's method on
        f(s) = (p - c(s)) . t(s), whose derivative is v(s) da/ds - 1.

        Parameters
        ----------
        points_mm : (n, 3) array
            Points in the frame of the anatomy, mm.
        """
        y, z = points_mm[:, 1], points_mm[:, 2]
        coarse = self._table[::10, 1]
        arc = ARC_RANGE_MM[0] + TABLE_STEP_MM * np.interp(z, coarse, np.arange(0, len(self._table), 10))
        for _ in range(NEWTON_STEPS):
            curve_y, curve_z, sine, cosine, bend = self._read(arc)
            dy, dz = y - curve_y, z - curve_z
            arc = arc + (dy * sine + dz * cosine) / (1 - (dy * cosine - dz * sine) * bend)
        curve_y, curve_z, sine, cosine, _ = self._read(arc)
        return arc, points_mm[:, 0], (y - curve_y) * cosine - (z - curve_z) * sine

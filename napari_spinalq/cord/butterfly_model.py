"""The grey matter that a cord is expected to have: a mean outline for its level, and how people differ from it.

The outline is that of :mod:`napari_spinalq.anatomy.butterfly`, in coordinates normalised by the cord's half axes (x to
the patient's right, y to anterior). Its vertices move by a Gaussian process: whole-shape changes (place, turn, size,
thickness, length of each dorsal horn), smooth bends of the plane, partly the same on both sides, and ripples along the
contour. The leading eigenvectors of its covariance are the modes (Cootes et al. 1995, doi:10.1006/cviu.1995.1004,
with a covariance that is stated instead of learned).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.anatomy import figures
from napari_spinalq.anatomy.butterfly import SCALE_CENTRE_Y, scaled_half

GENERIC_LEVEL = 4.0
"""Level whose outline is expected where no level is known: mid-cervical, where grey matter is most often imaged."""

HALF_AXES_MM = np.array([6.2, 3.7])
"""Half axes (right-left, anterior-posterior) of the mid-cervical cord on which the spreads below are stated, mm."""

SHIFT_MM, TURN_RAD, STRETCH, THICKNESS_MM, HORN_LENGTH = 0.3, 0.05, 0.10, 0.15, 0.12
"""Standard deviations: shift along x and y, turn (3 degrees), stretch along x and y, shift of the whole contour along
its normal, and stretch of each dorsal horn."""

BEND_MM, BEND_LENGTH_MM, SYMMETRIC_SHARE = 0.3, 1.4, 0.5
"""Standard deviation and range of smooth bends of the plane, and the share of their variance common to both sides."""

RIPPLE_MM, RIPPLE_LENGTH_MM = 0.15, 0.8
"""The same for ripples along the contour, which change the thickness of a horn."""

MODES = 30
"""Modes kept: they hold more than 98 % of the variance."""


@dataclass(frozen=True, eq=False)
class ButterflyModel:
    """A mean outline and its modes in normalised cord coordinates.

    Attributes
    ----------
    outline : (n_vertices, 2) array
        Closed polygon, the patient's right half first.
    modes : (n_vertices, 2, n_modes) array
        Displacement of each vertex by one standard deviation of each mode.
    """

    outline: NDArray[np.float64]
    modes: NDArray[np.float64]

    def shape(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the outline displaced by ``weights`` (standard deviations), shape (n_vertices, 2)."""
        return self.outline + self.modes @ weights


@lru_cache(maxsize=32)
def butterfly_model(level: float = GENERIC_LEVEL) -> ButterflyModel:
    """Return the model of a vertebral level (1 = C1; levels below T3 take the shape of T3)."""
    level = float(np.clip(level, figures.LEVELS[0].level, figures.LEVELS[-1].level))
    fraction = np.interp(level, [row.level for row in figures.LEVELS], figures.figure("gm_fraction"))
    outline = whole_outline(scaled_half(level, float(fraction)))
    return ButterflyModel(outline, _generic_modes())


def whole_outline(half: NDArray[np.float64]) -> NDArray[np.float64]:
    """Close the right half of a butterfly with its mirror image; the two vertices of the midline stay single."""
    return np.vstack([half, (half * [-1.0, 1.0])[-2:0:-1]])


@lru_cache(maxsize=1)
def _generic_modes() -> NDArray[np.float64]:
    """Modes of the generic outline; they serve every level, so that weights of neighbouring slices compare."""
    outline = whole_outline(scaled_half(GENERIC_LEVEL, float(figures.figure("gm_fraction")[3])))
    points = outline * HALF_AXES_MM
    values, vectors = np.linalg.eigh(_covariance(points))
    kept = np.argsort(values)[::-1][:MODES]
    modes = vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0.0))
    return modes.reshape(len(points), 2, MODES) / HALF_AXES_MM[:, None]


def _covariance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance (mm2) of vertex displacements, shape (2 n, 2 n), x and y interleaved."""
    normals = _outward_normals(points)
    whole = _whole_shape_changes(points, normals)
    ripple = RIPPLE_MM**2 * np.exp(-(_contour_distance(points) ** 2) / (2 * RIPPLE_LENGTH_MM**2))
    ripples = np.einsum("ij,ia,jb->iajb", ripple, normals, normals).reshape(2 * len(points), -1)
    return whole @ whole.T + _bends(points) + ripples


def _whole_shape_changes(points: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """One column a change, by one standard deviation (mm)."""
    from_centre = points - [0.0, SCALE_CENTRE_Y * HALF_AXES_MM[1]]
    behind = np.maximum(-from_centre[:, 1], 0.0)
    nothing = np.zeros(len(points))
    changes = [
        SHIFT_MM * np.tile([1.0, 0.0], (len(points), 1)),
        SHIFT_MM * np.tile([0.0, 1.0], (len(points), 1)),
        TURN_RAD * from_centre[:, ::-1] * [-1.0, 1.0],
        STRETCH * from_centre * [1.0, 0.0],
        STRETCH * from_centre * [0.0, 1.0],
        THICKNESS_MM * normals,
        *(HORN_LENGTH * np.stack([nothing, -behind * (np.sign(points[:, 0]) == side)], axis=1) for side in (1, -1)),
    ]
    return np.stack([change.ravel() for change in changes], axis=1)


def _bends(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of smooth bends: a share moves both sides as mirror images, the rest each place for itself."""
    mirror = np.argmin(((points[:, None] * [-1.0, 1.0] - points[None]) ** 2).sum(axis=-1), axis=1)
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    kernel = BEND_MM**2 * np.exp(-squared / (2 * BEND_LENGTH_MM**2))
    covariance = np.kron((1 - SYMMETRIC_SHARE) * kernel, np.eye(2))
    for axis, sign in ((0, -1.0), (1, 1.0)):
        both = 0.5 * (kernel + kernel[mirror][:, mirror] + sign * (kernel[:, mirror] + kernel[mirror]))
        covariance[axis::2, axis::2] += SYMMETRIC_SHARE * both
    return covariance


def _outward_normals(points: NDArray[np.float64]) -> NDArray[np.float64]:
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals * np.sign(_signed_area(points))


def _signed_area(points: NDArray[np.float64]) -> float:
    """Shoelace area, positive for a contour that runs counter-clockwise."""
    x, y = points.T
    return 0.5 * float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def _contour_distance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shorter way along the closed contour between every two vertices, mm."""
    steps = np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1)
    place = np.r_[0.0, np.cumsum(steps)[:-1]]
    apart = np.abs(place[:, None] - place[None])
    return np.minimum(apart, steps.sum() - apart)

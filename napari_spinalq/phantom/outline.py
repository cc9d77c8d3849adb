"""The cross-section of the cord in closed form: an ellipse with an anterior fissure and a posterior sulcus.

In coordinates normalised by the half axes (x to the patient's right, y to anterior) the edge at polar angle t is
``r(t)^2 = 1 - sum_k d_k (exp(k_k (sin(t - t_k') - 1)) - exp(-k_k) I0(k_k))``: each dip is a von Mises bump less its
mean, so the integral of r^2 / 2 over the circle is exactly pi and the area stays that of the ellipse, pi a b, whatever
the dips (the mean of exp(k sin t) is the modified Bessel function I0(k): Abramowitz and Stegun 1964, 9.6.19).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

FISSURE_DEPTH, FISSURE_SHARPNESS = 0.26, 60.0
"""Anterior median fissure: share of r^2 lost at the midline and inverse width; about 0.45 mm deep on a 7 mm cord.
Deeper parts of the real fissure are narrower than a voxel of any clinical scan."""

SULCUS_DEPTH, SULCUS_SHARPNESS = 0.08, 40.0
"""Posterior median sulcus, shallower."""

QUADRATURE_POINTS = 4096
"""Equidistant angles of the periodic trapezoid rule, which is exact to rounding for so smooth an integrand."""


def edge_radius_squared(sine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return r(t)^2 of the edge for given sin(t), t = 90 degrees being anterior."""
    fissure = np.exp(FISSURE_SHARPNESS * (sine - 1)) - ive(0, FISSURE_SHARPNESS)
    sulcus = np.exp(SULCUS_SHARPNESS * (-sine - 1)) - ive(0, SULCUS_SHARPNESS)
    return 1 - FISSURE_DEPTH * fissure - SULCUS_DEPTH * sulcus


def _moments() -> tuple[float, float, float]:
    """Return the height of the centroid and the variances of x and y about it, normalised units."""
    angle = np.arange(QUADRATURE_POINTS) * (2 * np.pi / QUADRATURE_POINTS)
    radius = np.sqrt(edge_radius_squared(np.sin(angle)))
    centre = float(2 * np.mean(radius**3 * np.sin(angle)) / 3)
    var_x = float(np.mean(radius**4 * np.cos(angle) ** 2) / 2)
    var_y = float(np.mean(radius**4 * np.sin(angle) ** 2) / 2) - centre**2
    return centre, var_x, var_y


CENTROID_Y, VARIANCE_X, VARIANCE_Y = _moments()
"""Centroid of the outline above its pole, and second central moments (an ellipse has 0, 1/4 and 1/4)."""


def inside_outline(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which normalised points, relative to the centroid of the cross-section, lie in the cord."""
    height = y + CENTROID_Y
    squared = x**2 + height**2
    sine = height / np.sqrt(np.maximum(squared, 1e-12))
    return squared <= edge_radius_squared(sine)


def half_axes_mm(area_mm2: NDArray[np.float64], ap_to_rl: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Return half axes (right-left, anterior-posterior) in mm for an exact area and a ratio of diameters.

    Examples
    --------
    >>> a, b = half_axes_mm(np.array(np.pi * 18), np.array(0.5))
    >>> round(float(a), 6), round(float(b), 6)
    (6.0, 3.0)
    """
    right_left = np.sqrt(area_mm2 / (np.pi * ap_to_rl))
    return right_left, right_left * ap_to_rl


def moment_diameters_mm(half_rl_mm: NDArray, half_ap_mm: NDArray) -> tuple[NDArray, NDArray]:
    """Return RL and AP diameters of the ellipse with the same second moments: 4 sqrt(variance), mm."""
    return 4 * np.sqrt(VARIANCE_X) * half_rl_mm, 4 * np.sqrt(VARIANCE_Y) * half_ap_mm

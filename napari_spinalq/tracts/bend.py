"""Bending an atlas within a cord so that its grey matter meets the one that was measured; tracts move along.

A bend is a smooth displacement of the cross-section that leaves its outline in place. People differ by what
:mod:`napari_spinalq.cord.butterfly_model` states of their grey matter, as a Gaussian process: a shift, a stretch along
each axis and smooth bends of the plane. The leading eigenvectors of its covariance are the modes; the most probable
bend given a measured map is found by Gauss-Newton steps.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.butterfly_model import BEND_LENGTH_MM, BEND_MM, HALF_AXES_MM, SHIFT_MM, STRETCH
from napari_spinalq.tracts.atlas import MAP_AXIS, MAP_STEP, map_points, sample_maps

COARSE = 4
"""Modes are computed on every fourth sample of a map: they are smooth over several of these."""

MODES = 40
"""Modes kept: they hold more than 98 % of the variance."""

FADING = 0.15
"""A bend fades to nothing over this distance from the outline, normalised."""

SHARE_ERROR = 0.15
"""Standard deviation of a voxel's measured share of grey matter: a binary mask rounds shares, by 0.29 where the edge
passes and not at all elsewhere."""

STEPS = 6
"""Gauss-Newton steps; the bend moves by less than a twentieth of a voxel after that."""

MAX_STEP = 1.0
"""Longest change of any mode in one step, standard deviations."""


@cache
def bend_modes() -> NDArray[np.float64]:
    """Return displacements (x, y) by one standard deviation of each mode, shape (MODES, 2, n, n), normalised."""
    axis = MAP_AXIS[::COARSE]
    x, y = np.meshgrid(axis, axis, indexing="ij")
    points_mm = np.stack([x.ravel(), y.ravel()], axis=1) * HALF_AXES_MM
    apart = ((points_mm[:, None] - points_mm) ** 2).sum(axis=-1)
    bends = BEND_MM**2 * np.exp(-apart / (2 * BEND_LENGTH_MM**2))
    fields = []
    for along in (0, 1):
        stretches = STRETCH**2 * np.outer(points_mm[:, along], points_mm[:, along])
        covariance = SHIFT_MM**2 + stretches + bends
        values, vectors = np.linalg.eigh(covariance)
        for value, vector in zip(values[: -MODES - 1 : -1], vectors.T[: -MODES - 1 : -1], strict=True):
            fields.append((value, along, np.sqrt(max(value, 0.0)) * vector / HALF_AXES_MM[along]))
    chosen = sorted(fields, key=lambda field: -field[0])[:MODES]
    modes = np.zeros((MODES, 2, len(MAP_AXIS), len(MAP_AXIS)))
    fine = np.indices(modes.shape[2:]) / COARSE
    for mode, (_, along, field) in zip(modes, chosen, strict=True):
        mode[along] = ndimage.map_coordinates(field.reshape(x.shape), fine, order=1, mode="nearest")
    fade = np.clip((1.0 - np.hypot(MAP_AXIS[:, None], MAP_AXIS)) / FADING, 0.0, 1.0)
    return modes * fade


def bent(maps: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return maps, shape (n_parts, n, n), bent by mode weights (standard deviations)."""
    x, y = map_points()
    right, anterior = np.tensordot(weights, bend_modes(), axes=1)
    return sample_maps(maps, x + right, y + anterior)


def fit_bend(
    expected: NDArray[np.float64],
    measured: NDArray[np.float64],
    voxel_share: float,
    prior: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Find the bend that brings an expected map of grey matter to the measured one.

    Parameters
    ----------
    expected, measured : (n, n) arrays
        Share of grey matter at the samples of a map; both blurred by the voxels of the scan.
    voxel_share : float
        Area of a voxel over that of a sample: samples within one voxel count as one measurement.
    prior : (MODES,) array, optional
        Expected mode weights, each with standard deviation 1; zero by default.

    Returns
    -------
    (MODES,) array
        Mode weights.
    """
    mean = np.zeros(MODES) if prior is None else prior
    weights = mean.copy()
    x, y = map_points()
    inside = np.hypot(*np.meshgrid(MAP_AXIS, MAP_AXIS)) <= 1.0
    layers = np.stack([expected, *np.gradient(expected, MAP_STEP)]).astype(np.float32)
    modes = bend_modes()[:, :, inside]
    certainty = 1.0 / (SHARE_ERROR**2 * max(voxel_share, 1.0))
    for _ in range(STEPS):
        right, anterior = np.tensordot(weights, modes, axes=1)
        value, slope_x, slope_y = sample_maps(layers, x[inside] + right, y[inside] + anterior)
        effect = slope_x * modes[:, 0] + slope_y * modes[:, 1]
        curvature = certainty * effect @ effect.T + np.eye(MODES)
        downhill = certainty * effect @ (measured[inside] - value) - (weights - mean)
        step = np.linalg.solve(curvature, downhill)
        weights = weights + step * min(1.0, MAX_STEP / max(float(np.abs(step).max()), 1e-12))
    return weights

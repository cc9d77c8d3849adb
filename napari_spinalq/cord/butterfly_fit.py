"""Fitting the butterfly to a slice: the most probable outline given its values, by Gauss-Newton steps.

The slice is a bias field plus a contrast times the coverage by grey matter, voxel by voxel, so partial volume is part
of the model and the area is not tied to voxel borders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.butterfly_model import ButterflyModel
from napari_spinalq.cord.butterfly_raster import coverage, coverage_and_slope
from napari_spinalq.cord.cord_slices import CordSlice
from napari_spinalq.cord.gm_contrast import bias_terms

RIM_RAMP_MM = 0.5
"""The rim of the cord holds CSF and does not count; from this far (mm) within it on a voxel counts in full."""

MAX_NORMALISED_X = 1.2
"""Voxels farther to a side than this hold nerve roots or veins, in a mask that took them in."""

FIRST_BLURS_MM = (0.6, 0.4, 0.2)
"""Extra ramp of the contour in the first steps, mm: a blurred contour finds its place from farther away."""

STEPS = 7
REFIT_STEPS = 3
"""Gauss-Newton steps from the mean shape, and from a shape that was fitted before."""

MAX_STEP = 2.0
"""Longest change of any mode in one step, standard deviations."""

NOISE_FACTOR = 2.0
"""Neighbouring voxels share what the model does not explain (veins, tracts, interpolation): their evidence counts as
from this many times fewer independent ones."""

OUTLIER_SIGMAS = 3.0
"""A voxel this many standard deviations from the model loses half of its weight."""

REWEIGHTINGS = 2
CURVATURE_RIDGE = 1e-6
"""Relative penalty on the curved terms of the bias field: keeps tiny cords solvable."""


@dataclass(frozen=True, eq=False)
class ButterflyFit:
    """A fitted slice.

    Attributes
    ----------
    weights : (n_modes,) array
        Mode weights in standard deviations.
    outline_mm : (n_vertices, 2) array
        Fitted outline, x and y in mm from the centroid of the cord.
    cover : (n_y, n_x) array
        Share of each voxel inside of it.
    white : (n_y, n_x) array
        White-matter level at each voxel.
    contrast, noise : float
        Grey less white level, and standard deviation of what is left.
    """

    weights: NDArray[np.float64]
    outline_mm: NDArray[np.float64]
    cover: NDArray[np.float64]
    white: NDArray[np.float64]
    contrast: float
    noise: float

    @property
    def contrast_to_noise(self) -> float:
        """Contrast over noise."""
        return self.contrast / max(self.noise, 1e-12)


def fit_butterfly(
    piece: CordSlice,
    model: ButterflyModel,
    *,
    start: NDArray[np.float64] | None = None,
    expected: NDArray[np.float64] | None = None,
    contrast: float | None = None,
) -> ButterflyFit:
    """Fit the outline of grey matter in one slice.

    Parameters
    ----------
    piece : CordSlice
        The slice.
    model : ButterflyModel
        Mean outline and modes.
    start : (n_modes,) array, optional
        Mode weights to start from; zero by default, with a coarse to fine search.
    expected : (n_modes,) array, optional
        Mean of the Gaussian prior of the weights, each with variance 1; zero by default.
    contrast : float, optional
        Grey less white level, where it is known; estimated by default.
    """
    modes_mm = np.einsum("ij,vjm->vim", piece.to_mm, model.modes)
    mean = np.zeros(modes_mm.shape[2]) if expected is None else expected
    weights = mean.copy() if start is None else start.copy()
    trust = _trust(piece)
    blurs = (*FIRST_BLURS_MM, *[0.0] * (STEPS - len(FIRST_BLURS_MM))) if start is None else [0.0] * REFIT_STEPS
    for blur_mm in blurs:
        polygon = model.shape(weights) @ piece.to_mm.T
        cover, slope = coverage_and_slope(piece.block, polygon, modes_mm, blur_mm)
        level = _Levels.fitted(piece, cover, trust, contrast)
        step = _newton_step(piece, level, slope, weights - mean)
        weights = weights + step * min(1.0, MAX_STEP / max(np.abs(step).max(), 1e-12))
    polygon = model.shape(weights) @ piece.to_mm.T
    cover = coverage(piece.block, polygon)
    level = _Levels.fitted(piece, cover, trust, contrast)
    return ButterflyFit(weights, polygon, cover, level.white, level.contrast, level.noise)


def _trust(piece: CordSlice) -> NDArray[np.float64]:
    """Weight of each voxel, 0..1."""
    trust = np.clip((piece.depth_mm - piece.rim_mm) / RIM_RAMP_MM, 0.0, 1.0)
    return trust * (np.abs(piece.normalised[0]) < MAX_NORMALISED_X)


@dataclass(frozen=True, eq=False)
class _Levels:
    """Grey levels that best explain a slice for a given coverage."""

    white: NDArray[np.float64]
    contrast: float
    noise: float
    residual: NDArray[np.float64]
    weight: NDArray[np.float64]

    @classmethod
    def fitted(
        cls, piece: CordSlice, cover: NDArray[np.float64], trust: NDArray[np.float64], contrast: float | None
    ) -> _Levels:
        """Weighted least squares in which voxels far from the model lose weight (Cauchy's M-estimator)."""
        bias = bias_terms(piece)
        design = bias if contrast is not None else np.concatenate([bias, cover[..., None]], axis=-1)
        target = piece.values - (contrast or 0.0) * cover
        robust = np.ones_like(trust)
        for _ in range(REWEIGHTINGS):
            solution = _weighted_solution(design, target, trust * robust)
            residual = target - design @ solution
            noise = max(1.4826 * float(np.median(np.abs(residual[trust > 0.5]))), 1e-9 * np.ptp(piece.values) + 1e-30)
            robust = 1.0 / (1.0 + (residual / (OUTLIER_SIGMAS * noise)) ** 2)
        found = float(solution[-1]) if contrast is None else contrast
        return cls(bias @ solution[: bias.shape[-1]], found, noise, residual, trust * robust)


def _weighted_solution(
    design: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    terms = design.reshape(-1, design.shape[-1])
    weighted = terms * weight.reshape(-1, 1)
    normal = weighted.T @ terms
    ridge = np.zeros(len(normal))
    ridge[3:6] = CURVATURE_RIDGE * np.trace(normal)
    ridge += 1e-12 * np.trace(normal)
    return np.asarray(np.linalg.solve(normal + np.diag(ridge), weighted.T @ target.ravel()), dtype=np.float64)


def _newton_step(
    piece: CordSlice, level: _Levels, slope: NDArray[np.float64], off_mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gauss-Newton step of the mode weights; what the bias field can explain is taken out of their effect."""
    effect = (level.contrast * slope).reshape(-1, slope.shape[-1])
    bias = bias_terms(piece).reshape(len(effect), -1)
    weight = (level.weight / (NOISE_FACTOR * level.noise**2)).reshape(-1, 1)
    normal = (weight * bias).T @ bias
    normal += 1e-9 * np.trace(normal) * np.eye(len(normal))
    effect = effect - bias @ np.linalg.solve(normal, (weight * bias).T @ effect)
    curvature = effect.T @ (weight * effect) + np.eye(effect.shape[1])
    gradient = effect.T @ (weight[:, 0] * level.residual.ravel()) - off_mean
    return np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)

"""The outline of the cord on unwrapped slices: dynamic programming around the circle, then the half-maximum edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.polar import RADIAL_STEP_MM, RADII_MM, RAY_ANGLES

CORE_MM = 2.0
"""Within this radius (mm) of the centre everything is cord: half of the smallest half axis."""

RING_MM = (3.0, 9.0)
"""Between these radii (mm) a ray meets the CSF or whatever surrounds the cord."""

MIN_RADIUS_MM, MAX_RADIUS_MM = 2.0, 9.5
"""Radii an outline may have, mm."""

EDGE_SIGMA_MM = 0.4
"""Scale of the edge along a ray, mm: under a pixel's blur, above the interpolation's ripple."""

REGION_WEIGHT = 0.8
"""Weight per ``REGION_UNIT_MM`` of ray that looks like cord, against a perfect edge of 1."""

REGION_UNIT_MM = 2.0

ANGULAR_WEIGHT = 0.5
"""Cost of a step of one ``RADIAL_STEP_MM`` between neighbouring rays, squared, times 0.1."""

MAX_STEP = 2
"""Largest change between neighbouring rays in radial steps: 0.5 mm in 0.8 mm of outline, a slope of 32 degrees."""

SHAPE_SIGMA_MM = 1.0
"""An outline this far (mm) from the expected shape costs the shape weight."""

HALF_MAXIMUM_SHIFT_MM = 0.75
"""The half-maximum crossing is looked for within this distance (mm) of the coarse outline."""

PLATEAU_MM, NEAREST_RIM_MM = 1.5, 0.5
"""The cord's own rim and the surroundings are read within the first distance (mm) inside and outside of the edge, the
rim no nearer than the second; farther off where the blur of a pixel is longer."""

PROFILE_STEPS = 61
"""Points of a profile across the edge, 0.05 mm apart on pixels up to 1 mm."""

PLATEAU_SMOOTHING = 0.7
"""Both levels are read on profiles smoothed over neighbouring rays with this standard deviation, in rays: the smallest
of noisy values lies under the level, which would move the edge outwards."""

MIN_EDGE_CONTRAST = 0.3
"""An edge with less than this part of the slice's contrast keeps its coarse place: there is nothing to halve."""


def normalised(rays: NDArray[np.float32], polarity: int, smoothing_slices: float) -> NDArray[np.float32]:
    """Scale each slice so that the cord's core is 0 and its surroundings -1.

    Parameters
    ----------
    rays : (n_slices, n_angles, n_radii) array
        From :func:`~napari_spinalq.cord.polar.unwrap`.
    polarity : int
        +1 if the cord is brighter than its surroundings, -1 if darker.
    smoothing_slices : float
        Both levels are smoothed over slices with this standard deviation.
    """
    core = np.median(rays[:, :, RADII_MM <= CORE_MM], axis=(1, 2))
    nearest, farthest = RING_MM
    in_ring = (nearest <= RADII_MM) & (farthest >= RADII_MM)
    ring = rays[:, :, in_ring]
    extreme = ring.min(axis=2) if polarity > 0 else ring.max(axis=2)
    # The upper quartile of rays: CSF is missing where the cord touches the canal.
    around = np.quantile(extreme, 0.3 if polarity > 0 else 0.7, axis=1)
    if smoothing_slices > 0.3 and len(core) > 2:
        core = ndimage.gaussian_filter1d(core, smoothing_slices, mode="nearest")
        around = ndimage.gaussian_filter1d(around, smoothing_slices, mode="nearest")
    contrast = np.maximum(polarity * (core - around), 1e-3)
    levels = polarity * (rays - core[:, None, None]) / contrast[:, None, None]
    return levels.astype(np.float32)


def edge_strength(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fall of normalised values along each ray: 1 for a full step from cord to surroundings, 0 for none or a rise."""
    sigma = EDGE_SIGMA_MM / RADIAL_STEP_MM
    fall = -ndimage.gaussian_filter1d(levels, sigma, axis=2, order=1, mode="nearest")
    return np.clip(fall * sigma * np.sqrt(2 * np.pi), 0.0, 1.5)


def region_score(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum from the centre outwards of +1 for a sample like the core and -1 for one like the surroundings.

    The two-class form of Chan and Vese (2001, doi:10.1109/83.902291) along a ray, with samples on the far side of
    the core's level (fat or bone behind thin CSF) counted as not cord.
    """
    likeness = np.clip(np.where(levels < 0, 1.0 + 2.0 * levels, 1.0 - 2.0 * np.maximum(levels - 0.35, 0.0)), -1.0, 1.0)
    likeness[:, :, RADII_MM <= CORE_MM] = 1.0
    return np.cumsum(likeness.astype(np.float32), axis=2) * np.float32(RADIAL_STEP_MM / REGION_UNIT_MM)


def find_outlines(
    levels: NDArray[np.float32],
    expected_mm: NDArray[np.float64],
    shape_weight: NDArray[np.float64],
    penalty: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the closed outline of least cost in every slice.

    Parameters
    ----------
    levels : (n_slices, n_angles, n_radii) array
        From :func:`normalised`.
    expected_mm : (n_slices, n_angles) array
        Expected radius, mm.
    shape_weight : (n_slices,) array
        Cost of an outline ``SHAPE_SIGMA_MM`` away from it.
    penalty : array, shape of ``levels``, optional
        What an outline costs besides at each sample.

    Returns
    -------
    radii_mm, edges : (n_slices, n_angles) arrays
        The outline in whole radial steps, and the edge strength on it.
    """
    edge = edge_strength(levels)
    reward = edge + REGION_WEIGHT * region_score(levels)
    reward -= shape_weight[:, None, None] * ((RADII_MM - expected_mm[..., None]) / SHAPE_SIGMA_MM) ** 2
    if penalty is not None:
        reward -= penalty
    reward[:, :, (RADII_MM < MIN_RADIUS_MM) | (RADII_MM > MAX_RADIUS_MM)] = -1e3
    index = closed_path(reward.astype(np.float32))
    return RADII_MM[index].astype(np.float64), np.take_along_axis(edge, index[..., None], axis=2)[..., 0].astype(
        np.float64
    )


def half_maximum(
    levels: NDArray[np.float32], radii_mm: NDArray[np.float64], pixel_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """Move each radius to where the value lies halfway between the cord's rim and its surroundings.

    For a sharp edge blurred by a symmetric point spread the halfway point is the true edge. Both levels are read on
    the ray itself and beyond the blur of the pixels that it crosses, so neither a bias field nor grey matter shifts it.

    Parameters
    ----------
    levels : (n_slices, n_angles, n_radii) array
        From :func:`normalised`.
    radii_mm : (n_slices, n_angles) array
        The coarse outline.
    pixel_mm : tuple of 2 float
        Distance of rows and columns, mm.
    """
    blur = np.maximum(pixel_blur_mm(pixel_mm), 2 * NEAREST_RIM_MM)
    steps = np.linspace(-1.0, 1.0, PROFILE_STEPS)
    fine = np.maximum(blur, PLATEAU_MM)[:, None] * steps
    profile = read_rays(levels, radii_mm[..., None] + fine)
    calm = ndimage.gaussian_filter1d(profile, PLATEAU_SMOOTHING, axis=1, mode="wrap")
    rim_values = np.where(fine <= -0.5 * blur[:, None], calm, np.nan)
    rim = np.nanmedian(rim_values, axis=-1)
    around = calm[..., steps >= 0].min(axis=-1)
    middle = 0.5 * (rim + around)[..., None]
    crossing = (profile[..., :-1] >= middle) & (profile[..., 1:] < middle)
    crossing &= np.abs(fine[:, :-1]) <= HALF_MAXIMUM_SHIFT_MM
    distance = np.where(crossing, np.abs(fine[:, :-1]), np.inf)
    best = np.argmin(distance, axis=-1)
    found = np.isfinite(distance.min(axis=-1)) & (rim - around >= MIN_EDGE_CONTRAST)
    step = fine[:, 1] - fine[:, 0]
    shift = np.take_along_axis(fine[None], best[..., None], axis=2)[..., 0] + 0.5 * step
    return np.where(found, radii_mm + shift, radii_mm)


def pixel_blur_mm(pixel_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Return the length over which a pixel blurs a straight edge across each ray, mm, shape (n_angles,).

    That of a box with the variance of the pixel's shadow on the ray, ``hypot(dy sin t, dx cos t)``: the side of a
    square pixel in all directions.
    """
    return np.hypot(np.sin(RAY_ANGLES) * pixel_mm[0], np.cos(RAY_ANGLES) * pixel_mm[1])


def read_rays(levels: NDArray[np.float32], radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear interpolation along the rays at radii of shape (n_slices, n_angles, n)."""
    at = np.clip(radii_mm / RADIAL_STEP_MM, 0, levels.shape[2] - 1.001)
    lower = at.astype(int)
    weight = at - lower
    first = np.take_along_axis(levels, lower, axis=2)
    return first * (1 - weight) + np.take_along_axis(levels, lower + 1, axis=2) * weight


def closed_path(reward: NDArray[np.float32], max_step: int = MAX_STEP) -> NDArray[np.int_]:
    """Best radius index on every ray, shape (n_slices, n_angles), with smooth steps around the circle.

    Parameters
    ----------
    reward : (n_slices, n_angles, n_radii) array
        What an outline gains by passing through each sample.
    max_step : int
        Largest change between neighbouring rays, radial steps.

    Notes
    -----
    The circle is unrolled three times; the middle turn no longer knows where the unrolling began.
    """
    n_slices, n_angles, n_radii = reward.shape
    steps = np.arange(-max_step, max_step + 1)
    costs = (0.1 * ANGULAR_WEIGHT * steps**2).astype(np.float32)
    total = reward[:, 0].copy()
    came_from = np.zeros((3 * n_angles, n_slices, n_radii), np.int8)
    for turn in range(1, 3 * n_angles):
        padded = np.pad(total, ((0, 0), (max_step, max_step)), constant_values=-1e6)
        options = np.stack([padded[:, i : i + n_radii] - cost for i, cost in enumerate(costs)])
        came_from[turn] = steps[np.argmax(options, axis=0)]
        total = options.max(axis=0) + reward[:, turn % n_angles]
    index = np.argmax(total, axis=1)
    path = np.empty((3 * n_angles, n_slices), int)
    for turn in range(3 * n_angles - 1, -1, -1):
        path[turn] = index
        index = index + came_from[turn, np.arange(n_slices), index]
    return path[n_angles : 2 * n_angles].T

"""The outer wall of the fluid around the cord on unwrapped slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.boundary import closed_path, read_rays
from napari_spinalq.cord.polar import RADIAL_STEP_MM, RAY_ANGLES

WALL_RADII_MM: NDArray[np.float64] = RADIAL_STEP_MM * np.arange(int(18.0 / RADIAL_STEP_MM) + 1.0)
"""Rays reach 18 mm: half of the widest dural sac (25 mm at the skull base) and the depth of a cord that lies aside."""

FLUID_NEAR_MM, FLUID_FAR_MM = 0.75, 2.5
"""The fluid's level is read between these distances (mm) outside of the cord: past partial volume, within the sac."""

FLUID_QUANTILE = 0.75
"""... as this quantile towards the fluid: on the other rays roots, ligaments or the wall itself lie there."""

EDGE_SIGMA_MM = 0.5
"""Scale of the wall along a ray, mm."""

REGION_WEIGHT, REGION_UNIT_MM = 0.8, 2.0
"""Weight per unit of ray that looks like fluid, against a perfect edge of 1."""

MAX_STEP = 3
"""Largest change between neighbouring rays in radial steps: a sac of 21 x 13 mm needs 0.6 mm."""

HALF_AXES_MM = (10.4, 6.6)
"""Half axes (right-left, anterior-posterior) of a cervical dural sac: means of healthy adults (Cohen-Adad et al. 2021,
doi:10.1038/s41597-021-00941-8)."""

SHAPE_WEIGHTS, SHAPE_SIGMAS_MM = (0.1, 0.4), (3.0, 1.0)
"""Cost of a wall one sigma off the expected one, in each pass: first the mean sac, then what the neighbours show."""

WAVES = 4
"""Waves around the circle of the wall that is expected in the second pass."""

ALONG_CORD_MM = 5.0
"""Slices share their expected wall with this standard deviation, mm."""

EDGE_FLOOR = 0.05
"""Weight of a ray without an edge, against 1 for a perfect one."""

PLATEAU_MM, SEARCH_MM = 1.5, 0.75
"""Levels on both sides are read this far from the wall, and the half-maximum is looked for this far, mm."""

PLATEAU_QUANTILE = 0.85
"""The fluid's level inside of the wall is this quantile of the plateau: part of it is the cord where fluid is thin."""

MIN_WALL_CONTRAST = 0.3
"""A wall with less than this part of the cord-fluid contrast keeps its coarse place."""


LOWEST_BEYOND_DARK_FLUID = -1.0
"""Beyond dark fluid lies a dura about as grey as the cord (-1) and, half a millimetre on, bright fat: the fat's level
would draw the wall into the dura. Beyond bright fluid dura, ligament and bone are all dark."""


def fluid_levels(
    rays: NDArray[np.float32], cord_mm: NDArray[np.float64], *, fluid_is_brighter: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Read the levels of cord and fluid in every slice.

    Parameters
    ----------
    rays : (n_slices, n_angles, n_radii) array
        From :func:`~napari_spinalq.cord.polar.unwrap` on ``WALL_RADII_MM``.
    cord_mm : (n_slices, n_angles) array
        Radius of the cord, mm.
    fluid_is_brighter : bool
        Whether the fluid is taken to be brighter than the cord.

    Returns
    -------
    cord, fluid, spread : (n_slices,) arrays
        Median of the cord; level of the fluid; and 1.4826 times the median absolute deviation within the cord.
    """
    inside = cord_mm[..., None] - 0.75 > WALL_RADII_MM
    outside = WALL_RADII_MM - cord_mm[..., None]
    ring = (outside >= FLUID_NEAR_MM) & (outside <= FLUID_FAR_MM)
    cord = np.array([np.median(ray[where]) for ray, where in zip(rays, inside, strict=True)])
    spread = np.array(
        [1.4826 * np.median(np.abs(ray[where] - c)) for ray, where, c in zip(rays, inside, cord, strict=True)]
    )
    share = FLUID_QUANTILE if fluid_is_brighter else 1 - FLUID_QUANTILE
    fluid = np.array([np.quantile(ray[where], share) for ray, where in zip(rays, ring, strict=True)])
    return cord, fluid, spread


def find_walls(
    levels: NDArray[np.float32],
    cord_mm: NDArray[np.float64],
    slice_mm: NDArray[np.float64],
    *,
    fluid_is_brighter: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the wall of the fluid in every slice.

    Parameters
    ----------
    levels : (n_slices, n_angles, n_radii) array
        0 for the fluid and -1 for the cord's level.
    cord_mm : (n_slices, n_angles) array
        Radius of the cord, mm: the wall lies at or beyond it.
    slice_mm : (n_slices,) array
        Place of each slice along the cord, mm.
    fluid_is_brighter : bool
        Whether the fluid is brighter than the cord.

    Returns
    -------
    radii_mm, edges : (n_slices, n_angles) arrays
        Half-maximum radius, and the fall there in units of the cord-fluid contrast.
    """
    edge = _fall(levels)
    gain = edge + REGION_WEIGHT * _fluid_passed(levels, cord_mm)
    gain = np.where(cord_mm[..., None] > WALL_RADII_MM, np.float32(-1e3), gain)
    expected = np.repeat(_mean_sac()[None], len(levels), axis=0)
    for weight, sigma in zip(SHAPE_WEIGHTS, SHAPE_SIGMAS_MM, strict=True):
        cost = weight * ((WALL_RADII_MM - expected[..., None]) / sigma) ** 2
        index = closed_path((gain - cost).astype(np.float32), MAX_STEP)
        found = np.take_along_axis(edge, index[..., None], axis=2)[..., 0].astype(float)
        radii = WALL_RADII_MM[index]
        expected = _smooth_walls(radii, np.maximum(found, EDGE_FLOOR), slice_mm)
    lowest = -np.inf if fluid_is_brighter else LOWEST_BEYOND_DARK_FLUID
    return np.maximum(_half_maximum(levels, radii, lowest), cord_mm), found


def _mean_sac() -> NDArray[np.float64]:
    half_x, half_y = HALF_AXES_MM
    return 1.0 / np.hypot(np.cos(RAY_ANGLES) / half_x, np.sin(RAY_ANGLES) / half_y)


def _fall(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fall along each ray: 1 for a step as high as the contrast of cord and fluid."""
    sigma = EDGE_SIGMA_MM / RADIAL_STEP_MM
    slope = -ndimage.gaussian_filter1d(levels, sigma, axis=2, order=1, mode="nearest")
    return np.clip(slope * sigma * np.sqrt(2 * np.pi), 0.0, 1.5)


def _fluid_passed(levels: NDArray[np.float32], cord_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Length of ray from the cord on that looks like fluid, less that which does not, in ``REGION_UNIT_MM``."""
    likeness = np.clip(1.0 + 2.0 * levels, -1.0, 1.0)
    likeness = np.where(cord_mm[..., None] + FLUID_NEAR_MM > WALL_RADII_MM, 0.0, likeness)
    return np.cumsum(likeness, axis=2).astype(np.float32) * np.float32(RADIAL_STEP_MM / REGION_UNIT_MM)


def _smooth_walls(
    radii_mm: NDArray[np.float64], trust: NDArray[np.float64], slice_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit few waves around the circle to the logarithm of the radii of a slice and its neighbours."""
    waves = [np.ones_like(RAY_ANGLES)]
    for order in range(1, WAVES + 1):
        waves += [np.cos(order * RAY_ANGLES), np.sin(order * RAY_ANGLES)]
    basis = np.stack(waves, axis=1)
    near = np.exp(-((slice_mm[:, None] - slice_mm) ** 2) / (2 * ALONG_CORD_MM**2))
    weight, target = near @ trust, near @ (trust * np.log(radii_mm))
    normal = np.einsum("zk,ki,kj->zij", weight, basis, basis)
    return np.exp(np.linalg.solve(normal, (target @ basis)[..., None])[..., 0] @ basis.T)


def _half_maximum(
    levels: NDArray[np.float32], radii_mm: NDArray[np.float64], lowest_beyond: float
) -> NDArray[np.float64]:
    """Move each radius to where the value lies halfway between the fluid and what is beyond its wall.

    ``lowest_beyond`` bounds the level beyond.
    """
    fine = np.arange(-PLATEAU_MM, PLATEAU_MM + 1e-9, RADIAL_STEP_MM / 5)
    profile = read_rays(levels, radii_mm[..., None] + fine)
    fluid = np.quantile(profile[..., fine <= 0], PLATEAU_QUANTILE, axis=-1)
    beyond = np.maximum(profile[..., fine >= 0].min(axis=-1), lowest_beyond)
    middle = 0.5 * (fluid + beyond)[..., None]
    crossing = (profile[..., :-1] >= middle) & (profile[..., 1:] < middle) & (np.abs(fine[:-1]) <= SEARCH_MM)
    distance = np.where(crossing, np.abs(fine[:-1]), np.inf)
    best = np.argmin(distance, axis=-1)
    found = np.isfinite(distance.min(axis=-1)) & (fluid - beyond >= MIN_WALL_CONTRAST)
    return np.where(found, radii_mm + fine[best] + 0.5 * (fine[1] - fine[0]), radii_mm)

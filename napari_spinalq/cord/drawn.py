"""Slices drawn by a person, as outlines around their centre."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord import polar
from napari_spinalq.cord.polar import RADIAL_STEP_MM, RAY_ANGLES, REACH_MM

FINE_STEP_MM = RADIAL_STEP_MM / 4
"""Step along a ray when a drawn mask is read, mm."""

SMOOTHING_RAYS = 1.0
"""A drawn outline is smoothed around the circle with this standard deviation, in rays: pixels have corners."""

SMALLEST_MM = 0.5
"""Radius of an outline that does not reach a ray at all (a crescent), mm."""


class DrawnOutline(NamedTuple):
    """Centroid (y, x; mm from the first pixel) and radius on each ray (mm) of a drawn slice."""

    centre_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]


def drawn_outline(share: NDArray[np.float32], spacing_mm: tuple[float, ...]) -> DrawnOutline:
    """Return the outline of a slice's mask.

    Parameters
    ----------
    share : (n_y, n_x) array
        0..1, not empty.
    spacing_mm : tuple of 2 float
        Distance between rows and columns, mm.

    Notes
    -----
    The radius is the length of the ray that lies inside, with the mask interpolated linearly: pixels halved by the
    outline count by half, so that the area within the radii is that of the mask.
    """
    rows, columns = np.nonzero(share)
    weights = share[rows, columns]
    spacing = np.asarray(spacing_mm)
    centre = np.average(np.stack([rows, columns], axis=1), axis=0, weights=weights) * spacing
    steps = np.arange(0.5 * FINE_STEP_MM, REACH_MM, FINE_STEP_MM)
    at = centre[:, None, None] + np.stack([np.outer(np.sin(RAY_ANGLES), steps), np.outer(np.cos(RAY_ANGLES), steps)])
    inside = ndimage.map_coordinates(share, at / spacing[:, None, None], order=1, mode="constant")
    radii = ndimage.gaussian_filter1d(inside.sum(axis=1) * FINE_STEP_MM, SMOOTHING_RAYS, mode="wrap")
    radii = np.maximum(radii, SMALLEST_MM)
    area = float(weights.sum() * spacing.prod())
    return DrawnOutline(centre, radii * np.sqrt(area / float(polar.areas_mm2(radii[None])[0])))

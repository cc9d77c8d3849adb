"""Correcting an expected outline by low waves around the circle, fitted where edges were seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.polar import RAY_ANGLES

MEAN_ASPECT = 1.45
"""Left-right over anterior-posterior diameter of a human cord: 1.2 in thoracic, 1.7 in lower cervical segments."""

HALF_AXES_MM = (6.0, 6.0 / MEAN_ASPECT)
"""Half axes (left-right, anterior-posterior) of a mean cord, mm: what is expected where nothing was seen."""

MEAN_WEIGHT = 0.05
"""The mean cord counts as much as a neighbour of this certainty."""

KNOWN_SPREAD = 0.08
"""Spread of each wave around an outline drawn in the same place: 8 % is 0.4 mm, as from slice to slice."""

WAVE_SPREAD = (0.20, 0.10, 0.06, 0.03, 0.02)
"""Spread of each wave of the logarithm of the radius around the expected one, from the mean radius to four waves around
the circle: the network's outline errs by up to 0.3 mm in size and place, less in shape."""

RAY_SPREAD = 0.10
"""Spread of one ray's logarithmic radius with a perfect edge (10 % is 0.5 mm); neighbouring rays share errors."""

EDGE_FLOOR = 0.02
"""Weight of a ray without any edge, against 1 for a perfect edge."""

REFITS = 4
"""Times that rays far from the fit lose weight and the fit is repeated; it no longer moves after that."""

OUTLIER = 0.12
"""A ray this far (logarithm of the radius) from the fit loses half of its weight."""


def mean_outline(count: int) -> NDArray[np.float64]:
    """Return ``count`` copies of the mean outline, radii in mm, shape (count, n_angles)."""
    half_x, half_y = HALF_AXES_MM
    radius = 1.0 / np.hypot(np.cos(RAY_ANGLES) / half_x, np.sin(RAY_ANGLES) / half_y)
    return np.repeat(radius[None], count, axis=0)


def steadied(
    radii_mm: NDArray[np.float64], certainty: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Draw uncertain outlines towards those of certain neighbours, and towards the mean cord where there are none.

    Parameters
    ----------
    radii_mm : (n_slices, n_angles) array
        Expected outlines, mm.
    certainty : (n_slices,) array
        How far each can be relied on, 0..1; an outline of certainty 1 stays as it is.
    spread : (n_slices, n_slices) array
        Weight of each slice in the shape of each other one; rows sum to 1.
    """
    heard = spread @ certainty[:, None]
    others = (spread @ (certainty[:, None] * radii_mm) + MEAN_WEIGHT * mean_outline(len(radii_mm))) / (
        heard + MEAN_WEIGHT
    )
    own = certainty[:, None]
    return own * radii_mm + (1.0 - own) * others


def fitted_outline(
    radii_mm: NDArray[np.float64],
    edges: NDArray[np.float64],
    spread: NDArray[np.float64],
    expected_mm: NDArray[np.float64],
    trust: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Fit the most probable cord shape to outlines that were seen in part.

    The logarithm of the radius is a sum of waves with known spread around the expected one (a Gaussian prior), so the
    fit is a weighted ridge regression; rays that disagree lose weight (Cauchy's M-estimator).

    Parameters
    ----------
    radii_mm, edges : (n_slices, n_angles) arrays
        Measured outlines, mm, and the edge strength on every ray.
    spread : (n_slices, n_slices) array
        Weight of each slice's measurement in each slice's fit.
    expected_mm : (n_slices, n_angles) array
        Radii expected before, mm.
    trust : (n_slices,) array, optional
        How far they come from a person's drawing: at 1 the cord deviates from them by ``KNOWN_SPREAD`` only.

    Returns
    -------
    (n_slices, n_angles) array
        Expected radii, mm.
    """
    waves, precision = _waves()
    prior = np.diag(precision)
    if trust is not None:
        prior = prior + (trust / KNOWN_SPREAD**2)[:, None, None] * np.eye(len(precision))
    start = np.log(expected_mm)
    measured = np.log(radii_mm) - start
    seen = np.maximum(edges, EDGE_FLOOR) ** 2 / RAY_SPREAD**2
    weights = seen
    for _ in range(REFITS):
        pooled = spread @ weights
        target = spread @ (weights * measured)
        normal = np.einsum("zk,ki,kj->zij", pooled, waves, waves) + prior
        fit = np.linalg.solve(normal, (target @ waves)[..., None])[..., 0] @ waves.T
        weights = seen / (1.0 + ((measured - fit) / OUTLIER) ** 2)
    return np.exp(fit + start)


def _waves() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    columns, precision = [np.ones_like(RAY_ANGLES)], [WAVE_SPREAD[0] ** -2]
    for order, spread in enumerate(WAVE_SPREAD[1:], start=1):
        columns += [np.cos(order * RAY_ANGLES), np.sin(order * RAY_ANGLES)]
        precision += [spread**-2] * 2
    return np.stack(columns, axis=1), np.asarray(precision)

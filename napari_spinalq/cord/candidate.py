"""One answer to "where is the cord" under one assumption: that it is brighter, or darker, than what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord import boundary, polar
from napari_spinalq.cord.detect import score_places
from napari_spinalq.cord.path import best_path
from napari_spinalq.cord.stack import AxialStack

PATH_SMOOTHING_MM = 5.0
"""Centres are smoothed along the cord with this standard deviation (mm): half a vertebra, so bends survive."""

CENTRE_SMOOTHING_MM = 2.0
"""The same for centroids of outlines (mm), which are far less noisy."""

LEVEL_SMOOTHING_MM = 3.0
"""The same for the grey levels of the core and its surroundings (mm)."""

SHAPE_SMOOTHING_MM = 5.0
"""The same for the expected outline (mm)."""

FIRST_HALF_AXES_MM = (6.0, 4.2)
"""Half axes (left-right, anterior-posterior) expected at first, mm: the middle of the range of human cords."""

FIRST_SHAPE_WEIGHT = 0.15
SECOND_SHAPE_WEIGHT = 0.30
"""Cost of an outline 1 mm off the expected one, against 1 for a perfect edge: a nudge where there is no edge."""

SHAPE_HARMONICS = 5
"""The expected outline keeps this many waves around the circle: an ellipse with a flat or notched side."""

OUTLINE_SMOOTHING_RAYS = 1.0
"""The final outline is smoothed around the circle with this standard deviation, in rays (0.8 mm)."""

PLAUSIBLE_AREA_MM2 = (25.0, 150.0)
"""Cross-section of a human cord, mm2: a severely atrophied thoracic cord to the widest cervical enlargement drawn at
its half-maximum edge (healthy means are 34-85 mm2)."""

EDGE_QUALITY_WEIGHT = 0.5
"""A perfect outline adds half as much to the quality as a perfect path: a leak can have sharp edges too."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A cord outlined in every slice.

    Attributes
    ----------
    polarity : int
        +1 for a cord brighter than its surroundings, -1 for a darker one.
    centres_mm : (n_slices, 2) array
        y and x of the centre of each outline, mm.
    radii_mm : (n_slices, n_angles) array
        Half-maximum radius on each ray, mm.
    path_score : (n_slices,) array
        Evidence of a cord at the path, about 0 for chance and 1 or more for a clear cord.
    edge_score : (n_slices,) array
        Mean edge on the outline: 0 for none, 1 for a full step on every ray.
    """

    polarity: int
    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    path_score: NDArray[np.float64]
    edge_score: NDArray[np.float64]

    @property
    def areas_mm2(self) -> NDArray[np.float64]:
        """Area within each outline, mm2."""
        return polar.areas_mm2(self.radii_mm)

    @property
    def plausible(self) -> NDArray[np.bool_]:
        """Slices whose area is one of a human cord."""
        return (self.areas_mm2 >= PLAUSIBLE_AREA_MM2[0]) & (self.areas_mm2 <= PLAUSIBLE_AREA_MM2[1])

    @property
    def quality(self) -> float:
        """How good the whole answer is: path, outline and area over all slices; about 2 for a perfect one."""
        per_slice = self.path_score + EDGE_QUALITY_WEIGHT * self.edge_score - 1.0 * ~self.plausible
        return float(per_slice.mean())


def outline_candidate(
    stack: AxialStack,
    slabs: AxialStack,
    surroundings: NDArray[np.float32],
    polarity: int,
    click: tuple[int, float, float] | None,
) -> Candidate:
    """Find the path and the outlines under one polarity.

    Parameters
    ----------
    stack, slabs : AxialStack
        The scan and its search slabs.
    surroundings : array, shape ``slabs.values.shape``
        From :func:`~napari_spinalq.cord.detect.score_surroundings`.
    polarity : int
        +1 or -1.
    click : tuple (slab, y_mm, x_mm), optional
        A place on the cord.
    """
    path = best_path(score_places(slabs, polarity) + surroundings, slabs.spacing_mm, click)
    at_slices = np.stack([np.interp(stack.slice_mm, slabs.slice_mm, column) for column in path.T], axis=1)
    centres = _along(at_slices[:, :2], PATH_SMOOTHING_MM, stack)
    centres, levels, radii, edges = _outlined(stack, centres, polarity)
    radii = boundary.half_maximum(levels, radii)
    radii = ndimage.gaussian_filter1d(radii, OUTLINE_SMOOTHING_RAYS, axis=1, mode="wrap")
    return Candidate(polarity, centres, radii, at_slices[:, 2], edges.mean(axis=1))


def _outlined(
    stack: AxialStack, centres: NDArray[np.float64], polarity: int
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Outline twice: around the path with a mean cord in mind, then around the cord with its own shape in mind."""
    smoothing = LEVEL_SMOOTHING_MM / stack.spacing_mm[0]
    levels = boundary.normalised(polar.unwrap(stack, centres), polarity, smoothing)
    expected = np.repeat(_ellipse(*FIRST_HALF_AXES_MM)[None], len(centres), axis=0)
    radii, _ = boundary.find_outlines(levels, expected, FIRST_SHAPE_WEIGHT)
    centres = _along(polar.centroids_mm(centres, radii), CENTRE_SMOOTHING_MM, stack)
    levels = boundary.normalised(polar.unwrap(stack, centres), polarity, smoothing)
    radii, edges = boundary.find_outlines(levels, _own_shape(radii, stack), SECOND_SHAPE_WEIGHT)
    return centres, levels, radii, edges


def _ellipse(half_x: float, half_y: float) -> NDArray[np.float64]:
    return 1.0 / np.hypot(np.cos(polar.RAY_ANGLES) / half_x, np.sin(polar.RAY_ANGLES) / half_y)


def _own_shape(radii: NDArray[np.float64], stack: AxialStack) -> NDArray[np.float64]:
    waves = np.fft.rfft(radii, axis=1)
    waves[:, SHAPE_HARMONICS + 1 :] = 0
    return _along(np.fft.irfft(waves, radii.shape[1], axis=1), SHAPE_SMOOTHING_MM, stack)


def _along(values: NDArray[np.float64], sigma_mm: float, stack: AxialStack) -> NDArray[np.float64]:
    """Smooth along the cord; slices much thicker than ``sigma_mm`` stay as they are."""
    sigma = sigma_mm / stack.spacing_mm[0]
    return ndimage.gaussian_filter1d(values, sigma, axis=0, mode="nearest") if sigma > 0.3 else values

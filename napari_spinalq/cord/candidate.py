"""One answer to "where is the cord" under one assumption: that it is brighter, or darker, than what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord import boundary, polar
from napari_spinalq.cord.detect import Gradients, score_places
from napari_spinalq.cord.outline_shape import fitted_outline, mean_outline
from napari_spinalq.cord.path import best_path, places_in
from napari_spinalq.cord.stack import AxialStack, coherence

if TYPE_CHECKING:  # constraints know the slices' names, and those the candidate
    from napari_spinalq.cord.constraints import Constraints

PATH_SMOOTHING_MM = 5.0
"""Centres are smoothed along the cord with this standard deviation (mm): half a vertebra, so bends survive."""

CENTRE_SMOOTHING_MM = 2.0
"""The same for centroids of outlines (mm), which are far less noisy."""

LEVEL_SMOOTHING_MM = 3.0
"""The same for the grey levels of the core and its surroundings (mm)."""

SHAPE_SMOOTHING_MM = 5.0
"""The same for the expected outline (mm)."""

SHAPE_WEIGHTS = (0.15, 0.4, 0.6)
"""Cost of an outline 1 mm off the expected one in each pass, against 1 for a perfect edge: the better the expected
outline is known, the more it counts."""

OUTLINE_SMOOTHING_RAYS = 1.0
"""The final outline is smoothed around the circle with this standard deviation, in rays (0.8 mm)."""

PLAUSIBLE_AREA_MM2 = (25.0, 150.0)
"""Cross-section of a human cord, mm2: a severely atrophied thoracic cord to the widest cervical enlargement drawn at
its half-maximum edge (healthy means are 34-85 mm2)."""

EDGE_QUALITY_WEIGHT = 0.5
"""A perfect outline adds half as much to the quality as a perfect path: a leak can have sharp edges too."""

AREA_PENALTY = 1.0
"""What a slice loses whose outline is no cord by size: as much as a whole ring of perfect edges gains."""


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
    coherence : (n_slices,) array
        How far the slice is more than noise there, see :func:`~napari_spinalq.cord.stack.coherence`.
    filled : (n_slices,) array of bool
        Slices that hold an image at all: a warped or masked scan may have empty ones.
    """

    polarity: int
    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    path_score: NDArray[np.float64]
    edge_score: NDArray[np.float64]
    coherence: NDArray[np.float64]
    filled: NDArray[np.bool_]

    @property
    def areas_mm2(self) -> NDArray[np.float64]:
        """Area within each outline, mm2."""
        return polar.areas_mm2(self.radii_mm)

    @property
    def plausible(self) -> NDArray[np.bool_]:
        """Slices whose area is one of a human cord."""
        return (self.areas_mm2 >= PLAUSIBLE_AREA_MM2[0]) & (self.areas_mm2 <= PLAUSIBLE_AREA_MM2[1])

    @property
    def quality_per_slice(self) -> NDArray[np.float64]:
        """Path, outline and area of each slice in one number; about 2 for a perfect one, shape (n_slices,)."""
        return self.path_score + EDGE_QUALITY_WEIGHT * self.edge_score - AREA_PENALTY * ~self.plausible

    @property
    def quality(self) -> float:
        """Mean of ``quality_per_slice`` over the slices that hold an image."""
        return float(self.quality_per_slice[self.filled].mean())


def outline_candidate(
    stack: AxialStack,
    slabs: AxialStack,
    surroundings: NDArray[np.float32],
    polarity: int,
    guide_mm: NDArray[np.float64] | None = None,
    *,
    gradients: Gradients | None = None,
    constraints: Constraints | None = None,
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
    guide_mm : (n_slabs, 2) array, optional
        As in :func:`~napari_spinalq.cord.path.best_path`.
    gradients : tuple of 2 arrays, optional
        As in :func:`~napari_spinalq.cord.detect.score_places`.
    constraints : Constraints, optional
        What a person said about path and outlines.
    """
    scores = score_places(slabs, polarity, gradients=gradients, guide_mm=guide_mm) + surroundings
    marks, barred = ((), ()) if constraints is None else (constraints.marks, constraints.barred)
    held, kept_from = (places_in(slabs.slice_mm, part) for part in (marks, barred))
    path = best_path(scores, slabs.spacing_mm, held, guide_mm, kept_from)
    at_slices = np.stack([np.interp(stack.slice_mm, slabs.slice_mm, column) for column in path.T], axis=1)
    centres = _along(at_slices[:, :2], PATH_SMOOTHING_MM, stack)
    centres, levels, radii, edges = _outlined(stack, centres, polarity, constraints)
    radii = boundary.half_maximum(levels, radii)
    radii = ndimage.gaussian_filter1d(radii, OUTLINE_SMOOTHING_RAYS, axis=1, mode="wrap")
    return Candidate(
        polarity=polarity,
        centres_mm=centres,
        radii_mm=radii if constraints is None else constraints.settled(radii, centres),
        path_score=at_slices[:, 2],
        edge_score=edges.mean(axis=1),
        coherence=np.interp(stack.slice_mm, slabs.slice_mm, coherence(slabs, path[:, :2])),
        filled=np.ptp(stack.values, axis=(1, 2)) > 0,
    )


def _outlined(
    stack: AxialStack, centres: NDArray[np.float64], polarity: int, constraints: Constraints | None
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Outline around the path with a mean cord in mind, then around each better centre with a better shape in mind."""
    smoothing = LEVEL_SMOOTHING_MM / stack.spacing_mm[0]
    spread = _neighbour_weights(stack)
    expected = mean_outline(len(centres))
    if constraints is not None:
        centres, expected = constraints.pinned(centres), constraints.expected(expected)
    for turn, weight in enumerate(SHAPE_WEIGHTS):
        wanted = weight if constraints is None else constraints.shape_weight(weight)
        penalty = None if constraints is None else constraints.penalty(centres)
        levels = boundary.normalised(polar.unwrap(stack, centres), polarity, smoothing)
        radii, edges = boundary.find_outlines(levels, expected, wanted, penalty)
        if turn < len(SHAPE_WEIGHTS) - 1:
            if constraints is None:
                expected = fitted_outline(radii, edges, spread)
            else:
                expected = fitted_outline(*constraints.drawn_in(radii, edges), spread, *constraints.known)
            moved = _along(polar.centroids_mm(centres, expected), CENTRE_SMOOTHING_MM, stack)
            moved = moved if constraints is None else constraints.pinned(moved)
            expected = polar.recentred(expected, moved - centres)
            centres = moved
    return centres, levels, radii, edges


def _neighbour_weights(stack: AxialStack) -> NDArray[np.float64]:
    """Weight of each slice in the shape of each other one: a Gaussian along the cord."""
    distance = stack.slice_mm[:, None] - stack.slice_mm[None, :]
    weights = np.exp(-0.5 * (distance / SHAPE_SMOOTHING_MM) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)


def _along(values: NDArray[np.float64], sigma_mm: float, stack: AxialStack) -> NDArray[np.float64]:
    """Smooth along the cord; slices much thicker than ``sigma_mm`` stay as they are."""
    sigma = sigma_mm / stack.spacing_mm[0]
    return ndimage.gaussian_filter1d(values, sigma, axis=0, mode="nearest") if sigma > 0.3 else values

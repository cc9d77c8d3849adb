"""From the outline that the network expects to the edge that the voxels show, to a part of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord import boundary, polar
from napari_spinalq.cord.learned import Sight
from napari_spinalq.cord.outline_shape import fitted_outline, steadied
from napari_spinalq.cord.stack import AxialStack

if TYPE_CHECKING:  # constraints read the polarity of drawn slices as this module does
    from napari_spinalq.cord.constraints import Constraints

CENTRE_SMOOTHING_MM = 1.0
"""Centres of outlines are smoothed along the cord with this standard deviation, mm."""

OUTLINE_SMOOTHING_MM = 2.0
"""The same for the expected outline (mm): slabs of 3 mm hold nothing finer."""

LEVEL_SMOOTHING_MM = 3.0
"""The same for the grey levels of the core and its surroundings (mm)."""

SHAPE_SMOOTHING_MM = 5.0
"""The same for what neighbours say about the shape (mm): half a vertebra."""

FIRST_SHAPE_WEIGHT, LAST_SHAPE_WEIGHT = 0.6, 3.0
"""Cost of an outline 1 mm off the expected one, against 1 for a perfect edge: looser while the expected outline is the
network's alone (it errs by some tenths of a mm), tight when edges have corrected it. Between 0.6 and 5 the mean Dice of
120 perturbed scans changes by 0.002."""

MIN_CERTAINTY = 0.5
"""The least that an uncertain outline counts for in the first pass, against 1 for a certain one. At 0.1 edges of roots
or of the canal lead astray where the cord itself has none; at 1 a wrong outline is kept in spite of clear edges."""

STEP_REACH_MM = (0.75, 1.0, 1.5)
"""Inside and outside are compared at these distances (mm) from the expected outline: is the cord bright or dark?"""

RAY_SMOOTHING = 1.0
"""The final outline is smoothed around the circle with this standard deviation, in rays (0.8 mm)."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """Outlines of the cord.

    Attributes
    ----------
    centres_mm : (n_slices, 2) array
        y and x around which the radii are given, mm.
    radii_mm : (n_slices, n_angles) array
        Half-maximum radius on each ray, mm.
    edges : (n_slices, n_angles) array
        Edge strength on the outline: 0 for none, 1 for a full step from cord to surroundings.
    polarity : int
        +1 where the cord is brighter than what surrounds it, -1 where it is darker.
    expected_mm : (n_slices, n_angles) array
        What the networks saw, before the edges were looked at, around the same centres, mm.
    """

    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    edges: NDArray[np.float64]
    polarity: int
    expected_mm: NDArray[np.float64]

    @property
    def areas_mm2(self) -> NDArray[np.float64]:
        """Area within each outline, mm2."""
        return polar.areas_mm2(self.radii_mm)


def refine(
    stack: AxialStack,
    sight: Sight,
    constraints: Constraints | None = None,
    polarity: int | None = None,
) -> Outlines:
    """Draw the outline along the edges near an expected one.

    Parameters
    ----------
    stack : AxialStack
        The scan.
    sight : Sight
        The expected outlines, radii all above 0, and how certain they are.
    constraints : Constraints, optional
        What a person said about outlines.
    polarity : int, optional
        +1 if the cord is brighter than its surroundings, -1 if darker; by default as :func:`cord_polarity` says.

    Returns
    -------
    Outlines

    Notes
    -----
    An expected outline of little certainty is first drawn towards those of its neighbours and towards the mean cord,
    and binds less. A closed path of least cost (edge, region, smoothness, distance from the expected outline) is found
    twice; in between, the expected outline is corrected by few waves around the circle that the edges of the slice and
    of its neighbours ask for (:func:`~napari_spinalq.cord.outline_shape.fitted_outline`). Then each radius moves to
    the half maximum.
    """
    centres = _along(sight.centres_mm, CENTRE_SMOOTHING_MM, stack)
    if constraints is not None:
        centres = constraints.pinned(centres)
    seen = _along(polar.recentred(sight.radii_mm, centres - sight.centres_mm), OUTLINE_SMOOTHING_MM, stack)
    spread = neighbour_weights(stack)
    expected = steadied(seen, sight.certainty, spread)
    if constraints is not None:
        seen, expected = (constraints.expected(radii, centres) for radii in (seen, expected))
    rays = polar.unwrap(stack, centres)
    if polarity is None:
        polarity = cord_polarity(rays, expected, None if constraints is None else constraints.drawn)
    levels = boundary.normalised(rays, polarity, LEVEL_SMOOTHING_MM / stack.spacing_mm[0])
    coarse, edges = _coarse_outlines(levels, expected, sight.certainty, spread, centres, constraints)
    radii = boundary.half_maximum(levels, coarse, stack.spacing_mm[1:])
    radii = ndimage.gaussian_filter1d(radii, RAY_SMOOTHING, axis=1, mode="wrap")
    radii = radii if constraints is None else constraints.settled(radii, centres)
    return Outlines(centres, radii, edges, polarity, seen)


def _coarse_outlines(
    levels: NDArray[np.float32],
    expected: NDArray[np.float64],
    certainty: NDArray[np.float64],
    spread: NDArray[np.float64],
    centres: NDArray[np.float64],
    constraints: Constraints | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the outline, correct the expected one by it, and find it again."""
    first = FIRST_SHAPE_WEIGHT * np.maximum(certainty, MIN_CERTAINTY)
    last = np.full(len(levels), LAST_SHAPE_WEIGHT)
    if constraints is None:
        seen, edges = boundary.find_outlines(levels, expected, first)
        corrected = fitted_outline(seen, edges, spread, expected)
        return boundary.find_outlines(levels, corrected, last)
    first, last = (constraints.shape_weight(weight) for weight in (first, last))
    penalty = constraints.penalty(centres)
    seen, edges = boundary.find_outlines(levels, expected, first, penalty)
    corrected = fitted_outline(*constraints.drawn_in(seen, edges), spread, expected, constraints.trust)
    return boundary.find_outlines(levels, corrected, last, penalty)


def cord_polarity(
    rays: NDArray[np.float32], radii_mm: NDArray[np.float64], drawn: NDArray[np.bool_] | None = None
) -> int:
    """Return +1 if the cord is brighter than what lies just outside of its outline, -1 if darker.

    Parameters
    ----------
    rays : (n_slices, n_angles, n_radii) array
        From :func:`~napari_spinalq.cord.polar.unwrap`.
    radii_mm : (n_slices, n_angles) array
        The outline.
    drawn : (n_slices,) array of bool, optional
        Slices drawn by a person: where there are any, they alone tell.
    """
    reach = np.asarray(STEP_REACH_MM)
    inside = boundary.read_rays(rays, radii_mm[..., None] - reach).mean(axis=-1)
    outside = boundary.read_rays(rays, radii_mm[..., None] + reach).mean(axis=-1)
    step = np.median(inside - outside, axis=1)
    if drawn is not None and drawn.any():
        step = step[drawn]
    # The root keeps a few slices with bright flow or fat from outvoting all others.
    return 1 if float((np.sign(step) * np.sqrt(np.abs(step))).sum()) > 0 else -1


def neighbour_weights(stack: AxialStack) -> NDArray[np.float64]:
    """Weight of each slice in the shape of each other one, shape (n_slices, n_slices): a Gaussian along the cord."""
    distance = stack.slice_mm[:, None] - stack.slice_mm[None, :]
    weights = np.exp(-0.5 * (distance / SHAPE_SMOOTHING_MM) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)


def _along(values: NDArray[np.float64], sigma_mm: float, stack: AxialStack) -> NDArray[np.float64]:
    """Smooth along the cord; slices much thicker than ``sigma_mm`` stay as they are."""
    sigma = sigma_mm / stack.spacing_mm[0]
    return ndimage.gaussian_filter1d(values, sigma, axis=0, mode="nearest") if sigma > 0.3 else values

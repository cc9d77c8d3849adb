"""What prompts mean for the path and the outlines: places, limits on radii, and outlines known from drawn slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.boundary import MIN_RADIUS_MM
from napari_spinalq.cord.drawn import DrawnOutline, drawn_outline
from napari_spinalq.cord.outline_shape import mean_outline
from napari_spinalq.cord.path import CLICK_RADIUS_MM, Mark, mark_at
from napari_spinalq.cord.polar import ANGLES, RADII_MM, RAY_ANGLES
from napari_spinalq.cord.prompts import WorkPrompts
from napari_spinalq.geometry import Grid

FOLLOW_MM = 15.0
"""A drawn outline counts for other slices as a Gaussian of this standard deviation along the cord (mm), one vertebra:
at 30 mm it has lost nine tenths of its say."""

FOLLOW_WEIGHT = 1.0
"""Cost of an outline 1 mm off the expected one right beside a drawn slice, on top of the usual one and against 1 for a
perfect edge: a clear edge up to a millimetre off still wins, a leak of some millimetres does not."""

MAX_CONVENTION_MM = 0.5
"""A person's edge may lie this far (mm) in- or outside of the one found and still count as the way they draw."""

SCRIBBLE_MM = 8.0
"""A scribble counts for other slices as a Gaussian of this standard deviation along the cord (mm)."""

SCRIBBLE_ANGLE = np.radians(15.0)
"""The same around the cord (radians): 1.5 mm of outline."""

SCRIBBLE_WEIGHT_PER_MM = 3.0
"""Cost of an outline per mm beyond a scribble beside it: the image offers 0.4 per mm and one edge."""

SCRIBBLE_RADIUS_MM = 7.0
"""The middle of the cord lies within this distance (mm) of a scribble in it: the half width of a wide cord."""

BARRED_RADIUS_MM = 2.0
"""The middle of the cord lies no nearer (mm) to a scribble outside of it: half of the smallest half axis."""

HARD = np.float32(1e3)
"""Cost of an outline beyond a scribble in its own slice."""


@dataclass(frozen=True, eq=False)
class Constraints:
    """Prompts in the coordinates of an axial stack. Radii are those of the half-maximum edge.

    Attributes
    ----------
    marks, barred : tuple of Mark
        Places that the path must pass, and places that it must not come near.
    slice_mm : (n_slices,) array
        Height of each slice, mm.
    drawn : (n_slices,) array of bool
        Slices drawn by a person.
    centres_mm, radii_mm : (n_slices, 2), (n_slices, n_angles) arrays
        Their centres and outlines; between them interpolated, beyond them repeated.
    trust : (n_slices,) array
        How far a drawn outline counts in each slice, 1 in the drawn ones.
    inside, outside : dict of int to (n, 2) array
        y and x (mm) of the scribbled pixels of a slice.
    offset_mm : float
        How far inside the half-maximum edge the mask is drawn.
    """

    marks: tuple[Mark, ...]
    barred: tuple[Mark, ...]
    slice_mm: NDArray[np.float64]
    drawn: NDArray[np.bool_]
    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    trust: NDArray[np.float64]
    inside: dict[int, NDArray[np.float64]]
    outside: dict[int, NDArray[np.float64]]
    offset_mm: float

    def pinned(self, centres_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return centres moved as the drawn slices ask: there to where they were drawn, elsewhere by their trust."""
        if not self.drawn.any():
            return centres_mm
        at = self.slice_mm[self.drawn]
        shift = (self.centres_mm - centres_mm)[self.drawn]
        moved = np.stack([np.interp(self.slice_mm, at, column) for column in shift.T], axis=1)
        return centres_mm + self.trust[:, None] * moved

    def expected(self, radii_mm: NDArray[np.float64], centres_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Draw the expected outlines towards the drawn ones, by their trust, and to the right side of the scribbles."""
        if self.drawn.any():
            trust = self.trust[:, None]
            radii_mm = np.exp((1 - trust) * np.log(radii_mm) + trust * np.log(self.radii_mm))
        low, high = self.limits(centres_mm)
        moved = radii_mm.copy()
        for index in sorted({*self.inside, *self.outside}):
            beyond = np.clip(radii_mm[index], low[index], np.maximum(high[index], low[index])) - radii_mm[index]
            near = np.exp(-0.5 * ((self.slice_mm - self.slice_mm[index]) / SCRIBBLE_MM) ** 2)
            moved += near[:, None] * _around(beyond)
        return np.maximum(moved, MIN_RADIUS_MM)

    def drawn_in(
        self, radii_mm: NDArray[np.float64], edges: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return outlines and edge strengths with those of drawn slices: as they are, and with perfect edges."""
        drawn = self.drawn[:, None]
        return np.where(drawn, self.radii_mm, radii_mm), np.where(drawn, 1.0, edges)

    def shape_weight(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cost of an outline off the expected one in each slice, from that without prompts, (n_slices,)."""
        return weight + FOLLOW_WEIGHT * self.trust

    def penalty(self, centres_mm: NDArray[np.float64]) -> NDArray[np.float32] | None:
        """Return what an outline costs at each sample of the rays around these centres; None without scribbles."""
        if not self.inside and not self.outside:
            return None
        cost = np.zeros((len(centres_mm), ANGLES, len(RADII_MM)), np.float32)
        low, high = self.limits(centres_mm)
        for index in sorted({*self.inside, *self.outside}):
            soft = _soft_cost(low[index], high[index])
            near = np.exp(-0.5 * ((self.slice_mm - self.slice_mm[index]) / SCRIBBLE_MM) ** 2)
            for other in np.flatnonzero(near > 0.01):
                np.maximum(cost[other], np.float32(near[other]) * soft, out=cost[other])
        cost[(low[..., None] > RADII_MM) | (high[..., None] < RADII_MM)] += HARD
        return cost

    def limits(self, centres_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the smallest and largest radius of each ray, (n_slices, n_angles), mm, for the scribbles."""
        low, high = np.zeros((len(centres_mm), ANGLES)), np.full((len(centres_mm), ANGLES), np.inf)
        for index, points in self.inside.items():
            for ray, radius in _on_rays(points - centres_mm[index]):
                np.maximum.at(low[index], ray, radius + self.offset_mm)
        for index, points in self.outside.items():
            for ray, radius in _on_rays(points - centres_mm[index]):
                np.minimum.at(high[index], ray, radius + self.offset_mm)
        return low, high

    def settled(self, radii_mm: NDArray[np.float64], centres_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return final outlines: in the manner of the drawn ones, within the scribbles, as drawn where drawn."""
        if self.drawn.any():
            manner = radii_mm + self._convention_mm(radii_mm)[:, None]
            radii_mm = np.where(self.drawn[:, None], self.radii_mm, manner)
        low, high = self.limits(centres_mm)
        return np.clip(radii_mm, low, np.maximum(high, low))

    def _convention_mm(self, radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far (mm) outside of the edge that is found this person would draw in each slice.

        The median over the rays leaves out where a leak was mended.
        """
        shift = np.median((self.radii_mm - radii_mm)[self.drawn], axis=1)
        distance = self.slice_mm[:, None] - self.slice_mm[self.drawn]
        weight = np.exp(-0.5 * (distance / FOLLOW_MM) ** 2)
        total = (weight * np.clip(shift, -MAX_CONVENTION_MM, MAX_CONVENTION_MM)).sum(axis=1)
        mean = total / (weight.sum(axis=1) + 1.0)  # one more slice, drawn as found: a single one proves little
        return self.trust * mean


def constraints_of(prompts: WorkPrompts, work_grid: Grid, offset_mm: float) -> Constraints:
    """Return what prompts mean for the path and the outlines on a grid in work order."""
    outlines = {index: drawn_outline(plane, work_grid.spacing[1:]) for index, plane in prompts.drawn.items()}
    drawn = np.zeros(work_grid.shape[0], bool)
    drawn[list(outlines)] = True
    inside, outside = (_points_mm(part, work_grid) for part in (prompts.inside, prompts.outside))
    slice_mm = np.arange(work_grid.shape[0], dtype=np.float64) * work_grid.spacing[0]
    centres, radii, trust = _known(outlines, slice_mm, offset_mm)
    marks = [mark_at(point, work_grid) for point in prompts.points]
    marks += [_mark(slice_mm[index], outline.centre_mm) for index, outline in outlines.items()]
    marks += [_mark(slice_mm[index], points.mean(axis=0), SCRIBBLE_RADIUS_MM) for index, points in inside.items()]
    barred = [_mark(slice_mm[index], point, BARRED_RADIUS_MM) for index, points in outside.items() for point in points]
    return Constraints(tuple(marks), tuple(barred), slice_mm, drawn, centres, radii, trust, inside, outside, offset_mm)


def _mark(z_mm: float, place_mm: NDArray[np.float64], radius_mm: float = CLICK_RADIUS_MM) -> Mark:
    y_mm, x_mm = (float(value) for value in place_mm)
    return Mark(float(z_mm), y_mm, x_mm, radius_mm)


def _known(
    outlines: dict[int, DrawnOutline], slice_mm: NDArray[np.float64], offset_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return centres, half-maximum radii and trust in all slices from those that were drawn."""
    count = len(slice_mm)
    if not outlines:
        return np.zeros((count, 2)), np.ones((count, ANGLES)), np.zeros(count)
    drawn = sorted(outlines)
    at = slice_mm[drawn]
    centres = np.array([outlines[index].centre_mm for index in drawn])
    radii = np.log(np.array([outlines[index].radii_mm for index in drawn]) + offset_mm)
    centres, radii = (
        np.stack([np.interp(slice_mm, at, column) for column in part.T], axis=1) for part in (centres, radii)
    )
    distance = np.abs(slice_mm[:, None] - at).min(axis=1)
    return centres, np.exp(radii), np.exp(-0.5 * (distance / FOLLOW_MM) ** 2)


def _points_mm(voxels: NDArray[np.int_], work_grid: Grid) -> dict[int, NDArray[np.float64]]:
    spacing = np.asarray(work_grid.spacing[1:])
    return {int(index): voxels[voxels[:, 0] == index, 1:] * spacing for index in np.unique(voxels[:, 0])}


def _on_rays(points_mm: NDArray[np.float64]) -> tuple[tuple[NDArray[np.int_], NDArray[np.float64]], ...]:
    """Return each point (y, x from the centre) on the two rays beside it: ray numbers and distances."""
    lower = np.floor(np.arctan2(points_mm[:, 0], points_mm[:, 1]) * (ANGLES / (2 * np.pi))).astype(int)
    distance = np.hypot(points_mm[:, 0], points_mm[:, 1])
    return (lower % ANGLES, distance), ((lower + 1) % ANGLES, distance)


def _around(shift_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Carry a shift of some rays to their neighbours; where two meet the larger one counts."""
    apart = np.abs((RAY_ANGLES[:, None] - RAY_ANGLES + np.pi) % (2 * np.pi) - np.pi)
    carried = np.exp(-0.5 * (apart / SCRIBBLE_ANGLE) ** 2) * shift_mm
    return np.take_along_axis(carried, np.abs(carried).argmax(axis=1)[:, None], axis=1)[:, 0]


def _soft_cost(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the cost around the circle of one slice's limits, (n_angles, n_radii).

    From ray to ray a limit grows and shrinks as the mean cord does: it is nearly half wider than deep.
    """
    cost = np.zeros((ANGLES, len(RADII_MM)), np.float32)
    shape = mean_outline(1)[0]
    for ray in np.flatnonzero((low > 0) | np.isfinite(high)):
        scale = (shape / shape[ray])[:, None]
        beyond = np.maximum(np.maximum(low[ray] * scale - RADII_MM, RADII_MM - high[ray] * scale), 0.0)
        apart = np.abs((RAY_ANGLES - RAY_ANGLES[ray] + np.pi) % (2 * np.pi) - np.pi)
        near = np.exp(-0.5 * (apart / SCRIBBLE_ANGLE) ** 2)
        np.maximum(cost, (SCRIBBLE_WEIGHT_PER_MM * near[:, None] * beyond).astype(np.float32), out=cost)
    return cost

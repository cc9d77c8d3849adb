"""Where the cord may lie: a score for every place of every slab, from edges around ellipses of anatomical size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from napari_spinalq.cord.path import CORRIDOR_RADIUS_MM, FORBIDDEN
from napari_spinalq.cord.stack import SEARCH_STEP_MM, AxialStack

HALF_AXES_MM = ((3.6, 3.0), (4.6, 3.4), (5.4, 3.8), (6.2, 4.2), (7.0, 4.6), (6.0, 5.4), (7.6, 5.4))
"""Left-right and anterior-posterior half axes tried, mm.

Cords measure 8-14 mm left-right by 6-9 mm anterior-posterior from C1 to T12 (Frostell et al. 2016, Front Neurol,
doi:10.3389/fneur.2016.00238); smaller ones are atrophied, the roundest stand for the upper cervical cord.
"""

RAYS = 16
"""Directions in which an edge is looked for: an edge every 2 mm around a cord."""

NORMAL_ASPECT = 1.35
"""Width over height of the ellipse whose normals serve for all sizes (they differ by less than 8 degrees)."""

EDGE_SIGMA_MM = 1.0
"""Scale of the gradient, mm: an edge stays visible half a pixel beside a tried ellipse."""

LOCAL_WINDOW_MM = 24.0
"""Gradients are compared with their root mean square in a window of this width (mm): the size of a spinal canal."""

OUTER_WALL_MM = (1, 2, 3, 4, 5, 6)
"""The CSF around the cord is this thick (mm): its outer wall is an edge of opposite sign."""

WALL_WEIGHT = 0.5
"""An outer wall adds at most half of the cord's own edge: many contrasts do not show it."""

CONTACT_WEIGHT = 0.65
"""A wall alone counts this part of an edge: where the cord touches the canal there is no CSF and no edge of its own."""

SYMMETRY_WEIGHT = 0.5
"""A perfectly mirrored neck adds half as much as a perfect edge: it finds the midline but not the place on it."""

SYMMETRY_REACH_MM = 16
"""Left and right are compared out to this distance (mm): the canal and the articular pillars."""

SKIN_MM = 28.0
"""No cord lies nearer to the skin than this (mm): muscle and arches cover it in the neck and below."""

SKIN_PENALTY = 1.0
"""A place too near to the skin loses as much as a perfect edge gains."""

VOID_RANK = 0.2
"""An interior darker than all but this fraction of the body is ligament, bone, air or a flow void, not cord."""

VOID_PENALTY = 0.5
"""What such an interior loses."""

AIR_LEVEL = 0.6
"""Air lies below this part of Otsu's threshold on root intensities, which itself parts dark from bright tissue."""

AIR_SHARE = (0.05, 0.9)
"""A slice with less air than this shows no skin, one with more shows no body."""

LOCAL_SHARE = 0.2
"""Part of the neighbourhood's mean square gradient added before normalising: weak edges beside strong ones count, since
the edge from cord to CSF in T2* is a third of that from CSF to bone."""

REACH = int(np.ceil(max(max(axes) for axes in HALF_AXES_MM) / SEARCH_STEP_MM)) + max(OUTER_WALL_MM) + 1
"""Pixels around a place that its score may read."""

PAD = ((0, 0), (REACH, REACH), (REACH, REACH))

Gradients = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Along y and x, in the shape of the slabs."""

BLOCK_SLABS = 8
"""Slabs scored at once: keeps the working arrays of a large field of view within tens of megabytes."""


def score_places(
    slabs: AxialStack,
    polarity: int,
    *,
    gradients: Gradients | None = None,
    guide_mm: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Score every pixel of every slab as the centre of the cord.

    For each ellipse the cord's own edge is read on ``RAYS`` rays, with the outer wall of the CSF beyond it; the score
    of the ellipse is the mean of all rays and of its two worst quadrants, in equal parts, so that one strong edge (a
    vertebral body, a vessel) cannot stand for a closed outline. Radial edges with a consistent sign are the idea of
    PropSeg's spinal cord detection (De Leener et al. 2014, doi:10.1016/j.neuroimage.2014.04.051).

    Parameters
    ----------
    slabs : AxialStack
        From :func:`~napari_spinalq.cord.stack.search_stack`.
    polarity : int
        +1 for a cord brighter than what surrounds it, -1 for a darker one.
    gradients : tuple of 2 arrays, optional
        From :func:`normalised_gradients`, where they are at hand.
    guide_mm : (n_slabs, 2) array, optional
        As in :func:`~napari_spinalq.cord.path.best_path`: only what a path along it can reach is scored.

    Returns
    -------
    array of float32, shape ``slabs.values.shape``
        About 0 for chance, 1 or more for a clear cord; ``FORBIDDEN`` where nothing was scored.
    """
    gradient_y, gradient_x = (np.pad(part, PAD) for part in gradients or normalised_gradients(slabs.values))
    scores = np.full_like(slabs.values, FORBIDDEN)
    for block in _blocks(len(scores)):
        rows, columns = _reachable(slabs.values.shape, None if guide_mm is None else guide_mm[block])
        around = block, slice(rows.start, rows.stop + 2 * REACH), slice(columns.start, columns.stop + 2 * REACH)
        scores[block, rows, columns] = _ellipse_score(polarity * gradient_y[around], polarity * gradient_x[around])
    return scores


def _reachable(shape: tuple[int, ...], guide_mm: NDArray[np.float64] | None) -> tuple[slice, slice]:
    """Return the rows and columns that lie within the guide's corridor in any of its slabs, at least one of each."""
    if guide_mm is None:
        return slice(0, shape[1]), slice(0, shape[2])
    first = np.floor((guide_mm.min(axis=0) - CORRIDOR_RADIUS_MM) / SEARCH_STEP_MM).astype(int)
    last = np.ceil((guide_mm.max(axis=0) + CORRIDOR_RADIUS_MM) / SEARCH_STEP_MM).astype(int)
    limit = np.array(shape[1:]) - 1
    first, last = np.clip(first, 0, limit), np.clip(last, 0, limit)
    return slice(int(first[0]), int(last[0]) + 1), slice(int(first[1]), int(last[1]) + 1)


def score_surroundings(slabs: AxialStack) -> NDArray[np.float32]:
    """Score every pixel of every slab by what does not depend on polarity: symmetry, depth under the skin, voids."""
    body = _body(slabs.values)
    penalty = SKIN_PENALTY * _near_skin(slabs.values, body) + VOID_PENALTY * _void(slabs.values, body)
    return SYMMETRY_WEIGHT * _symmetry(slabs.values) - penalty


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_SLABS) for start in range(0, count, BLOCK_SLABS))


def normalised_gradients(values: NDArray[np.float32]) -> Gradients:
    """In-plane gradients with a magnitude of 0..1 relative to their neighbourhood: contrast and bias drop out."""
    sigma = EDGE_SIGMA_MM / SEARCH_STEP_MM
    plane = [ndimage.gaussian_filter1d(values, sigma, axis=axis, order=1, mode="nearest") for axis in (1, 2)]
    for axis, gradient in zip((2, 1), plane, strict=True):
        ndimage.gaussian_filter1d(gradient, sigma, axis=axis, mode="nearest", output=gradient)
    square = plane[0] ** 2 + plane[1] ** 2
    window = int(LOCAL_WINDOW_MM / SEARCH_STEP_MM)
    local = ndimage.uniform_filter(square, (1, window, window), mode="nearest")
    # Adding a part of the scan's own mean keeps pure noise (air) from looking like tissue.
    scale = np.sqrt(square + LOCAL_SHARE * np.maximum(local, 0.1 * float(square.mean())) + 1e-12)
    return plane[0] / scale, plane[1] / scale


def _ellipse_score(gradient_y: NDArray[np.float32], gradient_x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the score of the best ellipse at each pixel but the outer ``REACH``.

    Gradients are signed so that a cord falls outwards.
    """
    quadrants = np.zeros((len(HALF_AXES_MM), 4, *_inner(gradient_y, 0, 0).shape), np.float32)
    for ray in range(RAYS):
        angle = 2 * np.pi * (ray + 0.5) / RAYS
        sin, cos = np.sin(angle), np.cos(angle)
        norm = np.hypot(cos, sin * NORMAL_ASPECT)
        falling = -(gradient_y * (sin * NORMAL_ASPECT / norm) + gradient_x * (cos / norm)).astype(np.float32)
        wall = _wall(falling, sin * NORMAL_ASPECT / norm, cos / norm)
        for index, (half_x, half_y) in enumerate(HALF_AXES_MM):
            dy, dx = half_y * sin / SEARCH_STEP_MM, half_x * cos / SEARCH_STEP_MM
            edge = np.maximum(_inner(falling, dy, dx), 0.0)
            rim = _inner(wall, dy, dx)
            own = edge + WALL_WEIGHT * np.minimum(rim, edge)
            quadrants[index, ray * 4 // RAYS] += np.maximum(own, CONTACT_WEIGHT * rim)
    quadrants *= 4.0 / RAYS
    ordered = np.sort(quadrants, axis=1)
    return (0.5 * ordered.mean(axis=1) + 0.5 * ordered[:, :2].mean(axis=1)).max(axis=0)


def _wall(falling: NDArray[np.float32], step_y: float, step_x: float) -> NDArray[np.float32]:
    """Return the strongest rising edge within the thickness of the CSF beyond each pixel."""
    best = np.zeros_like(falling)
    for distance in OUTER_WALL_MM:
        dy, dx = (round(step * distance / SEARCH_STEP_MM) for step in (step_y, step_x))
        np.maximum(best, -np.roll(falling, (-dy, -dx), axis=(1, 2)), out=best)
    return best


def _inner(values: NDArray[np.float32], dy: float, dx: float) -> NDArray[np.float32]:
    """Return an array without its outer ``REACH``, read ``dy``, ``dx`` pixels further on."""
    y, x = REACH + round(dy), REACH + round(dx)
    return values[:, y : y + values.shape[1] - 2 * REACH, x : x + values.shape[2] - 2 * REACH]


def _symmetry(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlation (0..1) of each pixel's right and left neighbourhoods, mirrored about the pixel's column."""
    reach = int(SYMMETRY_REACH_MM / SEARCH_STEP_MM)
    window = 2 * reach + 1
    smooth = ndimage.gaussian_filter(values, (0, 1.0, 1.0), mode="nearest")
    padded = np.pad(smooth, ((0, 0), (0, 0), (reach, reach)), mode="edge")
    product, power, total = (np.zeros_like(smooth) for _ in range(3))
    for offset in range(1, reach + 1):
        right = padded[:, :, reach + offset : padded.shape[2] - reach + offset]
        left = padded[:, :, reach - offset : padded.shape[2] - reach - offset]
        product += right * left
        power += 0.5 * (right**2 + left**2)
        total += 0.5 * (right + left)
    sums = [ndimage.uniform_filter1d(part, window, axis=1, mode="nearest") / reach for part in (product, power, total)]
    variance = np.maximum(sums[1] - sums[2] ** 2, 1e-6)
    return np.clip((sums[0] - sums[2] ** 2) / variance, 0.0, 1.0)


def _shows_skin(values: NDArray[np.float32]) -> bool:
    """Tell whether the field of view is wide enough to hold air around the body."""
    return min(values.shape[1:]) * SEARCH_STEP_MM >= 3 * SKIN_MM


def _body(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tissue as against air, holes filled; everything where the field of view is too small to show air."""
    if not _shows_skin(values):
        return np.ones(values.shape, bool)
    smooth = ndimage.gaussian_filter(values, (0, 2.0, 2.0), mode="nearest")
    bright = np.sqrt(np.maximum(smooth, 0.0))  # the root draws fat and muscle together, away from air
    mask = bright > AIR_LEVEL * threshold_otsu(bright)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in mask])


def _near_skin(values: NDArray[np.float32], body: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return 1 within ``SKIN_MM`` of the air, in slices that show a body and air."""
    near = np.zeros_like(values)
    for index, tissue in enumerate(body):
        if AIR_SHARE[0] < 1 - tissue.mean() < AIR_SHARE[1]:
            near[index] = ndimage.distance_transform_edt(tissue) * SEARCH_STEP_MM < SKIN_MM
    return near


def _void(values: NDArray[np.float32], body: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return 1 where the interior is among the darkest half of ``VOID_RANK`` of its slab, falling to 0 at 1.5 of it."""
    interior = ndimage.uniform_filter(values, (1, 4, 4), mode="nearest")
    penalty = np.ones_like(values)
    for index, tissue in enumerate(body):
        known = np.sort(interior[index][tissue])
        if known.size:
            rank = np.searchsorted(known, interior[index]) / known.size
            penalty[index] = np.clip(1.5 - rank / VOID_RANK, 0.0, 1.0)
    return penalty

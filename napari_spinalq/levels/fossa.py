"""Where the canal opens into the skull, on any contrast: what the canal holds is learned from the scan itself.

Below the head the canal's content (cord and fluid) and what surrounds it (bone, ligaments, muscle) lie side by side
with a known border, so their brightness is read there. Each place above is then judged by that: how far does the
content reach to the front and to the back? From 15 to 24 mm in the canal it widens at the foramen magnum, in front
along the clivus and behind along the occipital bone, to more than 35 mm. Nothing above the known cord needs to be
segmented; the cord's line is continued straight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.levels.evidence import STEP_MM, DiscEvidence, SpineImage, front_wall_mm, spine_image
from napari_spinalq.scan import Scan

LEARNED_OVER_MM, MOST_LEFT_OUT = (60.0, 200.0), 0.5
"""Brightness is read between these distances below the top of the known cord, mm: clear of the head even where the cord
was followed into the brainstem, and near enough to share its coil sensitivity. Of a short cord the upper half is left
out."""

MIN_LEARNED_MM = 30.0
"""Less than this length of canal (mm), two cervical levels, is too little to learn from."""

CORD_HALF_MM = 2.0
"""The cord's own brightness is read this near its centre, mm; all else is compared with it, plane by plane."""

CONTENT_BEHIND_MM, WALL_HALF_MM = 4.0, 1.5
"""Content is read from this far behind the cord's centre, well inside the sac, up to the front wall less its half
thickness with blur (mm)."""

BODY_DEPTH_MM, BEHIND_CANAL_MM = 16.0, 13.0
"""Surroundings are read up to this far before the front wall, and from this far behind the cord's centre, mm."""

BINS, BIN_FLOOR, MAX_LOG_RATIO = 40, 0.002, 2.0
"""Bins of brightness, the least share that one is given, and the most that one place counts (natural logarithm)."""

MIN_SEPARATION = 1.0
"""Mean log-likelihood ratio by which content and surroundings must differ from each other to be told apart."""

SMOOTHING_MM = (1.0, 0.25)
"""Blur of the image along and across the cord before it is read, mm."""

SIDE_MM = 18.0
"""Most that either side counts, mm: a dark disc taken for fluid widens one side only, the skull opens to both."""

RUN_MM = 8.5
"""Openings shorter than this along the cord (mm) are discs, vessels or gaps between arches, and are passed over."""

FORAMEN_WIDTH_MM, WIDTH_CLIP_MM = 28.0, 6.0
"""Depth, front to back, that the canal never has and the posterior fossa always has: halfway between the canal at C1
(16 to 24 mm) and the fossa; and the most by which one plane may speak for either, mm."""

CUT_BELOW_MM, CUT_BELOW_TOP_MM = 20.0, 60.0
"""The cord's line is continued straight from this far below the foramen, about the middle of C2's body (mm); where none
is found at first, from this far below the top of the cord, as far as a cord is followed into the head."""

FOSSA_MM, LEAST_FOSSA_MM, CANAL_MM = 15.0, 8.0, 40.0
"""The space must stay wide over this distance towards the head, of which at least so much is in view, and be narrow
over this distance below, mm."""

MIN_CONTRAST_MM = 1.0
"""Mean depth over these stretches must differ from ``FORAMEN_WIDTH_MM`` by this much, mm: two voxels together."""

CORD_ABOVE_FORAMEN_MM = 90.0
"""A cord that is segmented on into the brainstem reaches less far above the foramen than this, mm."""


def foramen_arc_mm(scan: Scan, evidence: DiscEvidence) -> float | None:
    """Find the foramen magnum, with the cord's line continued straight from below it.

    A line that follows the brainstem, or strays in the head, bends away from the middle of the fossa. So where the cord
    reaches near the foramen or above it, the line is cut below and the search repeated.

    Parameters
    ----------
    scan : Scan
        In any axis order.
    evidence : DiscEvidence
        Of the same scan, with the straightened image along the whole cord.

    Returns
    -------
    float or None
        Distance along the cord from its inferior end, mm; above the cut on the straight line. None where the scan does
        not show it.
    """
    centerline = evidence.image.frame.centerline
    plane = find_foramen(evidence.image, evidence.wall_mm)
    first_mm = None if plane is None else float(evidence.arcs_mm[plane])
    cut_mm = centerline.length_mm - CUT_BELOW_TOP_MM if first_mm is None else first_mm - CUT_BELOW_MM
    if cut_mm >= centerline.length_mm or cut_mm < 2 * MIN_LEARNED_MM:
        return first_mm
    below_cut = Centerline(centerline.position(np.arange(0.0, cut_mm, STEP_MM)))
    straight = spine_image(scan, below_cut)
    plane = find_foramen(straight, front_wall_mm(straight))
    return first_mm if plane is None else float(straight.frame.arcs_mm()[plane])


def find_foramen(image: SpineImage, wall_mm: NDArray[np.float64]) -> int | None:
    """Find where the canal opens into the posterior fossa.

    Parameters
    ----------
    image : SpineImage
        Straightened midsagittal slab, continued beyond the top of the cord.
    wall_mm : (n_planes,) array
        Distance of the front wall of the canal before the cord's centre, mm.

    Returns
    -------
    int or None
        Plane of the straightened image where the depth passes ``FORAMEN_WIDTH_MM``, as the strongest change from
        narrow below to wide above; None where the scan does not show it.
    """
    depth = space_depth_mm(image, wall_mm)
    if depth is None:
        return None
    excess = np.clip(depth - FORAMEN_WIDTH_MM, -WIDTH_CLIP_MM, WIDTH_CLIP_MM)
    seen = np.isfinite(image.values[:, round(image.center_row)])
    total = np.r_[0.0, np.cumsum(np.where(seen, excess, 0.0))]
    below, top = round(CANAL_MM / STEP_MM), int(np.flatnonzero(seen)[-1]) + 1
    lowest = int(np.searchsorted(image.frame.arcs_mm(), image.frame.centerline.length_mm - CORD_ABOVE_FORAMEN_MM))
    starts = np.arange(max(below, lowest), top - round(LEAST_FOSSA_MM / STEP_MM) + 1)
    if len(starts) == 0:
        return None
    ends = np.minimum(starts + round(FOSSA_MM / STEP_MM), top)
    wide, narrow = total[ends] - total[starts], total[starts] - total[starts - below]
    best = int((wide - narrow).argmax())
    certain = wide[best] >= MIN_CONTRAST_MM * (ends - starts)[best] and narrow[best] <= -MIN_CONTRAST_MM * below
    return int(starts[best]) if certain else None


def space_depth_mm(image: SpineImage, wall_mm: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return how deep the canal or the fossa is, front to back, at each plane, mm.

    In either direction the border is where the summed log-likelihood ratio of content against surroundings is
    greatest: the most likely place of a single change from one to the other. Blur puts it up to 1.5 mm too far out.

    Parameters
    ----------
    image, wall_mm
        As :func:`find_foramen`.

    Returns
    -------
    (n_planes,) array or None
        None if the brightness of content and surroundings does not differ, or too little of the canal is known.
    """
    ratio = content_log_ratio(image, wall_mm)
    if ratio is None:
        return None
    centre = round(image.center_row)
    sides = [np.cumsum(half, axis=1).argmax(axis=1) * STEP_MM for half in (ratio[:, centre:], ratio[:, centre::-1])]
    depth = sum(np.minimum(side, SIDE_MM) for side in sides)
    return ndimage.median_filter(np.asarray(depth, dtype=np.float64), round(RUN_MM / STEP_MM))


def content_log_ratio(image: SpineImage, wall_mm: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return at each place how much more likely its brightness is inside the canal than around it.

    Parameters
    ----------
    image, wall_mm
        As :func:`find_foramen`.

    Returns
    -------
    (n_planes, n_rows) array or None
        Natural logarithm, 0 outside the scan; None as :func:`space_depth_mm`.
    """
    seen = np.isfinite(image.values)
    brightness = _brightness(image)
    inside, outside = _known_places(image, wall_mm, seen)
    if brightness is None or not inside.any() or not outside.any():
        return None
    pooled = np.concatenate([brightness[inside], brightness[outside]])
    inner_edges = np.unique(np.quantile(pooled, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(inner_edges, brightness)
    shares = [_shares(bins[places], len(inner_edges) + 1) for places in (inside, outside)]
    ratio = np.clip(np.log(shares[0] / shares[1]), -MAX_LOG_RATIO, MAX_LOG_RATIO)[bins]
    if ratio[inside].mean() - ratio[outside].mean() < MIN_SEPARATION:
        return None
    return ndimage.gaussian_filter1d(np.where(seen, ratio, 0.0), SMOOTHING_MM[0] / STEP_MM, axis=0)


def _brightness(image: SpineImage) -> NDArray[np.float64] | None:
    """Return the logarithm of the brightness against the cord's in the same plane; None without a bright cord."""
    values = ndimage.gaussian_filter(np.nan_to_num(image.values), np.array(SMOOTHING_MM) / STEP_MM)
    centre, half = round(image.center_row), round(CORD_HALF_MM / STEP_MM)
    cord = np.median(values[:, centre - half : centre + half + 1], axis=1)
    cord = ndimage.median_filter(cord, round(20.0 / STEP_MM))
    if not (cord > 0).any():
        return None
    usual = float(np.median(cord[cord > 0]))
    # A twentieth of the usual brightness keeps planes outside the scan, and black voxels, finite.
    cord = np.maximum(cord, 0.05 * usual)
    return np.asarray(np.log(np.maximum(values / cord[:, None], 0.02)), dtype=np.float64)


def _known_places(
    image: SpineImage, wall_mm: NDArray[np.float64], seen: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where the canal's content and where its surroundings are known to be."""
    length_mm = image.frame.centerline.length_mm
    below_top_mm = length_mm - image.frame.arcs_mm()
    nearest_mm = min(LEARNED_OVER_MM[0], MOST_LEFT_OUT * length_mm)
    known = (below_top_mm >= nearest_mm) & (below_top_mm <= min(LEARNED_OVER_MM[1], length_mm))
    if known.sum() * STEP_MM < MIN_LEARNED_MM:
        known[:] = False
    ahead_mm = (np.arange(image.values.shape[1]) - image.center_row)[None, :] * STEP_MM
    wall = wall_mm[:, None]
    usable = known[:, None] & seen
    inside = usable & (ahead_mm > -CONTENT_BEHIND_MM) & (ahead_mm < wall - WALL_HALF_MM)
    before = (ahead_mm > wall + WALL_HALF_MM) & (ahead_mm < wall + BODY_DEPTH_MM)
    return inside, usable & (before | (ahead_mm < -BEHIND_CANAL_MM))


def _shares(bins: NDArray[np.int_], n_bins: int) -> NDArray[np.float64]:
    counts = ndimage.gaussian_filter1d(np.bincount(bins, minlength=n_bins).astype(float), 1.0, mode="nearest")
    return np.asarray(counts / counts.sum() + BIN_FLOOR, dtype=np.float64)

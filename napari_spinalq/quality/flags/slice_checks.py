"""Checks of slices against each other and of left against right: motion and asymmetry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.quality.flags.checks import Check
from napari_spinalq.quality.flags.evidence import Evidence
from napari_spinalq.quality.flags.finding import NOT_ASSESSABLE, Finding, beyond
from napari_spinalq.quality.flags.outlines import centroids, neighbours, running_median, smooth_centres, smooth_path
from napari_spinalq.quality.flags.patches import mask_patches, patches

MOTION_HALF_MM = (12.0, 12.0)
MOTION_STEP_MM = 0.5
"""Size of the patches that are laid over each other, and distance of their samples, mm: cord, canal and its wall."""

MOTION_BLUR_MM = 1.0
"""Patches are blurred by this (mm) first: the search follows slopes, and noise has none that lead anywhere."""

SEARCH_STEPS = 6
TIGHTEST_BEND_MM = 70.0
"""Radius of the tightest bend of a cervical cord, mm. From slice to slice, h apart, the course then turns by
h^2 / R without anybody having moved."""

FARTHEST_SLICES_MM = 10.0
"""Slices farther apart than this (mm, more than half a vertebra) show too different a neck to be laid over each other.
"""

MIN_PAIRS = 3
LEAST_GAIN = 0.1
"""A patch that shows less of the other than this is no image of the same place, and divides nothing."""

MAX_SHIFT_MM = 6.0
"""A slice that lies farther off is looked at in any case; the search is not led beyond."""

SYMMETRY_HALF_MM = (8.0, 16.0)
SYMMETRY_STEP_MM = 0.25
SYMMETRY_WIDTH_MM = 11.0
"""Left and right are compared over this half width, mm: cord, fluid and the walls of the canal."""

LARGEST_OFFSET_MM = 4.0
"""The plane of symmetry is looked for within this of the mask's middle, mm."""

SYMMETRY_RUN_MM = 5.0
"""Slices within this (mm) on either side are judged together."""

MIN_SYMMETRY = 0.8
"""Correlation of the image with its mirror image under which there is no plane of symmetry to go by: scans of good
quality have 0.85 to 1."""


def motion(evidence: Evidence) -> Finding:
    """Measure how far neighbouring slices lie off each other in the image and in the mask, beyond the cord's course.

    The smaller of the two counts: where the canal changes its form the image seems to shift and the cord stays, and
    where the mask alone is off nobody has moved. The course is taken out twice: by a smooth path through the centroids,
    and by the median of the shifts nearby.
    """
    pairs = np.flatnonzero(np.diff(evidence.filled) == 1)
    if evidence.slice_mm > FARTHEST_SLICES_MM or len(pairs) < MIN_PAIRS:
        return NOT_ASSESSABLE
    path = smooth_path(evidence)
    read = patches(evidence, path, MOTION_HALF_MM, MOTION_STEP_MM).astype(np.float64)
    read = ndimage.gaussian_filter(read, (0, MOTION_BLUR_MM / MOTION_STEP_MM, MOTION_BLUR_MM / MOTION_STEP_MM))
    image = np.array([_shift_mm(read[pair + 1], read[pair]) for pair in pairs])
    mask = np.diff((centroids(evidence) - path) * evidence.spacing_mm[1:], axis=0)[pairs]
    off_mm = np.minimum(*(_off_course_mm(shifts, neighbours(evidence)) for shifts in (image, mask)))
    beyond_bend = np.maximum(off_mm - evidence.slice_mm**2 / TIGHTEST_BEND_MM, 0.0)
    place = int(beyond_bend.argmax())
    moved = pairs[beyond(Check.MOTION, beyond_bend)]
    slices = evidence.numbers(evidence.filled[np.union1d(moved, moved + 1)])
    lower = evidence.numbers([int(evidence.filled[pairs[place]])])[0]
    between = f"slices {lower} and {lower + 1}{evidence.level_at(lower)}"
    sentence = f"image and cord shift by {off_mm[place]:.1f} mm between {between}"
    return Finding(float(beyond_bend[place]), slices or (lower, lower + 1), sentence)


def _off_course_mm(shifts: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(shifts - running_median(shifts, reach), axis=1))


def _shift_mm(moved: NDArray[np.float64], still: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much one patch lies off another, rows and columns, mm.

    Least squares along the slopes of the fixed patch, repeated, brightness and its offset fitted with it (Lucas and
    Kanade 1981, Proc 7th IJCAI, 674-679).
    """
    inner = (slice(2, -2), slice(2, -2))
    shown = [np.gradient(still, axis=0), np.gradient(still, axis=1), still, np.ones_like(still)]
    columns = np.column_stack([one[inner].ravel() for one in shown])
    total, farthest = np.zeros(2), MAX_SHIFT_MM / MOTION_STEP_MM
    for _ in range(SEARCH_STEPS):
        here = ndimage.shift(moved, -total, order=1, mode="nearest")[inner].ravel()
        solution = np.linalg.lstsq(columns, here, rcond=None)[0]
        gain = max(float(solution[2]), LEAST_GAIN)
        total = np.clip(total - solution[:2] / gain, -farthest, farthest)
    return np.asarray(total * MOTION_STEP_MM)


def asymmetry(evidence: Evidence) -> Finding:
    """Compare left and right of the mask beside the plane about which the image is symmetrical.

    The centroid of the mask would not do: where one side is missing it moves to the other.
    """
    centres = smooth_centres(evidence)
    reach = max(1, round(SYMMETRY_RUN_MM / evidence.slice_mm))
    if evidence.slice_mm > FARTHEST_SLICES_MM or len(centres) < 2 * reach + 1:
        return NOT_ASSESSABLE
    image = _run_mean(_even(patches(evidence, centres, SYMMETRY_HALF_MM, SYMMETRY_STEP_MM)), reach)
    mask = mask_patches(evidence, centres, SYMMETRY_HALF_MM, SYMMETRY_STEP_MM).sum(axis=1)
    offsets = np.array([_plane_of_symmetry(one) for one in image])
    percent = running_median(np.array([_left_right(row, at) for row, at in zip(mask, offsets, strict=True)]), reach)
    if not np.isfinite(percent).any():
        return NOT_ASSESSABLE
    size = np.nan_to_num(np.abs(percent))
    place = int(size.argmax())
    number = evidence.numbers([int(evidence.filled[place])])[0]
    side = "left" if percent[place] > 0 else "right"
    sentence = f"cord is {size[place]:.0f} % larger on the {side} around slice {number}{evidence.level_at(number)}"
    slices = evidence.numbers(evidence.filled[beyond(Check.ASYMMETRY, size)]) or (number,)
    return Finding(float(size[place]), slices, sentence)


def _even(read: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return patches of mean 0 and standard deviation 1, so that no slice outweighs its neighbours."""
    values = read.astype(np.float64)
    values -= values.mean(axis=(1, 2), keepdims=True)
    return np.asarray(values / np.maximum(values.std(axis=(1, 2), keepdims=True), 1e-12))


def _run_mean(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    return np.asarray(ndimage.uniform_filter1d(values, 2 * reach + 1, axis=0, mode="nearest"))


def _plane_of_symmetry(patch: NDArray[np.float64]) -> float:
    """Return the column offset of the best mirror plane from the middle, in samples; NaN where there is none."""
    middle, width = patch.shape[1] // 2, round(SYMMETRY_WIDTH_MM / SYMMETRY_STEP_MM)
    largest = round(LARGEST_OFFSET_MM / SYMMETRY_STEP_MM)
    offsets = np.arange(-largest, largest + 1)
    alike = np.array([_mirrored(patch[:, middle + at - width : middle + at + width + 1]) for at in offsets])
    best = int(alike.argmax())
    if alike[best] < MIN_SYMMETRY or not 0 < best < len(offsets) - 1:
        return float("nan")
    below, at, above = alike[best - 1 : best + 2]
    return float(offsets[best] + 0.5 * (below - above) / min(below - 2 * at + above, -1e-12))


def _mirrored(patch: NDArray[np.float64]) -> float:
    """Return the correlation of a patch with its mirror image."""
    centred = patch - patch.mean()
    return float((centred * centred[:, ::-1]).sum() / max(float((centred**2).sum()), 1e-12))


def _left_right(row: NDArray[np.float32], offset: float) -> float:
    """Return 100 (L - R) / ((L + R) / 2) of a mask summed over rows, split at an offset (samples) from its middle.

    Columns grow to the patient's right.
    """
    if not np.isfinite(offset):
        return float("nan")
    edges = np.arange(len(row) + 1) - 0.5
    upto = np.interp(len(row) // 2 + offset, edges, np.r_[0.0, np.cumsum(row, dtype=float)])
    left, right = upto, float(row.sum(dtype=float)) - upto
    return float(200 * (left - right) / max(left + right, 1e-12))

"""Checks of the cord's mask by itself: leak, hole, second component, area jump, missing slice, truncated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.metrics.ranges import at_slices
from napari_spinalq.quality.flags.checks import Check
from napari_spinalq.quality.flags.evidence import Evidence
from napari_spinalq.quality.flags.finding import NOT_ASSESSABLE, Finding, beyond
from napari_spinalq.quality.flags.outlines import N_ANGLES, outlines_of

LOBE_RAYS = 3
"""A lobe counts by the mean over so many neighbouring rays, 30 degrees: a single pixel on the rim is none."""

TAPER_PERCENT_PER_MM = 1.0
"""A healthy cord changes its area by about this much a millimetre where it tapers most, from C6 to T1: 67 to 45 mm2 in
35 mm, the mean of 88 healthy women (T2w scans of Cohen-Adad et al. 2021, Sci Data 8, 219,
doi:10.1038/s41597-021-00941-8, measured per level)."""

SIDES = {0: "right", 90: "front", 180: "left", 270: "back"}
"""Where a ray points, by its angle in degrees from the patient's right towards anterior."""


Say = Callable[[float, str], str]
"""Puts a score and the words for its slice into a sentence."""


def leak(evidence: Evidence) -> Finding:
    """Look for a lobe: where the outline stands out from the outlines of the slices nearby."""
    if len(evidence.filled) < 3:
        return NOT_ASSESSABLE
    outlines = outlines_of(evidence)
    excess = ndimage.uniform_filter1d(outlines.radii_mm - outlines.usual_mm, LOBE_RAYS, axis=1, mode="wrap")
    worst = excess.max(axis=1)
    place = int(worst.argmax())
    number = evidence.numbers([int(evidence.filled[place])])[0]
    slices = _or_worst(evidence.filled[beyond(Check.LEAK, worst)], int(evidence.filled[place]))
    sentence = (
        f"outline stands out by {worst[place]:.1f} mm to the {_side(int(excess[place].argmax()))} "
        f"at slice {number}{evidence.level_at(number)}"
    )
    return Finding(float(worst[place]), evidence.numbers(slices), sentence)


def _side(ray: int) -> str:
    degrees = 360 * ray / N_ANGLES
    return min(SIDES.items(), key=lambda item: min(abs(degrees - item[0]), 360 - abs(degrees - item[0])))[1]


def hole(evidence: Evidence) -> Finding:
    """Look for what the mask encloses without holding it, slice by slice."""
    closed = np.stack([ndimage.binary_fill_holes(plane) for plane in evidence.cord]) & ~evidence.cord
    areas = closed.sum(axis=(1, 2)) * evidence.pixel_mm2
    return _largest(evidence, Check.HOLE, areas, lambda value, where: f"hole of {value:.2g} mm² in the mask at {where}")


def second_component(evidence: Evidence) -> Finding:
    """Look for what does not hang together with the cord."""
    voxels = (evidence.cord & ~evidence.main).sum(axis=(1, 2))
    volume = float(voxels.sum()) * evidence.pixel_mm2 * evidence.slice_mm
    slices = evidence.numbers(np.flatnonzero(voxels))
    return Finding(volume, slices, f"{volume:.3g} mm³ apart from the cord at {at_slices(slices)}" if slices else "")


def area_jump(evidence: Evidence) -> Finding:
    """Look for the largest change of area between neighbouring slices, as a part of the smaller of the two.

    The score is what goes beyond the taper of a healthy cord over the distance of the slices.
    """
    shapes = evidence.result.shapes
    pairs = np.flatnonzero(np.diff(shapes.slice_index) == 1)
    if not len(pairs):
        return NOT_ASSESSABLE
    steps = 100 * np.expm1(np.abs(np.log(shapes.area_mm2[pairs + 1] / shapes.area_mm2[pairs])))
    beyond_usual = np.maximum(steps - TAPER_PERCENT_PER_MM * evidence.slice_mm, 0.0)
    place = int(steps.argmax())
    lower = int(shapes.slice_index[pairs[place]])
    jumped = pairs[_or_worst(beyond(Check.AREA_JUMP, beyond_usual), place)]
    slices = sorted({int(shapes.slice_index[pair + side]) for pair in jumped for side in (0, 1)})
    sentence = f"area jumps by {steps[place]:.0f} % between slices {lower} and {lower + 1}{evidence.level_at(lower)}"
    return Finding(float(beyond_usual[place]), tuple(slices), sentence)


def missing_slice(evidence: Evidence) -> Finding:
    """Count the slices without mask between others."""
    held = evidence.filled
    missing = np.setdiff1d(np.arange(held[0], held[-1] + 1), held)
    slices = evidence.numbers(missing)
    if not slices:
        return Finding(0.0)
    return Finding(float(len(slices)), slices, f"no mask at {at_slices(slices)}{evidence.level_at(slices[0] - 1)}")


def truncated(evidence: Evidence) -> Finding:
    """Count the slices in which the mask reaches a side of the image; its first and last slice are no sides."""
    sides = np.zeros(evidence.cord.shape[1:], dtype=bool)
    for axis in (0, 1):
        span, count = evidence.box[axis + 1], evidence.work_grid.shape[axis + 1]
        edge = np.moveaxis(sides, axis, 0)
        edge[0] |= span.start == 0
        edge[-1] |= span.stop == count
    slices = evidence.numbers(np.flatnonzero((evidence.main & sides).any(axis=(1, 2))))
    words = f"mask reaches the side of the image at {at_slices(slices)}" if slices else ""
    return Finding(float(len(slices)), slices, words)


def _largest(evidence: Evidence, check: Check, values: NDArray[np.float64], say: Say) -> Finding:
    """Return the finding of a check whose score is the largest value of all slices of the box."""
    place = int(values.argmax())
    number = evidence.numbers([place])[0]
    slices = evidence.numbers(beyond(check, values))
    value = float(values[place])
    return Finding(value, slices, say(value, f"slice {number}{evidence.level_at(number)}") if value > 0 else "")


def _or_worst(places: NDArray[np.int_], worst: int) -> NDArray[np.int_]:
    return places if len(places) else np.array([worst])

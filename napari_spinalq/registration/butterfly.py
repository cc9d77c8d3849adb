"""How far grey matter is turned against that of another scan, once the outlines of both cords lie over each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.registration.field import SliceFrame

ANGLE_COUNT = 180
"""Rays around the centre, every 2 degrees: an eighth of the width of a horn at its end."""

RADII_MM = np.arange(0.5, 6.0, 0.5)
"""Distances from the centre at which grey matter is looked at, mm: its horns end within 6 mm."""

LARGEST_TURN_DEG = 20.0
"""Turns that are tried either way, degrees: heads turn less between the scans of an exam."""

ALONG_MM = 20.0
"""Agreement is averaged along the stack with this standard deviation (mm): a neck turns evenly."""

MIN_AREA_MM2 = 3.0
"""Grey matter smaller than this (mm2) has no direction; that of a cervical cord has 10 to 20."""


def butterfly_turns(
    source_grey: NDArray, target_grey: NDArray, frame: SliceFrame, centres_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by how much the source's grey matter is turned against the target's, shape (slices,), radians.

    Both are sampled around the centre of the cord and compared at every turn; what turns by that angle, right towards
    anterior, leads from the target to the source.

    Parameters
    ----------
    source_grey, target_grey : arrays, shape of ``frame.grid``
        Shares of grey matter, 0..1, in work order; the source's as it was carried. NaN counts as 0.
    frame : SliceFrame
        Of the target.
    centres_mm : (slices, 2) array
        Centre of the cord, mm to anterior and right.

    Returns
    -------
    array
        0 in all slices where no slice shows both.
    """
    pixel_mm2 = float(np.prod(frame.grid.spacing[1:]))
    areas = [np.nan_to_num(grey).sum(axis=(1, 2)) * pixel_mm2 for grey in (source_grey, target_grey)]
    known = np.minimum(*areas) >= MIN_AREA_MM2
    if not known.any():
        return np.zeros(frame.slices)
    reach = round(LARGEST_TURN_DEG / 360 * ANGLE_COUNT)
    turns = np.arange(-reach, reach + 1)
    scores = np.zeros((frame.slices, len(turns)))
    for index in np.flatnonzero(known):
        ours, theirs = (_around(grey[index], frame, centres_mm[index]) for grey in (source_grey, target_grey))
        scores[index] = [(np.roll(ours, -turn, axis=0) * theirs).sum() for turn in turns]
    pooled = ndimage.gaussian_filter1d(scores, ALONG_MM / frame.grid.spacing[0], axis=0, mode="constant", truncate=8.0)
    return _peaks(pooled) * 2 * np.pi / ANGLE_COUNT


def _around(plane: NDArray, frame: SliceFrame, centre_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a slice around the centre, weighted by the area that each sample stands for, (ANGLE_COUNT, radii)."""
    angles = np.arange(ANGLE_COUNT)[:, None] * 2 * np.pi / ANGLE_COUNT
    _, row_mm, column_mm = frame.grid.spacing
    rows = (centre_mm[0] + np.sin(angles) * RADII_MM) / row_mm
    columns = (centre_mm[1] + np.cos(angles) * RADII_MM) / column_mm
    values = ndimage.map_coordinates(np.nan_to_num(plane), [rows, columns], order=1, output=np.float64)
    centred = (values - values.mean(axis=0)) * np.sqrt(RADII_MM)
    return centred / max(float(np.linalg.norm(centred)), 1e-9)


def _peaks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place of the highest score of each row, from the middle, to a part of a step (a parabola)."""
    best = np.clip(scores.argmax(axis=1), 1, scores.shape[1] - 2)
    before, peak, after = (np.take_along_axis(scores, (best + step)[:, None], axis=1)[:, 0] for step in (-1, 0, 1))
    bend = np.minimum(before - 2 * peak + after, -1e-12)
    return best - scores.shape[1] // 2 + np.clip((before - after) / (2 * bend), -0.5, 0.5)

"""The quality of a registration as a table, and in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.metrics.ranges import at_slices
from napari_spinalq.registration.quality import SliceQuality, slice_quality
from napari_spinalq.registration.registration import Registration

POOR_DICE = 0.85
"""Below this a slice is flagged: cords of 1 mm pixels whose outlines differ by half a pixel all around."""

FAR_APART_MM = 4.0
"""Cords that lie this far apart (mm) by scanner position, half the depth of a cord, are worth a word."""

COLUMNS = (
    "slice", "dice_before", "dice_after", "surface_distance_mm", "shift_right_mm", "shift_anterior_mm",
    "area_ratio", "min_jacobian", "flag",
)  # fmt: skip
"""Columns of the table, in order."""


JUMP_MM = 1.5
"""A cord that leaves the line between its neighbours by more (mm) moved within the scan, or its mask is wrong there."""

LESS_ALIKE = 0.1
"""A share of explained variance that falls by more than this says that the masks lead the images apart."""


def registration_table(registration: Registration, source_mask: NDArray, target_mask: NDArray) -> pd.DataFrame:
    """Return the quality of a registration, one row a slice of the target that holds its cord.

    Parameters
    ----------
    registration, source_mask, target_mask
        As in :func:`slice_quality`.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``: ``slice`` from inferior; Dice before and after; mean distance of the outlines, mm; shift
        of the cord from target to source to the patient's right and to anterior, mm; ratio of areas; least in-plane
        Jacobian; and a flag in words.
    """
    found = slice_quality(registration, source_mask, target_mask)
    rows = np.flatnonzero(found.held)
    columns = {
        "slice": rows,
        "dice_before": found.dice_before[rows],
        "dice_after": found.dice_after[rows],
        "surface_distance_mm": found.surface_distance_mm[rows],
        "shift_right_mm": found.shift_mm[rows, 1],
        "shift_anterior_mm": found.shift_mm[rows, 0],
        "area_ratio": found.area_ratio[rows],
        "min_jacobian": found.min_jacobian[rows],
        "flag": [_slice_flag(found, int(index)) for index in rows],
    }
    return pd.DataFrame(columns, columns=list(COLUMNS))


def quality_flags(quality: SliceQuality, source_name: str) -> tuple[str, ...]:
    """Say in words what a reader must know about a registration."""
    flags = []
    poor = np.flatnonzero(quality.dice_after < POOR_DICE)
    if len(poor):
        worst = float(np.nanmin(quality.dice_after))
        flags.append(f"registration poor: Dice {worst:.2f} at {at_slices(poor)}; check the overlay")
    away = np.linalg.norm(quality.shift_mm, axis=1)
    far = np.flatnonzero(quality.shown & (away > FAR_APART_MM))
    if len(far):
        flags.append(f"cords lie up to {away[far].max():.1f} mm apart by scanner position at {at_slices(far)}")
    jumps = _jumps(quality)
    if len(jumps):
        most = quality.jump_mm[jumps].max()
        flags.append(f"one cord jumps by up to {most:.1f} mm at {at_slices(jumps)}; check its mask")
    alone = np.flatnonzero(quality.held & ~quality.shown)
    if len(alone):
        flags.append(f"{source_name} shows no whole cord at {at_slices(alone)}: carried as beside them")
    folded = np.flatnonzero(quality.min_jacobian <= 0)
    if len(folded):
        flags.append(f"the carried image folds at {at_slices(folded)}; check both cord masks")
    return tuple(flags)


def similarity_flags(before: float, after: float) -> tuple[str, ...]:
    """Say in words if the images agree less after registration than by scanner position alone."""
    if not after < before - LESS_ALIKE:
        return ()
    change = f"{100 * before:.0f} % of the variance explained by position, {100 * after:.0f} % after"
    return (f"the images agree less after registration ({change}); check both cord masks",)


def _jumps(quality: SliceQuality) -> NDArray[np.int_]:
    """Return the slices at which a cord jumps: of neighbours that all do, the one that does most."""
    size = np.nan_to_num(quality.jump_mm)
    largest = size >= np.maximum(np.r_[0, size[:-1]], np.r_[size[1:], 0])
    return np.flatnonzero((size > JUMP_MM) & largest)


def _slice_flag(quality: SliceQuality, index: int) -> str:
    if not quality.shown[index]:
        return "not compared"
    words = ["poor"] if quality.dice_after[index] < POOR_DICE else []
    return ", ".join([*words, "jump"] if index in _jumps(quality) else words)

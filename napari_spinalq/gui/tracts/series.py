"""Motion and gradients of a diffusion series in words. No Qt is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.diffusion.motion_table import named_volume
from napari_spinalq.gradients import GradientTable
from napari_spinalq.views.directions import on_disc

if TYPE_CHECKING:
    from napari_spinalq.diffusion.gradient_check import GradientCheck

FITS = "Directions fit the course of the cord: no axis is flipped or swapped."
MOST_NAMED = 6
"""Outliers that are named; of more, how many they are."""


def shells_of(gradients: GradientTable) -> list[tuple[str, NDArray[np.float64]]]:
    """Return title and directions on the disc (n, 2) of each shell."""
    return [
        (f"b {shell.b_value:.0f}: {len(shell.volumes)} directions", on_disc(gradients.directions[shell.volumes]))
        for shell in gradients.shells()
    ]


def motion_in_words(motion: Motion) -> tuple[str, str]:
    """Return kind and words of how much the cord moved."""
    outliers = np.flatnonzero(motion.outliers)
    moved = (
        f"Largest shift {np.nanmax(np.abs(motion.shifts_mm)):.1f} mm, "
        f"mean framewise displacement {np.nanmean(motion.displacement_mm):.2f} mm."
    )
    if not len(outliers):
        return "good", f"{moved} No volume stands out."
    if len(outliers) > MOST_NAMED:
        return "warn", f"{moved} {len(outliers)} of {len(motion.outliers)} volumes stand out."
    named = ", ".join(named_volume(motion, int(volume)) for volume in outliers)
    return "warn", f"{moved} Stands out: {named}; volumes are counted from 0."


def gradients_in_words(gradients: GradientTable, check: GradientCheck | None) -> tuple[str, str]:
    """Return kind and words of what is known of the gradient table."""
    unweighted = int(gradients.unweighted.sum())
    counted = f"{unweighted} without weighting, {len(gradients) - unweighted} with."
    if check is None:
        return "plain", counted
    if check.flags:
        return "warn", " ".join([*(_sentence(flag) for flag in check.flags), counted])
    if check.notes:
        return "plain", " ".join([*(_sentence(note) for note in check.notes), counted])
    return "good", f"{FITS} {counted}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."

"""Motion and gradients of a diffusion series in words. No Qt is known here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.gradients import GradientTable
from napari_spinalq.results import DiffusionSeries
from napari_spinalq.views.directions import on_disc

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
    named = ", ".join(str(volume) for volume in outliers)
    return "warn", f"{moved} Stands out: volume{'s' * (len(outliers) > 1)} {named} (counted from 0)."


def gradients_in_words(series: DiffusionSeries) -> tuple[str, str]:
    """Return kind and words of what is known of the gradient table."""
    table = series.gradients
    unweighted = int(table.unweighted.sum())
    counted = f"{unweighted} volume{'s' * (unweighted != 1)} without weighting, {len(table) - unweighted} with."
    return "plain", counted

"""Figures of a diffusion series: how the cord moved, and in which directions diffusion was weighted."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.gradients import GradientTable
from napari_spinalq.report.drawing import png

FIRST_COLOUR, SECOND_COLOUR, STEP_COLOUR, OUTLIER_COLOUR = "#0072B2", "#D55E00", "#595959", "#CC79A7"
"""Blue, vermilion and purple of Okabe and Ito's palette, and grey."""

SHELL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")


def motion_figure(motion: Motion) -> bytes:
    """Draw the shifts of each volume (mean over slices, band from the least to the greatest) and its displacement.

    Parameters
    ----------
    motion : Motion
        Of the series; volumes that stand out are marked.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    shifts, steps = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    volumes = np.arange(len(motion.displacement_mm))
    for axis, (name, colour) in enumerate(zip(motion.axes, (FIRST_COLOUR, SECOND_COLOUR), strict=True)):
        along = motion.shifts_mm[:, :, axis]
        shifts.plot(volumes, along.mean(axis=1), color=colour, marker="o", markersize=2.5, label=f"to {name}")
        shifts.fill_between(volumes, along.min(axis=1), along.max(axis=1), color=colour, alpha=0.18, linewidth=0)
    shifts.axhline(0, color="0.6", linewidth=0.6)
    shifts.set_ylabel("shift (mm)")
    shifts.legend(fontsize=8, frameon=False, ncols=2, loc="upper right")
    steps.bar(volumes, motion.displacement_mm, color=STEP_COLOUR, width=0.7)
    steps.set(ylabel="step (mm)", xlabel="volume", ylim=(0, max(0.5, 1.15 * float(motion.displacement_mm.max()))))
    _mark_outliers((shifts, steps), volumes[motion.outliers])
    for axes in (shifts, steps):
        axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def gradient_figure(gradients: GradientTable) -> bytes:
    """Draw the weighted directions on the half sphere, seen from above the head, one colour a shell.

    The projection keeps areas (Lambert's azimuthal one), so that directions spread evenly over the sphere look even; a
    direction and its opposite are the same measurement, so that all are drawn on the upper half.

    Parameters
    ----------
    gradients : GradientTable
        Directions in RAS.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure = Figure(figsize=(3.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for number, shell in enumerate(gradients.shells()):
        colour = SHELL_COLOURS[number % len(SHELL_COLOURS)]
        label = f"b = {shell.b_value:.0f} s/mm²: {len(shell.volumes)}"
        axes.plot(*projected(gradients.directions[shell.volumes]), "o", color=colour, markersize=4, label=label)
    turn = np.linspace(0, 2 * np.pi, 181)
    axes.plot(np.cos(turn), np.sin(turn), color="0.6", linewidth=0.8)
    axes.set(xlim=(1.12, -1.12), ylim=(-1.12, 1.12), aspect="equal")  # the patient's right on the left
    axes.axis("off")
    for letter, x, y in (("R", 1.07, 0), ("L", -1.07, 0), ("A", 0, 1.07), ("P", 0, -1.07)):
        axes.text(x, y, letter, ha="center", va="center", fontsize=8, fontweight="bold")
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0.0))
    return png(figure)


def projected(directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where directions (n, 3) RAS lie in the disc of :func:`gradient_figure`: to the right, and anterior.

    Examples
    --------
    >>> right, anterior = projected(np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]]))
    >>> right.tolist(), anterior.tolist()
    ([0.0, -1.0], [0.0, 0.0])
    """
    upper = np.where(directions[:, 2:] < 0, -directions, directions)
    shrink = 1 / np.sqrt(1 + upper[:, 2])
    return upper[:, 0] * shrink + 0.0, upper[:, 1] * shrink + 0.0  # turns -0.0 into 0.0


def _mark_outliers(panels: tuple[Axes, ...], volumes: NDArray[np.int_]) -> None:
    for axes in panels:
        for volume in volumes:
            axes.axvspan(volume - 0.5, volume + 0.5, color=OUTLIER_COLOUR, alpha=0.3, linewidth=0)

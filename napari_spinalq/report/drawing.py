"""What all figures of a report share: which slices are shown, the patient's directions, and the file they become."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

DOTS_PER_INCH = 110


def middle_slices(mask: NDArray, slice_levels: NDArray[np.int_]) -> list[tuple[int, int]]:
    """Return (level, slice) for the middle slice of every level that holds the mask, from superior to inferior."""
    present = mask.reshape(len(mask), -1).any(axis=1)
    levels = np.unique(slice_levels[present & (slice_levels > 0)])
    if levels.size == 0:
        slices = np.flatnonzero(present)
        chosen = slices[np.linspace(0, len(slices) - 1, min(8, len(slices))).astype(int)][::-1]
        return [(0, int(index)) for index in chosen]
    inside = {int(level): np.flatnonzero(present & (slice_levels == level)) for level in levels}
    return [(level, int(slices[len(slices) // 2])) for level, slices in inside.items()]


def letters(axes: Axes, *, left: str, right: str, top: str, bottom: str) -> None:
    """Write the patient's directions at the edges of an image."""
    style: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "fontsize": 8, "fontweight": "bold"}
    axes.text(0.02, 0.5, left, ha="left", va="center", **style)
    axes.text(0.98, 0.5, right, ha="right", va="center", **style)
    axes.text(0.5, 0.99, top, ha="center", va="top", **style)
    axes.text(0.5, 0.01, bottom, ha="center", va="bottom", **style)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)
    return stream.getvalue()

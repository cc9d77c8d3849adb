"""How far a pane is zoomed, and onto what."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

NEAREST_MM_PER_PIXEL, FARTHEST_MM_PER_PIXEL = 0.01, 5.0
"""A zoom beyond these shows less than a voxel, or a neck as a dot."""


@dataclass(frozen=True, eq=False)
class Lens:
    """What part of a plane is shown.

    Attributes
    ----------
    centre : array, shape (3,), optional
        Displayed world point (z, y, x) in the middle of the pane; None: the middle of the scan.
    mm_per_pixel : float, optional
        Magnification that someone chose.
    field_mm : float, optional
        Shown across the shorter side of the pane while no magnification is chosen; None: all that there is.
    """

    centre: NDArray[np.float64] | None = None
    mm_per_pixel: float | None = None
    field_mm: float | None = None

    def scale(self, height: float, width: float, size_mm: NDArray[np.float64]) -> float:
        """Return mm per pixel in a pane of these pixels, for a plane of this height and width (mm)."""
        if self.mm_per_pixel is not None:
            return self.mm_per_pixel
        if self.field_mm is not None:
            return self.field_mm / max(1.0, min(height, width))
        return float(max(size_mm[0] / max(1.0, height), size_mm[1] / max(1.0, width)))

    def zoomed(self, factor: float, anchor: NDArray[np.float64]) -> Lens:
        """Return a lens that magnifies ``factor`` times more and keeps ``anchor`` in place; both must be chosen."""
        wanted = float(np.clip(self.mm_per_pixel / factor, NEAREST_MM_PER_PIXEL, FARTHEST_MM_PER_PIXEL))
        return replace(self, centre=anchor + (self.centre - anchor) * wanted / self.mm_per_pixel, mm_per_pixel=wanted)

    def moved(self, shift: NDArray[np.float64]) -> Lens:
        """Return a lens with its centre moved by world mm (z, y, x)."""
        return replace(self, centre=self.centre + shift)

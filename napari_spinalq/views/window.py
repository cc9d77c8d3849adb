"""Grey windows: which values are shown black and which white, read off the scan's own values.

No window comes from a table of numbers: MRI has no unit, so each preset is taken from percentiles of the image, within
or around the cord where there is a mask. A window changes what is seen and nothing that is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid, box_around

AUTO_PERCENTILES = (1.0, 99.5)
"""Dark enough to keep CSF and cord apart, without the few brightest voxels (fat, flow)."""

WIDE_PERCENTILES = (0.05, 99.95)
"""Nearly all values, so that bone and fat keep their differences; a handful of spikes would otherwise set the scale."""

CORD_PERCENTILES = (5.0, 95.0)
"""Of the values inside the cord: without the rim, whose voxels are shared with the CSF."""

CORD_MARGIN = 0.5
"""Kept free below and above, as a part of the cord's range: grey and white matter then fill the middle half."""

CSF_PERCENTILES = (2.0, 98.0)
"""Of the values within :data:`CSF_REACH_MM` of the cord, the cord included."""

CSF_REACH_MM = 5.0
"""The CSF around the cervical cord is 2 to 5 mm wide, so this reaches the wall of the canal and little beyond it."""

SAMPLES = 200_000
"""Percentiles are taken over about this many voxels: more do not move them by a grey level."""

DOUBLING_PIXELS = 150.0
"""A drag this long (pixels) doubles or halves the width, or moves the level by one width."""

AUTO, CORD, CSF, WIDE = "Auto", "Cord", "CSF", "Wide"
_WIDEST = {Contrast.T1W: "Bone", Contrast.T2W: "Bone"}
"""On T1w and T2w the widest window is the one for vertebrae and discs; on the others bone gives no signal to window."""


@dataclass(frozen=True)
class Window:
    """Values shown black (``low``) and white (``high``), in the units of the scan."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """Difference between white and black."""
        return self.high - self.low

    @property
    def level(self) -> float:
        """The value shown in middle grey."""
        return (self.high + self.low) / 2

    def dragged(self, right: float, up: float) -> Window:
        """Return the window after a drag of the mouse.

        Parameters
        ----------
        right, up : float
            Pixels from where the drag began. To the right widens, to the left narrows; up raises the level.
        """
        width = self.width * 2.0 ** (right / DOUBLING_PIXELS)
        level = self.level + self.width * up / DOUBLING_PIXELS
        return Window(level - width / 2, level + width / 2)


def auto_window(data: NDArray) -> Window:
    """Return the window between :data:`AUTO_PERCENTILES` of all values of an array of any shape; never empty."""
    return _between(_sample(data), AUTO_PERCENTILES)


def preset_names(contrast: Contrast = Contrast.UNKNOWN) -> tuple[str, ...]:
    """Return the names of the presets of a contrast, in the order in which they are offered."""
    return AUTO, CORD, CSF, _WIDEST.get(contrast, WIDE)


def presets(
    data: NDArray, grid: Grid, mask: NDArray | None = None, contrast: Contrast = Contrast.UNKNOWN
) -> dict[str, Window]:
    """Return the windows that serve a scan, by name.

    Parameters
    ----------
    data : array, shape ``grid.shape``
        Values.
    grid : Grid
        Grid of both arrays, in any axis order.
    mask : array, shape ``grid.shape``, optional
        The cord; without it, or if it is empty, the windows of cord and CSF are left out.
    contrast : Contrast
        Names the widest window ("Bone" on T1w and T2w).

    Returns
    -------
    dict of str to Window
        ``"Auto"``: :data:`AUTO_PERCENTILES` of the whole. ``"Cord"``: :data:`CORD_PERCENTILES` inside the cord with
        :data:`CORD_MARGIN` around them. ``"CSF"``: :data:`CSF_PERCENTILES` within :data:`CSF_REACH_MM` of the cord.
        ``"Bone"`` or ``"Wide"``: :data:`WIDE_PERCENTILES` of the whole.
    """
    sample = _sample(data)
    found = {AUTO: _between(sample, AUTO_PERCENTILES)}
    if mask is not None and np.any(mask):
        box = _around(mask, grid)
        inside = np.asarray(mask[box]) > 0
        cord = _between(data[box][inside], CORD_PERCENTILES)
        margin = CORD_MARGIN * cord.width
        found[CORD] = Window(cord.low - margin, cord.high + margin)
        near = ndimage.distance_transform_edt(~inside, sampling=grid.spacing) <= CSF_REACH_MM
        found[CSF] = _between(data[box][near], CSF_PERCENTILES)
    found[preset_names(contrast)[-1]] = _between(sample, WIDE_PERCENTILES)
    return found


def _around(mask: NDArray, grid: Grid) -> tuple[slice, ...]:
    """Return the box of the mask with the reach of the CSF around it."""
    return box_around(mask, np.ceil(CSF_REACH_MM / np.asarray(grid.spacing)).astype(int).tolist())


def _sample(data: NDArray) -> NDArray[np.float64]:
    step = max(1, data.size // SAMPLES)
    return data.reshape(-1)[::step].astype(np.float64)


def _between(values: NDArray, percentiles: tuple[float, float]) -> Window:
    low, high = (float(value) for value in np.percentile(values, percentiles))
    return Window(low, high if high > low else low + 1.0)

"""Figures of maps: what was measured where, how well the scans were brought together, and what the patient did.

Axial images are in radiological convention: the patient's right on the left, anterior up. All arrays are in work order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.geometry import Grid
from napari_spinalq.report.drawing import letters, middle_slices, png
from napari_spinalq.report.figures import CORD_COLOUR, GM_COLOUR
from napari_spinalq.vertebrae import level_name
from napari_spinalq.views.window import AUTO_PERCENTILES

MOST_SLICES = 6
"""Columns of a mosaic; more would be too small to be read on paper."""

HALF_WIDTH_MM = 10.5
"""Half the side of a panel: the widest cord is about 14 mm, with some CSF around it."""

CARRIED_COLOUR = "#CC79A7"
"""Purple of Okabe and Ito's palette: what the registration brought here."""

TRACT_COLOURS = {
    "dorsal_columns": "#56B4E9",
    "lateral_cst_left": "#D55E00",
    "lateral_cst_right": "#D55E00",
    "grey_matter": GM_COLOUR,
}
"""Contours of the mosaic: sky blue, vermilion and bluish green of the same palette, dorsal to ventral."""

HALF = 0.5
"""Outlines run where half of a voxel belongs to the structure."""


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a mosaic.

    Attributes
    ----------
    title : str
        Written at its left.
    image : array, shape (z, y, x) or (z, y, x, 3)
        Grey values, or red, green and blue of 0..1.
    limits : tuple of 2 float, optional
        Values shown black and white; by default percentiles around the cord.
    outlines : mapping of str to array, shape (z, y, x)
        Soft masks by colour.
    colours : str
        Name of a matplotlib colour map.
    """

    title: str
    image: NDArray
    limits: tuple[float, float] | None = None
    outlines: Mapping[str, Sequence[NDArray]] = field(default_factory=dict)
    colours: str = "gray"


def mosaic_figure(
    rows: Sequence[Row], cord: NDArray, grid: Grid, slice_levels: NDArray[np.int_], notes: Mapping[int, str] = {}
) -> bytes:
    """Draw the middle slice of some levels in every row.

    Parameters
    ----------
    rows : sequence of Row
        From top to bottom.
    cord : array, shape (z, y, x)
        Says which slices are drawn, and where.
    grid : Grid
        Of all arrays, in work order.
    slice_levels : array of int, shape (z,)
        Level of each slice, 0 = none.
    notes : mapping of int to str
        What is added to the title of a slice.

    Returns
    -------
    bytes
        A PNG file.
    """
    chosen = _spread(middle_slices(cord, slice_levels))
    figure = Figure(figsize=(1.5 * len(chosen) + 0.3, 1.62 * len(rows) + 0.2), layout="constrained")
    panels = figure.subplots(len(rows), len(chosen), squeeze=False)
    for line, row in zip(panels, rows, strict=True):
        limits = row.limits or _window(row.image, cord, grid)
        for axes, (_, index) in zip(line, chosen, strict=True):
            _panel(axes, row, index, cord, grid, limits)
        line[0].set_ylabel(row.title, fontsize=8)
    for axes, (level, index) in zip(panels[0], chosen, strict=True):
        name = level_name(level) if level else f"slice {index}"
        axes.set_title(f"{name}{notes.get(index, '')}", fontsize=8)
    letters(panels[0][0], left="R", right="L", top="A", bottom="P")
    return png(figure)


def _spread(slices: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return at most ``MOST_SLICES`` of the slices, evenly over all."""
    if len(slices) <= MOST_SLICES:
        return slices
    return [slices[place] for place in np.linspace(0, len(slices) - 1, MOST_SLICES).round().astype(int)]


def _window(image: NDArray, cord: NDArray, grid: Grid) -> tuple[float, float]:
    """Return percentiles of what lies within a panel's width of the cord."""
    near = ndimage.binary_dilation(cord >= HALF, np.ones((1, 3, 3)), iterations=round(5 / min(grid.spacing[1:])))
    values = image[near & np.isfinite(image)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, AUTO_PERCENTILES)
    return float(low), float(max(high, low + 1e-6))


def _panel(axes: Axes, row: Row, index: int, cord: NDArray, grid: Grid, limits: tuple[float, float]) -> None:
    dy, dx = grid.spacing[1:]
    plane = np.nan_to_num(row.image[index], nan=limits[0])
    extent = (0, grid.shape[2] * dx, 0, grid.shape[1] * dy)
    axes.imshow(plane, cmap=row.colours, origin="lower", extent=extent, vmin=limits[0], vmax=limits[1], aspect="equal",
                interpolation="nearest")  # fmt: skip
    across, up = (np.arange(grid.shape[2]) + 0.5) * dx, (np.arange(grid.shape[1]) + 0.5) * dy
    for colour, masks in row.outlines.items():
        for mask in masks:
            here = mask[index]
            if min(here.shape) > 1 and here.max() > HALF > here.min():
                axes.contour(across, up, here, levels=[HALF], colors=colour, linewidths=0.9)
    y, x = ndimage.center_of_mass(cord[index])
    axes.set_xlim((x + 0.5) * dx + HALF_WIDTH_MM, (x + 0.5) * dx - HALF_WIDTH_MM)  # x grows to the patient's right
    axes.set_ylim((y + 0.5) * dy - HALF_WIDTH_MM, (y + 0.5) * dy + HALF_WIDTH_MM)
    axes.set(xticks=[], yticks=[])
    axes.set_facecolor("black")


def values_note(values: NDArray[np.float64]) -> dict[int, str]:
    """Return a note per slice for :func:`mosaic_figure`: the overlap of two cords, where it is known."""
    return {index: f", Dice {value:.2f}" for index, value in enumerate(values) if np.isfinite(value)}


__all__ = ["CARRIED_COLOUR", "CORD_COLOUR", "TRACT_COLOURS", "Row", "mosaic_figure", "values_note"]

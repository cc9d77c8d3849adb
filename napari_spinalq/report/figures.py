"""Figures of a report: what was segmented, where the levels lie, and the area along the cord.

Drawn with matplotlib's object interface, so that no display and no global state is needed. All images are shown in
radiological convention: the patient's right on the left of an axial image, anterior on the left of a sagittal one.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Disc, Origin
from napari_spinalq.vertebrae import level_name

CORD_COLOUR, DISC_COLOUR, GUESS_COLOUR = "#E69F00", "#56B4E9", "#CC79A7"
"""Orange, sky blue and purple of Okabe and Ito's palette, told apart by colour-blind readers."""

AXIAL_HALF_WIDTH_MM = 18.0
"""Half the side of an axial detail: the widest cord is about 14 mm, its canal about 25 mm."""

SAGITTAL_MARGIN_MM = 45.0
"""How far in front of and behind the cord the sagittal figure reaches: the vertebral bodies and the spinous roots."""

SAGITTAL_WIDTH_IN, MAX_SAGITTAL_HEIGHT_IN = 4.0, 8.0
"""Size of the sagittal figure (inches): its height follows the scan."""

WINDOW_PERCENTILES = (1.0, 99.5)
DOTS_PER_INCH = 110


def sagittal_figure(image: NDArray, mask: NDArray, grid: Grid, centerline: Centerline, discs: Sequence[Disc]) -> bytes:
    """Draw the sagittal plane that follows the cord, with its outline and the named discs.

    Parameters
    ----------
    image, mask : array, shape (z, y, x)
        Values and mask in work order.
    grid : Grid
        Their grid.
    centerline : Centerline
        Of the cord; each row of the figure is taken at its left-right position.
    discs : sequence of Disc
        Drawn at their place; interpolated and estimated ones with an open mark.

    Returns
    -------
    bytes
        A PNG file.
    """
    x_voxel = _cord_voxels(grid, centerline)[:, 1]
    heights, depths = np.meshgrid(*(np.arange(n) for n in grid.shape[:2]), indexing="ij")
    where = np.stack([heights, depths, np.broadcast_to(x_voxel[:, None], heights.shape)])
    plane = ndimage.map_coordinates(image.astype(np.float32), where, order=1, mode="nearest")
    outline = ndimage.map_coordinates(mask.astype(np.float32), where, order=1, mode="nearest")
    dz, dy = grid.spacing[:2]
    centre = float(np.median(_cord_voxels(grid, centerline)[:, 0]) * dy)
    front, back = min(centre + SAGITTAL_MARGIN_MM, grid.shape[1] * dy), max(centre - SAGITTAL_MARGIN_MM, 0.0)
    tall = np.clip(SAGITTAL_WIDTH_IN * grid.shape[0] * dz / (front - back), 2.0, MAX_SAGITTAL_HEIGHT_IN)
    figure = Figure(figsize=(SAGITTAL_WIDTH_IN, float(tall)), layout="constrained")
    axes = figure.subplots()
    _show(axes, plane, outline, (0, grid.shape[1] * dy, 0, grid.shape[0] * dz), dy, dz)
    _mark_discs(axes, discs, grid)
    axes.set_xlim(front, back)
    _letters(axes, left="A", right="P", top="S", bottom="I")
    return _png(figure)


def axial_figure(
    image: NDArray, mask: NDArray, grid: Grid, slice_levels: NDArray[np.int_], area_mm2: NDArray[np.float64]
) -> bytes:
    """Draw one axial detail for each level: its middle slice, with the outline of the cord.

    Parameters
    ----------
    image, mask : array, shape (z, y, x)
        Values and mask in work order.
    grid : Grid
        Their grid.
    slice_levels : array of int, shape (z,)
        Level of each slice, 0 = none.
    area_mm2 : array, shape (z,)
        Corrected area of each slice, NaN where there is none.

    Returns
    -------
    bytes
        A PNG file.
    """
    slices = _middle_slices(mask, slice_levels)
    columns = max(1, min(4, len(slices)))
    rows = max(1, -(-len(slices) // columns))
    figure = Figure(figsize=(1.55 * columns, 1.75 * rows), layout="constrained")
    grid_of_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (level, index) in zip(grid_of_axes, slices, strict=False):
        _axial_detail(axes, image[index], mask[index], grid)
        area = f", {area_mm2[index]:.1f} mm²" if np.isfinite(area_mm2[index]) else ""
        axes.set_title(f"{level_name(level) if level else f'slice {index}'}{area}", fontsize=8)
    for axes in grid_of_axes[len(slices) :]:
        axes.set_visible(False)
    return _png(figure)


def profile_figure(
    distance_mm: NDArray[np.float64], area_mm2: NDArray[np.float64], slice_levels: NDArray[np.int_]
) -> bytes:
    """Draw the area along the cord, superior on the left, with the levels shaded in turn.

    Parameters
    ----------
    distance_mm : array, shape (n,)
        Place of each measured slice along the cord, mm from the most inferior one.
    area_mm2 : array, shape (n,)
        Corrected area.
    slice_levels : array of int, shape (n,)
        Level of each measured slice, 0 = none.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.subplots()
    if slice_levels.any():  # beyond the named levels lies the brainstem, whose size would flatten the curve
        named = slice_levels > 0
        distance_mm, area_mm2, slice_levels = distance_mm[named], area_mm2[named], slice_levels[named]
    top = float(np.nanmax(area_mm2)) * 1.18
    for level in np.unique(slice_levels[slice_levels > 0]):
        along = distance_mm[slice_levels == level]
        if level % 2:
            axes.axvspan(along.min(), along.max(), color="0.5", alpha=0.14, linewidth=0)
        axes.text(along.mean(), top * 0.97, level_name(int(level)), ha="center", va="top", fontsize=8)
    axes.plot(distance_mm, area_mm2, color="#0072B2", linewidth=1.6, marker="o", markersize=2.5)
    axes.set(xlabel="distance along the cord (mm)", ylabel="area (mm²)", ylim=(0, top))
    axes.invert_xaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _cord_voxels(grid: Grid, centerline: Centerline) -> NDArray[np.float64]:
    """Return (y, x) voxel positions of the cord's centre in each axial slice; its ends go on straight."""
    voxels = grid.mm_to_voxel(centerline.points_mm)
    order = np.argsort(voxels[:, 0])
    slices = np.arange(grid.shape[0])
    return np.stack([np.interp(slices, voxels[order, 0], voxels[order, axis]) for axis in (1, 2)], axis=1)


def _show(
    axes: Axes, plane: NDArray, outline: NDArray, extent: tuple[float, float, float, float], dx: float, dy: float
) -> None:
    low, high = np.percentile(plane, WINDOW_PERCENTILES)
    axes.imshow(plane, cmap="gray", origin="lower", extent=extent, vmin=low, vmax=max(high, low + 1e-6), aspect="equal")
    if outline.max() > 0.5 > outline.min():
        horizontal = (np.arange(plane.shape[1]) + 0.5) * dx
        vertical = (np.arange(plane.shape[0]) + 0.5) * dy
        axes.contour(horizontal, vertical, outline, levels=[0.5], colors=CORD_COLOUR, linewidths=1.1)
    axes.set(xticks=[], yticks=[])


def _mark_discs(axes: Axes, discs: Sequence[Disc], grid: Grid) -> None:
    dz, dy = grid.spacing[:2]
    for disc in discs:
        z, y, _ = grid.mm_to_voxel(disc.position_mm)
        seen = disc.origin in (Origin.CLICKED, Origin.DETECTED)
        colour = DISC_COLOUR if seen else GUESS_COLOUR
        at = ((y + 0.5) * dy, (z + 0.5) * dz)
        axes.plot(*at, marker="o", markersize=5, markeredgecolor=colour, markerfacecolor=colour if seen else "none")
        text = axes.annotate(
            disc.name, at, xytext=(-7, 0), textcoords="offset points", ha="right", va="center", fontsize=8, color=colour
        )
        text.set_path_effects([withStroke(linewidth=2, foreground="black")])


def _axial_detail(axes: Axes, image: NDArray, mask: NDArray, grid: Grid) -> None:
    dy, dx = grid.spacing[1:]
    extent = (0, grid.shape[2] * dx, 0, grid.shape[1] * dy)
    y, x = ndimage.center_of_mass(mask)
    centre = ((x + 0.5) * dx, (y + 0.5) * dy)
    near = [slice(max(0, int((c - AXIAL_HALF_WIDTH_MM) / d)), int((c + AXIAL_HALF_WIDTH_MM) / d) + 1)
            for c, d in zip(centre[::-1], (dy, dx), strict=True)]  # fmt: skip
    low, high = np.percentile(image[tuple(near)], WINDOW_PERCENTILES)
    _show(axes, np.clip(image, low, high), mask, extent, dx, dy)
    axes.set_xlim(centre[0] + AXIAL_HALF_WIDTH_MM, centre[0] - AXIAL_HALF_WIDTH_MM)
    axes.set_ylim(centre[1] - AXIAL_HALF_WIDTH_MM, centre[1] + AXIAL_HALF_WIDTH_MM)
    _letters(axes, left="R", right="L", top="", bottom="")


def _middle_slices(mask: NDArray, slice_levels: NDArray[np.int_]) -> list[tuple[int, int]]:
    """Return (level, slice) for the middle slice of every level that holds the mask, from superior to inferior."""
    present = mask.reshape(len(mask), -1).any(axis=1)
    levels = np.unique(slice_levels[present & (slice_levels > 0)])
    if levels.size == 0:
        slices = np.flatnonzero(present)
        chosen = slices[np.linspace(0, len(slices) - 1, min(8, len(slices))).astype(int)][::-1]
        return [(0, int(index)) for index in chosen]
    inside = {int(level): np.flatnonzero(present & (slice_levels == level)) for level in levels}
    return [(level, int(slices[len(slices) // 2])) for level, slices in inside.items()]


def _letters(axes: Axes, *, left: str, right: str, top: str, bottom: str) -> None:
    style: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "fontsize": 8, "fontweight": "bold"}
    axes.text(0.02, 0.5, left, ha="left", va="center", **style)
    axes.text(0.98, 0.5, right, ha="right", va="center", **style)
    axes.text(0.5, 0.99, top, ha="center", va="top", **style)
    axes.text(0.5, 0.01, bottom, ha="center", va="bottom", **style)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)
    return stream.getvalue()

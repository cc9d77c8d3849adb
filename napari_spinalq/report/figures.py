"""Figures of a report: what was segmented, where the levels lie, and the area along the cord.

Drawn with matplotlib's object interface, so that no display and no global state is needed. All images are shown in
radiological convention: the patient's right on the left of an axial image, anterior on the left of a sagittal one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Disc, Origin
from napari_spinalq.metrics.catalogue import STRUCTURE_TITLES
from napari_spinalq.report.drawing import letters, middle_slices, png
from napari_spinalq.vertebrae import level_name
from napari_spinalq.views.window import AUTO_PERCENTILES

CORD_COLOUR, DISC_COLOUR, GUESS_COLOUR = "#E69F00", "#56B4E9", "#CC79A7"
"""Orange, sky blue and purple of Okabe and Ito's palette, told apart by colour-blind readers."""

GM_COLOUR, CANAL_COLOUR = "#009E73", "#56B4E9"
"""Bluish green and sky blue of the same palette; the canal is dashed too, so that it is no disc's colour alone."""

OUTLINES = {"cord": (CORD_COLOUR, "solid"), "gm": (GM_COLOUR, "solid"), "canal": (CANAL_COLOUR, "dashed")}
"""Colour and stroke of the outlines."""

CURVES = {"cord": ("#0072B2", "solid"), "wm": ("#595959", "dashed"), "gm": (GM_COLOUR, "dashdot")}
"""Colour and stroke of the areas along the cord; the canal, three times the cord, would flatten them."""

AXIAL_HALF_WIDTH_MM = 18.0
"""Half the side of an axial detail: the widest cord is about 14 mm, its canal about 25 mm."""

SAGITTAL_MARGIN_MM = 45.0
"""How far in front of and behind the cord the sagittal figure reaches: the vertebral bodies and the spinous roots."""

SAGITTAL_WIDTH_IN, MAX_SAGITTAL_HEIGHT_IN = 4.0, 8.0
"""Size of the sagittal figure (inches): its height follows the scan."""


def sagittal_figure(
    image: NDArray, masks: Mapping[str, NDArray], grid: Grid, centerline: Centerline, discs: Sequence[Disc]
) -> bytes:
    """Draw the sagittal plane that follows the cord, with the outlines of cord and canal and the named discs.

    Parameters
    ----------
    image : array, shape (z, y, x)
        Values in work order.
    masks : mapping of str to array, shape (z, y, x)
        What was segmented, by ``"cord"``, ``"gm"``, ``"canal"``; grey matter is not drawn in this plane.
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
    outlines = {
        name: ndimage.map_coordinates(mask.astype(np.float32), where, order=1, mode="nearest")
        for name, mask in masks.items()
        if name != "gm"
    }
    dz, dy = grid.spacing[:2]
    centre = float(np.median(_cord_voxels(grid, centerline)[:, 0]) * dy)
    front, back = min(centre + SAGITTAL_MARGIN_MM, grid.shape[1] * dy), max(centre - SAGITTAL_MARGIN_MM, 0.0)
    tall = np.clip(SAGITTAL_WIDTH_IN * grid.shape[0] * dz / (front - back), 2.0, MAX_SAGITTAL_HEIGHT_IN)
    figure = Figure(figsize=(SAGITTAL_WIDTH_IN, float(tall)), layout="constrained")
    axes = figure.subplots()
    _show(axes, plane, outlines, (0, grid.shape[1] * dy, 0, grid.shape[0] * dz), dy, dz)
    _mark_discs(axes, discs, grid)
    axes.set_xlim(front, back)
    letters(axes, left="A", right="P", top="S", bottom="I")
    return png(figure)


def axial_figure(
    image: NDArray,
    masks: Mapping[str, NDArray],
    grid: Grid,
    slice_levels: NDArray[np.int_],
    area_mm2: NDArray[np.float64],
) -> bytes:
    """Draw one axial detail for each level: its middle slice, with the outlines of what was segmented.

    Parameters
    ----------
    image : array, shape (z, y, x)
        Values in work order.
    masks : mapping of str to array, shape (z, y, x)
        What was segmented, by ``"cord"``, ``"gm"``, ``"canal"``.
    grid : Grid
        Their grid.
    slice_levels : array of int, shape (z,)
        Level of each slice, 0 = none.
    area_mm2 : array, shape (z,)
        Corrected area of the cord in each slice, NaN where there is none.

    Returns
    -------
    bytes
        A PNG file.
    """
    slices = middle_slices(masks["cord"], slice_levels)
    columns = max(1, min(4, len(slices)))
    rows = max(1, -(-len(slices) // columns))
    figure = Figure(figsize=(1.55 * columns, 1.75 * rows), layout="constrained")
    grid_of_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (level, index) in zip(grid_of_axes, slices, strict=False):
        _axial_detail(axes, image[index], {name: mask[index] for name, mask in masks.items()}, grid)
        area = f", {area_mm2[index]:.1f} mm²" if np.isfinite(area_mm2[index]) else ""
        axes.set_title(f"{level_name(level) if level else f'slice {index}'}{area}", fontsize=8)
    for axes in grid_of_axes[len(slices) :]:
        axes.set_visible(False)
    return png(figure)


def profile_figure(
    distance_mm: NDArray[np.float64],
    areas_mm2: Mapping[str, NDArray[np.float64]],
    slice_levels: NDArray[np.int_],
    half_width_mm2: NDArray[np.float64] | None = None,
) -> bytes:
    """Draw areas along the cord, superior on the left, with the levels shaded in turn.

    Parameters
    ----------
    distance_mm : array, shape (n,)
        Place of each slice of the cord along it, mm from the most inferior one.
    areas_mm2 : mapping of str to array, shape (n,)
        Corrected area of ``"cord"``, ``"wm"`` and ``"gm"`` in these slices, NaN where there is none.
    slice_levels : array of int, shape (n,)
        Level of each slice, 0 = none.
    half_width_mm2 : array, shape (n,), optional
        Half the width of the 95 % interval of the cord's area, NaN where there is none.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    axes = figure.subplots()
    # Beyond the named levels lies the brainstem, whose size would flatten the curve.
    shown = slice_levels > 0 if slice_levels.any() else np.ones(len(slice_levels), dtype=bool)
    distance_mm, slice_levels = distance_mm[shown], slice_levels[shown]
    top = float(np.nanmax(areas_mm2["cord"][shown])) * 1.18
    if half_width_mm2 is not None:
        area, half = areas_mm2["cord"][shown], half_width_mm2[shown]
        top = max(top, float(np.nanmax(area + np.nan_to_num(half))) * 1.12)
        axes.fill_between(distance_mm, area - half, area + half, color=CURVES["cord"][0], alpha=0.22, linewidth=0)
    for level in np.unique(slice_levels[slice_levels > 0]):
        along = distance_mm[slice_levels == level]
        if level % 2:
            axes.axvspan(along.min(), along.max(), color="0.5", alpha=0.14, linewidth=0)
        axes.text(along.mean(), top * 0.97, level_name(int(level)), ha="center", va="top", fontsize=8)
    for name, area_mm2 in areas_mm2.items():
        _curve(axes, distance_mm, area_mm2[shown], name, named=len(areas_mm2) > 1)
    axes.set(xlabel="distance along the cord (mm)", ylabel="area (mm²)", ylim=(0, top))
    axes.invert_xaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def _curve(
    axes: Axes, distance_mm: NDArray[np.float64], area_mm2: NDArray[np.float64], name: str, *, named: bool
) -> None:
    """Draw one area along the cord and, beside others, write its name at its inferior end."""
    colour, stroke = CURVES[name]
    axes.plot(distance_mm, area_mm2, color=colour, linestyle=stroke, linewidth=1.6, marker="o", markersize=2.5)
    known = np.flatnonzero(np.isfinite(area_mm2))
    if named and len(known):
        end = (distance_mm[known[0]], area_mm2[known[0]])
        axes.annotate(
            STRUCTURE_TITLES[name], end, xytext=(6, 0), textcoords="offset points", va="center", fontsize=8,
            color=colour, annotation_clip=False,
        )  # fmt: skip


def _cord_voxels(grid: Grid, centerline: Centerline) -> NDArray[np.float64]:
    """Return (y, x) voxel positions of the cord's centre in each axial slice; its ends go on straight."""
    voxels = grid.mm_to_voxel(centerline.points_mm)
    order = np.argsort(voxels[:, 0])
    slices = np.arange(grid.shape[0])
    return np.stack([np.interp(slices, voxels[order, 0], voxels[order, axis]) for axis in (1, 2)], axis=1)


def _show(
    axes: Axes,
    plane: NDArray,
    outlines: Mapping[str, NDArray],
    extent: tuple[float, float, float, float],
    dx: float,
    dy: float,
) -> None:
    low, high = np.percentile(plane, AUTO_PERCENTILES)
    axes.imshow(plane, cmap="gray", origin="lower", extent=extent, vmin=low, vmax=max(high, low + 1e-6), aspect="equal")
    horizontal, vertical = (np.arange(plane.shape[1]) + 0.5) * dx, (np.arange(plane.shape[0]) + 0.5) * dy
    for name, outline in outlines.items():
        if min(outline.shape) > 1 and outline.max() > 0.5 > outline.min():  # no line fits into a single row
            colour, stroke = OUTLINES[name]
            axes.contour(horizontal, vertical, outline, levels=[0.5], colors=colour, linewidths=1.1, linestyles=stroke)
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


def _axial_detail(axes: Axes, image: NDArray, masks: Mapping[str, NDArray], grid: Grid) -> None:
    dy, dx = grid.spacing[1:]
    extent = (0, grid.shape[2] * dx, 0, grid.shape[1] * dy)
    y, x = ndimage.center_of_mass(masks["cord"])
    centre = ((x + 0.5) * dx, (y + 0.5) * dy)
    near = [slice(max(0, int((c - AXIAL_HALF_WIDTH_MM) / d)), int((c + AXIAL_HALF_WIDTH_MM) / d) + 1)
            for c, d in zip(centre[::-1], (dy, dx), strict=True)]  # fmt: skip
    low, high = np.percentile(image[tuple(near)], AUTO_PERCENTILES)
    _show(axes, np.clip(image, low, high), masks, extent, dx, dy)
    axes.set_xlim(centre[0] + AXIAL_HALF_WIDTH_MM, centre[0] - AXIAL_HALF_WIDTH_MM)
    axes.set_ylim(centre[1] - AXIAL_HALF_WIDTH_MM, centre[1] + AXIAL_HALF_WIDTH_MM)
    letters(axes, left="R", right="L", top="", bottom="")

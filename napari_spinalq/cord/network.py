"""The learned cord: where it lies in each slice, and the share of each voxel that is cord, grey matter and canal.

Two small networks, trained on synthetic images alone (``training/MODEL_CARD.md``). The locator looks at whole slices on
a coarse grid; the most continuous path through its heat maps is the cord. The fine model looks at 40 mm around that
path. Its outputs are volume fractions: their sum over voxels is the area, and their level 0.5 is the physical edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array

from napari_spinalq.cord.path import Mark, best_path, mark_at, places_in
from napari_spinalq.cord.runtime import run, standardised
from napari_spinalq.cord.sampling_weights import coarse_weights, linear_weights, resampled
from napari_spinalq.cord.stack import slab_means
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES, Grid, reorient_array
from napari_spinalq.progress import Progress, silent

LOCATOR_STEP_MM = 1.5
"""Pixel of the locator's grid, mm."""

SLAB_MM = 3.0
"""Thin slices are averaged to about this thickness before the locator sees them, mm."""

SIDE_MULTIPLE = 8
"""The networks halve their pictures three times."""

MIN_SIDE = 128
"""A small field of view lies in the middle of a picture of this many pixels, filled with its mean, as in training."""

HEAT_REACH_MM = 4.5
"""Heat this near to the path's place refines it below a pixel, mm."""

PATCH_STEP_MM, PATCH_SIZE = 0.5, 80
"""Pixel and width of the fine model's picture."""

RECENTRE_MM, MIN_CORD_MM2 = 2.5, 10.0
"""A slice whose cord (of at least this area) lies farther from the middle of its patch is looked at again."""

CORE_MM = 2.5
"""Side of the square that must be all cord, mm: it fits into the conus some millimetres above its tip."""


class Location(NamedTuple):
    """Where the cord lies in each axial slice, from inferior to superior.

    Attributes
    ----------
    path_mm : (n_slices, 2) array
        Anterior and right position of the cord's centre, mm from the centre of the first pixel in work order.
    presence : (n_slices,) array
        Heat of the locator on the path, 0..1: how much the place looks like cord.
    """

    path_mm: NDArray[np.float64]
    presence: NDArray[np.float64]


class Heat(NamedTuple):
    """What the locator sees.

    Attributes
    ----------
    maps : (n_slabs, n_y, n_x) array of float32
        How much each place looks like cord, 0..1, on ``LOCATOR_STEP_MM`` pixels.
    slab_mm, slice_mm : (n_slabs,), (n_slices,) arrays
        Height of each slab and of each slice of the scan above the first voxel, mm.
    thickness_mm : float
        Distance between slices, mm.
    """

    maps: NDArray[np.float32]
    slab_mm: NDArray[np.float64]
    slice_mm: NDArray[np.float64]
    thickness_mm: float

    def along_slabs(self, location: Location) -> NDArray[np.float64]:
        """Return the path of a location in the slabs, (n_slabs, 2), mm."""
        return np.stack([np.interp(self.slab_mm, self.slice_mm, part) for part in location.path_mm.T], axis=1)


class SoftMaps(NamedTuple):
    """Fractions of voxels, on the grid and in the axis order of the scan.

    Attributes
    ----------
    cord, gm, canal : arrays of float32, shape ``grid.shape``
        Share of each voxel that is cord, grey matter, and inside the outer wall of the fluid (cord included): the mean
        over the picture and its mirror image.
    area_spread_mm2 : (n_slices, 3) array
        Half the difference of each area between picture and mirror image, mm2, slices from inferior to superior.
    core : (n_slices,) array
        Largest share of cord in any ``CORE_MM`` square of the slice, 0..1: near 1 where the model is sure of a cord,
        low in brain, cauda equina and empty canals; 0 in slices not looked at.
    """

    cord: NDArray[np.float32]
    gm: NDArray[np.float32]
    canal: NDArray[np.float32]
    area_spread_mm2: NDArray[np.float64]
    core: NDArray[np.float64]


def locate(
    values: NDArray, grid: Grid, *, at: tuple[float, float, float] | None = None, progress: Progress = silent
) -> Location:
    """Find the cord in every axial slice.

    Parameters
    ----------
    values : array, shape ``grid.shape``
        A scan of any contrast, in any axis order.
    grid : Grid
        Its grid.
    at : tuple of 3 float, optional
        A point on the cord, RAS mm, which the path must pass.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    Location

    Raises
    ------
    InputError
        If the scan is not 3-D or the point lies outside.
    """
    marks = () if at is None else (mark_at(at, grid.reoriented(WORK_AXES)),)
    return follow(heat_of(values, grid, progress), marks)


def heat_of(values: NDArray, grid: Grid, progress: Progress = silent) -> Heat:
    """Run the locator on a scan: the costly part of :func:`locate`, which no mark changes."""
    work, work_grid = _in_work_order(values, grid)
    slabs, slab_mm = slab_means(work, work_grid.spacing[0], SLAB_MM)
    progress(0.1, "looking for the cord in whole slices")
    heat = _heat(slabs, work_grid.spacing)
    progress(0.9, "following the cord through the slices")
    slice_mm = np.arange(work_grid.shape[0], dtype=np.float64) * work_grid.spacing[0]
    return Heat(heat, slab_mm, slice_mm, work_grid.spacing[0])


def follow(heat: Heat, marks: Sequence[Mark] = (), barred: Sequence[Mark] = ()) -> Location:
    """Find the most continuous path through the locator's heat, past all marks and not near what is barred."""
    slab_mm, slice_mm = heat.slab_mm, heat.slice_mm
    distance = float(np.median(np.diff(slab_mm))) if len(slab_mm) > 1 else heat.thickness_mm
    spacing = distance, LOCATOR_STEP_MM, LOCATOR_STEP_MM
    path = best_path(heat.maps, spacing, places_in(slab_mm, marks), barred=places_in(slab_mm, barred))
    places = np.stack([_refined(slab, place[:2]) for slab, place in zip(heat.maps, path, strict=True)])
    columns = [np.interp(slice_mm, slab_mm, column) for column in (places[:, 0], places[:, 1], path[:, 2])]
    return Location(np.column_stack(columns[:2]), columns[2])


def soft_maps(
    values: NDArray,
    grid: Grid,
    path_mm: NDArray[np.float64],
    *,
    slices: NDArray[np.bool_] | None = None,
    progress: Progress = silent,
) -> SoftMaps:
    """Return which share of each voxel is cord, grey matter and canal.

    Parameters
    ----------
    values : array, shape ``grid.shape``
        A scan of any contrast, in any axis order.
    grid : Grid
        Its grid.
    path_mm : (n_slices, 2) array
        From :func:`locate`, or any other centre within 4 mm of the cord's.
    slices : (n_slices,) array of bool, optional
        Slices to look at (all by default); the others stay empty.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    SoftMaps

    Raises
    ------
    InputError
        If the scan is not 3-D or the path does not fit its slices.
    """
    work, work_grid = _in_work_order(values, grid)
    if np.shape(path_mm) != (work_grid.shape[0], 2):
        raise InputError(
            f"The path has shape {np.shape(path_mm)}; give 2 values for each of {work_grid.shape[0]} slices."
        )
    chosen = np.arange(len(work)) if slices is None else np.flatnonzero(slices)
    maps = np.zeros((3, *work_grid.shape), np.float32)
    spread, core = np.zeros((len(work), 3)), np.zeros(len(work))
    if len(chosen):
        centres = _centre_pixels(path_mm[chosen], work_grid)
        plain, centres = _recentred(work, chosen, centres, work_grid)
        progress(0.5, "looking at the mirror image")
        mirrored = run("fine", _patches(work, chosen, centres, work_grid)[:, :, ::-1].copy())[..., ::-1]
        spread[chosen] = 0.5 * PATCH_STEP_MM**2 * np.abs((plain - mirrored).sum(axis=(2, 3)))
        mean = 0.5 * (plain + mirrored)
        side = round(CORE_MM / PATCH_STEP_MM)
        core[chosen] = ndimage.uniform_filter(mean[:, 0], (0, side, side)).max(axis=(1, 2))
        _write_back(maps, mean, chosen, centres, work_grid)
    progress(1.0, "fractions of voxels found")
    cord, gm, canal = (reorient_array(part, work_grid, grid.axis_codes)[0] for part in maps)
    return SoftMaps(cord, gm, canal, spread, core)


def _in_work_order(values: NDArray, grid: Grid) -> tuple[NDArray[np.float32], Grid]:
    if np.shape(values) != tuple(grid.shape):
        raise InputError(f"The scan has shape {np.shape(values)} but its grid {grid.shape}; give one 3-D volume.")
    work, work_grid = reorient_array(np.asarray(values), grid, WORK_AXES)
    return np.nan_to_num(np.asarray(work, dtype=np.float32), copy=False, posinf=0.0, neginf=0.0), work_grid


def _heat(slabs: NDArray[np.float32], spacing: tuple[float, float, float]) -> NDArray[np.float32]:
    """Run the locator; return its heat on ``LOCATOR_STEP_MM`` pixels."""
    rows = coarse_weights(slabs.shape[1], spacing[1], LOCATOR_STEP_MM)
    columns = coarse_weights(slabs.shape[2], spacing[2], LOCATOR_STEP_MM)
    images = np.stack([resampled(slab, rows, columns) for slab in slabs])
    sides = [max(MIN_SIDE, n + -n % SIDE_MULTIPLE) for n in images.shape[1:]]
    canvas = np.empty((len(images), *sides), np.float32)
    canvas[...] = images.mean(axis=(1, 2), keepdims=True)
    height, width = images.shape[1:]
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    canvas[:, top : top + height, left : left + width] = images
    heat = run("locator", standardised(canvas))
    return np.ascontiguousarray(heat[:, 0, top : top + height, left : left + width])


def _refined(heat: NDArray[np.float32], place_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centre of the heat near a place, y and x in mm."""
    y, x = (np.arange(n) * LOCATOR_STEP_MM for n in heat.shape)
    near = np.hypot(y[:, None] - place_mm[0], x[None, :] - place_mm[1]) <= HEAT_REACH_MM
    weight = np.where(near, heat, 0.0).astype(float) + 1e-9 * near
    return np.array([(weight.sum(axis=1) * y).sum(), (weight.sum(axis=0) * x).sum()]) / weight.sum()


def _centre_pixels(places_mm: NDArray[np.float64], grid: Grid) -> NDArray[np.int_]:
    """Return the nearest pixel: a patch centred on one reads pixels of its own step without interpolation."""
    pixels = np.round(places_mm / np.asarray(grid.spacing[1:])).astype(int)
    return np.clip(pixels, 0, np.asarray(grid.shape[1:]) - 1)


def _patch_axis(centre: int, spacing_mm: float, count: int) -> csr_array:
    offsets = (np.arange(PATCH_SIZE) - PATCH_SIZE // 2) * (PATCH_STEP_MM / spacing_mm)
    return linear_weights(centre + offsets, count)


def _patches(
    work: NDArray[np.float32], slices: NDArray[np.int_], centres: NDArray[np.int_], grid: Grid
) -> NDArray[np.float32]:
    """Cut standardised patches, (n, PATCH_SIZE, PATCH_SIZE)."""
    patches = np.empty((len(slices), PATCH_SIZE, PATCH_SIZE), np.float32)
    for index, (number, (row, column)) in enumerate(zip(slices, centres, strict=True)):
        rows = _patch_axis(row, grid.spacing[1], grid.shape[1])
        columns = _patch_axis(column, grid.spacing[2], grid.shape[2])
        patches[index] = resampled(work[number], rows, columns)
    return standardised(patches)


def _recentred(
    work: NDArray[np.float32], slices: NDArray[np.int_], centres: NDArray[np.int_], grid: Grid
) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Run the fine model, and again on slices whose cord lies off the middle of the patch."""
    found = run("fine", _patches(work, slices, centres, grid))
    mass = found[:, 0].sum(axis=(1, 2)) + 1e-9
    line = (np.arange(PATCH_SIZE) - PATCH_SIZE // 2) * PATCH_STEP_MM
    off = np.stack([found[:, 0].sum(axis=2) @ line, found[:, 0].sum(axis=1) @ line], axis=1) / mass[:, None]
    again = (np.hypot(*off.T) > RECENTRE_MM) & (mass * PATCH_STEP_MM**2 > MIN_CORD_MM2)
    if again.any():
        places = centres[again] * np.asarray(grid.spacing[1:]) + off[again]
        centres = centres.copy()
        centres[again] = _centre_pixels(places, grid)
        found[again] = run("fine", _patches(work, slices[again], centres[again], grid))
    return found, centres


def _write_back(
    maps: NDArray[np.float32],
    found: NDArray[np.float32],
    slices: NDArray[np.int_],
    centres: NDArray[np.int_],
    grid: Grid,
) -> None:
    """Read patches at the pixels of the scan and write them into the volumes."""
    for index, number in enumerate(slices):
        weights, windows = [], []
        for axis in (0, 1):
            spacing, count = grid.spacing[1 + axis], grid.shape[1 + axis]
            reach = (PATCH_SIZE // 2 - 1) * PATCH_STEP_MM / spacing
            first = max(0, int(np.ceil(centres[index, axis] - reach)))
            last = min(count - 1, int(centres[index, axis] + reach))
            at = PATCH_SIZE // 2 + (np.arange(first, last + 1) - centres[index, axis]) * spacing / PATCH_STEP_MM
            weights.append(linear_weights(at, PATCH_SIZE))
            windows.append(slice(first, last + 1))
        for part, fraction in zip(maps, found[index], strict=True):
            part[number, windows[0], windows[1]] = resampled(fraction, weights[0], weights[1])

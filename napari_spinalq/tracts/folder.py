"""An atlas in a folder: the PAM50 template's, or one that was warped to a scan before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order, work_view
from napari_spinalq.io.nifti import check_same_grid, load_grid, load_levels, load_mask, load_scan
from napari_spinalq.progress import Progress, silent
from napari_spinalq.tracts.atlas import Atlas, map_points
from napari_spinalq.tracts.frame import CordFrame, cord_frame
from napari_spinalq.tracts.info import AtlasInfo, read_info
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.places import centroid, placed_tracts

LEVELS_FILE, CORD_FILE = "PAM50_levels.nii.gz", "PAM50_cord.nii.gz"
TEMPLATE_FOLDER = "template"
"""Beside the atlas folder lies the one with the cord and the vertebral levels of the template."""

SLICES_PER_LEVEL = 8
"""So many even slices of each level are averaged: a vertebra of the template has 26 to 66, and they change slowly."""

LEAST_HELD = 0.05
"""Where the parts hold less than this of a pixel, it lies outside of the cord that was drawn."""

VALUE_TOLERANCE = 0.05
"""Interpolation may take a share this far beyond 0 and 1; farther away it is no share."""


def read_atlas(folder: str | Path, *, progress: Progress = silent) -> Atlas:
    """Read the PAM50 atlas, or one in the same layout, into normalised cord coordinates.

    Parameters
    ----------
    folder : str or Path
        Holds ``info_label.txt`` and the files that it names. The levels are read from
        ``../template/PAM50_levels.nii.gz``, the cord from ``PAM50_cord.nii.gz`` there; without the latter the cord is
        where the parts add up to a half.
    progress : Progress
        Told where the work stands; may stop it.

    Returns
    -------
    Atlas
        One map a part and level: the mean over slices of the level, each brought to its own outline.

    Raises
    ------
    InputError
        If the info file, a file that it names or the levels are missing, or files lie on different grids.
    """
    folder = Path(folder)
    info = read_info(folder)
    grid = load_grid(folder / next(iter(info.files.values())))
    levels, _ = to_work_order(_levels(folder, grid), grid)
    cord, work = to_work_order(_cord(folder, info, grid), grid)
    frame = cord_frame(cord, work.spacing)
    rows = _rows_by_level(frame, levels)
    if not rows:
        raise InputError(f"The levels beside {folder} and its cord share no slice; take both from one template.")
    chosen = [row for several in rows.values() for row in several]
    box = _box_around(cord)
    planes = np.zeros((len(info.tracts) - 1, len(chosen), *cord[0][box].shape), np.float32)
    for column, tract in enumerate(info.tracts[:-1]):
        progress(column / len(planes), f"reading the atlas: {tract.title}")
        part = _part(folder, info.files[tract.key], grid)
        planes[column] = work_view(part, grid)[(frame.slices[chosen], *box)]
    sampled = {row: _sampled(planes[:, at], frame, row, box, work) for at, row in enumerate(chosen)}
    means = {level: _mean([sampled[row] for row in several]) for level, several in rows.items()}
    maps = {level: mean for level, mean in means.items() if mean is not None}
    progress(1.0, "atlas read")
    finished = np.stack(list(maps.values()))
    x, y = map_points()
    tracts, flags = placed_tracts(info.tracts, [centroid(part, x, y) for part in finished.mean(axis=0)], str(folder))
    return Atlas(folder.name, tracts, info.groups, tuple(maps), finished, flags)


def read_warped_atlas(folder: str | Path, grid: Grid) -> TractMaps:
    """Read an atlas that already lies on the grid of a scan.

    Parameters
    ----------
    folder : str or Path
        Holds ``info_label.txt`` and the files that it names.
    grid : Grid
        Of the scan.

    Raises
    ------
    InputError
        If the info file or a file that it names is missing or damaged, holds no shares, or all parts together hold
        more than a voxel.
    GridMismatchError
        If a file lies on another grid than the scan.
    """
    folder = Path(folder)
    info = read_info(folder)
    fractions = np.zeros((len(info.tracts), *grid.shape), np.float32)
    for share, tract in zip(fractions, info.tracts, strict=True):
        if tract.key in info.files:
            share[...] = _part(folder, info.files[tract.key], grid)
    total = fractions.sum(axis=0)
    if total.max() > 1 + VALUE_TOLERANCE:
        raise InputError(f"The parts in {folder} add up to {total.max():.2f} in a voxel; shares add up to 1 at most.")
    fractions /= np.maximum(total, 1.0)
    tracts, flags = placed_tracts(info.tracts, [_centroid_on(share, grid) for share in fractions], str(folder))
    return TractMaps(tracts, info.groups, fractions, folder.name, flags)


def _centroid_on(share: NDArray[np.float32], grid: Grid) -> tuple[float, float]:
    """Return the mean place of a part in the slices of a scan, pixels to the right and to anterior."""
    plane = work_view(share, grid).sum(axis=0)
    return centroid(plane, *np.indices(plane.shape)[::-1])


def _part(folder: Path, file: str, grid: Grid) -> NDArray[np.float32]:
    """Read the shares of one part.

    Raises
    ------
    InputError, GridMismatchError
        As :func:`read_warped_atlas`.
    """
    path = folder / file
    scan = load_scan(path)
    if scan.volumes != 1:
        raise InputError(f"{path} holds {scan.volumes} volumes; a part of an atlas is one 3-D image.")
    check_same_grid(scan.grid, grid, str(path))
    values = np.asarray(scan.data, dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    if low < -VALUE_TOLERANCE or high > 1 + VALUE_TOLERANCE:
        raise InputError(f"{path} holds values from {low:.4g} to {high:.4g}; a part of an atlas holds shares, 0 to 1.")
    return values if low >= 0 and high <= 1 else np.clip(values, 0.0, 1.0)


def _levels(folder: Path, grid: Grid) -> NDArray:
    path = folder.resolve().parent / TEMPLATE_FOLDER / LEVELS_FILE
    if not path.is_file():
        raise InputError(
            f"The atlas in {folder} needs the vertebral levels of its template, {TEMPLATE_FOLDER}/{LEVELS_FILE} beside "
            "it; copy that folder too."
        )
    return load_levels(path, grid).data


def _cord(folder: Path, info: AtlasInfo, grid: Grid) -> NDArray[np.float32]:
    path = folder.resolve().parent / TEMPLATE_FOLDER / CORD_FILE
    if path.is_file():
        return np.asarray(load_mask(path, grid).data, dtype=np.float32)
    total = np.zeros(grid.shape, np.float32)
    for tract in info.tracts[:-1]:
        total += _part(folder, info.files[tract.key], grid)
    return np.clip(total, 0.0, 1.0)


def _rows_by_level(frame: CordFrame, levels: NDArray) -> dict[int, list[int]]:
    """Return even rows of the frame for each level, at most ``SLICES_PER_LEVEL`` of them."""
    own = np.zeros(len(frame.slices), dtype=int)
    for row, index in enumerate(frame.slices):
        held = levels[index][levels[index] > 0].astype(int)
        own[row] = np.bincount(held).argmax() if held.size else 0
    rows = {}
    for level in np.unique(own[own > 0]):
        at = np.flatnonzero(own == level)
        even = np.unique(np.linspace(0, len(at) - 1, SLICES_PER_LEVEL).round().astype(int))
        rows[int(level)] = at[even].tolist()
    return rows


def _box_around(cord: NDArray[np.float32]) -> tuple[slice, slice]:
    """Return the rows and columns that hold the cord in any slice, and a margin of one pixel."""
    spans = [np.flatnonzero(cord.any(axis=axes)) for axes in ((0, 2), (0, 1))]
    first, second = (slice(max(0, int(span[0]) - 1), int(span[-1]) + 2) for span in spans)
    return first, second


def _sampled(
    planes: NDArray[np.float32], frame: CordFrame, row: int, box: tuple[slice, slice], work: Grid
) -> NDArray[np.float32] | None:
    """Return the parts of a slice at the samples of a map, adding up to 1; None where the slice holds none.

    Beyond the edge a pixel takes the shares of the nearest that the parts fill, before anything is interpolated: a
    tract at the rim would else lose ground to those within.
    """
    total = planes.sum(axis=0)
    if total.max() < LEAST_HELD:
        return None
    i, j = ndimage.distance_transform_edt(total < LEAST_HELD, return_distances=False, return_indices=True)
    filled = (planes / np.maximum(total, LEAST_HELD))[:, i, j]
    x_mm, y_mm = frame.places_mm(row, *map_points())
    places = [y_mm / work.spacing[1] - box[0].start, x_mm / work.spacing[2] - box[1].start]
    return np.stack([ndimage.map_coordinates(part, places, order=1, mode="nearest") for part in filled])


def _mean(slices: list[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    held = [one for one in slices if one is not None]
    return np.mean(held, axis=0) if held else None

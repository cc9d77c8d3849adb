"""An atlas in a folder: the PAM50 template's, or one that was warped to a scan before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, to_work_order, work_view
from napari_spinalq.io.nifti import check_same_grid, load_grid, load_levels, load_mask, load_scan
from napari_spinalq.progress import Progress, silent
from napari_spinalq.tracts.atlas import MAP_AXIS, Atlas, map_points
from napari_spinalq.tracts.frame import CordFrame, cord_frame
from napari_spinalq.tracts.info import AtlasInfo, read_info
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.places import centroid, placed_tracts

LEVELS_FILE, CORD_FILE = "PAM50_levels.nii.gz", "PAM50_cord.nii.gz"
TEMPLATE_FOLDER = "template"
"""Beside the atlas folder lies the one with the cord and the vertebral levels of the template."""

SLICES_PER_LEVEL = 8
"""So many even slices of each level are averaged: a vertebra of the template has 26 to 66, and they change slowly."""

LEAST_HELD = 0.2
"""Where the parts hold less than this of a place, it lies outside of what was drawn and takes its neighbour's share."""

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
    places = _places(frame, levels, work)
    if not places:
        raise InputError(f"The levels beside {folder} and its cord share no slice; take both from one template.")
    maps = np.zeros((len(places), len(info.tracts) - 1, len(MAP_AXIS), len(MAP_AXIS)), np.float32)
    for column, tract in enumerate(info.tracts[:-1]):
        progress(column / maps.shape[1], f"reading the atlas: {tract.title}")
        part, _ = to_work_order(_part(folder, info.files[tract.key], grid), grid)
        for row, place in enumerate(places.values()):
            maps[row, column] = place.mean_of(part)
    known = [row for row in range(len(places)) if maps[row].any()]
    progress(1.0, "atlas read")
    finished = np.stack([_complete(maps[row]) for row in known])
    x, y = map_points()
    mean = finished.mean(axis=0)
    tracts, flags = placed_tracts(info.tracts, [centroid(part, x, y) for part in mean], str(folder))
    return Atlas(folder.name, tracts, info.groups, tuple(np.array(list(places))[known].tolist()), finished, flags)


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
    return np.clip(values, 0.0, 1.0)


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


@dataclass(frozen=True, eq=False)
class _Place:
    """Where the samples of a map lie in some slices of a template.

    Attributes
    ----------
    voxels : (3, n_slices, n, n) array
        Voxel coordinates in work order.
    """

    voxels: NDArray[np.float32]

    def mean_of(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean of a part over the slices, shape (n, n)."""
        return np.asarray(ndimage.map_coordinates(part, self.voxels, order=1, mode="nearest").mean(axis=0))


def _places(frame: CordFrame, levels: NDArray, work: Grid) -> dict[int, _Place]:
    """Return where the samples of a map lie, by level."""
    by_slice = {}
    for row, index in enumerate(frame.slices):
        held = levels[index][levels[index] > 0]
        if held.size:
            by_slice[row] = int(np.bincount(held.astype(int)).argmax())
    places = {}
    for level in sorted(set(by_slice.values())):
        rows = [row for row, own in by_slice.items() if own == level]
        chosen = np.array(rows)[np.unique(np.linspace(0, len(rows) - 1, SLICES_PER_LEVEL).round().astype(int))]
        places[level] = _Place(np.stack([_voxels(frame, int(row), work) for row in chosen], axis=1))
    return places


def _voxels(frame: CordFrame, row: int, work: Grid) -> NDArray[np.float32]:
    x_mm, y_mm = frame.places_mm(row, *map_points())
    height = np.full_like(x_mm, frame.slices[row])
    return np.stack([height, y_mm / work.spacing[1], x_mm / work.spacing[2]]).astype(np.float32)


def _complete(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make the parts add up to 1 everywhere; a place that none holds takes the shares of the nearest that they do."""
    total = maps.sum(axis=0)
    nearest = ndimage.distance_transform_edt(total < LEAST_HELD, return_distances=False, return_indices=True)
    return np.asarray((maps / np.maximum(total, LEAST_HELD))[:, nearest[0], nearest[1]])

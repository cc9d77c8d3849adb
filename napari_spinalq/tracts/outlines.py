"""What the viewer draws and says of fitted tracts: outlines in an axial slice, and the tract under the pointer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

from napari_spinalq.geometry import WORK_AXES, Grid, work_view
from napari_spinalq.tracts.maps import TractMaps

LEAST_SHARE = 0.05
"""A voxel that holds less than this of every part of the cord belongs to none."""

FINER = 4
"""Shares are interpolated linearly to so many times more points before they are compared: a tract may lead between the
centres of voxels that it does not lead in."""

LEAST_VERTICES = 4
"""A contour with fewer vertices encloses nothing to be seen."""


def tract_at(maps: TractMaps, voxel: Sequence[int]) -> tuple[str, float] | None:
    """Return the part that holds most of a voxel, and its share.

    Parameters
    ----------
    maps : TractMaps
        Fitted atlas.
    voxel : three int
        Index into the scan, in the axis order of its file.

    Returns
    -------
    title, share
        None outside the grid, and where no part holds anything to speak of.

    Examples
    --------
    >>> from napari_spinalq.tracts.parts import CSF
    >>> tract_at(TractMaps((CSF,), (), np.full((1, 2, 2, 2), 0.75, np.float32), "builtin"), (0, 1, 0))
    ('CSF', 0.75)
    """
    place = tuple(int(index) for index in voxel)
    if any(not 0 <= index < size for index, size in zip(place, maps.fractions.shape[1:], strict=True)):
        return None
    i, j, k = place
    shares = maps.fractions[:, i, j, k]
    winner = int(shares.argmax())
    share = float(shares[winner])
    return (maps.tracts[winner].title, share) if share >= LEAST_SHARE else None


def tract_outlines(maps: TractMaps, key: str, z: int, grid: Grid) -> list[NDArray[np.float64]]:
    """Return the outline of a tract or group in an axial slice.

    A tract is drawn where it holds more than any other part, so outlines of two tracts never cross; a group where its
    members together hold more than all others. Between pixel centres the outline runs where both hold the same.

    Parameters
    ----------
    maps : TractMaps
        Fitted atlas.
    key : str
        A tract or a group.
    z : int
        Slice of the work order, from inferior.
    grid : Grid
        Grid of the scan.

    Returns
    -------
    list of (n, 3) arrays
        Closed polylines as voxels of the work order (z, y, x); empty where the tract is not in the slice.

    Raises
    ------
    KeyError
        If the atlas has no such part.
    """
    plane, corner = _finer_plane(maps, z, grid)
    return _rings(list(maps.index(key)), z, plane, corner)


def outlines_of(maps: TractMaps, keys: Iterable[str], grid: Grid) -> dict[str, list[NDArray[np.float64]]]:
    """Return the outlines of several tracts and groups in all axial slices, as :func:`tract_outlines` draws them.

    The shares of a slice are interpolated once for all of them: an atlas of 50 parts and groups takes a third of a
    second on a series of 15 slices.

    Parameters
    ----------
    maps : TractMaps
        Fitted atlas.
    keys : iterable of str
        Tracts and groups.
    grid : Grid
        Grid of the scan.

    Returns
    -------
    dict of str to list of (n, 3) arrays
        Only those that are drawn in some slice.

    Raises
    ------
    KeyError
        If the atlas has no such part.
    """
    rows = {key: list(maps.index(key)) for key in keys}
    found: dict[str, list[NDArray[np.float64]]] = {}
    for z in range(grid.reoriented(WORK_AXES).shape[0]):
        plane, corner = _finer_plane(maps, z, grid)
        for key, own in rows.items():
            found.setdefault(key, []).extend(_rings(own, z, plane, corner))
    return {key: rings for key, rings in found.items() if rings}


def _rings(rows: list[int], z: int, plane: NDArray[np.float32], corner: NDArray[np.int_]) -> list[NDArray[np.float64]]:
    """Return where the lead of some parts (rows of ``plane``) over all others ends, as voxels of the work order."""
    own = plane[rows].sum(axis=0)
    members = np.isin(np.arange(len(plane)), rows)
    is_group = len(rows) > 1
    others = plane[~members].sum(axis=0) if is_group else plane[~members].max(axis=0, initial=0.0)
    outside = np.clip(1.0 - plane.sum(axis=0), 0.0, 1.0)
    lead = own - (others + outside if is_group else np.maximum(others, outside))
    lead[own < LEAST_SHARE] = np.minimum(lead[own < LEAST_SHARE], -LEAST_SHARE)
    rings = find_contours(np.pad(lead, 1, constant_values=-1.0), 0.0)
    return [
        np.column_stack([np.full(len(ring), float(z)), (ring - 1.0) / FINER + corner])
        for ring in rings
        if len(ring) >= LEAST_VERTICES
    ]


def _finer_plane(maps: TractMaps, z: int, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Return the shares of a slice around what is held there, interpolated, and the pixel at which they begin."""
    plane = np.stack([work_view(one, grid)[z] for one in maps.fractions])
    held = np.argwhere(plane.any(axis=0))
    if not len(held):
        return np.zeros((len(plane), 1, 1), np.float32), np.zeros(2, int)
    first, last = held.min(axis=0), held.max(axis=0)
    places = np.meshgrid(
        *(np.arange(a, b + 1 / FINER, 1 / FINER) for a, b in zip(first, last, strict=True)), indexing="ij"
    )
    finer = [ndimage.map_coordinates(one, places, order=1, mode="grid-constant") for one in plane]
    return np.stack(finer), first

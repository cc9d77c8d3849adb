"""Outlines of tracts on axial slices, drawn finer than the voxels of the maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

from napari_spinalq.geometry import Grid, box_around, to_work_order
from napari_spinalq.tracts.maps import TractMaps

FINER = 4
"""Points drawn per voxel edge: diffusion voxels of 0.9 mm would show the corners of a tract of 2 mm, not its shape."""

MARGIN_VOXELS = (0, 2, 2)
"""Voxels (slices, rows, columns) around the atlas that are looked at: an outline may leave the last voxel by a part."""

LEAST_POINTS = 4
"""A closed line of fewer points encloses nothing that could be seen."""


@dataclass(frozen=True, eq=False)
class Outline:
    """One closed line.

    Attributes
    ----------
    structure : str
        Key of the tract or group.
    points : (n, 3) array of float64
        Work-order voxels (z, y, x); z is the same in all.
    """

    structure: str
    points: NDArray[np.float64]


def tract_outlines(tracts: TractMaps, grid: Grid, structures: Sequence[str]) -> tuple[Outline, ...]:
    """Return where each structure ends on each axial slice.

    A place belongs to the part of the atlas with the largest share there (what no part claims counts as one more), so
    that outlines of different tracts touch and never cross, and a tract thinner than a voxel is seen too. Shares are
    interpolated linearly between voxel centres.

    Parameters
    ----------
    tracts : TractMaps
        Fractions in the axis order of the file.
    grid : Grid
        Of that file.
    structures : sequence of str
        Keys of tracts and groups; one that the atlas lacks is passed over.
    """
    work = np.stack([to_work_order(share, grid)[0] for share in tracts.fractions])
    used = work.max(axis=0) > 0
    if not used.any():
        return ()
    box = box_around(used, MARGIN_VOXELS)
    rows = {key: tracts.index(key) for key in structures if _known(tracts, key)}
    begin = np.array([part.start for part in box], dtype=float)
    found: list[Outline] = []
    for number in range(box[0].stop - box[0].start):
        shares = _finer(work[(slice(None), *box)][:, number])
        corner = begin + np.array([number, 0, 0])
        found += [outline for key, own in rows.items() for outline in _around(key, own, shares, corner)]
    return tuple(found)


def by_structure(outlines: Sequence[Outline]) -> Mapping[str, list[NDArray[np.float64]]]:
    """Return the lines of each structure."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for outline in outlines:
        found.setdefault(outline.structure, []).append(outline.points)
    return found


def _known(tracts: TractMaps, key: str) -> bool:
    return key in {*(tract.key for tract in tracts.tracts), *(group.key for group in tracts.groups)}


def _finer(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the shares of all parts on a slice at finer places, with what no part claims as the last."""
    rest = np.clip(1.0 - shares.sum(axis=0, keepdims=True), 0.0, 1.0)
    coarse = np.concatenate([shares, rest])
    zoom = [1.0, *(((n - 1) * FINER + 1) / n for n in coarse.shape[1:])]
    return ndimage.zoom(coarse, zoom, order=1)  # corner voxels stay in place: a finer index is FINER voxel indices


def _around(key: str, own: Sequence[int], shares: NDArray[np.float32], corner: NDArray[np.float64]) -> list[Outline]:
    """Return the lines on a slice where the largest share passes from a structure to what surrounds it."""
    others = np.setdiff1d(np.arange(len(shares)), own)
    lead = shares[list(own)].max(axis=0) - shares[others].max(axis=0)
    lines = (line for line in find_contours(lead, 0.0) if len(line) >= LEAST_POINTS)
    return [Outline(key, np.column_stack([np.zeros(len(line)), line / FINER]) + corner) for line in lines]

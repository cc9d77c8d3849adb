"""Slices of a scan cut down to the cord, in millimetres from its centre and in coordinates normalised by its shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.butterfly_raster import PixelBlock
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.prepared import one_volume
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.scan import Scan

MIN_CORD_AREA_MM2 = 20.0
"""A smaller piece of cord in a slice (mm2) is the tip of a mask, not a cross-section."""

MAX_CORD_AREA_MM2 = 400.0
"""No cord is half as wide (mm2): such a mask holds the canal, or all of the scan."""

MIN_ELONGATION = 1.15
"""The turn of a cord is read from its long axis if that is this many times the short one; a rounder one counts as
unturned."""

RIM_MM, RIM_PIXELS = 0.5, 1.0
"""Voxels no deeper in the cord than this (the larger of both) hold CSF: the outermost row, and half a millimetre."""

MIN_INNER_VOXELS = 16
"""A slice with fewer voxels within its rim tells nothing about what is inside: eight terms are fitted to them."""

MAX_TURN_DEG = 30.0
"""Nobody lies more turned about the long axis of the body than this (degrees): a longer axis there is no turn."""


@dataclass(frozen=True, eq=False)
class CordSlice:
    """One slice of the cord.

    Attributes
    ----------
    index : int
        Slice of the work order.
    box : tuple of 2 slice
        Rows and columns of the block in the slice.
    centre_mm : (2,) array
        Centroid of the cord, y and x, mm from the first pixel.
    values, cover : (n_y, n_x) arrays
        Voxel values, and the share of each voxel in the cord.
    block : PixelBlock
        Pixels in mm from the centroid of the cord.
    moments_mm2 : (2, 2) array
        Second central moments of the cord, x and y.
    turn_rad : float
        Turn of the cord about its own axis, right towards anterior.
    """

    index: int
    box: tuple[slice, slice]
    centre_mm: NDArray[np.float64]
    values: NDArray[np.float64]
    cover: NDArray[np.float64]
    block: PixelBlock
    moments_mm2: NDArray[np.float64]
    turn_rad: float

    @cached_property
    def depth_mm(self) -> NDArray[np.float64]:
        """Distance of each voxel of the cord from the nearest voxel outside of it, mm; 0 outside."""
        inside = np.pad(self.cover >= 0.5, 1)
        return ndimage.distance_transform_edt(inside, sampling=self.block.pixel_mm)[1:-1, 1:-1]

    @property
    def rim_mm(self) -> float:
        """Depth up to which voxels hold CSF, mm."""
        return max(RIM_MM, RIM_PIXELS * max(self.block.pixel_mm))

    @cached_property
    def inner(self) -> NDArray[np.bool_]:
        """Voxels of the cord within its rim."""
        return self.depth_mm > self.rim_mm

    @property
    def readable(self) -> bool:
        """Whether enough voxels lie within the rim to tell tissues apart."""
        return int(self.inner.sum()) >= MIN_INNER_VOXELS

    @cached_property
    def to_mm(self) -> NDArray[np.float64]:
        """Matrix from normalised cord coordinates (x, y) to mm: turned half axes of the ellipse of equal moments."""
        cosine, sine = np.cos(self.turn_rad), np.sin(self.turn_rad)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        own = turn.T @ self.moments_mm2 @ turn
        return turn @ np.diag(2.0 * np.sqrt(np.diag(own)))

    @cached_property
    def normalised(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Normalised coordinates x, y of each pixel."""
        flat = np.stack([self.block.x_mm.ravel(), self.block.y_mm.ravel()])
        x, y = np.linalg.solve(self.to_mm, flat)
        return x.reshape(self.values.shape), y.reshape(self.values.shape)


def cord_slices(values: NDArray, cover: NDArray, spacing_mm: tuple[float, float, float]) -> list[CordSlice]:
    """Cut the slices that hold a cross-section of the cord.

    Parameters
    ----------
    values, cover : (n_slices, n_y, n_x) arrays
        Scan and cord (0..1) in work order.
    spacing_mm : tuple of 3 float
        Voxel sides, mm.

    Returns
    -------
    list of CordSlice
        From inferior to superior; the turn of each is the median of its own and its two neighbours'.
    """
    areas = cover.sum(axis=(1, 2)) * spacing_mm[1] * spacing_mm[2]
    chosen = np.flatnonzero((areas >= MIN_CORD_AREA_MM2) & (cover.max(axis=(1, 2)) >= 0.5))
    moments = [_moments(cover[index], spacing_mm) for index in chosen]
    turns = np.array([_turn(spread) for _, spread in moments])
    if len(turns) > 2:
        turns = ndimage.median_filter(turns, 3, mode="nearest")
    return [
        _cut(int(index), values[index], cover[index], spacing_mm, centre, spread, turn)
        for index, (centre, spread), turn in zip(chosen, moments, turns, strict=True)
    ]


def cord_of_scan(scan: Scan, cord_mask: NDArray) -> tuple[Scan, NDArray[np.float32], list[CordSlice]]:
    """Bring a scan and its cord to work order and cut the slices of the cord.

    Parameters
    ----------
    scan : Scan
        Any axis order; of a 4-D scan the mean of the middle half of its values is used.
    cord_mask : array, shape ``scan.grid.shape``
        The cord, binary or soft (0..1).

    Returns
    -------
    work, cover, slices : Scan, (n_slices, n_y, n_x) array, list of CordSlice
        The 3-D scan and its cord in work order, and the slices that hold a cross-section.

    Raises
    ------
    InputError
        If the mask has another shape, values outside 0..1, no cross-section of a cord, or one that no cord can have.
    """
    mask = np.asarray(cord_mask, dtype=np.float32)
    if mask.shape != scan.grid.shape:
        raise InputError(f"The cord mask has shape {mask.shape} but {scan.name} has {scan.grid.shape}; use its grid.")
    if not (mask.min() >= 0 and mask.max() <= 1):
        raise InputError(f"The cord mask of {scan.name} holds values outside 0 to 1; give the share of each voxel.")
    work = one_volume(scan).in_work_order()
    cover, _ = reorient_array(mask, scan.grid, work.grid.axis_codes)
    slices = cord_slices(work.data, cover, work.grid.spacing)
    if not slices:
        raise InputError(f"The cord mask of {scan.name} holds no cross-section of a cord; segment the cord first.")
    largest = max(slices, key=lambda piece: float(piece.cover.sum()))
    area = float(largest.cover.sum()) * work.grid.spacing[1] * work.grid.spacing[2]
    if area > MAX_CORD_AREA_MM2:
        raise InputError(
            f"The cord mask of {scan.name} covers {area:.0f} mm² in slice {largest.index}, more than any cord; mend it."
        )
    return work, cover, slices


def centres_mm(slices: list[CordSlice], grid: Grid) -> NDArray[np.float64]:
    """Return the centre of the cord in each slice, RAS mm, shape (n, 3); ``grid`` is that of the work order."""
    voxels = [(piece.index, *(piece.centre_mm / grid.spacing[1:])) for piece in slices]
    return grid.voxel_to_mm(np.array(voxels))


def arcs_mm(slices: list[CordSlice], centerline: Centerline, grid: Grid) -> NDArray[np.float64]:
    """Return the place of each slice's cord along the centerline, mm, shape (n,)."""
    return centerline.nearest_arc(centres_mm(slices, grid))


def _moments(cover: NDArray, spacing_mm: tuple[float, float, float]) -> tuple[NDArray, NDArray]:
    """Return centroid (y, x) and second central moments (x, y) of the cord in a slice, mm and mm2."""
    row, column = np.nonzero(cover)
    weight = cover[row, column].astype(float)
    points = np.stack([column * spacing_mm[2], row * spacing_mm[1]])
    centre = np.average(points, axis=1, weights=weight)
    return centre[::-1], np.cov(points, aweights=weight, ddof=0)


def _turn(moments_mm2: NDArray[np.float64]) -> float:
    values, vectors = np.linalg.eigh(moments_mm2)
    if values[1] < MIN_ELONGATION**2 * values[0]:
        return 0.0
    angle = (np.arctan2(vectors[1, 1], vectors[0, 1]) + np.pi / 2) % np.pi - np.pi / 2
    return float(angle) if abs(angle) <= np.radians(MAX_TURN_DEG) else 0.0


def _cut(
    index: int,
    values: NDArray,
    cover: NDArray,
    spacing_mm: tuple[float, float, float],
    centre_mm: NDArray[np.float64],
    moments_mm2: NDArray[np.float64],
    turn_rad: float,
) -> CordSlice:
    rows, columns = (np.flatnonzero(cover.any(axis=axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    y, x = np.meshgrid(
        np.arange(rows[0], rows[-1] + 1) * spacing_mm[1] - centre_mm[0],
        np.arange(columns[0], columns[-1] + 1) * spacing_mm[2] - centre_mm[1],
        indexing="ij",
    )
    block = PixelBlock(x, y, (spacing_mm[1], spacing_mm[2]))
    return CordSlice(
        index=index,
        box=box,
        centre_mm=centre_mm,
        values=values[box].astype(float),
        cover=cover[box].astype(float),
        block=block,
        moments_mm2=moments_mm2,
        turn_rad=float(turn_rad),
    )

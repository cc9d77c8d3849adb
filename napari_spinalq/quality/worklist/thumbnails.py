"""Small pictures by which a result is judged at a glance: axial details and a strip along the cord.

Arrays are in work order (z, y, x; indices grow to Superior, Anterior, Right). Pictures are uint8 RGB with rows from top
to bottom, in the radiological convention: anterior is up and the patient's right on the left of an axial detail;
superior is up and anterior on the left of the strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.errors import InputError
from napari_spinalq.reopen import INSIDE_FROM
from napari_spinalq.views.window import AUTO_PERCENTILES

AXIAL_SIDE_MM = 26.0
"""Side of an axial detail: the canal (up to about 25 mm across) with the cord in it."""

STRIP_MARGIN_MM = 8.0
"""How far the strip reaches beyond both ends of the mask: enough to see cord that was left out."""

OUTLINE_RGB = (230, 159, 0)
FLAGGED_RGB = (213, 94, 0)
"""Okabe-Ito orange for the outline and vermilion for the frame of a flagged slice; its number is marked as well."""

FRAME_PIXELS = 2


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Axial details side by side.

    Attributes
    ----------
    picture : array of uint8, shape (rows * tile_pixels, columns * tile_pixels, 3)
        From superior (first tile) to inferior.
    slices : tuple of int
        Slice of each tile, row by row.
    flagged : tuple of bool
        Whether the slice of a tile is doubtful; then it is framed.
    columns, tile_pixels : int
        Tiles in a row, and the side of one.
    """

    picture: NDArray[np.uint8]
    slices: tuple[int, ...]
    flagged: tuple[bool, ...]
    columns: int
    tile_pixels: int


def axial_mosaic(
    image: NDArray,
    mask: NDArray,
    spacing_mm: tuple[float, float, float],
    *,
    wanted: Sequence[int] = (),
    doubtful: Sequence[int] = (),
    columns: int = 4,
    rows: int = 3,
    tile_pixels: int = 96,
) -> Mosaic:
    """Draw every n-th axial slice of the cord, cropped to it, with the outline of the mask.

    Parameters
    ----------
    image, mask : array, shape (z, y, x)
        In work order; the mask 0..1.
    spacing_mm : tuple of 3 float
        Voxel size along z, y, x.
    wanted : sequence of int
        Slices to be shown in any case, the most important first; at most half the tiles are spent on them.
    doubtful : sequence of int
        Slices that are framed if they are shown.
    columns, rows, tile_pixels : int
        Layout.

    Raises
    ------
    InputError
        If the mask is empty.
    """
    slices = mosaic_slices(mask, columns * rows, wanted)
    centres = _centres(mask)
    offsets_mm = (np.arange(tile_pixels) - (tile_pixels - 1) / 2) * (AXIAL_SIDE_MM / tile_pixels)
    grey = np.zeros((rows * columns, tile_pixels, tile_pixels))
    inside = np.zeros_like(grey)
    for tile, index in enumerate(slices):
        y = centres[index, 0] - offsets_mm / spacing_mm[1]  # rows go down, to posterior
        x = centres[index, 1] - offsets_mm / spacing_mm[2]  # columns go to the patient's left
        where = np.stack(np.meshgrid(y, x, indexing="ij"))
        grey[tile] = ndimage.map_coordinates(np.asarray(image[index], np.float32), where, order=1, cval=np.nan)
        inside[tile] = ndimage.map_coordinates(np.asarray(mask[index], np.float32), where, order=1)
    flagged = tuple(index in set(doubtful) for index in slices)
    tiles = np.stack([_coloured(*pair) for pair in zip(_windowed(grey), inside, strict=True)])
    for place in np.flatnonzero(flagged):
        _frame(tiles[place])
    return Mosaic(_side_by_side(tiles, columns), slices, flagged, columns, tile_pixels)


def mosaic_slices(mask: NDArray, count: int, wanted: Sequence[int] = ()) -> tuple[int, ...]:
    """Choose slices of a mosaic: evenly along the mask, and those that are wanted, from superior to inferior.

    Parameters
    ----------
    mask : array, shape (z, y, x)
        In work order.
    count : int
        How many at most.
    wanted : sequence of int
        To be shown in any case (at most ``count // 2`` of them), the most important first.
    """
    held = _held(mask)
    must = [int(index) for index in dict.fromkeys(wanted) if 0 <= index < len(mask)][: count // 2]
    among = np.setdiff1d(np.arange(held[0], held[-1] + 1), must)
    evenly = np.linspace(0, len(among) - 1, min(count - len(must), len(among))).round().astype(int)
    chosen = {*must, *among[evenly].tolist()}
    return tuple(sorted(chosen, reverse=True))


def sagittal_strip(
    image: NDArray,
    mask: NDArray,
    spacing_mm: tuple[float, float, float],
    *,
    height_pixels: int = 288,
    width_pixels: int = 96,
) -> NDArray[np.uint8]:
    """Draw the sagittal plane that follows the cord, with the outline of the mask.

    Each row is taken at the left-right position of the cord in that slice, so that a curved neck stays in the plane.
    Both axes have the same scale.

    Parameters
    ----------
    image, mask : array, shape (z, y, x)
        In work order; the mask 0..1.
    spacing_mm : tuple of 3 float
        Voxel size along z, y, x.
    height_pixels, width_pixels : int
        Size of the picture.

    Returns
    -------
    array of uint8, shape (height_pixels, width_pixels, 3)

    Raises
    ------
    InputError
        If the mask is empty.
    """
    held, centres = _held(mask), _centres(mask)
    dz, dy, _ = spacing_mm
    margin = STRIP_MARGIN_MM / dz
    top, bottom = held[-1] + margin, held[0] - margin
    z = np.linspace(top, bottom, height_pixels)
    pixel_mm = (top - bottom) * dz / (height_pixels - 1)
    middle = float(np.median(centres[held, 0]))
    y = middle - (np.arange(width_pixels) - (width_pixels - 1) / 2) * (pixel_mm / dy)  # columns go to posterior
    x = np.interp(z, np.arange(len(mask)), centres[:, 1])
    where = np.stack(np.broadcast_arrays(z[:, None], y[None, :], x[:, None]))
    low, high = max(int(bottom) - 1, 0), min(int(top) + 3, len(mask))
    where[0] -= low  # only these slices are turned into float
    grey = ndimage.map_coordinates(np.asarray(image[low:high], np.float32), where, order=1, cval=np.nan)
    inside = ndimage.map_coordinates(np.asarray(mask[low:high], np.float32), where, order=1)
    return _coloured(_windowed(grey), inside)


def _held(mask: NDArray) -> NDArray[np.int_]:
    held = np.flatnonzero(np.asarray(mask).any(axis=(1, 2)))
    if not len(held):
        raise InputError("The mask is empty, so there is nothing to show; segment the cord first.")
    return held


def _centres(mask: NDArray) -> NDArray[np.float64]:
    """Return the centre of the mask in every slice, (z, 2) voxels (y, x); between and beyond, that of the nearest."""
    held = _held(mask)
    found = np.array([ndimage.center_of_mass(np.asarray(mask[index], np.float32)) for index in held])
    places = np.arange(len(mask))
    return np.stack([np.interp(places, held, found[:, axis]) for axis in range(2)], axis=1)


def _windowed(values: NDArray) -> NDArray[np.float64]:
    """Map values to 0..1 between two percentiles; what lies outside the image becomes black."""
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, AUTO_PERCENTILES) if known.size else (0.0, 1.0)
    return np.nan_to_num(np.clip((values - low) / max(high - low, np.finfo(np.float32).tiny), 0.0, 1.0))


def _coloured(grey: NDArray, inside: NDArray) -> NDArray[np.uint8]:
    """Return a grey picture with the outline of a mask drawn just inside its edge."""
    filled = inside >= INSIDE_FROM
    outline = filled & ~ndimage.binary_erosion(filled, border_value=1)
    picture = np.repeat((grey * 255).round().astype(np.uint8)[..., None], 3, axis=-1)
    picture[outline] = OUTLINE_RGB
    return picture


def _frame(tile: NDArray[np.uint8]) -> None:
    for edge in (np.s_[:FRAME_PIXELS], np.s_[-FRAME_PIXELS:]):
        tile[edge] = FLAGGED_RGB
        tile[:, edge] = FLAGGED_RGB


def _side_by_side(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    count, height, width, _ = tiles.shape
    rows = count // columns
    arranged = tiles.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return np.ascontiguousarray(arranged.reshape(rows * height, columns * width, 3))

"""The plane across the one on display, as a picture: what a second view shows. No Qt and no viewer is known here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.gui.colours import CORD_COLOUR
from napari_spinalq.gui.convert import placement
from napari_spinalq.gui.display import CORD_VIEW_MM, LETTERS, Convention, Plane

AXES_OF = {Plane.AXIAL: (1, 2), Plane.SAGITTAL: (0, 1), Plane.CORONAL: (0, 2)}
"""Displayed axes (of z, y, x): the vertical one, then the horizontal one."""

MASK_OPACITY = 0.45


@dataclass(frozen=True)
class CrossView:
    """A plane as it is shown.

    Attributes
    ----------
    pixels : array of uint8, shape (rows, columns, 3)
        Top row first, left column first, as on screen.
    top_left, bottom_right : array, shape (2,)
        World position (vertical, horizontal; mm) of the outer corners of the picture.
    axes : tuple of 2 int
        Vertical and horizontal axis (of z, y, x).
    letters : tuple of 4 str
        Left, right, top, bottom.
    """

    pixels: NDArray[np.uint8]
    top_left: NDArray[np.float64]
    bottom_right: NDArray[np.float64]
    axes: tuple[int, int]
    letters: tuple[str, str, str, str]

    @property
    def size_mm(self) -> NDArray[np.float64]:
        """Height and width of the picture, mm."""
        return np.abs(self.bottom_right - self.top_left)

    def fraction(self, world: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where world points (..., 3; z, y, x) lie: (down, right) as fractions of the picture."""
        return (np.asarray(world)[..., list(self.axes)] - self.top_left) / (self.bottom_right - self.top_left)

    def world(self, fraction: NDArray[np.float64], through: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the world point at a fraction (down, right) of the picture, in the plane ``through`` a point."""
        point = np.array(through, dtype=float)
        point[list(self.axes)] = self.top_left + np.asarray(fraction) * (self.bottom_right - self.top_left)
        return point


def other_plane(plane: Plane | None) -> Plane:
    """Return the plane that a second view shows beside this one: sagittal beside axial, else axial."""
    return Plane.AXIAL if plane is Plane.SAGITTAL else Plane.SAGITTAL


def cross_view(
    image: NDArray,
    mask: NDArray | None,
    grid: Grid,
    world: NDArray[np.float64],
    plane: Plane,
    convention: Convention,
    window: tuple[float, float],
    colour: str = CORD_COLOUR,
) -> CrossView:
    """Cut a plane out of a scan.

    Parameters
    ----------
    image, mask : array, shape (z, y, x)
        Values and mask in work order.
    grid : Grid
        Grid of the file.
    world : array, shape (3,)
        Displayed point (z, y, x) through which the plane is cut; an axial cut shows its surroundings only.
    plane : Plane
        Axial, sagittal or coronal.
    convention : Convention
        Which side lies on the left.
    window : tuple of 2 float
        Values shown black and white.
    colour : str
        Of the mask, ``"#RRGGBB"``.
    """
    scale, translate = placement(grid)
    axes = AXES_OF[plane]
    index = np.clip(np.round((world - translate) / scale).astype(int), 0, np.array(image.shape) - 1)
    cut: list[int | slice] = [int(index[axis]) if axis not in axes else slice(None) for axis in range(3)]
    first = np.zeros(3, dtype=int)
    if plane is Plane.AXIAL:
        for axis in axes:
            reach = int(np.ceil(CORD_VIEW_MM / 2 / scale[axis]))
            first[axis] = max(0, index[axis] - reach)
            cut[axis] = slice(int(first[axis]), int(index[axis]) + reach + 1)
    pixels = _painted(image[tuple(cut)], None if mask is None else mask[tuple(cut)], window, colour)
    low = (translate + (first - 0.5) * scale)[list(axes)]
    high = low + np.array(pixels.shape[:2]) * scale[list(axes)]
    return _turned(pixels, low, high, axes, convention)


def _painted(values: NDArray, mask: NDArray | None, window: tuple[float, float], colour: str) -> NDArray[np.uint8]:
    low, high = window
    grey = np.clip((values.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1) * 255
    colours = np.repeat(grey[..., None], 3, axis=-1)
    if mask is not None:
        inside, paint = mask > 0, np.frombuffer(bytes.fromhex(colour.lstrip("#")), np.uint8).astype(np.float32)
        colours[inside] += MASK_OPACITY * (paint - colours[inside])
    return colours.astype(np.uint8)


def _turned(
    pixels: NDArray[np.uint8],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    axes: tuple[int, int],
    convention: Convention,
) -> CrossView:
    """Put superior or anterior on top, and the side that the convention asks for on the left."""
    (bottom, top), (begin, end) = (LETTERS[axis] for axis in axes)
    if convention is Convention.RADIOLOGICAL:
        turned, left, right = pixels[::-1, ::-1], end, begin
        corners = np.array([high[0], high[1]]), np.array([low[0], low[1]])
    else:
        turned, left, right = pixels[::-1], begin, end
        corners = np.array([high[0], low[1]]), np.array([low[0], high[1]])
    return CrossView(np.ascontiguousarray(turned), *corners, axes, (left, right, top, bottom))

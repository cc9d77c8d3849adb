"""A plane through a scan as a picture, with the right side on the right. No Qt and no viewer is known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.gui.convert import placement
from napari_spinalq.gui.display import LETTERS, Convention, Plane
from napari_spinalq.views.paint import GREYS, Overlay, grey_picture, paint_over
from napari_spinalq.views.window import Window

AXES_OF = {Plane.AXIAL: (1, 2), Plane.SAGITTAL: (0, 1), Plane.CORONAL: (0, 2)}
"""Displayed axes (of z, y, x): the vertical one, then the horizontal one."""

ACROSS = {Plane.AXIAL: 0, Plane.SAGITTAL: 2, Plane.CORONAL: 1}
"""The axis (of z, y, x) along which the slices of a plane follow each other."""


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
    number : int
        Of the slice, in work order: grows to superior, anterior or right, from 0.
    """

    pixels: NDArray[np.uint8]
    top_left: NDArray[np.float64]
    bottom_right: NDArray[np.float64]
    axes: tuple[int, int]
    letters: tuple[str, str, str, str]
    number: int = 0

    @property
    def size_mm(self) -> NDArray[np.float64]:
        """Height and width of the picture, mm."""
        return np.abs(self.bottom_right - self.top_left)

    @property
    def middle(self) -> NDArray[np.float64]:
        """World position (vertical, horizontal; mm) of the middle of the picture."""
        return (self.top_left + self.bottom_right) / 2

    @property
    def directions(self) -> NDArray[np.float64]:
        """Whether the world grows (1) or falls (-1) downward and to the right of the screen."""
        return np.sign(self.bottom_right - self.top_left)

    def fraction(self, world: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where world points (..., 3; z, y, x) lie: (down, right) as fractions of the picture."""
        return (np.asarray(world)[..., list(self.axes)] - self.top_left) / (self.bottom_right - self.top_left)

    def world(self, fraction: NDArray[np.float64], through: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the world point at a fraction (down, right) of the picture, in the plane ``through`` a point."""
        point = np.array(through, dtype=float)
        point[list(self.axes)] = self.top_left + np.asarray(fraction) * (self.bottom_right - self.top_left)
        return point

    def showing(self, pixels: NDArray[np.uint8]) -> CrossView:
        """Return the same plane with other pixels."""
        return replace(self, pixels=np.ascontiguousarray(pixels))


@dataclass(frozen=True, eq=False)
class Cover:
    """A mask to be shown over a scan: ``data`` (z, y, x) and the look that :class:`Overlay` explains."""

    data: NDArray
    colour: str
    opacity: float
    outline: int = 0


def other_plane(plane: Plane | None) -> Plane:
    """Return the plane that a single pane shows beside this one: sagittal beside axial, else axial."""
    return Plane.AXIAL if plane is Plane.SAGITTAL else Plane.SAGITTAL


def cross_view(
    image: NDArray,
    grid: Grid,
    world: NDArray[np.float64],
    plane: Plane,
    convention: Convention,
    window: Window,
    covers: Sequence[Cover] = (),
    colours: NDArray[np.uint8] = GREYS,
) -> CrossView:
    """Cut a plane out of a scan.

    Parameters
    ----------
    image : array, shape (z, y, x)
        Values in work order.
    grid : Grid
        Grid of the file.
    world : array, shape (3,)
        Displayed point (z, y, x) through which the plane is cut; the nearest slice if it lies outside.
    plane : Plane
        Axial, sagittal or coronal.
    convention : Convention
        Which side lies on the left.
    window : Window
        Values shown black and white.
    covers : sequence of Cover
        Masks over it, the lowest first.
    colours : array of uint8, shape (256, 3)
        From black to white.
    """
    scale, translate = placement(grid)
    axes, across = AXES_OF[plane], ACROSS[plane]
    number = int(np.clip(np.round((world - translate) / scale)[across], 0, image.shape[across] - 1))
    pixels = grey_picture(image.take(number, axis=across), window.low, window.high, colours)
    overlays = [Overlay(one.data.take(number, axis=across), one.colour, one.opacity, one.outline) for one in covers]
    low = (translate - 0.5 * scale)[list(axes)]
    high = low + np.array(pixels.shape[:2]) * scale[list(axes)]
    return _turned(paint_over(pixels, overlays), low, high, axes, convention, number)


def _turned(
    pixels: NDArray[np.uint8],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    axes: tuple[int, int],
    convention: Convention,
    number: int,
) -> CrossView:
    """Put superior or anterior on top, and the side that the convention asks for on the left."""
    (bottom, top), (begin, end) = (LETTERS[axis] for axis in axes)
    if convention is Convention.RADIOLOGICAL:
        turned, left, right = pixels[::-1, ::-1], end, begin
        corners = np.array([high[0], high[1]]), np.array([low[0], low[1]])
    else:
        turned, left, right = pixels[::-1], begin, end
        corners = np.array([high[0], low[1]]), np.array([low[0], high[1]])
    return CrossView(np.ascontiguousarray(turned), *corners, axes, (left, right, top, bottom), number)

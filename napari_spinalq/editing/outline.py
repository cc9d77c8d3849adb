"""The outline of a structure in one slice, finer than its pixels: distances from it, inside and outside.

A mask that was made by asking whether pixel centres lie inside says where the outline ran only to about a pixel; its
neighbours along the outline say more. Smoothing the mask by a fraction of a pixel and following the half-value contour
uses them: around an ellipse of the size of the cord the contour lies within a third of a pixel of the true outline at
95 % of places, without bias. Signed distances from it (positive inside) are what shapes are grown, averaged and
interpolated with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from napari_spinalq.editing.planes import INSIDE, bounding_window

SMOOTHING_PIXELS = 0.6
"""Standard deviation of the smoothing, pixels: a line one pixel wide, as a thin horn is, keeps a contour."""

PAD_PIXELS = 4
"""The smoothed mask is 0 beyond this many pixels from the structure."""

CONTOUR_STEP_PIXELS = 0.1
"""Points of the contour are this far apart at most: the nearest of them is as near as the contour itself."""

TIE_MM = 1e-6
"""Depths that differ by less are equal, mm."""

SPREAD = np.array([0.7548776662466927, 0.5698402909980532])
"""Pixels that are equally deep are taken in the order of the fractional parts of this combination of row and column:
they are then spread evenly along the outline instead of piling up on one side. Powers of the inverse of the plastic
number (Roberts 2018, extremelearning.com.au, the R2 sequence)."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of a structure in one axial slice.

    Attributes
    ----------
    smoothed : array, shape (y, x)
        The mask in a box around the structure, smoothed, 0..1.
    corner : (2,) array
        Pixel of the slice at which the box begins.
    pixel_mm : (2,) array
        Sides of a pixel, mm.
    points : cKDTree
        Of the contour, mm from the centre of pixel 0, 0 of the slice.
    centre : (2,) array
        Centroid of the pixels of the structure, fractional pixels.
    pixels : int
        Number of pixels of the structure.
    """

    smoothed: NDArray[np.float64]
    corner: NDArray[np.int_]
    pixel_mm: NDArray[np.float64]
    points: cKDTree
    centre: NDArray[np.float64]
    pixels: int

    @classmethod
    def of(cls, plane: NDArray, pixel_mm: NDArray[np.float64]) -> Outline:
        """Find the outline in a slice of a mask that holds the structure."""
        inside = plane == INSIDE
        box = bounding_window(inside)
        corner = np.array([part.start for part in box]) - PAD_PIXELS
        padded = np.pad(inside[box].astype(float), PAD_PIXELS)
        smoothed = ndimage.gaussian_filter(padded, SMOOTHING_PIXELS, mode="constant")
        contours = find_contours(smoothed, _level(smoothed))
        points = np.concatenate([_dense(contour) for contour in contours]) + corner
        centre = np.argwhere(inside[box]).mean(axis=0) + corner + PAD_PIXELS
        return cls(smoothed, corner, pixel_mm, cKDTree(points * pixel_mm), centre, int(inside.sum()))

    @property
    def reach_pixels(self) -> NDArray[np.int_]:
        """How far the box around the structure reaches from its centre along y and x, pixels."""
        ends = self.corner + np.array(self.smoothed.shape) - 1
        return np.ceil(np.maximum(self.centre - self.corner, ends - self.centre)).astype(int)

    def depth_mm(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance of places (fractional pixels, shape (..., 2)) from the outline, positive inside, mm."""
        flat = places.reshape(-1, 2)
        local = (flat - self.corner).T
        value = ndimage.map_coordinates(self.smoothed, local, order=1, mode="constant", cval=0.0)
        away = self.points.query(flat * self.pixel_mm)[0]
        return np.where(value >= _level(self.smoothed), away, -away).reshape(places.shape[:-1])


def _level(smoothed: NDArray[np.float64]) -> float:
    """Return the value of the contour: one half, or half of the height of a few pixels that stay below that."""
    height = float(smoothed.max())
    return 0.5 if height > 0.5 else height / 2


def pixel_places(box: tuple[slice, ...]) -> NDArray[np.float64]:
    """Return the pixel indices of a box, shape (y, x, 2)."""
    return np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in box), indexing="ij"), axis=-1).astype(
        float
    )


def deepest_first(depth_mm: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return the flat indices of pixels by depth, the deepest first; equal ones in an order that favours no side.

    Parameters
    ----------
    depth_mm : (y, x) array
        Distances from an outline, positive inside, mm.
    places : (y, x, 2) array
        Indices of the pixels.
    """
    spread = np.mod(places @ SPREAD, 1.0).ravel()
    return np.lexsort((spread, np.round(-depth_mm.ravel() / TIE_MM)))


def _dense(contour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a contour with more points between its own."""
    count = int(np.ceil(1.0 / CONTOUR_STEP_PIXELS))
    shares = np.arange(count)[:, None, None] / count
    return ((1 - shares) * contour[:-1] + shares * contour[1:]).reshape(-1, 2)

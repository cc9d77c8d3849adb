"""Shaded pictures of surfaces, seen from any side. Points are true RAS mm; rows of a picture grow downward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.views.paint import Picture, rgb
from napari_spinalq.views.surface import SURFACE_STEP_MM, Surface

AMBIENT = 0.25
"""Light that reaches a surface seen edge-on, as a part of full light: the shape stays visible on black."""


PICK_PIXELS = 6.0
"""A click this near (pixels) to a point of a surface is meant for it."""


def turned(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """Return the axes of the screen in RAS, shape (3, 3): rows are right, up and towards the reader.

    At 0, 0 the reader faces the patient, so the patient's left is on the right of the screen. A growing azimuth moves
    the reader towards the patient's left side, a growing elevation above the patient.

    Examples
    --------
    >>> (turned(0, 0).round(6) + 0.0).tolist()
    [[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    towards = np.array([-np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    right = np.array([-np.cos(azimuth), -np.sin(azimuth), 0.0])
    return np.array([right, np.cross(towards, right), towards])


@dataclass(frozen=True, eq=False)
class Stage:
    """Where a picture of surfaces is taken from.

    Attributes
    ----------
    axes : array, shape (3, 3)
        As :func:`turned` returns.
    centre_mm : array, shape (3,)
        RAS mm in the middle of the picture.
    pixels_per_mm : float
        Magnification.
    shape : tuple of 2 int
        Rows and columns of the picture.
    """

    axes: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    pixels_per_mm: float
    shape: tuple[int, int]

    def project(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Return (row, column, depth towards the reader in pixels) of RAS mm points, shape (..., 3)."""
        right, up, near = np.moveaxis((np.asarray(points_mm) - self.centre_mm) @ self.axes.T, -1, 0)
        scale, (rows, columns) = self.pixels_per_mm, self.shape
        return np.stack([rows / 2 - up * scale, columns / 2 + right * scale, near * scale], axis=-1)


def shade(surface: Surface, stage: Stage) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the light (0 to 1) on each pixel of a picture of a surface, and which pixels it covers.

    Points that face the reader are drawn as small squares from far to near; light comes from the reader (Lambert).
    """
    facing = surface.normals @ stage.axes[2].astype(np.float32)
    seen = facing > 0
    row, column, depth = stage.project(surface.points_mm[seen]).T
    order = np.argsort(depth)
    light = (AMBIENT + (1 - AMBIENT) * facing[seen])[order]
    row, column = (np.floor(place).astype(np.intp)[order] for place in (row, column))
    # Squares as wide as the points are apart, and one more: no hole, at any magnification.
    reach = int(np.ceil(1.6 * SURFACE_STEP_MM * stage.pixels_per_mm / 2))
    down, right = (offset.ravel() for offset in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    rows, columns = row[:, None] + down, column[:, None] + right
    inside = (rows >= 0) & (rows < stage.shape[0]) & (columns >= 0) & (columns < stage.shape[1])
    picture = np.zeros(stage.shape, np.float32)
    # Where squares overlap numpy keeps the last value, which is that of the nearest point.
    picture[rows[inside], columns[inside]] = np.broadcast_to(light[:, None], rows.shape)[inside]
    return picture, picture > 0


@dataclass(frozen=True, eq=False)
class Part:
    """A surface with its look: ``colour`` as ``"#RRGGBB"``, ``opacity`` 0 to 1."""

    surface: Surface
    colour: str
    opacity: float = 1.0


def composed(parts: Sequence[Part], stage: Stage) -> Picture:
    """Return the picture of surfaces on black; each part is laid over those before it, so give inner ones first."""
    picture = np.zeros((*stage.shape, 3), np.float32)
    for part in parts:
        light, covered = shade(part.surface, stage)
        own = light[covered][:, None] * rgb(part.colour)
        picture[covered] += part.opacity * (own - picture[covered])
    return picture.astype(np.uint8)


def picked(parts: Sequence[Part], stage: Stage, row: float, column: float) -> NDArray[np.float64] | None:
    """Return the RAS mm point of the outermost part that is seen at a pixel; None if there is none.

    Of the points that lie about as near to the pixel as the nearest one, which may be :data:`PICK_PIXELS` off, it is
    the one nearest to the reader.
    """
    for part in reversed(parts):
        places = stage.project(part.surface.points_mm)
        away = np.hypot(places[:, 0] - row, places[:, 1] - column)
        if len(away) and away.min() <= PICK_PIXELS:
            spread = SURFACE_STEP_MM * stage.pixels_per_mm
            under = np.flatnonzero(away <= away.min() + spread)
            return part.surface.points_mm[under[np.argmax(places[under, 2])]].astype(np.float64)
    return None

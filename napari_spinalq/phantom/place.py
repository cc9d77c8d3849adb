"""Points in coordinates along the cord, and small shape tests on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Along = tuple[tuple[float, float], ...]
"""A figure that varies along the spine: (arc position mm, value) pairs, arc ascending, linear between."""


@dataclass(frozen=True)
class Place:
    """Points of the anatomy, each array of shape (n,).

    Attributes
    ----------
    s : array
        Arc position along the cord in millimetres of an unscaled spine (C4-C5 disc = 0), growing to superior.
    u, v : array
        Distance from the centerline to the patient's right and to anterior, mm.
    """

    s: NDArray[np.float64]
    u: NDArray[np.float64]
    v: NDArray[np.float64]

    def pick(self, where: NDArray) -> Place:
        """Return the points selected by a mask or index array."""
        return Place(self.s[where], self.u[where], self.v[where])

    def along(self, table: Along) -> NDArray[np.float64]:
        """Return the value of a table at each point's arc position."""
        arc, value = zip(*table, strict=True)
        return np.interp(self.s, arc, value)


Painter = Callable[[Place, NDArray[np.uint8]], None]
"""Writes tissues of points in place."""


def paint_where(painter: Painter, place: Place, found: NDArray[np.uint8], where: NDArray[np.bool_]) -> None:
    """Run a painter on some of the points only: most structures fill a small part of a field of view."""
    index = np.flatnonzero(where)
    if index.size:
        part = found[index]
        painter(place.pick(index), part)
        found[index] = part


def ellipse(dx: NDArray, half_x: NDArray | float, dy: NDArray, half_y: NDArray | float) -> NDArray[np.float64]:
    """Return the elliptic radius: 1 on the edge, under 1 inside."""
    return np.sqrt((dx / half_x) ** 2 + (dy / half_y) ** 2)


def rounded_box(dx: NDArray, half_x: NDArray | float, dy: NDArray, half_y: NDArray | float) -> NDArray[np.float64]:
    """Return the radius of a superellipse of power four: 1 on the edge of a rounded rectangle."""
    return np.sqrt(np.hypot((dx / half_x) ** 2, (dy / half_y) ** 2))

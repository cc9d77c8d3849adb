"""The grey-matter butterfly: a polygon of our own whose area follows in closed form (shoelace formula)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALE_CENTRE_Y = 0.2
"""The butterfly grows about this point of the midline (normalised): its commissure lies there."""

_UPPER = (
    (0.00, 0.13), (0.10, 0.11), (0.20, 0.00), (0.27, -0.16), (0.34, -0.34), (0.41, -0.50), (0.47, -0.63),
    (0.55, -0.60), (0.56, -0.49), (0.50, -0.28), (0.43, -0.06), (0.40, 0.10), (0.42, 0.28), (0.41, 0.43),
    (0.34, 0.56), (0.24, 0.58), (0.15, 0.51), (0.08, 0.37), (0.00, 0.33),
)  # fmt: skip
"""Right half at C1-C2: slender ventral horn. Vertices in normalised coordinates, from the back of the commissure."""

_ENLARGED = (
    (0.00, 0.12), (0.10, 0.10), (0.19, 0.00), (0.26, -0.15), (0.33, -0.31), (0.40, -0.47), (0.46, -0.60),
    (0.53, -0.57), (0.52, -0.45), (0.47, -0.26), (0.44, -0.06), (0.46, 0.10), (0.56, 0.25), (0.60, 0.38),
    (0.50, 0.54), (0.33, 0.55), (0.20, 0.46), (0.10, 0.37), (0.00, 0.33),
)  # fmt: skip
"""Right half at C4-C6: broad ventral horn of the cervical enlargement."""

_LOWER = (
    (0.00, 0.13), (0.10, 0.10), (0.19, -0.02), (0.26, -0.18), (0.34, -0.35), (0.40, -0.50), (0.44, -0.61),
    (0.51, -0.57), (0.51, -0.45), (0.47, -0.26), (0.42, -0.08), (0.44, 0.08), (0.45, 0.22), (0.41, 0.36),
    (0.34, 0.48), (0.25, 0.49), (0.16, 0.44), (0.08, 0.38), (0.00, 0.35),
)  # fmt: skip
"""Right half in the thoracic cord."""

ROOT_VERTEX, TIP_VERTEX = 0, 6
"""Which vertices are the back of the commissure and the tip of the dorsal horn."""

_LEVEL_SHAPES = {1: _UPPER, 2: _UPPER, 4: _ENLARGED, 6: _ENLARGED, 8: _LOWER, 17: _LOWER, 19: _ENLARGED, 20: _ENLARGED}


def half_polygon(level: float) -> NDArray[np.float64]:
    """Return the right half of the butterfly, shape (19, 2), at a level (1 = C1; fractions lie between)."""
    known = np.array(list(_LEVEL_SHAPES))
    shapes = np.array(list(_LEVEL_SHAPES.values()))
    return np.stack(
        [np.interp(level, known, shapes[:, vertex, axis]) for vertex in range(shapes.shape[1]) for axis in (0, 1)]
    ).reshape(-1, 2)


def polygon_area(vertices: NDArray[np.float64]) -> float:
    """Return the area of a closed polygon by the shoelace formula.

    Examples
    --------
    >>> polygon_area(np.array([[0, 0], [2, 0], [2, 1], [0, 1]]))
    2.0
    """
    x, y = vertices.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def scaled_half(level: float, area_fraction: float) -> NDArray[np.float64]:
    """Return the right half so scaled about the commissure that both halves hold ``area_fraction`` of the cord.

    The normalised cord has the area pi.
    """
    half = half_polygon(level)
    scale = np.sqrt(area_fraction * np.pi / (2 * polygon_area(half)))
    centre = np.array([0.0, SCALE_CENTRE_Y])
    return centre + scale * (half - centre)


def inside_polygons(x: NDArray[np.float64], y: NDArray[np.float64], vertices: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which points lie in a polygon, each point having its own (even-odd rule).

    Parameters
    ----------
    x, y : (n,) arrays
        Points.
    vertices : (n_vertices, 2, n) array
        Polygon of each point.
    """
    inside = np.zeros(x.shape, dtype=bool)
    previous = vertices[-1]
    for current in vertices:
        crosses = (current[1] > y) != (previous[1] > y)
        rise = np.where(crosses, previous[1] - current[1], 1.0)
        inside ^= crosses & (x < current[0] + (y - current[1]) * (previous[0] - current[0]) / rise)
        previous = current
    return inside

"""The project's own atlas: drawn from figures of each part, and from the project's own butterfly of grey matter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.anatomy.butterfly import scaled_half
from napari_spinalq.anatomy.figures import TractFigures
from napari_spinalq.anatomy.tract_figures import tract_figures
from napari_spinalq.cord.butterfly_model import whole_outline
from napari_spinalq.cord.butterfly_raster import signed_distance
from napari_spinalq.tracts.atlas import Atlas, map_points
from napari_spinalq.tracts.maps import TractTissue
from napari_spinalq.tracts.partition import divide, shares, terms, wanted_moments
from napari_spinalq.tracts.parts import PARTS, builtin_tracts, groups_of

DRAWING_STEP = 0.04
"""Distance between the places where moments are taken, normalised: half the width of the narrowest part."""

EDGE_SOFTNESS = 0.012
"""Grey matter of the first drawing gains or loses one unit of log-odds over this distance from its outline: half a step
of the maps, since in one person the border of grey matter is sharp. A softer one, which holds the spread between
people, makes unmixing exaggerate how much grey and white matter differ."""

DRAWING_TRUST = 5.0
"""The first drawing says whether a place is grey or white with these log-odds at most (150 to 1): figures may
overrule it."""

GREY = np.array([part.tissue is TractTissue.GM for part in PARTS])


@cache
def builtin_atlas() -> Atlas:
    """Return the built-in atlas, C1 to L1: mirror symmetric, of a healthy young adult.

    Every part has the area, centroid and second moments of
    :func:`~napari_spinalq.anatomy.tract_figures.tract_figures`; see :mod:`napari_spinalq.tracts.partition`.
    """
    figures = tract_figures()
    tracts = builtin_tracts()
    places = _half_disc()
    weights, maps = None, []
    for level, known in figures.items():
        table = np.array([list(vars(known[part.name]).values()) for part in PARTS])
        outline = _grey_outline(level, known)
        weights = divide(wanted_moments(table), places, _first_drawing(outline, places), weights)
        maps.append(_maps(weights, outline))
    finished = np.stack(maps)
    finished.setflags(write=False)
    return Atlas("builtin", tracts, groups_of(tracts), tuple(figures), finished)


def _grey_outline(level: int, figures: Mapping[str, TractFigures]) -> NDArray[np.float64]:
    """Return the butterfly of a level with the grey matter's share of the cord, shape (n_vertices, 2)."""
    grey_share = 2 * sum(figures[part.name].area_fraction for part in PARTS if part.tissue is TractTissue.GM)
    return whole_outline(scaled_half(level, grey_share))


def _maps(weights: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the maps of one level, left and right of each part in turn, shape (2 n_parts, n, n)."""
    x, y = map_points()
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    right, left = shares(weights, terms(*places.T), _first_drawing(outline, places))
    return np.stack([left, right], axis=1).reshape(-1, *x.shape).astype(np.float32)


def _half_disc() -> NDArray[np.float64]:
    """Return even places of the right half of the cord, shape (n, 2)."""
    x, y = np.meshgrid(
        np.arange(DRAWING_STEP / 2, 1, DRAWING_STEP), np.arange(-1 + DRAWING_STEP / 2, 1, DRAWING_STEP), indexing="ij"
    )
    inside = np.hypot(x, y) <= 1
    return np.stack([x[inside], y[inside]], axis=1)


def _first_drawing(outline: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of each part's share in the first drawing: it tells grey from white, not part from part."""
    depth = signed_distance(places, outline)
    trust = DRAWING_TRUST * np.tanh(depth / (DRAWING_TRUST * EDGE_SOFTNESS))
    return trust[:, None] * GREY

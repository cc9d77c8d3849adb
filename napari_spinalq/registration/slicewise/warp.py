"""Shifting and turning slices within their plane.

A move is (rows mm, columns mm, arc mm): how far the cord lies from its place in the reference towards growing rows and
columns, and its turn from columns to rows about the centre of the slice as the arc of a circle of ``ARC_RADIUS_MM``.
The point p of the reference, seen from that centre, is found at ``turn(p) + shift`` in the slice that moved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

ARC_RADIUS_MM = 5.0
"""Half the width of a cord, mm: a turn is told in mm at its edge, so that it can be weighed against shifts."""

SPLINE_ORDER = 3
"""Cubic B-splines (Thevenaz et al. 2000, doi:10.1109/42.875199): little blur, and no ringing beyond a pixel or two."""


def spline_coefficients(images: NDArray) -> NDArray[np.float32]:
    """Return what :func:`moved_back` samples, for images of shape (..., rows, columns)."""
    coefficients = np.asarray(images, dtype=np.float32)
    for axis in (-2, -1):
        coefficients = ndimage.spline_filter1d(coefficients, SPLINE_ORDER, axis, output=np.float32, mode="nearest")
    return coefficients


def sample_places(
    move: NDArray[np.float64], shape: tuple[int, int], pixel_mm: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where each pixel of the reference lies in a slice that moved, in pixels, shape (2,) + ``shape``.

    Parameters
    ----------
    move : (3,) array
        Rows, columns and arc, mm.
    shape : tuple of int
        Rows and columns of the slice.
    pixel_mm, centre : (2,) arrays
        Pixel size (mm), and the pixel about which it turns.
    """
    angle = move[2] / ARC_RADIUS_MM
    cosine, sine = np.cos(angle), np.sin(angle)
    rows = ((np.arange(shape[0]) - centre[0]) * pixel_mm[0])[:, None]
    columns = ((np.arange(shape[1]) - centre[1]) * pixel_mm[1])[None, :]
    moved = np.stack([cosine * rows + sine * columns + move[0], cosine * columns - sine * rows + move[1]])
    return moved / pixel_mm[:, None, None] + centre[:, None, None]


def after_step(move: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the move, shape (..., 3), that does a step first, seen in the reference, and then a move."""
    return move + np.concatenate([_turned(step[..., :2], move[..., 2:]), step[..., 2:]], axis=-1)


def seen_from(move: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the move, shape (..., 3), of what moved by ``move``, seen from what moved by ``reference``.

    Doing ``reference`` first and then the result is the same as doing ``move``.
    """
    arc = move[..., 2:] - reference[..., 2:]
    return np.concatenate([move[..., :2] - _turned(reference[..., :2], arc), arc], axis=-1)


def _turned(vectors: NDArray[np.float64], arc: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn vectors (..., rows and columns) by an arc (..., 1) from columns to rows."""
    angle = arc[..., 0] / ARC_RADIUS_MM
    cosine, sine = np.cos(angle), np.sin(angle)
    rows, columns = vectors[..., 0], vectors[..., 1]
    return np.stack([cosine * rows + sine * columns, cosine * columns - sine * rows], axis=-1)


def moved_back(coefficients: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return one image (its spline coefficients given) sampled at ``places``; beyond its edge the edge goes on."""
    return ndimage.map_coordinates(
        coefficients, places, output=np.float32, order=SPLINE_ORDER, mode="nearest", prefilter=False
    )


def outside(places: NDArray[np.float64], shape: tuple[int, int]) -> int:
    """Count the places more than half a pixel outside of an image."""
    limits = np.asarray(shape)[:, None, None] - 0.5
    return int(((places < -0.5) | (places > limits)).any(axis=0).sum())

"""One axial slice of a mask, cut into pieces of touching pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=int)
"""Within a slice, pixels that share an edge or a corner touch."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Touching pixels of one slice.

    Attributes
    ----------
    top, left : int
        Row and column of the first pixel of ``values``.
    values : 2-D array of float64
        Mask values in the bounding box, 0 outside the piece.
    """

    top: int
    left: int
    values: NDArray[np.float64]

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which pixels of the box belong to the piece."""
        return self.values > 0

    @cached_property
    def voxels(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.inside))

    @cached_property
    def weight(self) -> float:
        """Sum of the values."""
        return float(self.values.sum())

    @cached_property
    def centroid(self) -> tuple[float, float]:
        """Row and column of the centre of the values."""
        rows, columns = self.values.sum(axis=1), self.values.sum(axis=0)
        return (
            self.top + float(rows @ np.arange(len(rows))) / self.weight,
            self.left + float(columns @ np.arange(len(columns))) / self.weight,
        )

    def overlaps(self, other: Piece) -> bool:
        """Tell whether a pixel of this piece lies straight above or below one of a piece of the next slice."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom = min(self.top + self.values.shape[0], other.top + other.values.shape[0])
        right = min(self.left + self.values.shape[1], other.left + other.values.shape[1])
        if top >= bottom or left >= right:
            return False
        return bool(np.any(self._window(top, bottom, left, right) & other._window(top, bottom, left, right)))

    def _window(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
        return self.inside[top - self.top : bottom - self.top, left - self.left : right - self.left]


def cut_pieces(plane: NDArray) -> tuple[Piece, ...]:
    """Cut a slice of a mask into pieces.

    Parameters
    ----------
    plane : 2-D array
        Mask values of one slice, 0 outside.

    Returns
    -------
    tuple of Piece
        Empty for an empty slice.
    """
    rows = np.flatnonzero(plane.any(axis=1))
    if len(rows) == 0:
        return ()
    band = plane[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(band.any(axis=0))
    values = band[:, columns[0] : columns[-1] + 1].astype(np.float64)
    labels, count = ndimage.label(values > 0, EIGHT_NEIGHBOURS)
    if count == 1:
        return (Piece(int(rows[0]), int(columns[0]), values),)
    boxes = enumerate(ndimage.find_objects(labels), start=1)
    return tuple(
        Piece(int(rows[0]) + y.start, int(columns[0]) + x.start, np.where(labels[y, x] == label, values[y, x], 0.0))
        for label, (y, x) in boxes
    )


def join_pieces(pieces: Sequence[Piece]) -> Piece:
    """Return several pieces of one slice as one."""
    if len(pieces) == 1:
        return pieces[0]
    top, left = min(piece.top for piece in pieces), min(piece.left for piece in pieces)
    bottom = max(piece.top + piece.values.shape[0] for piece in pieces)
    right = max(piece.left + piece.values.shape[1] for piece in pieces)
    values = np.zeros((bottom - top, right - left))
    for piece in pieces:
        row, column = piece.top - top, piece.left - left
        values[row : row + piece.values.shape[0], column : column + piece.values.shape[1]] += piece.values
    return Piece(top, left, values)

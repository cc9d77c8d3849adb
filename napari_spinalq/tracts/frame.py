"""Normalised coordinates of a cord: they follow its own outline, turn and lean, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.cord_slices import CordSlice, cord_slices

ANGLES = 72
"""Directions in which the outline is measured: 5 degrees, 0.5 mm on a cord 12 mm wide."""

RAY_REACH, RAY_STEP = 2.0, 0.02
"""Rays reach this far and are read this often (normalised)."""

OUTLINE_WAVES = 6
"""Waves around the circle that an outline keeps: dents narrower than 60 degrees are stairs of pixels, or the fissure,
which does not move the tracts beside it."""

TURN_ALONG_MM = 10.0
"""The cord's turn about its own axis is averaged along the cord with this standard deviation, mm: it changes slowly."""

SHAPE_ALONG_MM = 3.0
"""So is the shape (not the size) of its outline, mm."""


@dataclass(frozen=True, eq=False)
class CordFrame:
    """Normalised coordinates in the slices of a cord (work order).

    Attributes
    ----------
    slices : (n,) array of int
        Slices that hold a cross-section, growing.
    centres_mm : (n, 2) array
        Centroid of the cord, x (right) and y (anterior), mm from the centre of the first pixel.
    to_mm : (n, 2, 2) array
        Turned half axes of the ellipse with the cord's moments, as columns, mm.
    radii : (n, ANGLES) array
        Outline over that ellipse, by even angles from the right towards anterior.
    """

    slices: NDArray[np.int_]
    centres_mm: NDArray[np.float64]
    to_mm: NDArray[np.float64]
    radii: NDArray[np.float64]

    def normalised(
        self, row: int, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64], offset: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return normalised coordinates of places in a slice; the outline of the cord has radius 1.

        Parameters
        ----------
        row : int
            Which of ``slices``.
        x_mm, y_mm : arrays of the same shape
            Right and anterior, mm from the centre of the first pixel.
        offset : float
            Height above the middle of the slice, -0.5 to 0.5 of the slice distance: the cord leans.
        """
        centre, to_mm, radii = self._at(row, offset)
        flat = np.stack([np.ravel(x_mm) - centre[0], np.ravel(y_mm) - centre[1]])
        x, y = np.linalg.solve(to_mm, flat)
        outline = self._outline(radii, x, y)
        return (x / outline).reshape(np.shape(x_mm)), (y / outline).reshape(np.shape(x_mm))

    def places_mm(
        self, row: int, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where normalised coordinates lie in the middle of a slice: the inverse of :meth:`normalised`."""
        outline = self._outline(self.radii[row], x, y)
        flat = self.to_mm[row] @ np.stack([np.ravel(x * outline), np.ravel(y * outline)])
        right, anterior = (flat[axis] + self.centres_mm[row, axis] for axis in (0, 1))
        return right.reshape(np.shape(x)), anterior.reshape(np.shape(x))

    @staticmethod
    def _outline(radii: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the radius of the outline in the direction of each place."""
        angle = np.mod(np.arctan2(y, x), 2 * np.pi) * (ANGLES / (2 * np.pi))
        return np.interp(angle, np.arange(ANGLES + 1), np.r_[radii, radii[0]])

    def sample_mm2(self, row: int, step: float) -> float:
        """Return the area (mm2) of a normalised square with sides ``step`` in a slice."""
        return float(abs(np.linalg.det(self.to_mm[row])) * step**2)

    def reach_mm(self, row: int) -> NDArray[np.float64]:
        """Return how far a slice's cord reaches from its centre along x and y, leaning included, mm, shape (2,)."""
        angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
        edge = self.to_mm[row] @ (self.radii[row] * np.stack([np.cos(angle), np.sin(angle)]))
        return np.abs(edge).max(axis=1) + self.lean_mm(row)

    def lean_mm(self, row: int) -> float:
        """Return how far the cord's centre moves from the lower to the upper face of a slice, mm."""
        return float(np.linalg.norm(self._at(row, 0.5)[0] - self._at(row, -0.5)[0]))

    def _at(self, row: int, offset: float) -> tuple[NDArray, NDArray, NDArray]:
        """Return centre, axes and outline at a height: mixed between slices; beyond the last one the cord leans on."""
        other = row + int(np.sign(offset))
        parts = (self.centres_mm, self.to_mm, self.radii)
        if self._follows(row, other):
            share = abs(offset)
            centre, to_mm, radii = ((1 - share) * part[row] + share * part[other] for part in parts)
            return centre, to_mm, radii
        back = row - int(np.sign(offset))
        lean = self.centres_mm[row] - self.centres_mm[back] if self._follows(row, back) else np.zeros(2)
        return self.centres_mm[row] + abs(offset) * lean, self.to_mm[row], self.radii[row]

    def _follows(self, row: int, other: int) -> bool:
        return 0 <= other < len(self.slices) and abs(int(self.slices[other] - self.slices[row])) == 1


def cord_frame(cover: NDArray, spacing_mm: tuple[float, float, float]) -> CordFrame:
    """Measure the coordinates of a cord.

    Parameters
    ----------
    cover : (n_slices, n_y, n_x) array
        The cord in work order, 0..1.
    spacing_mm : tuple of 3 float
        Voxel sides, mm.

    Returns
    -------
    CordFrame
        Empty where no slice holds a cross-section (see :data:`~napari_spinalq.cord.cord_slices.MIN_CORD_AREA_MM2`).
    """
    pieces = cord_slices(cover, cover, spacing_mm)
    turned = [
        replace(piece, turn_rad=float(turn)) for piece, turn in zip(pieces, _turns(pieces, spacing_mm[0]), strict=True)
    ]
    squared = np.array([_squared_radii(piece) for piece in turned]).reshape(-1, ANGLES)
    size = squared.mean(axis=1, keepdims=True)
    shape = squared / size
    for one in _runs(pieces):
        shape[one] = ndimage.gaussian_filter1d(shape[one], SHAPE_ALONG_MM / spacing_mm[0], axis=0, mode="nearest")
    return CordFrame(
        slices=np.array([piece.index for piece in pieces], dtype=int),
        centres_mm=np.array([piece.centre_mm[::-1] for piece in pieces]).reshape(-1, 2),
        to_mm=np.array([piece.to_mm for piece in turned]).reshape(-1, 2, 2),
        radii=np.sqrt(np.maximum(size * shape / shape.mean(axis=1, keepdims=True), 1e-4)),
    )


def _runs(pieces: list[CordSlice]) -> list[slice]:
    """Return the stretches of neighbouring slices."""
    index = np.array([piece.index for piece in pieces], dtype=int)
    edges = np.r_[0, np.flatnonzero(np.diff(index) != 1) + 1, len(index)]
    return [slice(int(start), int(stop)) for start, stop in pairwise(edges) if stop > start]


def _turns(pieces: list[CordSlice], step_mm: float) -> NDArray[np.float64]:
    """Return the turn of each slice, smoothed along the cord; a rounder slice, whose axes are unsure, counts less."""
    turns = np.array([piece.turn_rad for piece in pieces])
    places = np.array([piece.index for piece in pieces]) * step_mm
    sure = np.array([_elongation(piece) for piece in pieces])
    near = sure * np.exp(-((places[:, None] - places) ** 2) / (2 * TURN_ALONG_MM**2))
    return np.asarray(near @ turns / np.maximum(near.sum(axis=1), 1e-12))


def _elongation(piece: CordSlice) -> float:
    small, large = np.linalg.eigvalsh(piece.moments_mm2)
    return float(1 - small / large) + 1e-6


def _squared_radii(piece: CordSlice) -> NDArray[np.float64]:
    """Return the squared outline radius by angle: twice the cord along each ray weighted by the radius, low waves only.

    The mean of it over the circle times pi is the area, whatever the shape, so the waves that are dropped cost none.
    """
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    radius = np.arange(RAY_STEP / 2, RAY_REACH, RAY_STEP)
    directions = piece.to_mm @ np.stack([np.cos(angle), np.sin(angle)])
    x_mm, y_mm = directions[:, :, None] * radius
    pixel_y, pixel_x = piece.block.pixel_mm
    rows = (y_mm - piece.block.y_mm[0, 0]) / pixel_y
    columns = (x_mm - piece.block.x_mm[0, 0]) / pixel_x
    values = ndimage.map_coordinates(piece.cover, [rows, columns], order=1, mode="grid-constant", prefilter=False)
    squared = 2 * RAY_STEP * (values * radius).sum(axis=1)
    waves = np.fft.rfft(squared)
    waves[OUTLINE_WAVES + 1 :] = 0
    return np.fft.irfft(waves, ANGLES)

"""Many images of the same slices: searching their moves, and moving them back, slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.registration.slicewise.match import Basis, pixel_scores, refine
from napari_spinalq.registration.slicewise.warp import moved_back, outside, sample_places

SEARCH_MM = 5.0
"""Whole-pixel shifts up to this far are tried, mm; the finer search then goes on from the best. A cord that moved by
more than its own radius is rare, and its neighbour, the wall of the canal, lies not much farther."""

SCORE_NEIGHBOURS = (0.5, 1.0, 0.5)
"""The score of a shift in a slice is added to half of that in the next slices: a weak slice follows them."""

EXPECTED_MM = 1.5
"""Standard deviation of shifts to expect, mm: where a slice shows no structure, the search keeps it in its place."""

T = TypeVar("T")


def each_slice(work: Callable[[int], T], n_slices: int, threads: int | None) -> list[T]:
    """Do the same work for every slice; the results are in the order of slices.

    On one thread by default: the pieces are so small that threads mostly wait for each other
    (``benchmarks/motion.py`` times it).
    """
    if (threads or 1) == 1:
        return [work(z) for z in range(n_slices)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(n_slices)))


Bases = Callable[[int, int], Basis]
"""Gives the basis for a slice and an image: an image may be kept out of what it is matched to."""


def score_moves(
    bases: Bases, images: NDArray, pixel_mm: NDArray[np.float64], threads: int | None = None
) -> NDArray[np.float64]:
    """Score shifts by whole pixels of each image.

    Parameters
    ----------
    bases : callable
        Gives the basis of each slice and image.
    images : (n_slices, n, rows, columns) array
        Images that moved.
    pixel_mm : (2,) array
        Pixel size, mm.
    threads : int, optional
        One by default.

    Returns
    -------
    (n_slices, n, 2 r + 1, 2 c + 1) array
        Log likelihood of shifts by -r..r rows and -c..c columns, up to ``SEARCH_MM``.
    """
    reach = (int(np.ceil(SEARCH_MM / pixel_mm[0])), int(np.ceil(SEARCH_MM / pixel_mm[1])))

    def one(z: int) -> NDArray[np.float64]:
        return np.stack([pixel_scores(bases(z, i), image, reach) for i, image in enumerate(images[z])])

    return np.stack(each_slice(one, len(images), threads))


def best_moves(scores: NDArray[np.float64], pixel_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the moves (n, n_slices, 3), mm, without turns, that score best in each slice and its neighbours."""
    together = ndimage.convolve1d(scores, SCORE_NEIGHBOURS, axis=0, mode="constant")
    for axis, step in ((2, pixel_mm[0]), (3, pixel_mm[1])):
        shift = (np.arange(scores.shape[axis]) - scores.shape[axis] // 2) * step
        together -= np.expand_dims(0.5 * (shift / EXPECTED_MM) ** 2, [k for k in range(4) if k != axis])
    best = together.reshape(*together.shape[:2], -1).argmax(axis=-1)
    down, across = np.unravel_index(best.T, together.shape[2:])
    moves = np.zeros((*best.T.shape, 3))
    moves[..., 0] = (down - together.shape[2] // 2) * pixel_mm[0]
    moves[..., 1] = (across - together.shape[3] // 2) * pixel_mm[1]
    return moves


def refine_moves(
    bases: Bases,
    coefficients: NDArray[np.float32],
    start: NDArray[np.float64],
    *,
    rotation: bool = False,
    threads: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the moves (n, n_slices, 3) of images (n_slices, n, rows, columns) and their information, from a start."""

    def one(z: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return [refine(bases(z, i), image, start[i, z], rotation=rotation) for i, image in enumerate(coefficients[z])]

    found = each_slice(one, len(coefficients), threads)
    moves = np.array([[move for move, _ in images] for images in found])
    information = np.array([[trust for _, trust in images] for images in found])
    return moves.swapaxes(0, 1), information.swapaxes(0, 1)


def move_back(
    coefficients: NDArray[np.float32],
    moves: NDArray[np.float64],
    pixel_mm: NDArray[np.float64],
    centres: NDArray[np.float64],
    threads: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Move images back to where the reference has them.

    Parameters
    ----------
    coefficients : (n_slices, n, rows, columns) array
        Their spline coefficients.
    moves : (n, n_slices, 3) array
        Moves, mm.
    pixel_mm : (2,) array
        Pixel size, mm.
    centres : (n_slices, 2) array
        Pixel about which each slice turns.
    threads : int, optional
        As for :func:`score_moves`.

    Returns
    -------
    images : (n_slices, n, rows, columns) array
        Where a place lies outside of the image, the nearest value of its edge.
    outside : (n, n_slices) array of int
        How many pixels of each were so.
    """
    shape = (coefficients.shape[2], coefficients.shape[3])

    def one(z: int) -> tuple[NDArray[np.float32], list[int]]:
        places = [sample_places(move, shape, pixel_mm, centres[z]) for move in moves[:, z]]
        images = [moved_back(image, place) for image, place in zip(coefficients[z], places, strict=True)]
        return np.stack(images), [outside(place, shape) for place in places]

    done = each_slice(one, len(coefficients), threads)
    return np.stack([images for images, _ in done]), np.array([count for _, count in done]).T

"""Finding the moves of a diffusion series: matching every volume to means that sharpen from round to round."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gradients import GradientTable
from napari_spinalq.progress import Progress, silent
from napari_spinalq.registration.slicewise.along import Smoothed, smooth_along
from napari_spinalq.registration.slicewise.contrasts import match_contrasts
from napari_spinalq.registration.slicewise.frame import SliceFrame
from napari_spinalq.registration.slicewise.match import Basis, make_basis
from napari_spinalq.registration.slicewise.stack import best_moves, move_back, refine_moves, score_moves
from napari_spinalq.registration.slicewise.warp import spline_coefficients

ROUNDS = 3
"""Rounds of matching: the first against blurred means, the others against means of what the round before aligned."""

FEWEST_FOR_SLOPE = 8
"""Weighted images needed before their change with direction is used as a reference image of its own."""


@dataclass(frozen=True, eq=False)
class Series:
    """The part of a diffusion series around the cord, as images to be matched.

    Attributes
    ----------
    images : (n_slices, n, rows, columns) array
        Volumes, or means of volumes that are registered as one.
    weights : (n_slices, rows, columns) array
        Window around the cord.
    centres : (n_slices, 2) array
        Pixel about which each slice turns.
    frame : SliceFrame
        Slices of the acquisition.
    unweighted : (n,) array of bool
        Which images have no diffusion weighting.
    contrast : (n, m) array
        What the signal of weighted images depends on: b-value, and b-value along the slice normal; 0..1.
    """

    images: NDArray[np.float32]
    weights: NDArray[np.float64]
    centres: NDArray[np.float64]
    frame: SliceFrame
    unweighted: NDArray[np.bool_]
    contrast: NDArray[np.float64]


def contrast_of(gradients: GradientTable, frame: SliceFrame) -> NDArray[np.float64]:
    """Return b and b cos^2 of the angle to the slice normal of each volume, as a share of the largest b, (n, 2)."""
    normal = frame.grid.affine[:3, 0] / frame.grid.spacing[0]
    b_share = gradients.b_values / max(float(gradients.b_values.max()), 1.0)
    return np.stack([b_share, b_share * (gradients.directions @ normal) ** 2], axis=1)


def find_moves(
    series: Series, *, rotation: bool = False, threads: int | None = None, progress: Progress = silent
) -> Smoothed:
    """Find how each image of a series moved against their mean place.

    Returns
    -------
    Smoothed
        Moves (n, n_slices, 3), mm, in the order of ``series.images``; their mean over images is zero in each slice.
    """
    coefficients = spline_coefficients(series.images)
    n_slices, n = series.images.shape[:2]
    found = Smoothed(np.zeros((n, n_slices, 3)), np.zeros((n, n_slices)), ())
    for number in range(ROUNDS):
        progress(number / ROUNDS, f"matching volumes, round {number + 1} of {ROUNDS}")
        first = number == 0
        aligned = series.images if first else _aligned(series, coefficients, found.moves, threads)
        start = _start(series, aligned, threads) if first else found.moves
        found = _match(series, coefficients, aligned, start, first, rotation, threads)
        found = _classes_together(series, coefficients, found, threads)
        found = replace(found, moves=found.moves - found.moves.mean(axis=0))
    return found


def _aligned(
    series: Series, coefficients: NDArray[np.float32], moves: NDArray[np.float64], threads: int | None
) -> NDArray[np.float32]:
    return move_back(coefficients, moves, series.frame.pixel_mm, series.centres, threads)[0]


def _classes(series: Series) -> list[NDArray[np.int_]]:
    """Return the images without and with weighting, as far as there are any."""
    classes = (np.flatnonzero(series.unweighted), np.flatnonzero(~series.unweighted))
    return [members for members in classes if len(members)]


def _basis(series: Series, z: int, references: NDArray) -> Basis:
    return make_basis(references, series.weights[z], series.frame.pixel_mm, series.centres[z])


def _start(series: Series, aligned: NDArray[np.float32], threads: int | None) -> NDArray[np.float64]:
    """Return the best moves by whole pixels, each image against the mean of its own class."""
    moves = np.zeros((aligned.shape[1], aligned.shape[0], 3))
    for members in _classes(series):
        means = aligned[:, members].mean(axis=1, keepdims=True)
        bases = [_basis(series, z, means[z]) for z in range(len(aligned))]
        scores = score_moves(bases, series.images[:, members], threads)
        moves[members] = best_moves(scores, series.frame.pixel_mm)
    return moves


def _match(
    series: Series,
    coefficients: NDArray[np.float32],
    aligned: NDArray[np.float32],
    start: NDArray[np.float64],
    first: bool,
    rotation: bool,
    threads: int | None,
) -> Smoothed:
    """Match each class to its references, then weigh all slices of all images against each other.

    An image that is alone in its class has nothing of its kind to be matched to and keeps its place.
    """
    moves, sd_mm = start.copy(), np.zeros(start.shape[:2])
    measured, information = start.copy(), np.zeros((*start.shape, 3))
    classes = [members for members in _classes(series) if len(members) > 1]
    for members in classes:
        references = _references(series, aligned, members, own_only=first)
        bases = [_basis(series, z, references[z]) for z in range(len(aligned))]
        measured[members], information[members] = refine_moves(
            bases, coefficients[:, members], start[members], rotation=rotation, threads=threads
        )
    if not classes:
        return Smoothed(moves, sd_mm, ())
    some = np.concatenate(classes)
    found = smooth_along(measured[some], information[some], series.frame.slice_mm, rotation=rotation, cautious=first)
    moves[some], sd_mm[some] = found.moves, found.sd_mm
    return Smoothed(moves, sd_mm, found.priors)


def _references(
    series: Series, aligned: NDArray[np.float32], members: NDArray[np.int_], *, own_only: bool
) -> NDArray[np.float64]:
    """Return reference images of one class, shape (n_slices, k, rows, columns).

    The mean of the class; once both classes are aligned, that of the other; and how weighted images change with
    direction and b-value, where enough are there to tell.
    """
    references = [aligned[:, members].mean(axis=1, dtype=np.float64)]
    others = np.setdiff1d(np.arange(aligned.shape[1]), members)
    if own_only:
        return np.stack(references, axis=1)
    if len(others):
        references.append(aligned[:, others].mean(axis=1, dtype=np.float64))
    if not series.unweighted[members[0]] and len(members) >= FEWEST_FOR_SLOPE:
        for values in (series.contrast[members] - series.contrast[members].mean(axis=0)).T:
            if values.std() > 0.05:
                references.append(np.tensordot(aligned[:, members], values / (values @ values), (1, 0)))
    return np.stack(references, axis=1)


def _classes_together(
    series: Series, coefficients: NDArray[np.float32], found: Smoothed, threads: int | None
) -> Smoothed:
    """Bring the images without weighting to the place of those with it: mean against mean, whatever their contrast."""
    classes = _classes(series)
    if len(classes) < 2:
        return found
    aligned = _aligned(series, coefficients, found.moves, threads)
    plain, weighted = (aligned[:, members].mean(axis=1) for members in classes)
    offset = match_contrasts(plain, weighted, series.weights, series.frame, series.centres, threads=threads)
    moves, sd_mm = found.moves.copy(), found.sd_mm.copy()
    moves[classes[0]] -= offset.moves
    sd_mm[classes[0]] = np.hypot(sd_mm[classes[0]], offset.sd_mm)
    return replace(found, moves=moves, sd_mm=sd_mm)

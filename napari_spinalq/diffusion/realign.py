"""Finding the moves of a diffusion series: matching every volume to means that sharpen from round to round."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.references import Series, bases_of, mean_of_class, references_of_class
from napari_spinalq.progress import Progress, silent
from napari_spinalq.registration.slicewise.along import Smoothed, smooth_along
from napari_spinalq.registration.slicewise.contrasts import match_contrasts
from napari_spinalq.registration.slicewise.stack import best_moves, move_back, refine_moves, score_moves
from napari_spinalq.registration.slicewise.warp import seen_from, spline_coefficients

ROUNDS = 3
"""Rounds of matching: the first against blurred means, the others against means of what the round before aligned."""


@dataclass(frozen=True)
class How:
    """Settings of a search.

    Attributes
    ----------
    rotation : bool
        Whether turns are sought, too.
    threads : int, optional
        One by default.
    """

    rotation: bool = False
    threads: int | None = None


def find_moves(
    series: Series, *, rotation: bool = False, threads: int | None = None, progress: Progress = silent
) -> Smoothed:
    """Find how each image of a series moved against their mean place.

    Returns
    -------
    Smoothed
        Moves (n, n_slices, 3), mm, in the order of ``series.images``; their mean over images is zero in each slice.
    """
    how = How(rotation, threads)
    coefficients = spline_coefficients(series.images)
    found = _first_round(series, coefficients, how)
    for number in range(1, ROUNDS):
        progress(number / ROUNDS, f"matching volumes, round {number + 1} of {ROUNDS}")
        found = _next_round(series, coefficients, found.moves, how)
    return found


def _first_round(series: Series, coefficients: NDArray[np.float32], how: How) -> Smoothed:
    """Search whole pixels, then finer, each image against the others of its class as they are."""
    n_slices, n = series.images.shape[:2]
    still = np.zeros((n, n_slices, 3))
    measured, information = still.copy(), np.zeros((n, n_slices, 3, 3))
    for members in _matched(series):
        bases = bases_of(series, mean_of_class(series.images, members))
        scores = score_moves(bases, series.images[:, members], series.frame.pixel_mm, how.threads)
        start = best_moves(scores, series.frame.pixel_mm)
        found = refine_moves(bases, coefficients[:, members], start, rotation=how.rotation, threads=how.threads)
        measured[members], information[members] = _against_all(found[0], still[members]), found[1]
    return _together(series, coefficients, _weighed(series, measured, information, how, cautious=True), how)


def _next_round(series: Series, coefficients: NDArray[np.float32], before: NDArray[np.float64], how: How) -> Smoothed:
    """Go on from the moves ``before``, each image against references that they aligned."""
    aligned = _aligned(series, coefficients, before, how)
    measured, information = before.copy(), np.zeros((*before.shape, 3))
    for members in _matched(series):
        bases = bases_of(series, references_of_class(series, aligned, members))
        found = refine_moves(
            bases, coefficients[:, members], before[members], rotation=how.rotation, threads=how.threads
        )
        measured[members], information[members] = _against_all(found[0], before[members]), found[1]
    return _together(series, coefficients, _weighed(series, measured, information, how, cautious=False), how)


def _matched(series: Series) -> list[NDArray[np.int_]]:
    """Return the classes with more than one image: one alone has nothing of its kind to be matched to."""
    return [members for members in series.classes if len(members) > 1]


def _against_all(found: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return moves against the mean of all n images, found against the means of the other n - 1.

    The others lie on the other side of the common mean, so a move looks larger by n / (n - 1).
    """
    return before + (found - before) * (1 - 1 / len(found))


def _weighed(
    series: Series, measured: NDArray[np.float64], information: NDArray[np.float64], how: How, *, cautious: bool
) -> Smoothed:
    """Weigh the slices of all images that were matched against each other; the others keep their place."""
    moves, sd_mm = measured.copy(), np.zeros((*measured.shape[:2], 2))
    matched = _matched(series)
    if not matched:
        return Smoothed(moves, sd_mm, ())
    some = np.concatenate(matched)
    found = smooth_along(
        measured[some], information[some], series.frame.slice_mm, rotation=how.rotation, cautious=cautious
    )
    moves[some], sd_mm[some] = found.moves, found.sd_mm
    return Smoothed(moves, sd_mm, found.priors)


def _together(series: Series, coefficients: NDArray[np.float32], found: Smoothed, how: How) -> Smoothed:
    """Bring the images without weighting to the place of those with it, and the mean of all to zero.

    Mean is matched against mean, whatever their contrast.
    """
    moves, sd_mm = found.moves.copy(), found.sd_mm.copy()
    classes = series.classes
    if len(classes) == 2:
        aligned = _aligned(series, coefficients, moves, how)
        plain, weighted = (aligned[:, members].mean(axis=1) for members in classes)
        offset = match_contrasts(
            plain, weighted, series.weights, series.frame, series.centres, rotation=how.rotation, threads=how.threads
        )
        moves[classes[0]] = seen_from(moves[classes[0]], offset.moves)
        sd_mm[classes[0]] = np.hypot(sd_mm[classes[0]], offset.sd_mm)
    return replace(found, moves=moves - moves.mean(axis=0), sd_mm=sd_mm)


def _aligned(
    series: Series, coefficients: NDArray[np.float32], moves: NDArray[np.float64], how: How
) -> NDArray[np.float32]:
    return move_back(coefficients, moves, series.frame.pixel_mm, series.centres, how.threads)[0]

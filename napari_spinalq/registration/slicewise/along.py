"""What neighbouring slices say about each other: moves along the stack as a Gaussian process.

A volume moves as a whole, bends smoothly along the stack, and jumps from slice to slice, since each slice is taken at
another moment of heartbeat and breath. How much of each there is, is learned from the series (its largest marginal
likelihood); each slice then keeps as much of its own measured move as its confidence deserves against that prior
(Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, chapters 2 and 5,
doi:10.7551/mitpress/3206.001.0001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

BEND_LENGTH_MM = 30.0
"""Distance along the stack over which a smooth bend of the cord is alike, mm: two cervical vertebrae."""

LARGEST_SD_MM = 20.0
"""A move is never less certain than this (mm), so that a slice without any structure stays harmless."""

SMALLEST_SD_MM = 0.003
"""No measured move is trusted more than this (mm): interpolation alone errs by as much."""

SURPRISE = 3.5
"""A slice that lies more standard deviations than this from what all others predict is trusted less."""

FEWEST_VOLUMES = 4
"""With fewer volumes the usual amounts of motion are taken instead of learning them."""


@dataclass(frozen=True)
class Prior:
    """Standard deviations of the parts of a move, mm.

    Attributes
    ----------
    whole_mm : float
        Of the volume as a whole.
    bend_mm : float
        Of a smooth bend along the stack.
    slice_mm : float
        Of each slice on its own.
    """

    whole_mm: float
    bend_mm: float
    slice_mm: float

    def covariance(self, slice_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the covariance (mm2) of slices at places ``slice_mm`` along the stack, shape (n, n)."""
        apart = (slice_mm[:, None] - slice_mm) / BEND_LENGTH_MM
        smooth = self.whole_mm**2 + self.bend_mm**2 * np.exp(-0.5 * apart**2)
        return smooth + self.slice_mm**2 * np.eye(len(slice_mm))


USUAL = Prior(1.0, 0.5, 0.3)
"""Motion to expect where it cannot be learned, mm: a choice, wide enough that a slice with a clear outline (a standard
error of 0.1 mm and less) decides for itself."""


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Moves that fit both what was seen in each slice and its neighbours.

    Attributes
    ----------
    moves : (n_volumes, n_slices, 3) array
        Mm.
    sd_mm : (n_volumes, n_slices, 2) array
        Standard error of the shifts of rows and columns, mm.
    priors : tuple of Prior
        For rows, columns and arc.
    """

    moves: NDArray[np.float64]
    sd_mm: NDArray[np.float64]
    priors: tuple[Prior, ...]


def smooth_along(
    measured: NDArray[np.float64],
    information: NDArray[np.float64],
    slice_mm: NDArray[np.float64],
    *,
    rotation: bool = False,
    cautious: bool = False,
) -> Smoothed:
    """Weigh the measured moves of slices against those of their neighbours.

    Parameters
    ----------
    measured : (n_volumes, n_slices, 3) array
        Moves, mm.
    information : (n_volumes, n_slices, 3, 3) array
        Inverse covariance of each, 1 / mm2.
    slice_mm : (n_slices,) array
        Places along the stack, mm.
    rotation : bool
        Whether turns were measured.
    cautious : bool
        Whether a slice that its neighbours contradict gives way to them altogether: wanted while searches may still
        have ended in a wrong place.
    """
    free = 3 if rotation else 2
    moves = measured[..., :free]
    errors = _covariances(information[..., :free, :free])
    for _ in range(8 if cautious else 2):
        variances = np.diagonal(errors, axis1=-2, axis2=-1)
        priors = tuple(_learned(moves[..., a], variances[..., a], slice_mm) for a in range(free))
        surprise = np.max([_surprise(moves[..., a], variances[..., a], priors[a], slice_mm) for a in range(free)], 0)
        if not (surprise > SURPRISE).any():
            break
        errors = errors * (np.maximum(surprise / SURPRISE, 1.0) ** 2)[..., None, None]
    found, variance = _posterior(moves, errors, priors, slice_mm)
    whole = np.zeros_like(measured)
    whole[..., :free] = found
    return Smoothed(whole, np.sqrt(variance[..., :2]), priors)


def _covariances(information: NDArray[np.float64]) -> NDArray[np.float64]:
    size = information.shape[-1]
    eye = np.eye(size)
    return np.linalg.inv(information + eye / LARGEST_SD_MM**2) + eye * SMALLEST_SD_MM**2


def _learned(moves: NDArray[np.float64], variances: NDArray[np.float64], slice_mm: NDArray[np.float64]) -> Prior:
    """Return the prior under which the moves (n_volumes, n_slices) of one direction are most likely."""
    if len(moves) < FEWEST_VOLUMES:
        return USUAL
    eye = np.eye(len(slice_mm))

    def misfit(logarithms: NDArray[np.float64]) -> float:
        total = Prior(*np.exp(logarithms)).covariance(slice_mm) + variances[:, :, None] * eye
        factor = np.linalg.cholesky(total)
        white = np.linalg.solve(factor, moves[..., None])[..., 0]
        return float(0.5 * (white**2).sum() + np.log(np.diagonal(factor, axis1=1, axis2=2)).sum())

    start = np.log([USUAL.whole_mm, USUAL.bend_mm, USUAL.slice_mm])
    found = minimize(misfit, start, method="L-BFGS-B", bounds=[(np.log(1e-3), np.log(10.0))] * 3)
    return Prior(*np.exp(found.x))


def _surprise(
    moves: NDArray[np.float64], variances: NDArray[np.float64], prior: Prior, slice_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many standard deviations each slice lies from the prediction of all others of its volume."""
    eye = np.eye(len(slice_mm))
    inverse = np.linalg.inv(prior.covariance(slice_mm) + variances[:, :, None] * eye)
    return np.abs((inverse @ moves[..., None])[..., 0]) / np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))


def _posterior(
    moves: NDArray[np.float64], errors: NDArray[np.float64], priors: tuple[Prior, ...], slice_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of moves (n_volumes, n_slices, m), directions taken together."""
    volumes, slices, free = moves.shape
    prior = np.zeros((slices, free, slices, free))
    noise = np.zeros((volumes, slices, free, slices, free))
    for a, one in enumerate(priors):
        prior[:, a, :, a] = one.covariance(slice_mm)
    for z in range(slices):
        noise[:, z, :, z, :] = errors[:, z]
    size = slices * free
    before = prior.reshape(size, size)
    gain = np.linalg.solve(before + noise.reshape(volumes, size, size), before[None]).transpose(0, 2, 1)
    mean = (gain @ moves.reshape(volumes, size, 1))[..., 0]
    variance = np.diagonal(before - gain @ before, axis1=1, axis2=2)
    return mean.reshape(moves.shape), np.maximum(variance, 0.0).reshape(moves.shape)

"""Smoothing values along a line with a penalised spline."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline
from scipy.linalg import solve

PENALTY_ORDER = 3
"""Derivative that is penalised. The third leaves an even bend untouched, so the ends of a curved cord keep their
direction; a penalty on the second (the usual smoothing spline) straightens them by several degrees."""

MIN_POINTS_FOR_BEND = 5
"""With fewer points a bend cannot be told from noise: the second derivative is penalised instead."""

KNOTS_PER_SMOOTHING_LENGTH = 6
"""Six knots in a half-gain wavelength: the spline then follows every bend that the penalty lets through."""


def smooth_curve(x: ArrayLike, values: ArrayLike, smoothing_length: float, weights: ArrayLike | None = None) -> BSpline:
    """Fit a smooth curve to noisy values.

    A cubic spline with even knots whose coefficients c minimise sum w (y - g)^2 + lam sum (difference^q c)^2, where
    q = ``PENALTY_ORDER``. The penalty is set so that a bend of wavelength L = ``smoothing_length`` keeps half of its
    amplitude. With knots h apart, a wave of wave number k in the coefficients has q-th differences larger by
    (2 sin(k h / 2))^q and gives a curve of (2 + cos(k h)) / 3 times its amplitude, so for data of density rho
    lam = rho h ((2 + cos(k h)) / 3)^2 / (2 sin(k h / 2))^2q at k = 2 pi / L.

    Parameters
    ----------
    x : (n,) array
        Strictly increasing positions, n >= 2.
    values : (n, m) array
        What was measured there.
    smoothing_length : float
        Wavelength at half gain, in the unit of ``x``.
    weights : (n,) array, optional
        Trust in each point, positive; only their ratios count.

    Returns
    -------
    scipy.interpolate.BSpline
        Call it with positions for values, shape (..., m); with a second argument 1 for slopes.

    References
    ----------
    Eilers and Marx 1996, Stat Sci 11:89, doi:10.1214/ss/1038425655 (P-splines).
    """
    positions, measured = np.asarray(x, dtype=float), np.asarray(values, dtype=float)
    trust = np.ones(len(positions)) if weights is None else np.asarray(weights, dtype=float)
    trust = trust / trust.mean()
    span = positions[-1] - positions[0]
    pieces = max(1, int(np.ceil(KNOTS_PER_SMOOTHING_LENGTH * span / smoothing_length)))
    step = span / pieces
    knots = positions[0] + step * np.arange(-3, pieces + 4)
    inside = np.clip(positions, knots[3], knots[-4])  # the last position may pass the last knot by a rounding error
    basis = BSpline.design_matrix(inside, knots, 3).toarray()
    order = PENALTY_ORDER if len(positions) >= MIN_POINTS_FOR_BEND else 2
    bends = np.diff(np.eye(pieces + 3), order, axis=0)
    phase = 2 * np.pi * step / smoothing_length
    response = (2 + np.cos(phase)) / 3
    penalty = len(positions) / span * step * response**2 / (2 * np.sin(phase / 2)) ** (2 * order)
    normal = basis.T @ (trust[:, None] * basis) + penalty * bends.T @ bends
    return BSpline(knots, solve(normal, basis.T @ (trust[:, None] * measured), assume_a="pos"), 3)

"""The most likely chain of discs along the cord: evidence at each disc, usual spacing between them.

A chain is a run of disc numbers from superior to inferior, each at a sample along the cord. Its score adds, for each
disc, how much its place looks like a disc, and takes off half the squared deviation of each spacing from the typical
one in units of its spread (a Gaussian log-likelihood), at a common scale for the person's size. The best chain is found
by dynamic programming (Viterbi 1967, IEEE Trans Inf Theory 13, 260-269, doi:10.1109/TIT.1967.1054010).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM, span_mm
from napari_spinalq.vertebrae import LAST_DISC

FIRST_TRUE_DISC = 3
"""C2-C3: there is no disc above it to be seen."""

SPACING_SPREAD = 0.12
"""Standard deviation of one spacing against the person's own typical one, as a part of it."""

SCALE_SPREAD = 0.12
"""Standard deviation of the logarithm of body size: adults span about 0.8 to 1.25 of the typical height."""

SCALES = np.exp(np.arange(-0.40, 0.321, 0.04))
"""Body sizes tried, from a child's 0.67 to 1.38."""

SPACING_RANGE = (0.6, 1.5)
"""Spacings tried, as a part of the scaled typical one."""

FORCED = 1e4
"""Score of a clicked disc: more than any chain can gain by leaving it out."""


@dataclass(frozen=True)
class Chain:
    """A run of discs.

    Attributes
    ----------
    first : int
        Number of the topmost disc.
    samples : tuple of int
        Sample along the cord of each disc, superior to inferior (descending).
    scale : float
        Body size against the typical one.
    score : float
        Log-likelihood against no disc at all, without the forced clicks.
    """

    first: int
    samples: tuple[int, ...]
    scale: float
    score: float

    @property
    def numbers(self) -> range:
        """Disc numbers, superior to inferior."""
        return range(self.first, self.first + len(self.samples))


def best_chain(
    reward: NDArray[np.float64],
    step_mm: float,
    *,
    fixed: Mapping[int, NDArray[np.float64]] | None = None,
    missing_cost: float = 0.0,
    first_disc: int | None = None,
) -> Chain | None:
    """Find the most likely chain of discs.

    Parameters
    ----------
    reward : (n,) array
        Log-likelihood ratio of a disc at each sample; samples grow to superior. ``-inf`` forbids a place.
    step_mm : float
        Distance between samples, mm.
    fixed : mapping of int to (n,) array, optional
        Discs that must be in the chain, with their own reward at each sample (``-inf`` far from the click).
    missing_cost : float
        Taken off for each disc that should be in view above the chain's top but is not part of it.
    first_disc : int, optional
        Only chains whose topmost disc has this number.

    Returns
    -------
    Chain or None
        None if no chain meets the conditions.
    """
    fixed = dict(fixed or {})
    numbers = range(min([FIRST_TRUE_DISC, *fixed]), LAST_DISC + 1)
    rewards = {number: fixed[number] + FORCED if number in fixed else reward for number in numbers}
    chains = [_best_at_scale(rewards, float(scale), step_mm, missing_cost, first_disc) for scale in SCALES]
    found = [chain for chain in chains if chain is not None and chain.score > (len(fixed) - 0.5) * FORCED]
    if not found:
        return None
    best = max(found, key=lambda chain: chain.score)
    return Chain(best.first, best.samples, best.scale, best.score - len(fixed) * FORCED)


def _best_at_scale(
    rewards: Mapping[int, NDArray[np.float64]],
    scale: float,
    step_mm: float,
    missing_cost: float,
    first_disc: int | None,
) -> Chain | None:
    total: dict[int, NDArray[np.float64]] = {}
    above: dict[int, NDArray[np.int_]] = {}
    for number, reward in rewards.items():
        start = _start_score(number, reward, scale, step_mm, missing_cost)
        if first_disc is not None and number != first_disc:
            start = np.full_like(start, -np.inf)
        above[number] = np.full(len(reward), -1)
        best = start
        if number - 1 in total:
            carried, origin = _step_down(total[number - 1], TYPICAL_HEIGHT_MM[number - 1] * scale, step_mm)
            above[number] = np.where(carried > start, origin, -1)
            best = np.maximum(start, carried)
        total[number] = best + reward
    last = max(total, key=lambda number: total[number].max())
    score = float(total[last].max()) - 0.5 * (np.log(scale) / SCALE_SPREAD) ** 2
    if not np.isfinite(score):
        return None
    return _trace(last, int(total[last].argmax()), above, scale, score)


def _start_score(
    number: int, reward: NDArray[np.float64], scale: float, step_mm: float, missing_cost: float
) -> NDArray[np.float64]:
    """Return the score of a chain that begins at each sample: less for each disc that had room above it in view."""
    if missing_cost == 0 or number <= FIRST_TRUE_DISC:
        return np.zeros(len(reward))
    visible = np.flatnonzero(np.isfinite(reward))
    room_mm = (visible.max(initial=0) - np.arange(len(reward))) * step_mm
    spans = [scale * span_mm(upper, number) for upper in range(number - 1, FIRST_TRUE_DISC - 1, -1)]
    return -missing_cost * np.searchsorted(spans, room_mm, side="right")


def _step_down(
    upper_total: NDArray[np.float64], height_mm: float, step_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return, for each sample of the next disc down, the best score carried from the disc above and its sample."""
    low, high = (round(part * height_mm / step_mm) for part in SPACING_RANGE)
    spacings = np.arange(max(1, low), high + 1)
    cost = 0.5 * ((spacings * step_mm / height_mm - 1) / SPACING_SPREAD) ** 2
    padded = np.concatenate([upper_total, np.full(spacings[-1], -np.inf)])
    windows = sliding_window_view(padded[spacings[0] :], len(spacings))[: len(upper_total)]
    options = windows - cost
    best = options.argmax(axis=1)
    return np.take_along_axis(options, best[:, None], axis=1)[:, 0], np.arange(len(upper_total)) + spacings[best]


def _trace(last: int, sample: int, above: Mapping[int, NDArray[np.int_]], scale: float, score: float) -> Chain:
    samples, number = [sample], last
    while above[number][samples[-1]] >= 0:
        samples.append(int(above[number][samples[-1]]))
        number -= 1
    return Chain(number, tuple(reversed(samples)), scale, score)

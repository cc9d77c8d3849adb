"""The most likely chain of discs along the cord: evidence at each disc, usual spacing between them.

A chain is a run of disc numbers from superior to inferior, each at a sample along the cord. Its score adds, for each
disc, how much its place looks like a disc, and takes off half the squared deviation of each spacing from the typical
one in units of its spread (a Gaussian log-likelihood), at a common scale for the person's size. Between two neighbours
it also takes off what looks like another disc there: a disc must not be passed over. The best chain is found
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

LANDMARK_FLOOR = -8.0
"""Least that a landmark can add to a score: four standard deviations; farther off it says nothing more."""

NEAR_DISC = 0.3
"""Within this part of a level's typical height a sample belongs to the disc itself; farther on, evidence is another's.
"""

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


@dataclass(frozen=True)
class Expected:
    """The stretch of the spine where no disc may be missing for nothing.

    Attributes
    ----------
    first_sample, last_sample : int
        Its inferior and superior end.
    cost : float
        Log-likelihood lost for each disc that has room in it beyond the ends of a chain.
    """

    first_sample: int
    last_sample: int
    cost: float


@dataclass(frozen=True)
class Landmark:
    """A place seen in the image, independent of the discs, and how far it lies above C2-C3.

    Attributes
    ----------
    sample : int
        Sample of the landmark.
    above_c2c3_mm : float
        Its typical distance above C2-C3; it grows with body size as the levels do.
    spread_mm : float
        Standard deviation of that expectation.
    """

    sample: int
    above_c2c3_mm: float
    spread_mm: float

    def off_mm(self, first_disc: int, samples: NDArray[np.int_], scale: float, step_mm: float) -> NDArray[np.float64]:
        """Return how far above its expected place C2-C3 lies if ``first_disc`` lies at each sample, mm."""
        above_mm = scale * (self.above_c2c3_mm + span_mm(FIRST_TRUE_DISC, first_disc))
        return (np.asarray(samples, dtype=np.float64) - self.sample) * step_mm + above_mm

    def log_likelihood(
        self, first_disc: int, samples: NDArray[np.int_], scale: float, step_mm: float
    ) -> NDArray[np.float64]:
        """Return the log-likelihood of each place of the topmost disc, 0 at best.

        Gaussian with a floor: a landmark that contradicts every name is itself mistaken.
        """
        gaussian = -0.5 * (self.off_mm(first_disc, samples, scale, step_mm) / self.spread_mm) ** 2
        return np.maximum(gaussian, LANDMARK_FLOOR)


@dataclass(frozen=True, eq=False)
class _Terms:
    """What a chain is scored by beside the rewards of its discs and its spacings."""

    step_mm: float
    expected: Expected | None
    landmark: Landmark | None
    passed: Mapping[int, NDArray[np.float64]]

    @classmethod
    def of(
        cls,
        rewards: Mapping[int, NDArray[np.float64]],
        step_mm: float,
        expected: Expected | None,
        landmark: Landmark | None,
    ) -> _Terms:
        passed = {n: _passed_over(reward, TYPICAL_HEIGHT_MM[n], step_mm) for n, reward in rewards.items()}
        return cls(step_mm, expected, landmark, passed)


def best_chain(
    rewards: Mapping[int, NDArray[np.float64]],
    step_mm: float,
    *,
    fixed: Mapping[int, NDArray[np.float64]],
    expected: Expected | None = None,
) -> Chain | None:
    """Find the most likely chain through discs whose names are known.

    Parameters
    ----------
    rewards : mapping of int to (n,) array
        Log-likelihood ratio of each disc number at each sample; samples grow to superior. ``-inf`` forbids a place.
    step_mm : float
        Distance between samples, mm.
    fixed : mapping of int to (n,) array
        Discs that must be in the chain, with their own reward at each sample (``-inf`` far from the click).
    expected : Expected, optional
        Where discs must be seen; without it a chain may end anywhere at no cost.

    Returns
    -------
    Chain or None
        None if no chain holds all fixed discs.
    """
    numbers = range(min([FIRST_TRUE_DISC, *fixed]), LAST_DISC + 1)
    scores = {number: fixed[number] + FORCED if number in fixed else rewards[number] for number in numbers}
    best = _best_over_scales(scores, _Terms.of(rewards, step_mm, expected, None), None)
    if best is None or best.score < (len(fixed) - 0.5) * FORCED:
        return None
    return Chain(best.first, best.samples, best.scale, best.score - len(fixed) * FORCED)


def chains_by_name(
    rewards: Mapping[int, NDArray[np.float64]],
    step_mm: float,
    *,
    expected: Expected | None = None,
    landmark: Landmark | None = None,
) -> list[Chain]:
    """Find the most likely chain for each name of its topmost disc, C2-C3 and below.

    Parameters
    ----------
    rewards, step_mm, expected
        As :func:`best_chain`.
    landmark : Landmark, optional
        Weighs on the top of the chain.

    Returns
    -------
    list of Chain
        The most likely first.
    """
    terms = _Terms.of(rewards, step_mm, expected, landmark)
    chains = []
    for first in range(FIRST_TRUE_DISC, LAST_DISC + 1):
        scores = {number: rewards[number] for number in range(first, LAST_DISC + 1)}
        chains.append(_best_over_scales(scores, terms, first))
    return sorted((chain for chain in chains if chain is not None), key=lambda chain: -chain.score)


def _best_over_scales(
    rewards: Mapping[int, NDArray[np.float64]], terms: _Terms, first_disc: int | None
) -> Chain | None:
    chains = [_best_at_scale(rewards, terms, float(scale), first_disc) for scale in SCALES]
    return max((chain for chain in chains if chain is not None), key=lambda chain: chain.score, default=None)


def _best_at_scale(
    rewards: Mapping[int, NDArray[np.float64]], terms: _Terms, scale: float, first_disc: int | None
) -> Chain | None:
    total: dict[int, NDArray[np.float64]] = {}
    ended: dict[int, NDArray[np.float64]] = {}
    above: dict[int, NDArray[np.int_]] = {}
    for number, reward in rewards.items():
        start, end = _end_scores(number, len(reward), scale, terms)
        if first_disc is not None and number != first_disc:
            start = np.full_like(start, -np.inf)
        above[number] = np.full(len(reward), -1)
        best = start
        if number - 1 in total:
            height_mm = TYPICAL_HEIGHT_MM[number - 1] * scale
            carried, origin = _step_down(total[number - 1], terms.passed[number - 1], height_mm, terms.step_mm)
            above[number] = np.where(carried > start, origin, -1)
            best = np.maximum(start, carried)
        total[number] = best + reward
        ended[number] = total[number] + end
    last = max(ended, key=lambda number: ended[number].max())
    score = float(ended[last].max()) - 0.5 * (np.log(scale) / SCALE_SPREAD) ** 2
    if not np.isfinite(score):
        return None
    return _trace(last, int(ended[last].argmax()), above, scale, score)


def _end_scores(
    number: int, n_samples: int, scale: float, terms: _Terms
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the score of a chain that begins, and of one that ends, with this disc at each sample.

    Less for each further disc that had room in the expected stretch above, or below, and where the landmark disagrees.
    """
    samples = np.arange(n_samples)
    start, end = np.zeros(n_samples), np.zeros(n_samples)
    if terms.landmark is not None:
        start += terms.landmark.log_likelihood(number, samples, scale, terms.step_mm)
    if terms.expected is not None:
        up = [scale * span_mm(upper, number) for upper in range(number - 1, FIRST_TRUE_DISC - 1, -1)]
        down = [scale * span_mm(number, lower) for lower in range(number + 1, LAST_DISC + 1)]
        room_above_mm = (terms.expected.last_sample - samples) * terms.step_mm
        room_below_mm = (samples - terms.expected.first_sample) * terms.step_mm
        start -= terms.expected.cost * np.searchsorted(up, room_above_mm, side="right")
        end -= terms.expected.cost * np.searchsorted(down, room_below_mm, side="right")
    return start, end


def _step_down(
    upper_total: NDArray[np.float64], passed: NDArray[np.float64], height_mm: float, step_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return, for each sample of the next disc down, the best score carried from the disc above and its sample."""
    low, high = (round(part * height_mm / step_mm) for part in SPACING_RANGE)
    spacings = np.arange(max(1, low), high + 1)
    cost = 0.5 * ((spacings * step_mm / height_mm - 1) / SPACING_SPREAD) ** 2
    padded = np.concatenate([upper_total, np.full(spacings[-1], -np.inf)])
    windows = sliding_window_view(padded[spacings[0] :], len(spacings))[: len(upper_total)]
    options = windows - cost - passed[:, spacings]
    best = options.argmax(axis=1)
    return np.take_along_axis(options, best[:, None], axis=1)[:, 0], np.arange(len(upper_total)) + spacings[best]


def _passed_over(reward: NDArray[np.float64], height_mm: float, step_mm: float) -> NDArray[np.float64]:
    """Return the greatest evidence for another disc between a sample and each spacing above it.

    Parameters
    ----------
    reward : (n,) array
        Log-likelihood ratio of the upper disc at each sample.
    height_mm : float
        Typical height of the level below the upper disc.
    step_mm : float
        Distance between samples.

    Returns
    -------
    (n, m) array
        Indexed by the sample of the lower disc and by the spacing in samples; at least 0.
    """
    longest = int(np.ceil(SPACING_RANGE[1] * SCALES[-1] * height_mm / step_mm)) + 1
    near = round(NEAR_DISC * height_mm / step_mm)
    padded = np.concatenate([np.maximum(reward, 0.0), np.zeros(longest)])
    passed = np.zeros((len(reward), longest + 1))
    for spacing in range(2 * near + 1, longest + 1):
        another = padded[spacing - near :][: len(reward)]
        passed[:, spacing] = np.maximum(passed[:, spacing - 1], another)
    return passed


def _trace(last: int, sample: int, above: Mapping[int, NDArray[np.int_]], scale: float, score: float) -> Chain:
    samples, number = [sample], last
    while above[number][samples[-1]] >= 0:
        samples.append(int(above[number][samples[-1]]))
        number -= 1
    return Chain(number, tuple(reversed(samples)), scale, score)

"""The most likely chain of discs along the cord: evidence at each disc, usual spacing between them.

A chain is a run of disc numbers from superior to inferior, each at a sample along the cord. Its score adds, for each
disc, how much its place looks like a disc, and takes off half the squared deviation of each spacing from the typical
one in units of its spread (a Gaussian log-likelihood), at a common scale for the person's size. Between two neighbours
it also takes off what looks like another disc there: a disc must not be passed over. The best chain is found
by dynamic programming (Viterbi 1967, IEEE Trans Inf Theory 13, 260-269, doi:10.1109/TIT.1967.1054010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM, span_mm
from napari_spinalq.vertebrae import FIRST_DISC, LAST_DISC

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

SAME_PLACE_MM = 8.0
"""Chains whose topmost disc of one name lies farther apart than this (mm, half a cervical level) are different."""

DENS_BASE_RARITY = 0.7
"""Evidence (natural logarithm) that a disc-like place at the base of the dens must have before it speaks for C2-C3
below it: the remnant of the disc between the dens and the body of C2 is seen in about half of people."""

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
    dens: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        rewards: Mapping[int, NDArray[np.float64]],
        step_mm: float,
        expected: Expected | None,
        landmark: Landmark | None,
    ) -> _Terms:
        passed = {n: _passed_over(reward, TYPICAL_HEIGHT_MM[n], step_mm) for n, reward in rewards.items()}
        dens = rewards.get(FIRST_DISC, np.zeros(len(next(iter(rewards.values())))))
        return cls(step_mm, expected, landmark, passed, np.maximum(dens, 0.0))


@dataclass(frozen=True, eq=False)
class _Tails:
    """The best chain downward from each disc at each sample, at one body size."""

    scale: float
    start: Mapping[int, NDArray[np.float64]]
    total: Mapping[int, NDArray[np.float64]]
    below: Mapping[int, NDArray[np.int_]]

    def scores(self, first_disc: int) -> NDArray[np.float64]:
        """Return the score of the best chain whose topmost disc is ``first_disc``, by the sample of that disc."""
        size = 0.5 * (np.log(self.scale) / SCALE_SPREAD) ** 2
        return self.start[first_disc] + self.total[first_disc] - size

    def chain(self, first_disc: int, sample: int) -> Chain:
        """Return the best chain whose topmost disc is ``first_disc`` at this sample."""
        samples, number = [sample], first_disc
        while self.below[number][samples[-1]] >= 0:
            samples.append(int(self.below[number][samples[-1]]))
            number += 1
        return Chain(first_disc, tuple(samples), self.scale, float(self.scores(first_disc)[sample]))


def best_chain(
    rewards: Mapping[int, NDArray[np.float64]],
    step_mm: float,
    *,
    fixed: Mapping[int, NDArray[np.float64]],
    expected: Expected | None = None,
    landmark: Landmark | None = None,
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
    landmark : Landmark, optional
        Weighs on the top of the chain.

    Returns
    -------
    Chain or None
        None if no chain holds all fixed discs.
    """
    numbers = range(min([FIRST_TRUE_DISC, *fixed]), LAST_DISC + 1)
    scores = {number: fixed[number] + FORCED if number in fixed else rewards[number] for number in numbers}
    chains = _chains(scores, _Terms.of(rewards, step_mm, expected, landmark))
    if not chains or chains[0].score < (len(fixed) - 0.5) * FORCED:
        return None
    return replace(chains[0], score=chains[0].score - len(fixed) * FORCED)


def chains_by_name(
    rewards: Mapping[int, NDArray[np.float64]],
    step_mm: float,
    *,
    expected: Expected | None = None,
    landmark: Landmark | None = None,
) -> list[Chain]:
    """Find the most likely chains for each name of the topmost disc, C2-C3 and below: two, at different places.

    Parameters
    ----------
    rewards, step_mm, expected, landmark
        As :func:`best_chain`.

    Returns
    -------
    list of Chain
        The most likely first.
    """
    scores = {number: rewards[number] for number in range(FIRST_TRUE_DISC, LAST_DISC + 1)}
    return _chains(scores, _Terms.of(rewards, step_mm, expected, landmark))


def _chains(scores: Mapping[int, NDArray[np.float64]], terms: _Terms) -> list[Chain]:
    """Return the best chains over all body sizes for each name of the topmost disc, the most likely first."""
    sizes = [_tails(scores, terms, float(scale)) for scale in SCALES]
    chains = [chain for first in scores for chain in _best_places(first, sizes, terms.step_mm)]
    return sorted(chains, key=lambda chain: -chain.score)


def _best_places(first: int, sizes: Sequence[_Tails], step_mm: float) -> list[Chain]:
    """Return the best chain from this topmost disc, and the best one that puts it at another place."""
    by_size = np.array([tails.scores(first) for tails in sizes])
    score = by_size.max(axis=0)
    chains = []
    for _ in range(2):
        sample = int(score.argmax())
        if not np.isfinite(score[sample]):
            break
        chains.append(sizes[int(by_size[:, sample].argmax())].chain(first, sample))
        near = round(SAME_PLACE_MM / step_mm)
        score[max(0, sample - near) : sample + near + 1] = -np.inf
    return chains


def _tails(scores: Mapping[int, NDArray[np.float64]], terms: _Terms, scale: float) -> _Tails:
    start: dict[int, NDArray[np.float64]] = {}
    total: dict[int, NDArray[np.float64]] = {}
    below: dict[int, NDArray[np.int_]] = {}
    for number in sorted(scores, reverse=True):
        reward = scores[number]
        start[number], best = _end_scores(number, len(reward), scale, terms)
        below[number] = np.full(len(reward), -1)
        if number + 1 in total:
            height_mm = TYPICAL_HEIGHT_MM[number] * scale
            carried, origin = _carried_up(total[number + 1], terms.passed[number], height_mm, terms.step_mm)
            below[number] = np.where(carried > best, origin, -1)
            best = np.maximum(best, carried)
        total[number] = best + reward
    return _Tails(scale, start, total, below)


def _end_scores(
    number: int, n_samples: int, scale: float, terms: _Terms
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the score of a chain that begins, and of one that ends, with this disc at each sample.

    Less for each further disc that had room in the expected stretch above, or below, and where the landmark disagrees;
    more for C2-C3 if the base of the dens is seen above it.
    """
    samples = np.arange(n_samples)
    start, end = np.zeros(n_samples), np.zeros(n_samples)
    if number == FIRST_TRUE_DISC:
        start += _dens_base(terms.dens, scale * TYPICAL_HEIGHT_MM[FIRST_DISC], terms.step_mm)
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


def _dens_base(evidence: NDArray[np.float64], height_mm: float, step_mm: float) -> NDArray[np.float64]:
    """Return what a disc-like place at the base of the dens, ``height_mm`` above each sample, adds to C2-C3 there."""
    return np.maximum(_best_spaced(evidence, height_mm, step_mm, upward=True)[0] - DENS_BASE_RARITY, 0.0)


def _carried_up(
    lower_total: NDArray[np.float64], passed: NDArray[np.float64], height_mm: float, step_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return, for each sample of a disc, the best score carried from the disc below it and the sample of that one."""
    return _best_spaced(lower_total, height_mm, step_mm, passed=passed)


def _best_spaced(
    values: NDArray[np.float64],
    height_mm: float,
    step_mm: float,
    *,
    passed: NDArray[np.float64] | None = None,
    upward: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return the best value one level away from each sample, less the cost of its distance, and its sample.

    Parameters
    ----------
    values : (n,) array
        To choose from.
    height_mm, step_mm : float
        Usual distance, and distance between samples.
    passed : (n, m) array, optional
        Further cost by sample and distance in samples.
    upward : bool
        Look above each sample instead of below.
    """
    if upward:
        best, origin = _best_spaced(values[::-1], height_mm, step_mm)
        return best[::-1], len(values) - 1 - origin[::-1]
    low, high = (round(part * height_mm / step_mm) for part in SPACING_RANGE)
    spacings = np.arange(max(1, low), high + 1)
    cost = 0.5 * ((spacings * step_mm / height_mm - 1) / SPACING_SPREAD) ** 2
    padded = np.concatenate([np.full(spacings[-1], -np.inf), values])
    windows = sliding_window_view(padded[: len(padded) - spacings[0]], len(spacings))[:, ::-1]
    options = windows - cost
    if passed is not None:
        options -= passed[:, spacings]
    best = options.argmax(axis=1)
    return np.take_along_axis(options, best[:, None], axis=1)[:, 0], np.arange(len(values)) - spacings[best]


def _passed_over(reward: NDArray[np.float64], height_mm: float, step_mm: float) -> NDArray[np.float64]:
    """Return the greatest evidence for another disc between a sample and each spacing below it.

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
        Indexed by the sample of the upper disc and by the spacing in samples; at least 0.
    """
    longest = int(np.ceil(SPACING_RANGE[1] * SCALES[-1] * height_mm / step_mm)) + 1
    near = round(NEAR_DISC * height_mm / step_mm)
    padded = np.concatenate([np.zeros(longest), np.maximum(reward, 0.0)])
    passed = np.zeros((len(reward), longest + 1))
    for spacing in range(2 * near + 1, longest + 1):
        another = padded[longest - spacing + near :][: len(reward)]
        passed[:, spacing] = np.maximum(passed[:, spacing - 1], another)
    return passed

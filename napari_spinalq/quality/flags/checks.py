"""What is checked on every measured scan: the score of each check, its unit, its threshold and the reason for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np


class Check(StrEnum):
    """One thing that may be wrong with a mask, its image or its levels."""

    LEAK = "leak"
    HOLE = "hole"
    SECOND_COMPONENT = "second_component"
    AREA_JUMP = "area_jump"
    MISSING_SLICE = "missing_slice"
    CORD_OUTSIDE_CANAL = "cord_outside_canal"
    GM_OUTSIDE_CORD = "gm_outside_cord"
    LEVEL_ORDER = "level_order"
    LOW_CONFIDENCE = "low_confidence"
    MOTION = "motion"
    LOW_SNR = "low_snr"
    PARTIAL_FIELD_OF_VIEW = "partial_field_of_view"
    ASYMMETRY = "asymmetry"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Rule:
    """When a score becomes a flag, and how much the flag weighs.

    Attributes
    ----------
    title : str
        Name for people.
    meaning : str
        What the score is, in words.
    unit : str
        Of score, threshold and severe.
    threshold : float
        A score beyond it is flagged; a score equal to it is not.
    severe : float
        Score at which the fault is as bad as it gets for sorting. Below the threshold where low scores are bad.
    weight : float
        Suspicion (0..1) that a severe fault alone gives to a scan: near 1 where the numbers are wrong, less where they
        are only less sure.
    reason : str
        Why the threshold lies there, with its source.
    """

    title: str
    meaning: str
    unit: str
    threshold: float
    severe: float
    weight: float
    reason: str

    @property
    def low_is_bad(self) -> bool:
        """Whether a low score is the bad one, as of a contrast-to-noise ratio."""
        return self.severe < self.threshold

    def badness(self, score: float) -> float:
        """Return the score with its sign turned so that more is always worse."""
        return -score if self.low_is_bad else score

    def is_flagged(self, score: float) -> bool:
        """Tell whether a score lies beyond the threshold; NaN (not assessable) does not."""
        return bool(self.badness(score) > self.badness(self.threshold))

    def severity(self, score: float) -> float:
        """Return how bad a flagged score is: 0 at the threshold, 1 from ``severe`` on."""
        return float(np.clip((score - self.threshold) / (self.severe - self.threshold), 0.0, 1.0))


RULES: Mapping[Check, Rule] = MappingProxyType(
    {
        Check.LEAK: Rule(
            "leak",
            "how far the outline, mean over 30 degrees, stands out from the usual one of the slices within 25 mm",
            "mm", 1.0, 4.0, 0.9,
            "clean digital cords reach 0.9 on pixels of 0.5 to 1 mm: a pixel of the rim and the cord's own change",
        ),
        Check.HOLE: Rule(
            "hole",
            "area that the mask encloses without holding it, worst slice",
            "mm²", 0.0, 5.0, 0.6,
            "a section of the cord has no hole; what a syrinx or a lesion leaves out belongs to the cord",
        ),
        Check.SECOND_COMPONENT: Rule(
            "second component",
            "volume that does not hang together with the cord",
            "mm³", 0.0, 100.0, 0.5,
            "there is one cord; all else is stray and is left out of the measures",
        ),
        Check.AREA_JUMP: Rule(
            "area jump",
            "change of area between neighbouring slices beyond 1 % a mm, worst pair",
            "%", 13.0, 50.0, 0.9,
            "clean digital cords reach 12.3 on pixels of 0.9 mm, where a row of pixels is a tenth of the section",
        ),
        Check.MISSING_SLICE: Rule(
            "missing slice",
            "slices without mask between others",
            "slices", 0.0, 4.0, 0.7,
            "the cord does not end and begin again",
        ),
        Check.CORD_OUTSIDE_CANAL: Rule(
            "cord outside canal",
            "share of the cord outside the canal, worst slice",
            "%", 2.0, 30.0, 0.8,
            "the cord lies within its sac; where each was drawn by itself, a pixel of the rim may be outside",
        ),
        Check.GM_OUTSIDE_CORD: Rule(
            "GM outside cord",
            "share of grey matter outside the cord, worst slice",
            "%", 2.0, 30.0, 0.8,
            "grey matter lies within the cord; where each was drawn by itself, the tip of a horn may be outside",
        ),
        Check.LEVEL_ORDER: Rule(
            "order of levels",
            "oddest spacing, place or size of the named discs against the usual ones",
            "sd", 3.0, 8.0, 0.9,
            "by chance one in 370; the spreads are those of levels/chain.py",
        ),
        Check.LOW_CONFIDENCE: Rule(
            "low confidence",
            "length of cord whose automatic outline is likely to be wrong (confidence under 0.8)",
            "mm", 4.0, 40.0, 0.7,
            "one slice of 5 mm is told, a few thin ones are not; clean digital scans have none",
        ),
        Check.MOTION: Rule(
            "motion",
            "shift of neighbouring slices in image and mask beyond the course of the cord, worst pair",
            "mm", 0.5, 3.0, 0.6,
            "clean digital cords reach 0.4, half a pixel",
        ),
        Check.LOW_SNR: Rule(
            "low contrast to noise",
            "difference of the cord from what surrounds it over the standard deviation of the noise, median slice",
            "times", 3.0, 1.0, 0.6,
            "Rose 1948, J Opt Soc Am 38, 196-208, doi:10.1364/JOSA.38.000196: what differs by less than three to five "
            "times the noise is not seen for certain in a single spot",
        ),
        Check.PARTIAL_FIELD_OF_VIEW: Rule(
            "partial field of view",
            "width of image left beside the cord, worst slice",
            "mm", 3.0, 0.0, 0.5,
            "the fluid around a cervical cord is 2 to 5 mm wide; without it neither edge nor canal can be judged",
        ),
        Check.ASYMMETRY: Rule(
            "asymmetry",
            "difference of left and right beside the plane about which the image is symmetrical, over 10 mm of cord",
            "%", 15.0, 50.0, 0.4,
            "clean digital cords reach 9; the plane of symmetry of a person is less exact, and 0.2 mm of it are 8 %",
        ),
        Check.TRUNCATED: Rule(
            "truncated",
            "slices in which the mask reaches a side of the image",
            "slices", 0.0, 5.0, 0.9,
            "a mask that ends with the image is cut: its area is too small",
        ),
    }
)  # fmt: skip
"""The rule of every check. What each catches and misses stands in ``docs/flags.md``."""

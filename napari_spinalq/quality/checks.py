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
            "largest distance by which the outline stands out from the outlines of the slices within 15 mm, over 30 "
            "degrees of the outline",
            "mm", 1.2, 5.0, 0.9,
            "above every clean digital scan of the setting half: pixels of 0.9 mm and the end of a mask give up to 1.1",
        ),
        Check.HOLE: Rule(
            "hole",
            "area that the mask encloses without holding it, largest slice",
            "mm²", 0.0, 5.0, 0.6,
            "a cross-section of the cord has no hole; a reader who finds a syrinx counts it as cord",
        ),
        Check.SECOND_COMPONENT: Rule(
            "second component",
            "volume that does not hang together with the cord",
            "mm³", 0.0, 100.0, 0.5,
            "there is one cord: everything else is stray, and is left out of the measures",
        ),
        Check.AREA_JUMP: Rule(
            "area jump",
            "largest change of area between neighbouring slices",
            "%", 20.0, 60.0, 0.9,
            "set on the digital scans",
        ),
        Check.MISSING_SLICE: Rule(
            "missing slice",
            "slices without mask between others",
            "slices", 0.0, 4.0, 0.7,
            "the cord does not end and begin again",
        ),
        Check.CORD_OUTSIDE_CANAL: Rule(
            "cord outside canal",
            "share of the cord that lies outside the canal, worst slice",
            "%", 3.0, 30.0, 0.8,
            "the cord lies within its sac; where both were drawn by hand, a pixel of the rim may be outside",
        ),
        Check.GM_OUTSIDE_CORD: Rule(
            "GM outside cord",
            "share of grey matter that lies outside the cord, worst slice",
            "%", 2.0, 30.0, 0.8,
            "grey matter lies within the cord; where both were drawn by hand, the tip of a horn may be outside",
        ),
        Check.LEVEL_ORDER: Rule(
            "order of levels",
            "distance of the oddest spacing, place or size of the named discs from the usual one",
            "standard deviations", 3.0, 8.0, 0.9,
            "by chance one in 370; spread of spacings and sizes as in levels/chain.py",
        ),
        Check.LOW_CONFIDENCE: Rule(
            "low confidence",
            "share of the automatic slices whose outline is likely to be wrong (confidence under 0.8)",
            "%", 10.0, 60.0, 0.7,
            "one slice in ten is expected on good scans",
        ),
        Check.MOTION: Rule(
            "motion",
            "largest shift of a slice against its neighbours, seen in the image and beyond the course of the cord",
            "mm", 0.8, 3.0, 0.6,
            "set on the digital scans",
        ),
        Check.LOW_SNR: Rule(
            "low contrast to noise",
            "difference between the cord and what surrounds it over the standard deviation of the noise",
            "times noise", 5.0, 1.0, 0.6,
            "Rose 1948, J Opt Soc Am 38, 196-208, doi:10.1364/JOSA.38.000196: what stands out by less than about five "
            "times the noise is not seen with certainty",
        ),
        Check.PARTIAL_FIELD_OF_VIEW: Rule(
            "partial field of view",
            "least distance from the cord to where the image ends or is blank, within the slice",
            "mm", 3.0, 0.0, 0.5,
            "the CSF around the cord is 2 to 5 mm wide; without it neither edge nor canal can be judged",
        ),
        Check.ASYMMETRY: Rule(
            "asymmetry",
            "difference of left and right beside the plane about which the image is symmetrical, over 10 mm of cord",
            "%", 15.0, 50.0, 0.4,
            "set on the digital scans",
        ),
        Check.TRUNCATED: Rule(
            "truncated",
            "slices in which the mask reaches the side of the image",
            "slices", 0.0, 5.0, 0.9,
            "a mask that ends with the image is cut: its area is too small",
        ),
    }
)  # fmt: skip
"""The rule of every check. How thresholds were set, and what they catch and miss, stands in ``docs/flags.md``."""

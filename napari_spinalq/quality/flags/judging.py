"""Automatic flags: what to look at in a measured scan, and how urgently.

A flag is no verdict. It says that a score lies beyond its threshold, and where. What each score is, why its threshold
lies there, and how often it catches a fault and cries wolf stands in ``docs/flags.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from napari_spinalq.quality.flags import image_checks, mask_checks, relation_checks, slice_checks
from napari_spinalq.quality.flags.checks import RULES, Check
from napari_spinalq.quality.flags.evidence import Evidence, gather
from napari_spinalq.quality.flags.finding import Finding
from napari_spinalq.results import ScanResult

LEAST_SHARE = 0.3
"""A flag that has just crossed its threshold weighs this share of a severe one."""


@dataclass(frozen=True)
class Flag:
    """One thing to look at.

    Attributes
    ----------
    check : Check
        What was checked.
    score : float
        What was compared with the threshold, in the unit of the check's rule.
    threshold : float
        Of the check.
    slices : tuple of int
        Where, as axial slices in work order (inferior to superior); empty if it concerns the whole scan.
    sentence : str
        Short and plain, with the place.
    """

    check: Check
    score: float
    threshold: float
    slices: tuple[int, ...]
    sentence: str


_CHECKS: Mapping[Check, Callable[[Evidence], Finding]] = MappingProxyType(
    {
        Check.LEAK: mask_checks.leak,
        Check.HOLE: mask_checks.hole,
        Check.SECOND_COMPONENT: mask_checks.second_component,
        Check.AREA_JUMP: mask_checks.area_jump,
        Check.MISSING_SLICE: mask_checks.missing_slice,
        Check.CORD_OUTSIDE_CANAL: relation_checks.cord_outside_canal,
        Check.GM_OUTSIDE_CORD: relation_checks.gm_outside_cord,
        Check.LEVEL_ORDER: relation_checks.level_order,
        Check.LOW_CONFIDENCE: relation_checks.low_confidence,
        Check.MOTION: slice_checks.motion,
        Check.LOW_SNR: image_checks.low_snr,
        Check.PARTIAL_FIELD_OF_VIEW: image_checks.partial_field_of_view,
        Check.ASYMMETRY: slice_checks.asymmetry,
        Check.TRUNCATED: mask_checks.truncated,
    }
)


def findings_of(result: ScanResult) -> dict[Check, Finding]:
    """Run every check on a measured scan, flagged or not."""
    evidence = gather(result)
    return {check: look(evidence) for check, look in _CHECKS.items()}


def finding_of(result: ScanResult, check: Check) -> Finding:
    """Run one check on a measured scan."""
    return _CHECKS[check](gather(result))


def flags_of(result: ScanResult) -> tuple[Flag, ...]:
    """Return what to look at in a measured scan, most suspicious first.

    Parameters
    ----------
    result : ScanResult
        From :func:`~napari_spinalq.pipeline.measure_scan`.
    """
    found = [
        Flag(check, finding.score, RULES[check].threshold, finding.slices, finding.sentence)
        for check, finding in findings_of(result).items()
        if RULES[check].is_flagged(finding.score)
    ]
    return tuple(sorted(found, key=lambda flag: -_suspicion_of(flag)))


def scores_of(result: ScanResult) -> dict[Check, float]:
    """Return the score of every check, below its threshold too; NaN where it cannot be assessed."""
    return {check: finding.score for check, finding in findings_of(result).items()}


def suspicion(flags: Iterable[Flag]) -> float:
    """Return how much a scan deserves to be looked at first, 0 (nothing flagged) to 1.

    Each flag alone gives ``weight * (LEAST_SHARE + (1 - LEAST_SHARE) * severity)``, weight and severity as in the rule
    of its check. Several are put together as if they were independent: one minus the product of what each leaves. It
    sorts a worklist and is no probability.

    Examples
    --------
    >>> suspicion([])
    0.0
    >>> hole = Flag(Check.HOLE, 5.0, 0.0, (3,), "hole of 5 mm² in the mask at slice 3")
    >>> suspicion([hole]), round(suspicion([hole, hole]), 2)
    (0.6, 0.84)
    """
    return float(1.0 - np.prod([1.0 - _suspicion_of(flag) for flag in flags]))


def _suspicion_of(flag: Flag) -> float:
    rule = RULES[flag.check]
    return rule.weight * (LEAST_SHARE + (1 - LEAST_SHARE) * rule.severity(flag.score))

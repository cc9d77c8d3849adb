"""Finding the discs of a scan and naming them, from one click or more, from the head end, or as an open guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.levels.chain import FIRST_TRUE_DISC, Chain, best_chain
from napari_spinalq.levels.discs import Disc, Labelling, Origin, by_number, check_discs, disc_arcs_mm, with_gaps_filled
from napari_spinalq.levels.estimate import estimate_along, with_c1c2
from napari_spinalq.levels.evidence import STEP_MM, DiscEvidence, disc_evidence, spacing_along_mm, spine_image
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM, span_mm
from napari_spinalq.levels.naming import AGREEMENT_MM, FORAMEN_SPREAD_MM, MIN_MARGIN, Foramen, find_foramen
from napari_spinalq.progress import Progress, silent
from napari_spinalq.scan import Scan

UNCONFIRMED = "levels unconfirmed: click one disc to confirm"
NO_DISCS = "no discs found, levels unconfirmed: mark the discs by hand"
FROM_HEAD = "discs named from the foramen magnum, without a click"
ONLY_CLICKS = "the image did not agree with the clicked discs: only they and places between them are labelled"

CLICK_REACH_MM, CLICK_SPREAD_MM = 5.0, 2.5
"""A clicked disc is sought within this distance along the cord, with this standard deviation (mm): a hurried click."""

CLICK_WARN_MM = 3.0
"""A click farther than this (mm along the cord) from the disc seen is reported."""

MAX_CLICK_FROM_CORD_MM = 45.0
"""A disc cannot lie farther from the cord's centre (mm): canal 10 mm and a vertebral body of at most 35 mm."""

MAX_SPACING_ALONG_MM = 4.0
"""Cervical discs are 4 to 6 mm tall: with voxels longer than this along the cord (mm) they are not seen."""

MIN_COLUMN_MM = 15.0
"""The column must be in view over this length (mm), the height of the shortest level."""

NEUTRAL_STRENGTH, STRENGTH_SPREAD = 0.08, 0.12
"""Evidence that speaks neither for nor against a disc, and the change that counts as one unit of log-likelihood. On the
template's discs the evidence is 0.15 to 0.7, between them -0.4 to 0.05."""

MAX_REWARD = 3.0
"""Most that one place can count, so that no bright vessel outweighs a spacing that no spine has."""

MISSING_COST = 1.5
"""Log-likelihood lost for each disc that has room in view above the topmost one found but is not seen."""

MIN_CHAIN_SCORE = 2.0
"""A row of discs less likely than this (natural logarithm) against no disc at all is not reported."""

SEEN_STRENGTH = 0.05
"""Less evidence than this at a disc inside the row means that the disc was not seen."""


def label_discs(
    scan: Scan, centerline: Centerline, *, clicks: Sequence[Disc] = (), progress: Progress = silent
) -> Labelling:
    """Find the discs in a scan and name them.

    Every clicked disc is part of the result at the very place where it was clicked; the image is used to find the
    others. Discs that the row needs but the image does not show are interpolated and flagged. Without a click the
    names are confirmed only if the foramen magnum is visible and agrees with the row of discs; otherwise they are a
    guess, ``confirmed`` is False and a flag says so.

    Parameters
    ----------
    scan : Scan
        In any axis order; of a 4-D scan the mean over its volumes.
    centerline : Centerline
        Of the cord, RAS mm.
    clicks : sequence of Disc
        Named discs that a person pointed at, RAS mm.
    progress : callable
        Told the fraction done.

    Returns
    -------
    Labelling
        Discs from superior to inferior. C1-C2, where no disc lies, is estimated above C2-C3 if it is in view.

    Raises
    ------
    InputError
        If a click lies outside the scan or far from the cord, or the clicks contradict each other.
    """
    clicks = tuple(replace(click, origin=Origin.CLICKED) for click in by_number(clicks))
    _check_clicks(clicks, scan, centerline)
    progress(0.05, "straightening the spine")
    image = spine_image(scan, centerline)
    progress(0.4, "looking for discs")
    evidence = disc_evidence(image)
    progress(0.9, "naming discs")
    unseen = _why_unseen(scan, centerline, evidence)
    if unseen:
        labelling = _by_height(clicks, centerline, unseen)
    else:
        labelling = _from_clicks(clicks, evidence, centerline) if clicks else _without_clicks(evidence, centerline)
    labelling = with_c1c2(labelling, scan.grid, centerline)
    progress(1.0, "discs named")
    return labelling


def _check_clicks(clicks: tuple[Disc, ...], scan: Scan, centerline: Centerline) -> None:
    for click in clicks:
        where = ", ".join(f"{value:.1f}" for value in click.position_mm)
        if not scan.grid.contains(click.position_mm):
            raise InputError(f"{click.name} at {where} mm lies outside the scan {scan.name}; click inside it (RAS mm).")
        on_cord = centerline.position(disc_arcs_mm((click,), centerline)[0])
        away_mm = float(np.linalg.norm(click.position_mm - on_cord))
        if away_mm > MAX_CLICK_FROM_CORD_MM:
            raise InputError(f"{click.name} at {where} mm lies {away_mm:.0f} mm from the cord; click the disc itself.")
    check_discs(clicks, centerline)


def _why_unseen(scan: Scan, centerline: Centerline, evidence: DiscEvidence) -> str:
    """Say why no disc can be seen in this scan; an empty string if they can."""
    along_mm = spacing_along_mm(scan.grid, centerline)
    if along_mm > MAX_SPACING_ALONG_MM:
        return f"discs cannot be seen in slices of {along_mm:.1f} mm"
    if np.isfinite(evidence.strength).sum() * STEP_MM < MIN_COLUMN_MM:
        return "the scan does not show the vertebral column"
    return ""


def _by_height(clicks: tuple[Disc, ...], centerline: Centerline, unseen: str) -> Labelling:
    if not clicks:
        return Labelling((), False, (f"{unseen}: {NO_DISCS}",))
    flag = f"{unseen}: all but the clicked ones are estimated from typical heights"
    return Labelling(estimate_along(clicks, centerline), True, (flag,))


def _reward(evidence: DiscEvidence) -> NDArray[np.float64]:
    """Return the log-likelihood ratio of a disc at each sample; ``-inf`` outside the scan."""
    seen = np.isfinite(evidence.strength)
    ratio = (np.where(seen, evidence.strength, 0.0) - NEUTRAL_STRENGTH) / STRENGTH_SPREAD
    return np.where(seen, np.clip(ratio, -MAX_REWARD, MAX_REWARD), -np.inf)


def _from_clicks(clicks: tuple[Disc, ...], evidence: DiscEvidence, centerline: Centerline) -> Labelling:
    reward = _reward(evidence)
    offsets_mm = {
        click.number: evidence.arcs_mm - arc
        for click, arc in zip(clicks, disc_arcs_mm(clicks, centerline), strict=True)
    }
    near = np.maximum(reward, -MAX_REWARD)
    fixed = {
        number: np.where(np.abs(off) <= CLICK_REACH_MM, near - 0.5 * (off / CLICK_SPREAD_MM) ** 2, -np.inf)
        for number, off in offsets_mm.items()
    }
    chain = best_chain(reward, STEP_MM, fixed=fixed)
    if chain is None:
        return with_gaps_filled(Labelling(clicks, True, (ONLY_CLICKS,)), centerline)
    found = {disc.number: disc for disc in _discs_of(chain, evidence)}
    discs = by_number((found | {click.number: click for click in clicks}).values())
    flags = tuple(
        f"{click.name} was clicked {abs(off):.1f} mm along the cord from the disc seen: check the click"
        for click in clicks
        if abs(off := _offset_mm(chain, offsets_mm[click.number], click.number)) > CLICK_WARN_MM
    )
    return with_gaps_filled(Labelling(discs, True, flags), centerline)


def _offset_mm(chain: Chain, offsets_mm: NDArray[np.float64], number: int) -> float:
    return float(offsets_mm[chain.samples[number - chain.first]])


def _discs_of(chain: Chain, evidence: DiscEvidence) -> tuple[Disc, ...]:
    """Return the discs of a chain that the image shows."""
    return tuple(
        Disc(number, evidence.position_mm(sample), Origin.DETECTED)
        for number, sample in zip(chain.numbers, chain.samples, strict=True)
        if evidence.strength[sample] >= SEEN_STRENGTH
    )


@dataclass(frozen=True)
class _Naming:
    """A way to name the row of discs, and how much more likely it is than any other."""

    chain: Chain
    margin: float


def _without_clicks(evidence: DiscEvidence, centerline: Centerline) -> Labelling:
    reward = _reward(evidence)
    foramen = find_foramen(evidence.image)
    naming = _best_naming(reward, foramen)
    if naming is None or naming.chain.score < MIN_CHAIN_SCORE:
        return Labelling((), False, (NO_DISCS,))
    discs = _discs_of(naming.chain, evidence)
    if foramen is not None and _is_certain(naming, foramen):
        return with_gaps_filled(Labelling(discs, True, (FROM_HEAD,)), centerline)
    return with_gaps_filled(Labelling(discs, False, (UNCONFIRMED,)), centerline)


def _best_naming(reward: NDArray[np.float64], foramen: Foramen | None) -> _Naming | None:
    """Try each name for the topmost disc; the landmark, where seen, weighs on the place of C2-C3 that follows."""
    scored = []
    for first in TYPICAL_HEIGHT_MM:
        if first < FIRST_TRUE_DISC:
            continue
        chain = best_chain(reward, STEP_MM, missing_cost=MISSING_COST, first_disc=first)
        if chain is not None:
            scored.append((chain.score + _landmark_score(chain, foramen), chain))
    if not scored:
        return None
    scored.sort(key=lambda pair: pair[0], reverse=True)
    margin = scored[0][0] - scored[1][0] if len(scored) > 1 else np.inf
    return _Naming(scored[0][1], float(margin))


def _off_landmark_mm(chain: Chain, foramen: Foramen) -> float:
    """Return how far above its expected place (mm) a naming puts C2-C3, extrapolated if the row begins lower."""
    above_mm = chain.scale * span_mm(FIRST_TRUE_DISC, chain.first) if chain.first > FIRST_TRUE_DISC else 0.0
    return (chain.samples[0] - foramen.expected_c2c3()) * STEP_MM + above_mm


def _landmark_score(chain: Chain, foramen: Foramen | None) -> float:
    if foramen is None:
        return 0.0
    return -0.5 * (_off_landmark_mm(chain, foramen) / FORAMEN_SPREAD_MM) ** 2


def _is_certain(naming: _Naming, foramen: Foramen) -> bool:
    """Tell whether the row begins at C2-C3, where the landmark expects it, and no other naming is nearly as likely."""
    near = abs(_off_landmark_mm(naming.chain, foramen)) <= AGREEMENT_MM
    return naming.chain.first == FIRST_TRUE_DISC and near and naming.margin >= MIN_MARGIN

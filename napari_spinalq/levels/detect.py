"""Finding the discs of a scan and naming them, from one click or more, from the head end, or as an open guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.levels.chain import FIRST_TRUE_DISC, Chain, Expected, Landmark, best_chain, chains_by_name
from napari_spinalq.levels.check import unusual_spacings
from napari_spinalq.levels.discs import Disc, Labelling, Origin, by_number, check_discs, disc_arcs_mm, with_gaps_filled
from napari_spinalq.levels.estimate import estimate_along, with_c1c2
from napari_spinalq.levels.evidence import STEP_MM, DiscEvidence, disc_evidence, spacing_along_mm, spine_image
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM
from napari_spinalq.levels.naming import AGREEMENT_MM, MIN_MARGIN, MIN_ROW, foramen_landmark
from napari_spinalq.progress import Progress, silent
from napari_spinalq.scan import Scan
from napari_spinalq.vertebrae import FIRST_DISC, LAST_DISC

UNCONFIRMED = "levels unconfirmed: click one disc to confirm"
NO_LEVELS = "levels unknown: mark one disc (such as C2-C3) to name them"
NO_DISCS = "no discs found, levels unconfirmed: mark the discs by hand"
FROM_HEAD = "discs named from the foramen magnum, without a click"
ONLY_CLICKS = "the image did not agree with the clicked discs: only they and places between them are labelled"

CLICK_REACH_MM, CLICK_SPREAD_MM = 5.0, 2.5
"""A clicked disc is sought within this distance along the cord, with this standard deviation (mm): a hurried click."""

CLICK_WARN_MM = 3.0
"""A click farther than this (mm along the cord) from the disc seen is reported."""

MAX_CLICK_FROM_CORD_MM = 45.0
"""A disc cannot lie farther from the cord's centre (mm): canal 10 mm and a vertebral body of at most 35 mm."""

MAX_SPACING_ALONG_MM = 5.5
"""With voxels longer than this along the cord (mm) discs are not searched: a cervical level is 15 to 18 mm tall, so
three voxels are the fewest that show a disc between two bodies."""

FINE_SPACING_MM = 2.5
"""With voxels longer than this along the cord (mm), half of a cervical disc, a disc is blurred into the bodies beside
it: places are told to be coarse, and names without a click stay unconfirmed."""

MIN_COLUMN_MM = 15.0
"""The column must be in view over this length (mm), the height of the shortest level."""

NEUTRAL_STRENGTH, STRENGTH_SPREAD = 0.05, 0.08
"""Evidence that speaks neither for nor against a disc, and the change that counts as one unit of log-likelihood. On the
template and noisy pieces of it, discs have 0.15 to 0.6 and bodies -0.6 to 0.05 (10th and 90th percentiles)."""

MAX_REWARD = 3.0
"""Most that one place can count, so that no bright vessel outweighs a spacing that no spine has."""

MISSING_COST = 1.5
"""Log-likelihood lost for each disc that has room in view beyond the ends of the row but is not part of it."""

SAME_NAME_MM = 6.0
"""Two chains whose discs of one name lie nearer than this (mm) name alike: a third of a level."""

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
    along_mm = spacing_along_mm(scan.grid, centerline)
    unseen = _why_unseen(along_mm, evidence)
    if unseen:
        labelling = _by_height(clicks, centerline, unseen)
    else:
        labelling = _from_clicks(clicks, evidence, centerline) if clicks else _without_clicks(scan, evidence)
        labelling = _coarse(labelling, along_mm, confirmed=bool(clicks))
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


def _why_unseen(along_mm: float, evidence: DiscEvidence) -> str:
    """Say why no disc can be seen in this scan; an empty string if they can."""
    if along_mm > MAX_SPACING_ALONG_MM:
        return f"discs cannot be seen in slices of {along_mm:.1f} mm"
    if evidence.seen.sum() * STEP_MM < MIN_COLUMN_MM:
        return "the scan does not show the vertebral column"
    return ""


def _coarse(labelling: Labelling, along_mm: float, *, confirmed: bool) -> Labelling:
    """Say so where voxels along the cord are too long for sharp discs; names then need a click."""
    if along_mm <= FINE_SPACING_MM or not labelling.discs:
        return labelling
    flags = tuple(flag for flag in labelling.flags if flag != FROM_HEAD)
    flags += () if confirmed or UNCONFIRMED in flags else (UNCONFIRMED,)
    coarse = f"slices of {along_mm:.1f} mm blur discs into vertebrae: check the places of the discs"
    return replace(labelling, confirmed=confirmed, flags=(*flags, coarse))


def _by_height(clicks: tuple[Disc, ...], centerline: Centerline, unseen: str) -> Labelling:
    if not clicks:
        return Labelling((), False, (f"{unseen}: {NO_DISCS}",))
    flag = f"{unseen}: all but the clicked ones are estimated from typical heights"
    return Labelling(estimate_along(clicks, centerline), True, (flag,))


def _rewards(evidence: DiscEvidence) -> dict[int, NDArray[np.float64]]:
    """Return the log-likelihood ratio of each disc number at each sample; ``-inf`` outside the scan."""
    return {
        number: np.where(evidence.seen, _log_ratio(evidence.strength(TYPICAL_HEIGHT_MM[number])), -np.inf)
        for number in range(FIRST_DISC, LAST_DISC + 1)
    }


def _log_ratio(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    return MAX_REWARD * np.tanh((strength - NEUTRAL_STRENGTH) / STRENGTH_SPREAD / MAX_REWARD)


def _from_clicks(clicks: tuple[Disc, ...], evidence: DiscEvidence, centerline: Centerline) -> Labelling:
    rewards = _rewards(evidence)
    offsets_mm = {
        click.number: evidence.arcs_mm - arc
        for click, arc in zip(clicks, disc_arcs_mm(clicks, centerline), strict=True)
    }
    fixed = {number: _near_click(rewards[number], off) for number, off in offsets_mm.items()}
    chain = best_chain(rewards, STEP_MM, fixed=fixed, expected=_expected(evidence, centerline))
    if chain is None:
        return with_gaps_filled(Labelling(clicks, True, (ONLY_CLICKS,)), centerline)
    found = {disc.number: disc for disc in _discs_of(chain, evidence)}
    discs = by_number((found | {click.number: click for click in clicks}).values())
    flags = tuple(
        f"{click.name} was clicked {off_mm:.1f} mm along the cord from the disc seen: check the click"
        for click in clicks
        if (off_mm := _off_disc_mm(rewards[click.number], offsets_mm[click.number])) > CLICK_WARN_MM
    )
    return with_gaps_filled(Labelling(discs, True, flags), centerline)


def _expected(evidence: DiscEvidence, centerline: Centerline) -> Expected | None:
    """Return the stretch where the cord is known and the column in view; farther on the straight line may miss it."""
    on_cord = (evidence.arcs_mm >= 0) & (evidence.arcs_mm <= centerline.length_mm)
    samples = np.flatnonzero(evidence.seen & on_cord)
    return Expected(int(samples[0]), int(samples[-1]), MISSING_COST) if len(samples) else None


def _near_click(reward: NDArray[np.float64], offsets_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the reward of a clicked disc: near the click only, and there even where the scan shows no column."""
    score = np.maximum(reward, -MAX_REWARD) - 0.5 * (offsets_mm / CLICK_SPREAD_MM) ** 2
    return np.where(np.abs(offsets_mm) <= CLICK_REACH_MM, score, -np.inf)


def _off_disc_mm(reward: NDArray[np.float64], offsets_mm: NDArray[np.float64]) -> float:
    """Return how far a click lies from the likeliest disc within its reach, mm; 0 if no disc is seen there."""
    reach = np.flatnonzero((np.abs(offsets_mm) <= CLICK_REACH_MM) & (reward > 0))
    if len(reach) == 0:
        return 0.0
    return float(np.abs(offsets_mm[reach[reward[reach].argmax()]]))


def _discs_of(chain: Chain, evidence: DiscEvidence) -> tuple[Disc, ...]:
    """Return the discs of a chain that the image shows."""
    return tuple(
        Disc(number, evidence.position_mm(sample), Origin.DETECTED)
        for number, sample in zip(chain.numbers, chain.samples, strict=True)
        if evidence.strength(TYPICAL_HEIGHT_MM[number])[sample] >= SEEN_STRENGTH
    )


@dataclass(frozen=True)
class _Naming:
    """A way to name the row of discs, and how much more likely it is than any other."""

    chain: Chain
    margin: float


def _without_clicks(scan: Scan, evidence: DiscEvidence) -> Labelling:
    rewards, centerline = _rewards(evidence), evidence.image.frame.centerline
    landmark = foramen_landmark(scan, evidence)
    naming = _best_naming(rewards, _expected(evidence, centerline), landmark)
    if naming is None or naming.chain.score < MIN_CHAIN_SCORE:
        return Labelling((), False, (NO_DISCS,))
    discs = _discs_of(naming.chain, evidence)
    if landmark is not None and _is_certain(naming, landmark) and not unusual_spacings(discs, centerline):
        return with_gaps_filled(Labelling(discs, True, (FROM_HEAD,)), centerline)
    return with_gaps_filled(Labelling(discs, False, (UNCONFIRMED,)), centerline)


def _best_naming(
    rewards: dict[int, NDArray[np.float64]], expected: Expected | None, landmark: Landmark | None
) -> _Naming | None:
    """Try each name for the topmost disc; the landmark, where seen, weighs on the place of C2-C3 that follows."""
    chains = chains_by_name(rewards, STEP_MM, expected=expected, landmark=landmark)
    if not chains:
        return None
    others = [chain.score for chain in chains if not _same_names(chain, chains[0])]
    return _Naming(chains[0], chains[0].score - max(others, default=-np.inf))


def _same_names(one: Chain, other: Chain) -> bool:
    """Tell whether two chains call the same places by the same names, though one may be longer."""
    places = dict(zip(other.numbers, other.samples, strict=True))
    apart = [abs(sample - places[n]) for n, sample in zip(one.numbers, one.samples, strict=True) if n in places]
    return bool(apart) and float(np.median(apart)) * STEP_MM < SAME_NAME_MM


def _is_certain(naming: _Naming, landmark: Landmark) -> bool:
    """Tell whether a row long enough begins at C2-C3, where the landmark expects it, far ahead of any other naming."""
    chain = naming.chain
    off_mm = float(landmark.off_mm(chain.first, np.array(chain.samples[0]), chain.scale, STEP_MM))
    begins_there = chain.first == FIRST_TRUE_DISC and abs(off_mm) <= AGREEMENT_MM
    return begins_there and len(chain.samples) >= MIN_ROW and naming.margin >= MIN_MARGIN


def naming_flags(labelling: Labelling) -> tuple[str, ...]:
    """Return all that a reader must know about the names of the levels; that they are unconfirmed is never missing."""
    if not labelling.discs:
        return tuple(dict.fromkeys([*labelling.flags, NO_LEVELS]))
    said = labelling.confirmed or any("unconfirmed" in flag for flag in labelling.flags)
    return labelling.flags if said else (*labelling.flags, UNCONFIRMED)

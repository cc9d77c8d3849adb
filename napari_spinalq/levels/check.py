"""A second look at named discs: whether order, spacing, count and place agree with a spine.

What no spine can have is refused by :func:`~napari_spinalq.levels.discs.check_discs`. Here is told what a spine hardly
has: a wrong name, a disc passed over, a click beside the disc. Nothing is changed, and names stay as confirmed or
unconfirmed as they were; the flags say what to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.chain import FIRST_TRUE_DISC, SCALE_SPREAD, SPACING_SPREAD
from napari_spinalq.levels.discs import Disc, Labelling, Origin, by_number, check_discs, disc_arcs_mm
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM, span_mm
from napari_spinalq.vertebrae import LAST_DISC, disc_name

CHECK = "check of discs: "
"""How every flag of this module begins, so that a new check replaces the flags of an old one."""

UNUSUAL_Z = 3.0
"""A spacing, a place or a body size farther than this from the usual one, in standard deviations, is told: by chance
one in 370. A cervical spacing is then more than 36 % off, or a cervical disc 4 mm from its place between neighbours."""

MOST_AHEAD_MM = 45.0
"""A disc cannot lie farther in front of the cord's centre (mm): canal 10 mm and a vertebral body of at most 35 mm."""

MOST_BEHIND_MM = 4.0
"""Nor behind it (mm). Some tools put discs on the cord's centre, which is known to within a few mm."""

MOST_ASIDE_MM = 15.0
"""Nor to the side (mm): discs are marked in the middle, and a curved spine moves them by less than half a body."""

VIEW_MARGIN_MM = 5.0
"""A disc so near (mm) to the end of the view may be missed: half of its own thickness of 4 to 6 mm, and blur."""

NEAR_VIEW_MM = 10.0
"""Discs farther than this (mm) beyond the ends of the cord in view are not judged: there its course is not known."""

LAST_CORD_DISC, LAST_CORD_PART = 22, 1 / 3
"""The cord ended above the upper third of L3 (below L2-L3) in all of 504 adults: Saifuddin et al. 1998, Spine 23,
1452-1456, doi:10.1097/00007632-199807010-00005."""


@dataclass(frozen=True)
class _Row:
    """Discs that someone or something saw, superior to inferior, and the body size that their spacings tell."""

    discs: tuple[Disc, ...]
    arcs_mm: NDArray[np.float64]
    scale: float

    def usual_mm(self, upper: int, lower: int) -> float:
        """Return the usual distance (mm) of two members for this person; ``upper`` and ``lower`` are indices."""
        return self.scale * span_mm(self.discs[upper].number, self.discs[lower].number)


@dataclass(frozen=True)
class _Finding:
    """Something unusual about some discs of the row."""

    z: float
    members: frozenset[int]
    words: str


def check_labelling(labelling: Labelling, centerline: Centerline, scan_extent: Grid) -> tuple[str, ...]:
    """Tell what is unusual about the named discs of a scan.

    Parameters
    ----------
    labelling : Labelling
        Named discs.
    centerline : Centerline
        Of the cord, RAS mm.
    scan_extent : Grid
        Of the scan: a disc outside of it cannot be missed.

    Returns
    -------
    tuple of str
        One sentence for each thing to look at, beginning with :data:`CHECK`; none if all is usual. Spacings and places
        are judged among clicked and detected discs, against typical heights
        (:data:`~napari_spinalq.levels.heights.TYPICAL_HEIGHT_MM`) at the person's own body size.
    """
    if not labelling.discs:
        return ()
    try:
        check_discs(labelling.discs, centerline)
    except InputError as error:
        return (CHECK + str(error).rstrip("."),)
    row = _row(labelling.discs, centerline)
    found = [
        *_gaps(labelling.discs),
        *_spacing(row),
        *_body_size(row),
        *_count(labelling.discs, row.scale, centerline, scan_extent),
        *_below_the_cord(labelling.discs, row.scale, centerline),
        *_beside_the_column(row, centerline),
    ]
    return tuple(CHECK + words for words in found)


def with_checks(labelling: Labelling, centerline: Centerline, scan_extent: Grid) -> Labelling:
    """Return a labelling with the flags of a fresh check in place of those of an earlier one."""
    kept = [flag for flag in labelling.flags if not flag.startswith(CHECK)]
    return replace(labelling, flags=(*kept, *check_labelling(labelling, centerline, scan_extent)))


def unusual_spacings(discs: Sequence[Disc], centerline: Centerline) -> tuple[str, ...]:
    """Tell which seen discs lie at unusual distances from each other, in a sentence each; none if all are usual."""
    return tuple(_spacing(_row(discs, centerline)))


@dataclass(frozen=True)
class Oddity:
    """What is least usual about named discs.

    Attributes
    ----------
    z : float
        How far from usual, standard deviations, positive.
    words : str
        What it is.
    discs : tuple of Disc
        The discs that it is about.
    """

    z: float
    words: str
    discs: tuple[Disc, ...]


def oddest(discs: Sequence[Disc], centerline: Centerline) -> Oddity | None:
    """Return what is least usual about spacings, places and body size of the discs that were seen, usual or not.

    Parameters
    ----------
    discs : sequence of Disc
        Named discs in an order that a spine can have.
    centerline : Centerline
        Of the cord, RAS mm.

    Returns
    -------
    Oddity, optional
        None with fewer than two clicked or detected discs beside the cord: they say nothing about each other.
    """
    row = _row(discs, centerline)
    if len(row.discs) < 2:
        return None
    worst = max([*_spans(row), *_places(row), _size(row)], key=lambda finding: abs(finding.z))
    return Oddity(abs(worst.z), worst.words, tuple(row.discs[member] for member in sorted(worst.members)))


def _row(discs: Sequence[Disc], centerline: Centerline) -> _Row:
    seen = [disc for disc in by_number(discs) if disc.origin in (Origin.CLICKED, Origin.DETECTED)]
    arcs = disc_arcs_mm(seen, centerline)
    near = (arcs >= -NEAR_VIEW_MM) & (arcs <= centerline.length_mm + NEAR_VIEW_MM)
    judged, arcs = tuple(disc for disc, is_near in zip(seen, near, strict=True) if is_near), arcs[near]
    usual = np.array([span_mm(upper.number, lower.number) for upper, lower in pairwise(judged)])
    # The median, so that one wrong disc does not tell the size that it is judged by.
    return _Row(judged, arcs, float(np.median(-np.diff(arcs) / usual)) if len(judged) > 1 else 1.0)


def _gaps(discs: Sequence[Disc]) -> list[str]:
    gaps = [pair for pair in pairwise(by_number(discs)) if pair[1].number > pair[0].number + 1]
    return [f"none is named between {upper.name} and {lower.name}" for upper, lower in gaps]


def _spacing(row: _Row) -> list[str]:
    """Tell unusual spacings and places; of findings about the same discs the strongest alone."""
    findings = [*_spans(row), *_places(row)]
    told: list[_Finding] = []
    for finding in sorted(findings, key=lambda finding: -abs(finding.z)):
        apart = all(finding.members.isdisjoint(other.members) for other in told)
        if abs(finding.z) > UNUSUAL_Z and apart:
            told.append(finding)
    return [finding.words for finding in sorted(told, key=lambda finding: min(finding.members))]


def _spans(row: _Row) -> Iterable[_Finding]:
    """Judge each distance between neighbours; the spread of several levels together is smaller in proportion."""
    for upper, lower in pairwise(range(len(row.discs))):
        apart_mm, usual_mm = float(row.arcs_mm[upper] - row.arcs_mm[lower]), row.usual_mm(upper, lower)
        levels = row.discs[lower].number - row.discs[upper].number
        z = (apart_mm / usual_mm - 1) / (SPACING_SPREAD / np.sqrt(levels))
        words = (
            f"{row.discs[upper].name} and {row.discs[lower].name} lie {apart_mm:.0f} mm apart, where "
            f"{usual_mm:.0f} mm are usual for this person; look at both and at what they are called"
        )
        yield _Finding(float(z), frozenset({upper, lower}), words)


def _places(row: _Row) -> Iterable[_Finding]:
    """Judge the place of each disc between its neighbours, where the usual heights divide the distance."""
    for upper, here, lower in zip(
        range(len(row.discs)), range(1, len(row.discs)), range(2, len(row.discs)), strict=False
    ):
        above_mm, below_mm = row.usual_mm(upper, here), row.usual_mm(here, lower)
        part = above_mm / (above_mm + below_mm)
        usual_arc = row.arcs_mm[upper] + part * (row.arcs_mm[lower] - row.arcs_mm[upper])
        off_mm = float(row.arcs_mm[here] - usual_arc)
        spread_mm = SPACING_SPREAD * np.sqrt(2) * above_mm * below_mm / (above_mm + below_mm)
        words = (
            f"{row.discs[here].name} lies {abs(off_mm):.0f} mm {'above' if off_mm > 0 else 'below'} its usual place "
            f"between {row.discs[upper].name} and {row.discs[lower].name}; look whether it is on the disc"
        )
        yield _Finding(off_mm / spread_mm, frozenset({upper, here, lower}), words)


def _size(row: _Row) -> _Finding:
    words = f"levels are {100 * row.scale:.0f} % as tall as usual: a child, or discs passed over or named wrongly"
    return _Finding(float(np.log(row.scale)) / SCALE_SPREAD, frozenset(range(len(row.discs))), words)


def _body_size(row: _Row) -> list[str]:
    size = _size(row)
    return [size.words] if abs(size.z) > UNUSUAL_Z else []


def _count(discs: Sequence[Disc], scale: float, centerline: Centerline, grid: Grid) -> list[str]:
    """Tell where the cord in view has room for further discs beyond the ends of the row."""
    ordered = by_number(discs)
    said = []
    for outer, step, where in ((ordered[0], -1, "above"), (ordered[-1], 1, "below")):
        room = _room(outer, step, scale, centerline, grid)
        if room:
            said.append(f"there is room in view for {room} further disc(s) {where} {outer.name}, but none is named")
    return said


def _room(outer: Disc, step: int, scale: float, centerline: Centerline, grid: Grid) -> int:
    """Count the discs that would lie beside the cord and inside the scan, one usual height after the other."""
    start = float(disc_arcs_mm((outer,), centerline)[0])
    ahead = np.subtract(outer.position_mm, centerline.position(start))
    further = np.array(range(outer.number + step, FIRST_TRUE_DISC - 1 if step < 0 else LAST_DISC + 1, step), dtype=int)
    heights = [TYPICAL_HEIGHT_MM[int(number) if step < 0 else int(number) - 1] for number in further]
    arcs = start - step * scale * np.cumsum(heights)
    beside_cord = (arcs >= VIEW_MARGIN_MM) & (arcs <= centerline.length_mm - VIEW_MARGIN_MM)
    return int(np.count_nonzero(beside_cord & grid.contains(centerline.position(arcs) + ahead)))


def _below_the_cord(discs: Sequence[Disc], scale: float, centerline: Centerline) -> list[str]:
    """Tell if the names let the cord reach farther down than in any adult."""
    lowest = by_number(discs)[-1]
    upper, lower = sorted((lowest.number, LAST_CORD_DISC))
    to_end_mm = scale * span_mm(upper, lower) * (1 if lowest.number < LAST_CORD_DISC else -1)
    last_disc_arc = float(disc_arcs_mm((lowest,), centerline)[0]) - to_end_mm
    past_mm = last_disc_arc - scale * LAST_CORD_PART * TYPICAL_HEIGHT_MM[LAST_CORD_DISC]  # the cord in view ends at 0
    if past_mm <= VIEW_MARGIN_MM:
        return []
    return [
        f"the cord would reach {past_mm:.0f} mm below the upper third of L3, farther than in any adult: "
        f"{lowest.name} may be called too low, or the mask holds nerves of the cauda equina"
    ]


def _beside_the_column(row: _Row, centerline: Centerline) -> list[str]:
    said = []
    for disc, arc in zip(row.discs, row.arcs_mm, strict=True):
        aside_mm, ahead_mm = _offset_mm(disc, float(arc), centerline)
        if not -MOST_BEHIND_MM <= ahead_mm <= MOST_AHEAD_MM:
            where = "in front of" if ahead_mm > 0 else "behind"
            said.append(f"{disc_name(disc.number)} lies {abs(ahead_mm):.0f} mm {where} the cord, where no disc can be")
        elif abs(aside_mm) > MOST_ASIDE_MM:
            said.append(f"{disc_name(disc.number)} lies {abs(aside_mm):.0f} mm beside the cord, where no disc can be")
    return said


def _offset_mm(disc: Disc, arc_mm: float, centerline: Centerline) -> tuple[float, float]:
    """Return how far to the right and in front of the cord a disc lies, across the cord, mm."""
    along = centerline.tangent(arc_mm)
    anterior = np.array([0.0, 1.0, 0.0])
    ahead = anterior - (anterior @ along) * along
    ahead /= np.linalg.norm(ahead)
    offset = np.subtract(disc.position_mm, centerline.position(arc_mm))
    return float(offset @ np.cross(ahead, along)), float(offset @ ahead)

"""Named discs: what a disc is, reading one from words, refusing impossible sets, and filling gaps openly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.levels.heights import is_possible_span, span_mm
from napari_spinalq.vertebrae import FIRST_DISC, LAST_DISC, disc_name, disc_number

Point = tuple[float, float, float]

FIRST_CLICK = 3
"""C2-C3, the first true disc, is the name offered for the first point: it is the easiest to recognise."""

SAME_PLACE_MM = 1.0
"""Two discs nearer than this (mm) are at the same place: less than a voxel of most scans."""


class Origin(StrEnum):
    """Where the position of a disc comes from."""

    CLICKED = "clicked"
    DETECTED = "detected"
    INTERPOLATED = "interpolated"
    ESTIMATED = "estimated"


@dataclass(frozen=True)
class Disc:
    """A named disc at a place.

    Attributes
    ----------
    number : int
        The number of the level below it: C2-C3 is 3.
    position_mm : tuple of 3 float
        RAS mm.
    origin : Origin
        Clicked by a person, detected in the image, interpolated between named neighbours, or estimated.
    """

    number: int
    position_mm: Point
    origin: Origin = Origin.CLICKED

    def __post_init__(self) -> None:
        disc_name(self.number)
        if len(self.position_mm) != 3 or not np.isfinite(self.position_mm).all():
            raise InputError(f"The place of {self.name} must be three finite numbers (RAS mm), not {self.position_mm}.")
        object.__setattr__(self, "position_mm", tuple(float(v) for v in self.position_mm))

    @property
    def name(self) -> str:
        """The name, such as ``"C2-C3"``."""
        return disc_name(self.number)


@dataclass(frozen=True)
class Labelling:
    """The discs of a scan.

    Attributes
    ----------
    discs : tuple of Disc
        From superior to inferior.
    confirmed : bool
        Whether the names rest on a click or on certain anatomy; otherwise they are a guess, and every result says so.
    flags : tuple of str
        What a reader must know, as plain sentences.
    method : mapping
        Who found the discs and how (JSON values), where it was another program.
    """

    discs: tuple[Disc, ...]
    confirmed: bool
    flags: tuple[str, ...] = ()
    method: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Disc numbers, from superior to inferior."""
        return tuple(disc.number for disc in self.discs)

    def arcs_mm(self, centerline: Centerline) -> NDArray[np.float64]:
        """Return the distance along the cord of the place nearest to each disc, shape (n,), mm."""
        return disc_arcs_mm(self.discs, centerline)


def parse_disc(words: str) -> Disc:
    """Read a disc as a user writes it: ``NAME=X,Y,Z``, RAS mm.

    Raises
    ------
    InputError
        If the name is no disc or the place is not three numbers.

    Examples
    --------
    >>> parse_disc("C2-C3=1,2.5,-3")
    Disc(number=3, position_mm=(1.0, 2.5, -3.0), origin=<Origin.CLICKED: 'clicked'>)
    """
    name, equals, place = words.partition("=")
    if not equals:
        raise InputError(f"{words!r} is not a disc at a place; write it as C2-C3=X,Y,Z (RAS mm).")
    number = disc_number(name)
    try:
        position = tuple(float(v) for v in place.split(","))
    except ValueError:
        position = ()
    if len(position) != 3 or not np.isfinite(position).all():
        raise InputError(f"{place!r} is not a place for {disc_name(number)}; write three numbers X,Y,Z (RAS mm).")
    return Disc(number, position)


def disc_arcs_mm(discs: Iterable[Disc], centerline: Centerline) -> NDArray[np.float64]:
    """Return the distance along the cord (mm from its inferior end) of the place nearest to each disc, shape (n,)."""
    positions = np.array([disc.position_mm for disc in discs], dtype=float).reshape(-1, 3)
    return centerline.nearest_arc(positions)


def by_number(discs: Iterable[Disc]) -> tuple[Disc, ...]:
    """Return discs ordered by name, C1-C2 first."""
    return tuple(sorted(discs, key=lambda disc: disc.number))


def check_discs(discs: Sequence[Disc], centerline: Centerline | None = None) -> None:
    """Refuse a set of discs that no spine can have.

    Parameters
    ----------
    discs : sequence of Disc
        In any order.
    centerline : Centerline, optional
        Heights are compared along it; without it, along the superior axis.

    Raises
    ------
    InputError
        If a name occurs twice, two discs share a place, a lower disc does not lie below an upper one, or two are
        nearer together or farther apart than in any person. The message names both discs and says how to mend it.

    Examples
    --------
    >>> check_discs([Disc(3, (0, 0, 40)), Disc(4, (0, 0, 23))])
    """
    ordered = by_number(discs)
    heights = disc_arcs_mm(ordered, centerline) if centerline else np.array([disc.position_mm[2] for disc in ordered])
    for (upper, upper_mm), (lower, lower_mm) in pairwise(zip(ordered, heights, strict=True)):
        _check_pair(upper, lower, float(upper_mm - lower_mm))


def _check_pair(upper: Disc, lower: Disc, drop_mm: float) -> None:
    apart_mm = float(np.linalg.norm(np.subtract(upper.position_mm, lower.position_mm)))
    if upper.number == lower.number:
        raise InputError(f"{upper.name} is given twice, {apart_mm:.1f} mm apart; remove one of the two.")
    if apart_mm < SAME_PLACE_MM:
        raise InputError(f"{upper.name} and {lower.name} lie at the same place; move or remove one of the two.")
    if drop_mm <= 0:
        raise InputError(
            f"{lower.name} lies {-drop_mm:.1f} mm above {upper.name} along the cord, but it must lie below; "
            "exchange their names or move one."
        )
    if not is_possible_span(upper.number, lower.number, drop_mm):
        raise InputError(
            f"{upper.name} and {lower.name} lie {drop_mm:.1f} mm apart along the cord, where about "
            f"{span_mm(upper.number, lower.number):.0f} mm are usual; correct a name or a place."
        )


def next_disc_number(existing: Sequence[Disc], position_mm: Point | None = None) -> int:
    """Return the number that fits the next disc a person points at.

    Parameters
    ----------
    existing : sequence of Disc
        Discs named so far; none gives C2-C3.
    position_mm : tuple of 3 float, optional
        The place pointed at (RAS mm). Above all others it is the next disc up, below all the next one down, and in a
        gap the missing disc whose typical place is nearest. Without a place: the next one down.

    Raises
    ------
    InputError
        If no disc is left there: above C1-C2, below L4-L5, or between two neighbours.
    """
    if not existing:
        return FIRST_CLICK
    ordered = by_number(existing)
    if position_mm is None or position_mm[2] < ordered[-1].position_mm[2]:
        return _within_spine(ordered[-1].number + 1)
    above = [disc for disc in ordered if disc.position_mm[2] >= position_mm[2]]
    if not above:
        return _within_spine(ordered[0].number - 1)
    return _missing_between(above[-1], ordered[len(above)], position_mm[2])


def _within_spine(number: int) -> int:
    if not FIRST_DISC <= number <= LAST_DISC:
        end = f"above {disc_name(FIRST_DISC)}" if number < FIRST_DISC else f"below {disc_name(LAST_DISC)}"
        raise InputError(f"There is no disc {end}; correct the names that are there.")
    return number


def _missing_between(upper: Disc, lower: Disc, z_mm: float) -> int:
    missing = range(upper.number + 1, lower.number)
    if not missing:
        raise InputError(f"There is no disc between {upper.name} and {lower.name}; correct the names that are there.")
    fraction = (upper.position_mm[2] - z_mm) / (upper.position_mm[2] - lower.position_mm[2])
    whole = span_mm(upper.number, lower.number)
    return min(missing, key=lambda number: abs(span_mm(upper.number, number) / whole - fraction))


def interpolate_missing(discs: Sequence[Disc], centerline: Centerline) -> tuple[Disc, ...]:
    """Fill gaps between named discs, openly.

    A missing disc is placed along the cord in proportion to the typical heights of the levels of the gap
    (:data:`~napari_spinalq.levels.heights.TYPICAL_HEIGHT_MM`), and as far in front of the cord as its neighbours.

    Parameters
    ----------
    discs : sequence of Disc
        In any order; none to one gives them back.
    centerline : Centerline
        Of the cord, RAS mm.

    Returns
    -------
    tuple of Disc
        From superior to inferior; the added ones have origin ``INTERPOLATED``.

    Raises
    ------
    InputError
        As :func:`check_discs`.
    """
    check_discs(discs, centerline)
    ordered = by_number(discs)
    filled = list(ordered[:1])
    for upper, lower in pairwise(ordered):
        filled += [*_between(upper, lower, centerline), lower]
    return tuple(filled)


def _between(upper: Disc, lower: Disc, centerline: Centerline) -> list[Disc]:
    upper_mm, lower_mm = disc_arcs_mm((upper, lower), centerline)
    upper_offset, lower_offset = np.subtract(
        [upper.position_mm, lower.position_mm], centerline.position([upper_mm, lower_mm])
    )
    whole = span_mm(upper.number, lower.number)
    added = []
    for number in range(upper.number + 1, lower.number):
        fraction = span_mm(upper.number, number) / whole
        on_cord = centerline.position(upper_mm + fraction * (lower_mm - upper_mm))
        place = on_cord + (1 - fraction) * upper_offset + fraction * lower_offset
        added.append(Disc(number, tuple(place.tolist()), Origin.INTERPOLATED))
    return added


def with_gaps_filled(labelling: Labelling, centerline: Centerline) -> Labelling:
    """Return a labelling without gaps between its discs; every added disc is named in a flag."""
    discs = interpolate_missing(labelling.discs, centerline)
    added = [disc.name for disc in discs if disc.number not in labelling.numbers]
    if not added:
        return replace(labelling, discs=discs)
    flag = f"{', '.join(added)} not seen: interpolated between the neighbours, check the place"
    return replace(labelling, discs=discs, flags=(*labelling.flags, flag))

"""Names of vertebral levels and discs. Numbers never reach a user without passing here."""

from __future__ import annotations

import re

from napari_spinalq.errors import InputError

VERTEBRAE = tuple([f"C{n}" for n in range(1, 8)] + [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)])
"""Names of the levels 1..24: C1..C7, T1..T12, L1..L5."""

FIRST_DISC, LAST_DISC = 2, 24
"""A disc carries the number of the level below it, as in Spinal Cord Toolbox files: C2-C3 is 3, L4-L5 is 24.
Number 2 (C1-C2) is the joint between atlas and axis: no disc lies there, yet it bounds level C2 above."""


def level_name(level: int) -> str:
    """Return the name of a vertebral level.

    Examples
    --------
    >>> level_name(3), level_name(8), level_name(20)
    ('C3', 'T1', 'L1')
    """
    if not 1 <= level <= len(VERTEBRAE):
        raise InputError(f"{level} is not a vertebral level; they run from 1 (C1) to {len(VERTEBRAE)} (L5).")
    return VERTEBRAE[level - 1]


def level_number(name: str) -> int:
    """Return the number of a named level.

    Examples
    --------
    >>> level_number("c3"), level_number("T1")
    (3, 8)
    """
    try:
        return VERTEBRAE.index(name.strip().upper()) + 1
    except ValueError:
        raise InputError(f"{name!r} is not a vertebral level; they run from C1 to L5.") from None


def disc_name(disc: int) -> str:
    """Return the name of the disc above the level of the same number.

    Examples
    --------
    >>> disc_name(3), disc_name(8), disc_name(20)
    ('C2-C3', 'C7-T1', 'T12-L1')
    """
    if not FIRST_DISC <= disc <= LAST_DISC:
        raise InputError(f"{disc} is not a disc; they run from {FIRST_DISC} (C1-C2) to {LAST_DISC} (L4-L5).")
    return f"{level_name(disc - 1)}-{level_name(disc)}"


def disc_number(name: str) -> int:
    """Return the number of a named disc: that of the level below it.

    Examples
    --------
    >>> disc_number("C2-C3"), disc_number("c7/t1")
    (3, 8)
    """
    parts = re.split(r"[-/]", name.strip())
    if len(parts) != 2:
        raise InputError(f"{name!r} is not a disc; write it as C2-C3.")
    upper, lower = level_number(parts[0]), level_number(parts[1])
    if lower != upper + 1:
        raise InputError(f"{name!r} is not a disc; a disc lies between neighbours, such as C2-C3.")
    return lower

"""The same place in two scans: by level where both are labelled, else by millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.levels.discs import Disc, disc_arcs_mm


@dataclass(frozen=True, eq=False)
class Course:
    """The course of a cord and the discs along it, both in the RAS mm of one scan."""

    centerline: Centerline
    discs: tuple[Disc, ...]


def shared_discs(here: Course, there: Course) -> tuple[int, ...]:
    """Return the numbers of the discs that both scans show, ascending (superior first)."""
    return tuple(sorted({disc.number for disc in here.discs} & {disc.number for disc in there.discs}))


def same_place_mm(point_mm: ArrayLike, here: Course, there: Course) -> NDArray[np.float64]:
    """Return where a point of one scan lies in another, by level.

    Parameters
    ----------
    point_mm : array, shape (3,)
        RAS mm in the first scan.
    here, there : Course
        Of the two scans.

    Returns
    -------
    array, shape (3,)
        RAS mm in the second scan: as far between the same two discs along its cord, and off its centerline by as many
        mm to the right, front and top. Beyond the outermost shared discs mm along the cord are kept.

    Raises
    ------
    InputError
        If the scans share no disc.
    """
    numbers = shared_discs(here, there)
    if not numbers:
        raise InputError("The two scans share no disc, so levels cannot align them; label both, or align by mm.")
    known, wanted = (_arcs(course, numbers) for course in (here, there))
    point = np.asarray(point_mm, dtype=float)
    arc = float(here.centerline.nearest_arc(point))
    offset = point - here.centerline.position(arc)
    return there.centerline.position(_mapped(arc, known, wanted)) + offset


def _arcs(course: Course, numbers: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the distances (mm) along the cord of these discs, ascending from inferior."""
    chosen = sorted((disc for disc in course.discs if disc.number in numbers), key=lambda disc: -disc.number)
    return np.asarray(disc_arcs_mm(chosen, course.centerline), dtype=float)


def _mapped(arc: float, known: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    if arc <= known[0]:
        return float(wanted[0] + arc - known[0])
    if arc >= known[-1]:
        return float(wanted[-1] + arc - known[-1])
    return float(np.interp(arc, known, wanted))

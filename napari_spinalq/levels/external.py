"""Named discs from what other programs labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.backends import Backend
from napari_spinalq.cord.backends.exchange import ExternalMask
from napari_spinalq.cord.backends.process import Tool
from napari_spinalq.cord.backends.sct import SCT, label_with_sct
from napari_spinalq.cord.backends.totalspineseg import TOTALSPINESEG, disc_centres_mm, segment_with_totalspineseg
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import BackendError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.detect import UNCONFIRMED
from napari_spinalq.levels.discs import Disc, Labelling, Origin, by_number, disc_arcs_mm, with_gaps_filled
from napari_spinalq.levels.estimate import with_c1c2
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM, body_scale, is_possible_span
from napari_spinalq.progress import Progress, silent
from napari_spinalq.scan import Scan
from napari_spinalq.vertebrae import FIRST_DISC, LAST_DISC

SAME_DISC = 0.5
"""A click belongs to the disc of another program within this part of a typical level height."""

END_MARGIN_MM = 0.1
"""An end is put this far (mm) beyond the last voxel centre, so that the voxel is inside."""


def label_with(
    backend: Backend,
    scan: Scan,
    outline: ExternalMask,
    centerline: Centerline,
    clicks: Sequence[Disc] = (),
    progress: Progress = silent,
) -> Labelling:
    """Name the discs of a scan with another program.

    Parameters
    ----------
    backend : Backend
        Any but the built-in one.
    scan : Scan
        The image.
    outline : ExternalMask
        Its cord; labels that TotalSpineSeg left with it are used again.
    centerline : Centerline
        Of the cord, RAS mm.
    clicks : sequence of Disc
        Named discs that a person pointed at; the names that the program gives are moved to agree with them.
    progress : Progress
        Told that it runs; may stop it.

    Returns
    -------
    Labelling
        Confirmed only by a click; its ``method`` holds program, version and command line.

    Raises
    ------
    InputError
        If the program is missing or fails, or a click lies outside the scan or contradicts the others.
    """
    clicks = tuple(replace(click, origin=Origin.CLICKED) for click in by_number(clicks))
    _check_inside(clicks, scan)
    if backend is Backend.SCT:
        point = (clicks[0].number, np.array(clicks[0].position_mm)) if clicks else None
        levels, parameters = label_with_sct(scan, outline.mask, point, progress)
        discs, tool = discs_from_level_map(levels, scan.grid, centerline), SCT
    elif backend is Backend.TOTALSPINESEG:
        spine = outline if outline.labels is not None else segment_with_totalspineseg(scan, "cord", progress)
        assert spine.labels is not None  # its own run always keeps them
        discs, parameters, tool = discs_from_spine(spine.labels, scan.grid), dict(spine.parameters), TOTALSPINESEG
    else:
        raise InputError(f"{backend.value} is not another program; choose sct or totalspineseg.")
    return with_c1c2(labelling_of(discs, clicks, centerline, tool, parameters), scan.grid, centerline)


def _check_inside(clicks: Sequence[Disc], scan: Scan) -> None:
    for click in clicks:
        if not scan.grid.contains(click.position_mm):
            where = ", ".join(f"{value:.1f}" for value in click.position_mm)
            raise InputError(f"{click.name} at {where} mm lies outside the scan {scan.name}; click inside it (RAS mm).")


def discs_from_level_map(levels: NDArray, grid: Grid, centerline: Centerline) -> tuple[Disc, ...]:
    """Read the discs between neighbouring levels of a level map.

    A disc lies on the centerline where fewest voxels of the two levels are on the wrong side of it. Where the map ends
    no disc is known: the cord mask may end there instead. Only if the outermost level is taller than usual, an
    estimated disc is put at its end, so that it stays as tall as the program made it.

    Parameters
    ----------
    levels : array of int, shape ``grid.shape``
        0 or a level (1 = C1 .. 24 = L5).
    grid : Grid
        Of the map, in any axis order.
    centerline : Centerline
        Of the cord, RAS mm.

    Returns
    -------
    tuple of Disc
        From superior to inferior, on the cord (not in front of it), origin ``DETECTED`` or, at the ends, ``ESTIMATED``.
    """
    numbers = [int(level) for level in np.unique(levels) if level]
    arcs = {level: centerline.nearest_arc(grid.voxel_to_mm(np.argwhere(levels == level))) for level in numbers}
    neighbours = [pair for pair in pairwise(numbers) if pair[1] == pair[0] + 1]
    borders = {lower: border_mm(arcs[upper], arcs[lower]) for upper, lower in neighbours}
    ends = _tall_ends(borders, arcs) if borders else {}
    origins = dict.fromkeys(borders, Origin.DETECTED) | dict.fromkeys(ends, Origin.ESTIMATED)
    places = borders | ends
    return tuple(
        Disc(number, tuple(centerline.position(places[number]).tolist()), origins[number]) for number in sorted(places)
    )


def _tall_ends(borders: Mapping[int, float], arcs: Mapping[int, NDArray[np.float64]]) -> dict[int, float]:
    """Return the ends of the outermost levels that are taller than usual, by the number of the disc there, mm.

    A level too tall for any person (a program that labels on past the last disc it saw) gets the usual height.
    """
    scale = body_scale(list(borders), list(borders.values()))
    top, bottom = min(borders) - 1, max(borders)
    ends = {top: float(arcs[top].max()) + END_MARGIN_MM, bottom + 1: float(arcs[bottom].min()) - END_MARGIN_MM}
    levels = {top: top, bottom + 1: bottom}
    heights = {top: ends[top] - borders[top + 1], bottom + 1: borders[bottom] - ends[bottom + 1]}
    return {
        disc: ends[disc]
        for disc, level in levels.items()
        if FIRST_DISC <= disc <= LAST_DISC
        and heights[disc] > scale * TYPICAL_HEIGHT_MM[level]
        and is_possible_span(level, level + 1, heights[disc])
    }


def border_mm(upper_mm: NDArray[np.float64], lower_mm: NDArray[np.float64]) -> float:
    """Return the place between two groups along a line with the fewest members on the wrong side.

    Parameters
    ----------
    upper_mm, lower_mm : (n,) and (m,) arrays
        Distances of the upper and the lower group, mm.

    Returns
    -------
    float
        In the middle of the gap between the members on either side, mm.

    Examples
    --------
    >>> border_mm(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 4.0]))
    4.5
    """
    places = np.concatenate([upper_mm, lower_mm])
    order = np.argsort(places)
    is_upper = np.r_[np.ones(len(upper_mm), int), np.zeros(len(lower_mm), int)][order]
    uppers_below = np.r_[0, np.cumsum(is_upper)]
    lowers_above = np.r_[0, np.cumsum(is_upper - 1)] + len(lower_mm)
    cut = int((uppers_below + lowers_above)[1:-1].argmin()) + 1
    around = places[order][cut - 1 : cut + 1]
    return float(around.mean())


def discs_from_spine(labels: NDArray[np.uint8], grid: Grid) -> tuple[Disc, ...]:
    """Return the discs that TotalSpineSeg labelled, at their centres, from superior to inferior."""
    centres = disc_centres_mm(labels, grid)
    return by_number(Disc(number, tuple(place.tolist()), Origin.DETECTED) for number, place in centres.items())


def labelling_of(
    discs: Sequence[Disc],
    clicks: Sequence[Disc],
    centerline: Centerline,
    tool: Tool,
    method: Mapping[str, Any],
) -> Labelling:
    """Put the discs of another program and those of a person together.

    A click keeps its place and its name: if the program calls that disc otherwise, all its names move along, and a
    flag says so.

    Parameters
    ----------
    discs, clicks : sequence of Disc
        Of the program, and of a person.
    centerline : Centerline
        Of the cord, RAS mm.
    tool : Tool
        The program.
    method : mapping
        Program, version and command line.

    Raises
    ------
    BackendError
        If there is no disc at all.
    InputError
        If the discs contradict each other.
    """
    if not discs and not clicks:
        raise BackendError(f"{tool.name} found no disc; point at one with --disc C2-C3=X,Y,Z (RAS mm).")
    shift = _shift(discs, clicks, centerline)
    moved = _renamed(discs, shift)
    merged = {disc.number: disc for disc in moved} | {click.number: click for click in clicks}
    flags = [] if clicks else [UNCONFIRMED]
    if shift:
        way = "down" if shift > 0 else "up"
        flags.append(f"names of {tool.name} moved {way} by {abs(shift)} to agree with the click")
    return with_gaps_filled(Labelling(by_number(merged.values()), bool(clicks), tuple(flags), method), centerline)


def _shift(discs: Sequence[Disc], clicks: Sequence[Disc], centerline: Centerline) -> int:
    """Return by how much the numbers of a program must grow so that the first click near one of its discs fits."""
    if not discs:
        return 0
    arcs = disc_arcs_mm(discs, centerline)
    for click, arc in zip(clicks, disc_arcs_mm(clicks, centerline), strict=True):
        nearest = int(np.abs(arcs - arc).argmin())
        if abs(float(arcs[nearest] - arc)) <= SAME_DISC * TYPICAL_HEIGHT_MM[click.number]:
            return click.number - discs[nearest].number
    return 0


def _renamed(discs: Sequence[Disc], shift: int) -> list[Disc]:
    within = [disc for disc in discs if FIRST_DISC <= disc.number + shift <= LAST_DISC]
    return [replace(disc, number=disc.number + shift) for disc in within]

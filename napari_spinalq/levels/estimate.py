"""Discs that no image shows, placed by typical heights: always flagged as estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Disc, Labelling, Origin, disc_arcs_mm, interpolate_missing
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM, body_scale
from napari_spinalq.vertebrae import FIRST_DISC, LAST_DISC


def estimate_along(discs: Sequence[Disc], centerline: Centerline) -> tuple[Disc, ...]:
    """Continue a row of discs to both ends of the centerline, one typical height after the other.

    The heights are scaled to the levels between the given discs. The error grows with the distance: a person's heights
    differ from the typical ones by about a tenth.

    Parameters
    ----------
    discs : sequence of Disc
        At least one; gaps between them are interpolated.
    centerline : Centerline
        Of the cord, RAS mm.

    Returns
    -------
    tuple of Disc
        From superior to inferior; the added ones have origin ``ESTIMATED``, as far in front of the cord as the
        outermost given disc.
    """
    filled = interpolate_missing(discs, centerline)
    arcs = disc_arcs_mm(filled, centerline).tolist()
    scale = body_scale([disc.number for disc in filled], arcs)
    above, below = [], []
    arc, number = arcs[0], filled[0].number
    while number > FIRST_DISC and (arc := arc + scale * TYPICAL_HEIGHT_MM[number - 1]) <= centerline.length_mm:
        number -= 1
        above.append(_in_front(number, arc, filled[0], arcs[0], centerline))
    arc, number = arcs[-1], filled[-1].number
    while number < LAST_DISC and (arc := arc - scale * TYPICAL_HEIGHT_MM[number]) >= 0:
        number += 1
        below.append(_in_front(number, arc, filled[-1], arcs[-1], centerline))
    return (*reversed(above), *filled, *below)


def _in_front(number: int, arc_mm: float, like: Disc, like_arc_mm: float, centerline: Centerline) -> Disc:
    offset = np.subtract(like.position_mm, centerline.position(like_arc_mm))
    return Disc(number, tuple((centerline.position(arc_mm) + offset).tolist()), Origin.ESTIMATED)


def with_c1c2(labelling: Labelling, grid: Grid, centerline: Centerline) -> Labelling:
    """Add C1-C2, where no disc lies to be seen, above C2-C3 if its place is inside the scan; a flag says so."""
    discs = labelling.discs
    if not discs or discs[0].number != FIRST_DISC + 1:
        return labelling
    arcs = disc_arcs_mm(discs, centerline)
    height_mm = body_scale(labelling.numbers, arcs.tolist()) * TYPICAL_HEIGHT_MM[FIRST_DISC]
    joint = _in_front(FIRST_DISC, float(arcs[0]) + height_mm, discs[0], float(arcs[0]), centerline)
    if not grid.contains(joint.position_mm):
        return labelling
    flag = f"{joint.name} estimated {height_mm:.0f} mm above {discs[0].name}"
    return replace(labelling, discs=(joint, *discs), flags=(*labelling.flags, flag))

"""Fitting the warp between two cords: centre, turn and stretch, then the outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.progress import Progress
from napari_spinalq.registration.affine import SliceAffine, aligned
from napari_spinalq.registration.butterfly import butterfly_turns
from napari_spinalq.registration.field import Field, SliceFrame
from napari_spinalq.registration.moments import Sections, main_sections, sections_of
from napari_spinalq.registration.outline import log_radii, no_change, outline_change
from napari_spinalq.registration.points import carried_onto
from napari_spinalq.registration.warp import Warp

OUTLINE_PASSES = 2
"""Times that the outline is compared and corrected; a third changes the Dice coefficient by less than 0.001."""

TURN_PASSES = 2
"""Times that grey matter corrects the turn: the second leaves less than 0.3 degrees."""


@dataclass(frozen=True, eq=False)
class Cords:
    """What is fitted.

    Attributes
    ----------
    source : Grid
        Of the source's masks.
    source_mask, source_grey : arrays, shape ``source.shape``
        Its cord, and its grey matter if the turn shall follow that.
    target_mask, target_grey : arrays, shape of ``frame.grid``
        The same of the target, in work order.
    frame : SliceFrame
        Of the target.
    """

    source: Grid
    source_mask: NDArray
    target_mask: NDArray
    frame: SliceFrame
    source_grey: NDArray | None = None
    target_grey: NDArray | None = None


def fitted_warp(cords: Cords, progress: Progress) -> Warp:
    """Fit centre, turn, stretch and outline of the source's cord to that of the target.

    Raises
    ------
    InputError
        If the cords share no slice of the target.
    """
    outline = main_sections(cords.target_mask)
    goal, found = (sections_of(mask, cords.frame) for mask in (outline, _carried_cord(cords, None)))
    known = _shared(found, goal)
    progress(0.2, "comparing the outlines")
    warp = _with_outline(aligned(found, goal, cords.frame.heights_mm), cords, outline, known)
    if cords.source_grey is None or cords.target_grey is None:
        return warp
    for step in range(TURN_PASSES):
        progress(0.4 + 0.3 * step, "comparing grey matter")
        grey = carried_onto(cords.frame, warp.field(cords.frame), cords.source, cords.source_grey)
        more = butterfly_turns(grey, cords.target_grey, cords.frame, warp.affine.centre_mm)
        turned = aligned(found, goal, cords.frame.heights_mm, warp.affine.turn + more)
        warp = _with_outline(turned, cords, outline, known)
    return warp


def _with_outline(affine: SliceAffine, cords: Cords, outline: NDArray, known: NDArray[np.bool_]) -> Warp:
    frame = cords.frame
    warp = Warp(affine, no_change(frame.slices))
    wanted = log_radii(outline, frame, affine.centre_mm, known)
    for _ in range(OUTLINE_PASSES):
        seen = log_radii(_carried_cord(cords, warp.field(frame)), frame, affine.centre_mm, known)
        warp = Warp(affine, outline_change(seen, wanted, known, frame.heights_mm, warp.outline))
    return warp


def _carried_cord(cords: Cords, field: Field | None) -> NDArray[np.float32]:
    return main_sections(carried_onto(cords.frame, field, cords.source, cords.source_mask))


def _shared(source: Sections, target: Sections) -> NDArray[np.bool_]:
    both = source.shown & target.shown
    if not both.any():
        raise InputError(
            "The cords of the two scans share no axial slice of the target; check that both were taken in one session "
            "and that their masks show the same part of the cord."
        )
    return both

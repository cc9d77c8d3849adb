"""Faults of known kind, put into good cases: to measure what the flags catch, and what a reader does.

Every check has its injector. Those of ``MASK_FAULTS`` change the cord's mask alone, on any scan; the image is the very
same object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.errors import InputError
from napari_spinalq.levels.discs import Labelling, by_number
from napari_spinalq.quality.faults import image_faults, mask_faults
from napari_spinalq.quality.faults.case import Case, WorkCase, to_work, with_image_and_masks, with_masks
from napari_spinalq.quality.flags.checks import Check

MASK_FAULTS = (
    Check.LEAK,
    Check.HOLE,
    Check.SECOND_COMPONENT,
    Check.AREA_JUMP,
    Check.MISSING_SLICE,
    Check.ASYMMETRY,
)
"""Faults that change the cord's mask only, and need nothing but image and mask."""

MIN_SLICES = 5
"""A cord of fewer slices has no room for a fault between its ends."""

MIN_DISCS = 3
DISC_OFF = (0.25, 0.5)
"""How far a disc is moved, as a part of the distance to its neighbour; farther, and measuring refuses it."""

Maker = Callable[[WorkCase, np.random.Generator, float], WorkCase]

_ON_MASKS: Mapping[Check, Maker] = MappingProxyType(
    {
        Check.LEAK: mask_faults.leak,
        Check.HOLE: mask_faults.hole,
        Check.SECOND_COMPONENT: mask_faults.second_component,
        Check.AREA_JUMP: mask_faults.area_jump,
        Check.MISSING_SLICE: mask_faults.missing_slice,
        Check.ASYMMETRY: mask_faults.one_sided,
        Check.CORD_OUTSIDE_CANAL: mask_faults.cord_outside_canal,
        Check.GM_OUTSIDE_CORD: mask_faults.gm_outside_cord,
    }
)
_ON_IMAGES: Mapping[Check, Maker] = MappingProxyType(
    {
        Check.MOTION: image_faults.motion,
        Check.LOW_SNR: image_faults.low_snr,
        Check.PARTIAL_FIELD_OF_VIEW: image_faults.partial_field_of_view,
        Check.TRUNCATED: image_faults.truncated,
    }
)


def inject(case: Case, check: Check, rng: np.random.Generator, severity: float = 0.5) -> Case:
    """Return a case with one fault of the kind that a check looks for.

    Parameters
    ----------
    case : Case
        A good one; it is not changed.
    check : Check
        Kind of the fault.
    rng : Generator
        Draws place, side and form: the same draws give the same fault.
    severity : float
        0 (just worth mending) to 1 (nobody would miss it).

    Returns
    -------
    Case
        For :data:`MASK_FAULTS` with the same scan object and other masks. For faults of the image with a scan in
        memory that has no source file. For low confidence the image is spoilt and its cord segmented anew.

    Raises
    ------
    InputError
        If the severity is not 0..1, or the case has no room for the fault or lacks what it needs: a canal, grey
        matter, or three discs.
    CordNotFoundError
        For low confidence, if no cord is found in the spoilt image.
    """
    if not 0 <= severity <= 1:
        raise InputError(f"A severity of {severity:g} is not possible; give one from 0 to 1.")
    if check is Check.LEVEL_ORDER:
        return replace(case, labelling=_disordered(case.labelling, rng, severity))
    work = to_work(case)
    if len(work.slices) < MIN_SLICES:
        raise InputError(f"A cord of {len(work.slices)} slices has no room for a fault; give one of {MIN_SLICES}.")
    if check in _ON_MASKS:
        return with_masks(case, _ON_MASKS[check](work, rng, severity))
    if check in _ON_IMAGES:
        return with_image_and_masks(case, _ON_IMAGES[check](work, rng, severity))
    return segmented_anew(with_image_and_masks(case, image_faults.spoilt(work, rng, severity)))


def segmented_anew(case: Case) -> Case:
    """Return a case with the cord that is found in its image, and the confidence of its slices."""
    found = segment_cord(case.scan)
    return replace(case, cord=found.mask, parameters=found.parameters)


def _disordered(labelling: Labelling, rng: np.random.Generator, severity: float) -> Labelling:
    """Put one disc beside its place. A disc passed over is no fault of a result: measuring refuses such names."""
    discs = by_number(labelling.discs)
    if len(discs) < MIN_DISCS:
        raise InputError(f"Fewer than {MIN_DISCS} discs say nothing about each other; give a case with more.")
    place = int(rng.integers(1, len(discs) - 1))
    here, there = (np.array(discs[number].position_mm) for number in (place, place + int(rng.choice([-1, 1]))))
    moved = here + mask_faults.between(DISC_OFF, severity) * (there - here)
    disc = replace(discs[place], position_mm=(float(moved[0]), float(moved[1]), float(moved[2])))
    return replace(labelling, discs=(*discs[:place], disc, *discs[place + 1 :]))

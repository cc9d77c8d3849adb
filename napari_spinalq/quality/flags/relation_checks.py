"""Checks of the cord against what belongs to it: canal, grey matter, discs, and the confidence of its outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.levels.check import oddest
from napari_spinalq.levels.discs import Disc, disc_arcs_mm
from napari_spinalq.metrics.ranges import at_slices
from napari_spinalq.quality.flags.checks import Check
from napari_spinalq.quality.flags.evidence import Evidence
from napari_spinalq.quality.flags.finding import NOT_ASSESSABLE, Finding, beyond


def cord_outside_canal(evidence: Evidence) -> Finding:
    """Measure which share of the cord lies outside the canal, in slices that hold both."""
    return _outside(evidence, Check.CORD_OUTSIDE_CANAL, evidence.main, evidence.structure("canal"), "canal", "cord")


def gm_outside_cord(evidence: Evidence) -> Finding:
    """Measure which share of grey matter lies outside the cord, in slices that hold both."""
    return _outside(evidence, Check.GM_OUTSIDE_CORD, evidence.structure("gm"), evidence.cord, "gm", "grey matter")


def _outside(
    evidence: Evidence,
    check: Check,
    inner: NDArray[np.bool_] | None,
    outer: NDArray[np.bool_] | None,
    drawn: str,
    title: str,
) -> Finding:
    if inner is None or outer is None:
        return NOT_ASSESSABLE
    whole = inner.sum(axis=(1, 2))
    both = (whole > 0) & outer.any(axis=(1, 2))
    if not both.any():
        return NOT_ASSESSABLE
    share = np.where(both, 100 * (inner & ~outer).sum(axis=(1, 2)) / np.maximum(whole, 1), 0.0)
    place = int(share.argmax())
    number = evidence.numbers([place])[0]
    slices = evidence.numbers(beyond(check, share))
    where = f"slice {number}{evidence.level_at(number)}"
    container = "canal" if drawn == "canal" else "cord"
    return Finding(float(share[place]), slices, f"{share[place]:.0f} % of {title} outside the {container} at {where}")


def level_order(evidence: Evidence) -> Finding:
    """Judge the spacing of the named discs, their places between each other, and the size that they tell.

    Names in an order that no spine has never get here: measuring refuses them.
    """
    discs, centerline = evidence.result.labelling.discs, evidence.result.centerline
    odd = oddest(discs, centerline)
    if odd is None:
        return NOT_ASSESSABLE
    return Finding(odd.z, _slices_of(evidence, odd.discs), odd.words)


def _slices_of(evidence: Evidence, discs: tuple[Disc, ...]) -> tuple[int, ...]:
    """Return the slices at which discs lie beside the cord."""
    centerline = evidence.result.centerline
    beside = centerline.position(disc_arcs_mm(discs, centerline))
    grid = evidence.result.scan.grid.reoriented(WORK_AXES)
    numbers = np.rint(grid.mm_to_voxel(beside)[..., 0]).astype(int).tolist()
    return tuple(sorted({number for number in numbers if 0 <= number < grid.shape[0]}))


def low_confidence(evidence: Evidence) -> Finding:
    """Measure the length of cord whose automatic outline is likely to be wrong."""
    confidence = evidence.result.confidence
    if confidence is None or not np.isfinite(confidence.probability).any():
        return NOT_ASSESSABLE
    slices = tuple(np.flatnonzero(confidence.low).tolist())
    if not slices:
        return Finding(0.0)
    length_mm = len(slices) * evidence.slice_mm
    worst = int(confidence.worst_first()[0])
    words = f"outline uncertain over {length_mm:.0f} mm, most at {at_slices([worst])}{evidence.level_at(worst)}"
    return Finding(length_mm, slices, words)

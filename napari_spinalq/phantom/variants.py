"""Changes of an anatomy that the exam does not hold: lesions within the cord, and a conus with its cauda equina."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.phantom.anatomy import CORD_REACH_MM, Anatomy
from napari_spinalq.phantom.place import Place
from napari_spinalq.phantom.sampling import LabelAt
from napari_spinalq.phantom.spine import inside_sac
from napari_spinalq.phantom.tissue import N_TISSUES, Tissue

LESION, CAUDA = N_TISSUES, N_TISSUES + 1
"""Labels of a lesion in the cord and of roots within the sac, above the last tissue."""

N_LABELS = N_TISSUES + 2

CONUS_LENGTH_MM = 30.0
"""The cord tapers to its tip over this length, mm."""

ROOT_RADIUS_MM = 0.6
"""Radius of a bundle of roots of the cauda equina, mm."""

N_ROOTS = 14


@dataclass(frozen=True)
class Lesion:
    """An ellipsoid along the cord; what of it lies outside of the cord is none.

    Attributes
    ----------
    arc_mm, right_mm, anterior_mm : float
        Its middle in coordinates along the cord.
    half_mm : tuple of 3 float
        Half axes along the cord, right-left and anterior-posterior, mm.
    """

    arc_mm: float
    right_mm: float
    anterior_mm: float
    half_mm: tuple[float, float, float]


def with_lesions(anatomy: Anatomy, lesions: Sequence[Lesion]) -> LabelAt:
    """Return the tissues of an anatomy with ``LESION`` where the cord lies within a lesion."""

    def label_at(points_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
        found = anatomy.tissues(points_mm)
        cord = np.flatnonzero(found >= Tissue.GREY_MATTER)
        place = np.stack(anatomy.curvilinear(points_mm[cord]))
        for lesion in lesions:
            middle = np.array([lesion.arc_mm, lesion.right_mm, lesion.anterior_mm])[:, None]
            inside = (((place - middle) / np.array(lesion.half_mm)[:, None]) ** 2).sum(axis=0) < 1
            found[cord[inside]] = LESION
        return found

    return label_at


def with_conus(anatomy: Anatomy, tip_mm: float) -> LabelAt:
    """Return the tissues of an anatomy whose cord tapers to a tip at an arc position and goes over into roots.

    The diameters fall with the root of the distance from the tip, so that the tip is rounded and the area falls
    linearly. Roots lie around the conus and, below it, in the posterior half of the sac.
    """

    def label_at(points_mm: NDArray[np.float64]) -> NDArray[np.uint8]:
        found = anatomy.tissues(points_mm)
        low = np.flatnonzero(_below(anatomy, points_mm, tip_mm + CONUS_LENGTH_MM))
        if low.size:
            found[low] = _conus(anatomy, points_mm[low], found[low], tip_mm)
        return found

    return label_at


def _below(anatomy: Anatomy, points_mm: NDArray[np.float64], arc_mm: float) -> NDArray[np.bool_]:
    arc, right, anterior = anatomy.curvilinear(points_mm)
    reach = 2 * CORD_REACH_MM
    return (arc < arc_mm) & (np.abs(right) < reach) & (np.abs(anterior) < reach)


def _conus(
    anatomy: Anatomy, points_mm: NDArray[np.float64], found: NDArray[np.uint8], tip_mm: float
) -> NDArray[np.uint8]:
    arc, right, anterior = anatomy.curvilinear(points_mm)
    share = np.sqrt(np.clip((arc - tip_mm) / CONUS_LENGTH_MM, 1e-6, 1.0))
    cord = anatomy.cord.inside(arc, right / share, anterior / share) & (arc > tip_mm)
    sac = inside_sac(Place(arc / anatomy.cord_design.spine_scale, right, anterior))
    changed = np.where(sac, np.uint8(Tissue.CSF), found)
    changed[sac & _in_roots(arc, right, anterior, tip_mm)] = CAUDA
    changed[cord] = anatomy.cord.tissues(arc[cord], right[cord] / share[cord], anterior[cord] / share[cord])
    return changed


def _in_roots(arc: NDArray, right: NDArray, anterior: NDArray, tip_mm: float) -> NDArray[np.bool_]:
    """Tell which points lie in a bundle of roots: on a crescent behind and beside the conus that closes below it."""
    angle = np.linspace(-0.15, 1.15, N_ROOTS) * np.pi
    closed = np.clip((tip_mm + CONUS_LENGTH_MM - arc) / (2 * CONUS_LENGTH_MM), 0.0, 1.0)
    inside = np.zeros(arc.shape, dtype=bool)
    for number, turn in enumerate(angle):
        near = 1.0 - 0.45 * closed * (number % 2)
        x, y = 6.0 * near * np.cos(turn), -4.3 * near * np.sin(turn) - 0.3
        inside |= np.hypot(right - x, anterior - y) < ROOT_RADIUS_MM
    return inside

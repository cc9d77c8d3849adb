"""Soft tissue of the neck, airway, skull base and brainstem, drawn in coordinates along the cord."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.anatomy.figures import FORAMEN_MAGNUM_MM
from napari_spinalq.phantom.place import Place, ellipse, paint_where
from napari_spinalq.phantom.tissue import Tissue

BACK_MM = ((-110.0, 74.0), (-75.0, 68.0), (-40.0, 60.0), (0.0, 55.0), (35.0, 55.0), (62.0, 62.0), (90.0, 76.0))
FRONT_MM = ((-110.0, 66.0), (-75.0, 58.0), (-40.0, 55.0), (-8.0, 57.0), (12.0, 56.0), (24.0, 72.0), (34.0, 98.0))
WIDTH_MM = ((-110.0, 120.0), (-75.0, 85.0), (-45.0, 60.0), (0.0, 56.0), (50.0, 62.0), (90.0, 74.0))
"""Skin behind and in front of the cord, and half width of the neck, mm."""

SKIN_MM = 1.6
FAT_BACK_MM = ((-110.0, 13.0), (-60.0, 12.0), (-20.0, 8.0), (40.0, 6.0), (80.0, 4.0))
FAT_FRONT_MM = ((-110.0, 9.0), (-60.0, 6.0), (0.0, 3.5), (25.0, 9.0), (60.0, 8.0))
"""Subcutaneous fat behind and in front, mm: thick over the nape at C7."""

AIRWAY_V_MM = ((-110.0, 37.0), (-45.0, 40.5), (-20.0, 42.0), (0.0, 40.0), (20.0, 33.5), (45.0, 33.0), (80.0, 37.0))
AIRWAY_AP_MM = ((-110.0, 8.0), (-30.0, 7.5), (-16.0, 4.0), (-6.0, 5.0), (8.0, 6.0), (30.0, 5.0), (80.0, 7.0))
AIRWAY_RL_MM = ((-110.0, 9.0), (-30.0, 8.0), (-14.0, 2.5), (-4.0, 8.0), (30.0, 13.0), (80.0, 11.0))
"""Middle of the air column in front of the cord and its half diameters, mm: trachea, glottis, pharynx."""

FASCIA_MM = 0.55
"""Half thickness of the fat between muscles, mm."""

MEDULLA_AP_MM = ((71.0, 3.8), (78.0, 5.0), (90.0, 6.6), (97.0, 8.5), (102.0, 12.5), (115.0, 14.0))
MEDULLA_RL_MM = ((71.0, 5.3), (78.0, 6.2), (90.0, 8.5), (97.0, 12.0), (102.0, 15.5), (115.0, 17.0))
MEDULLA_V_MM = ((71.0, 0.0), (80.0, 0.3), (94.0, 0.8), (102.0, 4.5), (115.0, 5.5))
"""Half diameters of medulla and pons, and how far their middle lies in front of the line, mm."""


def paint_neck(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint everything around the spine: skin, fat, muscles, airway, skull base."""
    back, front = place.along(BACK_MM), place.along(FRONT_MM)
    half_ap = (back + front) / 2
    radius = ellipse(place.u, place.along(WIDTH_MM), place.v - (front - back) / 2, half_ap)
    depth = (1 - radius) * half_ap
    found[depth > 0] = Tissue.SKIN
    fat = np.where(place.v > 0, place.along(FAT_FRONT_MM), place.along(FAT_BACK_MM)) + SKIN_MM
    found[depth > SKIN_MM] = Tissue.FAT
    found[depth > fat] = Tissue.MUSCLE
    deep = depth > fat
    paint_where(_paint_posterior_muscles, place, found, deep & (place.v < -4))
    paint_where(_paint_front, place, found, deep & (place.v > 4))
    paint_where(_paint_head, place, found, (depth > 4) & (place.s > 60))


def _paint_posterior_muscles(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint layers of the nape: wavy fat planes between muscles, streaky tissue and a ligament in the midline."""
    side, behind = np.abs(place.u), -place.v
    wave = 1.6 * np.sin(place.s / 24.0 + side / 8.0) + 0.4 * np.sin(place.s / 7.3 + behind / 5.0)
    from_midline = np.hypot(side * 0.9, behind - 9.0) + wave
    thickness = FASCIA_MM * (0.6 + 0.7 * np.sin(place.s / 17.0 + side / 4.0) ** 2)
    septum = (np.abs((from_midline - 4.0) % 10.5 - 5.2) < thickness) & (from_midline > 9)
    bundle = (np.abs((side + 0.25 * behind + wave) % 13.0 - 6.5) < 0.45) & (behind > 18)
    found[septum | bundle] = Tissue.FAT
    slant = place.s + 0.45 * behind
    streaks = np.sin(slant / 2.3 + np.sin(behind / 4.0)) * np.sin(behind / 5.0 - slant / 9.0 + side / 2.0)
    found[(side < 3.0 + 0.05 * behind) & (streaks > 0.28)] = Tissue.FAT
    sheet = np.abs(place.u - 1.4 * np.sin(slant / 14.0 + behind / 8.0)) < 0.35
    found[sheet & (place.s < 62)] = Tissue.LIGAMENT


def _paint_front(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint prevertebral tissue, airway, larynx, gullet, vessels, thyroid gland and the floor of the mouth."""
    side = np.abs(place.u)
    wave = np.sin(place.s / 7.0 + side / 5.0)
    strand = np.abs((place.v + 0.5 * side + 2.0 * wave) % 9.0 - 4.5) < 0.5
    found[strand & (place.v > 28)] = Tissue.FAT
    tongue = ellipse(place.s - 38.0, 22.0, place.v - 66.0, 25.0) < 1
    found[tongue & (side < 22) & (np.abs((place.s + place.v * 0.8) % 5.0 - 2.5) < 0.4)] = Tissue.FAT
    carotid = ellipse(side - 26.0, 3.2, place.v - 18.0, 3.2) < 1
    jugular = ellipse(side - 32.0, 5.0, place.v - 16.0, 4.0) < 1
    found[carotid | jugular] = Tissue.VESSEL
    thyroid = np.hypot(ellipse(side - 12.0, 8.0, place.v - 40.0, 10.0), (place.s + 40.0) / 18.0)
    found[thyroid < 1] = Tissue.MUCOSA
    _paint_airway(place, found)


def _paint_airway(place: Place, found: NDArray[np.uint8]) -> None:
    middle, half_ap, half_rl = (place.along(t) for t in (AIRWAY_V_MM, AIRWAY_AP_MM, AIRWAY_RL_MM))
    dv = place.v - middle
    wall = ellipse(place.u, half_rl + 2.0, dv, half_ap + 1.8) < 1
    ring = wall & (place.s < -22) & (np.sin(place.s / 0.8) > -0.2) & (dv > 0)
    found[wall] = Tissue.MUCOSA
    found[ring] = Tissue.CORTICAL_BONE
    found[ellipse(place.u, half_rl, dv, half_ap) < 1] = Tissue.AIR
    gullet = (ellipse(place.u, 8.0, dv + half_ap + 4.0, 2.4) < 1) & (place.s < -18)
    found[gullet] = Tissue.MUSCLE
    epiglottis = (np.abs(dv - 0.25 * (place.s - 8.0) + 1.0) < 0.8) & (np.abs(place.s - 8.0) < 9) & (np.abs(place.u) < 7)
    found[epiglottis] = Tissue.MUCOSA
    palate = ellipse(place.s - 48.0 + 0.9 * (dv - 6.0), 4.0, dv - 5.0, 9.0) < 1
    found[palate & (np.abs(place.u) < 12)] = Tissue.MUSCLE
    cartilage = (np.abs(dv - half_ap - 4.5) < 1.1) & (np.abs(place.s + 8.0) < 9) & (np.abs(place.u) < 12)
    found[cartilage] = Tissue.CORTICAL_BONE
    hyoid = ellipse(place.s - 12.0, 3.2, dv - half_ap - 7.0, 3.0)
    found[hyoid < 1] = Tissue.CORTICAL_BONE
    found[hyoid < 0.65] = Tissue.MARROW


def _paint_head(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint clivus, occipital bone and the posterior fossa with its fluid and cerebellum."""
    fossa = np.sqrt(((place.s - 114.0) / 43.0) ** 2 + ((place.v + 21.0) / 41.0) ** 2 + (place.u / 56.0) ** 2)
    funnel = np.clip(place.s - 64.0, 0, 20)
    opening = ellipse(place.u, 11.6 + 0.4 * funnel, place.v + 1.2, 8.2 + 0.42 * funnel) < 1
    bone = (fossa < 1.17) & (place.v < 8) & ~(opening & (place.s < 84))
    found[bone] = Tissue.CORTICAL_BONE
    found[bone & (np.abs(fossa - 1.085) < 0.05)] = Tissue.MARROW
    along = place.s - FORAMEN_MAGNUM_MM - 1.0
    slope = place.v - 15.0 - 0.42 * along
    clivus = (np.abs(slope) < 4.6 + 0.05 * along) & (along > 0) & (np.abs(place.u) < 14)
    found[clivus] = Tissue.CORTICAL_BONE
    found[clivus & (np.abs(slope) < 3.5 + 0.05 * along) & (along > 1.2)] = Tissue.MARROW
    inside = (fossa < 1) | (opening & (place.s > 66) & (place.s < 84) & (slope < -4.6))
    inside |= (place.v > -6) & (slope < -4.8 - place.u**2 / 60) & (np.abs(place.u) < 15) & (along > 2)
    found[inside] = Tissue.CSF
    paint_where(_paint_cerebellum, place, found, (fossa < 0.95) & (place.v < -11.5))


def _paint_cerebellum(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint the cerebellum with fluid in its folia; below it the great cistern stays."""
    shape = np.sqrt(((place.s - 119.0) / 42.0) ** 2 + ((place.v + 33.0) / 29.0) ** 2 + (place.u / 54.0) ** 2)
    distance = np.hypot(place.s - 119.0, place.v + 17.0) + 0.8 * np.sin(place.u / 4.0)
    found[shape < 1] = Tissue.CEREBELLUM
    found[(shape < 1) & (np.abs(distance % 3.3 - 1.65) < 0.14)] = Tissue.CSF


def paint_brainstem(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint medulla and pons above the foramen magnum."""

    def paint(part: Place, tissue: NDArray[np.uint8]) -> None:
        half_ap, half_rl = part.along(MEDULLA_AP_MM), part.along(MEDULLA_RL_MM)
        stem = ellipse(part.u, half_rl, part.v - part.along(MEDULLA_V_MM), half_ap)
        ventricle = ellipse(part.s - 108.0, 14.0, part.v + 11.0, 5.0) < 1
        tissue[stem < 1] = Tissue.BRAINSTEM
        tissue[ventricle & (np.abs(part.u) < 6) & (stem >= 1)] = Tissue.CSF

    paint_where(paint, place, found, (place.s >= FORAMEN_MAGNUM_MM) & (place.v > -20) & (np.abs(place.u) < 20))

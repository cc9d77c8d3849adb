"""Vertebrae, discs, ligaments and the canal with its dural sac, drawn in coordinates along the cord."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.anatomy import figures
from napari_spinalq.phantom.place import Place, ellipse, paint_where, rounded_box
from napari_spinalq.phantom.tissue import Tissue

_BOUNDS = np.array([figures.FORAMEN_MAGNUM_MM, *figures.DISC_HEIGHTS_MM.values(), figures.LOWEST_MM])
_CENTRES = (_BOUNDS[1:] + _BOUNDS[:-1]) / 2
SAC_AP_MM = tuple(zip(_CENTRES[::-1], figures.figure("sac_ap_mm")[::-1], strict=True))
SAC_RL_MM = tuple(zip(_CENTRES[::-1], figures.figure("sac_rl_mm")[::-1], strict=True))
"""Diameters of the dural sac along the spine, mm."""

SAC_TOP_MM = 70.0
"""Arc position above which the fluid around the cord is that of the posterior fossa, mm."""

SAC_OFFSET_MM = ((-60.0, -0.3), (10.0, -0.2), (45.0, -0.8), (65.0, -1.2))
"""How far the middle of the sac lies in front of the cord's, mm: the cord lies near the front at C1 and C2."""

DURA_MM, EPIDURAL_FRONT_MM, EPIDURAL_BACK_MM, EPIDURAL_SIDE_MM = 0.5, 0.6, 1.8, 1.6
"""Dura with its ligament, and epidural space around it, mm."""

BODY_AP_MM = ((-110.0, 17.5), (-50.0, 16.5), (0.0, 15.5), (40.0, 15.0))
BODY_RL_MM = ((-110.0, 14.0), (-50.0, 14.0), (0.0, 11.5), (40.0, 10.0))
"""Depth and half width of the vertebral bodies, mm."""

DISC_HALF_MM = 2.2
"""Half height of a disc at the rim, mm (real cervical discs measure 4 to 5 mm)."""

CORTEX_MM = 0.9
"""Thickness of the dark rim of bones, mm: cortical bone and its chemical-shift edge."""

SPINOUS_MM = {2: 17.0, 3: 12.0, 4: 12.0, 5: 14.0, 6: 19.0, 7: 27.0, 8: 29.0, 9: 29.0, 10: 28.0}
"""Length of the spinous process of each level from C2, mm: long at C2, the longest cervical one at C7."""

DENS_TOP_MM, C1_MIDDLE_MM = 66.0, 60.0
"""Arc positions of the tip of the dens and of the arches of the atlas, mm."""


def canal_front_mm(place: Place) -> NDArray[np.float64]:
    """Return the distance in front of the cord's centre where the bony canal ends, mm."""
    return place.along(SAC_AP_MM) / 2 + place.along(SAC_OFFSET_MM) + EPIDURAL_FRONT_MM + DURA_MM


def canal_back_mm(place: Place) -> NDArray[np.float64]:
    """Return the distance behind the cord's centre where the bony canal ends, mm."""
    return place.along(SAC_AP_MM) / 2 - place.along(SAC_OFFSET_MM) + EPIDURAL_BACK_MM + DURA_MM


def paint_spine(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint the column from T3 to C1: posterior elements, bodies and discs, dens and atlas."""
    near = (np.abs(place.u) < 26) & (place.v > -52) & (place.v < 34) & (place.s < 68)
    paint_where(_paint_posterior, place, found, near & (place.v < 9) & (place.s < 50))
    paint_where(_paint_bodies, place, found, near & (place.v > 3) & (place.s < 50.5))
    paint_where(_paint_dens, place, found, near & (place.v > 3) & (place.s > 46))
    paint_where(_paint_atlas, place, found, near & (np.abs(place.s - C1_MIDDLE_MM) < 9))


def paint_canal(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint dura and epidural space around the sac."""
    paint_where(_paint_canal, place, found, _in_canal_box(place))


def inside_sac(place: Place) -> NDArray[np.bool_]:
    """Tell which points lie in the dural sac below the foramen magnum: fluid where there is no cord."""
    inside = _in_canal_box(place)
    near = place.pick(inside)
    dv = near.v - near.along(SAC_OFFSET_MM)
    inside[inside] = ellipse(near.u, near.along(SAC_RL_MM) / 2, dv, near.along(SAC_AP_MM) / 2) < 1
    return inside


def sac_area_mm2(arc_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of the dural sac, cord included, perpendicular to the cord: that of its ellipse, pi a b.

    Parameters
    ----------
    arc_mm : array
        Arc position in millimetres of an unscaled spine, as in :class:`~napari_spinalq.phantom.place.Place`.
    """
    place = Place(arc_mm, np.zeros_like(arc_mm), np.zeros_like(arc_mm))
    return np.pi / 4 * place.along(SAC_AP_MM) * place.along(SAC_RL_MM)


def mean_sac_area_mm2(lower_mm: float, upper_mm: float) -> float:
    """Return the mean of :func:`sac_area_mm2` between two arc positions.

    Between the centres of levels both diameters are linear, so their product is integrated exactly by Simpson's rule.
    """
    ends = np.unique(np.r_[lower_mm, np.clip(_CENTRES, lower_mm, upper_mm), upper_mm])
    first, last = ends[:-1], ends[1:]
    parts = sac_area_mm2(first) + 4 * sac_area_mm2((first + last) / 2) + sac_area_mm2(last)
    return float((parts * (last - first)).sum() / 6 / (upper_mm - lower_mm))


def _in_canal_box(place: Place) -> NDArray[np.bool_]:
    return (np.abs(place.u) < 15) & (np.abs(place.v) < 14) & (place.s < SAC_TOP_MM)


def _nearest_disc(s: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
    """Return distance to the nearest disc, height of the vertebra there, and its level.

    The distance is to the plane of the disc, positive in mm.
    """
    edges = _BOUNDS[1:]
    above = np.clip(np.searchsorted(-edges, -s, side="right") - 1, 0, len(edges) - 2)
    upper, lower = edges[above], edges[above + 1]
    return np.minimum(np.abs(upper - s), np.abs(s - lower)), upper - lower, above + 2


def _paint_bodies(place: Place, found: NDArray[np.uint8]) -> None:
    front = canal_front_mm(place)
    half_ap, half_rl = place.along(BODY_AP_MM) / 2, place.along(BODY_RL_MM)
    from_disc, height, level = _nearest_disc(place.s)
    from_disc = np.where((level == 2) & (place.s > 44), 16.0, from_disc)
    middle = np.clip(from_disc / (height / 2), 0, 1)
    dv = place.v - front - half_ap
    radius = rounded_box(place.u, half_rl - 0.9 * middle, dv, half_ap - 0.7 * middle)
    disc_half = DISC_HALF_MM * (0.85 + 0.35 * np.clip(1 - radius**2, 0, 1))
    ligament = rounded_box(place.u, half_rl + 1.2, dv, half_ap + 1.0) < 1
    found[ligament] = Tissue.LIGAMENT
    bone = (radius < 1) & (from_disc > disc_half)
    found[bone] = Tissue.CORTICAL_BONE
    rim = 1 - CORTEX_MM / half_ap
    found[bone & (radius < rim) & (from_disc > disc_half + CORTEX_MM * 0.8)] = Tissue.MARROW
    basivertebral = bone & (np.abs(place.u) < 2.5) & (np.abs(middle - 1) < 0.16) & (dv < -half_ap * 0.45)
    found[basivertebral & (radius < 0.97)] = Tissue.MUCOSA
    bulge = rounded_box(place.u, half_rl + 0.5, dv, half_ap + 0.4)
    disc = (bulge < 1) & (from_disc <= disc_half) & (level >= 2)
    found[disc] = Tissue.DISC_ANNULUS
    found[disc & (bulge < 0.72) & (from_disc < disc_half - 0.4)] = Tissue.DISC_NUCLEUS


def _paint_posterior(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint articular pillars, pedicles, foramina with roots, laminae, flaval ligaments and spinous processes."""
    back = canal_back_mm(place)
    half_rl = place.along(SAC_RL_MM) / 2 + EPIDURAL_SIDE_MM + DURA_MM
    side = np.abs(place.u)
    _paint_pillars(place, found, side - half_rl)
    behind = -place.v - back
    radius = ellipse(place.u, half_rl + 5.0, np.minimum(place.v, 0.0), back + 5.0)
    inner = ellipse(place.u, half_rl, np.minimum(place.v, 0.0), back)
    depth = (1 - radius) * (back + 5.0)
    ring = (radius < 1) & (inner > 1) & (place.v < -1)
    from_disc, height, _ = _nearest_disc(place.s + 4.0 + 0.35 * np.maximum(behind, 0))
    found[ring] = Tissue.LIGAMENT
    lamina = ring & (from_disc > height / 2 - 5.5)
    found[lamina] = Tissue.CORTICAL_BONE
    found[lamina & (depth > 1.1) & (depth < 4.0) & (from_disc > height / 2 - 4.4)] = Tissue.MARROW
    _paint_spinous(place, found, behind)


def _paint_pillars(place: Place, found: NDArray[np.uint8], outside: NDArray[np.float64]) -> None:
    """Paint the bone beside the canal, cut by facet joints behind and by foramina in front."""
    lateral = outside - 4.5
    pillar = rounded_box(lateral, 5.0, place.v + 4.5, 6.2)
    joint = np.abs(_nearest_disc(place.s + 0.7 * (place.v + 4))[0])
    found[pillar < 1] = np.where(joint[pillar < 1] < 0.9, Tissue.LIGAMENT, Tissue.CORTICAL_BONE)
    found[(pillar < 0.8) & (joint > 2.0)] = Tissue.MARROW
    from_disc, height, _ = _nearest_disc(place.s)
    beside = rounded_box(lateral, 5.0, place.v - 4.0, 3.8)
    pedicle = (beside < 1) & (from_disc > height / 2 - 4.0)
    found[(beside < 1) & (ellipse(from_disc, 5.5, place.v - 4.0, 3.8) < 1)] = Tissue.FAT
    found[pedicle] = Tissue.CORTICAL_BONE
    found[pedicle & (from_disc > height / 2 - 3.0) & (beside < 0.78)] = Tissue.MARROW
    found[(beside < 1) & (ellipse(from_disc - 1.5, 2.6, place.v - 3.6, 2.3) < 1)] = Tissue.NERVE_ROOT
    artery = ellipse(lateral, 2.1, place.v - 7.5, 2.1) < 1
    found[artery & (place.s > -40)] = Tissue.VESSEL


def _paint_spinous(place: Place, found: NDArray[np.uint8], behind: NDArray[np.float64]) -> None:
    """Paint the spinous processes, which slope down and end in a knob."""
    reach = behind - 2.0
    slope = place.along(((-90.0, 0.75), (-50.0, 0.45), (0.0, 0.30), (40.0, 0.25)))
    from_disc, height, level = _nearest_disc(place.s + 4.0 + slope * np.maximum(reach, 0))
    length = np.array([0, 0, *SPINOUS_MM.values()])[np.clip(level, 0, 10)]
    share = np.clip(reach / length, 0, 1)
    half_height = np.where(level == 2, 6.0, 4.6) * (1 - 0.25 * share) + 0.8 * (share > 0.8)
    half_width = 2.4 + 1.6 * share**3 * np.where(level <= 6, 1.3, 0.6)
    vertical = height / 2 - from_disc
    process = (reach > -3) & (reach < length) & (np.abs(place.u) < half_width) & (vertical < half_height)
    found[process] = Tissue.CORTICAL_BONE
    inner = process & (np.abs(place.u) < half_width - 0.9) & (vertical < half_height - 1.0) & (reach < length - 1.0)
    found[inner & (reach > -1.5)] = Tissue.MARROW


def _paint_dens(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint the dens above the body of the axis, with its transverse ligament."""
    front = canal_front_mm(place)
    up = (place.s - 46.0) / (DENS_TOP_MM - 46.0)
    half_ap = 7.5 - 2.3 * np.clip(up * 2, 0, 1)
    half_rl = 10.0 - 4.8 * np.clip(up * 2, 0, 1)
    taper = np.sqrt(np.clip(1 - np.clip((up - 0.62) / 0.38, 0, 1) ** 2, 0, 1)) + 1e-6
    dv = place.v - front - 2.2 * np.clip(up * 2, 0, 1) - half_ap
    radius = ellipse(place.u, half_rl * taper, dv, half_ap * taper)
    cover = (ellipse(place.u, half_rl + 2.0, dv, half_ap + 1.8) < 1) & (place.s < DENS_TOP_MM + 1.5)
    found[cover] = Tissue.LIGAMENT
    bone = (radius < 1) & (place.s < DENS_TOP_MM)
    found[bone] = Tissue.CORTICAL_BONE
    found[bone & (radius < 1 - CORTEX_MM / (half_ap * taper))] = Tissue.MARROW


def _paint_atlas(place: Place, found: NDArray[np.uint8]) -> None:
    """Paint the anterior and posterior arch and the lateral masses of C1."""
    front, back = canal_front_mm(place), canal_back_mm(place)
    height = place.s - C1_MIDDLE_MM
    anterior = ellipse(height, 5.2, place.v - front - 2.2 - 10.4 - 4.6 + 0.02 * place.u**2, 3.1)
    posterior = ellipse(height + 1.5, 4.2, place.v + back + 3.2 - 0.03 * place.u**2, 3.0)
    masses = np.hypot(rounded_box(np.abs(place.u) - 17.5, 6.0, place.v - 3.0, 8.0), height / 7.5)
    for radius, thin in ((anterior, 3.1), (posterior, 3.0), (masses, 6.0)):
        found[radius < 1] = Tissue.CORTICAL_BONE
        found[radius < 1 - CORTEX_MM / thin] = Tissue.MARROW


def _paint_canal(place: Place, found: NDArray[np.uint8]) -> None:
    half_ap, half_rl = place.along(SAC_AP_MM) / 2, place.along(SAC_RL_MM) / 2
    dv = place.v - place.along(SAC_OFFSET_MM)
    epidural = np.where(dv > 0, EPIDURAL_FRONT_MM, EPIDURAL_BACK_MM) + DURA_MM
    canal = ellipse(place.u, half_rl + EPIDURAL_SIDE_MM + DURA_MM, dv, half_ap + epidural) < 1
    found[canal] = np.where(dv[canal] > 0, Tissue.LIGAMENT, Tissue.FAT)
    found[ellipse(place.u, half_rl + DURA_MM, dv, half_ap + DURA_MM) < 1] = Tissue.LIGAMENT

"""Which disc is which, where nobody clicked one: the head end of the canal as a landmark.

At the foramen magnum the fluid-filled space around the cord widens abruptly from the canal of C1 into the posterior
fossa. Its distance to the C2-C3 disc differs between people and with the bend of the neck, so it alone does not name
discs with certainty: on real scans a name from the head end is right in 71 to 88 of 100. Names count as confirmed only
where the landmark and the end of the row of discs, found independently, agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.levels.chain import Landmark
from napari_spinalq.levels.evidence import STEP_MM, SpineImage

FORAMEN_WIDTH_MM = 28.0
"""Depth (front to back, mm) of the fluid-filled space that the canal never has and the posterior fossa always has:
halfway between the canal at C1 (16 to 24 mm) and the foramen magnum (35 mm)."""

FORAMEN_RUN_MM = 8.0
"""The space must stay that deep over this distance towards the head, mm: a cyst or an artefact is shorter."""

CORD_ABOVE_FORAMEN_MM = 40.0
"""A centerline goes on into the brainstem by less than this (mm), so a wide place farther below its top is no foramen.
"""

FORAMEN_ABOVE_C2C3_MM = 41.0
"""Where the space becomes deeper than ``FORAMEN_WIDTH_MM``, above the C2-C3 disc: measured on the PAM50 template at
1 x 1 x 2 mm (220.5 mm against 179.5 mm)."""

FORAMEN_SPREAD_MM = 6.0
"""Standard deviation of that distance between people and head positions, mm: a third of a level, which reproduces
names wrong by one level in 10 to 30 of 100."""

AGREEMENT_MM = 6.0
"""The landmark and the topmost disc agree if C2-C3 lies within this of its expected place (mm): names shifted by one
level would miss it by 15 to 18 mm."""

MIN_MARGIN = 10.0
"""The best naming must lead the next one by this much (natural logarithm) to count as confirmed. The model takes its
parts for independent, which they are not: on 200 simulated scans wrong names led by up to 8.3."""

MIN_ROW = 4
"""A row of fewer discs than this is too short to be confirmed without a click."""

FLUID_OVER_CORD = 1.25
"""Fluid must be brighter than cord by this factor for the space to be told from bone (T2w)."""

SPACE_OVER_CORD = 0.5
"""Ligament and cortical bone are darker than this part of the cord's brightness, fluid and brain are brighter."""


def foramen_landmark(image: SpineImage) -> Landmark | None:
    """Return the foramen magnum as a landmark; None where the scan does not show it."""
    foramen = find_foramen(image)
    if foramen is None:
        return None
    return Landmark(foramen, FORAMEN_ABOVE_C2C3_MM, FORAMEN_SPREAD_MM)


def find_foramen(image: SpineImage) -> int | None:
    """Find where the space around the cord widens into the posterior fossa.

    Parameters
    ----------
    image : SpineImage
        Straightened midsagittal image, fluid brighter than cord.

    Returns
    -------
    int or None
        Plane of the straightened image; None where the scan does not reach it, or fluid is not bright.
    """
    depth_mm = space_depth_mm(image)
    if depth_mm is None:
        return None
    deep = depth_mm >= FORAMEN_WIDTH_MM
    run = round(FORAMEN_RUN_MM / STEP_MM)
    near_top = image.frame.arcs_mm() >= image.frame.centerline.length_mm - CORD_ABOVE_FORAMEN_MM
    starts = np.flatnonzero((deep & near_top)[: len(deep) - run + 1])
    for start in starts[::-1]:
        narrow_below = not deep[max(0, start - run) : start].any() and start >= run
        if deep[start : start + run].mean() > 0.9 and narrow_below:
            return int(start)
    return None


def space_depth_mm(image: SpineImage) -> NDArray[np.float64] | None:
    """Return the depth of the bright space around the cord at each plane, shape (n_planes,), mm; None if unreadable."""
    values = ndimage.gaussian_filter(np.nan_to_num(image.values), (2.0, 0.5))
    centre = round(image.center_row)
    near = round(2.0 / STEP_MM)
    cord = np.median(values[:, centre - near : centre + near + 1], axis=1)
    fluid = values[:, centre - 5 * near : centre + 5 * near].max(axis=1)
    inside = cord > 0
    if inside.sum() == 0 or np.median(fluid[inside] / cord[inside]) < FLUID_OVER_CORD:
        return None
    level = SPACE_OVER_CORD * ndimage.median_filter(cord, round(20.0 / STEP_MM))
    bright = values > np.maximum(level, np.finfo(np.float32).tiny)[:, None]
    before = np.cumprod(bright[:, centre:], axis=1).sum(axis=1)
    behind = np.cumprod(bright[:, centre::-1], axis=1).sum(axis=1)
    return (before + behind - 1) * STEP_MM

"""Anatomical figures of the healthy cord, per vertebral level; the phantom is drawn from them.

Cord area, diameters, grey-matter fraction and tract moments were measured on the PAM50 template (De Leener et al. 2018,
NeuroImage, doi:10.1016/j.neuroimage.2017.10.041) and its white-matter atlas (Levy et al. 2015, NeuroImage,
doi:10.1016/j.neuroimage.2015.06.040). Diameters of the dural sac are the means over healthy adults of the spine-generic
T2w data (Cohen-Adad et al. 2021, Sci Data, doi:10.1038/s41597-021-00941-8). Heights of discs are those of PAM50.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TractFigures:
    """A tract of the patient's right side in normalised cord coordinates (origin at the centroid, edge near radius 1).

    Attributes
    ----------
    area_fraction : float
        Share of the cord's area on one side.
    x, y : float
        Centroid, x to the right and y to anterior.
    var_x, var_y, cov_xy : float
        Second central moments.
    """

    area_fraction: float
    x: float
    y: float
    var_x: float
    var_y: float
    cov_xy: float


@dataclass(frozen=True)
class LevelFigures:
    """Figures of one vertebral level: mm2 and mm; ``gm_fraction`` is the share of grey matter in the cord's area."""

    level: int
    cord_area_mm2: float
    diameter_ap_mm: float
    diameter_rl_mm: float
    gm_fraction: float
    sac_ap_mm: float
    sac_rl_mm: float
    lateral_cst: TractFigures
    ventral_cst: TractFigures


_TABLE = """
 1 63.1 7.62 10.62 0.184 16.1 23.3  0.0577 0.680 -0.268 0.0105 0.0283 -0.0006  0.0089 0.049 0.842 0.0022 0.0097 0.0004
 2 63.6 7.18 11.35 0.194 14.6 22.4  0.0606 0.675 -0.311 0.0098 0.0315  0.0003  0.0106 0.047 0.791 0.0019 0.0119 0.0007
 3 66.4 7.17 11.86 0.206 13.1 21.0  0.0668 0.661 -0.309 0.0103 0.0359  0.0011  0.0109 0.045 0.782 0.0019 0.0130 0.0009
 4 72.7 7.41 12.59 0.214 12.9 21.1  0.0724 0.645 -0.286 0.0101 0.0405  0.0016  0.0125 0.049 0.723 0.0019 0.0163 0.0013
 5 71.5 7.39 12.42 0.200 12.8 21.2  0.0690 0.644 -0.301 0.0108 0.0344  0.0014  0.0155 0.057 0.713 0.0023 0.0169 0.0015
 6 63.5 6.86 11.87 0.214 12.6 20.8  0.0673 0.655 -0.329 0.0114 0.0332  0.0024  0.0173 0.058 0.719 0.0024 0.0204 0.0016
 7 50.7 6.21 10.47 0.196 12.8 19.9  0.0654 0.660 -0.340 0.0111 0.0329  0.0016  0.0167 0.057 0.755 0.0025 0.0208 0.0011
 8 44.2 6.01  9.43 0.174 13.0 18.2  0.0664 0.647 -0.369 0.0124 0.0347  0.0042  0.0141 0.067 0.803 0.0031 0.0112 0.0006
 9 40.9 5.76  9.14 0.169 12.8 16.2  0.0736 0.641 -0.334 0.0123 0.0395  0.0038  0.0124 0.064 0.839 0.0032 0.0101 0.0006
10 39.0 5.72  8.76 0.182 12.7 15.3  0.0710 0.671 -0.284 0.0113 0.0399  0.0039  0.0140 0.070 0.831 0.0037 0.0108 0.0008
"""


def _parse(line: str) -> LevelFigures:
    level, area, ap, rl, fraction, sac_ap, sac_rl, *moments = (float(number) for number in line.split())
    lateral, ventral = TractFigures(*moments[:6]), TractFigures(*moments[6:])
    return LevelFigures(int(level), area, ap, rl, fraction, sac_ap, sac_rl, lateral, ventral)


LEVELS: tuple[LevelFigures, ...] = tuple(_parse(line) for line in _TABLE.strip().splitlines())
"""C1 to T3, superior to inferior."""

DISC_HEIGHTS_MM: dict[int, float] = {
    2: 52.0,
    3: 36.0,
    4: 18.0,
    5: 0.0,
    6: -16.0,
    7: -32.0,
    8: -50.0,
    9: -72.0,
    10: -94.0,
}
"""Arc position (mm) of each disc from C1-C2 (the joint) to T2-T3, numbered by the level below, C4-C5 being zero."""

FORAMEN_MAGNUM_MM = 71.0
"""Arc position (mm) of the foramen magnum, where cord becomes medulla: 19 mm above the C1-C2 joint."""

LOWEST_MM = -118.0
"""Arc position (mm) of the lower end of T3."""


def figure(name: str) -> NDArray[np.float64]:
    """Return one figure of all levels C1..T3 as an array, superior to inferior."""
    return np.array([getattr(row, name) for row in LEVELS], dtype=float)


def tract_figure(tract: str, name: str) -> NDArray[np.float64]:
    """Return one figure of a tract (``lateral_cst`` or ``ventral_cst``) of all levels as an array."""
    return np.array([getattr(getattr(row, tract), name) for row in LEVELS], dtype=float)

"""The cord: area, grey matter and tracts as functions of arc position, all areas in closed form."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from napari_spinalq.anatomy import figures
from napari_spinalq.anatomy.butterfly import ROOT_VERTEX, TIP_VERTEX, inside_polygons, scaled_half
from napari_spinalq.errors import InputError
from napari_spinalq.phantom.outline import half_axes_mm, inside_outline, moment_diameters_mm
from napari_spinalq.phantom.tissue import Tissue
from napari_spinalq.vertebrae import level_name

TABLE_STEP_MM = 0.1
"""Spacing of tabulated grey-matter polygons along the cord, mm: their area changes by under 0.1 % from one to the
next."""

GM_BOX = (0.70, -0.80, 0.75)
"""Normalised |x|, lowest and highest y beyond which no butterfly reaches."""

MAX_GM_FRACTION = 0.33
"""A butterfly above this share of the cord's area would pierce the outline."""

DORSAL_WEDGE = 0.86
"""Dorsal columns end laterally at this multiple of the line from the commissure to the tip of the dorsal horn."""

LEVELS = tuple(row.level for row in figures.LEVELS)


@dataclass(frozen=True)
class CordDesign:
    """Cord geometry per level, and by what factors disease changed it.

    Attributes
    ----------
    size : float
        Subject's factor on all cord areas.
    spine_scale : float
        Subject's factor on all distances along the spine.
    cord_atrophy, gm_atrophy : dict of level to factor
        Area of cord, and of grey matter, as a share of the healthy one (1 where absent).
    """

    size: float = 1.0
    spine_scale: float = 1.0
    cord_atrophy: dict[int, float] = field(default_factory=dict)
    gm_atrophy: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("cord_atrophy", "gm_atrophy"):
            for level, factor in getattr(self, name).items():
                if level not in LEVELS or not 0 < factor <= 2:
                    raise InputError(
                        f"{name} holds factor {factor} for level {level}; give factors above 0 and up to 2 for levels "
                        f"{LEVELS[0]} ({level_name(LEVELS[0])}) to {LEVELS[-1]} ({level_name(LEVELS[-1])})."
                    )


@dataclass(frozen=True)
class Cord:
    """The cord of a design, ready to be asked.

    Between the centres of levels every figure follows a monotone piecewise cubic (Fritsch and Carlson 1980, SIAM J
    Numer Anal, doi:10.1137/0717021), whose integral is known in closed form.
    """

    design: CordDesign

    @cached_property
    def discs_mm(self) -> dict[int, float]:
        """Arc position of each disc, numbered by the level below it, mm."""
        return {disc: height * self.design.spine_scale for disc, height in figures.DISC_HEIGHTS_MM.items()}

    @cached_property
    def top_mm(self) -> float:
        """Arc position of the foramen magnum, mm."""
        return figures.FORAMEN_MAGNUM_MM * self.design.spine_scale

    @cached_property
    def bounds_mm(self) -> NDArray[np.float64]:
        """Arc positions that bound the levels C1..T3, superior to inferior, shape (11,), mm."""
        lowest = figures.LOWEST_MM * self.design.spine_scale
        return np.array([self.top_mm, *self.discs_mm.values(), lowest])

    @cached_property
    def centres_mm(self) -> NDArray[np.float64]:
        """Arc position of the middle of each level C1..T3, superior to inferior, mm."""
        return (self.bounds_mm[1:] + self.bounds_mm[:-1]) / 2

    def _smooth(self, values: NDArray[np.float64]) -> PchipInterpolator:
        """Return the monotone cubic through the level centres, level beyond the last ones."""
        knots = np.r_[-400.0, self.bounds_mm[-1], self.centres_mm[::-1], self.bounds_mm[0], 400.0]
        return PchipInterpolator(knots, np.r_[[values[-1]] * 2, values[::-1], [values[0]] * 2])

    @cached_property
    def _area(self) -> PchipInterpolator:
        factor = np.array([self.design.cord_atrophy.get(level, 1.0) for level in LEVELS])
        return self._smooth(figures.figure("cord_area_mm2") * self.design.size * factor)

    @cached_property
    def _gm_area(self) -> PchipInterpolator:
        factor = np.array([self.design.gm_atrophy.get(level, 1.0) for level in LEVELS])
        healthy = figures.figure("cord_area_mm2") * figures.figure("gm_fraction") * self.design.size
        return self._smooth(healthy * factor)

    @cached_property
    def _ratio(self) -> PchipInterpolator:
        return self._smooth(figures.figure("diameter_ap_mm") / figures.figure("diameter_rl_mm"))

    @cached_property
    def _level(self) -> PchipInterpolator:
        return self._smooth(np.array(LEVELS, dtype=float))

    def area_mm2(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return the area of the cord perpendicular to its centerline, mm2."""
        return self._area(np.asarray(arc_mm, dtype=float))

    def gm_area_mm2(self, arc_mm: ArrayLike) -> NDArray[np.float64]:
        """Return the area of grey matter perpendicular to the centerline, mm2."""
        return self._gm_area(np.asarray(arc_mm, dtype=float))

    def mean_areas_mm2(self, lower_mm: float, upper_mm: float) -> tuple[float, float]:
        """Return mean cord and grey-matter area between two arc positions (exact integral of the cubics), mm2."""
        length = upper_mm - lower_mm
        return (
            float(self._area.integrate(lower_mm, upper_mm)) / length,
            float(self._gm_area.integrate(lower_mm, upper_mm)) / length,
        )

    def half_axes_mm(self, arc_mm: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
        """Return half axes of the cross-section, right-left and anterior-posterior, mm."""
        return half_axes_mm(self.area_mm2(arc_mm), self._ratio(arc_mm))

    def diameters_mm(self, arc_mm: ArrayLike) -> tuple[NDArray, NDArray]:
        """Return moment-equivalent diameters, right-left and anterior-posterior, mm."""
        return moment_diameters_mm(*self.half_axes_mm(np.asarray(arc_mm, dtype=float)))

    def levels(self, arc_mm: ArrayLike) -> NDArray[np.uint8]:
        """Return the vertebral level at arc positions: 1 (C1) to 10 (T3), 0 beyond."""
        arc = np.asarray(arc_mm, dtype=float)
        index = np.searchsorted(-self.bounds_mm, -arc, side="right")
        return np.where(index <= len(LEVELS), index, 0).astype(np.uint8)

    @cached_property
    def _polygons(self) -> NDArray[np.float64]:
        """Right halves of the butterfly tabulated along the cord, shape (n, n_vertices, 2)."""
        arc = np.arange(self.bounds_mm[-1], self.top_mm + 2 * TABLE_STEP_MM, TABLE_STEP_MM)
        fraction = self.gm_area_mm2(arc) / self.area_mm2(arc)
        if fraction.max() > MAX_GM_FRACTION:
            raise InputError(
                f"Grey matter would fill {100 * fraction.max():.0f} % of the cord at level "
                f"{level_name(int(self.levels(arc[fraction.argmax()])))}; at most {100 * MAX_GM_FRACTION:.0f} % fits, "
                "so lower gm_atrophy or raise cord_atrophy there."
            )
        return np.stack([scaled_half(level, share) for level, share in zip(self._level(arc), fraction, strict=True)])

    def _polygon_at(self, arc_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the half polygon nearest to each arc position, shape (n, n_vertices, 2)."""
        return self._polygons[self._row(arc_mm)]

    def _row(self, arc_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the row of the polygon table nearest to each arc position."""
        place = np.rint((arc_mm - self.bounds_mm[-1]) / TABLE_STEP_MM).astype(int)
        return np.clip(place, 0, len(self._polygons) - 1)

    def inside(self, arc_mm: NDArray, right_mm: NDArray, anterior_mm: NDArray) -> NDArray[np.bool_]:
        """Tell which points in coordinates along the cord lie within its outline (below the foramen magnum)."""
        half_rl, half_ap = self.half_axes_mm(arc_mm)
        return inside_outline(right_mm / half_rl, anterior_mm / half_ap) & (arc_mm < self.top_mm)

    def tissues(self, arc_mm: NDArray, right_mm: NDArray, anterior_mm: NDArray) -> NDArray[np.uint8]:
        """Return the tissue of points that lie in the cord, shape (n,)."""
        half_rl, half_ap = self.half_axes_mm(arc_mm)
        x, y = right_mm / half_rl, anterior_mm / half_ap
        left = x < 0
        side = np.abs(x)
        found = np.full(x.shape, Tissue.WHITE_MATTER, dtype=np.uint8)
        root, tip = np.moveaxis(self._horn_ends(arc_mm), 0, -1)
        reach = DORSAL_WEDGE * tip[0] * (root[1] - y) / (root[1] - tip[1])
        _paint(found, (y < root[1]) & (side < reach), Tissue.DORSAL_COLUMN_RIGHT, left)
        for tract, tissue in (("ventral_cst", Tissue.VENTRAL_CST_RIGHT), ("lateral_cst", Tissue.LATERAL_CST_RIGHT)):
            _paint(found, self._in_tract(tract, arc_mm, side, y), tissue, left)
        near = np.flatnonzero((side < GM_BOX[0]) & (y > GM_BOX[1]) & (y < GM_BOX[2]))
        polygon = np.moveaxis(self._polygon_at(arc_mm[near]), 0, -1)
        found[near[inside_polygons(side[near], y[near], polygon)]] = Tissue.GREY_MATTER
        return found

    def _horn_ends(self, arc_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the back of the commissure and the tip of the dorsal horn, shape (n, 2 points, 2), normalised."""
        return self._polygons[:, (ROOT_VERTEX, TIP_VERTEX)][self._row(arc_mm)]

    def _in_tract(self, tract: str, arc_mm: NDArray, side: NDArray, y: NDArray) -> NDArray[np.bool_]:
        """Tell which points lie in a tract: the ellipse of its moments, scaled to its share of the cord's area."""

        def along(name: str) -> NDArray[np.float64]:
            return np.interp(arc_mm, self.centres_mm[::-1], figures.tract_figure(tract, name)[::-1])

        var_x, var_y, cov = along("var_x"), along("var_y"), along("cov_xy")
        determinant = var_x * var_y - cov**2
        dx, dy = side - along("x"), y - along("y")
        distance = (var_y * dx**2 - 2 * cov * dx * dy + var_x * dy**2) / determinant
        return distance <= along("area_fraction") / np.sqrt(determinant)


def _paint(found: NDArray[np.uint8], where: NDArray[np.bool_], right_tissue: Tissue, left: NDArray[np.bool_]) -> None:
    """Write a tissue of the right side, or its partner of the left (numbered one lower)."""
    found[where & ~left] = right_tissue
    found[where & left] = right_tissue - 1

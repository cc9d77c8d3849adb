"""How much each place along the cord looks like a disc, from the straightened midsagittal image.

Vertebral bodies are even along the spine, a disc with its two endplates is not, whatever the contrast: dark between
bright bodies (T1w), bright or dark between dark endplates (T2w). So the evidence is the energy of the intensity
gradient along the spine, taken on lines that run from the front wall of the canal into the column and may tilt as discs
do, and compared with the energy just above and below, where the bodies are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.straighten import StraightFrame, straight_frame, straighten_array
from napari_spinalq.geometry import Grid
from napari_spinalq.scan import Scan

STEP_MM = 0.5
"""Sampling of the midsagittal image, mm: under any voxel size along the spine."""

SLAB_HALF_WIDTH_MM = 6.0
"""Columns within this distance of the midline are averaged (mm): bodies are 10 mm or more to either side of it."""

REACH_MM = (20.0, 32.0)
"""The image reaches this far behind and before the cord's centre, mm."""

MAX_BEYOND_MM = 120.0
"""The centerline is continued straight by up to this (mm) where the scan goes on: cord ends above the lowest discs."""

WALL_RANGE_MM, WALL_USUAL_MM, WALL_SPREAD_MM = (5.0, 15.0), 8.5, 3.0
"""Where the front wall of the canal lies before the cord's centre, mm: half a canal of 11 to 22 mm, eccentric cord."""

LIGAMENT_MM = 1.2
"""The back edge of a disc lies this far before the edge of the fluid (mm): dura and posterior longitudinal ligament."""

WALL_SMOOTHNESS = 0.1
"""Cost of a step of the wall by one sample, in units of its typical edge strength."""

WALL_SIGMA = 5.0
"""Smoothing of the wall along the cord, in samples: 2.5 mm, so that a single edge does not make a step."""

BODY_RANGE_MM = (2.0, 16.0)
"""Discs are sought between these distances before the wall, mm: a vertebral body is 14 to 30 mm deep, and the first
2 mm hold the ligament."""

TILTS_DEG = np.arange(-24.0, 25.0, 4.0)
"""Tilts of a disc against the plane perpendicular to the cord, degrees."""

TILT_COST = 0.6
"""Part of the energy taken off at the largest tilt: discs are rarely that oblique, and the best of many tilts lifts the
energy of bodies more than that of discs."""

EDGE_SIGMA_MM = 0.6
"""Scale of the gradient, mm: an endplate is about 1 mm thick."""

DISC_PART = 0.13
"""Half width of the energy of a disc with its endplates, as a part of the height of its level: discs are 4 to 6 mm tall
at levels of 17 mm in the neck, and 8 to 11 mm at levels of 32 mm at T12."""

AROUND = 3.0
"""Half width of the surroundings that a disc is compared with, in half widths of the disc: half way into the bodies."""

MIN_COVER = 0.7
"""Part of the search line that must lie inside the scan for its evidence to count."""


@dataclass(frozen=True, eq=False)
class SpineImage:
    """The straightened midsagittal slab.

    Attributes
    ----------
    values : (n_planes, n_rows) array
        Mean over the slab; NaN outside the scan. Planes grow to superior, rows to anterior.
    frame : StraightFrame
        Where it lies.
    """

    values: NDArray[np.float32]
    frame: StraightFrame

    @property
    def center_row(self) -> float:
        """Fractional row of the cord's centre."""
        return self.frame.center[0]


@dataclass(frozen=True, eq=False)
class DiscEvidence:
    """What speaks for a disc at each place along the cord.

    Attributes
    ----------
    arcs_mm : (n,) array
        Distance along the centerline, mm; negative or beyond its length where it was continued.
    energy : (n,) array
        Mean absolute gradient across the best-fitting line into the column, intensity per sample.
    seen : (n,) array of bool
        Where the scan shows the column.
    wall_mm : (n,) array
        Distance of the front wall of the canal before the cord's centre, mm.
    image : SpineImage
        What was looked at.
    """

    arcs_mm: NDArray[np.float64]
    energy: NDArray[np.float64]
    seen: NDArray[np.bool_]
    wall_mm: NDArray[np.float64]
    image: SpineImage

    def strength(self, height_mm: float) -> NDArray[np.float64]:
        """Return the evidence for a disc between levels of ``height_mm`` at each sample, shape (n,).

        The natural logarithm of the energy within a disc's height over that of the surroundings: 0 in an even column,
        whatever the intensity there.
        """
        sigma = DISC_PART * height_mm / STEP_MM
        tiny = float(np.finfo(np.float32).tiny)
        disc = ndimage.gaussian_filter1d(self.energy, sigma) + tiny
        around = ndimage.gaussian_filter1d(self.energy, AROUND * sigma) + tiny
        return np.log(disc / around)

    def position_mm(self, index: int) -> tuple[float, float, float]:
        """Return the RAS mm place of the back edge of the disc at sample ``index``."""
        row = self.image.center_row + (self.wall_mm[index] + LIGAMENT_MM) / STEP_MM
        place = self.image.frame.voxel_to_mm([index, row, self.image.frame.center[1]])
        return tuple(float(v) for v in place)  # type: ignore[return-value]


def spacing_along_mm(grid: Grid, centerline: Centerline) -> float:
    """Return the extent of a voxel along the cord, mm, for the mean direction of the centerline."""
    chord = centerline.points_mm[-1] - centerline.points_mm[0]
    return float(np.linalg.norm(chord / np.linalg.norm(chord) @ grid.affine[:3, :3]))


def spine_image(scan: Scan, centerline: Centerline) -> SpineImage:
    """Straighten the midsagittal slab of a scan, continued beyond the centerline as far as the scan reaches."""
    volume = scan.mean_volume()
    frame = straight_frame(
        centerline,
        spacing_mm=(STEP_MM, STEP_MM, 1.0),
        posterior_mm=REACH_MM[0],
        anterior_mm=REACH_MM[1],
        lateral_mm=SLAB_HALF_WIDTH_MM,
        beyond_ends_mm=_room_beyond(volume, centerline),
    )
    slab = straighten_array(volume.data, volume.grid, frame)
    seen = np.isfinite(slab)
    total, count = np.where(seen, slab, 0).sum(axis=2), seen.sum(axis=2)
    values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return SpineImage(values.astype(np.float32), frame)


def _room_beyond(scan: Scan, centerline: Centerline) -> tuple[float, float]:
    steps = np.arange(STEP_MM, MAX_BEYOND_MM, STEP_MM)
    below = scan.grid.contains(centerline.position(-steps)).sum() * STEP_MM
    above = scan.grid.contains(centerline.position(centerline.length_mm + steps)).sum() * STEP_MM
    return float(below), float(above)


def front_wall_mm(image: SpineImage) -> NDArray[np.float64]:
    """Find the front wall of the canal: the smooth path of strongest edge before the cord.

    Fluid is brighter than the ligament and bone before it in T2w and darker in T1w, so both signs are tried and the
    path of the greater total edge strength is kept.

    Parameters
    ----------
    image : SpineImage
        Straightened midsagittal slab.

    Returns
    -------
    array of float64, shape (n_planes,)
        Distance before the cord's centre, mm.
    """
    first, last = (round(image.center_row + mm / STEP_MM) for mm in WALL_RANGE_MM)
    smooth = ndimage.gaussian_filter(np.nan_to_num(image.values), (4.0, 1.0))
    edge = np.gradient(smooth, axis=1)[:, first : last + 1]
    edge = edge / (ndimage.gaussian_filter1d(np.abs(edge).max(axis=1), 40.0)[:, None] + np.finfo(np.float32).tiny)
    distance_mm = (np.arange(first, last + 1) - image.center_row) * STEP_MM
    usual = 0.5 * ((distance_mm - WALL_USUAL_MM) / WALL_SPREAD_MM) ** 2
    paths = [_best_path(sign * edge - 0.2 * usual) for sign in (-1.0, 1.0)]
    _, rows = max(paths, key=lambda scored: scored[0])
    return ndimage.gaussian_filter1d(np.asarray(distance_mm[rows], dtype=np.float64), WALL_SIGMA)


def _best_path(score: NDArray[np.float64]) -> tuple[float, NDArray[np.int_]]:
    """Return the total and the columns of the path down the rows with the greatest total score."""
    total = score[0].copy()
    came_from = np.zeros(score.shape, dtype=int)
    steps = (-1, 0, 1)
    for row in range(1, len(score)):
        padded = np.pad(total, 1, constant_values=-np.inf)
        options = np.stack([padded[1 + step : 1 + step + len(total)] - WALL_SMOOTHNESS * abs(step) for step in steps])
        best = options.argmax(axis=0)
        came_from[row] = np.arange(len(total)) + best - 1
        total = options.max(axis=0) + score[row]
    path = np.empty(len(score), dtype=int)
    path[-1] = total.argmax()
    for row in range(len(score) - 1, 0, -1):
        path[row - 1] = came_from[row, path[row]]
    return float(total.max()), path


def disc_evidence(image: SpineImage) -> DiscEvidence:
    """Measure how much each place along the cord looks like a disc.

    Parameters
    ----------
    image : SpineImage
        Straightened midsagittal slab.

    Returns
    -------
    DiscEvidence
    """
    wall_mm = front_wall_mm(image)
    seen = np.isfinite(image.values)
    filled = _fill_outside(image.values, seen)
    cost = TILT_COST * np.abs(TILTS_DEG) / TILTS_DEG.max()
    tilted = [(1 - c) * _edge_energy(filled, image, wall_mm, t) for t, c in zip(TILTS_DEG, cost, strict=True)]
    energy = np.max(tilted, axis=0).astype(np.float64)
    cover = _sample_lines(seen.astype(np.float32), image, wall_mm, 0.0).mean(axis=0)
    return DiscEvidence(image.frame.arcs_mm(), energy, cover >= MIN_COVER, wall_mm, image)


def _fill_outside(values: NDArray, seen: NDArray[np.bool_]) -> NDArray:
    """Continue the image beyond the scan with its nearest values, so that the border makes no edge along the spine."""
    if seen.all():
        return values
    nearest = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
    return values[tuple(nearest)]


def _sample_lines(values: NDArray, image: SpineImage, wall_mm: NDArray, tilt_deg: float) -> NDArray:
    """Sample ``values`` on tilted lines into the column, shape (n_along_line, n_planes)."""
    ahead_mm = np.arange(BODY_RANGE_MM[0], BODY_RANGE_MM[1] + STEP_MM / 2, STEP_MM)[:, None]
    planes = np.arange(len(values))[None, :] + np.tan(np.radians(tilt_deg)) * ahead_mm / STEP_MM
    rows = image.center_row + (wall_mm[None, :] + ahead_mm) / STEP_MM
    return ndimage.map_coordinates(values, [planes, rows], order=1, mode="nearest")


def _edge_energy(values: NDArray, image: SpineImage, wall_mm: NDArray, tilt_deg: float) -> NDArray:
    """Return the mean absolute gradient across lines of one tilt, shape (n_planes,)."""
    lines = _sample_lines(values, image, wall_mm, tilt_deg)
    return np.abs(ndimage.gaussian_filter1d(lines, EDGE_SIGMA_MM / STEP_MM, axis=1, order=1)).mean(axis=0)

"""What is known exactly about a phantom: masks, levels, discs, and areas in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.anatomy import Anatomy
from napari_spinalq.phantom.cord import LEVELS
from napari_spinalq.phantom.series import SeriesTruth
from napari_spinalq.phantom.spine import mean_sac_area_mm2, sac_area_mm2
from napari_spinalq.vertebrae import disc_name, level_name

NEWTON_STEPS = 4
CORD_REACH_MM = (6.0, 8.0)
"""No cord, even in a slice 30 degrees oblique, reaches farther from its centerline to anterior and to the side, mm."""

CORD_HALF_AP_MM = 5.0
"""No point of the cord at the foramen magnum lies farther from its centerline in the sagittal plane, mm."""


@dataclass(frozen=True, eq=False)
class ScanTruth:
    """Truth of one scan, arrays on its own grid and in its own axis order.

    Attributes
    ----------
    cord, grey_matter : arrays of float32, ``grid.shape``
        Share of each voxel's volume in the cord (up to the foramen magnum) and in grey matter, 0..1.
    tracts : dict of tract name to array of float32
        Share of each tract.
    levels : array of uint8
        Vertebral level (1 = C1) of voxels at least half in the cord, 0 elsewhere.
    areas : DataFrame
        One row a slice of the work order that lies wholly between the lower end of T3 and the foramen magnum and
        shows the whole cord:
        ``slice`` (0 = most inferior), ``arc_mm``, ``level``, ``angle_deg`` between cord and slice normal,
        ``cord_area_mm2`` and ``gm_area_mm2`` perpendicular to the cord at the middle plane, the same averaged over
        the slice thickness (``*_slab_mm2``), and moment-equivalent diameters ``diameter_ap_mm``, ``diameter_rl_mm``;
        ``canal_area_mm2`` of the dural sac, cord included, at the middle plane.
    series : SeriesTruth, optional
        Motion, lost signal and distortion of a diffusion series; masks and shares lie where the anatomy does.
    """

    cord: NDArray[np.float32]
    grey_matter: NDArray[np.float32]
    tracts: dict[str, NDArray[np.float32]]
    levels: NDArray[np.uint8]
    areas: pd.DataFrame
    series: SeriesTruth | None = None

    @property
    def cord_mask(self) -> NDArray[np.uint8]:
        """1 where at least half of the voxel lies in the cord."""
        return (self.cord >= 0.5).astype(np.uint8)


def level_map(anatomy: Anatomy, cord: NDArray, grid: Grid) -> NDArray[np.uint8]:
    """Return the vertebral level of voxels at least half in the cord, by the arc position of their centres."""
    levels = np.zeros(grid.shape, dtype=np.uint8)
    index = np.argwhere(cord >= 0.5)
    arc = anatomy.curvilinear(grid.voxel_to_mm(index))[0]
    # A voxel cut by the foramen magnum may be half cord with its centre above it: it still belongs to C1.
    levels[tuple(index.T)] = anatomy.cord.levels(np.minimum(arc, anatomy.cord.top_mm - 1e-6))
    return levels


def arc_of_slices(anatomy: Anatomy, grid: Grid, offset: float = 0.0) -> NDArray[np.float64]:
    """Return where the centerline crosses the plane of each work-order slice, arc position in mm.

    Parameters
    ----------
    anatomy : Anatomy
        Person and pose.
    grid : Grid
        Any axis order.
    offset : float
        Shift of the planes in slices: 0.5 is the upper face.
    """
    work = grid.reoriented("SAR")
    normal = np.cross(work.affine[:3, 1], work.affine[:3, 2])
    normal = normal / np.linalg.norm(normal) * np.sign(np.dot(normal, work.affine[:3, 0]))
    heights = work.voxel_to_mm(np.arange(work.shape[0])[:, None] * [1, 0, 0] + [offset, 0, 0]) @ normal
    arc = np.interp(heights, *_height_table(anatomy, normal))
    for _ in range(NEWTON_STEPS):
        arc = arc + (heights - anatomy.position(arc) @ normal) / (anatomy.tangent(arc) @ normal)
    return arc


def _height_table(anatomy: Anatomy, normal: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    arc = np.arange(-150.0, 150.0, 2.0)
    return anatomy.position(arc) @ normal, arc


def slice_areas(anatomy: Anatomy, grid: Grid) -> pd.DataFrame:
    """Return the closed-form areas and diameters of each slice; see :class:`ScanTruth`."""
    cord, work = anatomy.cord, grid.reoriented("SAR")
    normal = np.cross(work.affine[:3, 1], work.affine[:3, 2])
    normal /= np.linalg.norm(normal)
    middle = arc_of_slices(anatomy, grid)
    lower, upper = arc_of_slices(anatomy, grid, -0.5), arc_of_slices(anatomy, grid, 0.5)
    # The cord's end is perpendicular to the cord: an oblique slice is cut by it before its middle gets there.
    reach = CORD_HALF_AP_MM * np.sqrt(1 / (anatomy.tangent(middle) @ normal) ** 2 - 1)
    kept = np.flatnonzero(
        (lower >= cord.bounds_mm[-1]) & (upper + reach <= cord.top_mm) & _in_view(anatomy, work, middle)
    )
    slabs = np.array([cord.mean_areas_mm2(lower[k], upper[k]) for k in kept]).reshape(-1, 2)
    arc = middle[kept]
    right_left, anterior_posterior = cord.diameters_mm(arc)
    return pd.DataFrame(
        {
            "slice": kept,
            "arc_mm": arc,
            "level": [level_name(int(level)) for level in cord.levels(arc)],
            "angle_deg": np.degrees(np.arccos(np.clip(np.abs(anatomy.tangent(arc) @ normal), 0, 1))),
            "cord_area_mm2": cord.area_mm2(arc),
            "gm_area_mm2": cord.gm_area_mm2(arc),
            "cord_area_slab_mm2": slabs[:, 0],
            "gm_area_slab_mm2": slabs[:, 1],
            "diameter_ap_mm": anterior_posterior,
            "diameter_rl_mm": right_left,
            "canal_area_mm2": sac_area_mm2(arc / anatomy.cord_design.spine_scale),
        }
    )


def _in_view(anatomy: Anatomy, work: Grid, arc_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell at which arc positions the whole cord lies within the field of view."""
    anterior, right = (work.affine[:3, axis] / work.spacing[axis] for axis in (1, 2))
    half_ap, half_rl = CORD_REACH_MM
    offsets = np.stack([half_ap * anterior, -half_ap * anterior, half_rl * right, -half_rl * right])
    return np.all(work.contains(anatomy.position(arc_mm)[:, None, :] + offsets), axis=1)


def level_areas(anatomy: Anatomy) -> pd.DataFrame:
    """Return mean areas of each level C1..T3 over its whole length (exact integrals), and that length in mm."""
    bounds, scale = anatomy.cord.bounds_mm, anatomy.cord_design.spine_scale
    rows = []
    for level, upper, lower in zip(LEVELS, bounds[:-1], bounds[1:], strict=True):
        cord_area, gm_area = anatomy.cord.mean_areas_mm2(float(lower), float(upper))
        canal_area = mean_sac_area_mm2(float(lower) / scale, float(upper) / scale)
        rows.append((level_name(level), cord_area, gm_area, canal_area, float(upper - lower)))
    return pd.DataFrame(rows, columns=["level", "cord_area_mm2", "gm_area_mm2", "canal_area_mm2", "length_mm"])


def disc_table(anatomy: Anatomy) -> pd.DataFrame:
    """Return each disc by name: its posterior edge in the midline, and its projection on the cord, RAS mm."""
    rows = []
    for disc, point in anatomy.disc_positions_mm().items():
        on_cord = anatomy.position(anatomy.cord.discs_mm[disc])
        rows.append((disc_name(disc), disc, *point, *on_cord, anatomy.cord.discs_mm[disc]))
    columns = ["disc", "number", "x_mm", "y_mm", "z_mm", "cord_x_mm", "cord_y_mm", "cord_z_mm", "arc_mm"]
    return pd.DataFrame(rows, columns=columns)

"""The spinal canal as far as its fluid reaches: the cord and the CSF around it, up to the outer wall of the CSF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord import polar
from napari_spinalq.cord.canal_wall import WALL_RADII_MM, find_walls, fluid_levels
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.cord_slices import arcs_mm, cord_of_scan
from napari_spinalq.cord.ends import slice_ranges
from napari_spinalq.cord.segment import MASK_LEVEL
from napari_spinalq.cord.stack import AxialStack, axial_stack
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import reorient_array
from napari_spinalq.progress import Progress, silent
from napari_spinalq.scan import Scan

NOT_MEASURABLE = "canal not measurable on this scan: the CSF does not stand out"
"""Said where no slice shows the outer wall of the fluid."""

MIN_FLUID_CONTRAST = 2.0
"""Fluid differs from the cord by at least this many standard deviations of the cord's voxels, grey matter included, or
counts as isointense: bright fluid has 5 to 15 (2.5 in the poorest slice seen), noise alone 1."""

MIN_WALL_EDGE = 0.35
"""Mean fall at the wall in units of the cord-fluid contrast under which a slice is not drawn: slices that show a sac
have 0.5 to 1.5, fluid of the wrong brightness mostly under 0.2."""

MAX_AREA_MM2 = 450.0
"""A wider outline (mm2) is no dural sac but a cistern of the skull base: sacs have 150 to 300."""

SMALLEST_CORD_MM = 1.5
"""Radius (mm) of the cord on a ray on which its mask does not hold the centre: less than any half axis."""

MIN_RAYS_WITH_EDGE, CLEAR_EDGE = 0.6, 0.3
"""Share of rays that must each show a fall of at least ``CLEAR_EDGE``: a wall seen on one side only is half a guess."""


DARK_WALL = "canal on T1w: CSF, dura and ligament are all dark, so that its area may be too large by a third"
"""Measured on digital T1w scans of known truth: the wall that shows is that of bone and fat."""


@dataclass(frozen=True, eq=False)
class CanalSegmentation:
    """The canal of a scan, cord included.

    Attributes
    ----------
    mask : array of uint8, shape and axis order of the scan's grid
        1 where at least half of the voxel lies within the wall; empty in slices that do not show one.
    soft : array of float32, same shape
        Share of each voxel within the wall, 0..1.
    measurable : bool
        Whether any slice shows the wall.
    flags : tuple of str
        What a reader should look at; slices are numbered from inferior, from 0.
    parameters : dict
        What was used and found, fit for JSON.
    """

    mask: NDArray[np.uint8]
    soft: NDArray[np.float32]
    measurable: bool
    flags: tuple[str, ...]
    parameters: dict[str, Any]


def segment_canal(
    scan: Scan,
    cord_mask: NDArray,
    centerline: Centerline,
    *,
    edge_offset_mm: float = 0.0,
    progress: Progress = silent,
) -> CanalSegmentation:
    """Segment the canal within the outer wall of the CSF.

    Parameters
    ----------
    scan : Scan
        Any contrast and axis order; of a 4-D scan as in :func:`~napari_spinalq.cord.prepared.one_volume`. CSF may be
        brighter or darker than the cord.
    cord_mask : array, shape ``scan.grid.shape``
        The cord, binary or soft (0..1).
    centerline : Centerline
        Of the cord, RAS mm: how far slices lie apart along it.
    edge_offset_mm : float
        How far inside the half-maximum edge the wall is drawn, mm; 0 is the physical edge.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    CanalSegmentation
        Slices whose CSF cannot be told from the cord, or from what lies outside, stay empty and are flagged.

    Raises
    ------
    InputError
        If the mask is empty or of another shape, or the offset is not a small number.
    """
    if not -2.0 <= edge_offset_mm <= 2.0:
        raise InputError(f"An edge offset of {edge_offset_mm:g} mm is not sensible; give one between -2 and 2 mm.")
    work, cover, slices = cord_of_scan(scan, cord_mask)
    index = np.array([piece.index for piece in slices])
    centres = np.stack([piece.centre_mm for piece in slices])
    progress(0.1, "looking for the wall of the canal")
    walls = _walls(axial_stack(work.data, work.grid), cover, index, centres, arcs_mm(slices, centerline, work.grid))
    progress(0.8, "drawing the canal")
    hidden = walls.isointense | ~walls.seen
    radii = np.where(hidden[:, None], 0.0, np.maximum(walls.radii_mm - edge_offset_mm, 0.0))
    soft = np.zeros(work.grid.shape, np.float32)
    soft[index] = polar.coverage((len(index), *work.grid.shape[1:]), work.grid.spacing, centres, radii)
    soft = np.where(soft > 0, np.maximum(soft, cover), 0.0).astype(np.float32)
    back, _ = reorient_array(soft, work.grid, scan.grid.axis_codes)
    progress(1.0, "canal segmented")
    return CanalSegmentation(
        mask=(back >= MASK_LEVEL).astype(np.uint8),
        soft=back,
        measurable=bool((~hidden).any()),
        flags=_flags(walls, index, work.grid.shape[0], scan.contrast),
        parameters=_parameters(walls, index, work.grid.shape[0], edge_offset_mm),
    )


@dataclass(frozen=True, eq=False)
class _Walls:
    """Walls of all slices: radii (n, n_angles); which slices are isointense, or show a wall, and its edge (n,)."""

    radii_mm: NDArray[np.float64]
    isointense: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    fluid_is_brighter: bool
    mean_edge: NDArray[np.float64]

    @property
    def quality(self) -> float:
        """Mean edge of the wall over all slices, none for isointense ones."""
        return float(np.where(self.isointense, 0.0, self.mean_edge).mean())


def _walls(
    stack: AxialStack,
    cover: NDArray[np.float32],
    index: NDArray[np.int_],
    centres_mm: NDArray[np.float64],
    places_mm: NDArray[np.float64],
) -> _Walls:
    """Look for the wall of a bright and of a dark fluid; the one with the clearer wall is it."""
    rays = polar.unwrap(_chosen(stack, stack.values[index]), centres_mm, WALL_RADII_MM)
    inside = polar.unwrap(
        _chosen(stack, np.stack([_without_holes(cover[i]) for i in index])), centres_mm, WALL_RADII_MM
    )
    cord_mm = _cord_radii(inside)
    bright, dark = (_walls_of_fluid(rays, cord_mm, places_mm, fluid_is_brighter=brighter) for brighter in (True, False))
    return bright if bright.quality >= dark.quality else dark


def _walls_of_fluid(
    rays: NDArray[np.float32], cord_mm: NDArray[np.float64], places_mm: NDArray[np.float64], *, fluid_is_brighter: bool
) -> _Walls:
    cord, fluid, spread = fluid_levels(rays, cord_mm, fluid_is_brighter=fluid_is_brighter)
    contrast = fluid - cord
    towards_fluid = contrast if fluid_is_brighter else -contrast
    isointense = towards_fluid < MIN_FLUID_CONTRAST * np.maximum(spread, 1e-6)
    scale = np.where(isointense, np.inf, contrast)
    levels = ((rays - fluid[:, None, None]) / scale[:, None, None]).astype(np.float32)
    radii, edges = find_walls(levels, cord_mm, places_mm, fluid_is_brighter=fluid_is_brighter)
    clear = (edges >= CLEAR_EDGE).mean(axis=1)
    seen = (edges.mean(axis=1) >= MIN_WALL_EDGE) & (clear >= MIN_RAYS_WITH_EDGE)
    seen &= polar.areas_mm2(radii) <= MAX_AREA_MM2
    return _Walls(radii, isointense, seen, fluid_is_brighter, edges.mean(axis=1))


def _chosen(stack: AxialStack, values: NDArray) -> AxialStack:
    return AxialStack(values.astype(np.float32), stack.spacing_mm, stack.slice_mm[: len(values)])


def _cord_radii(inside: NDArray[np.float32]) -> NDArray[np.float64]:
    """Radius on each ray where the cord's share falls under one half, (n_slices, n_angles), mm."""
    within = np.minimum.accumulate(inside >= 0.5, axis=2)
    last = np.maximum(within.sum(axis=2) - 1, 0)
    following = np.minimum(last + 1, inside.shape[2] - 1)
    here = np.take_along_axis(inside, last[..., None], axis=2)[..., 0]
    there = np.take_along_axis(inside, following[..., None], axis=2)[..., 0]
    part = np.clip((here - 0.5) / np.maximum(here - there, 1e-6), 0.0, 1.0)
    return np.maximum(WALL_RADII_MM[last] + part * (WALL_RADII_MM[1] - WALL_RADII_MM[0]), SMALLEST_CORD_MM)


def _without_holes(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Count what a slice of the cord encloses as cord: a syrinx may have been left out of the mask."""
    return np.where(ndimage.binary_fill_holes(share >= 0.5) & (share < 0.5), np.float32(1.0), share)


def _spread_out(chosen: NDArray[np.bool_], index: NDArray[np.int_], n_slices: int) -> NDArray[np.bool_]:
    whole = np.zeros(n_slices, dtype=bool)
    whole[index] = chosen
    return whole


def _flags(walls: _Walls, index: NDArray[np.int_], n_slices: int, contrast: Contrast) -> tuple[str, ...]:
    drawn = walls.seen & ~walls.isointense
    if not drawn.any():
        return (NOT_MEASURABLE,)
    flags = [DARK_WALL] if contrast is Contrast.T1W and not walls.fluid_is_brighter else []
    if walls.isointense.any():
        slices = slice_ranges(_spread_out(walls.isointense, index, n_slices))
        flags.append(f"canal left out in slices {slices}: the CSF is as bright as the cord there")
    hidden = ~walls.seen & ~walls.isointense
    if hidden.any():
        slices = slice_ranges(_spread_out(hidden, index, n_slices))
        flags.append(f"canal left out in slices {slices}: the outer wall of the CSF is not seen there")
    return tuple(flags)


def _parameters(walls: _Walls, index: NDArray[np.int_], n_slices: int, edge_offset_mm: float) -> dict[str, Any]:
    return {
        "method": "polar dynamic programming around the cord",
        "edge_offset_mm": round(edge_offset_mm, 4),
        "csf_is": "brighter" if walls.fluid_is_brighter else "darker",
        "slices": slice_ranges(_spread_out(walls.seen & ~walls.isointense, index, n_slices)),
        "wall_edge": round(float(walls.mean_edge.mean()), 3),
    }

"""A diffusion series of a person who moves in a distorting field: every volume is drawn from a fine image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.gradients import GradientTable
from napari_spinalq.phantom.diffusion import principal_diffusivities, weighted_signal
from napari_spinalq.phantom.sampling import index_rows
from napari_spinalq.phantom.series import SeriesTruth
from napari_spinalq.progress import Progress, silent

FINE_PARTS = 4
"""Parts of a pixel's side in the image that is moved: the blur of its interpolation is 1/8 of a pixel."""

FIELD_LENGTH_MM = 30.0
"""Distance over which the uneven field falls off around the cord (Gaussian), mm."""

FIELD_WAVE_MM = 45.0
"""Wavelength of the uneven field along the cord, mm: about three vertebrae, whose discs cause it."""


@dataclass(frozen=True, eq=False)
class Diffusivity:
    """What tissues do to a diffusion signal, arrays (n_tissues,): signal without weighting, FA, MD (1e-3 mm2/s)."""

    b0: NDArray[np.float64]
    fa: NDArray[np.float64]
    md: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Body:
    """What a diffusion series is drawn from.

    Attributes
    ----------
    fractions_at : callable
        Gives the share of each tissue in the voxels of a grid, shape (n_tissues,) + grid.shape.
    fibres_at : callable
        Gives unit vectors of the fibres at RAS points (n, 3), mm.
    tissues : Diffusivity
        Signal of each tissue.
    """

    fractions_at: Callable[[Grid], NDArray[np.float64]]
    fibres_at: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    tissues: Diffusivity


def moved_signals(
    body: Body,
    grid: Grid,
    centres_mm: NDArray[np.float64],
    scheme: GradientTable,
    truth: SeriesTruth,
    progress: Progress = silent,
) -> NDArray[np.float64]:
    """Return the signal of a series in which every slice of every volume lies elsewhere.

    A slice is drawn with ``FINE_PARTS`` times finer pixels, moved and distorted there, and averaged over its pixels:
    partial volume is that of the moved anatomy. Fibres turn with the body, so a volume turned by R is weighted as a
    still one by the direction turned back by R (Leemans and Jones 2009, Magn Reson Med, doi:10.1002/mrm.21890).

    Parameters
    ----------
    body : Body
        The still anatomy.
    grid : Grid
        Voxels of the series, any axis order.
    centres_mm : (n_slices, 3) array
        Where the cord crosses each slice (work order), RAS mm: turns are about it.
    scheme : GradientTable
        Directions of the scanner, RAS.
    truth : SeriesTruth
        Displacements and distortion.
    progress : callable
        Told the fraction done.

    Returns
    -------
    array, shape ``grid.shape + (n_volumes,)``
    """
    work = grid.reoriented("SAR")
    margin = 1 + int(np.ceil(_reach_mm(truth, work) / min(work.spacing[1:])))
    signal = np.empty((*work.shape, len(scheme)))
    for k in range(work.shape[0]):
        plane = _Plane.of_slice(work, k, margin, centres_mm[k])
        signal[k] = _moved_slice(body, plane, k, scheme, truth)
        progress((k + 1) / work.shape[0], "moving the cord")
    return reorient_array(signal, work, grid.axis_codes)[0]


def field_shift_mm(
    anterior_mm: NDArray[np.float64], height_mm: ArrayLike, largest_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far an uneven field shifts the image to anterior (mm), and its slope along that axis.

    Parameters
    ----------
    anterior_mm : array
        Distance from the cord's centre along the phase-encoding axis, mm.
    height_mm : array or float
        Position along the stack, mm.
    largest_mm : float
        Largest shift, mm.
    """
    bell = np.exp(-(anterior_mm**2) / (2 * FIELD_LENGTH_MM**2))
    shift = largest_mm * np.cos(2 * np.pi * np.asarray(height_mm) / FIELD_WAVE_MM) * bell
    return shift, -anterior_mm / FIELD_LENGTH_MM**2 * shift


def distortion_map_mm(grid: Grid, centres_mm: NDArray[np.float64], largest_mm: float) -> NDArray[np.float32]:
    """Return the shift to anterior in every voxel of a series, shape ``grid.shape``, mm."""
    work = grid.reoriented("SAR")
    axis = work.affine[:3, 1] / work.spacing[1]
    place = work.voxel_to_mm(index_rows(work.shape)).reshape(*work.shape, 3)
    anterior = (place - centres_mm[:, None, None, :]) @ axis
    heights = np.arange(work.shape[0])[:, None, None] * work.spacing[0]
    shift = field_shift_mm(anterior, heights, largest_mm)[0]
    return reorient_array(shift.astype(np.float32), work, grid.axis_codes)[0]


def turned_back(scheme: GradientTable, angles_deg: NDArray[np.float64], grid: Grid) -> GradientTable:
    """Return the directions seen from a cord that is turned by an angle per volume (right towards anterior).

    Written apart from the motion correction on purpose: truth must not share the signs of what it tests.
    """
    turns = _turns(angles_deg, grid.reoriented("SAR")).inv()
    return GradientTable(scheme.b_values, turns.apply(scheme.directions), scheme.b0_threshold)


@dataclass(frozen=True, eq=False)
class _Plane:
    """One slice with fine pixels and a margin, and the place of its pixels about the cord's centre, mm."""

    grid: Grid
    inner: Grid
    anterior_mm: NDArray[np.float64]
    right_mm: NDArray[np.float64]
    height_mm: float
    margin: int

    @classmethod
    def of_slice(cls, work: Grid, k: int, margin: int, centre_mm: NDArray[np.float64]) -> _Plane:
        def finer(grid: Grid) -> Grid:
            step = grid.spacing
            return grid.with_spacing((step[0], step[1] / FINE_PARTS, step[2] / FINE_PARTS))

        _, rows, columns = work.shape
        fine = finer(work.cropped((k, -margin, -margin), (1, rows + 2 * margin, columns + 2 * margin)))
        inner = finer(work.cropped((k, 0, 0), (1, rows, columns)))
        first = inner.voxel_to_mm([0, 0, 0]) - centre_mm
        axes = inner.affine[:3, :3] / np.asarray(inner.spacing)
        anterior = first @ axes[:, 1] + np.arange(inner.shape[1]) * inner.spacing[1]
        right = first @ axes[:, 2] + np.arange(inner.shape[2]) * inner.spacing[2]
        grown = np.meshgrid(anterior, right, indexing="ij")
        return cls(fine, inner, grown[0], grown[1], k * work.spacing[0], margin * FINE_PARTS)


def _moved_slice(body: Body, plane: _Plane, k: int, scheme: GradientTable, truth: SeriesTruth) -> NDArray[np.float64]:
    """Return one slice of all volumes, shape (n_rows, n_columns, n_volumes)."""
    fractions = body.fractions_at(plane.grid)
    fibres = body.fibres_at(plane.grid.voxel_to_mm(index_rows(plane.grid.shape))).reshape(*plane.grid.shape, 3)
    along, across = principal_diffusivities(body.tissues.fa, body.tissues.md)
    directions = turned_back(scheme, truth.motion.angles_deg[:, k], plane.grid).directions
    volumes = []
    for volume, (b_value, direction) in enumerate(zip(scheme.b_values, directions, strict=True)):
        still = weighted_signal(fractions, (fibres @ direction) ** 2, body.tissues.b0, along, across, b_value)[0]
        shift, angle = truth.motion.shifts_mm[volume, k], truth.motion.angles_deg[volume, k]
        volumes.append(_as_seen(still, plane, shift, angle, truth.largest_distortion_mm))
    return np.stack(volumes, axis=-1)


def _as_seen(
    still: NDArray[np.float64], plane: _Plane, shift_mm: NDArray[np.float64], angle_deg: float, distortion_mm: float
) -> NDArray[np.float64]:
    """Return a fine slice moved, distorted, and averaged over its pixels."""
    field_mm, slope = field_shift_mm(plane.anterior_mm, plane.height_mm, distortion_mm)
    anterior = plane.anterior_mm - field_mm - shift_mm[0]
    right = plane.right_mm - shift_mm[1]
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    # Where the tissue seen here lies in the still anatomy: the turn (right towards anterior) taken back.
    before = (cosine * anterior - sine * right, sine * anterior + cosine * right)
    start = plane.anterior_mm[0, 0], plane.right_mm[0, 0]
    index = [
        (place - first) / step + plane.margin
        for place, first, step in zip(before, start, plane.inner.spacing[1:], strict=True)
    ]
    # Squeezed tissue is brighter: the same signal lies in fewer pixels (Jezzard and Balaban 1995,
    # Magn Reson Med, doi:10.1002/mrm.1910340111).
    seen = ndimage.map_coordinates(still, index, order=1, mode="nearest") * (1 - slope)
    rows, columns = (n // FINE_PARTS for n in seen.shape)
    return seen.reshape(rows, FINE_PARTS, columns, FINE_PARTS).mean(axis=(1, 3))


def _turns(angles_deg: NDArray[np.float64], work: Grid) -> Rotation:
    """Return rotations about the slice normal, right towards anterior."""
    right, anterior = (work.affine[:3, axis] / work.spacing[axis] for axis in (2, 1))
    return Rotation.from_rotvec(np.radians(angles_deg)[:, None] * np.cross(right, anterior))


def _reach_mm(truth: SeriesTruth, work: Grid) -> float:
    """Return the farthest that tissue moves within the view, mm; a turn moves the corners most."""
    corner_mm = float(np.linalg.norm(np.asarray(work.shape[1:]) * work.spacing[1:])) / 2
    turn = 2 * corner_mm * np.sin(np.radians(np.abs(truth.motion.angles_deg).max()) / 2)
    return float(np.abs(truth.motion.shifts_mm).max() + truth.largest_distortion_mm + turn)

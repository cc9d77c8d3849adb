"""The voxel grid of a scan as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import nibabel as nib
import numpy as np
from nibabel import orientations
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError

GRID_TOLERANCE_MM = 1e-3
"""Two grids are one when no corner voxel lies farther apart than this (mm); float32 headers round at about 1e-5 mm."""

SINGULAR_VOLUME_MM3 = 1e-9
"""A voxel smaller than this (mm3) means that the affine is singular: no MRI voxel is under 1e-6 mm3."""

WORK_AXES = "SAR"
"""Axis codes of the order for work and display: z, y, x, each index growing to Superior, Anterior, Right."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Shape and position of a 3-D voxel grid in RAS millimetres.

    Parameters
    ----------
    shape : tuple of 3 int
        Voxels along each array axis.
    affine : (4, 4) array
        Maps voxel indices (centre of voxel 0, 0, 0 is the origin) to RAS mm.

    Raises
    ------
    InputError
        If the shape is not three positive numbers, or the affine is not 4 x 4, not finite, or singular.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise InputError(f"A grid needs three positive dimensions, not {shape}.")
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise InputError("The affine must be a 4 x 4 matrix of finite numbers; repair the header of the file.")
        if abs(np.linalg.det(affine[:3, :3])) < SINGULAR_VOLUME_MM3:
            raise InputError("The affine is singular (a voxel without volume); repair the header of the file.")
        affine.setflags(write=False)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine", affine)

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxel centres along each array axis, mm."""
        return tuple(float(v) for v in np.linalg.norm(self.affine[:3, :3], axis=0))  # type: ignore[return-value]

    @cached_property
    def axis_codes(self) -> str:
        """The anatomical direction in which each array axis grows, such as ``"LAS"``."""
        return "".join(nib.aff2axcodes(self.affine))

    @cached_property
    def voxel_volume_mm3(self) -> float:
        """Volume of a voxel, mm3."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @cached_property
    def obliquity_deg(self) -> float:
        """Largest angle between an array axis and the anatomical axis it is named after, degrees."""
        directions = self.affine[:3, :3] / np.asarray(self.spacing)
        return float(np.degrees(np.arccos(np.clip(np.abs(directions).max(axis=0), 0.0, 1.0)).max()))

    def voxel_to_mm(self, voxels: ArrayLike) -> NDArray[np.float64]:
        """Map voxel indices, shape (..., 3), to RAS mm.

        Examples
        --------
        >>> Grid((4, 4, 4), np.diag([2, 2, 5, 1])).voxel_to_mm([1, 0, 2]).tolist()
        [2.0, 0.0, 10.0]
        """
        return nib.affines.apply_affine(self.affine, np.asarray(voxels, dtype=float))

    def mm_to_voxel(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Map RAS mm, shape (..., 3), to fractional voxel indices.

        Examples
        --------
        >>> Grid((4, 4, 4), np.diag([2, 2, 5, 1])).mm_to_voxel([2, 0, 10]).tolist()
        [1.0, 0.0, 2.0]
        """
        return nib.affines.apply_affine(np.linalg.inv(self.affine), np.asarray(points_mm, dtype=float))

    def contains(self, points_mm: ArrayLike) -> NDArray[np.bool_]:
        """Tell which RAS mm points, shape (..., 3), lie inside the volume (voxel edges included)."""
        voxels = self.mm_to_voxel(points_mm)
        return np.all((voxels >= -0.5) & (voxels <= np.asarray(self.shape) - 0.5), axis=-1)

    def reoriented(self, codes: str) -> Grid:
        """Return the grid of the same voxels with axes permuted and flipped to ``codes``, such as ``"SAR"``."""
        transform = self.orientation_transform(codes)
        shape = tuple(np.asarray(self.shape)[np.argsort(transform[:, 0])].astype(int))
        return Grid(shape, self.affine @ orientations.inv_ornt_aff(transform, self.shape))

    def orientation_transform(self, codes: str) -> NDArray[np.float64]:
        """Return the (3, 2) nibabel orientation transform from these axes to ``codes``."""
        if sorted("".join("SAR"["SIAPRL".index(c) // 2] for c in codes if c in "SIAPRL")) != ["A", "R", "S"]:
            raise InputError(f"{codes!r} does not name three anatomical axes, such as 'RAS' or 'SAR'.")
        return orientations.ornt_transform(
            orientations.io_orientation(self.affine), orientations.axcodes2ornt(tuple(codes))
        )

    def cropped(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Grid:
        """Return the grid of a box that begins at voxel ``start`` (may be negative) and holds ``shape`` voxels."""
        affine = self.affine.copy()
        affine[:3, 3] = self.voxel_to_mm(start)
        return Grid(shape, affine)

    def with_spacing(self, spacing: tuple[float, float, float]) -> Grid:
        """Return a grid over the same field of view with voxels of ``spacing`` mm (outer voxel edges kept)."""
        if min(spacing) <= 0:
            raise InputError(f"Spacing must be positive, not {spacing} mm.")
        zoom = np.asarray(spacing, dtype=float) / np.asarray(self.spacing)
        shape = tuple(int(n) for n in np.maximum(1, np.round(np.asarray(self.shape) / zoom)))
        affine = self.affine.copy()
        affine[:3, :3] = self.affine[:3, :3] * zoom
        affine[:3, 3] = self.voxel_to_mm((zoom - 1.0) / 2.0)
        return Grid(shape, affine)  # type: ignore[arg-type]

    def corners_mm(self) -> NDArray[np.float64]:
        """Return the centres of the eight corner voxels, shape (8, 3), RAS mm."""
        return self.voxel_to_mm(np.array(list(np.ndindex(2, 2, 2))) * (np.asarray(self.shape) - 1))

    def offset_mm(self, other: Grid) -> float:
        """Return how far (mm) the corner voxel that moves most lies from that of ``other``; inf for other shapes."""
        if self.shape != other.shape:
            return float("inf")
        return float(np.linalg.norm(self.corners_mm() - other.corners_mm(), axis=1).max())

    def matches(self, other: Grid, tolerance_mm: float = GRID_TOLERANCE_MM) -> bool:
        """Tell whether both grids hold the same voxels at the same places, to ``tolerance_mm``."""
        return self.offset_mm(other) <= tolerance_mm

    def difference(self, other: Grid, tolerance_mm: float = GRID_TOLERANCE_MM) -> str:
        """Say in words what differs from ``other`` and by how much; an empty string if nothing does."""
        if self.shape != other.shape:
            return f"shape {_times(self.shape)} against {_times(other.shape)}"
        if self.matches(other, tolerance_mm):
            return ""
        if self.axis_codes != other.axis_codes:
            return f"axes {self.axis_codes} against {other.axis_codes}"
        if not np.allclose(self.spacing, other.spacing, rtol=0, atol=GRID_TOLERANCE_MM):
            return f"voxel size {_times(self.spacing)} mm against {_times(other.spacing)} mm"
        return f"position or angle, by up to {self.offset_mm(other):.3g} mm at a corner"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and self.matches(other)

    __hash__ = None  # type: ignore[assignment]  # equality has a tolerance, so no hash can agree with it


def _times(numbers: tuple[float, ...]) -> str:
    return " x ".join(f"{number:.4g}" for number in numbers)

"""Shape of the cord (or of another structure) in each axial slice, corrected for the angle between cord and slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.metrics.angle import projections, tangents_from_centerline, tangents_from_centroids
from napari_spinalq.metrics.catalogue import TISSUES
from napari_spinalq.metrics.cord_frame import midlines_of_cord, tangents_of_cord
from napari_spinalq.metrics.measures import SectionTable, principal_axes, rl_turn, tabulate
from napari_spinalq.metrics.outline import perimeter_mm
from napari_spinalq.metrics.plane import SlicePlane, slice_plane
from napari_spinalq.metrics.ranges import at_slices
from napari_spinalq.metrics.stack import Kept, SectionStack

STEEP_ANGLE_DEG = 45.0
"""Beyond this angle between cord and slice, one degree of error changes the area by 1.7 % and more."""

EMPTY = "the mask is empty"
GAP = "gap at"
"""How the flag on slices without mask between others begins."""

NOT_CORRECTED = "too few slices to know the cord's direction: not corrected for its angle"


@dataclass(frozen=True, eq=False)
class SliceShapes:
    """Shape per axial slice; arrays of equal length n, one entry for each slice that holds the structure.

    Definitions, formulas and sources stand in ``docs/measures.md``. All values but ``area_plain_mm2`` are of the cross
    section perpendicular to the cord. Left and right are the patient's.

    Attributes
    ----------
    slice_index : (n,) array of int
        Slice number in work order, inferior to superior, ascending.
    centroid_mm : (n, 3) array
        Centre of the structure, RAS mm.
    area_mm2, area_plain_mm2 : (n,) arrays
        Area perpendicular to the cord, and area as cut by the slice.
    diameter_ap_mm, length_anterior_mm, length_posterior_mm : (n,) arrays
        Mean AP extent of the central 3 mm, and its parts before and behind the centroid.
    diameter_ap_ellipse_mm, diameter_rl_mm : (n,) arrays
        Axes of the ellipse of equal second moments.
    eccentricity : (n,) array
        Of that ellipse, 0..1; 0 for a single pixel.
    orientation_deg : (n,) array
        Angle of its major axis from the RL axis, -90..90, positive if its left end is anterior.
    solidity : (n,) array
        Area over area of the convex hull, 0..1.
    perimeter_mm : (n,) array
        Length of the outline.
    asymmetry_percent : (n,) array
        100 (L - R) / ((L + R) / 2) of the areas beside the AP line through the centroid (of grey and white matter:
        beside that of the cord); positive: left larger.
    length_mm : (n,) array
        Length of cord between half a slice below and half a slice above.
    angle_deg, angle_ap_deg, angle_rl_deg : (n,) arrays
        Angle between cord and slice normal, and its parts about the AP axis (positive: going up, the cord moves to
        the left) and about the RL axis (positive: to anterior). Zero where not corrected.
    slice_count : int
        Number of slices of the grid, with or without the structure.
    slice_flags : tuple of n tuples of str
        What to know about each slice.
    flags : tuple of str
        What to know about the whole.
    """

    slice_index: NDArray[np.int_]
    centroid_mm: NDArray[np.float64]
    area_mm2: NDArray[np.float64]
    area_plain_mm2: NDArray[np.float64]
    diameter_ap_mm: NDArray[np.float64]
    length_anterior_mm: NDArray[np.float64]
    length_posterior_mm: NDArray[np.float64]
    diameter_ap_ellipse_mm: NDArray[np.float64]
    diameter_rl_mm: NDArray[np.float64]
    eccentricity: NDArray[np.float64]
    orientation_deg: NDArray[np.float64]
    solidity: NDArray[np.float64]
    perimeter_mm: NDArray[np.float64]
    asymmetry_percent: NDArray[np.float64]
    length_mm: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    angle_ap_deg: NDArray[np.float64]
    angle_rl_deg: NDArray[np.float64]
    slice_count: int
    slice_flags: tuple[tuple[str, ...], ...]
    flags: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.slice_index)


def slice_shapes(
    mask: NDArray,
    grid: Grid,
    *,
    structure: str = "cord",
    cord: SliceShapes | None = None,
    centerline: Centerline | None = None,
    angle_correction: bool = True,
) -> SliceShapes:
    """Measure a mask slice by slice.

    Parameters
    ----------
    mask : array, shape ``grid.shape``
        0 outside, 1 inside, values between count by value; any axis order.
    grid : Grid
        Grid of the mask.
    structure : str
        What it is: ``"cord"``, ``"gm"``, ``"wm"`` or ``"canal"``. Of grey and white matter every piece counts: a slice
        may cut them into several.
    cord : SliceShapes, optional
        The cord of the same grid, whose direction and midline count for a structure that has none of its own.
    centerline : Centerline, optional
        Direction of the cord where ``cord`` is not given, such as for a mask of one slice. By default a smooth curve
        through the centroids of the slices, which is what the cord itself needs.
    angle_correction : bool
        False leaves all measures in the plane of the slice.

    Returns
    -------
    SliceShapes

    Raises
    ------
    InputError
        If the mask is not 3-D, is empty, or holds values outside 0..1.
    GridMismatchError
        If its shape is not that of the grid.
    """
    values = np.asarray(mask)
    _check(values, grid)
    work, work_grid = to_work_order(values, grid)
    stack = new_stack(structure, work_grid)
    if cord is not None and structure in TISSUES:
        stack.set_midlines(midlines_of_cord(cord, work_grid))
    stack.set_slices(dict(enumerate(work)))
    kept = stack.kept()
    return shapes_of(kept, work_grid, stack.plane, cord=cord, centerline=centerline, angle_correction=angle_correction)


def new_stack(structure: str, work_grid: Grid) -> SectionStack:
    """Return an empty stack of slices for a structure; see :func:`slice_shapes`."""
    return SectionStack(slice_plane(work_grid), every_piece=structure in TISSUES)


def _check(mask: NDArray, grid: Grid) -> None:
    if mask.ndim != 3:
        raise InputError(f"A mask to measure has three dimensions, not {mask.ndim} {mask.shape}; give one volume.")
    if mask.shape != grid.shape:
        raise GridMismatchError(f"The mask has shape {mask.shape} but its grid {grid.shape}; use the mask's own grid.")
    low, high = float(mask.min()), float(mask.max())
    if not (low >= 0 and high <= 1):
        raise InputError(f"The mask holds values from {low:.4g} to {high:.4g}; a mask holds 0 to 1 (1 = fully inside).")
    if high == 0:
        raise InputError("The mask is empty (all voxels are zero); draw or segment the structure first.")


def shapes_of(
    kept: Kept,
    work_grid: Grid,
    plane: SlicePlane,
    *,
    cord: SliceShapes | None = None,
    centerline: Centerline | None = None,
    angle_correction: bool = True,
) -> SliceShapes:
    """Put the measures of single slices together and correct them for the angle of the cord.

    Parameters
    ----------
    kept : Kept
        Measures per slice, in the plane of the slice.
    work_grid : Grid
        Grid of the mask in work order.
    plane : SlicePlane
        Plane of its slices.
    cord, centerline, angle_correction
        As in :func:`slice_shapes`.
    """
    index = np.fromiter(kept.sections, dtype=int, count=len(kept.sections))
    numbers = tabulate(list(kept.sections.values()))
    centroid_mm = work_grid.voxel_to_mm(np.column_stack([index, numbers.row, numbers.column]))
    tangents = _tangents(index, centroid_mm, plane, cord, centerline) if angle_correction else None
    flags = [*_gap_flags(index), *_stray_flags(kept)] if len(index) else [EMPTY]
    if angle_correction and tangents is None and len(index):
        flags.append(NOT_CORRECTED)
    if tangents is None:
        tangents = np.tile([0.0, 0.0, 1.0], (len(index), 1))
    slice_flags = _slice_flags(index, kept, tangents, corrected=NOT_CORRECTED not in flags)
    return SliceShapes(
        slice_index=index,
        centroid_mm=centroid_mm,
        **_corrected(numbers, tangents, plane),
        slice_count=work_grid.shape[0],
        slice_flags=slice_flags,
        flags=tuple(flags),
    )


def _tangents(
    index: NDArray[np.int_],
    centroid_mm: NDArray[np.float64],
    plane: SlicePlane,
    cord: SliceShapes | None,
    centerline: Centerline | None,
) -> NDArray[np.float64] | None:
    if cord is not None and len(cord):
        return None if NOT_CORRECTED in cord.flags else tangents_of_cord(cord, index)
    if centerline is None:
        return tangents_from_centroids(centroid_mm, plane)
    return tangents_from_centerline(centroid_mm, plane, centerline)


def _corrected(
    numbers: SectionTable, tangents: NDArray[np.float64], plane: SlicePlane
) -> dict[str, NDArray[np.float64]]:
    """Return the measures of the sections perpendicular to the cord, by the names of :class:`SliceShapes`."""
    project = projections(tangents)
    cosine = tangents[:, 2]
    plain = numbers.weight * plane.pixel_area_mm2
    shrink = _ap_shrink(numbers, project)
    before, behind = numbers.chord_anterior_mm * shrink, numbers.chord_posterior_mm * shrink
    return {
        "area_mm2": plain * cosine,
        "area_plain_mm2": plain,
        "diameter_ap_mm": before + behind,
        "length_anterior_mm": before,
        "length_posterior_mm": behind,
        **_ellipse(numbers, project),
        "solidity": numbers.solidity,
        "perimeter_mm": perimeter_mm(numbers.crossings, project @ plane.pixel_matrix),
        "asymmetry_percent": 200.0 * (2 * numbers.left_fraction - 1),
        "length_mm": plane.slice_step_mm / cosine,
        "angle_deg": _angle_deg(tangents),
        "angle_ap_deg": np.degrees(np.arctan2(-tangents[:, 0], cosine)),
        "angle_rl_deg": np.degrees(np.arctan2(tangents[:, 1], cosine)),
    }


def _angle_deg(tangents: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.degrees(np.arccos(np.clip(tangents[:, 2], -1.0, 1.0)))


def _ap_shrink(numbers: SectionTable, project: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much shorter lengths along the AP axis of each slice become when seen along the cord."""
    tilt = rl_turn(principal_axes(numbers.moments_mm2)[2])
    return np.linalg.norm(np.einsum("nij,jn->ni", project, np.stack([-np.sin(tilt), np.cos(tilt)])), axis=1)


def _ellipse(numbers: SectionTable, project: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the axes of the ellipse of equal second moments: an ellipse has 1/16 of its squared axes."""
    major, minor, turn = principal_axes(project @ numbers.moments_mm2 @ np.swapaxes(project, 1, 2))
    lying = np.abs(turn) <= np.pi / 4
    eccentricity = np.sqrt(1 - minor / np.where(major > 0, major, 1.0)) * (major > 0)  # a single pixel: no axes, 0
    return {
        "diameter_ap_ellipse_mm": 4 * np.sqrt(np.where(lying, minor, major)),
        "diameter_rl_mm": 4 * np.sqrt(np.where(lying, major, minor)),
        "eccentricity": eccentricity,
        "orientation_deg": -np.degrees(turn),
    }


def _gap_flags(index: NDArray[np.int_]) -> list[str]:
    missing = sorted(set(range(int(index[0]), int(index[-1]) + 1)) - set(index.tolist()))
    return [f"{GAP} {at_slices(missing)}"] if missing else []


def _stray_flags(kept: Kept) -> list[str]:
    if not kept.strays:
        return []
    return [f"{_stray_text(sum(kept.strays.values()))} ({at_slices(kept.strays)})"]


def _stray_text(count: int) -> str:
    return f"{count} stray voxel{'s' if count > 1 else ''} outside the main component ignored"


def _slice_flags(
    index: NDArray[np.int_], kept: Kept, tangents: NDArray[np.float64], *, corrected: bool
) -> tuple[tuple[str, ...], ...]:
    def of_slice(number: int, angle: float) -> tuple[str, ...]:
        found = [] if corrected else [NOT_CORRECTED]
        if number in kept.strays:
            found.append(_stray_text(kept.strays[number]))
        if number in kept.split:
            found.append("in several pieces")
        if angle > STEEP_ANGLE_DEG:
            found.append(f"leans over {STEEP_ANGLE_DEG:.0f} degrees to the slice: area uncertain")
        return tuple(found)

    return tuple(of_slice(*row) for row in zip(index.tolist(), _angle_deg(tangents).tolist(), strict=True))

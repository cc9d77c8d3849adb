"""How good a registration is: overlap and distance of both cords, and whether the plane folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.field import SliceFrame
from napari_spinalq.registration.moments import main_sections, sections_of
from napari_spinalq.registration.points import carried_onto
from napari_spinalq.registration.registration import Registration

INSIDE = 0.5
"""A voxel of which this share lies in the cord counts as cord."""


@dataclass(frozen=True, eq=False)
class SliceQuality:
    """How well both cords agree in each axial slice of the target; arrays of shape (slices,), NaN where not known.

    Attributes
    ----------
    shown : array of bool
        Slices that show a whole section of both cords.
    held : array of bool
        Slices in which the target's mask holds the cord.
    dice_before, dice_after : arrays
        Overlap by scanner position alone, and after registration.
    surface_distance_mm : array
        Mean distance of the two outlines after registration, both ways, mm.
    shift_mm : (slices, 2) array
        From the cord on the target to the same place on the source, to anterior and to the right, mm.
    jump_mm : array
        How far the cord of one scan lies from where it would lie on a straight line between the slices above and
        below, as the other cord runs, mm.
    area_ratio : array
        Area of the carried cord over that of the target's own mask.
    min_jacobian : array
        Least determinant of the in-plane map; the plane folds where it is not above 0.
    overall_before, overall_after : float
        Overlap over all slices that show both cords.
    """

    shown: NDArray[np.bool_]
    held: NDArray[np.bool_]
    dice_before: NDArray[np.float64]
    dice_after: NDArray[np.float64]
    surface_distance_mm: NDArray[np.float64]
    shift_mm: NDArray[np.float64]
    jump_mm: NDArray[np.float64]
    area_ratio: NDArray[np.float64]
    min_jacobian: NDArray[np.float64]
    overall_before: float
    overall_after: float


def slice_quality(registration: Registration, source_mask: NDArray, target_mask: NDArray) -> SliceQuality:
    """Compare the carried cord with the target's own mask, slice by slice.

    Parameters
    ----------
    registration : Registration
        From source to target.
    source_mask, target_mask : arrays on the grids of source and target
        The cords, binary or soft.
    """
    grid = registration.target
    fixed, work = to_work_order(np.asarray(target_mask, dtype=np.float32), grid)
    frame = SliceFrame(work)
    before = carried_onto(frame, None, registration.source, source_mask)
    after = to_work_order(carry(registration, source_mask), grid)[0]
    ours, theirs = sections_of(after, frame), sections_of(fixed, frame)
    shown = ours.shown & theirs.shown
    places = frame.places(to_work_order(registration.source_points_mm, grid)[0])
    return SliceQuality(
        shown,
        np.asarray((fixed >= INSIDE).any(axis=(1, 2))),
        np.where(shown, slice_dice(before, fixed), np.nan),
        np.where(shown, slice_dice(after, fixed), np.nan),
        _surface_distances(after, fixed, work, shown),
        _shifts(places - frame.centres(), fixed),
        _jumps(
            sections_of(main_sections(before), frame).centre_mm - sections_of(main_sections(fixed), frame).centre_mm
        ),
        ours.area_mm2 / theirs.area_mm2,
        _jacobians(places, work).min(axis=(1, 2)),
        overall_dice(before, fixed, shown),
        overall_dice(after, fixed, shown),
    )


def slice_dice(first_work: NDArray, second_work: NDArray) -> NDArray[np.float64]:
    """Return the Dice coefficient of two masks in each slice of work order; NaN where both are empty.

    What is not known (NaN) counts as empty. Dice 1945, Ecology 26:297, doi:10.2307/1932409: 2 both / (first + second),
    of voxels at least half inside.
    """
    one, other = (np.nan_to_num(mask) >= INSIDE for mask in (first_work, second_work))
    both, total = (one & other).sum(axis=(1, 2)), one.sum(axis=(1, 2)) + other.sum(axis=(1, 2))
    return np.where(total > 0, 2 * both / np.maximum(total, 1), np.nan)


def overall_dice(first_work: NDArray, second_work: NDArray, slices: NDArray[np.bool_]) -> float:
    """Return the Dice coefficient over some slices; NaN where they hold nothing."""
    one, other = (np.nan_to_num(mask[slices]) >= INSIDE for mask in (first_work, second_work))
    total = one.sum() + other.sum()
    return float(2 * (one & other).sum() / total) if total else float("nan")


def _surface_distances(first: NDArray, second: NDArray, work: Grid, slices: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean of the distances from each outline to the other, mm."""
    found = np.full(len(slices), np.nan)
    pixel_mm = np.asarray(work.spacing[1:])
    for index in np.flatnonzero(slices):
        one, other = (_outline(np.nan_to_num(mask[index])) * pixel_mm for mask in (first, second))
        there, back = cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]
        found[index] = (there.mean() + back.mean()) / 2
    return found


def _outline(plane: NDArray) -> NDArray[np.float64]:
    return np.concatenate(find_contours(np.pad(plane, 1), INSIDE)) - 1


def _shifts(moves: NDArray[np.float64], fixed: NDArray) -> NDArray[np.float64]:
    """Return the mean in-plane displacement over the target's cord, (slices, 2), mm."""
    weight = (fixed >= INSIDE).astype(float)
    count = weight.sum(axis=(1, 2))
    total = np.einsum("zyx,zyxi->zi", weight, moves[..., 1:])
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)


def _jumps(offsets_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each offset, (slices, 2), from the mean of its two neighbours, mm; NaN at the ends."""
    found = np.full(len(offsets_mm), np.nan)
    found[1:-1] = np.linalg.norm(offsets_mm[1:-1] - (offsets_mm[:-2] + offsets_mm[2:]) / 2, axis=1)
    return found


def _jacobians(places: NDArray[np.float64], work: Grid) -> NDArray[np.float64]:
    if min(work.shape[1:]) < 2:
        return np.full(work.shape, np.nan)
    rows, columns = (np.gradient(places[..., 1:], work.spacing[axis], axis=axis) for axis in (1, 2))
    return rows[..., 0] * columns[..., 1] - rows[..., 1] * columns[..., 0]

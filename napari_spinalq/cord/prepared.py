"""What a segmentation computes from the scan alone: kept, it makes the next one a matter of a second or less."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.learned import Sight, SlabSight, look_again, look_along, sight_of
from napari_spinalq.cord.network import SLAB_MM, Heat, follow, heat_of
from napari_spinalq.cord.path import Mark, places_in
from napari_spinalq.cord.stack import AxialStack, axial_stack, slab_means
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

MIN_FIELD_MM = 16.0
"""Smallest in-plane field of view that can hold a cord and its surroundings, mm."""

FIELD_TOLERANCE_MM = 0.01
"""Headers in float32 round a field of 16 mm to a little less."""

MAX_PIXEL_MM = 4.0
"""Larger in-plane pixels (mm) show no cord: it is 8 mm deep, two of them."""


class Fingerprint(NamedTuple):
    """What tells a scan from every other and from itself after a change: its grid and a checksum of its values."""

    shape: tuple[int, ...]
    affine: bytes
    kind: str
    checksum: int


@dataclass(frozen=True, eq=False)
class Prepared:
    """What no prompt changes, and what was seen without any. Its arrays are not to be written to.

    Attributes
    ----------
    fingerprint : Fingerprint
        Of the scan that it was made from.
    work_grid : Grid
        Grid of the scan in work order.
    stack : AxialStack
        The axial slices.
    slabs : (n_slabs, n_y, n_x) array of float32
        The slabs that the networks look at.
    heat : Heat
        Of the locator.
    seen : SlabSight
        By the fine network, along the locator's own path and, where that leads astray, in line with the cord nearby.
    """

    fingerprint: Fingerprint
    work_grid: Grid
    stack: AxialStack
    slabs: NDArray[np.float32]
    heat: Heat
    seen: SlabSight

    def sight(self, marks: Sequence[Mark] = (), barred: Sequence[Mark] = ()) -> Sight:
        """Return what the networks see in each slice along the path past all marks and not near what is barred."""
        location = follow(self.heat, marks, barred)
        seen = self.seen
        if marks or barred:
            seen = look_along(self.slabs, self.work_grid, self.heat.along_slabs(location), self.seen)
            seen = look_again(self.slabs, self.work_grid, seen, self.heat.slab_mm)
        held = np.zeros(len(self.slabs), bool)
        held[[place.slab for place in places_in(self.heat.slab_mm, marks)]] = True
        return sight_of(seen, self.heat.slab_mm, location, self.heat.slice_mm, held)

    def fits(self, scan: Scan) -> bool:
        """Tell whether the scan is still the one that this was made from, value for value."""
        return fingerprint(scan) == self.fingerprint


def fingerprint(scan: Scan) -> Fingerprint:
    """Return the fingerprint of a scan: CRC-32 of its values, 40 ms for 320 x 320 x 200 voxels."""
    values = np.asarray(scan.data).ravel(order="K")  # as they lie in memory: a copy would take ten times as long
    checksum = zlib.crc32(values.view(np.uint8).data)
    return Fingerprint(scan.data.shape, scan.grid.affine.tobytes(), scan.data.dtype.str, checksum)


def prepare(scan: Scan, progress: Progress = silent) -> Prepared:
    """Compute what every segmentation of this scan needs.

    Raises
    ------
    CordNotFoundError
        If all voxels are equal.
    InputError
        If the field of view is too small or the pixels are too large.
    """
    work = one_volume(scan).in_work_order()
    _check(work)
    heat = heat_of(work.data, work.grid, portion(progress, 0.1, 0.5))
    progress(0.5, "looking at the cord")
    slabs, _ = slab_means(work.data, work.grid.spacing[0], SLAB_MM)
    seen = look_again(slabs, work.grid, look_along(slabs, work.grid, heat.along_slabs(follow(heat))), heat.slab_mm)
    return Prepared(fingerprint(scan), work.grid, axial_stack(work.data, work.grid), slabs, heat, seen)


def one_volume(scan: Scan) -> Scan:
    """Return a 3-D scan: itself, or in each voxel the mean of the middle half of its volumes' values.

    The middle volumes of a diffusion scan are diffusion-weighted ones, in which the CSF is dark and the cord bright; in
    the mean of all, the few b = 0 volumes, several times brighter, would bring the CSF back to the level of the cord.
    The median alone has a sixth more noise than this interquartile mean.
    """
    if scan.data.ndim == 3:
        return scan
    count = scan.data.shape[3]
    left_out = max(count // 4, int(count > 2))
    ordered = np.partition(scan.data, (left_out, count - left_out - 1), axis=3)
    middle = ordered[..., left_out : count - left_out].mean(axis=3, dtype=np.float32)
    return replace(scan, data=middle)


def _check(work: Scan) -> None:
    """Refuse what cannot be segmented, with the reason."""
    field_mm = [n * spacing for n, spacing in zip(work.grid.shape[1:], work.grid.spacing[1:], strict=True)]
    if min(field_mm) < MIN_FIELD_MM - FIELD_TOLERANCE_MM:
        raise InputError(
            f"The axial field of view of {work.name} is {field_mm[1]:.3g} x {field_mm[0]:.3g} mm; "
            f"at least {MIN_FIELD_MM:g} mm each way is needed to see a cord and its surroundings."
        )
    rows_mm, columns_mm = work.grid.spacing[1:]
    if max(rows_mm, columns_mm) > MAX_PIXEL_MM:
        raise InputError(
            f"The axial pixels of {work.name} are {columns_mm:.3g} x {rows_mm:.3g} mm; a cord is 8 mm deep, so that "
            f"at most {MAX_PIXEL_MM:g} mm each way are needed to see it."
        )
    if np.ptp(work.data) == 0:
        raise CordNotFoundError(f"No cord was found in {work.name}: all its voxels are equal; give another scan.")

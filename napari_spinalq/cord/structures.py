"""One way to ask for the cord or a structure of it, whatever each needs beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.canal import segment_canal
from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.cord.cord_slices import centres_mm, cord_of_scan
from napari_spinalq.cord.grey_matter import PHYSICAL_EDGE, READER_EDGE, segment_grey_matter
from napari_spinalq.cord.prompts import Prompts
from napari_spinalq.cord.segment import resegment
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

STRUCTURES = ("cord", "gm", "canal")
"""What can be asked for: the cord, its grey matter, the canal within the outer wall of the CSF."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A segmented structure: arrays on the scan's grid, flags and parameters as in the single segmentations."""

    mask: NDArray[np.uint8]
    soft: NDArray[np.float32]
    flags: tuple[str, ...]
    parameters: dict[str, Any]


def segment_structure(
    name: str,
    scan: Scan,
    *,
    cord_mask: NDArray | None = None,
    at: tuple[float, float, float] | None = None,
    prompts: Prompts | None = None,
    edge_offset_mm: float | None = None,
    progress: Progress = silent,
) -> Structure:
    """Segment the cord, its grey matter or the canal.

    Parameters
    ----------
    name : str
        One of ``STRUCTURES``.
    scan : Scan
        Any contrast and axis order.
    cord_mask : array, shape ``scan.grid.shape``, optional
        The cord where it is known; by default it is segmented first.
    at : tuple of 3 float, optional
        A point on the cord, RAS mm, for :func:`~napari_spinalq.cord.segment.segment_cord`.
    prompts : Prompts, optional
        More about the cord, instead of ``at``, for :func:`~napari_spinalq.cord.segment.resegment`.
    edge_offset_mm : float, optional
        How far inside the half-maximum edge the structure is drawn, mm. Grey matter takes only 0 (the physical edge)
        or none (as readers draw).
    progress : Progress
        Told where the work stands.

    Raises
    ------
    CordNotFoundError
        If the scan shows no cord.
    InputError
        If the scan does not show the structure at all, or an argument does not fit.
    """
    if at is not None and prompts is not None:
        raise InputError("Give the point on the cord as one of the prompts, not beside them.")
    said = prompts or (Prompts() if at is None else Prompts(points=(at,)))
    _check(name, cord_mask, said, edge_offset_mm)
    if name == "cord":
        cord = resegment(scan, said, edge_offset_mm=edge_offset_mm, progress=progress)
        return Structure(cord.mask, cord.soft, cord.flags, cord.parameters)
    cover, centerline, flags, parameters = _cord(scan, cord_mask, said, portion(progress, 0.0, 0.4))
    rest = portion(progress, 0.4, 1.0)
    found: Any
    if name == "gm":
        edge_level = READER_EDGE if edge_offset_mm is None else PHYSICAL_EDGE
        found = segment_grey_matter(scan, cover, centerline, edge_level=edge_level, progress=rest)
    else:
        found = segment_canal(scan, cover, centerline, edge_offset_mm=edge_offset_mm or 0.0, progress=rest)
    if not found.measurable:
        doubt = f", or point at the cord with --at X,Y,Z (RAS mm): {flags[0]}" if flags else ""
        raise InputError(f"{scan.name}: {found.flags[0]}; use a scan of another contrast{doubt}.")
    return Structure(found.mask, found.soft, (*flags, *found.flags), {**found.parameters, "cord": parameters})


def _check(
    name: str,
    cord_mask: NDArray | None,
    said: Prompts,
    edge_offset_mm: float | None,
) -> None:
    if name not in STRUCTURES:
        raise InputError(f"{name!r} cannot be segmented; use one of {', '.join(STRUCTURES)}.")
    if name == "cord" and cord_mask is not None:
        raise InputError("A cord mask is of no use to segment the cord; leave it out, or ask for gm or canal.")
    if cord_mask is not None and not said.empty:
        raise InputError("Give either a cord mask, or points and scribbles to find the cord, not both.")
    if name == "gm" and edge_offset_mm not in (None, 0.0):
        raise InputError(
            f"Grey matter has no edge offset of {edge_offset_mm:g} mm; give 0 for the physical edge, or leave it out."
        )


def _cord(
    scan: Scan, cord_mask: NDArray | None, said: Prompts, progress: Progress
) -> tuple[NDArray, Centerline, tuple[str, ...], dict[str, Any]]:
    """Return the cord, its centerline, what to check about it, and what it was made with."""
    if cord_mask is None:
        cord = resegment(scan, said, progress=progress)
        return cord.soft, cord.centerline, cord.flags, cord.parameters
    work, _, slices = cord_of_scan(scan, cord_mask)
    return cord_mask, _through(centres_mm(slices, work.grid), work.grid), (), {"method": "given mask"}


def _through(centres: NDArray[np.float64], grid: Grid) -> Centerline:
    """Fit the centerline; a single slice gives the line along the first axis through its centre."""
    if len(centres) > 1:
        return fit_centerline(centres)
    half_slice = 0.5 * grid.affine[:3, 0]
    return Centerline(np.stack([centres[0] - half_slice, centres[0] + half_slice]))

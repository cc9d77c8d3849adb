"""Bringing the anatomical scan that shows most onto the grid of a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import InputError
from napari_spinalq.progress import Progress, silent
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.register import register_scans
from napari_spinalq.registration.registration import Registration
from napari_spinalq.results import ScanResult
from napari_spinalq.scan import Scan

PREFERRED = (Contrast.T2STAR, Contrast.PSIR, Contrast.T2W, Contrast.T1W, Contrast.MT)
"""Contrasts of scans to bring here, the one that shows grey matter best first."""


@dataclass(frozen=True, eq=False)
class Brought:
    """What an anatomical scan gives on the grid of a map.

    Attributes
    ----------
    registration : Registration, optional
        None where there is no anatomical scan, or it could not be registered.
    carried : mapping of str to array of float32
        ``"image"``, ``"cord"`` and, where it was measured, ``"gm"``.
    flags : tuple of str
        What a reader must know.
    """

    registration: Registration | None = None
    carried: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def grey_matter(self) -> NDArray[np.float32] | None:
        """Share of grey matter in each voxel; None where it is not known."""
        return self.carried.get("gm")


def best_anatomical(scans: Sequence[ScanResult], target: Scan) -> ScanResult | None:
    """Return the scan to bring onto another: one with grey matter where there is one, by contrast; never itself."""
    others = [one for one in scans if one.scan.contrast in PREFERRED and not _same_file(one.scan, target)]

    def merit(one: ScanResult) -> tuple[bool, int]:
        return grey_matter_of(one) is None, PREFERRED.index(one.scan.contrast)

    return min(others, key=merit, default=None)


def grey_matter_of(result: ScanResult) -> NDArray | None:
    """Return the grey matter of a measured scan; None where it does not show it."""
    found = result.structure("gm")
    return None if found is None else found.mask


def bring(anatomical: ScanResult | None, target: Scan, target_mask: NDArray, progress: Progress = silent) -> Brought:
    """Register an anatomical scan to the image of a map and carry what was drawn on it.

    Parameters
    ----------
    anatomical : ScanResult, optional
        The scan that is brought.
    target : Scan
        3-D image on the grid of the map.
    target_mask : array, shape ``target.grid.shape``
        Its cord.
    progress : Progress
        Told where the work stands.
    """
    if anatomical is None:
        return Brought()
    image = anatomical.scan.mean_volume()
    try:
        registration = register_scans(image, anatomical.mask, target, target_mask, progress=progress)
    except InputError as error:
        reason = str(error).rstrip(".")
        return Brought(flags=(f"{anatomical.scan.name} could not be brought to this scan: {reason}",))
    masks = {"image": image.data, "cord": anatomical.mask, "gm": grey_matter_of(anatomical)}
    carried = {
        name: np.nan_to_num(carry(registration, np.asarray(data, dtype=np.float32))).astype(np.float32)
        for name, data in masks.items()
        if data is not None
    }
    return Brought(registration, carried, registration.flags)


def _same_file(one: Scan, other: Scan) -> bool:
    return one is other or (
        one.source is not None and other.source is not None and one.source.path == other.source.path
    )

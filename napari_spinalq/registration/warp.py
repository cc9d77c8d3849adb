"""From the parameters of a registration to the displacement of every place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.registration.affine import SliceAffine
from napari_spinalq.registration.field import Field, SliceFrame
from napari_spinalq.registration.outline import OutlineChange

LATTICE_MM = 1.0
"""Distance of lattice points, mm: a displacement that bends by 0.05 per mm errs by 0.006 mm between them."""

NEAR_MM, FAR_MM = 10.0, 30.0
"""Distance from the centre of the cord up to which its stretch holds, and from which on only its shift is left, mm:
the canal moves with the cord, the skin does not."""


@dataclass(frozen=True, eq=False)
class Warp:
    """What leads from the target to the source in each slice.

    Attributes
    ----------
    affine : SliceAffine
        Centres, shifts and stretches.
    outline : OutlineChange
        What they leave over.
    """

    affine: SliceAffine
    outline: OutlineChange

    def field(self, frame: SliceFrame) -> Field:
        """Return the displacement from target to source on a lattice around the cord."""
        affine = self.affine
        reached = np.concatenate([affine.centre_mm, affine.centre_mm + affine.shift_mm])
        corner = np.floor(reached.min(axis=0) - FAR_MM)
        count = np.ceil((reached.max(axis=0) + FAR_MM - corner) / LATTICE_MM).astype(int) + 1
        field = Field(np.zeros((frame.slices, *count, 2)), corner, LATTICE_MM)
        offsets = field.lattice()[..., 1:] - affine.centre_mm[:, None, None, :]
        return Field(self._displaced(offsets), corner, LATTICE_MM)

    def _displaced(self, offsets: NDArray[np.float64]) -> NDArray[np.float64]:
        fade = faded(np.linalg.norm(offsets, axis=-1))[..., None]
        radial = self.outline.displaced(offsets) * fade
        stretch = np.einsum("zij,zyxj->zyxi", self.affine.linear - np.eye(2), offsets + radial) * fade
        return self.affine.shift_mm[:, None, None, :] + radial + stretch


def faded(distance_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 up to NEAR_MM, 0 from FAR_MM on, smooth between (3 t2 - 2 t3)."""
    share = np.clip((FAR_MM - distance_mm) / (FAR_MM - NEAR_MM), 0.0, 1.0)
    return share**2 * (3 - 2 * share)

"""Motion of the cord within a series of images, or between two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Motion:
    """How the cord moved in each slice of each volume, against the reference.

    The reference of a series is the mean place of the cord over its volumes, slice by slice; of a pair, the fixed scan.

    Attributes
    ----------
    shifts_mm : (n_volumes, n_slices, 2) array
        Displacement of the cord towards anterior and towards right within the slice, mm; slices in work order, from
        inferior. Slices that are not axial: see ``axes`` and ``slice_axis``.
    angles_deg : (n_volumes, n_slices) array
        Turn about the slice normal, degrees, right towards anterior (the second of ``axes`` towards the first); zero
        where only shifts were sought.
    displacement_mm : (n_volumes,) array
        Framewise displacement: how far the cord moved since the volume before, mean over slices, mm (0 for the first).
    outliers : (n_volumes,) array of bool
        Volumes that stand out.
    group : (n_volumes,) array of int
        Which volumes were registered as one.
    axes : tuple of 2 str
        Directions of the two shifts: anterior and right; superior and anterior in sagittal slices; superior and right
        in coronal ones. In oblique slices, the direction of the slice's own axis that lies nearest.
    slice_axis : str
        Direction in which slices are numbered: superior, right (sagittal slices) or anterior (coronal ones).
    uncertainty_mm : (n_volumes, n_slices, 2) array, optional
        Standard error of each shift, mm. Along the cord (sagittal and coronal slices) it is large where the image
        shows nothing that would change with such a shift.
    dropouts : (n_volumes, n_slices) array of bool, optional
        Slices whose signal is lost.
    reasons : tuple of str
        For each volume why it stands out; empty where it does not, and where nothing was looked for.
    outside_voxels : (n_volumes,) array of int, optional
        Voxels of the corrected volume that were filled from the edge, since they moved in from outside of the image.
    left_out : tuple of int
        Volumes (from 0) that the corrected series does not hold.
    """

    shifts_mm: NDArray[np.float64]
    angles_deg: NDArray[np.float64]
    displacement_mm: NDArray[np.float64]
    outliers: NDArray[np.bool_]
    group: NDArray[np.int_]
    axes: tuple[str, str] = ("anterior", "right")
    slice_axis: str = "superior"
    uncertainty_mm: NDArray[np.float64] | None = None
    dropouts: NDArray[np.bool_] | None = None
    reasons: tuple[str, ...] = ()
    outside_voxels: NDArray[np.int_] | None = None
    left_out: tuple[int, ...] = ()

"""Motion of the cord within a diffusion series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Motion:
    """How the cord moved in each slice of each volume, against the reference.

    Attributes
    ----------
    shifts_mm : (n_volumes, n_slices, 2) array
        Displacement of the cord towards anterior and towards right within the slice, mm; slices in work order, from
        inferior.
    angles_deg : (n_volumes, n_slices) array
        Turn about the slice normal, degrees, right towards anterior; zero where only shifts were sought.
    displacement_mm : (n_volumes,) array
        Framewise displacement: how far the cord moved since the volume before, mean over slices, mm (0 for the first).
    outliers : (n_volumes,) array of bool
        Volumes that stand out.
    group : (n_volumes,) array of int
        Which volumes were registered as one.
    """

    shifts_mm: NDArray[np.float64]
    angles_deg: NDArray[np.float64]
    displacement_mm: NDArray[np.float64]
    outliers: NDArray[np.bool_]
    group: NDArray[np.int_]

"""What can be chosen about maps and their values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.tensor import FitMethod
from napari_spinalq.gradients import B0_THRESHOLD
from napari_spinalq.tracts.values import Method
from napari_spinalq.tracts.voxels import Per

BUILTIN = "builtin"
"""The atlas that comes with the package."""


@dataclass(frozen=True)
class MapOptions:
    """How maps are made and read.

    Attributes
    ----------
    atlas : str or Path, optional
        ``"builtin"``, a folder with ``info_label.txt``, or None: then maps are made and not read per tract.
    method : Method
        How the value of a tract is taken from a map.
    fit_method : FitMethod
        How the tensor is fitted.
    motion : bool
        Whether a diffusion series is corrected for motion.
    rotation : bool
        Whether turns are sought beside shifts.
    b0_threshold : float
        Volumes weighted by no more than this count as unweighted, s/mm2.
    per : str
        A value per ``"level"``, per ``"slice"``, or of ``"all"`` slices together.
    threads : int, optional
        Threads of the fit; by default as many as the machine has cores.
    """

    atlas: str | Path | None = BUILTIN
    method: Method = Method.MAP
    fit_method: FitMethod = FitMethod.WLS
    motion: bool = True
    rotation: bool = False
    b0_threshold: float = B0_THRESHOLD
    per: Per = "level"
    threads: int | None = None

    def per_level_where_known(self, slice_levels: NDArray[np.int_]) -> MapOptions:
        """Return the options with all slices read together where no level is known: the numbers are worth having."""
        return replace(self, per="all") if self.per == "level" and not slice_levels.any() else self

    def record(self) -> dict[str, Any]:
        """Return what changes the values per tract, fit for JSON."""
        if self.atlas is None:
            return {}
        atlas = self.atlas.name if isinstance(self.atlas, Path) else self.atlas
        return {"atlas": atlas, "extraction": self.method.value, "per": self.per}

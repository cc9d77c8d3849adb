"""Any map that someone made elsewhere: MTR, PET, T1, tSNR; its values per tract and level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.microstructure.cord import MapCord, given_cord
from napari_spinalq.microstructure.options import BUILTIN, MapOptions
from napari_spinalq.microstructure.tracts import tracts_on, values_of_maps
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import MapsResult, QuantityMap
from napari_spinalq.scan import Scan


def analyze_map(
    scan: Scan,
    cord_mask: NDArray,
    levels: NDArray,
    *,
    metric: str,
    unit: str = "",
    grey_matter: NDArray | None = None,
    offset_mm: float = 0.0,
    flags: Sequence[str] = (),
    options: MapOptions = MapOptions(),
    progress: Progress = silent,
) -> MapsResult:
    """Read a map per tract.

    Parameters
    ----------
    scan : Scan
        The map, 3-D; NaN where it is not known.
    cord_mask : array, shape ``scan.grid.shape``
        The cord, 0..1.
    levels : array, shape ``scan.grid.shape``
        Vertebral level of voxels of the cord, 0 elsewhere.
    metric, unit : str
        What the map shows, such as ``"mtr"`` and ``"%"``.
    grey_matter : array, shape ``scan.grid.shape``, optional
        Share of grey matter; the atlas is fitted to it.
    offset_mm : float
        How far inside the physical edge the cord was drawn, as far as that is known, mm.
    flags : sequence of str
        What is known to be doubtful already.
    options : MapOptions
        Atlas and method.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    MapsResult

    Raises
    ------
    InputError
        If the mask is empty, no slice of it has a level that is to be read, or the atlas cannot be used.
    """
    cord = given_cord(cord_mask, scan.grid, offset_mm=offset_mm)
    slice_levels = levels_per_slice(to_work_order(levels, scan.grid)[0])
    if options.per == "level":
        _refuse_without_level(cord, slice_levels, scan)
    step, atlas = portion(progress, 0.0, 0.7), options.atlas or BUILTIN
    tracts = tracts_on(cord, slice_levels, scan, atlas, grey_matter=grey_matter, progress=step)
    maps = (QuantityMap(metric, metric, unit, np.asarray(scan.data, dtype=np.float32)),)
    progress(0.7, "values per tract")
    values = values_of_maps(maps, tracts, slice_levels, scan.grid, options)
    progress(1.0, "values per tract taken")
    return MapsResult(
        scan.name,
        scan,
        cord.mask,
        slice_levels,
        maps,
        tracts,
        values,
        parameters=options.record(),
        flags=tuple(dict.fromkeys([*flags, *tracts.flags])),
    )


def _refuse_without_level(cord: MapCord, slice_levels: NDArray[np.int_], scan: Scan) -> None:
    held = to_work_order(cord.mask, scan.grid)[0].any(axis=(1, 2))
    if not np.any(slice_levels[held]):
        raise InputError(
            "The level map names no slice of the cord, so there is no level to read; take the levels of this cord, or "
            "read per slice."
        )

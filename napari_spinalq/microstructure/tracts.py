"""The atlas on the cord of a map, and the values per tract: what every chain ends with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_grid
from napari_spinalq.microstructure.cord import MapCord
from napari_spinalq.microstructure.options import BUILTIN, MapOptions
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import QuantityMap
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.edge import fit_atlas_to_series
from napari_spinalq.tracts.extract import extract
from napari_spinalq.tracts.fit import fit_atlas
from napari_spinalq.tracts.folder import read_atlas, read_warped_atlas
from napari_spinalq.tracts.info import read_info
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.values import TractValue


def tracts_on(
    cord: MapCord,
    slice_levels: NDArray[np.int_],
    scan: Scan,
    atlas_choice: str | Path,
    *,
    series: NDArray | None = None,
    grey_matter: NDArray | None = None,
    progress: Progress = silent,
) -> TractMaps:
    """Return the chosen atlas on the cord of a scan.

    A folder whose files already lie on the scan's grid is taken as it is; any other atlas is fitted to the cord.

    Parameters
    ----------
    cord : MapCord
        On the grid of the scan.
    slice_levels : (n_slices,) array of int
        Level of each axial slice, 0 = none.
    scan : Scan
        3-D image.
    atlas_choice : str or Path
        ``"builtin"``, or a folder with ``info_label.txt``.
    series : array, shape ``scan.grid.shape + (n_volumes,)``, optional
        Images in which cord and CSF behave differently: the share of CSF in voxels at the edge is measured in them.
    grey_matter : array, shape ``scan.grid.shape``, optional
        Share of grey matter, to which the atlas is fitted too.
    progress : Progress
        Told where the work stands.

    Raises
    ------
    InputError
        If the folder holds no atlas.
    """
    if atlas_choice != BUILTIN and lies_on(Path(atlas_choice), scan.grid):
        return read_warped_atlas(atlas_choice, scan.grid)
    atlas = builtin_atlas() if atlas_choice == BUILTIN else read_atlas(atlas_choice)
    if series is None:
        return fit_atlas(
            atlas, cord.soft, slice_levels, scan.grid, grey_matter=grey_matter, scan=scan, progress=progress
        )
    return fit_atlas_to_series(
        atlas,
        cord.soft,
        series,
        slice_levels=slice_levels,
        grid=scan.grid,
        grey_matter=grey_matter,
        scan=scan,
        progress=progress,
    )


def lies_on(folder: Path, grid: Grid) -> bool:
    """Tell whether an atlas folder was made for a scan: whether its files lie on the scan's grid.

    Raises
    ------
    InputError
        If the folder holds no atlas.
    """
    first = next(iter(read_info(folder).files.values()))
    return load_grid(folder / first).matches(grid)


def read_tracts(
    values_in: Callable[[TractMaps], tuple[TractValue, ...]],
    cord: MapCord,
    slice_levels: NDArray[np.int_],
    scan: Scan,
    options: MapOptions,
    *,
    series: NDArray | None = None,
    grey_matter: NDArray | None = None,
    progress: Progress = silent,
) -> tuple[TractMaps | None, tuple[TractValue, ...], tuple[str, ...]]:
    """Return the atlas on the cord, the values per tract, and what a reader must know: also why there are none.

    Parameters
    ----------
    values_in : callable
        Takes the values, once the atlas is known.
    cord, slice_levels, scan, series, grey_matter, progress
        As for :func:`tracts_on`.
    options : MapOptions
        Which atlas; none if nothing is to be read.
    """
    if options.atlas is None:
        return None, (), ()
    step = portion(progress, 0.0, 0.6)
    try:
        tracts = tracts_on(
            cord, slice_levels, scan, options.atlas, series=series, grey_matter=grey_matter, progress=step
        )
        progress(0.6, "values per tract")
        return tracts, values_in(tracts), tracts.flags
    except InputError as error:
        return None, (), (f"no values per tract: {str(error).rstrip('.')}",)


def values_of_maps(
    maps: Sequence[QuantityMap], tracts: TractMaps, slice_levels: NDArray[np.int_], grid: Grid, options: MapOptions
) -> tuple[TractValue, ...]:
    """Return the values of each map per structure and level.

    Raises
    ------
    InputError
        If a map cannot be read with this atlas.
    """
    return tuple(
        value
        for one in maps
        for value in extract(
            one.data,
            tracts,
            metric=one.name,
            unit=one.unit,
            slice_levels=slice_levels,
            grid=grid,
            per=options.per,
            method=options.method,
        )
    )

"""Finding maps that were saved earlier, with their tracts and values, and checking that they belong to their scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.derivatives.map_paths import MapPaths, map_paths
from napari_spinalq.derivatives.paths import scan_paths
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.geometry import to_work_order
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.microstructure.diffusion import NOT_READ, QUANTITIES, weighted_mean
from napari_spinalq.reopen import record_of
from napari_spinalq.results import DiffusionSeries, MapsResult, QuantityMap
from napari_spinalq.scan import Scan

MT_QUANTITIES = (("mtr", "MTR", "%"), ("mtsat", "MTsat", "p.u."), ("t1", "T1", "s"))
CARRIED = ("cord", "gm")


def saved_maps(exam: Exam, folder: Path) -> tuple[MapsResult, ...]:
    """Read the maps that were saved for an exam.

    Parameters
    ----------
    exam : Exam
        Its files.
    folder : Path
        Where results were written, the root of the BIDS derivatives.

    Returns
    -------
    tuple of MapsResult
        In the order of the files; scans without saved maps are left out. The field of the registration is not saved:
        what it carried and how good it was is there.

    Raises
    ------
    InputError
        If maps were made on another state of a scan's file (by SHA-256), or a file is missing or damaged.
    """
    return tuple(_saved(exam, folder))


def _saved(exam: Exam, folder: Path) -> Iterator[MapsResult]:
    for file in exam.files:
        paths = map_paths(file.path.name, exam, folder, diffusion=file.contrast is Contrast.DWI)
        if file.contrast is Contrast.DWI and paths.map("fa").exists():
            yield _diffusion(file, paths)
        elif file.contrast is Contrast.MT and paths.map("mtr").exists():
            yield _transfer(file, paths, exam, folder)


def _diffusion(file: ExamFile, paths: MapPaths) -> MapsResult:
    raw = load_scan(file.path, Contrast.DWI)
    corrected = load_scan(paths.corrected, Contrast.DWI)
    corrected = Scan(corrected.data, raw.grid, Contrast.DWI, raw.source)
    gradients = read_gradients(paths.corrected, raw.grid, corrected.volumes, b0_threshold=_threshold(paths))
    maps = _maps(paths, raw, (*QUANTITIES, *NOT_READ))
    series = DiffusionSeries(corrected, gradients, _motion(paths), _fit(paths, raw, maps))
    levels = paths.levels if paths.levels.exists() else None
    return _result("dwi", weighted_mean(corrected, gradients), paths, maps, paths.cord, levels, series)


def _transfer(file: ExamFile, paths: MapPaths, exam: Exam, folder: Path) -> MapsResult:
    scan, own = load_scan(file.path, Contrast.MT), scan_paths(file.path.name, exam, folder)
    levels = own.levels if own.levels.exists() else None
    return _result("mt", scan, paths, _maps(paths, scan, MT_QUANTITIES), own.mask, levels, None)


def _result(
    name: str,
    scan: Scan,
    paths: MapPaths,
    maps: tuple[QuantityMap, ...],
    cord: Path,
    levels: Path | None,
    series: DiffusionSeries | None,
) -> MapsResult:
    record = record_of(paths.map(maps[0].name), scan.source)
    mask = np.asarray(load_mask(cord, like=scan.grid).data)
    work = to_work_order(mask, scan.grid)[0]
    slice_levels = np.zeros(len(work), dtype=int)
    if levels is not None:
        slice_levels = levels_per_slice(to_work_order(load_levels(levels, like=scan.grid).data, scan.grid)[0])
    carried = {one: _data(paths.carried(one), scan) for one in CARRIED if paths.carried(one).exists()}
    told: Mapping[str, Any] = {} if record is None else record.parameters
    return MapsResult(
        name,
        scan,
        (mask >= 0.5).astype(np.uint8),
        slice_levels,
        maps,
        _tracts(paths, scan) if paths.tracts.exists() else None,
        _values(paths.values) if paths.values.exists() else (),
        series,
        None,
        carried,
        {key: value for key, value in told.items() if key != "unit"},
        () if record is None else record.flags,
    )


def _maps(paths: MapPaths, scan: Scan, known: tuple[tuple[str, str, str], ...]) -> tuple[QuantityMap, ...]:
    return tuple(
        QuantityMap(name, title, unit, _data(paths.map(name), scan))
        for name, title, unit in known
        if paths.map(name).exists()
    )


def _data(path: Path, scan: Scan) -> NDArray[np.float32]:
    """Return the values of a file on the grid of a scan, 3-D or 4-D."""
    record_of(path, scan.source)
    found = load_scan(path, allow_missing=True)
    difference = found.grid.difference(scan.grid)
    if difference:
        raise InputError(f"{path} lies on another grid than its scan ({difference}); make the maps again.")
    return np.asarray(found.data, dtype=np.float32)


def _threshold(paths: MapPaths) -> float:
    record = record_of(paths.corrected, None)
    return float(record.parameters.get("b0_threshold", 50.0)) if record else 50.0

"""Finding maps that were saved earlier, with their tracts and values, and checking that they belong to their scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.derivatives.map_paths import MapPaths, map_paths
from napari_spinalq.derivatives.paths import scan_paths
from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.diffusion.motion_table import SHORT
from napari_spinalq.diffusion.tensor import FitMethod, TensorFit
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.geometry import to_work_order
from napari_spinalq.gradients import B0_THRESHOLD
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.metrics.ranges import slice_numbers
from napari_spinalq.microstructure.diffusion import NOT_READ, QUANTITIES, weighted_mean
from napari_spinalq.reopen import record_of
from napari_spinalq.results import DiffusionSeries, MapsResult, QuantityMap
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractMaps, TractTissue
from napari_spinalq.tracts.values import Method, TractValue
from napari_spinalq.vertebrae import level_number

MT_QUANTITIES = (("mtr", "MTR", "%"), ("mtsat", "MTsat", "p.u."), ("t1", "T1", "s"))
CARRIED = ("cord", "gm")

NUMBERS = ("value", "sd", "low", "high", "effective_voxels")
"""Columns that hold numbers: a word in them is an error, not a value."""

TEXT = ("structure", "metric", "level", "slices", "unit", "method", "flag", "reason")
"""Columns that hold words: empty ones stay empty instead of becoming numbers that are none."""


def saved_maps(exam: Exam, folder: Path, refused: Callable[[str], None] | None = None) -> tuple[MapsResult, ...]:
    """Read the maps that were saved for an exam.

    Parameters
    ----------
    exam : Exam
        Its files.
    folder : Path
        Where results were written, the root of the BIDS derivatives.
    refused : callable, optional
        Told why maps that are there cannot be used, a sentence each; they are left out then.

    Returns
    -------
    tuple of MapsResult
        In the order of the files; scans without saved maps are left out. The field of the registration is not saved:
        what it carried and how good it was is there.

    Raises
    ------
    InputError
        If maps were made on another state of a scan's file (by SHA-256), or a file is missing or damaged, and nobody
        is there to be told.
    """
    found = []
    for file in exam.files:
        try:
            one = _saved(file, exam, folder)
        except InputError as error:
            if refused is None:
                raise
            refused(str(error))
        except (KeyError, ValueError) as error:  # a column or a word is missing, or spoilt by hand
            sentence = f"The saved maps of {file.name} cannot be read ({error}); make the maps again."
            if refused is None:
                raise InputError(sentence) from None
            refused(sentence)
        else:
            found += [] if one is None else [one]
    return tuple(found)


def _saved(file: ExamFile, exam: Exam, folder: Path) -> MapsResult | None:
    """Return the maps that were saved for one file; None if there are none."""
    paths = map_paths(file.path.name, exam, folder, diffusion=file.contrast is Contrast.DWI)
    if file.contrast is Contrast.DWI and paths.map("fa").exists():
        return _diffusion(file, paths)
    if file.contrast is Contrast.MT and paths.map("mtr").exists():
        return _transfer(file, paths, exam, folder)
    return None


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


def _data(path: Path, scan: Scan, *last: int) -> NDArray[np.float32]:
    """Return the values of a file on the grid of a scan, 3-D, or 4-D with ``last`` values a voxel."""
    record_of(path, scan.source)
    found = load_scan(path, allow_missing=True)
    difference = found.grid.difference(scan.grid)
    if difference:
        raise InputError(f"{path} lies on another grid than its scan ({difference}); make the maps again.")
    if found.data.shape != (*scan.grid.shape, *last):
        raise InputError(f"{path} holds {found.volumes} volumes, not {last[0] if last else 1}; make the maps again.")
    return np.asarray(found.data, dtype=np.float32)


def _threshold(paths: MapPaths) -> float:
    record = record_of(paths.corrected, None)
    return float(record.parameters.get("b0_threshold", B0_THRESHOLD)) if record else B0_THRESHOLD


def _fit(paths: MapPaths, scan: Scan, maps: tuple[QuantityMap, ...]) -> TensorFit:
    """Return the tensor fit as its maps tell it."""
    by_name = {one.name: one.data for one in maps}
    record = record_of(paths.map("fa"), scan.source)
    told: Mapping[str, Any] = {} if record is None else record.parameters
    return TensorFit(
        mask=np.isfinite(by_name["fa"]),
        fa=by_name["fa"],
        md=by_name["md"],
        ad=by_name["ad"],
        rd=by_name["rd"],
        direction=_data(paths.map("direction"), scan, 3),
        residual=by_name["residual"],
        tsnr=by_name["tsnr"],
        negative_eigenvalues=int(told.get("negative_eigenvalues", 0)),
        method=FitMethod(told.get("fit", FitMethod.WLS.value)),
    )


def _motion(paths: MapPaths) -> Motion | None:
    """Return the motion as its two tables tell it; None where the series was not corrected."""
    if not paths.motion.exists():
        return None
    slices, volumes = _table(paths.motion), _table(paths.volumes)
    shape = int(slices["volume"].max()) + 1, int(slices["slice"].max()) + 1
    if len(volumes) != shape[0] or len(slices) != shape[0] * shape[1]:
        raise InputError(f"{paths.motion} and {paths.volumes} do not hold each slice and volume; make the maps again.")
    axes = tuple(direction for direction, short in SHORT.items() if f"shift_{short}_mm" in slices)
    if len(axes) != 2:
        raise InputError(f"{paths.motion} does not hold shifts in two directions; make the maps again.")
    # Sagittal and coronal slices put superior first, axial ones anterior before right.
    axes = tuple(sorted(axes, key=("superior", "anterior", "right").index))
    shifts = slices[[f"shift_{SHORT[axis]}_mm" for axis in axes]].to_numpy(dtype=float).reshape(*shape, 2)
    return Motion(
        shifts,
        slices["angle_deg"].to_numpy(dtype=float).reshape(shape),
        volumes["displacement_mm"].to_numpy(dtype=float),
        volumes["outlier"].to_numpy(dtype=bool),
        slices["group"].to_numpy(dtype=int).reshape(shape)[:, 0],
        axes=(axes[0], axes[1]),
        reasons=tuple(volumes["reason"]),
    )


def _tracts(paths: MapPaths, scan: Scan) -> TractMaps:
    labels, record = _table(paths.tract_labels), record_of(paths.tracts, scan.source)
    told: Mapping[str, Any] = {} if record is None else record.parameters
    tracts = tuple(
        Tract(str(row["name"]), str(row["title"]), Side(row["side"]), TractTissue(row["tissue"]))
        for row in labels.to_dict("records")
    )
    groups = tuple(
        TractGroup(one["key"], one["title"], Side(one["side"]), tuple(one["members"])) for one in told.get("groups", [])
    )
    unknown = {member for group in groups for member in group.members} - {tract.key for tract in tracts}
    if unknown:
        raise InputError(f"{paths.tracts} has groups of unknown tracts ({min(unknown)}); make the maps again.")
    fractions = np.moveaxis(_data(paths.tracts, scan, len(tracts)), -1, 0)
    return TractMaps(tracts, groups, np.ascontiguousarray(fractions), str(told.get("atlas", "")))


def _values(path: Path) -> tuple[TractValue, ...]:
    return tuple(
        TractValue(
            row["structure"],
            row["metric"],
            row["unit"],
            level_number(row["level"]) if row["level"] else 0,
            slice_numbers(row["slices"]),
            row["value"],
            row["sd"],
            row["low"],
            row["high"],
            row["effective_voxels"],
            Method(row["method"]),
            row["flag"],
        )
        for row in _table(path).to_dict("records")
    )


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep="\t", dtype=dict.fromkeys(TEXT, str) | dict.fromkeys(NUMBERS, float))
        return table.fillna(dict.fromkeys(TEXT, ""))
    except (OSError, ValueError):
        raise InputError(f"{path} is missing or no table; make the maps again.") from None

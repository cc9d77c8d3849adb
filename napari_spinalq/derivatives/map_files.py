"""Maps and values of files that someone names: what the commands dti, mt and tracts do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_spinalq.contrast import Contrast
from napari_spinalq.derivatives.map_paths import MapPaths
from napari_spinalq.derivatives.map_tables import sct_tract_table
from napari_spinalq.derivatives.maps import write_maps
from napari_spinalq.derivatives.paths import REPORT_NAME
from napari_spinalq.derivatives.tables import with_flags
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.io.atomic import as_utf8, refuse_overwrite, undone_on_failure, write_whole
from napari_spinalq.io.bids import entities, stem
from napari_spinalq.io.gradient_files import read_gradients
from napari_spinalq.io.nifti import load_levels, load_mask, load_scan
from napari_spinalq.io.reverse_phase import acquisition_parameters
from napari_spinalq.io.sidecar import Provenance, read_flags
from napari_spinalq.io.sidecar import read_parameters as told_by_sidecar
from napari_spinalq.metrics.tidy import RowIdentity
from napari_spinalq.microstructure.cord import given_cord
from napari_spinalq.microstructure.diffusion import analyze_diffusion
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.microstructure.quantity import analyze_map
from napari_spinalq.microstructure.transfer import MtSet, analyze_mt
from napari_spinalq.mt.parameters import MtParameters
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import ExamResult, MapsResult
from napari_spinalq.tracts.table import structure_titles, tract_table

ACQPARAMS_NAME = "acqparams.txt"
"""What topup is given as ``--datain``."""


def dti_files(
    dwi: Path,
    folder: Path,
    *,
    bval: Path | None = None,
    bvec: Path | None = None,
    grad: Path | None = None,
    mask: Path | None = None,
    reverse_phase: Path | None = None,
    options: MapOptions = MapOptions(atlas=None),
    overwrite: bool = False,
    progress: Progress = silent,
) -> tuple[MapsResult, list[Path]]:
    """Make the maps of a diffusion series and write them, with a report, into a folder.

    Parameters
    ----------
    dwi : Path
        The series.
    folder : Path
        Where everything goes.
    bval, bvec, grad : Path, optional
        As for :func:`~napari_spinalq.io.gradient_files.read_gradients`.
    mask : Path, optional
        The cord on the grid of the series.
    reverse_phase : Path, optional
        An image with reversed phase encoding: the table that topup needs for both is written too (``ACQPARAMS_NAME``),
        a row for each unweighted volume of the series, then one for each of the image.
    options : MapOptions
        How it is done.
    overwrite : bool
        Whether existing files may be replaced.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    result, files
        What was found, and the files written.

    Raises
    ------
    InputError
        If a file cannot be used or does not fit the others, or an output exists; nothing is written then.
    """
    scan = load_scan(dwi, Contrast.DWI)
    if scan.data.ndim != 4:
        raise InputError(f"{dwi} is one volume; a diffusion series is 4-D, with a volume for each direction.")
    gradients = read_gradients(
        dwi, scan.grid, scan.volumes, bval=bval, bvec=bvec, grad=grad, b0_threshold=options.b0_threshold
    )
    cord = None if mask is None else load_mask(mask, like=scan.grid).data
    paths = MapPaths(folder, dwi.name, diffusion=True)
    _check_folder(paths, overwrite)
    table = folder / ACQPARAMS_NAME
    rows = _topup_rows(dwi, int(gradients.unweighted.sum()), reverse_phase)
    refuse_overwrite([table] if rows else [], overwrite=overwrite)
    result = analyze_diffusion(scan, gradients, cord, options=options, progress=portion(progress, 0.0, 0.95))
    written = _write(result, paths, overwrite)
    return result, [*written, *([write_whole(table, as_utf8(rows), overwrite=overwrite)] if rows else [])]


def _topup_rows(dwi: Path, unweighted: int, reverse_phase: Path | None) -> str:
    """Return topup's table for a series and the image encoded in reverse to it; empty where there is none."""
    if reverse_phase is None:
        return ""
    return acquisition_parameters([(dwi, unweighted), (reverse_phase, load_scan(reverse_phase, Contrast.DWI).volumes)])


def mt_files(
    on: Path,
    off: Path,
    cord: Path,
    folder: Path,
    *,
    t1w: Path | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> tuple[MapsResult, list[Path]]:
    """Make MTR and MTsat of files and write them, with a report, into a folder; as :func:`dti_files`."""
    scan = load_scan(on, Contrast.MT)
    mask = load_mask(cord, like=scan.grid)
    without = load_scan(off, Contrast.MT)
    weighted = None if t1w is None else load_scan(t1w, Contrast.MT)
    paths = MapPaths(folder, on.name, diffusion=False)
    _check_folder(paths, overwrite)
    parameters = None if t1w is None else MtParameters.from_sidecars(on, off, t1w)
    images = MtSet(scan, without, weighted, parameters)
    options = MapOptions(atlas=None)
    known = given_cord(mask.data, scan.grid, offset_mm=edge_offset_mm(cord))
    result = analyze_mt(images, known, options=options, progress=portion(progress, 0.0, 0.95))
    return result, _write(result, paths, overwrite)


@dataclass(frozen=True)
class TractRequest:
    """Which map is read with which masks, and how the table is written.

    Attributes
    ----------
    image, cord, levels : Path
        The map, the cord and the vertebral levels, on one grid.
    grey_matter : Path, optional
        Grey matter on that grid.
    metric, unit : str
        What the map shows; empty for what its name and its sidecar say.
    table_format : str
        ``"tidy"`` or ``"sct"``.
    """

    image: Path
    cord: Path
    levels: Path
    grey_matter: Path | None = None
    metric: str = ""
    unit: str = ""
    table_format: str = "tidy"


def tract_files(
    asked: TractRequest, options: MapOptions, progress: Progress = silent
) -> tuple[MapsResult, pd.DataFrame, Provenance]:
    """Read a map file per tract, and say where the numbers come from.

    Parameters
    ----------
    asked : TractRequest
        The files.
    options : MapOptions
        Atlas and method.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    result, table, provenance
        What was found, as a table in the asked form, and what its sidecar says.

    Raises
    ------
    InputError
        If a file cannot be used, or lies on another grid than the map.
    """
    image = load_scan(asked.image, allow_missing=True)
    if image.data.ndim != 3:
        raise InputError(f"The map {asked.image} has {image.volumes} volumes; a map is 3-D.")
    cord, levels = load_mask(asked.cord, like=image.grid), load_levels(asked.levels, like=image.grid)
    grey = None if asked.grey_matter is None else load_mask(asked.grey_matter, like=image.grid)
    masks = [path for path in (asked.cord, asked.levels, asked.grey_matter) if path is not None]
    flags = [flag for path in (asked.image, *masks) for flag in read_flags(path)]
    unit = asked.unit or str(told_by_sidecar(asked.image).get("unit", ""))
    result = analyze_map(
        image,
        cord.data,
        levels.data,
        metric=asked.metric or metric_of_name(asked.image.name),
        unit=unit,
        grey_matter=None if grey is None else grey.data,
        offset_mm=edge_offset_mm(asked.cord),
        flags=flags,
        options=options,
        progress=progress,
    )
    sources = [one.source for one in (image, cord, levels, grey) if one is not None and one.source is not None]
    parameters = {**result.parameters, "format": asked.table_format, "metric": result.maps[0].name, "unit": unit}
    return (
        result,
        _table(result, asked),
        Provenance(f"Values per tract and {options.per}", sources, parameters, result.flags),
    )


def metric_of_name(name: str) -> str:
    """Return what a map shows according to its file name, as tables call it.

    Examples
    --------
    >>> metric_of_name("sub-01_space-dwi_model-tensor_param-fa_dwimap.nii.gz"), metric_of_name("sub-01_MTRmap.nii.gz")
    ('fa', 'mtr')
    >>> metric_of_name("dti_FA.nii.gz"), metric_of_name("suv.nii")
    ('fa', 'suv')
    """
    named = entities(name).get("param")
    if named:
        return named.lower()
    last = stem(name).rsplit("_", 1)[-1].lower()
    return last.removesuffix("map") or last


def edge_offset_mm(cord: Path) -> float:
    """Return how far inside the physical edge a cord mask was drawn, as its sidecar tells, mm; 0 where it does not."""
    told = told_by_sidecar(cord).get("edge_offset_mm", 0.0)
    if not isinstance(told, int | float):
        raise InputError(f"The edge_offset_mm in the sidecar of {cord} is {told!r}, not a number of mm; correct it.")
    return float(told)


def _check_folder(paths: MapPaths, overwrite: bool) -> None:
    """Refuse, before the work begins, a folder that is none or holds the results already."""
    if paths.place.exists() and not paths.place.is_dir():
        raise InputError(f"{paths.place} is a file; name a folder for the maps.")
    refuse_overwrite([*paths.with_sidecars(), paths.place / REPORT_NAME], overwrite=overwrite)


def _write(result: MapsResult, paths: MapPaths, overwrite: bool) -> list[Path]:
    """Write the maps and a report on them alone."""
    # Imported when a report is made: its drawing library would hold up the opening of the viewer by a tenth.
    from napari_spinalq.report.page import report_page

    report = paths.place / REPORT_NAME
    with undone_on_failure([*paths.with_sidecars(), report]):
        written = write_maps(result, paths, overwrite=overwrite)
        names = entities(paths.scan_name)
        exam = Exam(names.get("sub", stem(paths.scan_name)), names.get("ses", ""), ())
        page = report_page([ExamResult(exam, (), maps=(result,))])
        return [*written, write_whole(report, as_utf8(page), overwrite=overwrite)]


def _table(result: MapsResult, asked: TractRequest) -> pd.DataFrame:
    assert result.tracts is not None  # analyze_map gives them or raises
    if asked.table_format == "sct":
        return sct_tract_table(result.values, structure_titles(result.tracts), filename=str(asked.image))
    names = entities(asked.image.name)
    who = RowIdentity(names.get("sub", ""), names.get("ses", ""), result.scan.name)
    table = tract_table(result.values, who)
    return with_flags(table, result.flags)

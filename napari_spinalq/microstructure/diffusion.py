"""The diffusion chain: from a 4-D series and its gradients to the tensor, and to values per tract and level."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.diffusion.correct import correct_motion
from napari_spinalq.diffusion.gradient_check import GradientCheck, check_gradients
from napari_spinalq.diffusion.motion_table import motion_flags
from napari_spinalq.diffusion.tensor import TensorFit, fit_tensor, mask_dilated
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gradients import GradientTable
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.microstructure.cord import NO_DISCS, MapCord, find_cord, given_cord
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.microstructure.reading import Made, read_on_cord
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import DiffusionSeries, MapsResult, QuantityMap, ScanResult
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.signals import Reading, extract_diffusion
from napari_spinalq.tracts.values import TractValue

FIT_MARGIN_MM = 3.0
"""How far around the cord the tensor is fitted, within the slice (mm): CSF is needed to tell its share of a voxel, and
beyond the dural sac nothing is."""

DIFFUSIVITY = "1e-3 mm2/s"
QUANTITIES = (("fa", "FA", ""), ("md", "MD", DIFFUSIVITY), ("ad", "AD", DIFFUSIVITY), ("rd", "RD", DIFFUSIVITY))
"""What is read per tract: name, title and unit."""

NOT_READ = (("tsnr", "tSNR", ""), ("residual", "Residual", ""))
"""Maps that say how good the data are; saved and shown, without rows per tract."""

AXES_FIT = "fit the course of the cord"
"""What is recorded of a gradient table in which no axis seems flipped or swapped."""


def analyze_diffusion(
    scan: Scan,
    gradients: GradientTable,
    cord_mask: NDArray | None = None,
    *,
    labelling: Labelling = NO_DISCS,
    anatomical: ScanResult | None = None,
    options: MapOptions = MapOptions(),
    progress: Progress = silent,
) -> MapsResult:
    """Correct a diffusion series for motion, fit the tensor around the cord, and read it per tract.

    Parameters
    ----------
    scan : Scan
        4-D, in the axis order of its file.
    gradients : GradientTable
        One entry a volume.
    cord_mask : array, shape ``scan.grid.shape``, optional
        The cord on the mean weighted image, 0..1; by default it is found there.
    labelling : Labelling
        Discs in RAS mm, of any scan of the exam; with none, all levels are unknown.
    anatomical : ScanResult, optional
        The scan whose cord and grey matter are carried here.
    options : MapOptions
        How it is done.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    MapsResult
        What could not be done is in its flags.

    Raises
    ------
    InputError
        If the scan is not 4-D, has one axial slice or a volume without signal, or the gradients are not its own.
    CordNotFoundError
        If no cord is found and there is none to carry.
    """
    if scan.volumes != len(gradients) or scan.data.ndim != 4:
        raise InputError(
            f"{scan.name} has {scan.volumes} volume(s) but {len(gradients)} gradients; give its own files."
        )
    _check_series(scan)
    series, cord, check = _corrected_series(scan, gradients, cord_mask, anatomical, options, portion(progress, 0, 0.6))
    moved = () if series.motion is None else motion_flags(series.motion)
    mean = weighted_mean(series.corrected, series.gradients)
    made = Made(
        "dwi",
        mean,
        tensor_maps(series.fit),
        series.corrected.data,
        partial(_values, series),
        _parameters(series, cord, check, options),
        (*moved, *check.flags, *series.fit.flags),
        (scan.name,),
    )
    step = portion(progress, 0.6, 1.0)
    read = read_on_cord(made, cord, labelling=labelling, anatomical=anatomical, options=options, progress=step)
    return replace(read, series=series)


def _check_series(scan: Scan) -> None:
    """Refuse a series in which the cord cannot be followed, or of which a volume was lost."""
    if scan.grid.reoriented(WORK_AXES).shape[0] < 2:
        raise InputError(f"{scan.name} has one axial slice; the cord is followed through two or more.")
    empty = [volume for volume in range(scan.volumes) if not np.any(scan.data[..., volume] > 0)]
    if 0 < len(empty) < scan.volumes:
        raise InputError(
            f"Volume {empty[0]} of {scan.name} (counted from 0) holds no signal; take it out of the series and of its "
            "gradient files."
        )


def weighted_mean(scan: Scan, gradients: GradientTable) -> Scan:
    """Return the mean of the weighted volumes, 3-D: in it CSF is dark and the cord bright."""
    weighted = np.flatnonzero(~gradients.unweighted)
    total = np.zeros(scan.grid.shape, dtype=np.float64)
    for volume in weighted:  # one at a time: a mean over a part of the last axis would copy the series
        total += scan.data[..., volume]
    mean = (total / max(len(weighted), 1)).astype(np.float32)
    return replace(scan, data=mean, contrast=Contrast.DWI)


def tensor_maps(fit: TensorFit) -> tuple[QuantityMap, ...]:
    """Return the maps of a tensor fit in the order in which they are read."""
    return tuple(QuantityMap(name, title, unit, getattr(fit, name)) for name, title, unit in (*QUANTITIES, *NOT_READ))


def _corrected_series(
    scan: Scan,
    gradients: GradientTable,
    cord_mask: NDArray | None,
    anatomical: ScanResult | None,
    options: MapOptions,
    progress: Progress,
) -> tuple[DiffusionSeries, MapCord, GradientCheck]:
    """Return the series corrected and fitted, the cord on it, and whether its gradients fit the cord."""
    rough = _cord(weighted_mean(scan, gradients), cord_mask, anatomical, portion(progress, 0.0, 0.2))
    corrected, table, motion = scan, gradients, None
    if options.motion:
        corrected, table, motion = correct_motion(
            scan,
            gradients,
            rough.soft,
            rotation=options.rotation,
            threads=options.threads,
            progress=portion(progress, 0.2, 0.6),
        )
    mean = weighted_mean(corrected, table)
    # Blurred by motion, the first mean shows a cord too wide; a drawn one stays as it was drawn.
    again = options.motion and cord_mask is None
    cord = _cord(mean, cord_mask, anatomical, portion(progress, 0.6, 0.8)) if again else rough
    fit = fit_tensor(
        corrected.data,
        table,
        mask_dilated(cord.mask, scan.grid, FIT_MARGIN_MM),
        grid=scan.grid,
        cord=cord.mask,
        method=options.fit_method,
        threads=options.threads,
        progress=portion(progress, 0.8, 1.0),
    )
    check = check_gradients(table, fit, scan.grid, cord.mask, cord.centerline)
    return DiffusionSeries(corrected, table, motion, fit), cord, check


def _cord(mean: Scan, given: NDArray | None, anatomical: ScanResult | None, progress: Progress) -> MapCord:
    return find_cord(mean, anatomical, progress) if given is None else given_cord(given, mean.grid)


def _values(series: DiffusionSeries, tracts: TractMaps, reading: Reading) -> tuple[TractValue, ...]:
    """Return FA, MD, AD and RD per structure.

    Signals are read and the tensor is fitted to those of each structure, because FA of a voxel of two tissues is no
    mean of theirs.
    """
    return extract_diffusion(series.corrected.data, series.gradients, tracts, replace(reading, mask=series.fit.mask))


def _parameters(series: DiffusionSeries, cord: MapCord, check: GradientCheck, options: MapOptions) -> dict[str, Any]:
    return {
        "fit": options.fit_method.value,
        "fit_margin_mm": FIT_MARGIN_MM,
        "motion_corrected": series.motion is not None,
        "rotation": options.rotation,
        "b0_threshold": series.gradients.b0_threshold,
        "volumes": len(series.gradients),
        "weighted_volumes": int((~series.gradients.unweighted).sum()),
        "negative_eigenvalues": series.fit.negative_eigenvalues,
        "gradient_axes": "; ".join(check.flags or check.notes) or AXES_FIT,
        "cord": cord.parameters.get("method", ""),
    }

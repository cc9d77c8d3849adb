"""Asking the chains for the maps of one acquisition. Imported late: dipy comes along. No Qt is known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import cord_centerline
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.diffusion.gradient_check import GradientCheck, check_gradients
from napari_spinalq.errors import InputError
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import resample_array
from napari_spinalq.gui.tracts.acquisitions import TRANSFER
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.levelmap import level_map
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.microstructure.anatomical import best_anatomical
from napari_spinalq.microstructure.cord import carried_cord
from napari_spinalq.microstructure.exam import analyze_maps
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.microstructure.quantity import analyze_map
from napari_spinalq.mt.roles import find_mt_pair
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.progress import Progress, portion
from napari_spinalq.reopen_maps import saved_maps
from napari_spinalq.results import MapsResult, ScanResult
from napari_spinalq.scan import place_of
from napari_spinalq.tracts.values import Method

if TYPE_CHECKING:
    from napari_spinalq.gui.tracts.computing import Job

FOUND = 0.3
"""Share of the work that is done when the cord of the image with the MT pulse is found."""


def result_of(job: Job, scans: Sequence[ScanResult], progress: Progress) -> MapsResult:
    """Return the maps of an acquisition and their values.

    Raises
    ------
    InputError
        If it gives no maps; it says why.
    """
    options = MapOptions(atlas=job.atlas, method=Method(job.method))
    if job.acquisition.path is not None:
        return _from_file(job, job.acquisition.path, scans, options, progress)
    if job.acquisition.key == TRANSFER:
        scans = [*scans, *_cord_of_pair(job, scans, portion(progress, 0.0, FOUND))]
        progress = portion(progress, FOUND, 1.0)
    why: list[str] = []
    exam = replace(job.exam, files=job.acquisition.files)
    found = analyze_maps(
        exam,
        scans,
        job.labelling,
        options=options,
        progress=progress,
        refused=lambda name, reason: why.append(f"{name}: {reason}."),
    )
    if not found:
        raise InputError(" ".join(why) or f"{job.acquisition.title}: these files give no maps.")
    return replace(found[0], flags=(*found[0].flags, *why))


def check_of(result: MapsResult) -> GradientCheck | None:
    """Return whether the gradient directions of a series fit the course of the cord; None for other maps."""
    if result.series is None:
        return None
    grid = result.scan.grid
    centerline = cord_centerline(slice_shapes(result.mask, grid).centroid_mm, grid)
    return check_gradients(result.series.gradients, result.series.fit, grid, result.mask, centerline)


def saved_with_checks(exam: Exam, folder: Path) -> list[tuple[MapsResult, GradientCheck | None]]:
    """Return the maps that were saved for an exam, each with the check of its gradients.

    Raises
    ------
    InputError
        If they belong to another state of a scan, or a file is damaged.
    """
    return [(result, check_of(result)) for result in saved_maps(exam, folder)]


def _cord_of_pair(job: Job, scans: Sequence[ScanResult], progress: Progress) -> list[ScanResult]:
    """Find the cord in the image with the MT pulse, unless somebody drew it; with no pair there is nothing to find."""
    pair = find_mt_pair(replace(job.exam, files=job.acquisition.files))
    known = {one.scan.source.path for one in scans if one.scan.source is not None}
    if pair is None or place_of(pair.on.path) in known:
        return []
    scan = load_scan(pair.on.path, pair.on.contrast)
    found = segment_cord(scan, progress=progress)
    return [measure_scan(scan, found.mask, job.labelling, parameters=found.parameters, flags=found.flags)]


def _from_file(
    job: Job, path: Path, scans: Sequence[ScanResult], options: MapOptions, progress: Progress
) -> MapsResult:
    """Read a map of a file with the cord, grey matter and levels of the anatomical scan, carried by position."""
    scan = load_scan(path, Contrast.UNKNOWN)
    if scan.data.ndim != 3:
        raise InputError(f"{path.name} has {scan.volumes} volumes; a map has one.")
    anatomical = best_anatomical(scans, scan)
    cord = carried_cord(anatomical, scan.grid)
    levels = level_map(job.labelling, cord.centerline, cord.mask, scan.grid)
    grey = anatomical.structure("gm")
    carried = None
    if grey is not None and grey.mask is not None:
        share = np.asarray(grey.mask, np.float32)
        carried = resample_array(share, anatomical.scan.grid, scan.grid, order=1, fill=0.0)
    return analyze_map(
        scan,
        cord.soft,
        levels,
        metric=scan.name,
        grey_matter=carried,
        flags=cord.flags,
        options=options,
        progress=progress,
    )

"""The main job: from the scans of an exam to measures per level, without a window and without a file written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.backends import Backend
from napari_spinalq.cord.backends.exchange import ExternalMask
from napari_spinalq.cord.backends.segment import segment_with
from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.cord.confidence import recorded_confidence
from napari_spinalq.cord.segment import CordSegmentation, segment_cord
from napari_spinalq.errors import BackendError, CordNotFoundError, InputError
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.levels.check import with_checks
from napari_spinalq.levels.detect import MAX_CLICK_FROM_CORD_MM, label_discs, naming_flags
from napari_spinalq.levels.discs import Disc, Labelling, disc_arcs_mm, with_gaps_filled
from napari_spinalq.levels.external import label_with
from napari_spinalq.levels.levelmap import level_extents, level_map, levels_per_slice
from napari_spinalq.metrics.levels import per_level, with_level_flags
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.metrics.uncertainty import with_confidence_flags
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import DrawnStructure, ExamResult, MapsResult, ScanResult
from napari_spinalq.scan import Scan
from napari_spinalq.scan_choice import DISC_CONTRASTS, usable_scans
from napari_spinalq.structures import draw_structures, measured_structures, structures_of_backend

Point = tuple[float, float, float]

SHARE_OF_SCANS = 0.6
"""Part of the time of an exam that its anatomical scans take; maps take the rest."""

POINT_OUTSIDE = "the given point lies outside this scan: its cord was looked for without it"


@dataclass(frozen=True)
class Guidance:
    """What a person pointed at or chose before the work began.

    Attributes
    ----------
    at : tuple of 3 float, optional
        A point in the cord, RAS mm.
    discs : tuple of Disc
        Named discs.
    edge_offset_mm : float, optional
        How far inside the half-maximum edge the outline is drawn; by default as readers draw it.
    backend : Backend
        Who segments and labels.
    """

    at: Point | None = None
    discs: tuple[Disc, ...] = ()
    edge_offset_mm: float | None = None
    backend: Backend = Backend.BUILTIN


def measure_scan(
    scan: Scan,
    mask: NDArray,
    labelling: Labelling,
    *,
    parameters: Mapping[str, Any] | None = None,
    flags: Sequence[str] = (),
    drawn: Sequence[DrawnStructure] = (),
) -> ScanResult:
    """Measure a cord mask, carry levels onto it, and measure what else was drawn.

    Parameters
    ----------
    scan : Scan
        The image, in the axis order of its file.
    mask : array, shape ``scan.grid.shape``
        Cord, binary or soft.
    labelling : Labelling
        Named discs; with none, every level is unknown and said so. What is unusual about them is added to its flags.
    parameters, flags : optional
        Handed on to the result.
    drawn : sequence of DrawnStructure
        Grey matter and canal.

    Raises
    ------
    InputError
        If the cord's mask is empty.
    """
    shapes = slice_shapes(mask, scan.grid)
    confidence = recorded_confidence(parameters or {}, shapes.slice_count)
    if confidence is not None:
        shapes = with_confidence_flags(shapes, confidence)
    centerline = cord_centerline(shapes.centroid_mm, scan.grid)
    labelling = with_checks(labelling, centerline, scan.grid)
    levels = _levels(labelling, centerline, mask, scan.grid)
    per_slice = levels_per_slice(to_work_order(levels, scan.grid)[0])
    by_level = with_level_flags(per_level(shapes, per_slice), extent_flags(labelling, centerline))
    notes = tuple(dict.fromkeys([*flags, *naming_flags(labelling), *by_level.flags]))
    cord = ScanResult(
        scan, mask, centerline, labelling, levels, per_slice, shapes, by_level, dict(parameters or {}), notes
    )
    return with_structures(replace(cord, confidence=confidence), drawn)


def with_structures(result: ScanResult, drawn: Sequence[DrawnStructure]) -> ScanResult:
    """Return the result of a scan with grey matter, white matter and canal measured as they were drawn.

    Parameters
    ----------
    result : ScanResult
        Its cord, measured.
    drawn : sequence of DrawnStructure
        Grey matter and canal, as far as they were asked for.
    """
    extents = extent_flags(result.labelling, result.centerline)
    found = measured_structures(drawn, result.mask, result.shapes, result.scan.grid, result.slice_levels, extents)
    return replace(result, structures=found)


def analyze_scan(
    scan: Scan, *, guidance: Guidance = Guidance(), carried: Labelling | None = None, progress: Progress = silent
) -> ScanResult:
    """Segment the cord of a scan, name its levels, segment grey matter and canal, and measure all.

    Parameters
    ----------
    scan : Scan
        The image.
    guidance : Guidance
        A point in the cord and named discs.
    carried : Labelling, optional
        Discs of another scan of the exam, used instead of looking for them in this one.
    progress : Progress
        Told how far the work is.

    Raises
    ------
    CordNotFoundError
        If no cord is found.
    """
    outside = guidance.at is not None and not scan.grid.contains(guidance.at)
    at = None if outside else guidance.at
    steps = portion(progress, 0.0, 0.4), portion(progress, 0.4, 0.55), portion(progress, 0.55, 0.95)
    outline: ExternalMask | None = None
    if guidance.backend is Backend.BUILTIN:
        found = segment_cord(scan, at=at, edge_offset_mm=guidance.edge_offset_mm, progress=steps[0])
    else:
        found, outline = _external_cord(scan, guidance.backend, steps[0])
    labelling = carried or find_levels(scan, found.centerline, guidance.discs, steps[1], guidance.backend, outline)
    parameters = {**found.parameters, "discs": {disc.name: disc.origin.value for disc in labelling.discs}}
    flags = (*found.flags, POINT_OUTSIDE) if outside else found.flags
    cord = measure_scan(scan, found.mask, labelling, parameters=parameters, flags=flags)
    drawn = _drawn_beside(cord, found.centerline, guidance, outline, steps[2])
    progress(0.95, "measuring")
    result = with_structures(cord, drawn)
    progress(1.0, "measured")
    return result


def _drawn_beside(
    cord: ScanResult, centerline: Centerline, guidance: Guidance, outline: ExternalMask | None, progress: Progress
) -> tuple[DrawnStructure, ...]:
    """Draw grey matter and canal around the cord as it is measured, by whoever drew the cord."""
    if outline is not None:
        return structures_of_backend(guidance.backend, cord.scan, outline, progress)
    return draw_structures(
        cord.scan,
        cord.mask,
        centerline,
        slice_levels=cord.slice_levels,
        edge_offset_mm=guidance.edge_offset_mm,
        progress=progress,
    )


def _external_cord(scan: Scan, backend: Backend, progress: Progress) -> tuple[CordSegmentation, ExternalMask]:
    """Segment the cord with another program; all that it left in the same run comes along.

    Whatever it refuses is its own failure on this scan, and no reason to give up the others.
    """
    try:
        outline = segment_with(backend, scan, "cord", progress)
    except (BackendError, CordNotFoundError):
        raise
    except InputError as error:
        raise BackendError(str(error)) from error
    centerline = cord_centerline(slice_shapes(outline.mask, scan.grid).centroid_mm, scan.grid)
    soft = outline.mask.astype(np.float32)
    return CordSegmentation(outline.mask, soft, centerline, outline.flags, dict(outline.parameters)), outline


def label_mask(
    scan: Scan,
    mask: NDArray,
    clicks: Sequence[Disc] = (),
    progress: Progress = silent,
    backend: Backend = Backend.BUILTIN,
) -> ScanResult:
    """Find and name the discs of a scan whose cord is known, and measure that cord.

    Parameters
    ----------
    scan : Scan
        The image.
    mask : array, shape ``scan.grid.shape``
        Its cord.
    clicks : sequence of Disc
        Discs that a person named.
    progress : Progress
        Told how far the work is.
    backend : Backend
        Who finds and names the discs.
    """
    centerline = cord_centerline(slice_shapes(mask, scan.grid).centroid_mm, scan.grid)
    outline = ExternalMask(mask, {})
    return measure_scan(scan, mask, find_levels(scan, centerline, clicks, progress, backend, outline))


def find_levels(
    scan: Scan,
    centerline: Centerline,
    clicks: Sequence[Disc] = (),
    progress: Progress = silent,
    backend: Backend = Backend.BUILTIN,
    outline: ExternalMask | None = None,
) -> Labelling:
    """Find and name the discs of a scan.

    On a contrast that shows no discs only the clicked ones count; those between them are interpolated and flagged.
    Another program than the built-in one is given the cord in ``outline``.

    Raises
    ------
    InputError
        If the clicks contradict each other, or lie where they cannot name a level of this cord.
    """
    if scan.contrast in DISC_CONTRASTS or scan.contrast is Contrast.UNKNOWN:
        if outline is not None and backend is not Backend.BUILTIN:
            return label_with(backend, scan, outline, centerline, clicks, progress)
        return label_discs(scan.mean_volume(), centerline, clicks=clicks, progress=progress)
    labelling = with_gaps_filled(Labelling(tuple(clicks), bool(clicks)), centerline)
    _check_reach(labelling, clicks, centerline)
    return labelling


def _check_reach(labelling: Labelling, clicks: Sequence[Disc], centerline: Centerline) -> None:
    """Refuse clicked discs that are not beside the cord, or that name none of it."""
    for click, arc in zip(clicks, disc_arcs_mm(clicks, centerline), strict=True):
        away_mm = float(np.linalg.norm(click.position_mm - centerline.position(arc)))
        if away_mm > MAX_CLICK_FROM_CORD_MM:
            raise InputError(f"{click.name} lies {away_mm:.0f} mm from the cord; give the place of the disc (RAS mm).")
    extents = level_extents(labelling, centerline) if labelling.discs else ()
    if extents and not any(extent.lower_mm < centerline.length_mm and extent.upper_mm > 0 for extent in extents):
        names = ", ".join(click.name for click in clicks)
        raise InputError(f"No level beside {names} reaches the cord of this scan; correct the place (RAS mm) or name.")


def analyze_exam(
    exam: Exam,
    *,
    guidance: Guidance = Guidance(),
    maps: MapOptions | None = MapOptions(),
    progress: Progress = silent,
) -> ExamResult:
    """Do the main job on every scan of an exam that shows the cord, and on its diffusion series and MT pairs.

    Discs are found on the T2w (else T1w) scan that covers most of the spine and carried to the others by position.

    Parameters
    ----------
    exam : Exam
        The scans.
    guidance : Guidance
        A point in the cord and named discs, RAS mm.
    maps : MapOptions, optional
        How diffusion and magnetisation transfer are read; None leaves them out.
    progress : Progress
        Told how far the work is.

    Raises
    ------
    InputError
        If no scan can be used, or the point lies outside all of them; a scan that cannot be read, shows no cord or is
        refused by another program beside good ones is named in ``skipped`` instead.
    """
    scans, skipped = usable_scans(exam, maps is not None)
    _check_point(guidance.at, scans)
    step = portion(progress, 0.0, 1.0 if maps is None else SHARE_OF_SCANS)
    results, failures = _analyzed(scans, guidance, step)
    skipped += [(name, str(error).rstrip(".")) for name, error in failures]
    refusals = {str(error) for _, error in failures if isinstance(error, BackendError)}
    if len(refusals) == 1 and len(failures) == len(scans):
        raise BackendError(refusals.pop())  # such as a program that is missing: said once, not once a scan
    found: tuple[MapsResult, ...] = ()
    if maps is not None:
        found, without = _maps(exam, results, guidance, maps, portion(progress, SHARE_OF_SCANS, 1.0))
        used = {name for one in found for name in one.used}
        skipped = [(name, reason) for name, reason in skipped if name not in used] + without
    if not results and not found:
        why = "; ".join(f"{name}: {reason}" for name, reason in skipped)
        raise InputError(f"No scan of this exam could be measured ({why}).")
    return ExamResult(exam, tuple(results), tuple(skipped), found)


def _analyzed(
    scans: Sequence[Scan], guidance: Guidance, progress: Progress
) -> tuple[list[ScanResult], list[tuple[str, InputError]]]:
    """Return the measured scans, and the names of those that could not be measured with the reason."""
    results, failures = list[ScanResult](), list[tuple[str, InputError]]()
    for index, scan in enumerate(scans):
        step = portion(progress, index / len(scans), (index + 1) / len(scans))
        carried = _carried(results[0]) if results and results[0].labelling.discs else None
        try:
            results.append(analyze_scan(scan, guidance=guidance, carried=carried, progress=_named(step, scan)))
        except (CordNotFoundError, BackendError) as error:
            failures.append((scan.name, error))
    return results, failures


def _maps(
    exam: Exam, results: Sequence[ScanResult], guidance: Guidance, options: MapOptions, progress: Progress
) -> tuple[tuple[MapsResult, ...], list[tuple[str, str]]]:
    """Return the maps of an exam, and which scans gave none and why."""
    # Imported here: the chains of maps take 80 ms to load, and whoever only measures masks, as the viewer does, waits.
    from napari_spinalq.microstructure.exam import analyze_maps

    without = list[tuple[str, str]]()
    labelling = Labelling(guidance.discs, bool(guidance.discs))
    if results:
        labelling = _carried(results[0]) if results[0].labelling.discs else results[0].labelling
    found = analyze_maps(
        exam, results, labelling, options=options, progress=progress, refused=lambda *why: without.append(why)
    )
    return found, without


def _check_point(at: Point | None, scans: Sequence[Scan]) -> None:
    if at is not None and scans and not any(scan.grid.contains(at) for scan in scans):
        where = ", ".join(f"{value:g}" for value in at)
        raise InputError(f"The point {where} mm (--at) lies outside every scan; give one inside the cord (RAS mm).")


def _levels(labelling: Labelling, centerline: Centerline, mask: NDArray, grid: Grid) -> NDArray[np.uint8]:
    if not labelling.discs:
        return np.zeros(grid.shape, dtype=np.uint8)
    return level_map(labelling, centerline, mask, grid)


def extent_flags(labelling: Labelling, centerline: Centerline) -> dict[int, tuple[str, ...]]:
    """Return, by level, what is uncertain about where it begins and ends."""
    if not labelling.discs:
        return {}
    return {extent.level: extent.flags for extent in level_extents(labelling, centerline)}


def _carried(first: ScanResult) -> Labelling:
    note = f"levels carried over from {first.scan.name} by position"
    return replace(first.labelling, flags=(*naming_flags(first.labelling), note))


def _named(progress: Progress, scan: Scan) -> Progress:
    return lambda fraction, phrase: progress(fraction, f"{scan.name}: {phrase}")

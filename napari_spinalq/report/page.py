"""The report of one or more exams: a single HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import DictLoader, Environment, StrictUndefined
from numpy.typing import NDArray

from napari_spinalq import __version__
from napari_spinalq.geometry import WORK_AXES, Grid, to_work_order
from napari_spinalq.metrics.catalogue import STRUCTURE_TITLES
from napari_spinalq.metrics.summary import (
    STRUCTURE_HEADINGS,
    SUMMARY_HEADINGS,
    overall_summary,
    structure_rows,
    summary_rows,
)
from napari_spinalq.metrics.uncertainty import area_half_width_mm2
from napari_spinalq.report.figures import CURVES, OUTLINES, axial_figure, profile_figure, sagittal_figure
from napari_spinalq.report.maps import maps_section
from napari_spinalq.results import ExamResult, ScanResult


def report_page(results: Sequence[ExamResult]) -> str:
    """Return the report as HTML, with its figures inside.

    Parameters
    ----------
    results : sequence of ExamResult
        Exams to report on, one section each.
    """
    pages = {name: _page(name) for name in ("template.html", "maps.html")}
    environment = Environment(
        loader=DictLoader(pages), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    exams = [_exam(result) for result in results]
    return environment.get_template("template.html").render(
        title=", ".join(exam["title"] for exam in exams),
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        version=__version__,
        columns=SUMMARY_HEADINGS,
        structure_columns=STRUCTURE_HEADINGS,
        exams=exams,
    )


def _page(name: str) -> str:
    return resources.files("napari_spinalq.report").joinpath(name).read_text(encoding="utf-8")


def _exam(result: ExamResult) -> dict[str, Any]:
    session = f" ses-{result.exam.session}" if result.exam.session else ""
    return {
        "title": f"sub-{result.exam.subject}{session}",
        "scans": [_scan(scan) for scan in result.scans],
        "maps": [maps_section(one) for one in result.maps],
        "skipped": result.skipped,
    }


def _scan(result: ScanResult) -> dict[str, Any]:
    scan = result.scan
    spacing = " × ".join(f"{value:.2g}" for value in scan.grid.spacing)
    return {
        "title": f"{scan.contrast.label}: {scan.name}",
        "geometry": f"{spacing} mm, {scan.grid.axis_codes}",
        "flags": result.all_flags,
        "rows": summary_rows(result.level_shapes, result.area_half_widths_mm2),
        "overall": [overall_summary(result.shapes), *_overall(result)],
        "structure_rows": _structure_rows(result),
        "outlines": _outlines(result),
        **_figures(result),
        "sources": [{"name": scan.source.path.name, "sha256": scan.source.sha256}] if scan.source else [],
        "parameters": _parameters(result),
    }


def _overall(result: ScanResult) -> list[str]:
    return [overall_summary(one.shapes, one.name) for one in result.structures if one.shapes is not None]


def _structure_rows(result: ScanResult) -> list[tuple[str, ...]]:
    """Return the second table; none where nothing was measured beside the cord."""
    if not any(one.shapes is not None for one in result.structures):
        return []
    return structure_rows(result.level_shapes, {one.name: one.level_shapes for one in result.structures})


def _outlines(result: ScanResult) -> list[dict[str, str]]:
    """Return name, colour and stroke of each outline in the figures."""
    return [{"name": name, "colour": OUTLINES[name][0], "stroke": OUTLINES[name][1]} for name in _masks(result)]


def _parameters(result: ScanResult) -> list[tuple[str, Any]]:
    """Return what everything was made with; the names of structures beside the cord go before theirs."""
    listed = [(key.replace("_", " "), value) for key, value in result.parameters.items() if key != "confidence"]
    for one in result.structures:
        title = STRUCTURE_TITLES[one.name]
        listed += [(f"{title}: {key.replace('_', ' ')}", value) for key, value in one.parameters.items()]
    return listed


def _masks(result: ScanResult) -> dict[str, NDArray]:
    """Return what was drawn, in the axis order of the file; white matter lies between two of them."""
    found = {one.name: one.mask for one in result.structures if one.mask is not None and one.name in OUTLINES}
    return {"cord": result.mask, **found}


def _figures(result: ScanResult) -> dict[str, Any]:
    image, grid = to_work_order(result.scan.mean_volume().data, result.scan.grid)
    masks = {name: to_work_order(mask, result.scan.grid)[0] for name, mask in _masks(result).items()}
    shapes, levels = result.shapes, result.slice_levels
    area = _per_slice(shapes.slice_index, shapes.area_mm2, grid)
    arc = result.centerline.nearest_arc(shapes.centroid_mm)
    half = None if result.confidence is None else area_half_width_mm2(shapes, result.confidence)
    return {
        "sagittal": _figure(
            "Sagittal view along the cord with named discs",
            sagittal_figure(image, masks, grid, result.centerline, result.labelling.discs),
        ),
        "details": [
            _figure("Axial details, one per level, with the outlines", axial_figure(image, masks, grid, levels, area)),
            _figure("Area along the cord", profile_figure(arc, _areas(result), levels[shapes.slice_index], half)),
        ],
    }


def _areas(result: ScanResult) -> dict[str, NDArray[np.float64]]:
    """Return the areas that are drawn along the cord, in the slices of the cord."""
    grid = result.scan.grid.reoriented(WORK_AXES)
    areas = {"cord": result.shapes.area_mm2}
    for one in result.structures:
        if one.shapes is not None and one.name in CURVES:
            areas[one.name] = _per_slice(one.shapes.slice_index, one.shapes.area_mm2, grid)[result.shapes.slice_index]
    return areas


def _figure(alt: str, png: bytes) -> dict[str, str]:
    return {"alt": alt, "png": base64.b64encode(png).decode()}


def _per_slice(index: NDArray[np.int_], values: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    spread = np.full(grid.shape[0], np.nan)
    spread[index] = values
    return spread

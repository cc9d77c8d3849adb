"""The report of one or more exams: a single HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

from napari_spinalq import __version__
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.metrics.summary import SUMMARY_HEADINGS, overall_summary, summary_rows
from napari_spinalq.report.figures import axial_figure, profile_figure, sagittal_figure
from napari_spinalq.results import ExamResult, ScanResult


def report_page(results: Sequence[ExamResult]) -> str:
    """Return the report as HTML, with its figures inside.

    Parameters
    ----------
    results : sequence of ExamResult
        Exams to report on, one section each.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = resources.files("napari_spinalq.report").joinpath("template.html").read_text(encoding="utf-8")
    exams = [_exam(result) for result in results]
    return environment.from_string(template).render(
        title=", ".join(exam["title"] for exam in exams),
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        version=__version__,
        columns=SUMMARY_HEADINGS,
        exams=exams,
    )


def _exam(result: ExamResult) -> dict[str, Any]:
    session = f" ses-{result.exam.session}" if result.exam.session else ""
    return {
        "title": f"sub-{result.exam.subject}{session}",
        "scans": [_scan(scan) for scan in result.scans],
        "skipped": result.skipped,
    }


def _scan(result: ScanResult) -> dict[str, Any]:
    scan = result.scan
    spacing = " × ".join(f"{value:.2g}" for value in scan.grid.spacing)
    return {
        "title": f"{scan.contrast.label}: {scan.name}",
        "geometry": f"{spacing} mm, {scan.grid.axis_codes}",
        "flags": result.flags,
        "rows": summary_rows(result.level_shapes),
        "overall": overall_summary(result.shapes),
        **_figures(result),
        "sources": [{"name": scan.source.path.name, "sha256": scan.source.sha256}] if scan.source else [],
        "parameters": [(key.replace("_", " "), value) for key, value in result.parameters.items()],
    }


def _figures(result: ScanResult) -> dict[str, Any]:
    image, grid = to_work_order(result.scan.mean_volume().data, result.scan.grid)
    mask, _ = to_work_order(result.mask, result.scan.grid)
    shapes, levels = result.shapes, result.slice_levels
    area = _per_slice(shapes.slice_index, shapes.area_mm2, grid)
    arc = result.centerline.nearest_arc(shapes.centroid_mm)
    return {
        "sagittal": _figure(
            "Sagittal view along the cord with named discs",
            sagittal_figure(image, mask, grid, result.centerline, result.labelling.discs),
        ),
        "details": [
            _figure("Axial details, one per level, with the outline", axial_figure(image, mask, grid, levels, area)),
            _figure("Area along the cord", profile_figure(arc, shapes.area_mm2, levels[shapes.slice_index])),
        ],
    }


def _figure(alt: str, png: bytes) -> dict[str, str]:
    return {"alt": alt, "png": base64.b64encode(png).decode()}


def _per_slice(index: NDArray[np.int_], values: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    spread = np.full(grid.shape[0], np.nan)
    spread[index] = values
    return spread

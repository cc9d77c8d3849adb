"""The part of a report that shows maps: figures, the short table per tract, and what is to be checked."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.report.map_figures import CARRIED_COLOUR, CORD_COLOUR, TRACT_COLOURS, Row, mosaic_figure
from napari_spinalq.report.series_figures import gradient_figure, motion_figure
from napari_spinalq.results import DiffusionSeries, MapsResult
from napari_spinalq.tracts.summary import metric_title, tract_headings, tract_rows
from napari_spinalq.tracts.table import structure_titles

LIMITS = {"fa": (0.0, 1.0), "mtr": (0.0, 60.0), "mtsat": (0.0, 5.0)}
"""Values shown black and white; those of other maps follow their values around the cord."""

SHOWN = ("fa", "mtr", "mtsat")
"""Maps with a row of their own in the mosaic; a result with none of them shows its first."""

CONTRAST_TITLES = {"dwi": "mean DWI", "mt": "MT on"}


def maps_section(result: MapsResult) -> dict[str, Any]:
    """Return what the template needs to show one maps result."""
    grid = result.scan.grid
    spacing = " × ".join(f"{value:.2g}" for value in grid.spacing)
    return {
        "title": f"{_kind(result)}: {result.scan.name}",
        "geometry": f"{spacing} mm, {grid.axis_codes}",
        "flags": result.flags,
        "headings": tract_headings(result.values) if result.values else (),
        "rows": tract_rows(result.values, result.tracts) if result.tracts and result.values else [],
        "legend": _legend(result),
        "figures": [_figure(*one) for one in _figures(result)],
        "facts": _facts(result),
        "sources": [result.scan.source] if result.scan.source else [],
        "parameters": [(key.replace("_", " "), value) for key, value in result.parameters.items()],
    }


def _kind(result: MapsResult) -> str:
    return {"dwi": "Diffusion", "mt": "Magnetisation transfer"}.get(result.name, "Map")


def _figures(result: MapsResult) -> list[tuple[str, bytes]]:
    cord, grid = to_work_order(result.mask, result.scan.grid)
    found = [("Maps with the outlines of cord and tracts", _mosaic(result, cord, grid))]
    if result.carried:
        found.append(("The anatomical scan on the grid of the maps", _registration(result, cord, grid)))
    if result.series is not None and result.series.motion is not None:
        found.append(("Motion of the cord per volume", motion_figure(result.series.motion)))
    if result.series is not None:
        found.append(("Directions of diffusion weighting", gradient_figure(result.series.gradients)))
    return found


def _mosaic(result: MapsResult, cord: NDArray, grid: Grid) -> bytes:
    outlines = _outlines(result, cord)
    image = to_work_order(result.scan.mean_volume().data, result.scan.grid)[0]
    rows = [Row(CONTRAST_TITLES.get(result.name, result.scan.name), image, outlines={CORD_COLOUR: [cord]})]
    shown = [one for one in result.maps if one.name in SHOWN] or list(result.maps[:1])
    for one in shown:
        data = to_work_order(one.data, result.scan.grid)[0]
        rows.append(Row(metric_title(one.name), data, LIMITS.get(one.name), outlines))
    if result.series is not None:
        rows.append(Row("direction", _coloured(result.series, result.scan.grid), (0, 1), {"white": [cord]}))
    return mosaic_figure(rows, cord, grid, result.slice_levels)


def _outlines(result: MapsResult, cord: NDArray) -> dict[str, list[NDArray]]:
    """Return the soft masks that are outlined on the maps, by colour."""
    outlines: dict[str, list[NDArray]] = {CORD_COLOUR: [cord]}
    if result.tracts is not None:
        known = structure_titles(result.tracts)
        for key, colour in TRACT_COLOURS.items():
            if key in known:
                part = to_work_order(result.tracts.fraction(key), result.scan.grid)[0]
                outlines.setdefault(colour, []).append(part)
    return outlines


def _coloured(series: DiffusionSeries, grid: Grid) -> NDArray[np.float32]:
    """Return direction by colour, brightness by anisotropy: red left-right, green anterior-posterior, blue along."""
    rgb = np.abs(series.fit.direction) * np.clip(series.fit.fa, 0, 1)[..., None]
    return to_work_order(np.nan_to_num(rgb).astype(np.float32), grid)[0]


def _registration(result: MapsResult, cord: NDArray, grid: Grid) -> bytes:
    carried = {name: to_work_order(data, result.scan.grid)[0] for name, data in result.carried.items()}
    own = to_work_order(result.scan.mean_volume().data, result.scan.grid)[0]
    outlines: dict[str, list[NDArray]] = {CORD_COLOUR: [cord]}
    inner = [carried[name] for name in ("cord", "gm") if name in carried]
    rows = [Row("this scan", own, outlines=outlines | {CARRIED_COLOUR: inner})]
    if "image" in carried:
        rows.append(Row("anatomical", carried["image"], outlines=outlines | {CARRIED_COLOUR: inner}))
    return mosaic_figure(rows, cord, grid, result.slice_levels)


def _legend(result: MapsResult) -> list[dict[str, str]]:
    entries = [{"name": "cord of these maps", "colour": CORD_COLOUR}]
    if result.tracts is not None:
        titles = structure_titles(result.tracts)
        for key, colour in TRACT_COLOURS.items():
            if key in titles and all(entry["colour"] != colour for entry in entries):
                entries.append({"name": titles[key].split(",")[0], "colour": colour})
    if result.carried:
        entries.append(
            {"name": "in the figure of the anatomical scan: its cord and GM, carried", "colour": CARRIED_COLOUR}
        )
    return entries


def _facts(result: MapsResult) -> list[str]:
    """Return single sentences on motion, fit and registration."""
    facts = []
    if result.series is not None:
        facts += _series_facts(result.series)
    if result.registration is not None:
        before, after = result.registration.dice_before, result.registration.dice_after
        facts.append(
            f"Anatomical scan brought here: overlap (Dice) of the two cords {_dice(before)} by position alone, "
            f"{_dice(after)} after registration."
        )
    return facts


def _series_facts(series: DiffusionSeries) -> list[str]:
    weighted = int((~series.gradients.unweighted).sum())
    facts = [f"{len(series.gradients)} volumes, {weighted} of them weighted."]
    if series.motion is not None:
        outliers = np.flatnonzero(series.motion.outliers)
        words = f"volumes {', '.join(map(str, outliers))} stand out" if len(outliers) else "no volume stands out"
        step = float(series.motion.displacement_mm[1:].mean()) if len(series.gradients) > 1 else 0.0
        facts.append(f"The cord moved {step:.2f} mm on average from a volume to the next; {words}.")
    inside = int(series.fit.mask.sum())
    facts.append(f"Tensor fitted in {inside} voxels; {series.fit.negative_eigenvalues} had a negative eigenvalue.")
    return facts


def _dice(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "unknown"


def _figure(alt: str, png: bytes) -> dict[str, str]:
    return {"alt": alt, "png": base64.b64encode(png).decode()}

"""What the commands print about results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer

from napari_spinalq.exam import Exam
from napari_spinalq.metrics.summary import (
    STRUCTURE_HEADINGS,
    SUMMARY_HEADINGS,
    overall_summary,
    structure_rows,
    summary_rows,
)
from napari_spinalq.quality.worklist.survey import Examined
from napari_spinalq.results import ExamResult, MapsResult, ScanResult
from napari_spinalq.terminal import print_table
from napari_spinalq.tracts.summary import UNITS, tract_headings, tract_rows

MOST_NAMED = 16
"""Files that the terminal names; an exam with maps has some seventy, which the folder shows better."""

MOST_SHOWN = 10
"""Scans that the terminal lists; the table has them all."""


def print_exam(result: ExamResult) -> None:
    """Print the measures of every scan, and which scans were left out."""
    for scan in result.scans:
        print_scan(result.exam, scan)
    for one in result.maps:
        print_maps(one)
    say_skipped(result)


def print_scan(exam: Exam, result: ScanResult) -> None:
    """Print the measures of one scan per level, and what is to be checked."""
    title = f"sub-{exam.subject}  {result.scan.contrast.label}  ({result.scan.name})"
    if len(result.level_shapes):
        print_table(title, SUMMARY_HEADINGS, summary_rows(result.level_shapes, result.area_half_widths_mm2))
        if any(one.shapes is not None for one in result.structures):
            others = {one.name: one.level_shapes for one in result.structures}
            print_table("Within and around the cord", STRUCTURE_HEADINGS, structure_rows(result.level_shapes, others))
    else:
        typer.echo(f"{title}\n{overall_summary(result.shapes)}")
        for one in result.structures:
            if one.shapes is not None:
                typer.echo(overall_summary(one.shapes, one.name))
    say_flags(result.all_flags)


def print_maps(result: MapsResult) -> None:
    """Print the values per tract that are read first, what became of a series, and what is to be checked."""
    print_tracts(result)
    if result.series is not None:
        motion, fit = result.series.motion, result.series.fit
        moved = "" if motion is None else f"; the cord moved {motion.displacement_mm[1:].mean():.2f} mm a volume"
        typer.echo(
            f"{result.scan.name}: {len(result.series.gradients)} volumes, tensor in {fit.mask.sum()} voxels{moved}"
        )
    for one in () if result.values else result.maps:
        inside = one.data[(result.mask > 0) & np.isfinite(one.data)]
        if len(inside):
            unit = f" {UNITS.get(one.unit, one.unit)}".rstrip()
            typer.echo(f"{one.title} in the cord: median {np.median(inside):.3g}{unit}")
    say_flags(result.flags)


def print_tracts(result: MapsResult) -> None:
    """Print the table of the tracts that are read first."""
    if result.tracts is not None and result.values:
        title = f"Per tract  ({result.scan.name}, atlas {result.tracts.atlas})"
        print_table(title, tract_headings(result.values), tract_rows(result.values, result.tracts))


def say_skipped(result: ExamResult) -> None:
    """Print which scans were not measured, and why."""
    for name, reason in result.skipped:
        typer.echo(f"Not measured: {name}: {reason}.")


def say_flags(flags: Sequence[str]) -> None:
    """Print what a reader should look at."""
    for flag in flags:
        typer.secho(f"  To be checked: {flag}", fg=typer.colors.YELLOW)


def say_where(written: Sequence[Path]) -> None:
    """Print which files were written: those that are looked at first by name, of many the rest by number."""
    for path in written[:MOST_NAMED]:
        typer.echo(f"Wrote {path}")
    if len(written) > MOST_NAMED:
        typer.echo(f"Wrote {len(written) - MOST_NAMED} more files beside them")


def print_examined(examined: Sequence[Examined]) -> None:
    """Print how many scans were checked, and the most suspicious with what to look at first."""
    flagged = [one for one in examined if one.flags or one.refusal]
    typer.echo(f"{len(examined)} checked, {len(flagged)} with something to look at.")
    rows = [
        (one.scan, f"{one.suspicion:.2f}", str(len(one.flags)), one.refusal or one.flags[0].sentence)
        for one in flagged[:MOST_SHOWN]
    ]
    if rows:
        print_table("To be looked at first", ("Scan", "Suspicion", "Flags", "First flag"), rows)

"""Commands that name levels and measure a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_spinalq.cli.options import BackendChoice, ContrastWord, Discs, Force, Format, Measured, Per, load_as
from napari_spinalq.cord.backends import Backend


def label(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The scan (NIfTI).")],
    cord: Annotated[Path, typer.Option("--cord", help="Its cord mask.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The level map to write (.nii or .nii.gz).")],
    disc: Discs = None,
    segments: Annotated[
        Path | None, typer.Option("--segments", help="Also write the spinal segments, estimated from the levels.")
    ] = None,
    contrast: ContrastWord = "auto",
    backend: BackendChoice = Backend.BUILTIN,
    force: Force = False,
) -> None:
    """Find and name discs, and write the vertebral level of each voxel of the cord.

    The discs are written beside the level map (_discs.tsv). Spinal segments (--segments) are an estimate.

    Example: spinalq label t2.nii.gz --cord t2_cord.nii.gz -o t2_levels.nii.gz --disc C2-C3=0.5,12,-30
    """
    from napari_spinalq.derivatives import label_outputs, write_labels
    from napari_spinalq.io.atomic import refuse_overwrite
    from napari_spinalq.io.nifti import load_mask
    from napari_spinalq.levels.discs import parse_disc
    from napari_spinalq.pipeline import label_mask
    from napari_spinalq.printing import say_flags, say_where
    from napari_spinalq.terminal import progress_bar

    scan = load_as(image, contrast)
    mask = load_mask(cord, like=scan.grid)
    clicks = tuple(parse_disc(words) for words in disc or ())
    refuse_overwrite(label_outputs(output, segments), overwrite=force)
    with progress_bar() as progress:
        found = label_mask(scan, mask.data, clicks, progress, backend)
    written = write_labels(found, output, segments, sources=[mask.source], overwrite=force)
    names = ", ".join(item.name for item in found.labelling.discs)
    typer.echo(f"Discs: {names} ({'confirmed' if found.labelling.confirmed else 'names unconfirmed'})")
    say_flags(found.labelling.flags)
    say_where(written)


def measure(
    mask: Annotated[Path, typer.Argument(metavar="MASK", help="A mask (NIfTI), binary or soft.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write (.csv or .tsv).")],
    levels: Annotated[Path | None, typer.Option("--levels", help="Its level map; needed for --per level.")] = None,
    per: Annotated[Per, typer.Option(help="A row per level or per slice.")] = Per.LEVEL,
    table_format: Annotated[
        Format, typer.Option("--format", help="tidy: one row a measurement; sct: Spinal Cord Toolbox columns.")
    ] = Format.TIDY,
    angle_correction: Annotated[
        bool, typer.Option(help="Correct for the angle between cord and slice (both areas are in the tidy table).")
    ] = True,
    structure: Annotated[
        Measured | None,
        typer.Option(help="What the mask holds; by default as its name says (label-GM), else the cord."),
    ] = None,
    cord: Annotated[
        Path | None,
        typer.Option(
            "--cord", help="The cord of a gm, wm or canal mask: its direction and midline count; gm gives wm."
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Measure area and shape of a mask per vertebral level or per slice.

    Grey matter with its cord (--cord) also gives the white matter between them.

    Example: spinalq measure t2_cord.nii.gz --levels t2_levels.nii.gz -o t2.csv
    """
    from napari_spinalq.derivatives import measure_files
    from napari_spinalq.io.atomic import refuse_overwrite
    from napari_spinalq.io.save import save_table
    from napari_spinalq.io.sidecar import sidecar_path
    from napari_spinalq.printing import say_flags, say_where

    refuse_overwrite([output, sidecar_path(output)], overwrite=force)
    table, provenance = measure_files(
        mask,
        levels,
        per=per.value,
        table_format=table_format.value,
        angle_correction=angle_correction,
        structure=structure.value if structure else None,
        cord_path=cord,
    )
    save_table(table, output, provenance, overwrite=force)
    say_flags(provenance.flags)
    say_where([output])

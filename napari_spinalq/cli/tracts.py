"""The command that reads a map per tract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_spinalq.cli.options import AtlasChoice, Force, Format, MethodChoice, PerTract, atlas_of
from napari_spinalq.tracts.values import Method


def tracts(
    image: Annotated[Path, typer.Argument(metavar="MAP", help="The map (3-D NIfTI): FA, MTR, T1, SUV, ...")],
    cord: Annotated[Path, typer.Option("--cord", help="The cord on the map's grid.")],
    levels: Annotated[Path, typer.Option("--levels", help="The vertebral levels on the map's grid.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write (.csv or .tsv).")],
    atlas: AtlasChoice = "builtin",
    method: MethodChoice = Method.MAP,
    per: Annotated[PerTract, typer.Option(help="A value per level, per slice, or of all slices.")] = PerTract.LEVEL,
    gm: Annotated[
        Path | None, typer.Option("--gm", help="Grey matter on the map's grid: the atlas follows it.")
    ] = None,
    metric: Annotated[str, typer.Option(help="What the map shows; by default as its name says.")] = "",
    unit: Annotated[str, typer.Option(help="Its unit; by default that of the metric.")] = "",
    table_format: Annotated[
        Format, typer.Option("--format", help="tidy: one row a measurement; sct: Spinal Cord Toolbox columns.")
    ] = Format.TIDY,
    force: Force = False,
) -> None:
    """Read any map per tract, side and vertebral level.

    An atlas folder whose files lie on the map's grid already is taken as it is; any other is fitted to the cord. A
    structure with fewer than 5 voxels' worth has no value.

    Example: spinalq tracts mtr.nii.gz --cord mt1_seg.nii.gz --levels mt1_levels.nii.gz -o mtr.csv
    """
    from napari_spinalq.derivatives.map_files import TractRequest, tract_files
    from napari_spinalq.io.atomic import refuse_overwrite
    from napari_spinalq.io.save import save_table
    from napari_spinalq.io.sidecar import sidecar_path
    from napari_spinalq.microstructure.options import MapOptions
    from napari_spinalq.printing import print_tracts, say_flags, say_where
    from napari_spinalq.terminal import progress_bar

    refuse_overwrite([output, sidecar_path(output)], overwrite=force)
    options = MapOptions(atlas=atlas_of(atlas), method=method, per=per.value)
    asked = TractRequest(image, cord, levels, gm, metric, unit, table_format.value)
    with progress_bar() as progress:
        result, table, provenance = tract_files(asked, options, progress)
    save_table(table, output, provenance, overwrite=force)
    print_tracts(result)
    say_flags(provenance.flags)
    say_where([output])

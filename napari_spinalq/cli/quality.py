"""The command that looks for what may be wrong with results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_spinalq.cli.options import Force


def qc(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER_OR_MASKS...", help="Folders of results, or cord masks (NIfTI)."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write (.tsv or .csv).")],
    scans: Annotated[
        Path | None, typer.Option("--scans", help="Folder of the scans, where they do not lie beside the results.")
    ] = None,
    image: Annotated[Path | None, typer.Option("--image", help="The scan of a single mask.")] = None,
    force: Force = False,
) -> None:
    """Look for leaks, holes, jumps, motion, noise and wrong levels; list what to look at, worst scan first.

    A flag is a reason to look, not a verdict. One row a flag; a scan without any has a row of its own.

    Example: spinalq qc derivatives/spinalq -o flags.tsv
    """
    from napari_spinalq.io.atomic import refuse_overwrite
    from napari_spinalq.io.save import save_table
    from napari_spinalq.io.sidecar import sidecar_path
    from napari_spinalq.printing import print_examined, say_where
    from napari_spinalq.quality.worklist.survey import examine, find_results, flags_table, provenance_of
    from napari_spinalq.terminal import progress_bar

    refuse_overwrite([output, sidecar_path(output)], overwrite=force)
    found = find_results(results, scans=scans, image=image)
    with progress_bar() as progress:
        examined = examine(found, progress)
    save_table(flags_table(examined), output, provenance_of(examined), overwrite=force)
    print_examined(examined)
    say_where([output])

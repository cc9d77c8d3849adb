"""Commands on a whole exam: the demonstration, the main job, and the viewer.

Heavy modules are imported inside the commands, so that ``spinalq --help`` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_spinalq.cli.options import (
    At,
    AtlasChoice,
    BackendChoice,
    Discs,
    EdgeOffset,
    Force,
    MethodChoice,
    atlas_of,
    point_of,
)
from napari_spinalq.cord.backends import Backend
from napari_spinalq.errors import InputError
from napari_spinalq.tracts.values import Method


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("out/demo"),
    force: Force = False,
) -> None:
    """Do the main job on the sample exams and compare with their known truth.

    Example: spinalq demo -o out/demo
    """
    from napari_spinalq.demo import run_demo
    from napari_spinalq.printing import print_scan, say_skipped, say_where
    from napari_spinalq.terminal import print_table, progress_bar

    with progress_bar() as progress:
        outcome = run_demo(output, overwrite=force, progress=progress)
    for result, areas, tracts in zip(outcome.exams, outcome.area_tables, outcome.tract_tables, strict=True):
        print_scan(result.exam, result.scans[0])
        print_table(areas.title, areas.headings, areas.rows)
        print_table(tracts.title, tracts.headings, tracts.rows)
        say_skipped(result)
    for line in outcome.against_truth:
        typer.echo(line)
    say_where(outcome.written)


def analyze(
    exam: Annotated[
        list[Path], typer.Argument(metavar="EXAM...", help="A folder (BIDS or loose files), or the scans.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")],
    disc: Discs = None,
    at: At = None,
    edge_offset_mm: EdgeOffset = None,
    backend: BackendChoice = Backend.BUILTIN,
    atlas: AtlasChoice = "builtin",
    method: MethodChoice = Method.MAP,
    maps: Annotated[
        bool, typer.Option(help="Make maps of diffusion and magnetisation transfer, read per tract.")
    ] = True,
    force: Force = False,
) -> None:
    """Segment, label and measure every scan of an exam; write masks, levels, a table and a report.

    Grey matter and canal are drawn where a scan shows them; where it does not, table and report say so. Diffusion
    series and MT pairs give FA, MD, AD, RD and MTR per tract, side and level.

    Example: spinalq analyze sub-01 -o out --disc C2-C3=0.5,12,-30
    """
    from napari_spinalq.cord.backends.segment import refuse_unused
    from napari_spinalq.derivatives import check_free, write_exams
    from napari_spinalq.io.bids import find_exam
    from napari_spinalq.levels.discs import parse_disc
    from napari_spinalq.microstructure.options import MapOptions
    from napari_spinalq.pipeline import Guidance, analyze_exam
    from napari_spinalq.printing import print_exam, say_where
    from napari_spinalq.terminal import progress_bar

    refuse_unused(backend, {"--at": at, "--edge-offset-mm": edge_offset_mm})
    guidance = Guidance(point_of(at), tuple(parse_disc(words) for words in disc or ()), edge_offset_mm, backend)
    options = MapOptions(atlas=atlas_of(atlas), method=method) if maps else None
    found = find_exam(exam)
    check_free([found], output, overwrite=force)
    with progress_bar() as progress:
        result = analyze_exam(found, guidance=guidance, maps=options, progress=progress)
    written = write_exams([result], output, overwrite=force)
    print_exam(result)
    say_where(written)


def open_viewer(
    exam: Annotated[
        list[Path] | None, typer.Argument(metavar="[EXAM...]", help="A folder or scans; the sample exam if left out.")
    ] = None,
) -> None:
    """Open an exam in napari with the Spinal Cord dock.

    Example: spinalq open sub-01
    """
    try:
        from napari_spinalq.gui.app import launch
    except ImportError as error:
        raise InputError(
            f"The viewer is not installed ({error.name or error}); "
            "install it with: pip install 'napari-spinalq[pyqt5]'."
        ) from None
    launch(exam or None)

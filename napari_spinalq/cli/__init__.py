"""The command line, a thin skin: it reads words, calls one function, and shows what came out."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_spinalq import __version__
from napari_spinalq.cli.exam import analyze, demo, open_viewer
from napari_spinalq.cli.maps import dti, mt
from napari_spinalq.cli.masks import segment
from napari_spinalq.cli.measures import label, measure
from napari_spinalq.cli.quality import qc
from napari_spinalq.cli.raters import agree, control_round, control_score
from napari_spinalq.cli.tracts import tracts
from napari_spinalq.endings import run_to_the_end

app = typer.Typer(
    name="spinalq",
    help="Quantitative spinal cord MRI: segment the cord, name vertebral levels, measure, and correct in napari.\n\n"
    "For research. Not for diagnosis. Places are RAS millimetres.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spinalq {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Quantitative spinal cord MRI."""


app.command()(demo)
app.command()(analyze)
app.command()(segment)
app.command()(label)
app.command()(measure)
app.command()(dti)
app.command()(mt)
app.command()(tracts)
app.command()(qc)
app.command()(agree)
app.command("control-round")(control_round)
app.command("control-score")(control_score)
app.command("open")(open_viewer)


def main() -> None:
    """Run the command line: bad input ends with one sentence and exit code 2, a bug with exit code 1."""
    run_to_the_end(app)

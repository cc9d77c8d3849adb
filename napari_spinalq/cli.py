"""The command line, a thin skin: it reads words, calls one function, and shows what came out.

Heavy modules are imported inside the commands, so that ``spinalq --help`` answers at once.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_spinalq import __version__
from napari_spinalq.cord.backends import Backend
from napari_spinalq.endings import run_to_the_end
from napari_spinalq.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_spinalq.cord.prompts import Prompts
    from napari_spinalq.progress import Progress
    from napari_spinalq.scan import Scan

app = typer.Typer(
    name="spinalq",
    help="Quantitative spinal cord MRI: segment the cord, name vertebral levels, measure, and correct in napari.\n\n"
    "For research. Not for diagnosis. Places are RAS millimetres.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Per(StrEnum):
    """What a row of a table stands for."""

    LEVEL = "level"
    SLICE = "slice"


class Format(StrEnum):
    """Form of a table."""

    TIDY = "tidy"
    SCT = "sct"


class Structure(StrEnum):
    """What can be segmented."""

    CORD = "cord"
    GM = "gm"
    CANAL = "canal"


class Measured(StrEnum):
    """What a mask can hold."""

    CORD = "cord"
    GM = "gm"
    WM = "wm"
    CANAL = "canal"


Force = Annotated[bool, typer.Option("--force", help="Replace existing outputs.")]
Discs = Annotated[
    list[str] | None,
    typer.Option("--disc", metavar="NAME=X,Y,Z", help="A named disc (RAS mm), such as C2-C3=0.5,12,-30. Repeatable."),
]
At = Annotated[str | None, typer.Option("--at", metavar="X,Y,Z", help="A point inside the cord (RAS mm).")]
Points = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="X,Y,Z", help="A point inside the cord (RAS mm). Repeatable, along the cord."),
]
EdgeOffset = Annotated[
    float | None,
    typer.Option(help="How far inside the half-maximum edge the outline is drawn (mm); 0 = the physical edge."),
]
BackendChoice = Annotated[
    Backend,
    typer.Option("--backend", help="Who does it: builtin, or an installed Spinal Cord Toolbox or TotalSpineSeg."),
]
ContrastWord = Annotated[str, typer.Option("--contrast", help="auto, or t1w t2w t2star psir mt dwi.")]


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


@app.command()
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
    for result, areas in zip(outcome.exams, outcome.area_tables, strict=True):
        print_scan(result.exam, result.scans[0])
        print_table(areas.title, areas.headings, areas.rows)
        say_skipped(result)
    for line in outcome.against_truth:
        typer.echo(line)
    say_where(outcome.written)


@app.command()
def analyze(
    exam: Annotated[
        list[Path], typer.Argument(metavar="EXAM...", help="A folder (BIDS or loose files), or the scans.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")],
    disc: Discs = None,
    at: At = None,
    edge_offset_mm: EdgeOffset = None,
    backend: BackendChoice = Backend.BUILTIN,
    force: Force = False,
) -> None:
    """Segment, label and measure every scan of an exam; write masks, levels, a table and a report.

    Grey matter and canal are drawn where a scan shows them; where it does not, table and report say so.

    Example: spinalq analyze sub-01 -o out --disc C2-C3=0.5,12,-30
    """
    from napari_spinalq.cord.backends.segment import refuse_unused
    from napari_spinalq.derivatives import check_free, write_exams
    from napari_spinalq.io.bids import find_exam
    from napari_spinalq.levels.discs import parse_disc
    from napari_spinalq.pipeline import Guidance, analyze_exam
    from napari_spinalq.printing import print_exam, say_where
    from napari_spinalq.terminal import progress_bar

    refuse_unused(backend, {"--at": at, "--edge-offset-mm": edge_offset_mm})
    guidance = Guidance(_point(at), tuple(parse_disc(words) for words in disc or ()), edge_offset_mm, backend)
    found = find_exam(exam)
    check_free([found], output, overwrite=force)
    with progress_bar() as progress:
        result = analyze_exam(found, guidance=guidance, progress=progress)
    written = write_exams([result], output, overwrite=force)
    print_exam(result)
    say_where(written)


@app.command()
def segment(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The scan (NIfTI).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The mask to write (.nii or .nii.gz).")],
    structure: Annotated[
        Structure, typer.Option(help="cord; gm: grey matter; canal: cord and CSF up to the outer wall of the CSF.")
    ] = Structure.CORD,
    cord: Annotated[
        Path | None, typer.Option("--cord", help="A cord mask for gm and canal; by default the cord is found first.")
    ] = None,
    contrast: ContrastWord = "auto",
    at: Points = None,
    follow: Annotated[
        Path | None,
        typer.Option("--follow", help="A mask of which every slice that holds anything is right: kept and followed."),
    ] = None,
    inside: Annotated[Path | None, typer.Option("--inside", help="A scribble: voxels that are cord.")] = None,
    outside: Annotated[Path | None, typer.Option("--outside", help="A scribble: voxels that are not cord.")] = None,
    edge_offset_mm: EdgeOffset = None,
    soft: Annotated[bool, typer.Option("--soft", help="Write partial volume (0 to 1) instead of 0 and 1.")] = False,
    backend: BackendChoice = Backend.BUILTIN,
    force: Force = False,
) -> None:
    """Segment the cord, its grey matter or the canal.

    Where a scan does not show the structure, nothing is drawn and nothing is written.

    Points, scribbles and slices drawn by hand mend what went wrong; all masks lie on the grid of the scan.

    Example: spinalq segment t2s.nii.gz -o t2s_gm.nii.gz --structure gm
    """
    from napari_spinalq.cord.backends.segment import refuse_unused
    from napari_spinalq.io.atomic import refuse_overwrite
    from napari_spinalq.io.nifti import load_mask
    from napari_spinalq.io.save import save_mask
    from napari_spinalq.io.sidecar import Provenance, sidecar_path
    from napari_spinalq.printing import say_flags, say_where
    from napari_spinalq.terminal import progress_bar

    said = {"--at": at, "--follow": follow, "--inside": inside, "--outside": outside}
    refuse_unused(backend, {**said, "--edge-offset-mm": edge_offset_mm, "--soft": soft, "--cord": cord})
    scan = _load(image, contrast)
    refuse_overwrite([output, sidecar_path(output)], overwrite=force)
    known_cord, drawn, painted_in, painted_out = (
        None if path is None else load_mask(path, like=scan.grid) for path in (cord, follow, inside, outside)
    )
    with progress_bar() as progress:
        if backend is Backend.BUILTIN:
            known = None if known_cord is None else known_cord.data
            prompts = _prompts(at, drawn, painted_in, painted_out)
            mask, parameters, flags = _builtin_mask(scan, structure, known, prompts, edge_offset_mm, soft, progress)
        else:
            mask, parameters, flags = _external_mask(scan, structure, backend, progress)
    items = (scan, known_cord, drawn, painted_in, painted_out)
    used = [item.source for item in items if item is not None and item.source]
    manner = "automatic" if not any((drawn, painted_in, painted_out)) else "automatic, from what a person drew"
    provenance = Provenance(f"{structure.value} mask, {manner}", used, parameters, flags)
    save_mask(mask, scan, output, provenance, overwrite=force)
    say_flags(flags)
    say_where([output])


@app.command()
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

    scan = _load(image, contrast)
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


@app.command()
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


@app.command()
def agree(
    first: Annotated[Path, typer.Argument(metavar="FOLDER_A", help="Results of the first reader or method.")],
    second: Annotated[Path, typer.Argument(metavar="FOLDER_B", help="Results of the second; may be the same folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write (.tsv or .csv).")],
    rater_a: Annotated[str, typer.Option(help="Take the reads of this person in FOLDER_A (desc-NAME).")] = "",
    rater_b: Annotated[str, typer.Option(help="Take the reads of this person in FOLDER_B (desc-NAME).")] = "",
    force: Force = False,
) -> None:
    """Compare two readers over all exams that both read: Dice, area bias and limits, ICC(2,1), kappa of levels.

    Example: spinalq agree reads/amk reads/jd -o agreement.tsv
    """
    from napari_spinalq.io.atomic import refuse_overwrite
    from napari_spinalq.io.save import save_table
    from napari_spinalq.io.sidecar import sidecar_path
    from napari_spinalq.printing import say_flags, say_where
    from napari_spinalq.quality.cohort import agreement_of_folders, summary_of
    from napari_spinalq.terminal import print_table, progress_bar

    refuse_overwrite([output, sidecar_path(output)], overwrite=force)
    with progress_bar() as progress:
        table, provenance = agreement_of_folders(first, second, raters=(rater_a, rater_b), progress=progress)
    save_table(table, output, provenance, overwrite=force)
    print_table(*summary_of(table))
    say_flags(provenance.flags)
    say_where([output])


@app.command("open")
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


def main() -> None:
    """Run the command line: bad input ends with one sentence and exit code 2, a bug with exit code 1."""
    run_to_the_end(app)


def _load(path: Path, contrast: str) -> Scan:
    from napari_spinalq.contrast import parse_contrast
    from napari_spinalq.io.nifti import load_scan

    return load_scan(path, None if contrast == "auto" else parse_contrast(contrast))


def _builtin_mask(
    scan: Scan,
    structure: Structure,
    known_cord: NDArray | None,
    prompts: Prompts,
    edge_offset_mm: float | None,
    soft: bool,
    progress: Progress,
) -> tuple[NDArray, Mapping[str, Any], Sequence[str]]:
    from napari_spinalq.cord.structures import segment_structure

    found = segment_structure(
        structure.value, scan, cord_mask=known_cord, prompts=prompts, edge_offset_mm=edge_offset_mm, progress=progress
    )
    return found.soft if soft else found.mask, found.parameters, found.flags


def _prompts(at: list[str] | None, drawn: Scan | None, inside: Scan | None, outside: Scan | None) -> Prompts:
    from napari_spinalq.cord.prompts import Prompts

    points = tuple(point for point in map(_point, at or ()) if point is not None)
    masks = (None if scan is None else scan.data for scan in (inside, outside, drawn))
    return Prompts(points, *masks)


def _external_mask(
    scan: Scan, structure: Structure, backend: Backend, progress: Progress
) -> tuple[NDArray, Mapping[str, Any], Sequence[str]]:
    from napari_spinalq.cord.backends.segment import segment_with

    found = segment_with(backend, scan, structure.value, progress)
    return found.mask, found.parameters, found.flags


def _point(words: str | None) -> tuple[float, float, float] | None:
    """Read ``X,Y,Z``; None stays None."""
    if words is None:
        return None
    try:
        x, y, z = (float(word) for word in words.split(","))
    except ValueError:
        raise InputError(f"{words!r} is not a point; write three numbers X,Y,Z (RAS mm).") from None
    if not all(-1e6 < value < 1e6 for value in (x, y, z)):
        raise InputError(f"{words!r} is not a point near any scanner; write three numbers X,Y,Z (RAS mm).")
    return x, y, z

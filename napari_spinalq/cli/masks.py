"""The command that draws a mask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_spinalq.cli.options import (
    BackendChoice,
    ContrastWord,
    EdgeOffset,
    Force,
    Points,
    Structure,
    load_as,
    point_of,
)
from napari_spinalq.cord.backends import Backend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_spinalq.cord.prompts import Prompts
    from napari_spinalq.progress import Progress
    from napari_spinalq.scan import Scan


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
    scan = load_as(image, contrast)
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

    points = tuple(point for point in map(point_of, at or ()) if point is not None)
    masks = (None if scan is None else scan.data for scan in (inside, outside, drawn))
    return Prompts(points, *masks)


def _external_mask(
    scan: Scan, structure: Structure, backend: Backend, progress: Progress
) -> tuple[NDArray, Mapping[str, Any], Sequence[str]]:
    from napari_spinalq.cord.backends.segment import segment_with

    found = segment_with(backend, scan, structure.value, progress)
    return found.mask, found.parameters, found.flags

"""Commands that make maps: the diffusion tensor, and magnetisation transfer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_spinalq.cli.options import Fit, Force


def dti(
    dwi: Annotated[Path, typer.Argument(metavar="DWI", help="The diffusion series (4-D NIfTI).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the maps.")],
    bval: Annotated[Path | None, typer.Option(help="b-values (FSL); by default the file beside the series.")] = None,
    bvec: Annotated[Path | None, typer.Option(help="Directions (FSL); by default the file beside the series.")] = None,
    grad: Annotated[Path | None, typer.Option(help="A table x y z b (MRtrix), instead of the two.")] = None,
    mask: Annotated[
        Path | None, typer.Option("--mask", help="The cord on the series' grid; by default it is found.")
    ] = None,
    fit: Annotated[Fit, typer.Option(help="How the tensor is fitted.")] = Fit.WLS,
    motion: Annotated[bool, typer.Option(help="Correct for motion of the cord, slice by slice.")] = True,
    rotation: Annotated[
        bool, typer.Option("--rotation", help="Also look for turns, and turn directions along.")
    ] = False,
    b0_threshold: Annotated[
        float, typer.Option(metavar="B", help="Volumes up to this b-value (s/mm2) count as unweighted.")
    ] = 50.0,
    reverse_phase: Annotated[
        Path | None,
        typer.Option(help="An image encoded in reverse: the table that FSL's topup needs is written (acqparams.txt)."),
    ] = None,
    force: Force = False,
) -> None:
    """Correct a diffusion series for motion, fit the tensor around the cord, and write FA, MD, AD, RD and more.

    The maps lie on the grid of the series, NaN where nothing was fitted. Values per tract: spinalq tracts.

    Example: spinalq dti dwi.nii.gz --bval dwi.bval --bvec dwi.bvec -o out/dti
    """
    from napari_spinalq.derivatives.map_files import dti_files
    from napari_spinalq.diffusion.tensor import FitMethod
    from napari_spinalq.microstructure.options import MapOptions
    from napari_spinalq.printing import print_maps, say_where
    from napari_spinalq.terminal import progress_bar

    options = MapOptions(
        atlas=None, fit_method=FitMethod(fit), motion=motion, rotation=rotation, b0_threshold=b0_threshold
    )
    with progress_bar() as progress:
        result, written = dti_files(
            dwi,
            output,
            bval=bval,
            bvec=bvec,
            grad=grad,
            mask=mask,
            reverse_phase=reverse_phase,
            options=options,
            overwrite=force,
            progress=progress,
        )
    print_maps(result)
    say_where(written)


def mt(
    on: Annotated[Path, typer.Option("--on", help="The image with the MT pulse (NIfTI).")],
    off: Annotated[Path, typer.Option("--off", help="The image without it.")],
    cord: Annotated[Path, typer.Option("--cord", help="The cord on the grid of the image with the pulse.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the maps.")],
    t1w: Annotated[
        Path | None, typer.Option("--t1w", help="A T1-weighted image of the protocol: MTsat is computed too.")
    ] = None,
    force: Force = False,
) -> None:
    """Align the image without the MT pulse to the one with it, and write MTR; with a T1w image also MTsat.

    MTsat needs flip angle and repetition time of each image in the JSON file beside it (BIDS).

    Example: spinalq mt --on mt1.nii.gz --off mt0.nii.gz --cord mt1_seg.nii.gz -o out/mt
    """
    from napari_spinalq.derivatives.map_files import mt_files
    from napari_spinalq.printing import print_maps, say_where
    from napari_spinalq.terminal import progress_bar

    with progress_bar() as progress:
        result, written = mt_files(on, off, cord, output, t1w=t1w, overwrite=force, progress=progress)
    print_maps(result)
    say_where(written)

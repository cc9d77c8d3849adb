"""Words that several commands understand: what a user may type, and the values that it stands for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from napari_spinalq.cord.backends import Backend
from napari_spinalq.errors import InputError
from napari_spinalq.tracts.values import Method

if TYPE_CHECKING:
    from pathlib import Path

    from napari_spinalq.scan import Scan


class Per(StrEnum):
    """What a row of a table stands for."""

    LEVEL = "level"
    SLICE = "slice"


class PerTract(StrEnum):
    """What a value of a tract stands for."""

    LEVEL = "level"
    SLICE = "slice"
    ALL = "all"


class Fit(StrEnum):
    """How the tensor is fitted."""

    WLS = "wls"
    OLS = "ols"
    RESTORE = "restore"
    ROBUST = "robust"


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
AtlasChoice = Annotated[
    str, typer.Option("--atlas", metavar="builtin|DIR", help="builtin, or a folder with info_label.txt (PAM50).")
]
MethodChoice = Annotated[
    Method,
    typer.Option("--method", help="map, ml: tissues unmixed (CSF too); wa: weighted mean; bin: mean where it is most."),
]
ContrastWord = Annotated[str, typer.Option("--contrast", help="auto, or t1w t2w t2star psir mt dwi.")]


def load_as(path: Path, contrast: str) -> Scan:
    """Read an image in the contrast that a user named; ``"auto"`` goes by its name."""
    from napari_spinalq.contrast import parse_contrast
    from napari_spinalq.io.nifti import load_scan

    return load_scan(path, None if contrast == "auto" else parse_contrast(contrast))


def atlas_of(words: str) -> str | Path:
    """Return ``"builtin"`` or the folder of an atlas.

    Raises
    ------
    InputError
        If the folder is not there, or holds no atlas.
    """
    from pathlib import Path

    from napari_spinalq.tracts.info import read_info

    if words == "builtin":
        return words
    folder = Path(words)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder} with an atlas; give builtin, or a folder with info_label.txt.")
    read_info(folder)
    return folder


def point_of(words: str | None) -> tuple[float, float, float] | None:
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

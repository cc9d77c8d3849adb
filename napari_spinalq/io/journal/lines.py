"""What one line of a journal holds: a JSON object of one of the kinds below."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.journal.delta import FileOrder
from napari_spinalq.scan import Scan

SCHEMA = 1
"""Version of this layout; a journal of a later one is refused, not guessed at."""

Structure = Annotated[str, Field(pattern="^(cord|gm|canal)$")]


MOST_VOXELS = 2**31
"""An image is not larger than this: a damaged line shall not ask for more memory than there is."""

_Value = Annotated[int, Field(ge=0, le=255)]
_Run = Annotated[int, Field(ge=0, le=MOST_VOXELS)]
_Side = Annotated[int, Field(ge=1, le=MOST_VOXELS)]
_Changes = list[tuple[_Value, _Value, list[_Run]]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageRef(_Part):
    """The image on which was drawn: its file by content, and its grid.

    Attributes
    ----------
    name : str
        File name.
    sha256 : str
        SHA-256 of the file, hexadecimal.
    shape : tuple of 3 int
        Voxels along each axis of the file.
    axes : str
        Direction in which each axis grows, such as ``"LAS"``.
    affine : str
        Digest of the 16 numbers (float64) of the affine.
    reader : str
        Whose second read of the image it is, or the consensus; empty for the first read.
    """

    name: str
    sha256: str
    shape: tuple[_Side, _Side, _Side]
    axes: str
    affine: str
    reader: str = ""

    @field_validator("shape")
    @classmethod
    def _fits_into_memory(cls, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        if prod(shape) > MOST_VOXELS:
            raise ValueError("no image has so many voxels")
        return shape

    @field_validator("axes")
    @classmethod
    def _names_each_axis_once(cls, axes: str) -> str:
        pairs = ("LR", "PA", "IS")
        if len(axes) != 3 or any(sum(sign in pair for sign in axes) != 1 for pair in pairs):
            raise ValueError("axes are three letters such as LAS")
        return axes

    @property
    def order(self) -> FileOrder:
        """Where its voxels lie."""
        return FileOrder(self.shape, self.axes)

    @property
    def n_voxels(self) -> int:
        """How many voxels it has."""
        return int(np.prod(self.shape))


class Automatic(_Part):
    """That no hand drew this, but a program.

    Attributes
    ----------
    parameters : dict
        How the mask was made.
    flags : tuple of str
        What was doubtful about it.
    slices : tuple of int, optional
        The slices that were drawn; None: the mask as a whole.
    """

    parameters: dict[str, Any] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()
    slices: tuple[int, ...] | None = None


class _Line(_Part):
    number: int = 0
    schema_version: Literal[1] = Field(default=1, alias="schema")
    time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    author: str = ""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class MaskLine(_Line):
    """A change of a mask by one tool.

    Attributes
    ----------
    tool : str
        Brush, grow, segmentation and so on.
    structure : str
        Which mask.
    slices : tuple of int
        The axial slices that changed, from inferior, from 0.
    was, now : bool
        Whether there was a mask before, and after.
    changes : list
        The voxels, as :class:`~napari_spinalq.io.journal.delta.Delta` gives them.
    automatic : Automatic, optional
        How it was made, if not by hand.
    """

    kind: Literal["mask"] = "mask"
    tool: str
    image: ImageRef
    structure: Structure
    slices: tuple[int, ...] = ()
    was: bool = True
    now: bool = True
    changes: _Changes = Field(default_factory=list)
    automatic: Automatic | None = None


class DiscsLine(_Line):
    """A change of the discs: all of them before and after (RAS mm)."""

    kind: Literal["discs"] = "discs"
    tool: str
    before: dict[str, Any]
    after: dict[str, Any]


class CheckedLine(_Line):
    """Slices that someone looked at and accepted unchanged: those before and after."""

    kind: Literal["checked"] = "checked"
    tool: str = "check"
    image: ImageRef
    before: tuple[int, ...]
    after: tuple[int, ...]


class GroundLine(_Line):
    """The mask as it came from its file, before anything was drawn here: the ground on which all changes stand.

    ``automatic`` names the slices that no hand drew; it is missing where that is not known.
    """

    kind: Literal["ground"] = "ground"
    image: ImageRef
    structure: Structure
    changes: _Changes
    automatic: Automatic | None = None


class GroundDiscsLine(_Line):
    """The discs as they came from their file."""

    kind: Literal["ground_discs"] = "ground_discs"
    discs: dict[str, Any]


class UndoLine(_Line):
    """The change of number ``step`` was taken back."""

    kind: Literal["undo"] = "undo"
    step: int


class RedoLine(_Line):
    """The change of number ``step`` was made again."""

    kind: Literal["redo"] = "redo"
    step: int


class SavedMask(_Part):
    """Digest of a mask that was saved; empty if there was none."""

    image: ImageRef
    structure: Structure
    digest: str


class SavedLine(_Line):
    """These masks lie in their files as they are now; and so do the discs, unless ``discs`` is None."""

    kind: Literal["saved"] = "saved"
    masks: tuple[SavedMask, ...]
    discs: str | None = None


class DiscardedLine(_Line):
    """What was not saved was given up on purpose: all is again as it was saved."""

    kind: Literal["discarded"] = "discarded"


Line = (
    MaskLine | DiscsLine | CheckedLine | GroundLine | GroundDiscsLine | UndoLine | RedoLine | SavedLine | DiscardedLine
)
StepLine = MaskLine | DiscsLine | CheckedLine
"""What can be undone."""

_ANY: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def encoded(line: Line) -> bytes:
    """Return a line as it is written, with its end of line."""
    return line.model_dump_json(by_alias=True, exclude_none=True).encode() + b"\n"


def decoded(text: bytes) -> Line:
    """Read a line.

    Raises
    ------
    InputError
        If it is no line of a journal, or of a later version of it.
    """
    try:
        return _ANY.validate_json(text)
    except ValidationError as error:
        kinds = {(part["loc"][-1] if part["loc"] else "", part["type"]) for part in error.errors()}
        if ("schema", "literal_error") in kinds:
            raise InputError("The journal was written by a later version; open the exam with that one.") from None
        raise InputError("This is no line of a journal of edits, or a damaged one.") from None


def image_ref(scan: Scan, reader: str = "") -> ImageRef:
    """Tell which image a scan is, and whose read of it is meant (by default the first).

    Raises
    ------
    InputError
        If it was made in memory, so that no file tells its edits from those of another.
    """
    if scan.source is None:
        raise InputError("This image was made in memory; save it as NIfTI first, so that its edits have a source.")
    grid = scan.grid
    return ImageRef(
        name=scan.source.path.name,
        sha256=scan.source.sha256,
        shape=grid.shape,
        axes=grid.axis_codes,
        affine=affine_digest(grid),
        reader=reader,
    )


def affine_digest(grid: Grid) -> str:
    """Return a digest of an affine, bit for bit, hexadecimal."""
    return blake2b(np.ascontiguousarray(grid.affine, dtype="<f8").data, digest_size=8).hexdigest()


def other_image(known: ImageRef, here: ImageRef) -> str:
    """Say why edits of one image do not belong to another of the same name; an empty string if they do."""
    if known.name != here.name or known == here:
        return ""
    if known.shape != here.shape:
        return f"{here.name} has {_times(here.shape)} voxels, but the edits were made on {_times(known.shape)}"
    if known.sha256 != here.sha256:
        return f"{here.name} is not the file on which the edits were made (its SHA-256 differs)"
    return f"{here.name} lies elsewhere in space than when the edits were made (its affine differs)"


def _times(shape: tuple[int, int, int]) -> str:
    return " x ".join(str(count) for count in shape)

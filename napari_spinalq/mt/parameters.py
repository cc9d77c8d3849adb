"""Settings of an MT protocol that MTsat depends on, read from the JSON files beside the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_spinalq.errors import InputError
from napari_spinalq.io.sidecar import read_fields, sidecar_path

LONGEST_REPETITION_S = 10.0
"""No spoiled gradient echo repeats more slowly, s: a larger number is in milliseconds."""

SMALLEST_FLIP_DEG, LARGEST_FLIP_DEG = 1.0, 90.0
"""Flip angles of spoiled gradient echoes, degrees: a smaller number is in radians."""


@dataclass(frozen=True)
class Excitation:
    """How a spoiled gradient echo is excited.

    Attributes
    ----------
    flip_deg : float
        Flip angle, degrees.
    repetition_s : float
        Time between excitations, s.
    """

    flip_deg: float
    repetition_s: float

    def __post_init__(self) -> None:
        if not SMALLEST_FLIP_DEG <= self.flip_deg <= LARGEST_FLIP_DEG:
            raise InputError(
                f"A flip angle of {self.flip_deg:g} is not one of a gradient echo in degrees "
                f"({SMALLEST_FLIP_DEG:g} to {LARGEST_FLIP_DEG:g}); give degrees."
            )
        if not 0 < self.repetition_s <= LONGEST_REPETITION_S:
            hint = f", such as {self.repetition_s / 1000:g}" if self.repetition_s > LONGEST_REPETITION_S else ""
            raise InputError(f"A repetition time of {self.repetition_s:g} is no time in seconds; give seconds{hint}.")


@dataclass(frozen=True)
class MtParameters:
    """Settings of the three images of an MTsat protocol.

    Attributes
    ----------
    on, off, t1w : Excitation
        Of the images with and without the MT pulse, and of the T1-weighted one.
    """

    on: Excitation
    off: Excitation
    t1w: Excitation

    def __post_init__(self) -> None:
        if self.t1w == self.off:
            raise InputError(
                f"The T1-weighted image and that without the MT pulse have the same flip angle "
                f"({self.off.flip_deg:g} degrees) and repetition time ({self.off.repetition_s:g} s), so T1 cannot be "
                "told; give the T1-weighted image of the MT protocol."
            )

    @classmethod
    def from_sidecars(cls, on: Path, off: Path, t1w: Path) -> MtParameters:
        """Read the settings from the JSON file beside each image (BIDS fields).

        Parameters
        ----------
        on, off, t1w : Path
            The images.

        Raises
        ------
        InputError
            If a file or field is missing, has another unit than BIDS asks for (degrees, seconds), or ``MTState`` says
            that the image is another one.
        """
        return cls(_read(on, pulse=True), _read(off, pulse=False), _read(t1w, pulse=False))


def _read(image: Path, *, pulse: bool) -> Excitation:
    beside, fields = sidecar_path(image), read_fields(image)
    if not fields:
        raise InputError(f"MTsat needs the flip angle and repetition time of {image.name}, but {beside} is missing.")
    state = fields.get("MTState")
    if isinstance(state, bool) and state is not pulse:
        said = "with" if state else "without"
        raise InputError(
            f"{beside} says that {image.name} was measured {said} the MT pulse; check which image is which."
        )
    repetition = "RepetitionTimeExcitation" if "RepetitionTimeExcitation" in fields else "RepetitionTime"
    flip_deg = _number(fields, "FlipAngle", "degrees", beside)
    repetition_s = _number(fields, repetition, "seconds", beside)
    try:
        return Excitation(flip_deg, repetition_s)
    except InputError as error:
        raise InputError(f"{beside}: {error}") from None


def _number(fields: Mapping[str, Any], name: str, unit: str, beside: Path) -> float:
    if name not in fields:
        raise InputError(f"{beside} does not give {name} ({unit}), which MTsat needs; add it.")
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{name} in {beside} is {value!r}, not a number of {unit}; correct it.")
    return float(value)

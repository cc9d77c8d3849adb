"""MRI contrasts as values, and how to recognise one from a file name."""

from __future__ import annotations

import re
from enum import StrEnum

from napari_spinalq.errors import InputError


class Contrast(StrEnum):
    """The contrast of a scan; PSIR keeps its sign."""

    T1W = "t1w"
    T2W = "t2w"
    T2STAR = "t2star"
    PSIR = "psir"
    MT = "mt"
    DWI = "dwi"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        """The name as people write it."""
        return _LABELS[self]


_LABELS = {
    Contrast.T1W: "T1w",
    Contrast.T2W: "T2w",
    Contrast.T2STAR: "T2*",
    Contrast.PSIR: "PSIR",
    Contrast.MT: "MT",
    Contrast.DWI: "DWI",
    Contrast.UNKNOWN: "unknown contrast",
}

_NAME_PATTERNS = (
    (Contrast.PSIR, r"psir"),
    (Contrast.DWI, r"dwi|dmri|dti|diff"),
    (Contrast.T2STAR, r"t2star|t2s|medic|merge|gre-?me"),
    (Contrast.MT, r"mt-?(on|off|t1w?)|mts|mt[01]?"),
    (Contrast.T1W, r"t1w?"),
    (Contrast.T2W, r"t2w?"),
)
"""Searched in this order between separators: ``t2s`` must be seen before ``t2``."""


def contrast_from_name(name: str) -> Contrast:
    """Recognise the contrast in a file name (BIDS suffix or common words).

    Examples
    --------
    >>> contrast_from_name("sub-01_acq-axial_T2star.nii.gz")
    <Contrast.T2STAR: 't2star'>
    >>> contrast_from_name("scan7.nii.gz")
    <Contrast.UNKNOWN: 'unknown'>
    """
    stem = name.lower().removesuffix(".gz").removesuffix(".nii")
    for contrast, pattern in _NAME_PATTERNS:
        if re.search(rf"(?:^|[^a-z0-9])(?:{pattern})(?=$|[^a-z0-9])", stem):
            return contrast
    return Contrast.UNKNOWN


def parse_contrast(word: str) -> Contrast:
    """Return the contrast that a user named, such as ``"t2w"``.

    Raises
    ------
    InputError
        If the word is no contrast.
    """
    try:
        return Contrast(word.lower())
    except ValueError:
        known = ", ".join(c.value for c in Contrast if c is not Contrast.UNKNOWN)
        raise InputError(f"{word!r} is not a contrast; use one of {known}, or auto.") from None

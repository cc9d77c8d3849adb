"""Failed results as lists that Spinal Cord Toolbox's scripts for manual correction read.

Its QC report exports ``qc_fail.yml`` and ``qc_artifact.yml``: under a key for the kind of result the names of the
*images* (https://github.com/spinalcordtoolbox/spinalcordtoolbox/pull/3253). ``manual_correction.py -config`` reads the
keys ``FILES_SEG``, ``FILES_GMSEG`` and ``FILES_LABEL``
(https://github.com/spinalcordtoolbox/manual-correction/wiki).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from napari_spinalq.quality.worklist.ratings import Rating, Verdict

FAIL_NAME, ARTEFACT_NAME = "qc_fail.yml", "qc_artifact.yml"
LISTS = {Verdict.FAIL: FAIL_NAME, Verdict.ARTEFACT: ARTEFACT_NAME}

HEADING = "# Written by napari-spinalq from ratings.tsv; made anew with each rating.\n"
"""The first line of our lists: one that does not begin so was made by someone else and is left alone."""

SEGMENTATION, GREY_MATTER, LEVEL_LABELS = "FILES_SEG", "FILES_GMSEG", "FILES_LABEL"

REASONS: Mapping[str, str] = {
    "leak out of the cord": SEGMENTATION,
    "part of cord missing": SEGMENTATION,
    "GM outline wrong": GREY_MATTER,
    "levels wrong": LEVEL_LABELS,
    "motion": SEGMENTATION,
    "metal or flow": SEGMENTATION,
    "low contrast": SEGMENTATION,
    "scan too short": SEGMENTATION,
}
"""Common reasons, as they are offered, and what has to be corrected for each."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/-]*")


def correction_list(ratings: Iterable[Rating], verdict: Verdict, images: Mapping[str, str]) -> str:
    """Return the list of the images whose results have a rating, whoever gave it.

    Parameters
    ----------
    ratings : iterable of Rating
        Those that stand.
    verdict : Verdict
        ``FAIL`` or ``ARTEFACT``.
    images : mapping of str to str
        File name of the image, by mask.

    Returns
    -------
    str
        YAML: a mapping of keys to lists of file names; ``{}`` where there is nothing to list.
    """
    listed: dict[str, set[str]] = {}
    for rating in ratings:
        if rating.verdict is verdict and rating.mask in images:
            listed.setdefault(kind_of(rating.comment), set()).add(images[rating.mask])
    if not listed:
        return f"{HEADING}{{}}\n"
    blocks = (f"{key}:\n" + "".join(f"- {_scalar(name)}\n" for name in sorted(listed[key])) for key in sorted(listed))
    return HEADING + "".join(blocks)


def kind_of(comment: str) -> str:
    """Return the key under which a comment belongs: cord segmentation, unless it names grey matter or levels.

    Examples
    --------
    >>> kind_of("levels wrong: C3 is C4"), kind_of("")
    ('FILES_LABEL', 'FILES_SEG')
    """
    return next(
        (key for reason, key in REASONS.items() if comment.casefold().startswith(reason.casefold())), "FILES_SEG"
    )


def is_ours(text: str) -> bool:
    """Tell whether a list was written by this package."""
    return text.startswith(HEADING)


def _scalar(name: str) -> str:
    """Quote a name that YAML could take for something else; JSON strings are YAML strings."""
    return name if _PLAIN.fullmatch(name) and not name.isdigit() else json.dumps(name, ensure_ascii=False)

"""What ``participants.tsv`` of a BIDS data set says about the person who was scanned."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pandas as pd

from napari_spinalq.errors import InputError

TABLE = "participants.tsv"

FOLDERS_UP = 4
"""How far above a scan the table may lie: data set / sub- / ses- / anat / scan."""


class Sex(StrEnum):
    """Sex as BIDS knows it, as far as references tell people apart by it."""

    FEMALE = "F"
    MALE = "M"


_WORDS = {"f": Sex.FEMALE, "female": Sex.FEMALE, "m": Sex.MALE, "male": Sex.MALE}
"""Spellings of the BIDS specification, in lower case; ``o``, ``other`` and ``n/a`` are not among them."""


def find_sex(scan_path: Path, subject: str) -> Sex | None:
    """Return the sex of a subject from the ``participants.tsv`` above a scan.

    Parameters
    ----------
    scan_path : Path
        File of the scan; its folder and those above it are searched, the nearest table counts.
    subject : str
        BIDS label without ``sub-``.

    Returns
    -------
    Sex, optional
        None without a table, without the subject or a column ``sex`` in it, and for any other word there.

    Raises
    ------
    InputError
        If the table cannot be read, or gives the subject twice with different sexes.
    """
    table = next((folder / TABLE for folder in scan_path.parents[:FOLDERS_UP] if (folder / TABLE).is_file()), None)
    if table is None:
        return None
    rows = _read(table)
    if not {"participant_id", "sex"} <= set(rows.columns):
        return None
    words = rows.loc[rows["participant_id"].str.removeprefix("sub-") == subject, "sex"]
    found = {_WORDS.get(word.strip().lower()) for word in words}
    if len(found) > 1:
        raise InputError(f"{table} tells the sex of sub-{subject} twice and differently; keep the row that is right.")
    return found.pop() if found else None


def _read(table: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{table} cannot be read as a tab-separated table ({error}); mend or remove it.") from error

"""What readers say of results: ratings as rows of a table to which rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from napari_spinalq.errors import InputError


class Verdict(StrEnum):
    """What a row of the table says.

    ``WITHDRAWN`` takes the rater's last rating of the case back; ``NOTE`` is a comment on a case that is not rated.
    """

    PASS = "pass"
    FAIL = "fail"
    ARTEFACT = "artefact"
    WITHDRAWN = "withdrawn"
    NOTE = "note"


RATINGS = (Verdict.PASS, Verdict.FAIL, Verdict.ARTEFACT)

COLUMNS = (
    "case",
    "mask",
    "mask_sha256",
    "image_sha256",
    "rater",
    "time",
    "rating",
    "comment",
    "suspicion",
    "flags",
)
"""Columns of the table, in this order."""

EMPTY = "n/a"
"""What BIDS writes in a cell that holds nothing."""


@dataclass(frozen=True)
class Rating:
    """One row: what one rater said of one mask at one time.

    Attributes
    ----------
    case : str
        Name of the case.
    mask : str
        The mask file, relative to the folder of results, with forward slashes.
    mask_sha256, image_sha256 : str
        Of the files as they were seen.
    rater : str
        Who says so.
    time : datetime
        UTC.
    verdict : Verdict
        What is said.
    comment : str
        Reason or comment; tabs and line breaks become spaces, so that it stays one cell.
    suspicion : float, optional
        0..1, as it was computed when the mask was seen.
    flags : tuple of str
        The checks that were raised then.
    """

    case: str
    mask: str
    mask_sha256: str
    image_sha256: str
    rater: str
    time: datetime
    verdict: Verdict
    comment: str = ""
    suspicion: float | None = None
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Bring all into the form in which it is written, so that a row that was read again is the same one."""
        for name in ("case", "mask", "rater", "comment"):
            text = " ".join(getattr(self, name).split())
            object.__setattr__(self, name, "" if text == EMPTY else text)
        object.__setattr__(self, "time", self.time.astimezone(UTC))
        if self.suspicion is not None:
            object.__setattr__(self, "suspicion", round(self.suspicion, 3))


@dataclass(frozen=True)
class RatingTable:
    """The rows of a table that could be read, and the numbers of the lines (from 1) that could not."""

    rows: tuple[Rating, ...]
    bad_lines: tuple[int, ...] = ()


def header_line() -> str:
    """Return the first line of a table of ratings."""
    return "\t".join(COLUMNS) + "\n"


def as_line(rating: Rating) -> str:
    """Return a rating as a line of the table."""
    cells = (
        rating.case,
        rating.mask,
        rating.mask_sha256,
        rating.image_sha256,
        rating.rater,
        rating.time.isoformat(timespec="microseconds"),
        rating.verdict.value,
        rating.comment,
        "" if rating.suspicion is None else f"{rating.suspicion:.3f}",
        ";".join(rating.flags),
    )
    return "\t".join(cell or EMPTY for cell in cells) + "\n"


def read_table(text: str, where: str) -> RatingTable:
    """Read a table of ratings. Lines that cannot be read are left out and named.

    Parameters
    ----------
    text : str
        Its content. Columns may be in another order, and there may be more of them.
    where : str
        Its name, for the message.

    Raises
    ------
    InputError
        If the first line does not name all columns.
    """
    lines = text.splitlines()
    columns = lines[0].split("\t") if lines else []
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise InputError(
            f"{where} is no table of ratings (it has no column {missing[0]!r}); rename it, so that ratings can be kept."
        )
    rows, bad = list[Rating](), list[int]()
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            row = _read_line(line.split("\t"), columns)
            bad += [number] * (row is None)
            rows += [] if row is None else [row]
    return RatingTable(tuple(rows), tuple(bad))


def _read_line(cells: Sequence[str], columns: Sequence[str]) -> Rating | None:
    if len(cells) != len(columns):
        return None
    told = {name: "" if cell == EMPTY else cell for name, cell in zip(columns, cells, strict=True)}
    try:
        time = datetime.fromisoformat(told["time"])
        verdict = Verdict(told["rating"])
        suspicion = float(told["suspicion"]) if told["suspicion"] else None
    except ValueError:
        return None
    if not told["mask"] or time.tzinfo is None:
        return None
    return Rating(
        told["case"],
        told["mask"],
        told["mask_sha256"],
        told["image_sha256"],
        told["rater"],
        time,
        verdict,
        told["comment"],
        suspicion,
        tuple(flag for flag in told["flags"].split(";") if flag),
    )


def standing(rows: Iterable[Rating]) -> dict[tuple[str, str], Rating]:
    """Return the rating that stands, by mask and rater: the last one that was not withdrawn.

    Raters are kept apart. Rows count in the order of their time. A note leaves a rating as it is, but for its comment.
    """
    history: dict[tuple[str, str], list[Rating]] = {}
    for row in sorted(rows, key=lambda one: one.time):
        given = history.setdefault((row.mask, row.rater), [])
        if row.verdict in RATINGS:
            given.append(row)
        elif row.verdict is Verdict.WITHDRAWN and given:
            given.pop()
    return {key: given[-1] for key, given in history.items() if given}


def last_of(rows: Iterable[Rating], rater: str) -> Rating | None:
    """Return the rater's latest rating that still stands, whichever the case; None if there is none."""
    own = [row for (_, who), row in standing(rows).items() if who == rater]
    return max(own, key=lambda one: one.time, default=None)


def comment_of(rows: Iterable[Rating], mask: str, rater: str, mask_sha256: str) -> str:
    """Return the latest comment of a rater on a mask as it is now, in a note or with a rating; empty without one."""
    own = [row for row in rows if (row.mask, row.rater) == (mask, rater) and row.comment]
    of_this = [row for row in own if not changed_since(row, mask_sha256)]
    return max(of_this, key=lambda one: one.time).comment if of_this else ""


def changed_since(rating: Rating, mask_sha256: str | None) -> bool:
    """Tell whether the mask is another one than was rated; False while its checksum is not known."""
    return bool(mask_sha256) and bool(rating.mask_sha256) and rating.mask_sha256 != mask_sha256


def by_mask(stands: Mapping[tuple[str, str], Rating]) -> dict[str, tuple[Rating, ...]]:
    """Return the standing ratings of each mask, by the raters' names."""
    found: dict[str, list[Rating]] = {}
    for key in sorted(stands):
        found.setdefault(key[0], []).append(stands[key])
    return {mask: tuple(rows) for mask, rows in found.items()}

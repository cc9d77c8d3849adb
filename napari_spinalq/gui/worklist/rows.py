"""The rows of the worklist: what is known of each case, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.quality.worklist.cases import ListedCase, Unpaired
from napari_spinalq.quality.worklist.measured import Summary
from napari_spinalq.quality.worklist.ratings import Rating, Verdict, changed_since

KINDS = {Verdict.PASS: "good", Verdict.FAIL: "bad", Verdict.ARTEFACT: "warn"}
"""How a rating looks: sign and colour as of a state line."""

NOT_READ, NOTHING_FLAGGED = "being read…", "nothing flagged"
CHANGED = "changed since rated"


@dataclass(frozen=True)
class CaseRow:
    """A row of the list.

    Attributes
    ----------
    title : str
        Name of the case.
    suspicion : float, optional
        0..1; None while the case is being read, and for what cannot be rated.
    words : str
        The worst flag, or why there is none.
    kind : str
        ``"good"``, ``"warn"``, ``"bad"`` or ``"plain"``: how the rating looks.
    rating : str
        Rating and rater; empty without one.
    tip : str
        All flags, the comment, and the ratings of others.
    case : ListedCase, optional
        None for a mask that cannot be rated.
    """

    title: str
    suspicion: float | None
    words: str
    kind: str = "plain"
    rating: str = ""
    tip: str = ""
    case: ListedCase | None = None


def case_row(case: ListedCase, summary: Summary | None, ratings: Sequence[Rating], rater: str) -> CaseRow:
    """Return the row of a case.

    The ratings of others are shown once the rater has given one: until then a second read is blind.
    """
    own = next((one for one in ratings if one.rater == rater), None)
    others = [one for one in ratings if one.rater != rater] if own else []
    kind, words = _rating(own, summary)
    more = "".join(f" · {one.rater}: {one.verdict}" for one in others)
    told = [*_sentences(summary), *([f"Comment: {own.comment}"] if own and own.comment else [])]
    return CaseRow(
        title=case.name,
        suspicion=None if summary is None else summary.suspicion,
        words=_sentences(summary)[0],
        kind=kind,
        rating=words + more,
        tip="\n".join([case.mask.name, *told]),
        case=case,
    )


def unpaired_row(one: Unpaired, folder: Path) -> CaseRow:
    """Return the row of a mask that cannot be rated."""
    return CaseRow(one.mask.relative_to(folder).as_posix(), None, one.reason, tip=one.reason)


def _sentences(summary: Summary | None) -> tuple[str, ...]:
    if summary is None:
        return (NOT_READ,)
    if summary.refusal:
        return (summary.refusal,)
    return tuple(flag.sentence for flag in summary.flags) or (NOTHING_FLAGGED,)


def _rating(own: Rating | None, summary: Summary | None) -> tuple[str, str]:
    if own is None:
        return "plain", ""
    if changed_since(own, summary.mask_sha256 if summary else None):
        return "warn", f"{own.verdict}, {CHANGED} · {own.rater}"
    return KINDS[own.verdict], f"{own.verdict} · {own.rater}"

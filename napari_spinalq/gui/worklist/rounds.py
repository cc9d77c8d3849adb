"""A reading round: the cases of a folder, their order, and the ratings of those who read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from napari_spinalq.gui.worklist.rows import CaseRow, case_row, unpaired_row
from napari_spinalq.quality.worklist.cases import Found, ListedCase, worst_first
from napari_spinalq.quality.worklist.measured import Summary
from napari_spinalq.quality.worklist.rating_file import RatingFile
from napari_spinalq.quality.worklist.ratings import (
    Rating,
    Verdict,
    by_mask,
    changed_since,
    comment_of,
    last_of,
    standing,
)

SummaryOf = Callable[[ListedCase], Summary | None]


class Round:
    """What is known of a folder of results while it is read.

    Parameters
    ----------
    found : Found
        Its cases.
    summary_of : callable
        What is known of a case; None until it was read.
    """

    def __init__(self, found: Found, summary_of: SummaryOf) -> None:
        self.found = found
        self.file = RatingFile(found.folder, {self.key(case): case.image.name for case in found.cases})
        self._summary_of = summary_of
        self._ordered: list[ListedCase] | None = None
        self._standing: dict[str, tuple[Rating, ...]] | None = None

    def key(self, case: ListedCase) -> str:
        """Return by what a case is known in the table of ratings: its mask, relative to the folder."""
        return case.mask.relative_to(self.found.folder).as_posix()

    def changed(self) -> None:
        """Note that a summary or a rating came."""
        self._ordered = self._standing = None

    def ordered(self) -> list[ListedCase]:
        """Return the cases, the worst first."""
        if self._ordered is None:
            self._ordered = worst_first(self.found.cases, self._suspicion, self._failed)
        return self._ordered

    def rating(self, case: ListedCase, rater: str) -> Rating | None:
        """Return the rating of a case by a rater that stands; None if there is none."""
        return next((one for one in self._ratings(case) if one.rater == rater), None)

    def is_done(self, case: ListedCase, rater: str) -> bool:
        """Tell whether a rater has rated a case as it is now."""
        own, summary = self.rating(case, rater), self._summary_of(case)
        return own is not None and not changed_since(own, summary.mask_sha256 if summary else None)

    def done_count(self, rater: str) -> int:
        """Return how many cases a rater has rated as they are now."""
        return sum(self.is_done(case, rater) for case in self.found.cases)

    def rows(self, rater: str) -> list[CaseRow]:
        """Return the rows of the list: the cases, the worst first, then what cannot be rated."""
        cases = [case_row(case, self._summary_of(case), self._ratings(case), rater) for case in self.ordered()]
        return [*cases, *(unpaired_row(one, self.found.folder) for one in self.found.unpaired)]

    def comment(self, case: ListedCase, rater: str) -> str:
        """Return the latest comment of a rater on a case as it is now."""
        summary = self._summary_of(case)
        return comment_of(self.file.rows, self.key(case), rater, summary.mask_sha256 if summary else "")

    def comment_for(self, case: ListedCase, rater: str, verdict: Verdict) -> str:
        """Return the comment that goes with a new rating: what gave a reason for another rating does not."""
        own = self.rating(case, rater)
        return "" if own is not None and own.verdict is not verdict else self.comment(case, rater)

    def new_rating(self, case: ListedCase, rater: str, verdict: Verdict, comment: str) -> Rating:
        """Return a row about a case as it was read."""
        summary = self._summary_of(case)
        return Rating(
            case=case.name,
            mask=self.key(case),
            mask_sha256=summary.mask_sha256 if summary else "",
            image_sha256=summary.image_sha256 if summary else "",
            rater=rater,
            time=datetime.now(UTC),
            verdict=verdict,
            comment=comment,
            suspicion=summary.suspicion if summary else None,
            flags=tuple(flag.check.value for flag in summary.flags) if summary else (),
        )

    def last_rated(self, rater: str) -> tuple[ListedCase, Rating] | None:
        """Return the case that a rater rated last and the rating; None if there is none."""
        last = last_of([row for row in self.file.rows if row.mask in self._by_key()], rater)
        return None if last is None else (self._by_key()[last.mask], last)

    def _by_key(self) -> dict[str, ListedCase]:
        return {self.key(case): case for case in self.found.cases}

    def _ratings(self, case: ListedCase) -> tuple[Rating, ...]:
        if self._standing is None:
            self._standing = by_mask(standing(self.file.rows))
        return self._standing.get(self.key(case), ())

    def _suspicion(self, case: ListedCase) -> float | None:
        summary = self._summary_of(case)
        return None if summary is None else summary.suspicion

    def _failed(self, case: ListedCase) -> bool:
        summary = self._summary_of(case)
        return summary is not None and bool(summary.refusal)

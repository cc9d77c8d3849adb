"""Leads a reader through a folder of results: shows the worst case, takes the rating, goes on to the next."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_spinalq.errors import InputError
from napari_spinalq.gui import settings
from napari_spinalq.gui.opening import Opener
from napari_spinalq.gui.saving import Saver
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.workers import CLOSING_WAIT_S, Job
from napari_spinalq.gui.worklist.case_reader import CaseReader
from napari_spinalq.gui.worklist.case_view import CaseView
from napari_spinalq.gui.worklist.rounds import Round
from napari_spinalq.io.sidecar import default_author
from napari_spinalq.quality.worklist.cases import Found, ListedCase, coming_up, find_cases, next_unrated
from napari_spinalq.quality.worklist.measured import Summary, stamp_of
from napari_spinalq.quality.worklist.ratings import Verdict
from napari_spinalq.quality.worklist.reading import Reading

if TYPE_CHECKING:
    from napari.components import ViewerModel

AHEAD = 2
"""How many cases are read before they are asked for."""

DRAWN_MS = 250
"""Reading ahead begins so long after a case was put on the desk: at once, it would hold the picture up."""

FOLLOW_S = 3.0
"""After the first picture, the worst case known so far takes its place for so long (s), unless the reader acts: flags
come in one by one, and a picture that changes later would disturb."""

ALL_RATED = "All cases are rated."
STILL_READING = "This case is still being read; rate it when you see it."
CHANGED_ON_DISK = "The files of this case changed while it was shown; here they are as they are now: rate it again."
SHOWN_AGAIN = "Another exam was on display; this is the case: press the key again to rate it."


class Worklist:
    """A reading round on one viewer.

    Signals
    -------
    rows_changed
        The list, its order or a rating changed.
    case_changed
        Another case is at hand, or its pictures came.
    editing
        The case at hand was opened to be edited.
    told : str, str
        Kind and sentence for the user.
    """

    rows_changed = Signal()
    case_changed = Signal()
    editing = Signal()
    told = Signal(str, str)

    def __init__(
        self, viewer: ViewerModel, session: Session, opener: Opener, saver: Saver, may_leave: Callable[[], bool]
    ) -> None:
        self.reader = CaseReader()
        self.view = CaseView(viewer, session, opener, saver, may_leave)
        self.round: Round | None = None
        self.case: ListedCase | None = None
        self.rater = settings.rater() or default_author()
        self._finding: Job | None = None
        self._last_slice = -1
        self._follow_until = 0.0
        self._later = QTimer()
        self._later.setSingleShot(True)
        self._later.setInterval(DRAWN_MS)
        self._later.timeout.connect(self._look_ahead)
        self.reader.summarised.connect(self._summarised)
        self.reader.ready.connect(self._ready)

    @property
    def busy(self) -> bool:
        """Whether a folder or a case is being read."""
        return self._finding is not None or self.reader.busy or self._later.isActive()

    @property
    def summary(self) -> Summary | None:
        """What is known of the case at hand."""
        return None if self.case is None else self.reader.summary(self.case)

    def sentences(self) -> tuple[str, ...]:
        """Return what is flagged in the case at hand."""
        if self.summary is None:
            return ()
        return (self.summary.refusal,) if self.summary.refusal else tuple(flag.sentence for flag in self.summary.flags)

    def stop(self) -> None:
        """Read no more: the window closes."""
        if self._finding is not None:
            self._finding.stop_and_wait(CLOSING_WAIT_S)
        self._later.stop()
        self.reader.stop()

    def open_folder(self, folder: str | Path, images: str | Path | None = None) -> None:
        """Look for the cases of a folder of results, in the background."""
        if self._finding is not None:
            return
        job = Job("Looking for results", lambda progress: find_cases(Path(folder).resolve(), images, progress))
        job.succeeded.connect(self._found)
        job.refused.connect(self._refuse)
        job.ended.connect(self._found_all)
        self._finding = job
        self.told.emit("plain", f"Looking for results in {folder}")
        job.start()

    def set_rater(self, name: str) -> None:
        """Rate under this name from now on."""
        self.rater = " ".join(name.split()) or default_author()
        settings.remember_rater(self.rater)
        self._tell_rows()
        self._look_ahead()

    def choose(self, case: ListedCase) -> None:
        """Take a case in hand, and show it as soon as it was read; unsaved edits may hold the user back."""
        self._follow_until = 0.0
        self._take(case)

    def _take(self, case: ListedCase) -> None:
        if not self.view.leave():
            return
        self.case, self._last_slice = case, -1
        ready = self.reader.reading(case) is not None
        self._show()
        self.case_changed.emit()
        if ready:
            self._later.start()
            QTimer.singleShot(0, self._later.start)  # again, counted from when the key is done with
        else:
            self._look_ahead()

    def step(self, count: int) -> None:
        """Go down the list by so many cases; it ends at its ends."""
        if self.round is None or not self.round.found.cases:
            return
        ordered = self.round.ordered()
        place = ordered.index(self.case) + count if self.case in ordered else 0
        self.choose(ordered[min(max(place, 0), len(ordered) - 1)])

    def rate(self, verdict: Verdict) -> None:
        """Rate the case at hand, with what was said of it before, and go on to the worst one that is not rated."""
        if not self._is_seen():
            return
        self._write(self.case, verdict, self.round.comment_for(self.case, self.rater, verdict))
        following = next_unrated(self.round.ordered(), lambda one: self.round.is_done(one, self.rater), self.case)
        if following is None:
            self._look_ahead()
            self.told.emit("good", ALL_RATED)
        else:
            self.choose(following)

    def comment(self, text: str) -> None:
        """Say something about the case at hand: with its rating if it has one, else as a note."""
        if self.round is None or self.case is None:
            return
        own = self.round.rating(self.case, self.rater) if self.round.is_done(self.case, self.rater) else None
        self._write(self.case, own.verdict if own else Verdict.NOTE, text)

    def undo(self) -> None:
        """Take back the last rating, and show its case again."""
        last = None if self.round is None else self.round.last_rated(self.rater)
        if last is None:
            self.told.emit("plain", f"{self.rater} has no rating here that could be taken back.")
            return
        case, rating = last
        self._write(case, Verdict.WITHDRAWN, "")
        self.choose(case)
        self.told.emit("plain", f"Taken back: {case.name}, {rating.verdict}.")

    def next_slice(self) -> None:
        """Show the next flagged place of the case at hand, the worst first; after the last one, begin again."""
        self._follow_until = 0.0
        if self.summary is None or not self._is_shown():
            return
        slices = self.summary.places
        if not slices:
            self.told.emit("plain", "No slice of this case is flagged.")
            return
        self._last_slice = (self._last_slice + 1) % len(slices)
        index = slices[self._last_slice]
        self.view.show_slice(index)
        why = next(flag.sentence for flag in self.summary.flags if index in flag.slices)
        self.told.emit("warn", f"Slice {index} ({self._last_slice + 1} of {len(slices)}): {why}")

    def edit(self) -> None:
        """Open the case at hand to be edited, at its worst slice."""
        self._follow_until = 0.0
        if self.summary is None or not self._is_shown():
            return
        if self.summary.places:
            self.view.show_slice(self.summary.places[0])
        self.view.let_edit()
        self.editing.emit()

    def look(self, looking: bool) -> None:
        """Note whether the page is shown: then the case is only looked at, and changed files are read again."""
        if looking:
            self.view.lock()
            self._read_changed()
        else:
            self.view.unlock()

    def _found(self, found: Found) -> None:
        self.round, self.case = Round(found, self.reader.summary), None
        try:
            self.round.file.load()
        except InputError as error:
            self.told.emit("bad", str(error))
        self.round.changed()
        self.reader.open(found.cases)
        self._tell_rows()
        self.case_changed.emit()
        self.told.emit(*self._opened(found))
        self._follow_until = math.inf
        self._begin()

    def _opened(self, found: Found) -> tuple[str, str]:
        bad = self.round.file.bad_lines
        if bad:
            lines = ", ".join(str(line) for line in bad)
            return "warn", f"{self.round.file.path} has lines that cannot be read ({lines}); they are kept as they are."
        if self.round.file.waiting:
            return self._flush()
        if not found.cases:
            return "warn", f"No image was found for {len(found.unpaired)} masks; choose the folder of the images."
        return "good", f"{len(found.cases)} cases, {self.round.done_count(self.rater)} of them rated by {self.rater}."

    def _flush(self) -> tuple[str, str]:
        count = self.round.file.waiting
        try:
            self.round.file.flush()
        except InputError as error:
            return "bad", str(error)
        return "good", f"{count} ratings that had been kept elsewhere are now in {self.round.file.path}."

    def _refuse(self, error: InputError) -> None:
        self.told.emit("bad", str(error))

    def _found_all(self) -> None:
        self._finding = None

    def _begin(self) -> None:
        """Take the worst case that is not rated in hand, or the worst."""
        ordered = self.round.ordered()
        first = next_unrated(ordered, lambda one: self.round.is_done(one, self.rater), None)
        if ordered and (first or ordered[0]) != self.case:
            self._take(first or ordered[0])

    def _summarised(self, summary: Summary) -> None:
        self.round.changed()
        self._tell_rows()
        self._look_ahead()
        if time.monotonic() < self._follow_until:
            self._begin()
        if summary.case == self.case:
            if summary.refusal:
                self._show()
            self.case_changed.emit()

    def _ready(self, reading: Reading) -> None:
        if reading.summary.case == self.case and not self.view.shows(reading):
            self._show()
            self.case_changed.emit()

    def _show(self) -> None:
        """Show the case at hand if it is ready; else it is shown when it is."""
        reading = self.reader.reading(self.case)
        known = self.summary
        if known is not None and known.refusal:
            self.view.show_nothing()
            self.told.emit("bad", known.refusal)
        elif reading is None:
            self.told.emit("plain", STILL_READING)
        elif not self.view.shows(reading) and self.view.show(reading):
            self._follow_until = min(self._follow_until, time.monotonic() + FOLLOW_S)
            self.told.emit(*_greeting(reading, self.round.comment(self.case, self.rater)))

    def _is_shown(self) -> bool:
        """Tell whether the case at hand is on display; if another exam is, show the case again."""
        reading = None if self.case is None else self.reader.reading(self.case)
        if reading is None:
            self._read_changed()
            return False
        if not self.view.shows(reading):
            self._show()
        return self.view.shows(reading)

    def _is_seen(self) -> bool:
        """Tell whether the case at hand may be rated: it is on display and its files are as they were read."""
        self._follow_until = 0.0
        if self.round is None or self.case is None:
            return False
        known = self.summary
        if known is not None and known.stamp != stamp_of(self.case):
            self._read_changed()
            self.told.emit("warn", CHANGED_ON_DISK)
            return False
        if known is not None and known.refusal:
            return True  # a result that cannot be read has failed
        reading = self.reader.reading(self.case)
        if reading is None:
            self.told.emit("plain", STILL_READING)
            return False
        if not self.view.shows(reading):
            self._show()
            self.told.emit("warn", SHOWN_AGAIN)
            return False
        return True

    def _read_changed(self) -> None:
        self.reader.forget_changed()
        if self.round is not None:
            self.round.changed()
            self._tell_rows()
        self._look_ahead()

    def _write(self, case: ListedCase, verdict: Verdict, comment: str) -> None:
        try:
            self.round.file.add(self.round.new_rating(case, self.rater, verdict, comment))
        except InputError as error:
            self.told.emit("bad", str(error))
        self.round.changed()
        self._tell_rows()

    def _look_ahead(self) -> None:
        if self.round is not None and self.case is not None:
            after = coming_up(self.round.ordered(), lambda one: self.round.is_done(one, self.rater), self.case, AHEAD)
            self.reader.want([self.case, *after])

    def _tell_rows(self) -> None:
        self.rows_changed.emit()


def _greeting(reading: Reading, comment: str) -> tuple[str, str]:
    """Say what is to be known of a case when it comes up."""
    if reading.remarks:
        return "warn", " ".join(reading.remarks)
    return "plain", f"Your comment: {comment}" if comment else ""

"""Reads the cases of a worklist in the background: the one at hand first, then those that come next, then the rest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from psygnal import Signal

from napari_spinalq.errors import InputError
from napari_spinalq.gui.workers import CLOSING_WAIT_S, Job
from napari_spinalq.quality.worklist.cases import ListedCase
from napari_spinalq.quality.worklist.measured import Summary, refused, stamp_of
from napari_spinalq.quality.worklist.reading import Reading, read_case
from napari_spinalq.quality.worklist.shelf import Shelf

MOST_JOBS = 2
"""Cases read at once: one for the reader, one for the list. More would slow down the picture that is waited for."""


class CaseReader:
    """Keeps the cases that are wanted ready, and reads all others once for their flags.

    Signals
    -------
    summarised : Summary
        The flags of a case are known, or why it cannot be measured.
    ready : Reading
        A case that is wanted can be shown.
    """

    summarised = Signal(object)
    ready = Signal(object)

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._cases: tuple[ListedCase, ...] = ()
        self._wanted: tuple[ListedCase, ...] = ()
        self._jobs: dict[ListedCase, Job] = {}
        self._summaries: dict[ListedCase, Summary] = {}

    @property
    def busy(self) -> bool:
        """Whether a case is being read."""
        return bool(self._jobs)

    def open(self, cases: Sequence[ListedCase]) -> None:
        """Read these cases from now on, in their order, and forget all others."""
        for job in self._jobs.values():
            job.cancel()
        self._shelf.clear()
        self._cases, self._wanted, self._summaries = tuple(cases), (), {}
        self._go_on()

    def want(self, cases: Sequence[ListedCase]) -> None:
        """Keep these cases ready, the most urgent first."""
        self._wanted = tuple(cases)
        first = self._wanted[0] if self._wanted else None
        if first is not None and not self._has(first) and first not in self._jobs and len(self._jobs) >= MOST_JOBS:
            for case, job in self._jobs.items():
                if case not in self._wanted:
                    job.cancel()
        self._go_on()

    def summary(self, case: ListedCase) -> Summary | None:
        """Return what is known of a case; None until it was read."""
        return self._summaries.get(case)

    def reading(self, case: ListedCase) -> Reading | None:
        """Return a case that is ready; None if it is not, or its files changed since."""
        return self._shelf.get(case)

    def forget_changed(self) -> None:
        """Read those cases again whose files changed since they were read."""
        for case, summary in list(self._summaries.items()):
            if summary.stamp != stamp_of(case):
                del self._summaries[case]
                self._shelf.get(case)  # lets go of it
        self._go_on()

    def stop(self) -> None:
        """Read no more: the window closes."""
        self._cases = self._wanted = ()
        for job in list(self._jobs.values()):
            job.stop_and_wait(CLOSING_WAIT_S)

    def _has(self, case: ListedCase) -> bool:
        known = self._summaries.get(case)
        return case in self._shelf or (known is not None and bool(known.refusal))

    def _go_on(self) -> None:
        for case in self._waiting():
            if len(self._jobs) >= MOST_JOBS:
                return
            self._start(case)

    def _waiting(self) -> list[ListedCase]:
        """Return what is to be read: what is wanted, and one other beside it for the list."""
        urgent = [case for case in self._wanted if not self._has(case) and case not in self._jobs]
        unknown = [case for case in self._cases if case not in self._summaries and case not in self._jobs]
        rest = [case for case in unknown if case not in urgent]
        for_the_list = sum(case not in self._wanted for case in self._jobs)
        return [*urgent, *rest[: 1 - for_the_list]]

    def _start(self, case: ListedCase) -> None:
        job = Job(f"Reading {case.name}", partial(read_case, case))
        job.succeeded.connect(partial(self._take, case))
        job.refused.connect(partial(self._refuse, case))
        job.ended.connect(partial(self._end, case, job))
        self._jobs[case] = job
        job.start()

    def _take(self, case: ListedCase, reading: Reading) -> None:
        if case not in self._cases:
            return
        self._summaries[case] = reading.summary
        if case in self._wanted:
            self._shelf.put(reading, needed=self._wanted)
        self.summarised.emit(reading.summary)
        if case in self._wanted:
            self.ready.emit(reading)

    def _refuse(self, case: ListedCase, error: InputError) -> None:
        if case in self._cases:
            self._summaries[case] = refused(case, error)
            self.summarised.emit(self._summaries[case])

    def _end(self, case: ListedCase, job: Job) -> None:
        if self._jobs.get(case) is job:
            del self._jobs[case]
        self._go_on()

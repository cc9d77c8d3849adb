"""Long work off the main thread, with progress, cancelling and plain words for bad input."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

from napari.qt.threading import thread_worker
from qtpy.QtCore import QObject, Signal

from napari_spinalq.errors import Cancelled, InputError
from napari_spinalq.progress import Progress

Task = Callable[[Progress], Any]

CLOSING_WAIT_S = 3.0
"""A window that closes waits this long (s) for running work to stop; all steps report progress more often."""


SWITCH_S = 0.0005
"""How long (s) a thread at work may keep Python to itself while the window waits for it. With Python's own 0.005 s a
brush that moves while the whole is measured waits that long many times a move (``benchmarks/live.py``: the 95th
percentile from the move to the numbers was 82 ms, and is 34 ms)."""

REPORT_EVERY_S = 0.03
"""Progress is told at most this often (s): faster than the eye reads, and no flood for Qt's queue."""


@dataclass(frozen=True)
class _Outcome:
    """How a task ended; a bug is no outcome: it travels to napari as the exception that it is."""

    value: Any = None
    refused: InputError | None = None
    cancelled: bool = False


class Job(QObject):
    """One piece of long work.

    Signals
    -------
    progressed : float, str
        Fraction done (0..1) and a phrase, on the main thread.
    succeeded : object
        What the task returned.
    refused : InputError
        What was given cannot be used; it says why in one sentence.
    cancelled
        It stopped on request.
    ended
        After any of the above, and after a bug.
    """

    progressed = Signal(float, str)
    succeeded = Signal(object)
    refused = Signal(object)
    cancelled = Signal()
    ended = Signal()

    def __init__(self, title: str, task: Task, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self._stop = Event()
        self._told = -REPORT_EVERY_S
        self._errand = _Errand(task, self._report)
        self._worker = thread_worker(self._errand.run)()
        self._worker.returned.connect(self._deliver)
        self._worker.finished.connect(self._finish)

    def start(self) -> None:
        """Begin in a thread of the pool."""
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        self._worker.start()

    def cancel(self) -> None:
        """Ask the task to stop; it does so at its next report of progress."""
        self._stop.set()

    def stop_and_wait(self, timeout_s: float) -> None:
        """Ask the task to stop and wait for it: needed before the objects that it works on are deleted."""
        self.cancel()
        self._errand.done.wait(timeout_s)
        self._worker = None

    def _finish(self) -> None:
        """Let go of the worker, which holds the task and by it the viewer, and tell that all is over."""
        self._worker = None
        self.ended.emit()
        self.deleteLater()

    def _report(self, fraction: float, phrase: str) -> None:
        if self._stop.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._told < REPORT_EVERY_S:
            return
        self._told = now
        self.progressed.emit(fraction, phrase)

    def _deliver(self, outcome: _Outcome) -> None:
        if outcome.cancelled or self._stop.is_set():
            self.cancelled.emit()
        elif outcome.refused is not None:
            self.refused.emit(outcome.refused)
        else:
            self.succeeded.emit(outcome.value)


class _Errand:
    """A task that can be run once and is then forgotten.

    Qt may keep a finished worker for a while; it must not keep the task with it, and by that the viewer.
    """

    def __init__(self, task: Task, report: Progress) -> None:
        self._waiting = [(task, report)]
        self.done = Event()

    def run(self) -> _Outcome:
        """Run the task; bad input and a cancel are outcomes, anything else is a bug and passes on."""
        task, report = self._waiting.pop()
        try:
            return _Outcome(task(report))
        except InputError as error:
            return _Outcome(refused=error.with_traceback(None))
        except Cancelled:
            return _Outcome(cancelled=True)
        finally:
            self.done.set()


class Runner(QObject):
    """Runs one job at a time.

    Signals
    -------
    started : str
        The title of the job.
    progressed : float, str
        As the job's.
    refused : InputError
        As the job's.
    stopped : bool
        The job ended; True if it was cancelled.
    """

    started = Signal(str)
    progressed = Signal(float, str)
    refused = Signal(object)
    stopped = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._job: Job | None = None
        self._next: tuple[str, Task, Callable[[Any], None]] | None = None
        self._was_cancelled = False

    @property
    def busy(self) -> bool:
        """Whether a job is running, or one waits for another to stop."""
        return self._job is not None or self._next is not None

    def run(self, title: str, task: Task, done: Callable[[Any], None]) -> bool:
        """Start a job and hand its result to ``done``; False if another one is still running."""
        if self._job is not None:
            return False
        self._was_cancelled = False
        self._job = Job(title, task, self)
        self._job.progressed.connect(self.progressed)
        self._job.refused.connect(self.refused)
        self._job.cancelled.connect(self._note_cancelled)
        self._job.succeeded.connect(done)
        self._job.ended.connect(self._end)
        self.started.emit(title)
        self._job.start()
        return True

    def run_instead(self, title: str, task: Task, done: Callable[[Any], None]) -> None:
        """Start a job in place of the one that is running and of any that waits: the last wish counts."""
        self.cancel()
        if self._job is None:
            self.run(title, task, done)
        else:
            self._next = title, task, done

    def cancel(self) -> None:
        """Stop the job that is running, if any, and forget the one that waits."""
        self._next = None
        if self._job is not None:
            self._job.cancel()

    def stop_and_wait(self) -> None:
        """Stop the job that is running, if any, and wait for it: the window closes."""
        self._next = None
        if self._job is not None:
            self._job.stop_and_wait(CLOSING_WAIT_S)

    def _note_cancelled(self) -> None:
        self._was_cancelled = True

    def _end(self) -> None:
        self._job = None
        self.stopped.emit(self._was_cancelled)
        if self._next is not None:
            following, self._next = self._next, None
            self.run(*following)

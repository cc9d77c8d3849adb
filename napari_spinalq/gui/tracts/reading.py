"""Maps that were saved earlier, back on the table with the masks they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from psygnal import Signal

from napari_spinalq.derivatives.map_paths import maps_of_exam
from napari_spinalq.exam import Exam
from napari_spinalq.geometry import Grid
from napari_spinalq.gui.saving import Saver
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.tracts.acquisitions import key_of
from napari_spinalq.gui.tracts.inputs import DRAWN_FROM, Inputs, inputs_of, inputs_of_record
from napari_spinalq.gui.tracts.mapper import Mapper
from napari_spinalq.gui.tracts.shown import ShownMaps, show_over
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.gui.workers import CLOSING_WAIT_S, Job
from napari_spinalq.progress import Progress
from napari_spinalq.results import MapsResult

READING = "Reading saved maps"
NOT_BACK = "Saved maps were left alone: {why}"
OUTDATED = "values per tract are out of date: masks or discs changed since they were computed"
NOTHING_KNOWN = Inputs({}, ())
"""What maps rest on that say nothing of it, where masks were edited: no mask and no disc that is there now."""


class SavedMaps:
    """Looks for saved maps once an exam is shown with its saved masks, off the main thread. It never writes."""

    told = Signal(str, str)

    def __init__(self, session: Session, saver: Saver, mapper: Mapper) -> None:
        self._session, self._saver, self._mapper = session, saver, mapper
        self._looked = False
        self._job: Job | None = None
        session.exam_changed.connect(self._forget)

    def look(self, work: ScanWork) -> None:
        """Read the maps that were saved for the exam on the table, unless that was done before."""
        exam, folder = self._session.exam, self._saver.home()
        if exam is None or self._looked or self._job is not None or not _any_saved(exam, folder):
            return
        self._looked = True
        like = work.scan.grid
        self._job = Job(READING, lambda progress: _read(exam, folder, like, progress))
        self._job.succeeded.connect(lambda found: self._take(exam, found))
        self._job.refused.connect(lambda error: self.told.emit("warn", NOT_BACK.format(why=error)))
        self._job.ended.connect(self._end)
        self._job.start()

    def for_saving(self, folder: Path | None) -> tuple[MapsResult, ...]:
        """Return the maps on the table that are up to date and, of a folder, those that were saved there before.

        Of one acquisition the one on the table counts. Saved maps whose masks or discs changed since say so in a flag:
        without them saving a mask would drop their rows from the table.
        """
        own, acquisitions = self._mapper.results(), self._mapper.acquisitions
        if folder is None or self._session.exam is None:
            return own
        # Imported here, as the chains of maps come along, which would hold up the opening of every window.
        from napari_spinalq.reopen_maps import saved_maps

        known = {key_of(one, acquisitions) for one in own}
        saved = saved_maps(self._session.exam, folder, refused=lambda why: None)
        return (*own, *(self._dated(one) for one in saved if key_of(one, acquisitions) not in known))

    @property
    def reading(self) -> bool:
        """Whether maps are being read."""
        return self._job is not None

    def stop(self) -> None:
        """Read no more: the window closes."""
        self._session.exam_changed.disconnect(self._forget)
        if self._job is not None:
            self._job.stop_and_wait(CLOSING_WAIT_S)

    def _take(self, exam: Exam, found: Sequence[ShownMaps]) -> None:
        """Put what was read on the table, without taking the place of what was computed meanwhile."""
        if exam is not self._session.exam:
            return
        for shown in reversed(found):  # the first is in hand in the end
            key = key_of(shown.result, self._mapper.acquisitions)
            if key is not None and not self._mapper.has(key):
                self._mapper.take(key, shown, self._rests_on(shown.result))

    def _dated(self, result: MapsResult) -> MapsResult:
        """Return a result that says so if masks or discs changed since it was made."""
        opened = [work.scan.name for work in self._session.works]
        if not self._rests_on(result).differ(inputs_of(self._session), opened):
            return result
        return replace(result, flags=tuple(dict.fromkeys([*result.flags, OUTDATED])))

    def _rests_on(self, result: MapsResult) -> Inputs:
        """Return what the sidecar says that a result rests on; else what is there, unless someone edited that."""
        known = inputs_of_record(result.parameters.get(DRAWN_FROM))
        if known is not None:
            return known
        edited = any(work.edited for work in self._session.works)
        return NOTHING_KNOWN if edited else inputs_of(self._session)

    def _forget(self) -> None:
        """Look again: another exam is on the table. If only scans came to it, some are open."""
        self._looked = self._looked and bool(self._session.works)

    def _end(self) -> None:
        self._job = None


def _any_saved(exam: Exam, folder: Path) -> bool:
    return any(paths.map("fa" if paths.diffusion else "mtr").exists() for paths in maps_of_exam(exam, folder))


def _read(exam: Exam, folder: Path, like: Grid, progress: Progress) -> list[ShownMaps]:
    # Imported here: it brings dipy along, which would hold up the opening of every window.
    from napari_spinalq.gui.tracts.microstructure import saved_with_checks

    progress(0.0, READING)
    return [show_over(result, like, check) for result, check in saved_with_checks(exam, folder)]

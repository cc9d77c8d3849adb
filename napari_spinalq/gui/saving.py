"""Saving the work as BIDS derivatives, and the table as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from psygnal import Signal

from napari_spinalq.derivatives import metrics_table, output_paths, write_exams
from napari_spinalq.errors import InputError
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import ScanWork
from napari_spinalq.io.samples import is_sample
from napari_spinalq.io.save import save_table
from napari_spinalq.io.sidecar import Provenance
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.reopen import results_of_others
from napari_spinalq.results import ExamResult, MapsResult, ScanResult
from napari_spinalq.scan import place_of

FOLDER = Path("derivatives") / "napari-spinalq"

NOTHING_TO_SAVE = "There is no cord mask yet, so there is nothing to save; segment the cord first."


def folder_beside(scan: Path) -> Path:
    """Return the folder where BIDS expects the derivatives of a scan."""
    scan = place_of(scan)
    if is_sample(scan):
        return Path.cwd() / "out" / FOLDER
    subject = next((parent for parent in scan.parents if parent.name.startswith("sub-")), None)
    return (subject.parent if subject else scan.parent) / FOLDER


class Saver:
    """Measures every mask of the session as it is now, and writes all that belongs to it; ``saved`` tells of it.

    ``maps`` returns those on the table and, for a folder, those that were saved there; until someone knows what is on
    the table, those saved there alone.
    """

    saved = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.maps: Callable[[Path | None], tuple[MapsResult, ...]] = self._saved_maps
        self.folder: Path | None = None
        self._last: dict[tuple[str, str, Path], Path] = {}
        session.exam_changed.connect(self._forget_folder)

    def suggestion(self) -> Path:
        """Return the folder where BIDS expects derivatives: beside the subject's folder, else beside the scans.

        A sample exam may lie inside the installed package, which is no place for anyone's work.
        """
        files = self._session.exam.files if self._session.exam else ()
        if not files:
            return Path.cwd()
        return folder_beside(files[0].path)

    def home(self) -> Path:
        """Return the folder where this exam was saved last since the window opened, else the suggestion."""
        return self.folder or self._last.get(self._key()) or self.suggestion()

    def existing(self, folder: Path) -> list[Path]:
        """Return the earlier results of this exam in a folder.

        Raises
        ------
        InputError
            If no exam is open.
        """
        if self._session.exam is None:
            raise InputError(NOTHING_TO_SAVE)
        return [path for path in output_paths([self._session.exam], folder, shared=True) if path.exists()]

    def save(self, folder: Path, *, overwrite: bool) -> list[Path]:
        """Write masks, levels, discs, measures and report; earlier results are replaced only if ``overwrite``.

        Scans of the exam that were saved before and are not open now keep their masks and their rows; so do maps, as
        far as they can be used.

        Raises
        ------
        InputError
            If there is no mask, a mask is empty, or something is in the way.
        """
        result = self.result()
        opened = {work.scan.source.path for work in self._session.works if work.scan.source}
        others = results_of_others(result.exam, folder, self._session.labelling, opened)
        # The maps are part of table and report too: without them, saving a mask would drop the rows of the tracts.
        maps = self.maps(folder)
        whole = replace(result, scans=(*result.scans, *others), maps=maps)
        written = write_exams([whole], folder, overwrite=overwrite, shared=True)
        self.folder = self._last[self._key()] = folder
        self._session.mark_saved()
        self.saved.emit()
        return written

    def export(self, path: Path) -> Path:
        """Write the measures per level to one table (the user has agreed to replace it)."""
        result = self.result()
        sources = [scan.scan.source for scan in result.scans if scan.scan.source]
        flags = [flag for scan in result.scans for flag in scan.all_flags]
        provenance = Provenance("Measures per vertebral level", sources, flags=flags)
        return save_table(metrics_table(result), path, provenance, overwrite=True)

    def result(self) -> ExamResult:
        """Measure every mask of the session as it is now, from the whole mask.

        Raises
        ------
        InputError
            If there is no mask or one is empty.
        """
        works = [work for work in self._session.first_reads if work.mask is not None]
        if self._session.exam is None or not works:
            raise InputError(NOTHING_TO_SAVE)
        return ExamResult(self._session.exam, tuple(self._measured(work) for work in works), maps=self.maps(None))

    def _measured(self, work: ScanWork) -> ScanResult:
        labelling = self._session.labelling
        discs = {disc.name: disc.origin.value for disc in labelling.discs}
        parameters = {**work.record(), "discs": discs}
        return measure_scan(
            work.scan,
            work.mask_on_file_grid(),
            labelling,
            parameters=parameters,
            flags=work.flags,
            drawn=work.drawn_structures(),
        )

    def _saved_maps(self, folder: Path | None) -> tuple[MapsResult, ...]:
        from napari_spinalq.reopen_maps import saved_maps  # loads much that a window does not need at its start

        exam = self._session.exam
        return saved_maps(exam, folder) if exam is not None and folder is not None else ()

    def _key(self) -> tuple[str, str, Path]:
        """Tell exams apart, whether one was opened as a folder or as some of its scans."""
        exam = self._session.exam
        return (exam.subject, exam.session, self.suggestion()) if exam else ("", "", self.suggestion())

    def _forget_folder(self) -> None:
        self.folder = None

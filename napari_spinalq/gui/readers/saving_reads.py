"""Saving second reads and the consensus, with the questions that this may take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_spinalq.derivatives.paths import scan_paths
from napari_spinalq.gui import dialogs
from napari_spinalq.gui.work import CORD
from napari_spinalq.quality.readers.reads import CONSENSUS, read_path

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk


def save_reads(desk: Desk) -> bool:
    """Save second reads that changed, and every consensus on which something was decided; False if they were not.

    Raises
    ------
    InputError
        As :func:`~napari_spinalq.quality.readers.reads.save_read`.
    OSError
        If the disk is full or gone; what was saved until then is whole.
    """
    folder = desk.saver.folder or dialogs.choose_output_folder(desk.window, desk.saver.home())
    if not folder:
        return False
    known, work = desk.session.labelling, desk.session.current
    existing = [*desk.raters.targets(folder), *_consensus_files(desk, folder)]
    if existing and not dialogs.ask_overwrite(desk.window, existing):
        desk.told.emit("plain", "Not saved: the earlier read was kept.")
        return False
    written = desk.raters.save(folder, overwrite=bool(existing))
    written += desk.settler.save(folder, overwrite=bool(existing))
    desk.recorder.note_reads_saved()
    desk.saver.folder = folder
    if work is not None and work.rater and known == desk.raters.discs_at_begin:
        desk.session.mark_saved()
    desk.told.emit("good", f"Saved {', '.join(path.name for path in written)}" if written else "All is saved.")
    return True


def _consensus_files(desk: Desk, folder: Path) -> list[Path]:
    """Return the consensus masks in a folder that saving would replace."""
    names = [(work.scan.source.path.name, desk.session.exam) for work in desk.settler.unsaved() if work.scan.source]
    targets = [read_path(scan_paths(name, exam, folder), CORD, CONSENSUS) for name, exam in names]
    return [path for path in targets if path.exists()]

"""Saving second reads and the consensus, with the questions that this may take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_spinalq.derivatives.paths import scan_paths
from napari_spinalq.errors import InputError
from napari_spinalq.gui import dialogs
from napari_spinalq.gui.session import CORD
from napari_spinalq.quality.reads import CONSENSUS, read_path

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk


def save_reads(desk: Desk) -> bool:
    """Save the second reads that changed, or the consensus if it is at hand; False if they were not saved."""
    folder = desk.saver.folder or dialogs.choose_output_folder(desk.window, desk.saver.home())
    if not folder:
        return False
    work, known = desk.session.current, desk.session.labelling
    try:
        if work is not None and work.rater == CONSENSUS:
            target = read_path(scan_paths(work.scan.source.path.name, desk.session.exam, folder), CORD, CONSENSUS)
            existing = [target] if target.exists() else []
            written = _written(desk, existing, lambda: desk.comparer.save(folder, overwrite=bool(existing)))
        else:
            existing = desk.raters.targets(folder)
            written = _written(desk, existing, lambda: desk.raters.save(folder, overwrite=bool(existing)))
    except InputError as error:
        desk.refuse(str(error))
        return False
    if written is None:
        return False
    if work is not None and work.rater and known == desk.session.labelling:
        desk.session.mark_saved()
    desk.told.emit("good", f"Saved {', '.join(path.name for path in written)}" if written else "All is saved.")
    return True


def _written(desk: Desk, existing: list[Path], save: Callable[[], list[Path]]) -> list[Path] | None:
    if existing and not dialogs.ask_overwrite(desk.window, existing):
        desk.told.emit("plain", "Not saved: the earlier read was kept.")
        return None
    return save()

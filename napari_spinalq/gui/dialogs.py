"""The questions that are asked in a window of their own."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

_SCANS = "NIfTI scans (*.nii *.nii.gz)"
_TABLES = "CSV table (*.csv);;TSV table (*.tsv)"
_SHOWN = 6


class Answer(StrEnum):
    """What someone decided about unsaved work."""

    SAVE = "save"
    DISCARD = "discard"
    CANCEL = "cancel"


class Access(StrEnum):
    """What someone decided about an exam on which another person works."""

    READ_ONLY = "read only"
    TAKE_OVER = "take over"


def ask_access(parent: QWidget, who: str) -> Access:
    """Ask what to do about an exam on which someone else works; closing the question means to look only."""
    text = f"{who}\n\nLook at it only, or take it over? Whoever works on it now can then only look."
    box = QMessageBox(QMessageBox.Icon.Warning, "Someone works on this exam", text, parent=parent)
    look = box.addButton("Read only", QMessageBox.ButtonRole.RejectRole)
    over = box.addButton("Take over", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(look)
    box.setEscapeButton(look)
    box.exec()
    return Access.TAKE_OVER if box.clickedButton() is over else Access.READ_ONLY


def ask_recover(parent: QWidget, what: str) -> bool:
    """Ask whether edits that were not saved shall come back; else they are kept aside."""
    text = f"{what} Bring them back?"
    box = QMessageBox(QMessageBox.Icon.Question, "Edits that were not saved", text, parent=parent)
    back = box.addButton("Bring back", QMessageBox.ButtonRole.AcceptRole)
    box.addButton("Keep aside", QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(back)
    box.setEscapeButton(back)
    box.exec()
    return box.clickedButton() is back


def confirm(parent: QWidget, question: str, consequence: str, deed: str) -> bool:
    """Ask whether to go on; ``deed`` is the verb on the button."""
    box = QMessageBox(QMessageBox.Icon.Question, question, f"{question}\n\n{consequence}", parent=parent)
    go = box.addButton(deed, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    return box.clickedButton() is go


def ask_unsaved(parent: QWidget) -> Answer:
    """Ask what shall become of edits that are not saved."""
    buttons = QMessageBox.StandardButton
    box = QMessageBox(
        QMessageBox.Icon.Warning,
        "Unsaved edits",
        "A mask or the discs were changed and are not saved.",
        buttons.Save | buttons.Discard | buttons.Cancel,
        parent,
    )
    box.setDefaultButton(buttons.Save)
    answers = {buttons.Save: Answer.SAVE, buttons.Discard: Answer.DISCARD}
    return answers.get(buttons(box.exec()), Answer.CANCEL)


def ask_overwrite(parent: QWidget, paths: Sequence[Path]) -> bool:
    """Ask whether existing results may be replaced."""
    names = [path.name for path in paths[:_SHOWN]]
    if len(paths) > _SHOWN:
        names.append(f"and {len(paths) - _SHOWN} more")
    listing = "\n".join(names)
    return confirm(parent, "Replace earlier results?", f"In {paths[0].parent}:\n{listing}", "Replace")


def choose_scans(parent: QWidget) -> list[str]:
    """Let the user choose scans; an empty list if none."""
    return QFileDialog.getOpenFileNames(parent, "Open the scans of one exam", "", _SCANS)[0]


def choose_exam_folder(parent: QWidget) -> str:
    """Let the user choose the folder of an exam; empty if none."""
    return QFileDialog.getExistingDirectory(parent, "Open the folder of one exam")


def choose_results_folder(parent: QWidget) -> str:
    """Let the user choose a folder of results to be rated; empty if none."""
    return QFileDialog.getExistingDirectory(parent, "Open a folder of results")


def choose_images_folder(parent: QWidget) -> str:
    """Let the user choose where the images of results lie; empty if none."""
    return QFileDialog.getExistingDirectory(parent, "Where the images lie")


def choose_output_folder(parent: QWidget, suggestion: Path) -> Path | None:
    """Let the user take the suggested folder for results or choose another; None if neither."""
    box = QMessageBox(QMessageBox.Icon.Question, "Save results", f"Save the results in\n{suggestion} ?", parent=parent)
    here = box.addButton("Save here", QMessageBox.ButtonRole.AcceptRole)
    other = box.addButton("Other folder…", QMessageBox.ButtonRole.ActionRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(here)
    box.exec()
    if box.clickedButton() is here:
        return suggestion
    if box.clickedButton() is not other:
        return None
    chosen = QFileDialog.getExistingDirectory(parent, "Save results in")
    return Path(chosen) if chosen else None


def choose_table_file(parent: QWidget, start: Path) -> str:
    """Let the user name a table file; empty if none. The file dialog itself asks before it replaces a file."""
    path, kind = QFileDialog.getSaveFileName(parent, "Export the table", str(start), _TABLES)
    if path and Path(path).suffix not in (".csv", ".tsv"):
        path += ".tsv" if kind.startswith("TSV") else ".csv"
    return path


def choose_compared(parent: QWidget) -> str:
    """Let the user choose a scan or a mask to compare with; an empty string if none."""
    return QFileDialog.getOpenFileName(parent, "Compare with a scan or a mask (read only)", "", _SCANS)[0]


def choose_map(parent: QWidget) -> str:
    """Let the user choose the file of a map; empty if none."""
    return QFileDialog.getOpenFileName(parent, "Read a map (such as PET, T1 or T2*) per tract", "", _SCANS)[0]


def choose_atlas_folder(parent: QWidget) -> str:
    """Let the user choose the folder of an atlas; empty if none."""
    return QFileDialog.getExistingDirectory(parent, "Atlas: a folder with info_label.txt")

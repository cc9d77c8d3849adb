"""A quality-control round of five cases by keyboard only, with a picture of each step.

Five digital cases are made, four of them with an injected fault; then every step is a key press sent to the window::

    xvfb-run -a -s "-screen 0 1366x768x24" python docs/sessions/qc_round.py out/qc_round --size 1366x768 --theme dark
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import napari
import numpy as np
from napari._qt import qt_main_window
from napari.settings import get_settings
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_spinalq.gui.app import DOCK_NAME
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.io.save import save_mask
from napari_spinalq.io.sidecar import Provenance
from napari_spinalq.quality.faults import inject
from napari_spinalq.quality.faults.case import Case
from napari_spinalq.quality.flags.checks import Check
from napari_spinalq.quality.worklist.rating_file import STATE_VARIABLE

FAULTS: Mapping[str, Check | None] = {
    "01": None,
    "02": Check.LEAK,
    "03": Check.MISSING_SLICE,
    "04": Check.SECOND_COMPONENT,
    "05": Check.HOLE,
}
"""What is wrong with the mask of each subject."""

SEVERITY = 0.8
PATIENCE_S = 120


def five_cases(folder: Path, suffix: str = "T2w") -> Path:
    """Make a dataset of five subjects with automatic masks, four of them faulty; return the folder of the masks."""
    truth = sample_folder() / "derivatives" / "truth"
    results = folder / "derivatives" / "auto"
    for number, (subject, fault) in enumerate(FAULTS.items()):
        source = ("sub-healthy01", "sub-als01")[number % 2]
        image = folder / f"sub-{subject}" / "anat" / f"sub-{subject}_{suffix}.nii.gz"
        image.parent.mkdir(parents=True)
        shutil.copy(sample_folder() / source / "anat" / f"{source}_{suffix}.nii.gz", image)
        scan = load_scan(image)
        mask = load_mask(truth / source / "anat" / f"{source}_{suffix}_label-cord_mask.nii.gz", like=scan.grid)
        case = Case(scan, np.asarray(mask.data, np.uint8))
        if fault is not None:
            case = inject(case, fault, np.random.default_rng(number), SEVERITY)
        path = results / f"sub-{subject}" / "anat" / f"sub-{subject}_space-{suffix}_label-cord_mask.nii.gz"
        save_mask(case.cord, scan, path, Provenance("Cord mask", [scan.source]))
        levels = truth / source / "anat" / f"{source}_{suffix}_label-levels_dseg.nii.gz"
        shutil.copy(levels, path.with_name(f"sub-{subject}_space-{suffix}_label-levels_dseg.nii.gz"))
    return results


class Reader:
    """Presses keys as a person does, and keeps pictures."""

    def __init__(self, viewer: napari.Viewer, dock: SpinalCordDock, pictures: Path) -> None:
        self.viewer, self.dock, self._pictures = viewer, dock, pictures
        self._count = 0

    def press(self, *keys: Qt.Key) -> None:
        """Press keys wherever the focus is, and wait until what they brought is on display."""
        for key in keys:
            QTest.keyClick(self._focus(), key)
            self.wait()

    def write(self, text: str) -> None:
        """Type into the field that has the focus."""
        QTest.keyClicks(self._focus(), text)

    def _focus(self) -> QWidget:
        """Return the widget that gets the keys; a virtual display without window manager activates no window."""
        window = self.viewer.window._qt_window
        return window.focusWidget() or window

    def wait(self) -> None:
        """Wait until nothing is being read or measured."""
        desk = self.dock.desk
        _spin(lambda: not desk.worklist.busy and not desk.runner.busy and desk.measurer.settled)

    def keep(self, name: str) -> None:
        """Keep a picture of the window."""
        ready = time.monotonic() + 1.2  # napari's own highlights fade
        _spin(lambda: time.monotonic() > ready)
        self._count += 1
        path = self._pictures / f"{self._count}_{name}.png"
        Image.fromarray(self.viewer.screenshot(canvas_only=False, flash=False)).convert("RGB").save(path)
        print(path)


def main() -> None:
    """Read five cases."""
    words = _arguments()
    words.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        os.environ[STATE_VARIABLE] = str(Path(made) / "state")
        results = five_cases(Path(made) / "study")
        viewer = _viewer(words.size, words.theme)
        dock = SpinalCordDock(viewer)
        viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right")
        reader = Reader(viewer, dock, words.folder)
        dock.show_page("QC")
        dock.desk.worklist.set_rater("A. Reader")
        dock.desk.worklist.open_folder(results)
        _round(reader)
        print((results / "ratings.tsv").read_text())
        print((results / "qc_fail.yml").read_text())
        dock.desk.session.mark_saved()
        viewer.close()


def _round(reader: Reader) -> None:
    """Rate five cases: look, say why, take one back, open one to edit."""
    key = Qt.Key
    worklist = reader.dock.desk.worklist
    _spin(lambda: worklist.round is not None and all(map(worklist.reader.summary, worklist.round.found.cases)))
    reader.wait()
    reader.keep("worst_first")
    reader.press(key.Key_F)
    reader.keep("flagged_slice")
    reader.press(key.Key_C)
    reader.keep("comment")
    reader.press(key.Key_1)
    reader.write(", C5")
    reader.press(key.Key_Return, key.Key_2)
    reader.keep("next_case")
    reader.press(key.Key_3, key.Key_U)
    reader.keep("taken_back")
    reader.press(key.Key_2, key.Key_2, key.Key_2, key.Key_1)
    reader.keep("all_rated")
    reader.press(key.Key_K, key.Key_K, key.Key_K, key.Key_E)
    reader.keep("edit")


def _arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("folder", type=Path, help="where the pictures go")
    words.add_argument("--size", default="1366x768")
    words.add_argument("--theme", default="dark", choices=["dark", "light"])
    return words.parse_args()


def _viewer(size: str, theme: str) -> napari.Viewer:
    qt_main_window.SHOW_QT_WARNING = False
    get_settings().application.save_window_geometry = False
    get_settings().appearance.theme = theme
    viewer = napari.Viewer(title="napari-spinalq")
    viewer.window._qt_window.setGeometry(0, 0, *(int(edge) for edge in size.split("x")))
    return viewer


def _spin(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the app did not finish its work")
        QApplication.processEvents()
        time.sleep(0.005)
    QApplication.processEvents()


if __name__ == "__main__":
    main()

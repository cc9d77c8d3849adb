"""A session by mouse and keys: the program is killed in mid-stroke, and the next start brings the strokes back.

The first window runs in a process of its own, which is ended with ``SIGKILL`` while the mouse button is down. The
second window asks its question, and the button that answers it is pressed::

    xvfb-run -a -s "-screen 0 1366x768x24" python docs/sessions/recover.py out/recover
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from driver import COLOURS, Session
from PIL import Image
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QGuiApplication
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox

LEVEL = "C4"
STROKES = 3
BRUSH_MM = 2.0
BESIDE_MM = 6.0
"""Strokes lie this far in front of the cord's middle."""

DRAWING, STROKE, HELD = "draw", "stroke", "held"
"""First word of the arguments of the window that is killed, and of what it tells."""


def main(folder: Path, theme: str = "dark") -> None:
    """Do the session; print what was drawn before the end and what came back."""
    place = Path(tempfile.mkdtemp())
    drawn = draw_until_killed(folder, theme, place)
    QTimer.singleShot(0, lambda: answer(folder))
    session = Session(folder, theme=theme, folder=place)
    session.wait()
    to_level(session)
    session.picture("3_recovered")
    found = edited(session)
    print(f"slices with finished strokes: {drawn}; slices edited after the second start: {found}")
    print("the line at the foot:", session.dock.status.line.text())
    session.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    session.wait()
    print(f"after one undo: {edited(session)}")
    session.close()
    shutil.rmtree(place)


def draw_until_killed(folder: Path, theme: str, place: Path) -> list[int]:
    """Draw in another process, end it in mid-stroke, and return the slices that it had finished."""
    words = [sys.executable, __file__, DRAWING, folder, theme, place]
    drawing = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    finished = []
    for line in drawing.stdout:
        kind, _, rest = line.strip().partition(" ")
        if kind == STROKE:
            finished.append(int(rest))
        if kind == HELD:
            break
    drawing.kill()
    print(f"killed in mid-stroke on slice {rest}: exit status {drawing.wait()} (-{int(signal.SIGKILL)} is SIGKILL)")
    return sorted(finished)


def draw(folder: Path, theme: str, place: Path) -> None:
    """Segment, draw strokes and tell of each; then hold the button down until the end."""
    session = Session(folder, theme=theme, folder=place)
    session.key(Qt.Key.Key_F7)
    session.wait()
    session.key(Qt.Key.Key_F8)
    session.wait()
    to_level(session)
    session.key(Qt.Key.Key_D)
    session.desk.tools.set_size(BRUSH_MM)
    for _ in range(STROKES):
        session.drag(across(session))
        session.wait()
        print(STROKE, session.desk.slices.here(), flush=True)
        session.key(Qt.Key.Key_Down)
    session.drag(across(session), release=False)
    session.picture("1_killed_here")
    print(HELD, session.desk.slices.here(), flush=True)
    session.rest(600)


def to_level(session: Session) -> None:
    """Go to the level in cross section, close on the cord, with the tools."""
    dock = session.dock
    dock.show_page("Correct")
    row = [row["level"] for row in dock.measure_panel.model.rows()].index(LEVEL)
    dock.measure_panel.table.selectRow(row)
    session.key(Qt.Key.Key_F2)
    session.key(Qt.Key.Key_F6)
    session.wait()


def across(session: Session) -> list[np.ndarray]:
    """Return two displayed world points in front of the cord, in the slice shown."""
    mask = session.desk.session.current.mask
    index = session.desk.slices.here()
    rows, columns = np.nonzero(mask.data[index])
    middle = np.array(mask.data_to_world((index, rows.mean(), columns.mean())))
    return [middle + np.array([0, BESIDE_MM, x]) for x in (-2.0, 2.0)]


def answer(folder: Path) -> None:
    """Wait for the question, keep a picture of the screen, and press the button that brings the edits back."""
    box = QApplication.activeModalWidget()
    if not isinstance(box, QMessageBox):
        QTimer.singleShot(200, lambda: answer(folder))
        return
    print("asked:", box.text())
    QTest.qWait(500)
    pixels = QGuiApplication.primaryScreen().grabWindow(0).toImage()
    path = folder / "2_question.png"
    pixels.save(str(path))
    Image.open(path).convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    print(f"picture {path}")
    QTest.mouseClick(box.defaultButton(), Qt.MouseButton.LeftButton)


def edited(session: Session) -> list[int]:
    """Return the slices that count as edited."""
    return np.flatnonzero(session.desk.session.current.edited_slices()).tolist()


if __name__ == "__main__":
    if sys.argv[1:2] == [DRAWING]:
        draw(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
    else:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/recover"), *sys.argv[2:3])

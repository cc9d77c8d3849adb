"""Connections that end with a widget, however that widget comes to its end."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("napari")

from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_spinalq.gui.links import Links

pytestmark = pytest.mark.gui


class Teller:
    """Something to listen to."""

    told = Signal(int)


class Listener(QWidget):
    """A widget that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def hear(self, number: int) -> None:
        """Keep a number."""
        self.heard.append(number)


def test_a_widget_that_is_destroyed_is_told_nothing_any_more(qtbot):
    teller, listener = Teller(), Listener()
    links = Links([(teller.told, listener.hear)])
    links.cut_with(listener)
    teller.told.emit(1)
    with qtbot.waitSignal(listener.destroyed):
        listener.deleteLater()
    assert not links.connected
    teller.told.emit(2)
    assert listener.heard == [1]


def test_a_desk_keeps_no_dock_that_is_gone(hand, qtbot):
    desk = hand.desk
    before = len(desk._docks)
    for told in ([], []):
        listener, teller = Listener(), Teller()
        desk.attach(listener, [(teller.told, told.append)])
        with qtbot.waitSignal(listener.destroyed):
            listener.deleteLater()
        teller.told.emit(1)
        assert told == []
    assert len(desk._docks) == before + 1


A_WINDOW_AS_GARBAGE = """
import gc
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget
from napari_spinalq.gui.links import Links

class Window:
    "Like napari's: a Python object that owns the window of Qt and is part of a cycle."

    def __init__(self):
        self.itself, self.native, self.dock = self, QMainWindow(), QWidget()
        self.links = Links([])
        self.links.cut_with(self.dock)
        self.native.setCentralWidget(self.dock)

application = QApplication([])
gc.disable()
held_by_dock = gc.get_referents((window := Window()).dock)
windows = [window]
del window
gc.collect()  # sorts what is held by the dock, slots among it, before the window: garbage is emptied in that order
del held_by_dock, windows
gc.collect()
print("still here")
"""


def test_a_window_that_python_finds_as_garbage_brings_nothing_down():
    done = subprocess.run([sys.executable, "-c", A_WINDOW_AS_GARBAGE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "still here"), done.stderr

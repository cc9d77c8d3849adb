"""A real napari with the dock that paints on an exam until it is killed in the middle of a stroke."""

from __future__ import annotations

import sys
import time

import napari
import numpy as np
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication

from napari_spinalq.gui import layers
from napari_spinalq.gui.app import DOCK_NAME
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.io.journal import mask_digest
from napari_spinalq.io.nifti import load_mask
from tests.gui.conftest import LIMIT_MS, Hand
from tests.gui.test_history import face, paint

SLICES = (60, 90, 120)


class Waiter:
    """Waits as qtbot does, where there is no test."""

    def wait(self, milliseconds: int) -> None:
        end = time.monotonic() + milliseconds / 1000
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.005)

    def waitUntil(self, done, timeout: int = LIMIT_MS) -> None:
        end = time.monotonic() + timeout / 1000
        while not done():
            assert time.monotonic() < end
            self.wait(10)


def main(exam: str, truth: str) -> None:
    """Paint three strokes, tell the digest of the mask after each, begin a fourth and stay in it."""
    viewer = napari.Viewer()
    dock = SpinalCordDock(viewer)
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right")
    viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
    hand = Hand(dock, Waiter())
    hand.desk.open_paths([exam])
    hand.wait()
    work = hand.desk.session.current
    mask = load_mask(truth, like=work.scan.grid)
    layer = layers.add_mask(viewer, np.asarray(mask.data), work.scan, work.image)
    hand.desk.session.set_mask(work, layer, None)
    hand.wait()
    for index in SLICES:
        paint(hand, index)
        print("mask", mask_digest(layer.data), flush=True)
    before = layer.data.copy()
    centre = face(hand, 140)
    hand._send(QEvent.Type.MouseButtonPress, hand.pixel(centre + np.array([0, 5, 0])), Qt.MouseButton.LeftButton)
    for x in (0.5, 1.0, 1.5):
        hand._send(QEvent.Type.MouseMove, hand.pixel(centre + np.array([0, 5, x])), Qt.MouseButton.LeftButton)
    print("end in a stroke" if (layer.data != before).any() else "end without a stroke", flush=True)
    Waiter().wait(LIMIT_MS)


if __name__ == "__main__":
    main(*sys.argv[1:])

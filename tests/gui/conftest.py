"""A viewer with the dock, a sample exam with known truth, and a hand for the mouse."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("napari")

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_spinalq.gui import dialogs, layers, settings
from napari_spinalq.gui.app import DOCK_NAME
from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.gui.views.arrangement import GRID
from napari_spinalq.gui.views.dock import NAME as VIEWS_NAME
from napari_spinalq.gui.views.dock import ViewsDock
from napari_spinalq.io.journal.places import STATE_VARIABLE
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.vertebrae import disc_number

SUBJECT = "sub-healthy01"
SAMPLE_VARIABLE = "SPINALQ_SLOW_WINDOWS"
"""Set to n, every nth of the slow tests of each file is run: opening a window takes seconds."""

LIMIT_MS = 60_000


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a sample of the slow tests of each file, where one is asked for."""
    every = int(os.environ.get(SAMPLE_VARIABLE, "1"))
    seen: Counter[Path] = Counter()
    kept, left_out = [], []
    for item in items:
        slow = item.get_closest_marker("slow") is not None and Path(__file__).parent in item.path.parents
        (left_out if slow and seen[item.path] % every else kept).append(item)
        seen[item.path] += slow
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


class Hand:
    """Does with real mouse events what a person does, and waits as a person would."""

    def __init__(self, dock: SpinalCordDock, qtbot) -> None:
        self.dock, self.desk, self.viewer, self._qtbot = dock, dock.desk, dock.desk.viewer, qtbot

    def wait(self) -> None:
        """Wait until nothing is running and all numbers are complete."""
        self._qtbot.wait(20)
        self._qtbot.waitUntil(lambda: not self.desk.runner.busy and self.desk.measurer.settled, timeout=LIMIT_MS)

    def pixel(self, world) -> QPoint:
        """Return the canvas pixel of a displayed world point (z, y, x): superior and anterior up, right to the left."""
        canvas, camera = self.viewer.window._qt_viewer.canvas.native, self.viewer.scene.camera
        extra = self.viewer.dims.ndim - 3
        vertical, horizontal = (float(world[axis - extra]) for axis in self.viewer.dims.displayed)
        _, cy, cx = camera.center
        x = canvas.width() / 2 - (horizontal - cx) * camera.zoom
        y = canvas.height() / 2 - (vertical - cy) * camera.zoom
        return QPoint(round(x), round(y))

    def drag(self, *worlds, button=Qt.MouseButton.LeftButton, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
        """Press at the first point, move over the others, release at the last."""
        pixels = [self.pixel(world) for world in worlds]
        self._send(QEvent.Type.MouseMove, pixels[0], Qt.MouseButton.NoButton, modifiers)
        self._send(QEvent.Type.MouseButtonPress, pixels[0], button, modifiers)
        for pixel in pixels[1:]:
            self._send(QEvent.Type.MouseMove, pixel, button, modifiers)
        self._send(QEvent.Type.MouseButtonRelease, pixels[-1], button, modifiers)
        self._qtbot.wait(60)

    def double_click(self, world) -> None:
        """Click twice in quick succession: Qt tells the second press as a double click."""
        pixel, left = self.pixel(world), Qt.MouseButton.LeftButton
        for kind in (
            QEvent.Type.MouseButtonPress,
            QEvent.Type.MouseButtonRelease,
            QEvent.Type.MouseButtonDblClick,
            QEvent.Type.MouseButtonRelease,
        ):
            self._send(kind, pixel, left)
        self._qtbot.wait(60)

    def key(self, key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key while the image has the focus."""
        self._qtbot.keyClick(self.viewer.window._qt_viewer.canvas.native, key, modifiers)
        self._qtbot.wait(30)

    def world(self, voxel) -> np.ndarray:
        """Return the displayed world point of a voxel (z, y, x) of the cord mask."""
        return np.asarray(self.desk.session.current.mask.data_to_world(voxel), dtype=float)

    def voxel(self, world) -> np.ndarray:
        """Return where the pointer is when it is sent to a point: pixels are whole (fractional voxels z, y, x)."""
        canvas, pixel = self.viewer.window._qt_viewer.canvas, self.pixel(world)
        place = canvas._map_canvas2world((pixel.x(), pixel.y()), canvas.view)
        return np.asarray(self.desk.session.current.mask.world_to_data(place), dtype=float)[-3:]

    def click(self, world) -> None:
        """Click at a point."""
        self.drag(world)

    def click_row(self, level: str) -> None:
        """Click on the row of a level in the table."""
        table = self.dock.measure_panel.table
        model = table.model()
        row = next(row for row in range(model.rowCount()) if model.index(row, 0).data() == level)
        place = table.visualRect(model.index(row, 0)).center()
        self._qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)

    def press(self, button) -> None:
        """Click on a button."""
        self._qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def _send(self, kind, pixel: QPoint, button, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
        native = self.viewer.window._qt_viewer.canvas.native
        moved = kind == QEvent.Type.MouseMove
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
        event = QMouseEvent(
            kind,
            QPointF(pixel),
            QPointF(native.mapToGlobal(pixel)),
            Qt.MouseButton.NoButton if moved else button,
            held,
            modifiers,
        )
        QApplication.sendEvent(native, event)
        QApplication.processEvents()


class PaneMouse:
    """Real mouse events for the panes and for napari's canvas, with every button and modifier that they know."""

    LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
    NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    SHIFT = Qt.KeyboardModifier.ShiftModifier

    def drag(self, widget: QWidget, *spots: QPointF, button=LEFT, keys=NONE) -> None:
        """Press at the first spot, move over the others, release at the last."""
        self._send(widget, QEvent.Type.MouseButtonPress, spots[0], button, keys)
        for spot in spots[1:]:
            self._send(widget, QEvent.Type.MouseMove, spot, button, keys)
        self._send(widget, QEvent.Type.MouseButtonRelease, spots[-1], button, keys)

    def double_click(self, widget: QWidget, spot: QPointF, button=LEFT, keys=NONE) -> None:
        """Press, release, press again as Qt tells it, release."""
        press, release = QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease
        for kind in (press, release, QEvent.Type.MouseButtonDblClick, release):
            self._send(widget, kind, spot, button, keys)

    def wheel(self, widget: QWidget, notches: float, spot: QPointF | None = None, keys=NONE) -> None:
        """Turn the wheel; up is positive."""
        spot = QPointF(widget.width() / 2, widget.height() / 2) if spot is None else spot
        turned, phase = QPoint(0, round(120 * notches)), Qt.ScrollPhase.NoScrollPhase
        place = QPointF(widget.mapToGlobal(spot.toPoint()))
        event = QWheelEvent(spot, place, QPoint(), turned, Qt.MouseButton.NoButton, keys, phase, False)
        QApplication.sendEvent(widget, event)
        QApplication.processEvents()

    def _send(self, widget: QWidget, kind: QEvent.Type, spot: QPointF, button, keys) -> None:
        moved, released = kind == QEvent.Type.MouseMove, kind == QEvent.Type.MouseButtonRelease
        none = Qt.MouseButton.NoButton
        place = QPointF(widget.mapToGlobal(spot.toPoint()))
        event = QMouseEvent(kind, spot, place, none if moved else button, none if released else button, keys)
        QApplication.sendEvent(widget, event)
        QApplication.processEvents()


@pytest.fixture(scope="session")
def truth() -> Path:
    """Return the folder of the sample subject's true masks and discs."""
    return sample_folder() / "derivatives" / "truth" / SUBJECT / "anat"


@pytest.fixture
def exam_folder(tmp_path) -> Path:
    """Return a copy of a sample exam with a T2w, a T2* and a diffusion scan."""
    source, target = sample_folder() / SUBJECT, tmp_path / "data" / SUBJECT
    for pattern in ("anat/*_T2w.*", "anat/*_T2star.*", "dwi/*_dwi.*"):
        for path in source.glob(pattern):
            (target / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / path.parent.name)
    return target


@pytest.fixture(autouse=True)
def preferences(monkeypatch) -> SimpleNamespace:
    """Give every test preferences of its own, and leave those of the user alone."""
    own = SimpleNamespace(
        display=SimpleNamespace(convention="radiological"), views=SimpleNamespace(layout="column", workbench=False)
    )
    monkeypatch.setattr(settings, "get_plugin_settings", lambda: {settings.PLUGIN: own})
    return own


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    """Keep what is kept per user below ``tmp_path``."""
    folder = tmp_path / "state"
    monkeypatch.setenv(STATE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def answers(monkeypatch):
    """Answer every question that would open a window; tests change the answers."""
    given = {
        "unsaved": dialogs.Answer.DISCARD,
        "overwrite": True,
        "confirm": True,
        "recover": True,
        "access": dialogs.Access.READ_ONLY,
        "asked": [],
    }

    def answer(name):
        def reply(*_args):
            given["asked"].append(name)
            return given[name]

        return reply

    monkeypatch.setattr(dialogs, "ask_unsaved", answer("unsaved"))
    monkeypatch.setattr(dialogs, "ask_overwrite", answer("overwrite"))
    monkeypatch.setattr(dialogs, "confirm", answer("confirm"))
    monkeypatch.setattr(dialogs, "ask_recover", answer("recover"))
    monkeypatch.setattr(dialogs, "ask_access", answer("access"))
    monkeypatch.setattr(dialogs, "choose_output_folder", lambda _parent, suggestion: suggestion)
    return given


@pytest.fixture
def hand(make_napari_viewer, qtbot, answers) -> Iterator[Hand]:
    """Return a hand on a shown viewer with the dock."""
    viewer = make_napari_viewer(show=True)
    dock = SpinalCordDock(viewer)
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right")
    viewer.window._qt_window.setGeometry(0, 0, 1366, 768)
    qtbot.wait(50)
    made = Hand(dock, qtbot)
    yield made
    qtbot.wait(50)
    vars(made).clear()  # pytest keeps fixtures until the next test, and napari checks that its windows are gone


@pytest.fixture
def opened(hand, exam_folder) -> Hand:
    """Return a hand on the sample exam, its T2w scan on display."""
    hand.desk.open_paths([exam_folder])
    hand.wait()
    return hand


@pytest.fixture
def measured(opened, truth) -> Hand:
    """Return a hand on the sample exam with its true mask and discs, as if segmented and labelled."""
    desk = opened.desk
    work = desk.session.current
    mask = load_mask(truth / f"{SUBJECT}_T2w_label-cord_mask.nii.gz", like=work.scan.grid)
    layer = layers.add_mask(desk.viewer, np.asarray(mask.data), work.scan, work.image)
    desk.session.set_mask(work, layer, None)
    opened.wait()
    desk.session.set_labelling(Labelling(true_discs(truth), confirmed=True))
    opened.wait()
    desk.session.mark_saved()
    return opened


@pytest.fixture
def mouse() -> PaneMouse:
    """Return a mouse for the panes."""
    return PaneMouse()


@pytest.fixture
def views(measured, qtbot) -> Iterator[SimpleNamespace]:
    """Return the parts of the views, two by two, beside an axial main view of the measured exam."""
    dock = ViewsDock(measured.viewer)
    measured.viewer.window.add_dock_widget(dock, name=VIEWS_NAME, area="left", tabify=False)
    measured.desk.workbench.use(True)
    dock.use_layout(GRID)
    measured.desk.show_plane(Plane.AXIAL)
    qtbot.wait(80)
    names = ("desk", "bar", "panes", "others", "volume", "refresh")
    held = SimpleNamespace(**{name: getattr(dock, name) for name in names})
    del dock
    yield held
    vars(held).clear()  # pytest keeps fixtures until the next test, and napari checks that its windows are gone


def true_discs(truth: Path) -> tuple[Disc, ...]:
    """Return the discs of the sample subject as if detected."""
    table = pd.read_csv(truth / f"{SUBJECT}_discs.tsv", sep="\t")
    return tuple(
        Disc(disc_number(row["disc"]), (row["x_mm"], row["y_mm"], row["z_mm"]), Origin.DETECTED)
        for _, row in table.iterrows()
    )

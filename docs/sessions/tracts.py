"""A session by mouse: the diffusion series of a sample exam, from the cord to a tract that is outlined and pointed at.

Run it under a display; the pictures go into the folder that is named::

    xvfb-run -a -s "-screen 0 1366x768x24" python docs/sessions/tracts.py out/tracts
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from driver import Session
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_spinalq.geometry import to_work_order
from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.tracts.overlays import DIRECTIONS, IMAGE

OUTLINED = ("Lat. CST, L", "C4")
TRACT, LEVEL = "lateral_cst_left", 4


def main(folder: Path, theme: str = "dark", size: tuple[int, int] = (1366, 768)) -> None:
    """Do the session; print what was said, how long it took, and the values of the outlined tract."""
    session = Session(folder, pattern="*/*.*", theme=theme, size=size)
    dock, panel = session.dock, session.dock.tracts.panel
    session.press(dock.segment_panel.segment)
    session.wait()
    session.press(dock.levels_panel.find)
    session.wait()
    dock.show_page("Tracts")
    session.picture("1_before")
    print(panel.holds.text())
    compute(session, "diffusion")
    click_row(session, *OUTLINED)
    session.picture("2_outlined")
    session.hover(place(session))
    print(f"under the mouse: {session.viewer.status}")
    session.press(panel.boxes[IMAGE])
    session.picture("3_series")
    session.press(panel.boxes[IMAGE])
    session.press(panel.boxes["fa"])
    session.picture("4_fa")
    session.press(panel.boxes["fa"])
    session.press(panel.boxes[DIRECTIONS])
    session.picture("5_directions")
    session.press(panel.boxes[DIRECTIONS])
    for number, name in ((1, "6_motion"), (2, "7_gradients")):
        QTest.mouseClick(
            panel.pages.tabBar(), Qt.MouseButton.LeftButton, pos=panel.pages.tabBar().tabRect(number).center()
        )
        session.picture(name)
    QTest.mouseClick(panel.pages.tabBar(), Qt.MouseButton.LeftButton, pos=panel.pages.tabBar().tabRect(0).center())
    panel.acquisitions.setFocus()
    QTest.keyClick(panel.acquisitions, Qt.Key.Key_Down)
    compute(session, "magnetisation transfer")
    session.picture("8_transfer")
    session.close()


def compute(session: Session, what: str) -> None:
    """Press Compute and wait for the values."""
    panel = session.dock.tracts.panel
    begun = time.monotonic()
    session.press(panel.compute)
    session.wait()
    print(f"{what}: {time.monotonic() - begun:.1f} s, {len(panel.table.rows.rows())} rows. {panel.state.text()}")


def click_row(session: Session, tract: str, level: str) -> None:
    """Click on a row of the table and print it."""
    table = session.dock.tracts.panel.table
    model = table.model()
    rows = [
        [model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())
    ]
    number = next(number for number, cells in enumerate(rows) if cells[:2] == [tract, level])
    print(dict(zip((column.title for column in table.rows.columns), rows[number], strict=True)))
    spot = table.visualRect(model.index(number, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    session.rest(0.3)


def place(session: Session) -> np.ndarray:
    """Return the displayed world point in the middle of the outlined tract, in the slice on display."""
    result, grid = session.desk.tracts.result, session.desk.session.current.scan.grid
    share, work = to_work_order(result.tracts.fraction(TRACT), result.scan.grid)
    slices = np.flatnonzero(result.slice_levels == LEVEL)
    number = slices[len(slices) // 2]
    inside = np.argwhere(share[number] > 0.5)
    return mm_to_world(work.voxel_to_mm([number, *inside.mean(axis=0)]), grid)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/tracts"), *sys.argv[2:3])

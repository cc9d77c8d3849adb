"""A session by mouse and keys: a mask leaks into the CSF, a spike of the profile gives it away, the eraser mends it.

Run it under a display; the pictures go into the folder that is named::

    xvfb-run -a -s "-screen 0 1366x768x24" python docs/sessions/correct_leak.py out/correct_leak
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from driver import Session
from qtpy.QtCore import Qt

from napari_spinalq.gui.along.dock import AlongDock
from napari_spinalq.gui.convert import mm_to_world

LEVEL = "C4"
LEAK_SLICES, LEAK_MM = 5, 4.0
AROUND_SLICES, BUMP = 15, 1.05
"""What stands out by more than a twentieth from the slices around it is taken for the leak."""

FAR_SLICES = 40
"""The views stand this far above the leak when it is looked for."""

ERASER_MM = 2.0
ASIDE_MM = (5.0, 8.0)
"""The leak reaches from the left edge of the cord this far into the CSF, mm from the middle of the cord."""


def main(folder: Path, theme: str = "dark", size: tuple[int, int] = (1366, 768)) -> None:
    """Do the session and print the numbers before and after."""
    session = Session(folder, theme=theme, size=size)
    desk, dock = session.desk, session.dock
    session.key(Qt.Key.Key_F7)
    session.wait()
    session.key(Qt.Key.Key_F8)
    session.wait()
    dock.show_page("Correct")
    row = [row["level"] for row in dock.measure_panel.model.rows()].index(LEVEL)
    dock.measure_panel.table.selectRow(row)
    session.key(Qt.Key.Key_F2)
    session.key(Qt.Key.Key_F6)
    session.wait()
    whole = desk.session.current.mask.data.copy()
    print_level(session, "as segmented")
    make_leak(session)
    found = find_leak(session)
    print(f"a click on the highest spike went to slice {desk.slices.here()}; the bump there: {found}")
    session.picture("1_found")
    mend(session, found)
    session.wait()
    session.picture("2_mended")
    print_level(session, "after the eraser")
    mask = desk.session.current.mask.data
    print(f"Dice with the mask before the leak: {dice(mask, whole):.4f}; slices edited: {sorted(edited(session))}")
    session.close()


def make_leak(session: Session) -> None:
    """Paint the leak slice by slice with the brush, as a bad outline would have it, and take it for the outline."""
    desk = session.desk
    top = desk.slices.here()
    session.key(Qt.Key.Key_D)
    desk.tools.set_size(LEAK_MM)
    for _ in range(LEAK_SLICES):
        session.drag([aside(session, mm) for mm in ASIDE_MM])
        session.key(Qt.Key.Key_Down)
    session.wait()
    print_level(session, "with the leak")
    work = desk.session.current
    work.versions.remember(work.mask.data, {})  # from here on the leak counts as what the outline was
    desk.session.remarks_changed.emit()
    desk.tools.use("move")
    desk.slices.go_to(top + FAR_SLICES)


def find_leak(session: Session) -> list[int]:
    """Click on the highest spike that the profile marks below C2-C3, and return the slices of the bump around it."""
    dock = session.window.findChildren(AlongDock)[0]
    course, profile = dock.scene.course, dock.profile
    spikes = [index for index in np.flatnonzero(profile.spikes).tolist() if course.slices_mm[index] > 0]
    highest = max(spikes, key=lambda index: profile.values[index])
    session.click_in_plot(dock.plot, dock.plot.profile.box, course.slices_mm[highest], profile.values[highest])
    session.wait()
    session.hover(aside(session, float(np.mean(ASIDE_MM))))
    usual = float(np.nanmedian(profile.values[highest - AROUND_SLICES : highest + AROUND_SLICES]))
    bump = [highest]
    for step in (1, -1):
        while profile.values[highest + step] > BUMP * usual:
            highest += step
            bump.append(highest)
        highest = bump[0]
    return sorted(bump, reverse=True)


def mend(session: Session, found: list[int]) -> None:
    """Erase the leak in each slice, and accept the slices around it by key."""
    desk = session.desk
    session.key(Qt.Key.Key_D)
    session.key(Qt.Key.Key_D)
    desk.tools.set_size(ERASER_MM)
    clean = max(found) + 1
    for index in found:
        desk.slices.go_to(index)
        for outside_mm in (ERASER_MM / 2, 1.5 * ERASER_MM):
            session.drag(around(session, clean, outside_mm))
    for _ in range(3):
        session.key(Qt.Key.Key_G)
    desk.slices.go_to(found[0])


def aside(session: Session, mm: float) -> np.ndarray:
    """Return the displayed world point this far to the patient's left of the cord's centerline, in the slice shown."""
    work = session.desk.session.current
    points = mm_to_world(work.centerline.points_mm, work.scan.grid)
    here = float(session.viewer.dims.point[-3])
    centre = points[np.argmin(np.abs(points[:, 0] - here))]
    return np.array([here, centre[1], centre[2] - mm])


def around(session: Session, clean: int, outside_mm: float) -> list[np.ndarray]:
    """Return points along the left side of the cord, this far outside of the ellipse that fits a clean slice."""
    mask = session.desk.session.current.mask
    rows, columns = np.nonzero(mask.data[clean])
    half_y, half_x = (2.0 * float(np.std(place)) * float(mask.scale[-1]) for place in (rows, columns))
    middle = mask.data_to_world((clean, rows.mean(), columns.mean()))
    here = float(session.viewer.dims.point[-3])
    angles = np.radians(np.linspace(-50, 50, 9))
    return [
        np.array([here, middle[1] + (half_y + outside_mm) * np.sin(a), middle[2] - (half_x + outside_mm) * np.cos(a)])
        for a in angles
    ]


def edited(session: Session) -> list[int]:
    """Return the slices that count as edited."""
    return np.flatnonzero(session.desk.session.current.edited_slices()).tolist()


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Dice coefficient of two binary masks."""
    return 2.0 * np.count_nonzero((a > 0) & (b > 0)) / (np.count_nonzero(a) + np.count_nonzero(b))


def print_level(session: Session, when: str) -> None:
    """Print the row of the level in question."""
    row = next(row for row in session.dock.measure_panel.model.rows() if row["level"] == LEVEL)
    print(
        f"{LEVEL} {when:18} area {row['area_mm2']:6.2f} mm2   RL {row['diameter_rl_mm']:5.2f} mm   "
        f"asymmetry {row['asymmetry_percent']:5.1f} %"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/correct_leak"), *sys.argv[2:3])

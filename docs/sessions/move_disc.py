"""A session by mouse and keys: a disc lies too low and one is missing; it is dragged, the gap filled, names shifted.

Run it under a display; the pictures go into the folder that is named::

    xvfb-run -a -s "-screen 0 1366x768x24" python docs/sessions/move_disc.py out/move_disc
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from driver import Session
from qtpy.QtCore import Qt

from napari_spinalq.gui.convert import mm_to_world
from napari_spinalq.gui.display import Plane, go_to
from napari_spinalq.levels.discs import Labelling

MOVED, MISSING = "C4-C5", "C5-C6"
TOO_LOW_MM = 5.0
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def main(folder: Path, theme: str = "dark", size: tuple[int, int] = (1366, 768)) -> None:
    """Do the session and print how many slices each level holds before and after."""
    session = Session(folder, theme=theme, size=size)
    desk, dock = session.desk, session.dock
    session.key(Qt.Key.Key_F7)
    session.wait()
    session.key(Qt.Key.Key_F8)
    session.wait()
    found = desk.session.labelling
    print_levels(session, "as found")
    spoil(session, found)
    print_levels(session, "spoilt")
    dock.show_page("Correct")
    desk.show_plane(Plane.SAGITTAL)
    go_to(session.viewer, place_of(session, MOVED))
    session.viewer.fit_to_view()
    desk.labeller.take_discs_in_hand()
    session.picture("1_spoilt")
    start = place_of(session, MOVED)
    session.drag([start, start + np.array([TOO_LOW_MM, 0, 0])])
    session.wait()
    print_levels(session, "dragged")
    session.key(Qt.Key.Key_F8, SHIFT)
    session.wait()
    print_levels(session, "gap filled")
    session.picture("2_mended")
    session.key(Qt.Key.Key_PageDown, CONTROL)
    session.wait()
    print("names one down:", ", ".join(disc.name for disc in desk.session.labelling.discs))
    session.picture("3_names_one_down")
    session.key(Qt.Key.Key_PageUp, CONTROL)
    session.wait()
    print_levels(session, "names back")
    for disc in found.discs:
        now = place_of(session, disc.name)
        away = float(np.linalg.norm(now - mm_to_world(disc.position_mm, desk.session.current.scan.grid)))
        print(f"  {disc.name}: {away:.1f} mm from where it was found")
    session.close()


def spoil(session: Session, found: Labelling) -> None:
    """Put one disc too low and leave out the next."""
    discs = []
    for disc in found.discs:
        if disc.name == MOVED:
            x, y, z = disc.position_mm
            discs.append(replace(disc, position_mm=(x, y, z - TOO_LOW_MM)))
        elif disc.name != MISSING:
            discs.append(disc)
    session.desk.session.set_labelling(replace(found, discs=tuple(discs)))
    session.wait()


def place_of(session: Session, name: str) -> np.ndarray:
    """Return the displayed world point of a disc."""
    disc = next(disc for disc in session.desk.session.labelling.discs if disc.name == name)
    return mm_to_world(disc.position_mm, session.desk.session.current.scan.grid)


def print_levels(session: Session, when: str) -> None:
    """Print how many slices the levels around the two discs hold."""
    rows = {row["level"]: row["slices"] for row in session.dock.measure_panel.model.rows()}
    print(
        f"{when:12} slices: " + "  ".join(f"{level} {rows.get(level, 0)}" for level in ("C3", "C4", "C5", "C6", "C7"))
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/move_disc"), *sys.argv[2:3])

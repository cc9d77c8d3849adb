"""How long the page Tracts holds up the main view, beside what is aimed at.

Run it under a display, on the sample exam with its true cord::

    xvfb-run -a -s "-screen 0 1366x768x24" python benchmarks/tracts_viewer.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from qtpy.QtWidgets import QApplication

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "sessions")]

from driver import Session  # noqa: E402

from napari_spinalq.gui.display import Plane  # noqa: E402
from napari_spinalq.gui.tracts.inputs import inputs_of  # noqa: E402
from napari_spinalq.gui.tracts.shown import show_over  # noqa: E402
from tests.gui.tract_cases import diffusion_result  # noqa: E402

SLICE_CHANGE_MS, MAPS_MS = 20.0, 100.0
"""Targets: what contours may add to a change of slice (little more than a frame), and how long a map may take to appear
after a click (up to a tenth of a second is felt as at once)."""

OUTLINES_MS = 1000.0
"""In the background, once after computing."""

STEPS = 40


def main() -> None:
    """Print each figure beside its target."""
    session = Session(Path("out"), pattern="*/*.*")
    desk = session.desk
    desk.show_plane(Plane.AXIAL)
    plain = slice_change_ms(session)
    result, like = diffusion_result(), desk.session.current.scan.grid
    shown, outlining = timed(lambda: show_over(result, like))
    desk.tracts.take("dwi", shown, inputs_of(desk.session))
    report("outlines of all tracts, in the background", outlining, OUTLINES_MS)
    report("change of slice, main contours: added", slice_change_ms(session) - plain, SLICE_CHANGE_MS)
    desk.tracts.overlays.show_everything(True)
    report("change of slice, all contours: added", slice_change_ms(session) - plain, SLICE_CHANGE_MS)
    _, map_ms = timed(lambda: desk.tracts.overlays.toggle("fa", True))
    report("a map appears", map_ms, MAPS_MS)
    session.close()


def slice_change_ms(session: Session) -> float:
    """Return the median time of a change of slice within the maps, without the drawing of the canvas."""
    dims = session.viewer.dims
    first = dims.current_step[0] - STEPS // 2
    taken = []
    for step in range(STEPS):
        _, ms = timed(lambda step=step: dims.set_current_step(0, first + step))
        taken.append(ms)
        QApplication.processEvents()
    dims.set_current_step(0, first + STEPS // 2)
    return float(np.median(taken))


def timed(deed: Callable[[], object]) -> tuple[object, float]:
    """Return what something gives, and how long it took, ms."""
    begun = time.perf_counter()
    given = deed()
    return given, 1e3 * (time.perf_counter() - begun)


def report(what: str, ms: float, target_ms: float) -> None:
    """Print a figure beside its target."""
    print(f"{what:45} {ms:8.1f} ms   target {target_ms:.0f} ms   {'met' if ms <= target_ms else 'MISSED'}")


if __name__ == "__main__":
    main()

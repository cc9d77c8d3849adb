"""Make the pictures of the README and of ``docs/viewer.md`` from the real app on the sample exam.

Run it under a display of at least 1366 x 768::

    xvfb-run -a -s "-screen 0 1366x768x24" .venv/bin/python docs/make_screenshots.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import napari
import pandas as pd
from napari._qt import qt_main_window
from napari.settings import get_settings
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_spinalq.contrast import Contrast
from napari_spinalq.gui.app import SAMPLE, add_dock
from napari_spinalq.gui.desk import Desk
from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.dock import SpinalCordDock
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.levels.discs import Disc
from napari_spinalq.vertebrae import disc_number

IMAGES = Path(__file__).parent / "images"
SIZE = (1366, 768)
CLICKED = "C2-C3"
COLOURS = 256
PATIENCE_S = 120


def main() -> None:
    """Do the main job as a reader would and keep a picture of each step."""
    IMAGES.mkdir(exist_ok=True)
    qt_main_window.SHOW_QT_WARNING = False
    get_settings().application.save_window_geometry = False
    get_settings().appearance.theme = "dark"
    viewer = napari.Viewer(title="napari-spinalq")
    viewer.window._qt_window.setGeometry(0, 0, *SIZE)
    dock = add_dock(viewer)
    desk = dock.desk
    desk.workbench.use(True)
    _wait(desk)
    dock.segment_panel.segment.click()
    _wait(desk)
    desk.labeller.find(_reader_click())
    _wait(desk)
    dock.measure_panel.table.selectRow(3)
    viewer.fit_to_view()
    _keep(viewer, "viewer_sagittal")
    dock.segment_panel.paint.click()
    _keep(viewer, "viewer_axial")
    get_settings().appearance.theme = "light"
    dock.view_bar.planes[Plane.CORONAL].click()
    _keep(viewer, "viewer_light")
    get_settings().appearance.theme = "dark"
    _draw_grey_matter(dock)
    _keep(viewer, "viewer_grey_matter")
    desk.session.mark_saved()
    viewer.close()


def _draw_grey_matter(dock: SpinalCordDock) -> None:
    """Segment cord, canal and grey matter of the T2* scan, and take the brush for the last."""
    desk, files = dock.desk, dock.desk.session.exam.files
    desk.opener.choose(next(index for index, file in enumerate(files) if file.contrast is Contrast.T2STAR))
    _wait(desk)
    for name in ("cord", "canal", "gm"):
        desk.session.choose_structure(name)
        dock.segment_panel.segment.click()
        _wait(desk)
    dock.measure_panel.table.selectRow(2)
    dock.segment_panel.paint.click()


def _reader_click() -> Disc:
    """Return the disc that a reader would click on, from the truth of the sample exam."""
    name = f"sub-{SAMPLE}"
    table = pd.read_csv(sample_folder() / "derivatives" / "truth" / name / "anat" / f"{name}_discs.tsv", sep="\t")
    place = table.set_index("disc").loc[CLICKED, ["x_mm", "y_mm", "z_mm"]]
    return Disc(disc_number(CLICKED), tuple(float(value) for value in place))


def _wait(desk: Desk) -> None:
    _spin(lambda: desk.session.current is not None and not desk.runner.busy and desk.measurer.settled)


def _spin(done: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the app did not finish its work")
        QApplication.processEvents()
        time.sleep(0.01)


def _keep(viewer: napari.Viewer, name: str) -> None:
    ready = time.monotonic() + 1.5  # highlights fade and the canvas is drawn
    _spin(lambda: time.monotonic() > ready)
    picture = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
    path = IMAGES / f"{name}.png"
    picture.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    print(f"{path} {picture.size[0]} x {picture.size[1]}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

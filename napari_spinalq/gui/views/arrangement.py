"""Which panes stand where in each layout. No Qt is known here."""

from __future__ import annotations

from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.views.crossview import other_plane

ONE, COLUMN, GRID = "one", "column", "grid"
OTHER = "other "
"""Begins the key of a pane that shows what is compared with; the plane follows."""

PLANES = (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)
BESIDE = (Plane.SAGITTAL, Plane.AXIAL)
"""Planes that are shown side by side: the long one finds the level, the other shows what is measured."""

WIDTHS = {ONE: 230, COLUMN: 250, GRID: 430}
"""Width (pixels) that each layout needs: on a screen of 1366 pixels the canvas keeps 520 or more."""

PARTS = {ONE: 0.15, COLUMN: 0.18, GRID: 0.31}
"""Part of the window that each layout takes where there is more room."""

Places = dict[str, tuple[int, int]]


def asked_width(layout: str, window_width: int, *, side: bool = False) -> int:
    """Return the width (pixels) that the panes ask for in a window of this width."""
    shape = GRID if side else layout
    return max(WIDTHS[shape], round(PARTS[shape] * window_width))


def arrangement(layout: str, main: Plane | None, *, side: bool = False) -> Places:
    """Return row and column of each pane that is shown.

    Parameters
    ----------
    layout : str
        ``"one"`` (the plane across the main view), ``"column"`` (what the main view does not show, three at most) or
        ``"grid"`` (all planes and 3-D).
    main : Plane, optional
        What the main view shows.
    side : bool
        Two scans are compared side by side, which takes the place of the layout.
    """
    if side:
        ways = ("", OTHER)
        return {f"{way}{plane}": (line, column) for column, way in enumerate(ways) for line, plane in enumerate(BESIDE)}
    if layout == ONE:
        return {str(other_plane(main)): (0, 0)}
    if layout == GRID:
        four = (Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL, Plane.VOLUME)
        return {str(plane): divmod(place, 2) for place, plane in enumerate(four)}
    left = [*(plane for plane in PLANES if plane is not main), Plane.VOLUME]
    return {str(plane): (line, 0) for line, plane in enumerate(left[:3])}

"""How a scan is turned towards the reader: planes, and which side of the patient is shown on the left."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from napari.components import ViewerModel

CORD_VIEW_MM = 70.0
"""Width of the view (mm) when it closes in on the cord: the canal, the vertebra and a margin for the brush."""

LETTERS = (("I", "S"), ("P", "A"), ("L", "R"))
"""For the displayed axes z, y, x: the letter where the axis begins and where it ends."""


class Plane(StrEnum):
    """What the main view shows."""

    AXIAL = "Axial"
    SAGITTAL = "Sagittal"
    CORONAL = "Coronal"
    VOLUME = "3-D"


class Convention(StrEnum):
    """Which side of the patient lies on the left of the screen."""

    RADIOLOGICAL = "radiological"
    NEUROLOGICAL = "neurological"


_ORDER = {
    Plane.AXIAL: (0, 1, 2),
    Plane.SAGITTAL: (2, 0, 1),
    Plane.CORONAL: (1, 0, 2),
    Plane.VOLUME: (0, 1, 2),
}
_ORIENTATION = {
    # The first word keeps 3-D true: with the right on the left, superior must point away, or the patient is mirrored.
    Convention.RADIOLOGICAL: ("away", "up", "left"),
    Convention.NEUROLOGICAL: ("towards", "up", "right"),
}
_FROM_THE_FRONT = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0))
"""View direction and up direction (z, y, x) of the 3-D view: the reader faces the patient."""


def use_convention(viewer: ViewerModel, convention: Convention) -> None:
    """Turn the camera so that the wanted side lies on the left; superior or anterior is up in both."""
    viewer.scene.camera.orientation = _ORIENTATION[convention]


def show_plane(viewer: ViewerModel, plane: Plane) -> None:
    """Show a plane and fit the image to the canvas; the position along all axes stays."""
    extra = viewer.dims.ndim - 3
    if extra < 0:
        return
    viewer.dims.order = (*range(extra), *(extra + axis for axis in _ORDER[plane]))
    viewer.dims.ndisplay = 3 if plane is Plane.VOLUME else 2
    viewer.fit_to_view()
    if plane is Plane.VOLUME:
        viewer.scene.camera.set_view_direction(*_FROM_THE_FRONT)


def current_plane(viewer: ViewerModel) -> Plane | None:
    """Return the plane on display; None if the axes were rolled to another order by hand."""
    if viewer.dims.ndisplay == 3:
        return Plane.VOLUME
    shown = {axis - (viewer.dims.ndim - 3) for axis in viewer.dims.displayed}
    planes = {frozenset(_ORDER[plane][1:]): plane for plane in (Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL)}
    return planes.get(frozenset(shown))


def go_to(viewer: ViewerModel, world: ArrayLike) -> None:
    """Move the slices and the centre of the view to a displayed world point (z, y, x)."""
    point = np.asarray(world, dtype=float)
    extra = viewer.dims.ndim - 3
    viewer.dims.set_point(tuple(range(extra, extra + 3)), tuple(float(value) for value in point))
    shown = [axis - extra for axis in viewer.dims.displayed]
    centre = [float(point[axis]) for axis in shown]
    viewer.scene.camera.center = centre if len(centre) == 3 else (0.0, *centre)


def stand_at(viewer: ViewerModel, world: ArrayLike) -> None:
    """Move the slices to a displayed world point (z, y, x); the view moves along only if the point is out of it."""
    point = np.asarray(world, dtype=float)
    extra = viewer.dims.ndim - 3
    viewer.dims.set_point(tuple(range(extra, extra + 3)), tuple(float(value) for value in point))
    if viewer.dims.ndisplay == 2 and not _in_view(viewer, point):
        go_to(viewer, point)


def _in_view(viewer: ViewerModel, point: np.ndarray) -> bool:
    """Tell whether a point of the displayed plane lies on the canvas."""
    shown = [axis - (viewer.dims.ndim - 3) for axis in viewer.dims.displayed]
    away = np.abs(point[shown] - np.asarray(viewer.scene.camera.center[-2:])) * viewer.scene.camera.zoom
    return bool(np.all(away <= np.asarray(viewer.canvas.size) / 2))


def world_at(viewer: ViewerModel, down: float, right: float) -> np.ndarray:
    """Return the displayed world point (z, y, x) at a place of the canvas of a 2-D view, in the slice on display.

    Parameters
    ----------
    viewer : ViewerModel
        With at least three dimensions.
    down, right : float
        Pixels from the upper left corner of the canvas.
    """
    point, camera = position(viewer), viewer.scene.camera
    height, width = viewer.canvas.size
    _, vertical, horizontal = (str(word) for word in camera.orientation)
    signs = np.array([-1.0 if vertical == "up" else 1.0, -1.0 if horizontal == "left" else 1.0])
    away = np.array([down - height / 2, right - width / 2]) * signs / camera.zoom
    point[[axis - (viewer.dims.ndim - 3) for axis in viewer.dims.displayed]] = camera.center[-2:] + away
    return point


def position(viewer: ViewerModel) -> np.ndarray:
    """Return the displayed world point (z, y, x) at which the slices stand."""
    return np.asarray(viewer.dims.point[-3:], dtype=float)


def zoom_on_cord(viewer: ViewerModel, world: ArrayLike) -> None:
    """Close in on a point of the cord (z, y, x), as far as the axial view calls for."""
    go_to(viewer, world)
    viewer.scene.camera.zoom = min(viewer.canvas.size) / CORD_VIEW_MM


def edge_letters(viewer: ViewerModel) -> dict[str, str]:
    """Return the anatomical letter for each edge of the canvas: keys left, right, top, bottom; empty in 3-D."""
    extra = viewer.dims.ndim - 3
    if viewer.dims.ndisplay != 2 or extra < 0 or min(viewer.dims.displayed) < extra:
        return {}
    vertical, horizontal = (LETTERS[axis - extra] for axis in viewer.dims.displayed)
    _, up, across = (str(word) for word in viewer.scene.camera.orientation)
    bottom, top = vertical if up == "up" else vertical[::-1]
    right, left = horizontal if across == "left" else horizontal[::-1]
    return {"left": left, "right": right, "top": top, "bottom": bottom}

"""The brush: a disc or ball of a size in millimetres, swept along the way of the pointer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.editing.edge import EdgeRule
from napari_spinalq.editing.planes import (
    Canvas,
    Planes,
    Window,
    check_across,
    check_index,
    check_spacing,
    window_between,
)
from napari_spinalq.editing.stroke import (
    ROUNDING_MM,
    along_line,
    check_path,
    nearest_voxel,
    squared_distance,
    stretches,
)
from napari_spinalq.errors import InputError


@dataclass(frozen=True)
class Brush:
    """What is drawn with.

    Attributes
    ----------
    diameter_mm : float
        Of the disc or ball, in true millimetres.
    ball : bool
        A ball through the slices instead of a disc in the displayed plane.
    value : int
        What it paints: 1 the structure, 0 to erase.
    edge_aware : bool
        Stop at edges of the image, see :mod:`napari_spinalq.editing.edge`.

    Raises
    ------
    InputError
        If the diameter is not a positive number.
    """

    diameter_mm: float
    ball: bool = False
    value: int = 1
    edge_aware: bool = False

    def __post_init__(self) -> None:
        if not np.isfinite(self.diameter_mm) or self.diameter_mm <= 0:
            raise InputError(f"The diameter of a brush must be more than 0 mm, not {self.diameter_mm}.")

    @property
    def radius_mm(self) -> float:
        """Half of the diameter, mm."""
        return self.diameter_mm / 2


def painted(
    mask: NDArray,
    spacing_mm: ArrayLike,
    path: ArrayLike,
    brush: Brush,
    *,
    across: int = 0,
    image: NDArray | None = None,
    within: NDArray | None = None,
    start: ArrayLike | None = None,
) -> Planes:
    """Paint along the way of the pointer.

    A voxel is painted if its centre lies within the radius of the way, measured in mm; the voxels under the pointer
    are always painted, however small the brush is.

    Parameters
    ----------
    mask : array of uint8, shape (z, y, x)
        In work order.
    spacing_mm : (3,) array
        Voxel size along z, y, x, mm.
    path : (n, 3) array
        Places that the pointer went through, fractional voxels z, y, x; lines between them are swept. A path that
        changes its plane is swept within each plane.
    brush : Brush
        What is drawn with.
    across : int
        Axis across the displayed plane in which a disc lies: 0 axial, 1 coronal, 2 sagittal. A ball ignores it.
    image : array, shape of ``mask``, optional
        Grey values; an edge-aware brush needs them.
    within : array, shape of ``mask``, optional
        Painting (not erasing) is restricted to voxels that are not 0 here.
    start : (3,) array, optional
        Where the stroke began, whose grey level an edge-aware brush takes up; by default the first place of ``path``.

    Returns
    -------
    Planes
        New planes of the slices that change.

    Raises
    ------
    InputError
        If the path is empty or lies in a plane that the scan does not have, or an array has another shape.
    """
    check_across(across)
    spacing, places = check_spacing(spacing_mm), check_path(path)
    canvas = Canvas(mask, brush.value, within)
    flat = None if brush.ball else across
    rule = None
    if brush.edge_aware:
        level_axis = int(np.argmax(spacing)) if flat is None else flat
        rule = EdgeRule.at(image, mask.shape, places[0] if start is None else check_path(start)[0], level_axis)
    for first, last in _in_plane(mask, places, flat):
        window, hit, pointer = _swept(mask.shape, spacing, first, last, brush.radius_mm, flat)
        if hit.size:
            canvas.put(window, hit if rule is None else rule.kept(window, hit, pointer))
    return canvas.planes


def _in_plane(
    mask: NDArray, places: NDArray[np.float64], flat: int | None
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the lines to sweep: for a disc those within one plane, drawn onto the middle of its voxels."""
    if flat is None:
        return stretches(places)
    drawn = places.copy()
    drawn[:, flat] = nearest_voxel(places[:, flat])
    for index in (drawn[:, flat].min(), drawn[:, flat].max()):
        check_index(mask, int(index), flat)
    runs = np.split(drawn, np.flatnonzero(np.diff(drawn[:, flat])) + 1)
    return [line for run in runs for line in stretches(run)]


def _swept(
    shape: tuple[int, ...],
    spacing: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    radius_mm: float,
    flat: int | None,
) -> tuple[Window, NDArray[np.bool_], NDArray[np.int_]]:
    """Return a box of voxels, which of them a line sweeps, and the voxels under the pointer, (n, 3) within the box."""
    pointer = nearest_voxel(along_line(first, last))
    pointer = pointer[((pointer >= 0) & (pointer < np.asarray(shape))).all(axis=1)]
    reach = radius_mm / spacing
    if flat is not None:
        reach[flat] = 0.0
    low = nearest_voxel(np.minimum(first, last) - reach)
    high = nearest_voxel(np.maximum(first, last) + reach) + 1
    window = window_between(low, high, shape)
    grids = np.ogrid[window]
    millimetres = [grid * step for grid, step in zip(grids, spacing, strict=True)]
    hit = squared_distance(millimetres, first * spacing, last * spacing) <= (radius_mm + ROUNDING_MM) ** 2
    pointer = pointer - [box.start for box in window]
    hit[tuple(pointer.T)] = True
    return window, hit, pointer

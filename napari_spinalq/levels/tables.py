"""Disc lists as tables, and disc labels of other tools as disc lists."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Disc, Origin, by_number
from napari_spinalq.vertebrae import FIRST_DISC, LAST_DISC, disc_name, disc_number

COLUMNS = ("name", "x_mm", "y_mm", "z_mm", "origin")

OTHER_LANDMARKS = frozenset({1, 25, 26, 49, 50, 60})
"""Values of point labels that are no disc between C1 and L5: top of C1, L5-S1, sacral, pontomedullary groove and
junction, end of the conus. They are left out."""

SAME_POINT_MM = 3.0
"""Voxels of one value within this distance (mm) of their centre are one point drawn thick."""


def discs_to_table(discs: Iterable[Disc]) -> pd.DataFrame:
    """Return discs as rows: name, x_mm, y_mm, z_mm (RAS mm), origin; C1-C2 first."""
    rows = [(disc.name, *disc.position_mm, disc.origin.value) for disc in by_number(discs)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def discs_from_table(table: pd.DataFrame) -> tuple[Disc, ...]:
    """Read discs from rows as :func:`discs_to_table` gives them.

    Parameters
    ----------
    table : DataFrame
        Columns name, x_mm, y_mm, z_mm and, optionally, origin (clicked by default: someone placed the point).

    Raises
    ------
    InputError
        If a column is missing, a name is no disc, a place is no number, or an origin is unknown.
    """
    missing = [column for column in COLUMNS[:4] if column not in table.columns]
    if missing:
        raise InputError(f"The disc table has no column {missing[0]!r}; it needs {', '.join(COLUMNS[:4])}.")
    return by_number(_disc_from_row(row) for row in table.to_dict("records"))


def _disc_from_row(row: dict) -> Disc:
    number = disc_number(str(row["name"]))
    try:
        position = (float(row["x_mm"]), float(row["y_mm"]), float(row["z_mm"]))
        origin = Origin(str(row.get("origin", Origin.CLICKED)))
    except ValueError as error:
        raise InputError(f"The row of {disc_name(number)} in the disc table is not usable: {error}.") from None
    return Disc(number, position, origin)


def discs_from_label_volume(data: NDArray, grid: Grid) -> tuple[Disc, ...]:
    """Read point labels: single voxels (or small blobs) that hold the number of the level below the disc.

    This is the convention of Spinal Cord Toolbox (3 = C2-C3; De Leener et al. 2017, NeuroImage 145, 24-43,
    doi:10.1016/j.neuroimage.2016.10.009).

    Parameters
    ----------
    data : array, shape ``grid.shape``
        0 where there is no label. Landmarks that are no disc (:data:`OTHER_LANDMARKS`) are left out.
    grid : Grid
        Grid of ``data``.

    Returns
    -------
    tuple of Disc
        From C1-C2 downwards, origin ``CLICKED``.

    Raises
    ------
    InputError
        If there is no disc, a value is no disc number, or one value lies at two places.
    """
    values = np.unique(data[data != 0])
    discs = [_point_of(value, data, grid) for value in values if value not in OTHER_LANDMARKS]
    if not discs:
        raise InputError("The label volume holds no disc; it needs single voxels that hold 3 for C2-C3, and so on.")
    return tuple(discs)


def _point_of(value: float, data: NDArray, grid: Grid) -> Disc:
    if value != round(value) or not FIRST_DISC <= value <= LAST_DISC:
        raise InputError(
            f"The label volume holds the value {value:g}, which is no disc; "
            f"they run from {FIRST_DISC} (C1-C2) to {LAST_DISC} (L4-L5)."
        )
    points_mm = grid.voxel_to_mm(np.argwhere(data == value))
    centre = points_mm.mean(axis=0)
    if np.linalg.norm(points_mm - centre, axis=1).max() > SAME_POINT_MM:
        raise InputError(f"The label volume holds {disc_name(int(value))} at two places; remove one.")
    return Disc(int(value), tuple(centre.tolist()))

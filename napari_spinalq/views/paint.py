"""Pictures of a plane: grey values, masks over them, and two pictures in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""Shape (rows, columns, 3), top row first."""

GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
"""Black to white, shape (256, 3)."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """A mask over a picture.

    Attributes
    ----------
    inside : array, shape (rows, columns)
        Where it is not 0.
    colour : str
        ``"#RRGGBB"``.
    opacity : float
        0 to 1.
    outline : int
        Width of the outline in voxels; 0 fills the mask.
    """

    inside: NDArray
    colour: str
    opacity: float
    outline: int = 0


def grey_picture(values: NDArray, low: float, high: float, colours: NDArray[np.uint8] = GREYS) -> Picture:
    """Return values as a picture: the first of ``colours`` (256, 3) at ``low`` and under it, the last from ``high``."""
    scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(255.0 / max(high - low, 1e-12))
    np.clip(scaled, 0, 255, out=scaled)
    return colours[(scaled + np.float32(0.5)).astype(np.uint8)]


def paint_over(picture: Picture, overlays: Sequence[Overlay]) -> Picture:
    """Paint masks on a picture, in the given order; the picture itself is changed and returned."""
    for overlay in overlays:
        inside = overlay.inside != 0
        shown = rim(inside, overlay.outline) if overlay.outline else inside
        if not shown.any():
            continue
        under = picture[shown].astype(np.float32)
        picture[shown] = (under + overlay.opacity * (rgb(overlay.colour) - under) + 0.5).astype(np.uint8)
    return picture


def rgb(colour: str) -> NDArray[np.float32]:
    """Return a colour ``"#RRGGBB"`` as three numbers of 0 to 255.

    Examples
    --------
    >>> rgb("#FF8000").tolist()
    [255.0, 128.0, 0.0]
    """
    return np.frombuffer(bytes.fromhex(colour.lstrip("#")), np.uint8).astype(np.float32)


def rim(inside: NDArray[np.bool_], width: int = 1) -> NDArray[np.bool_]:
    """Return the outermost voxels of a plane of a mask, ``width`` deep; where the plane ends, the mask does not."""
    core = inside.copy()
    for _ in range(width):
        grown = np.pad(core, 1, mode="edge")
        core = core & grown[:-2, 1:-1] & grown[2:, 1:-1] & grown[1:-1, :-2] & grown[1:-1, 2:]
    return inside & ~core


def curtain(first: Picture, second: Picture, fraction: float) -> Picture:
    """Return the first picture on the left of a vertical line and the second on its right.

    Parameters
    ----------
    first, second : array, shape (rows, columns, 3)
        Pictures of the same plane.
    fraction : float
        Where the line is, 0 (left edge) to 1.
    """
    column = round(float(np.clip(fraction, 0, 1)) * first.shape[1])
    return np.concatenate([first[:, :column], second[:, column:]], axis=1)


def checkerboard(first: Picture, second: Picture, field: tuple[int, int]) -> Picture:
    """Return two pictures of the same plane in turn, in fields of (rows, columns); the first is at the top left."""
    rows, columns = (np.arange(length) // max(1, size) for length, size in zip(first.shape[:2], field, strict=True))
    odd = (rows[:, None] + columns[None, :]) % 2 == 1
    return np.where(odd[..., None], second, first)

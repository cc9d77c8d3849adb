"""The strip as pixels: grey values and the masks over them. No Qt is known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True, eq=False)
class Overlay:
    """A mask as it lies over the strip.

    Attributes
    ----------
    inside : (along, across) array of bool
        Samples within the structure.
    colour : str
        ``"#RRGGBB"``.
    opacity : float
        0..1.
    outline : bool
        Whether only its rim is shown.
    """

    inside: NDArray[np.bool_]
    colour: str
    opacity: float
    outline: bool


def grey(values: NDArray[np.float32], window: tuple[float, float]) -> NDArray[np.uint8]:
    """Return 0..255 for values within a grey window, shape kept; black where there is no value."""
    low, high = window
    shown = np.clip((values - low) * (255.0 / max(high - low, np.finfo(np.float32).tiny)), 0.0, 255.0)
    return np.nan_to_num(shown, nan=0.0).astype(np.uint8)


def painted_over(shape: tuple[int, int], overlays: Sequence[Overlay]) -> NDArray[np.uint8]:
    """Return red, green, blue and opacity, shape (*shape, 4); later overlays lie over earlier ones."""
    pixels = np.zeros((*shape, 4), dtype=np.uint8)
    for one in overlays:
        shown = one.inside & ~ndimage.binary_erosion(one.inside) if one.outline else one.inside
        pixels[shown] = (*bytes.fromhex(one.colour.lstrip("#")), round(255 * one.opacity))
    return pixels

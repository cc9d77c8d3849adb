"""What the brush is set to: one value that page, keys and mouse share."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_MM, LARGEST_MM = 0.3, 20.0
"""From a single voxel of the finest cord scans to wider than any canal."""

USUAL_MM = 2.0
"""A few voxels: a bulge of the outline is taken with one stroke."""

SIZES_MM = (0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 15.0, 20.0)
"""Steps of the keys, each about 1.4 times the one before: every second one doubles the size."""

WITHIN = {"gm": "cord", "cord": "canal"}
"""Which structure can hold painting in: grey matter lies inside the cord, the cord inside the canal."""

NAPARI_MODES = {"paint": "paint", "erase": "erase", "fill": "fill", "polygon": "polygon", "move": "pan_zoom"}
"""The mode of a labels layer in which each tool is in the hand."""

TOOLS = tuple(NAPARI_MODES)


@dataclass(frozen=True)
class BrushSettings:
    """How the brush paints.

    Attributes
    ----------
    diameter_mm : float
        Of the disc or ball, true mm, ``SMALLEST_MM`` to ``LARGEST_MM``.
    ball : bool
        Paint through neighbouring slices too, else in the displayed plane only.
    edge_aware : bool
        Stop where the image changes.
    inside_only : bool
        Add only inside the structure around (:data:`WITHIN`), if it is drawn.
    """

    diameter_mm: float = USUAL_MM
    ball: bool = False
    edge_aware: bool = False
    inside_only: bool = False


def next_size(diameter_mm: float, step: int) -> float:
    """Return the next larger (``step`` 1) or smaller (-1) size of the keys, mm.

    Examples
    --------
    >>> next_size(2.0, 1), next_size(2.5, -1), next_size(20.0, 1)
    (2.8, 2.0, 20.0)
    """
    if step > 0:
        return next((size for size in SIZES_MM if size > diameter_mm), LARGEST_MM)
    return next((size for size in reversed(SIZES_MM) if size < diameter_mm), SMALLEST_MM)

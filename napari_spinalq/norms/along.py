"""The healthy range drawn along a person's own cord."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.norms.reference import SD_TO_CENTRAL_95, Reference


@dataclass(frozen=True, eq=False)
class Band:
    """A range along the cord as the corners of its two outlines; arrays of equal length n.

    Attributes
    ----------
    along_mm : (n,) array
        Places along the cord, ascending.
    lower, upper : (n,) arrays
        2.5th and 97.5th percentile there.
    """

    along_mm: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def band_along(reference: Reference, spans_mm: Mapping[int, tuple[float, float]]) -> Band | None:
    """Lay a reference along a cord.

    The mean and the SD of a level stand at its middle and go linearly from middle to middle; outside the middles of the
    outermost levels they stay as they are to the end of these levels.

    Parameters
    ----------
    reference : Reference
        Per level.
    spans_mm : mapping of int to (float, float)
        Where each level begins and ends on this cord, mm; it grows with the number of the level.

    Returns
    -------
    Band, optional
        None if the cord shows no level of the reference.
    """
    levels = [level for level in sorted(spans_mm) if level in reference.levels]
    if not levels:
        return None
    middles = [sum(spans_mm[level]) / 2 for level in levels]
    along = np.array([spans_mm[levels[0]][0], *middles, spans_mm[levels[-1]][1]])
    norms = [reference.levels[level] for level in levels]
    mean = np.interp(along, middles, [norm.mean for norm in norms])
    half = SD_TO_CENTRAL_95 * np.interp(along, middles, [norm.sd for norm in norms])
    return Band(along, mean - half, mean + half)

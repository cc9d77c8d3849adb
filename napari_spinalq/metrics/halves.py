"""Parts of a slice on either side of a line: left and right, before and behind, and the central band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAT_RATIO = 1e-6
"""A pixel seen along its own edge has a side shorter than this fraction of the other: it is then a plain box."""


def fraction_beyond(distance: NDArray[np.float64], first: float, second: float) -> NDArray[np.float64]:
    """Return the part of each pixel that lies on the positive side of a line, 0..1.

    Seen along the line, a pixel is a box of width |first| smeared by one of width |second|: a trapezoid. Its integral
    is exact for any direction of the line.

    Parameters
    ----------
    distance : array
        Signed distance of pixel centres from the line.
    first, second : float
        Extents of a pixel's two edges across the line, in the same unit.

    Examples
    --------
    >>> fraction_beyond(np.array([-0.5, 0.0, 0.25, 0.5]), 1.0, 0.0).tolist()
    [0.0, 0.5, 0.75, 1.0]
    """
    wide, narrow = max(abs(first), abs(second)), min(abs(first), abs(second))
    if narrow < FLAT_RATIO * wide:
        return np.clip(distance / wide + 0.5, 0.0, 1.0)
    near, far = (wide - narrow) / 2, (wide + narrow) / 2
    ramp = _half_square(distance + far) - _half_square(distance + near)
    return (ramp - _half_square(distance - near) + _half_square(distance - far)) / (wide * narrow)


def _half_square(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(value, 0.0) ** 2 / 2

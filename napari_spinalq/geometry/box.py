"""The part of an array in which something lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def box_around(mask: NDArray, margin_voxels: Sequence[int]) -> tuple[slice, ...]:
    """Return the smallest box around what a mask holds, wider by a margin on either side, within the array.

    Parameters
    ----------
    mask : array
        Inside where it is not 0.
    margin_voxels : sequence of int
        Of each axis.

    Returns
    -------
    tuple of slice
        One for each axis; the whole array for an empty mask.

    Examples
    --------
    >>> box_around(np.array([[0, 0, 0, 0], [0, 0, 0, 1]]), (0, 2))
    (slice(1, 2, None), slice(1, 4, None))
    """
    spans = []
    for axis, (size, margin) in enumerate(zip(mask.shape, margin_voxels, strict=True)):
        held = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        low, high = (int(held[0]) - margin, int(held[-1]) + 1 + margin) if len(held) else (0, size)
        spans.append(slice(max(0, low), min(size, high)))
    return tuple(spans)

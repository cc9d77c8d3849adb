"""White matter: the cord less its grey matter, voxel by voxel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def white_matter(cord: NDArray, grey_matter: NDArray) -> NDArray[np.float32]:
    """Return the share of white matter of each voxel, in the slices that hold grey matter.

    w = max(c - g, 0), with c and g the shares of cord and grey matter (0 and 1 in binary masks). Where grey matter lies
    within the cord, the area of a slice is therefore that of the cord less that of grey matter, exactly. A slice in
    which no grey matter is drawn holds no white matter either: it is unknown there.

    Parameters
    ----------
    cord, grey_matter : array, shape (n_slices, n_y, n_x)
        0..1, in work order.

    Returns
    -------
    array of float32, same shape
        0..1.
    """
    share = np.clip(np.asarray(cord, np.float32) - np.asarray(grey_matter, np.float32), 0.0, 1.0)
    share[~np.asarray(grey_matter).any(axis=(1, 2))] = 0.0
    return share

"""How well one image explains another around the cord, whatever their contrasts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.registration.field import SliceFrame

BINS = 8
"""Classes of the explaining image, equally frequent: cord, CSF, bone and disc with room for partial volume. About 300
pixels around a cord fill each of them with forty."""

AROUND_MM = 6.0
"""How far from the cord values count, mm: CSF and the wall of the canal, which every contrast shows."""


def around(mask_work: NDArray, frame: SliceFrame, reach_mm: float = AROUND_MM) -> NDArray[np.bool_]:
    """Return the pixels of each slice within and near a mask in work order; NaN counts as outside."""
    inside = np.nan_to_num(mask_work) >= 0.5
    spacing = frame.grid.spacing[1:]
    near = np.zeros(inside.shape, dtype=bool)
    for index in np.flatnonzero(inside.any(axis=(1, 2))):
        near[index] = ndimage.distance_transform_edt(~inside[index], sampling=spacing) <= reach_mm
    return near


def class_shares(values: NDArray) -> NDArray[np.float64]:
    """Return which pixels belong to which class, as rows that give the mean over a class, shape (BINS, n)."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    classes = ranks * BINS // len(values)
    member = (classes == np.arange(BINS)[:, None]).astype(float)
    return member / np.maximum(member.sum(axis=1, keepdims=True), 1)


def correlation_ratio(explaining: NDArray, explained: NDArray) -> NDArray[np.float64]:
    """Return the share of the variance of one image that the classes of another explain, 0..1.

    The correlation ratio of Roche et al. 1998, doi:10.1007/BFb0056301, with equally frequent classes: it asks only
    that places of one grey value in one image have one grey value in the other.

    Parameters
    ----------
    explaining : (n,) array
        Values of one image.
    explained : (n, ...) array
        Values of the other at the same places, perhaps many times.

    Returns
    -------
    array, shape ``explained.shape[1:]``
        0 where the other image does not vary.

    Examples
    --------
    >>> float(correlation_ratio(np.arange(16), -np.repeat(np.arange(8.0), 2)))
    1.0
    """
    values = np.asarray(explained, dtype=float)
    centred = values - values.mean(axis=0)
    means = np.tensordot(class_shares(explaining), centred, axes=1)
    total = np.asarray((centred**2).mean(axis=0))
    return np.asarray((means**2).mean(axis=0) / np.where(total > 0, total, np.inf))


def slice_similarity(source_work: NDArray, target_work: NDArray, near: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the correlation ratio of two images in each slice, where both are known; NaN without enough pixels."""
    found = np.full(len(near), np.nan)
    for index in np.flatnonzero(near.any(axis=(1, 2))):
        chosen = near[index] & np.isfinite(source_work[index]) & np.isfinite(target_work[index])
        if chosen.sum() >= 2 * BINS:
            found[index] = correlation_ratio(source_work[index][chosen], target_work[index][chosen])
    return found
